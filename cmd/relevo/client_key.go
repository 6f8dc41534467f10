package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newKeyCommand() *cobra.Command {
	return group("key", "List, make and revoke a workspace's API keys",
		r.newKeyListCommand(), r.newKeyCreateCommand(), r.newKeyRevokeCommand())
}

func (r *remote) newKeyListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the keys; the keys themselves are not shown again",
		Example: "  relevo key list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "keys")
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			return r.table(a, "keys", column{"ID", "id", nil}, column{"NAME", "name", clip}, column{"CREATED", "created_at", when})
		},
	}
}

func (r *remote) newKeyCreateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a key for this workspace alone; it is shown once",
		Example: "  relevo key create zapier",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := r.in(cmd.Context(), "keys")
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path, Body: map[string]string{"name": args[0]}})
			if err != nil {
				return err
			}
			if err := r.detail(a, column{"Id", "id", nil}, column{"Name", "name", nil}, column{"Key", "key", nil}); err != nil {
				return err
			}
			fmt.Fprintln(r.stderr, "Keep the key now: it is not shown again.")
			return nil
		},
	}
}

func (r *remote) newKeyRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID",
		Short:   "End a key at once",
		Example: "  relevo key revoke key_abcdefghijklmnopqrst",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return usagef("name the key by its id; `relevo key list` shows them")
			}
			path, err := r.in(cmd.Context(), "keys", args[0])
			if err != nil {
				return err
			}
			if _, err := r.call(cmd.Context(), client.Call{Method: http.MethodDelete, Path: path}); err != nil {
				return err
			}
			r.done("The key %s is revoked.", args[0])
			return nil
		},
	}
}
