package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newAccountCommand() *cobra.Command {
	return group("account", "List who may sign in to the console, and help who forgot their password",
		r.newAccountListCommand(), r.newAccountResetCommand())
}

func (r *remote) newAccountListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the accounts, with their roles and how they sign in",
		Example: "  relevo account list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.get(cmd.Context(), "/accounts", nil)
			if err != nil {
				return err
			}
			return r.table(a, "accounts",
				column{"E-MAIL", "email", nil}, column{"NAME", "name", clip}, column{"OPERATOR", "operator", nil}, column{"KEPT OUT", "disabled", nil},
				column{"PASSWORD", "has_password", nil}, column{"LINKED", "linked", nil}, column{"WORKSPACES", "workspaces", nil})
		},
	}
}

func (r *remote) newAccountResetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reset EMAIL",
		Short: "Make a link by which somebody sets a new password",
		Long: "Reset prints a link that is good for one hour and one use. Whoever opens it sets the account's password\n" +
			"and is signed in; all other sessions of the account end then. A link that was made before ends at once.\n" +
			"Until the link is used, the old password goes on.",
		Example: "  relevo account reset ada@example.com",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := r.accountID(cmd.Context(), strings.TrimSpace(args[0]))
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: below("accounts", id, "reset")})
			if err != nil {
				return err
			}
			if err := r.detail(a, column{"Account", "email", nil}, column{"Link", "url", nil}, column{"Works until", "valid_until", when}); err != nil {
				return err
			}
			fmt.Fprintln(r.stderr, "Give it to this person alone: whoever opens it has the account. It works once, and is not shown again.")
			return nil
		},
	}
}

// accountID finds an account by its address, however that is written, or takes
// its id.
func (r *remote) accountID(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", usagef("name the account by its e-mail address; `relevo account list` shows them")
	}
	if strings.HasPrefix(name, "usr_") && !strings.Contains(name, "@") {
		return name, nil
	}
	a, err := r.get(ctx, "/accounts", nil)
	if err != nil {
		return "", err
	}
	all, _, err := readList(a.Body)
	if err != nil {
		return "", err
	}
	for _, o := range all {
		if strings.EqualFold(o.text("email"), name) {
			return o.text("id"), nil
		}
	}
	return "", sayf("Nobody signs in as %q. `relevo account list` shows who does.", name)
}
