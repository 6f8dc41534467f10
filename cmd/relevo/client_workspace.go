package main

import (
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

var workspaceColumns = [...]column{
	{"Id", "id", nil},
	{"Name", "name", nil},
	{"Created", "created_at", when},
	{"Country", "country", nil},
	{"Time zone", "time_zone", nil},
	{"Webhook URL", "webhook.url", nil},
	{"Webhook enabled", "webhook.enabled", nil},
	{"Old URL works until", "webhook.previous_valid_until", when},
	{"Units granted", "quota.granted", nil},
	{"Units available", "quota.available", nil},
	{"Units reserved", "quota.reserved", nil},
	{"Units spent", "quota.spent", nil},
}

func (r *remote) newWorkspaceCommand() *cobra.Command {
	return group("workspace", "List, make and change workspaces",
		r.newWorkspaceListCommand(), r.newWorkspaceCreateCommand(), r.newWorkspaceShowCommand(),
		r.newWorkspaceRenameCommand(), r.newWorkspaceCountryCommand(), r.newWorkspaceSetCommand(), r.newWorkspaceDeleteCommand())
}

func (r *remote) newWorkspaceListCommand() *cobra.Command {
	var p page
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the workspaces",
		Example: "  relevo workspace list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.get(cmd.Context(), "/workspaces", p.query())
			if err != nil {
				return err
			}
			return r.table(a, "workspaces",
				column{"ID", "id", nil}, column{"NAME", "name", clip}, column{"ENABLED", "webhook.enabled", nil},
				column{"AVAILABLE", "quota.available", nil}, column{"CREATED", "created_at", when})
		},
	}
	p.addFlags(cmd)
	return cmd
}

func (r *remote) newWorkspaceCreateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a workspace; its webhook URL is printed",
		Example: "  relevo workspace create 'Acme Ltd'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: "/workspaces", Body: map[string]string{"name": args[0]}})
			if err != nil {
				return err
			}
			return r.detail(a, workspaceColumns[:]...)
		},
	}
}

// named takes the workspace from an argument, where one is given.
func (r *remote) named(args []string) {
	if len(args) > 0 {
		r.workspace = args[0]
	}
}

func (r *remote) newWorkspaceShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show [WORKSPACE]",
		Short:   "Show a workspace, its webhook and its quota",
		Example: "  relevo workspace show\n  relevo workspace show 'Acme Ltd' --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.named(args)
			path, err := r.in(cmd.Context())
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			return r.detail(a, workspaceColumns[:]...)
		},
	}
}

func (r *remote) newWorkspaceRenameCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rename WORKSPACE NAME",
		Short:   "Give a workspace another name",
		Example: "  relevo workspace rename Demo 'Acme Ltd'",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.named(args)
			path, err := r.in(cmd.Context())
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPatch, Path: path, Body: map[string]string{"name": args[1]}})
			if err != nil {
				return err
			}
			return r.detail(a, workspaceColumns[:2]...)
		},
	}
}

func (r *remote) newWorkspaceCountryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "country CODE",
		Short: "Say whose phone numbers those without a country code are",
		Long: "Country sets the workspace's country, by its two letters: phone numbers without a country code\n" +
			"are then read as they are dialled there. An empty code removes it.",
		Example: "  relevo workspace country MX\n  relevo workspace country ''",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := r.in(cmd.Context())
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPatch, Path: path, Body: map[string]string{"country": args[0]}})
			if err != nil {
				return err
			}
			return r.detail(a, workspaceColumns[:4]...)
		},
	}
}

func (r *remote) newWorkspaceSetCommand() *cobra.Command {
	given := map[string]*string{"name": new(string), "country": new(string), "time-zone": new(string)}
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Change a workspace's name, country or time zone",
		Long: "Set changes what is given and nothing else. The time zone is the one that its pages tell times in, by its IANA\n" +
			"name; an empty country or time zone removes it.",
		Example: "  relevo workspace set --time-zone America/Mexico_City\n  relevo workspace set --name 'Acme Ltd' --country MX",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body := map[string]string{}
			for name, value := range given {
				if cmd.Flags().Changed(name) {
					body[strings.ReplaceAll(name, "-", "_")] = *value
				}
			}
			if len(body) == 0 {
				return usagef("say what to change: --name, --country or --time-zone")
			}
			path, err := r.in(cmd.Context())
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPatch, Path: path, Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, workspaceColumns[:5]...)
		},
	}
	cmd.Flags().StringVar(given["name"], "name", "", "what to call it")
	cmd.Flags().StringVar(given["country"], "country", "", "two `letters` of the country of numbers without a country code")
	cmd.Flags().StringVar(given["time-zone"], "time-zone", "", "IANA `name`, such as Europe/Madrid")
	return cmd
}

func (r *remote) newWorkspaceDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete WORKSPACE",
		Short: "Delete a workspace for good",
		Long: "Delete ends a workspace: its URL and keys die at once, what is queued is canceled,\n" +
			"calls in flight end. This cannot be undone.",
		Example: "  relevo workspace delete ws_abcdefghijklmnopqrst",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(args[0]) == "" {
				return usagef("name the workspace to delete")
			}
			r.named(args)
			path, err := r.in(cmd.Context())
			if err != nil {
				return err
			}
			if _, err := r.call(cmd.Context(), client.Call{Method: http.MethodDelete, Path: path}); err != nil {
				return err
			}
			r.done("The workspace %s is deleted.", args[0])
			return nil
		},
	}
}
