package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

var messageColumns = [...]column{
	{"Id", "id", nil},
	{"Status", "status", nil},
	{"To", "to", nil},
	{"Chat", "chat_id", nil},
	{"Channel", "channel_id", nil},
	{"Units", "units", nil},
	{"Text", "text", nil},
	{"Template", "template.name", nil},
	{"Language", "template.language", nil},
	{"Variable names", "template.names", nil},
	{"Variables", "template.variables", nil},
	{"Button values", "template.buttons", nil},
	{"File", "file.name", nil},
	{"File URL", "file.url", nil},
	{"Created", "created_at", when},
	{"Send at", "send_at", when},
	{"Expires", "expires_at", when},
	{"Tries", "tries", nil},
	{"Provider id", "provider_id", nil},
	{"Error", "error.code", nil},
	{"Because", "error.message", nil},
	{"Part of", "part_of", nil},
	{"Parts", "parts", nil},
}

func (r *remote) newMessagesCommand() *cobra.Command {
	return group("messages", "List, read, cancel, resend and confirm messages",
		r.newMessagesListCommand(), r.newMessagesShowCommand(), r.newMessagesCancelCommand(), r.newMessagesResendCommand(), r.newMessagesConfirmCommand())
}

func (r *remote) newMessagesListCommand() *cobra.Command {
	var p page
	var status, channel, chat, from, to string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List messages, newest first",
		Example: "  relevo messages list --status failed\n  relevo messages list --from 2024-05-01T00:00:00Z --limit 200",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "messages")
			if err != nil {
				return err
			}
			q := p.query()
			set(q, "status", status)
			set(q, "channel", channel)
			set(q, "chat", chat)
			set(q, "from", from)
			set(q, "to", to)
			a, err := r.get(cmd.Context(), path, q)
			if err != nil {
				return err
			}
			return r.table(a, "messages",
				column{"ID", "id", nil}, column{"STATUS", "status", nil}, column{"TO", "to", nil},
				column{"UNITS", "units", nil}, column{"CREATED", "created_at", when}, column{"ERROR", "error.code", nil},
				column{"TEXT", "text", clip}, column{"TEMPLATE", "template.name", clip}, column{"FILE", "file.name", clip})
		},
	}
	p.addFlags(cmd)
	cmd.Flags().StringVar(&status, "status", "", "only these `statuses`, with commas: queued,sending,sent …")
	cmd.Flags().StringVar(&channel, "channel", "", "only this channel's, by its `id`")
	cmd.Flags().StringVar(&chat, "chat", "", "only what was sent in this chat, by its `number`")
	cmd.Flags().StringVar(&from, "from", "", "accepted at or after this `time`, like 2024-05-01T00:00:00Z")
	cmd.Flags().StringVar(&to, "to", "", "accepted before this `time`")
	return cmd
}

func (r *remote) newMessagesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a message and its history",
		Example: "  relevo messages show wa_backend:3EB0018F3A2B4C5D6E7F80",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := r.in(cmd.Context(), "messages", args[0])
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			if err := r.detail(a, messageColumns[:]...); err != nil || r.json {
				return err
			}
			return r.writeHistory(a)
		},
	}
}

// writeHistory prints the steps of a message, one a line.
func (r *remote) writeHistory(a client.Answer) error {
	o, err := readObject(a.Body)
	if err != nil {
		return err
	}
	steps, _ := o.at("history").([]any)
	for i, s := range steps {
		if i == 0 {
			fmt.Fprintln(r.stdout, "History:")
		}
		step, _ := s.(map[string]any)
		o := object(step)
		line := "  " + when(o.text("at")) + "  " + o.text("status")
		if o.text("applied") == "no" {
			line += " (reported; changed nothing)"
		}
		for _, more := range []string{"note", "error.message", "failure.message"} {
			if t := o.text(more); t != "" {
				line += "  " + t
			}
		}
		fmt.Fprintln(r.stdout, printable(line))
	}
	return nil
}

func (r *remote) newMessagesCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel ID…",
		Short: "Cancel queued messages; their units go back",
		Long: "Cancel takes messages out of the queue and gives their units back. What is being sent\n" +
			"or was sent cannot be canceled. Every id is tried; the exit code is 1 if any failed.",
		Example: "  relevo messages cancel wa_backend:3EB0018F3A2B4C5D6E7F80",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			failed := false
			for _, id := range args {
				path, err := r.in(cmd.Context(), "messages", id, "cancel")
				if err != nil {
					return err
				}
				a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path})
				if _, refused := errors.AsType[*client.Error](err); refused {
					failed = true
					fmt.Fprintf(r.stderr, "%s: %v\n", printable(id), err)
					continue
				}
				if err != nil {
					return err
				}
				if r.json {
					r.writeJSON(a.Body)
				}
				r.done("%s is canceled.", id)
			}
			if failed {
				return errSilent
			}
			return nil
		},
	}
}

func (r *remote) newMessagesResendCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resend ID",
		Short: "Send a message again that failed, expired, was canceled or never confirmed",
		Long: "Resend makes a new message with the same content and pays for it again.\n" +
			"The new message's id is printed. A message is sent again once; what repeats it may be sent again if it fails too.",
		Example: "  relevo messages resend wa_backend:3EB0018F3A2B4C5D6E7F80",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := r.in(cmd.Context(), "messages", args[0], "resend")
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path})
			if err != nil {
				return err
			}
			return r.detail(a, messageColumns[:6]...)
		},
	}
}

func (r *remote) newMessagesConfirmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "confirm ID",
		Short: "Say that a message arrived of which the provider said nothing",
		Long: "Confirm settles a message that is unknown or unconfirmed as delivered, after you have asked\n" +
			"the other side. The units of an unconfirmed one came back; they are taken again.",
		Example: "  relevo messages confirm wa_backend:3EB0018F3A2B4C5D6E7F80",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := r.in(cmd.Context(), "messages", args[0], "confirm")
			if err != nil {
				return err
			}
			if _, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path}); err != nil {
				return err
			}
			r.done("%s is settled as delivered.", args[0])
			return nil
		},
	}
}
