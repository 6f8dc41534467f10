package main

import (
	"net/http"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

var optOutColumns = [...]column{
	{"RECIPIENT", "recipient", nil},
	{"SINCE", "at", when},
	{"BY", "by", clip},
	{"REASON", "reason", clip},
	{"CHAT", "chat_id", nil},
}

func (r *remote) newOptOutCommand() *cobra.Command {
	return group("opt-out", "List who gets no messages; put people on the list and take them off it",
		r.newOptOutListCommand(), r.newOptOutAddCommand(), r.newOptOutRemoveCommand())
}

func (r *remote) newOptOutListCommand() *cobra.Command {
	var p page
	var prefix string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List who wrote STOP, or was put on the list",
		Example: "  relevo opt-out list\n  relevo opt-out list --prefix +52",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "opt-outs")
			if err != nil {
				return err
			}
			q := p.query()
			set(q, "prefix", prefix)
			a, err := r.get(cmd.Context(), path, q)
			if err != nil {
				return err
			}
			return r.table(a, "people", optOutColumns[:]...)
		},
	}
	p.addFlags(cmd)
	cmd.Flags().StringVar(&prefix, "prefix", "", "only numbers that begin so, such as `+52`")
	return cmd
}

func (r *remote) newOptOutAddCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "add PHONE",
		Short:   "Send somebody nothing more; what waits for them is canceled and its units come back",
		Example: "  relevo opt-out add +14151231234 --reason \"asked by phone\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := r.in(cmd.Context(), "opt-outs", args[0])
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPut, Path: path, Body: map[string]string{"reason": reason}})
			if err != nil {
				return err
			}
			return r.detail(a, optOutColumns[:]...)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "a `note` for those who look at the list later")
	return cmd
}

func (r *remote) newOptOutRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove PHONE",
		Short:   "Let somebody get messages again; only where they asked for it",
		Example: "  relevo opt-out remove +14151231234",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return usagef("name somebody by their number; `relevo opt-out list` shows them")
			}
			path, err := r.in(cmd.Context(), "opt-outs", args[0])
			if err != nil {
				return err
			}
			if _, err := r.call(cmd.Context(), client.Call{Method: http.MethodDelete, Path: path}); err != nil {
				return err
			}
			r.done("They get messages again.")
			return nil
		},
	}
}
