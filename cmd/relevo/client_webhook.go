package main

import (
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

var webhookColumns = [...]column{
	{"URL", "url", nil},
	{"Enabled", "enabled", nil},
	{"Old URL works until", "previous_valid_until", when},
	{"Old URL last used", "previous_last_used_at", when},
	{"Old URL used by", "previous_last_used_by", clip},
	{"Calls a minute", "rate_per_minute", notZero},
	{"Equal calls within", "dedupe_seconds", seconds},
	{"Test mode", "test", nil},
	{"Strict", "strict", nil},
	{"Merge tags allowed", "allow_merge_tags", nil},
	{"Mapping", "mapping.preset", nil},
}

// notZero shows a number that means something.
func notZero(s string) string {
	if s == "0" {
		return "no limit"
	}
	return s
}

// seconds shows how many, where that means something.
func seconds(s string) string {
	if s == "0" {
		return "are all sent"
	}
	return s + " s are one"
}

func (r *remote) newWebhookCommand() *cobra.Command {
	cmd := group("webhook", "Show, rotate and switch a workspace's secret URL, and what it takes",
		r.newWebhookShowCommand(), r.newWebhookRotateCommand(),
		r.newWebhookSwitchCommand("enable", "Accept calls again", map[string]bool{"enabled": true}),
		r.newWebhookSwitchCommand("disable", "Refuse calls; what is queued still goes out", map[string]bool{"enabled": false}))
	cmd.AddCommand(r.doorCommands()...)
	return cmd
}

func (r *remote) newWebhookShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show the webhook URL",
		Example: "  relevo webhook show",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "webhook")
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			return r.detail(a, webhookColumns[:]...)
		},
	}
}

func (r *remote) newWebhookRotateCommand() *cobra.Command {
	var grace time.Duration
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Make a new webhook URL",
		Long: "Rotate makes a new webhook URL. The old one dies at once and its callers get a 404,\n" +
			"unless --grace lets it work for up to 24 hours more.",
		Example: "  relevo webhook rotate\n  relevo webhook rotate --grace 1h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if grace < 0 || grace > 24*time.Hour || grace%time.Second != 0 {
				return usagef("--grace is from 0s to 24h, in whole seconds")
			}
			path, err := r.in(cmd.Context(), "webhook", "rotate")
			if err != nil {
				return err
			}
			body := map[string]int{"grace_seconds": int(grace / time.Second)}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path, Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, webhookColumns[:3]...)
		},
	}
	cmd.Flags().DurationVar(&grace, "grace", 0, "how `long` the old URL still works, at most 24h")
	return cmd
}

func (r *remote) newWebhookSwitchCommand(name, short string, body map[string]bool) *cobra.Command {
	return &cobra.Command{
		Use:     name,
		Short:   short,
		Example: "  relevo webhook " + name,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "webhook")
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPatch, Path: path, Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, webhookColumns[:2]...)
		},
	}
}
