package main

import (
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newEndpointTestCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "test ID",
		Short:   "Send a sample event now and say what came of it",
		Example: "  relevo endpoint test ep_abcdefghijklmnopqrst --type message.failed",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]string{}
			if name != "" {
				body["type"] = name
			}
			a, err := r.onEndpoint(cmd.Context(), args[0], client.Call{Method: http.MethodPost, Path: "/test", Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, column{"Delivered", "delivered", nil}, column{"Message", "message", nil}, column{"Status", "http_status", nil},
				column{"Answer", "answer", clip}, column{"Type", "type", nil}, column{"Event", "event_id", nil})
		},
	}
	cmd.Flags().StringVar(&name, "type", "", "the `type` of event (default the first that it wants)")
	return cmd
}

func (r *remote) newEndpointEventsCommand() *cobra.Command {
	var p page
	var status string
	cmd := &cobra.Command{
		Use:     "events ID",
		Short:   "List an endpoint's events: what waits, then what was delivered or given up",
		Example: "  relevo endpoint events ep_abcdefghijklmnopqrst\n  relevo endpoint events ep_abcdefghijklmnopqrst --status failed",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := p.query()
			set(q, "status", status)
			a, err := r.onEndpoint(cmd.Context(), args[0], client.Call{Method: http.MethodGet, Path: "/events", Query: q})
			if err != nil {
				return err
			}
			return r.table(a, "events", column{"ID", "id", nil}, column{"AT", "at", when}, column{"TYPE", "type", nil}, column{"STATUS", "status", nil},
				column{"TRIES", "tries", nil}, column{"ANSWER", "http_status", nil}, column{"PROBLEM", "problem", clip})
		},
	}
	p.addFlags(cmd)
	cmd.Flags().StringVar(&status, "status", "", "only those with this `status`: pending, delivered, failed")
	return cmd
}

func (r *remote) newEndpointReplayCommand() *cobra.Command {
	var since string
	var failed bool
	cmd := &cobra.Command{
		Use:   "replay ID [EVENT...]",
		Short: "Send events again: some, or all from a time on",
		Long: "Replay sends events of the log again, each with the same id and body and a new signature: those that\n" +
			"are named, or all since a time. --failed leaves out what was delivered.",
		Example: "  relevo endpoint replay ep_abcdefghijklmnopqrst evt_01a01e73da3b8b44ae\n" +
			"  relevo endpoint replay ep_abcdefghijklmnopqrst --since 2026-08-20T09:00:00Z\n" +
			"  relevo endpoint replay ep_abcdefghijklmnopqrst --failed",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]any{}
			switch {
			case len(args) > 1 && (since != "" || failed):
				return usagef("name events, or give --since or --failed, not both")
			case len(args) > 1:
				body["event_ids"] = args[1:]
			case since == "" && !failed:
				return usagef("name events, or give --since or --failed")
			}
			if since != "" {
				if _, err := time.Parse(time.RFC3339, since); err != nil {
					return usagef("--since is a time like 2026-08-20T09:00:00Z")
				}
				body["since"] = since
			}
			if failed {
				body["only_failed"] = true
			}
			a, err := r.onEndpoint(cmd.Context(), args[0], client.Call{Method: http.MethodPost, Path: "/replay", Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, column{"Sent again", "replayed", nil}, column{"There are more", "more", nil})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "all that happened from this `time` on")
	cmd.Flags().BoolVar(&failed, "failed", false, "only those that were given up")
	return cmd
}
