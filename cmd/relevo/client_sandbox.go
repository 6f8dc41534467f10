package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newSandboxCommand() *cobra.Command {
	below := append([]*cobra.Command{r.newSandboxSentCommand(), r.newSandboxInboundCommand()}, newProviderCommands(r.program)...)
	return group("sandbox", "Look into the pretend WhatsApp and play its other side, or play a provider", below...)
}

// sandbox is the id of a sandbox channel: the one that was named, or the only
// one.
func (r *remote) sandbox(ctx context.Context, named string) (string, error) {
	return r.onlyChannel(ctx, named, choice{
		of:      func(kind string) bool { return kind == "sandbox" },
		none:    "The workspace has no sandbox channel. Make one: relevo channel create --kind sandbox --phone +15105566777",
		several: "There are several sandbox channels.",
	})
}

func (r *remote) newSandboxSentCommand() *cobra.Command {
	var channel string
	cmd := &cobra.Command{
		Use:     "sent",
		Short:   "List what the sandbox was handed",
		Example: "  relevo sandbox sent",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, err := r.sandbox(cmd.Context(), channel)
			if err != nil {
				return err
			}
			a, err := r.channel(cmd.Context(), id, client.Call{Method: http.MethodGet, Path: "/sandbox/sent"})
			if err != nil {
				return err
			}
			return r.table(a, "messages in the sandbox yet",
				column{"AT", "at", when}, column{"TO", "recipient", nil}, column{"MESSAGE", "message_id", nil},
				column{"TRY", "try", nil}, column{"OUTCOME", "outcome", nil}, column{"TEXT", "text", clip}, column{"FILE", "file.name", clip})
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "the channel's `id` (default: the only sandbox)")
	return cmd
}

func (r *remote) newSandboxInboundCommand() *cobra.Command {
	var channel string
	var in struct {
		From string `json:"from"`
		Name string `json:"name,omitzero"`
		Text string `json:"text"`
	}
	cmd := &cobra.Command{
		Use:     "inbound",
		Short:   "Let somebody write to the channel",
		Example: "  relevo sandbox inbound --from +14151231234 --name Ann --text 'Hello'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in.From == "" || in.Text == "" {
				return usagef("say who writes and what: --from +14151231234 --text 'Hello'")
			}
			id, err := r.sandbox(cmd.Context(), channel)
			if err != nil {
				return err
			}
			a, err := r.channel(cmd.Context(), id, client.Call{Method: http.MethodPost, Path: "/sandbox/inbound", Body: in})
			if err != nil {
				return err
			}
			if r.json {
				r.writeJSON(a.Body)
			}
			r.done("The message was received.")
			return nil
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "the channel's `id` (default: the only sandbox)")
	cmd.Flags().StringVar(&in.From, "from", "", "the sender's `number`")
	cmd.Flags().StringVar(&in.Name, "name", "", "the sender's `name`")
	cmd.Flags().StringVar(&in.Text, "text", "", "what they write")
	return cmd
}
