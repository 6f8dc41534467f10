package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newAttemptsCommand() *cobra.Command {
	var form attemptForm
	cmd := &cobra.Command{
		Use:     "attempts",
		Short:   "List or download the last calls of the webhook",
		Example: "  relevo attempts\n  relevo attempts --format csv --output attempts.csv\n  relevo attempts --format text --hide-phones",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"table", "json", "jsonl", "csv", "text"}, form.format) {
				return usagef("--format is table, json, jsonl, csv or text")
			}
			if r.json && cmd.Flags().Changed("format") && form.format != "json" {
				return usagef("--json and --format %s exclude each other", form.format)
			}
			path, err := r.in(cmd.Context(), "attempts")
			if err != nil {
				return err
			}
			if form.format == "table" && !r.json && form.output == "" {
				return r.showAttempts(cmd.Context(), path)
			}
			if form.format == "table" {
				form.format = "json"
			}
			return r.downloadAttempts(cmd.Context(), path, form)
		},
	}
	cmd.Flags().StringVar(&form.format, "format", "table", "`form`: table, json, jsonl, csv or text")
	cmd.Flags().StringVar(&form.output, "output", "", "`file` to write to (a table becomes json)")
	cmd.Flags().BoolVar(&form.hidePhones, "hide-phones", false, "hide all but the last four digits of phone numbers (a table shows none)")
	return cmd
}

// attemptForm is what the log is written as, and where to.
type attemptForm struct {
	format, output string
	hidePhones     bool
}

func (r *remote) showAttempts(ctx context.Context, path string) error {
	a, err := r.get(ctx, path, nil)
	if err != nil {
		return err
	}
	return r.table(a, "attempts yet",
		column{"AT", "at", when}, column{"STATUS", "status", nil}, column{"CODE", "error_code", nil},
		column{"MESSAGE", "message_id", nil}, column{"NOW", "message_status", nil}, column{"UNITS", "units", nil},
		column{"REPLAY", "replayed", nil}, column{"COUNT", "count", nil}, column{"SAYS", "message", clip})
}

func (r *remote) downloadAttempts(ctx context.Context, path string, form attemptForm) error {
	api, err := r.api()
	if err != nil {
		return err
	}
	call := client.Call{Method: http.MethodGet, Path: "/api/v1" + path, Query: url.Values{"format": {form.format}}}
	if form.hidePhones {
		call.Query.Set("hide_phones", "true")
	}
	if form.output == "" {
		return r.refused(api.Download(ctx, call, r.stdout))
	}
	return writeWhole(form.output, func(w io.Writer) error { return api.Download(ctx, call, w) })
}

// writeWhole writes a file that is there whole or not at all, for its owner's
// eyes: it holds texts and phone numbers.
func writeWhole(name string, fill func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name()) // gone already where all went well
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
