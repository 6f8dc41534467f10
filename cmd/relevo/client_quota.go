package main

import (
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newQuotaCommand() *cobra.Command {
	plan := group("plan", "Units that are granted by the clock",
		r.newQuotaPlanShowCommand(), r.newQuotaPlanSetCommand(), r.newQuotaPlanRemoveCommand())
	return group("quota", "Show and grant units, and read the ledger",
		r.newQuotaShowCommand(), r.newQuotaGrantCommand(), r.newQuotaEntriesCommand(), plan)
}

func (r *remote) newQuotaShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show how many units are left",
		Example: "  relevo quota show",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "quota")
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			return r.detail(a, column{"Granted", "granted", nil}, column{"Available", "available", nil},
				column{"Reserved", "reserved", nil}, column{"Spent", "spent", nil})
		},
	}
}

var entryColumns = [...]column{
	{"AT", "at", when},
	{"KIND", "kind", nil},
	{"UNITS", "units", nil},
	{"AVAILABLE AFTER", "available_after", nil},
	{"REF", "ref", clip},
	{"MESSAGE", "message_id", nil},
}

func (r *remote) newQuotaGrantCommand() *cobra.Command {
	var reference string
	cmd := &cobra.Command{
		Use:   "grant UNITS",
		Short: "Grant units",
		Long: "Grant adds units to the workspace's quota. The reference names the grant, an invoice\n" +
			"for instance: granting the same units again under the same reference grants nothing more.",
		Example: "  relevo quota grant 1000 --reference invoice-2024-17",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			units, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || units < 1 {
				return usagef("%q is no number of units; write a whole number from 1", args[0])
			}
			if reference == "" {
				return usagef("name the grant with --reference, so that doing it twice grants once")
			}
			path, err := r.in(cmd.Context(), "quota", "grants")
			if err != nil {
				return err
			}
			body := map[string]any{"units": units, "reference": reference}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPost, Path: path, Body: body})
			if err != nil {
				return err
			}
			return r.detail(a, column{"Granted at", "at", when}, column{"Units", "units", nil},
				column{"Reference", "ref", nil}, column{"Available after", "available_after", nil})
		},
	}
	cmd.Flags().StringVar(&reference, "reference", "", "unique `name` of the grant")
	return cmd
}

func (r *remote) newQuotaEntriesCommand() *cobra.Command {
	var p page
	cmd := &cobra.Command{
		Use:     "entries",
		Short:   "List the entries of the ledger, newest first",
		Example: "  relevo quota entries --limit 200",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "quota", "entries")
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, p.query())
			if err != nil {
				return err
			}
			return r.table(a, "entries", entryColumns[:]...)
		},
	}
	p.addFlags(cmd)
	return cmd
}

var planColumns = [...]column{
	{"Units", "units", nil},
	{"Schedule", "schedule", nil},
	{"Rolls over", "roll_over", nil},
	{"Next refill", "next_refill_at", when},
}

func (r *remote) newQuotaPlanShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show the plan",
		Example: "  relevo quota plan show",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "quota", "plan")
			if err != nil {
				return err
			}
			a, err := r.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			return r.detail(a, planColumns[:]...)
		},
	}
}

func (r *remote) newQuotaPlanSetCommand() *cobra.Command {
	var plan struct {
		Units    int64  `json:"units"`
		Schedule string `json:"schedule"`
		RollOver bool   `json:"roll_over"`
	}
	cmd := &cobra.Command{
		Use:     "set",
		Short:   "Grant units by the clock",
		Example: "  relevo quota plan set --units 1000 --schedule @monthly\n  relevo quota plan set --units 50 --schedule '0 6 * * 1' --roll-over",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plan.Units < 1 || plan.Schedule == "" {
				return usagef("say how much and how often: --units 1000 --schedule @monthly")
			}
			path, err := r.in(cmd.Context(), "quota", "plan")
			if err != nil {
				return err
			}
			a, err := r.call(cmd.Context(), client.Call{Method: http.MethodPut, Path: path, Body: plan})
			if err != nil {
				return err
			}
			return r.detail(a, planColumns[:]...)
		},
	}
	cmd.Flags().Int64Var(&plan.Units, "units", 0, "`units` per period")
	cmd.Flags().StringVar(&plan.Schedule, "schedule", "", "cron `expression` of five fields in UTC, or @daily, @weekly, @monthly")
	cmd.Flags().BoolVar(&plan.RollOver, "roll-over", false, "keep what is left of a period")
	return cmd
}

func (r *remote) newQuotaPlanRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove",
		Short:   "Stop granting units by the clock; what was granted stays",
		Example: "  relevo quota plan remove",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := r.in(cmd.Context(), "quota", "plan")
			if err != nil {
				return err
			}
			if _, err := r.call(cmd.Context(), client.Call{Method: http.MethodDelete, Path: path}); err != nil {
				return err
			}
			r.done("The plan is removed.")
			return nil
		},
	}
}
