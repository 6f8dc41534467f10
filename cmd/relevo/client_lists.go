package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newQueueCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "queue",
		Short:   "Show how many messages wait, and when the next and the last will leave",
		Example: "  relevo queue",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "queue")
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			return r.table(a, "lanes",
				column{"CHANNEL", "channel_id", nil}, column{"LANE", "lane", nil}, column{"DEPTH", "depth", nil},
				column{"PAUSED", "paused", nil}, column{"HELD", "hold", clip},
				column{"NEXT SEND", "next_send_at", when}, column{"LAST LEAVES", "eta_last", when})
		},
	}
}

var chatColumns = [...]column{
	{"ID", "id", nil},
	{"CHANNEL", "channel_id", nil},
	{"RECIPIENT", "recipient", nil},
	{"NAME", "name", clip},
	{"GROUP", "group", nil},
	{"LAST INBOUND", "last_inbound_at", when},
}

func (r *remote) newChatsCommand() *cobra.Command {
	var p page
	var channel string
	cmd := &cobra.Command{
		Use:     "chats",
		Short:   "List the conversations; their ids work as chat_id",
		Example: "  relevo chats\n  relevo chats create --channel ch_abcdefghijklmnopqrst --phone +14151231234 --name Ann",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "chats")
			if err != nil {
				return err
			}
			q := p.query()
			set(q, "channel", channel)
			a, err := r.get(cmd.Context(), path, q)
			if err != nil {
				return err
			}
			return r.table(a, "chats", chatColumns[:]...)
		},
	}
	p.addFlags(cmd)
	cmd.Flags().StringVar(&channel, "channel", "", "only this channel's, by its `id`")
	cmd.AddCommand(r.newChatsCreateCommand())
	return cmd
}

func (r *remote) newChatsCreateCommand() *cobra.Command {
	var channel, phone, jid, name string
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Make a conversation, so that it has an id and a name before the first message",
		Example: "  relevo chats create --channel ch_abcdefghijklmnopqrst --phone +14151231234 --name Ann",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (phone == "") == (jid == "") {
				return usagef("say with whom: --phone or --jid")
			}
			body := map[string]string{}
			for field, v := range map[string]string{"channel_id": channel, "phone": phone, "jid": jid, "name": name} {
				if v != "" {
					body[field] = v
				}
			}
			path, err := r.in(cmd.Context(), "chats")
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path, Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, chatColumns[:]...)
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "the channel's `id`")
	cmd.Flags().StringVar(&phone, "phone", "", "the other side's `number`")
	cmd.Flags().StringVar(&jid, "jid", "", "the other side's WhatsApp `id`")
	cmd.Flags().StringVar(&name, "name", "", "`name` that chat_name finds it by")
	return cmd
}

func (r *remote) newCountersCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:     "counters",
		Short:   "Count what each channel sent and received",
		Example: "  relevo counters --from 2024-05-01T00:00:00Z --to 2024-06-01T00:00:00Z",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "counters")
			if err != nil {
				return err
			}
			q := url.Values{}
			set(q, "from", from)
			set(q, "to", to)
			a, err := r.get(cmd.Context(), path, q)
			if err != nil {
				return err
			}
			return r.table(a, "counters",
				column{"CHANNEL", "channel_id", nil}, column{"SENT", "sent", nil},
				column{"FAILED", "failed", nil}, column{"DELIVERED", "delivered", nil}, column{"RECEIVED", "received", nil})
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "from this `time` on, like 2024-05-01T00:00:00Z")
	cmd.Flags().StringVar(&to, "to", "", "before this `time`")
	return cmd
}
