package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newEndpointCommand() *cobra.Command {
	return group("endpoint", "Send signed events to your own systems, and see what came of each",
		r.newEndpointListCommand(), r.newEndpointCreateCommand(), r.newEndpointShowCommand(), r.newEndpointSetCommand(),
		r.newEndpointDeleteCommand(), r.newEndpointRotateCommand(), r.newEndpointTestCommand(),
		r.newEndpointEventsCommand(), r.newEndpointReplayCommand())
}

var endpointColumns = [...]column{
	{"Id", "id", nil},
	{"URL", "url", nil},
	{"Description", "description", nil},
	{"Types", "types", nil},
	{"Form", "form", nil},
	{"Enabled", "enabled", nil},
	{"Failing since", "failing_since", when},
	{"Next try", "next_try_at", when},
	{"Notices", "notices", nil},
}

// secretColumn stands behind the others where the secret is shown.
var secretColumn = column{"Secret", "secret", nil}

// onEndpoint makes a call about one endpoint; the call's path comes behind its
// address.
func (r *remote) onEndpoint(ctx context.Context, id string, call client.Call) (client.Answer, error) {
	if id == "" {
		return client.Answer{}, usagef("name the endpoint by its id; `relevo endpoint list` shows them")
	}
	path, err := r.in(ctx, "endpoints", id)
	if err != nil {
		return client.Answer{}, err
	}
	call.Path = path + call.Path
	return r.call(ctx, call)
}

func (r *remote) newEndpointListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the endpoints",
		Example: "  relevo endpoint list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "endpoints")
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			return r.table(a, "endpoints", column{"ID", "id", nil}, column{"URL", "url", clip}, column{"ENABLED", "enabled", nil},
				column{"TYPES", "types", clip}, column{"NOTICES", "notices", clip})
		},
	}
}

func (r *remote) newEndpointCreateCommand() *cobra.Command {
	var types, form, description, secret string
	cmd := &cobra.Command{
		Use:   "create URL",
		Short: "Make an endpoint; its secret is shown",
		Long: "Create makes an endpoint. From now on the events that it wants are posted there, signed by Standard\n" +
			"Webhooks. Without --types it wants all. With --form timelines, events are named and written as the\n" +
			"TimelinesAI family does.",
		Example: "  relevo endpoint create https://crm.example.com/relevo\n" +
			"  relevo endpoint create https://crm.example.com/relevo --types message.sent,message.failed,message.received",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := r.in(cmd.Context(), "endpoints")
			if err != nil {
				return err
			}
			body := map[string]any{"url": args[0]}
			for name, v := range map[string]string{"form": form, "description": description, "secret": secret} {
				if v != "" {
					body[name] = v
				}
			}
			if types != "" {
				body["types"] = split(types)
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path, Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, append(endpointColumns[:6:6], secretColumn)...)
		},
	}
	cmd.Flags().StringVar(&types, "types", "", "the `types` of events that it wants, with commas between them (default all)")
	cmd.Flags().StringVar(&form, "form", "", "how events are written: standard or timelines (default standard)")
	cmd.Flags().StringVar(&description, "description", "", "`words` by which you know it again")
	cmd.Flags().StringVar(&secret, "secret", "", "your own `secret`, whsec_ and base64 (default a new one)")
	return cmd
}

// split reads words with commas between them.
func split(s string) (words []string) {
	for w := range strings.SplitSeq(s, ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

func (r *remote) newEndpointShowCommand() *cobra.Command {
	var secret bool
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show an endpoint, or its secret",
		Example: "  relevo endpoint show ep_abcdefghijklmnopqrst\n  relevo endpoint show ep_abcdefghijklmnopqrst --secret",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if secret {
				a, err := r.onEndpoint(cmd.Context(), args[0], client.Call{Method: http.MethodGet, Path: "/secret"})
				if err != nil {
					return err
				}
				return r.detail(a, secretColumn, column{"Old secret works until", "previous_valid_until", when})
			}
			a, err := r.onEndpoint(cmd.Context(), args[0], client.Call{Method: http.MethodGet})
			if err != nil {
				return err
			}
			return r.detail(a, endpointColumns[:]...)
		},
	}
	cmd.Flags().BoolVar(&secret, "secret", false, "show the secret that signs")
	return cmd
}

func (r *remote) newEndpointSetCommand() *cobra.Command {
	var address, types, description string
	var enabled bool
	cmd := &cobra.Command{
		Use:     "set ID",
		Short:   "Change, enable or disable an endpoint",
		Long:    "Set changes what is given. What waits while an endpoint is disabled is sent once it is enabled again.",
		Example: "  relevo endpoint set ep_abcdefghijklmnopqrst --enabled\n  relevo endpoint set ep_abcdefghijklmnopqrst --enabled=false",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]any{}
			for name, v := range map[string]any{"url": address, "description": description, "enabled": enabled, "types": split(types)} {
				if cmd.Flags().Changed(name) {
					body[name] = v
				}
			}
			if len(body) == 0 {
				return usagef("give what is to be changed, such as --enabled")
			}
			a, err := r.onEndpoint(cmd.Context(), args[0], client.Call{Method: http.MethodPatch, Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, endpointColumns[:]...)
		},
	}
	cmd.Flags().StringVar(&address, "url", "", "the new `address`")
	cmd.Flags().StringVar(&types, "types", "", "the `types` of events that it wants, with commas between them")
	cmd.Flags().StringVar(&description, "description", "", "`words` by which you know it again")
	cmd.Flags().BoolVar(&enabled, "enabled", false, "send events there, or with =false do not")
	return cmd
}

func (r *remote) newEndpointDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete ID",
		Short:   "Delete an endpoint, its log and what waits for it",
		Example: "  relevo endpoint delete ep_abcdefghijklmnopqrst",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := r.onEndpoint(cmd.Context(), args[0], client.Call{Method: http.MethodDelete}); err != nil {
				return err
			}
			r.done("The endpoint %s is deleted.", args[0])
			return nil
		},
	}
}

func (r *remote) newEndpointRotateCommand() *cobra.Command {
	var grace time.Duration
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Replace an endpoint's secret",
		Long: "Rotate makes a new secret. With --grace both sign for up to 24 hours more, so that the receiver can be\n" +
			"changed in between.",
		Example: "  relevo endpoint rotate ep_abcdefghijklmnopqrst --grace 1h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if grace < 0 || grace > 24*time.Hour || grace%time.Second != 0 {
				return usagef("--grace is from 0s to 24h, in whole seconds")
			}
			body := map[string]int{"grace_seconds": int(grace / time.Second)}
			a, err := r.onEndpoint(cmd.Context(), args[0], client.Call{Method: http.MethodPost, Path: "/rotate", Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, secretColumn, column{"Old secret works until", "previous_secret_valid_until", when})
		},
	}
	cmd.Flags().DurationVar(&grace, "grace", 0, "how `long` the old secret signs too, at most 24h")
	return cmd
}
