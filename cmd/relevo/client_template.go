package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newTemplateCommand() *cobra.Command {
	return group("template", "List, read again and hand in the message templates of a channel",
		r.newTemplateListCommand(), r.newTemplateSyncCommand(), r.newTemplateSubmitCommand())
}

var templateColumns = [...]column{
	{"NAME", "name", nil},
	{"LANGUAGE", "language", nil},
	{"CATEGORY", "category", nil},
	{"STATUS", "status", nil},
	{"VARIABLES", "variables", nil},
	{"BODY", "body", clip},
	{"REASON", "reason", clip},
}

// without are kinds of channels that have no templates.
var without = []string{"sandbox", "infobip_viber"}

// withTemplates is the id of a channel: the one that was named, or the only
// one that has templates.
func (r *remote) withTemplates(ctx context.Context, named string) (string, error) {
	return r.onlyChannel(ctx, named, choice{
		of:      func(kind string) bool { return !slices.Contains(without, kind) },
		none:    "The workspace has no channel with templates. `relevo channel create --help` shows how to connect one.",
		several: "There are several channels with templates.",
	})
}

// onTemplates makes a call about the templates of a channel.
func (r *remote) onTemplates(ctx context.Context, channel string, call client.Call) (client.Answer, error) {
	id, err := r.withTemplates(ctx, channel)
	if err != nil {
		return client.Answer{}, err
	}
	call.Path = "/templates" + call.Path
	return r.channel(ctx, id, call)
}

func (r *remote) newTemplateListCommand() *cobra.Command {
	var channel, status string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the templates, as they were last read from the provider",
		Example: "  relevo template list\n  relevo template list --status approved",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.onTemplates(cmd.Context(), channel, client.Call{Method: http.MethodGet})
			if err != nil {
				return err
			}
			return r.tellTemplates(a, status)
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "the channel's `id` (default: the only one with templates)")
	cmd.Flags().StringVar(&status, "status", "", "only those with this `status`: approved, pending, rejected, paused, disabled")
	return cmd
}

// tellTemplates prints those with a status; all where it is empty.
func (r *remote) tellTemplates(a client.Answer, status string) error {
	status = strings.ToLower(status) // providers write it in capitals
	if status == "" {
		return r.table(a, "templates", templateColumns[:]...)
	}
	var page struct {
		Data []json.RawMessage `json:"data"`
		Next *string           `json:"next_cursor"`
	}
	if json.Unmarshal(a.Body, &page) != nil || page.Data == nil {
		return errNotJSON
	}
	page.Data = slices.DeleteFunc(page.Data, func(row json.RawMessage) bool {
		o, err := readObject(row)
		return err != nil || o.text("status") != status
	})
	var kept bytes.Buffer
	enc := json.NewEncoder(&kept)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(page); err != nil {
		return err
	}
	return r.table(client.Answer{Body: kept.Bytes()}, status+" templates", templateColumns[:]...)
}

func (r *remote) newTemplateSyncCommand() *cobra.Command {
	var channel string
	cmd := &cobra.Command{
		Use:     "sync",
		Short:   "Read the list of templates from the provider now",
		Example: "  relevo template sync",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.onTemplates(cmd.Context(), channel, client.Call{Method: http.MethodPost, Path: "/sync"})
			if err != nil {
				return err
			}
			return r.tellTemplates(a, "")
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "the channel's `id` (default: the only one with templates)")
	return cmd
}

func (r *remote) newTemplateSubmitCommand() *cobra.Command {
	var channel string
	cmd := &cobra.Command{
		Use:   "submit FILE|-",
		Short: "Hand a template in for approval",
		Long: "Submit hands a template in. The file is a JSON object:\n\n" +
			`  {"name": "order_shipped", "language": "en", "category": "UTILITY",` + "\n" +
			`   "body": "Hello {{1}}, your order {{2}} is on its way.", "samples": ["Ann", "4711"]}` + "\n\n" +
			"header, footer and buttons may be given too. Approval takes minutes to a day; `relevo template list` shows it.",
		Example: "  relevo template submit order_shipped.json\n  relevo template submit --channel ch_abcdefghijklmnopqrst - <order_shipped.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := r.readInput(args[0])
			if err != nil {
				return err
			}
			template, err := readObject(b)
			if err != nil {
				return broken(args[0], `template. It is a JSON object like {"name": "…", "language": "en", "category": "UTILITY", "body": "…"}.`, b)
			}
			a, err := r.onTemplates(cmd.Context(), channel, client.Call{Method: http.MethodPost, Body: template})
			if err != nil {
				return err
			}
			return r.detail(a, column{"Name", "name", nil}, column{"Language", "language", nil}, column{"Category", "category", nil},
				column{"Status", "status", nil}, column{"Reason", "reason", nil}, column{"Id", "id", nil})
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "the channel's `id` (default: the only one with templates)")
	return cmd
}
