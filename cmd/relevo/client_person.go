package main

import (
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newPersonCommand() *cobra.Command {
	return group("person", "Show somebody what is kept of them, or erase it", r.newPersonExportCommand(), r.newPersonEraseCommand())
}

func (r *remote) newPersonExportCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "export PHONE",
		Short:   "Download everything about a person: chats, messages both ways, attempts, the opt-out",
		Example: "  relevo person export +14151231234 --output person.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return usagef("name somebody by their number, such as +14151231234")
			}
			path, err := r.in(cmd.Context(), "people", args[0], "export")
			if err != nil {
				return err
			}
			api, err := r.api()
			if err != nil {
				return err
			}
			call := client.Call{Method: http.MethodGet, Path: "/api/v1" + path}
			if output == "" {
				return r.refused(api.Download(cmd.Context(), call, r.stdout))
			}
			return r.refused(writeWhole(output, func(w io.Writer) error { return api.Download(cmd.Context(), call, w) }))
		},
	}
	cmd.Flags().StringVar(&output, "output", "", "`file` to write to, for your eyes only (default: standard output)")
	return cmd
}

func (r *remote) newPersonEraseCommand() *cobra.Command {
	var confirm string
	cmd := &cobra.Command{
		Use:   "erase PHONE",
		Short: "Erase a person for ever: what they wrote, what was sent to them, their chats",
		Long: "Erase cancels what waits for a person, forgets what they wrote, their chats and events that name them, and takes texts, files and\n" +
			"the number out of messages and attempts. It cannot be undone. Id, status, units and times of messages stay, for the books; on the\n" +
			"opt-out list the number stays. What is still on its way is left: run it again later.",
		Example: "  relevo person erase +14151231234 --confirm +14151231234",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" || confirm != args[0] {
				return usagef("this cannot be undone: write the same number once more, with --confirm")
			}
			path, err := r.in(cmd.Context(), "people", args[0], "erase")
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path})
			if err != nil {
				return err
			}
			return r.detail(a, column{"MESSAGES", "messages", nil}, column{"INBOUND", "inbound", nil}, column{"ATTEMPTS", "attempts", nil},
				column{"EVENTS", "events", nil}, column{"STILL ON THEIR WAY", "left", nil})
		},
	}
	cmd.Flags().StringVar(&confirm, "confirm", "", "the same `number` once more")
	return cmd
}
