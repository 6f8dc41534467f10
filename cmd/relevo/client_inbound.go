package main

import "github.com/spf13/cobra"

func (r *remote) newInboundCommand() *cobra.Command {
	var p page
	var channel, chat string
	cmd := &cobra.Command{
		Use:     "inbound",
		Short:   "List what people wrote, newest first",
		Example: "  relevo inbound\n  relevo inbound --chat 10001",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "inbound")
			if err != nil {
				return err
			}
			q := p.query()
			set(q, "channel", channel)
			set(q, "chat", chat)
			a, err := r.get(cmd.Context(), path, q)
			if err != nil {
				return err
			}
			return r.table(a, "messages from people",
				column{"AT", "at", when}, column{"CHANNEL", "channel_id", nil}, column{"CHAT", "chat_id", nil}, column{"FROM", "sender", nil},
				column{"KIND", "kind", nil}, column{"TEXT", "text", clip}, column{"FILES", "files", clip})
		},
	}
	p.addFlags(cmd)
	cmd.Flags().StringVar(&channel, "channel", "", "only to this channel, by its `id`")
	cmd.Flags().StringVar(&chat, "chat", "", "only in this chat, by its `id`")
	return cmd
}
