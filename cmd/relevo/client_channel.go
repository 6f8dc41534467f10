package main

import (
	"context"
	"net/http"
	"strings"
	"time"

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
		r.newChannelActCommand("show", "Show a channel", client.Call{Method: http.MethodGet}),
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

// channelFlags are what a person can say of a channel.
type channelFlags struct {
	kind, phone, name      string
	spacingMin, spacingMax time.Duration
	concurrency            int
	maxFileBytes           int64
	settings               map[string]string
}

func (f *channelFlags) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "`name` that people call it by")
	flags.DurationVar(&f.spacingMin, "spacing-min", 0, "shortest `pause` between two messages (server's default 1.5s)")
	flags.DurationVar(&f.spacingMax, "spacing-max", 0, "longest `pause` between two messages (server's default 2.5s)")
	flags.IntVar(&f.concurrency, "concurrency", 0, "`lanes` that send side by side, for official APIs (server's default 1)")
	flags.Int64Var(&f.maxFileBytes, "max-file-bytes", 0, "largest `size` of a file (server's default 2097152)")
	flags.StringToStringVar(&f.settings, "setting", nil, "setting of the provider, `name=value`; may be repeated")
}

// body holds what was given and nothing else.
func (f *channelFlags) body(cmd *cobra.Command) map[string]any {
	body := map[string]any{}
	spacing := map[string]int64{}
	for _, v := range []struct {
		flag string
		put  func()
	}{
		{"kind", func() { body["kind"] = f.kind }},
		{"phone", func() { body["phone"] = f.phone }},
		{"name", func() { body["name"] = f.name }},
		{"spacing-min", func() { spacing["min"] = f.spacingMin.Milliseconds() }},
		{"spacing-max", func() { spacing["max"] = f.spacingMax.Milliseconds() }},
		{"concurrency", func() { body["concurrency"] = f.concurrency }},
		{"max-file-bytes", func() { body["max_file_bytes"] = f.maxFileBytes }},
		{"setting", func() { body["settings"] = f.settings }},
	} {
		if flag := cmd.Flags().Lookup(v.flag); flag != nil && flag.Changed {
			v.put()
		}
	}
	if len(spacing) > 0 {
		body["spacing_ms"] = spacing
	}
	return body
}

func (r *remote) newChannelCreateCommand() *cobra.Command {
	var f channelFlags
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Connect an account",
		Example: "  relevo channel create --kind sandbox --phone +15105566777 --name Sales",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.kind == "" {
				return usagef("say which kind of channel: --kind sandbox")
			}
			path, err := r.in(cmd.Context(), "channels")
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path, Body: f.body(cmd)})
			if err != nil {
				return err
			}
			return r.detail(a, channelColumns[:]...)
		},
	}
	f.addFlags(cmd)
	cmd.Flags().StringVar(&f.kind, "kind", "", "`kind` of channel: sandbox, meta, twilio …")
	cmd.Flags().StringVar(&f.phone, "phone", "", "the account's `number`, + and digits")
	return cmd
}

func (r *remote) newChannelSetCommand() *cobra.Command {
	var f channelFlags
	cmd := &cobra.Command{
		Use:     "set CHANNEL",
		Short:   "Change a channel's name, pace or limits",
		Example: "  relevo channel set ch_abcdefghijklmnopqrst --spacing-min 2s --spacing-max 4s",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := f.body(cmd)
			if len(body) == 0 {
				return usagef("say what to change, for example --name or --spacing-min")
			}
			a, err := r.channel(cmd.Context(), args[0], client.Call{Method: http.MethodPatch, Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, channelColumns[:]...)
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
