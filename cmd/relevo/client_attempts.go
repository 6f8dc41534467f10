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
	var format, output string
	cmd := &cobra.Command{
		Use:     "attempts",
		Short:   "List or download the last calls of the webhook",
		Example: "  relevo attempts\n  relevo attempts --format csv --output attempts.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"table", "json", "jsonl", "csv"}, format) {
				return usagef("--format is table, json, jsonl or csv")
			}
			if r.json && cmd.Flags().Changed("format") && format != "json" {
				return usagef("--json and --format %s exclude each other", format)
			}
			path, err := r.in(cmd.Context(), "attempts")
			if err != nil {
				return err
			}
			if format == "table" && !r.json && output == "" {
				return r.showAttempts(cmd.Context(), path)
			}
			if format == "table" {
				format = "json"
			}
			return r.downloadAttempts(cmd.Context(), path, format, output)
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "`form`: table, json, jsonl or csv")
	cmd.Flags().StringVar(&output, "output", "", "`file` to write to (a table becomes json)")
	return cmd
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

func (r *remote) downloadAttempts(ctx context.Context, path, format, output string) error {
	api, err := r.api()
	if err != nil {
		return err
	}
	call := client.Call{Method: http.MethodGet, Path: "/api/v1" + path, Query: url.Values{"format": {format}}}
	if output == "" {
		return r.refused(api.Download(ctx, call, r.stdout))
	}
	return writeWhole(output, func(w io.Writer) error { return api.Download(ctx, call, w) })
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
