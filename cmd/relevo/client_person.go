package main

import (
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newPersonCommand() *cobra.Command {
	return group("person", "Answer somebody who asks what is kept of them", r.newPersonExportCommand())
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
