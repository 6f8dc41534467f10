package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

var channelColumns = [...]column{
	{"Id", "id", nil},
	{"Kind", "kind", nil},
	{"Name", "name", nil},
	{"Phone", "phone", nil},
	{"State", "state", nil},
	{"Reason", "reason", nil},
	{"Paused", "paused", nil},
	{"Spacing min ms", "spacing_ms.min", nil},
	{"Spacing max ms", "spacing_ms.max", nil},
	{"Concurrency", "concurrency", nil},
	{"Max file bytes", "max_file_bytes", nil},
	{"Connected", "connected_at", when},
}

func (r *remote) newChannelCommand() *cobra.Command {
	return group("channel", "List, make and steer the WhatsApp accounts of a workspace",
		r.newChannelListCommand(), r.newChannelCreateCommand(),
		r.newChannelShowCommand(), r.newChannelCheckCommand(),
		r.newChannelActCommand("pause", "Stop sending; messages are accepted and wait", client.Call{Method: http.MethodPost, Path: "/pause"}),
		r.newChannelActCommand("resume", "Send again, after a pause or a fault", client.Call{Method: http.MethodPost, Path: "/resume"}),
		r.newChannelSetCommand(), r.newChannelDeleteCommand())
}

func (r *remote) newChannelListCommand() *cobra.Command {
	var p page
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the channels",
		Example: "  relevo channel list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "channels")
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, p.query())
			if err != nil {
				return err
			}
			return r.table(a, "channels",
				column{"ID", "id", nil}, column{"KIND", "kind", nil}, column{"NAME", "name", clip}, column{"PHONE", "phone", nil},
				column{"STATE", "state", nil}, column{"PAUSED", "paused", nil}, column{"REASON", "reason", clip})
		},
	}
	p.addFlags(cmd)
	return cmd
}

func (r *remote) newChannelCreateCommand() *cobra.Command {
	var f channelFlags
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Connect an account",
		Long: "Create connects an account. What the provider gave you for it are its settings; --settings-file takes them\n" +
			"as a JSON object, so that secrets and keys with line breaks need not be on the command line.",
		Example: "  relevo channel create --kind sandbox --phone +15105566777 --name Sales\n" +
			"  relevo channel create --kind meta --phone +15550783881 --settings-file meta.json\n" +
			"  relevo channel create --kind twilio --phone +14155238886 --settings-file - <twilio.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.kind == "" {
				return usagef("say which kind of channel: --kind sandbox")
			}
			body, err := r.channelBody(cmd, &f)
			if err != nil {
				return err
			}
			path, err := r.in(cmd.Context(), "channels")
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path, Body: body})
			if err != nil {
				return err
			}
			return r.tellChannel(a)
		},
	}
	f.addFlags(cmd)
	cmd.Flags().StringVar(&f.kind, "kind", "", "`kind` of channel: sandbox, meta, twilio, vonage, infobip, infobip_viber")
	return cmd
}

func (r *remote) newChannelSetCommand() *cobra.Command {
	var f channelFlags
	cmd := &cobra.Command{
		Use:   "set CHANNEL",
		Short: "Change a channel's name, number, pace, limits or settings",
		Example: "  relevo channel set ch_abcdefghijklmnopqrst --spacing-min 2s --spacing-max 4s\n" +
			"  relevo channel set ch_abcdefghijklmnopqrst --settings-file new-token.json\n" +
			"  relevo channel set ch_abcdefghijklmnopqrst --fallback-template reminder --fallback-language en",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := r.channelBody(cmd, &f)
			if err != nil {
				return err
			}
			if len(body) == 0 {
				return usagef("say what to change, for example --name or --spacing-min")
			}
			a, err := r.channel(cmd.Context(), args[0], client.Call{Method: http.MethodPatch, Body: body})
			if err != nil {
				return err
			}
			return r.tellChannel(a)
		},
	}
	f.addFlags(cmd)
	return cmd
}

// channel makes a call about one channel; its path goes on from the channel's.
func (r *remote) channel(ctx context.Context, id string, call client.Call) (client.Answer, error) {
	if strings.TrimSpace(id) == "" {
		return client.Answer{}, usagef("name the channel by its id; `relevo channel list` shows them")
	}
	path, err := r.in(ctx, "channels", id)
	if err != nil {
		return client.Answer{}, err
	}
	call.Path = path + call.Path
	return r.call(ctx, call)
}

// choice is which channels a command may mean, and what it says where that is
// not one.
type choice struct {
	of            func(kind string) bool
	none, several string
}

// onlyChannel is the id of the channel that was named, or of the only one that
// is meant.
func (r *remote) onlyChannel(ctx context.Context, named string, c choice) (string, error) {
	if named != "" {
		return named, nil
	}
	path, err := r.in(ctx, "channels")
	if err != nil {
		return "", err
	}
	a, err := r.get(ctx, path, url.Values{"limit": {"200"}})
	if err != nil {
		return "", err
	}
	rows, _, err := readList(a.Body)
	if err != nil {
		return "", err
	}
	rows = slices.DeleteFunc(rows, func(row object) bool { return !c.of(row.text("kind")) })
	switch len(rows) {
	case 0:
		return "", sayf("%s", c.none)
	case 1:
		return rows[0].text("id"), nil
	}
	return "", usagef("%s Choose one with --channel:%s", c.several, listed(rows))
}

func (r *remote) newChannelActCommand(name, short string, call client.Call) *cobra.Command {
	return &cobra.Command{
		Use:     name + " CHANNEL",
		Short:   short,
		Example: "  relevo channel " + name + " ch_abcdefghijklmnopqrst",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.channel(cmd.Context(), args[0], call)
			if err != nil {
				return err
			}
			return r.detail(a, channelColumns[:]...)
		},
	}
}

func (r *remote) newChannelDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete CHANNEL",
		Short:   "Remove a channel; what is queued on it is canceled and its units go back",
		Example: "  relevo channel delete ch_abcdefghijklmnopqrst",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := r.channel(cmd.Context(), args[0], client.Call{Method: http.MethodDelete}); err != nil {
				return err
			}
			r.done("The channel %s is deleted.", args[0])
			return nil
		},
	}
}
