package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
	"relevo/cmd/relevo/config"
	"relevo/relay"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/pgstore"
)

// newOfflineCommands look after the database file.
func newOfflineCommands(p *program) []*cobra.Command {
	return []*cobra.Command{newVerifyCommand(p), newUnfreezeCommand(p), newRekeyCommand(p), newBackupCommand(p), newRestoreCommand(p), newCompactCommand(p),
		newMigrateCommand(p), newMoveCommand(p)}
}

// addDataFlag gives a command --data.
func addDataFlag(p *program, cmd *cobra.Command) *string {
	def := p.getenv("RELEVO_DATA")
	if def == "" {
		def = "./data"
	}
	return cmd.Flags().String("data", def, "data `folder` of the server")
}

func newVerifyCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check every balance, invariant and checksum of a database",
		Long: "Verify recomputes every ledger from its entries and checks every invariant and every record's checksum.\n" +
			"The server must be stopped, or FILE be a copy; with --store the nodes may go on. Exit 1 on any violation.",
		Example: "  relevo verify --data ./data\n  relevo verify backups/relevo-20261120-030000.db",
		Args:    cobra.MaximumNArgs(1),
	}
	data := addDataFlag(p, cmd)
	store := addStoreFlag(p, cmd, "store")
	asJSON := cmd.Flags().Bool("json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		url, err := store()
		if err != nil {
			return err
		}
		if url != "" && len(args) == 0 && !cmd.Flags().Changed("data") {
			return p.tellVerified("PostgreSQL", *asJSON, func() (verification, error) { return verifyPostgres(cmd.Context(), url) })
		}
		path := filepath.Join(*data, databaseFile)
		if len(args) == 1 {
			path = args[0]
		}
		return p.tellVerified(path, *asJSON, func() (verification, error) { return verifyDatabase(cmd.Context(), path) })
	}
	return cmd
}

// verification is what `relevo verify --json` prints.
type verification struct {
	File       string   `json:"file"`
	OK         bool     `json:"ok"`
	Workspaces int64    `json:"workspaces"`
	Messages   int64    `json:"messages"`
	Entries    int64    `json:"entries"`
	Queued     int64    `json:"queued"`
	Templates  int64    `json:"templates"`
	Inbounds   int64    `json:"inbound_messages"`
	Cards      int64    `json:"cards"`
	Records    int64    `json:"records"`
	Violations []string `json:"violations"`
}

func (p *program) tellVerified(path string, asJSON bool, verify func() (verification, error)) error {
	v, err := verify()
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(v)
	} else {
		for _, bad := range v.Violations {
			fmt.Fprintln(p.stdout, "VIOLATION:", bad)
		}
		_, err = fmt.Fprintf(p.stdout, "%s: %d violations in %d workspaces, %d messages, %d entries, %d queued, %d templates, %d inbound messages, %d cards, %d records\n",
			path, len(v.Violations), v.Workspaces, v.Messages, v.Entries, v.Queued, v.Templates, v.Inbounds, v.Cards, v.Records)
	}
	if err == nil && !v.OK {
		return errSilent
	}
	return err
}

func verifyDatabase(ctx context.Context, path string) (v verification, err error) {
	if _, err := os.Stat(path); err != nil {
		return v, sayf("There is no database %s. Name the data folder with --data.", path)
	}
	st, err := boltstore.Open(boltstore.Options{Path: path, ReadOnly: true})
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return verifyStore(ctx, st, path)
}

// verifyPostgres needs no stopped server: it looks at one moment.
func verifyPostgres(ctx context.Context, url string) (v verification, err error) {
	st, err := pgstore.Open(ctx, pgstore.Options{URL: url})
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return verifyStore(ctx, st, "PostgreSQL")
}

func verifyStore(ctx context.Context, st relay.Store, name string) (verification, error) {
	v := verification{File: name, Violations: []string{}}
	stats, err := st.Verify(ctx, func(bad string) { v.Violations = append(v.Violations, bad) })
	v.OK = err == nil && len(v.Violations) == 0
	v.Workspaces, v.Messages, v.Entries, v.Queued, v.Records = stats.Workspaces, stats.Messages, stats.Entries, stats.Items, stats.Records
	v.Templates, v.Inbounds, v.Cards = stats.Templates, stats.Inbounds, stats.Cards
	return v, err
}

// copyMustVerify refuses a file that is not in order.
func copyMustVerify(ctx context.Context, path string) error {
	v, err := verifyDatabase(ctx, path)
	if err == nil && !v.OK {
		err = sayf("%s does not verify: %s (%d violations; see `relevo verify %s`).", path, v.Violations[0], len(v.Violations), path)
	}
	return err
}

func newBackupCommand(p *program) *cobra.Command {
	r := &remote{program: p}
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a verified copy of the database to a file",
		Long: "Backup copies the database, of a running server through its API, else from the data folder, and verifies the copy.\n" +
			"Keep the secret key (secret.key in the data folder, or RELEVO_SECRET_KEY) beside it: without it webhook URLs are dead.",
		Example: "  relevo backup /backups/relevo.db",
		Args:    cobra.ExactArgs(1),
	}
	r.addFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		to := args[0]
		if exists(to) {
			return sayf("%s exists already; backup never writes over a file.", to)
		}
		if err := r.copyTo(cmd.Context(), to, cmd.Flags().Changed("url") || p.getenv("RELEVO_URL") != ""); err != nil {
			return err
		}
		if err := copyMustVerify(cmd.Context(), to); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.stdout, "Wrote and verified %s. Keep the secret key beside it.\n", to)
		return err
	}
	return cmd
}

// copyTo copies the data folder of a stopped server; where a server has it
// open, or is elsewhere, it asks the server for the copy.
func (r *remote) copyTo(ctx context.Context, to string, elsewhere bool) error {
	path := filepath.Join(r.given(r.data, "RELEVO_DATA", config.Default().Data), databaseFile)
	if !elsewhere && exists(path) {
		st, err := boltstore.Open(boltstore.Options{Path: path, ReadOnly: true})
		if err == nil {
			return errors.Join(st.Backup(ctx, to), st.Close())
		}
		if !errors.Is(err, boltstore.ErrInUse) {
			return err
		}
	}
	c, err := r.api()
	if err != nil {
		return err
	}
	return writeWhole(to, func(w io.Writer) error {
		return c.Download(ctx, client.Call{Method: http.MethodGet, Path: "/api/v1/backup"}, w)
	})
}

func newRestoreCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a copy of the database in the place of the current one",
		Long: "Restore verifies a copy and puts it into the data folder of a stopped server. A database that is there is kept beside it.\n" +
			"What was queued when the copy was made may have been sent since: every channel with a queue is put on hold, so that nothing\n" +
			"goes out twice. Look through the queue, cancel what went out, then resume the channel.",
		Example: "  relevo restore /backups/relevo.db --data ./data",
		Args:    cobra.ExactArgs(1),
	}
	data := addDataFlag(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return p.restore(cmd.Context(), args[0], *data) }
	return cmd
}

func (p *program) restore(ctx context.Context, from, data string) error {
	if err := copyMustVerify(ctx, from); err != nil {
		return err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	fresh := filepath.Join(data, databaseFile+".restoring")
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := boltstore.Compact(from, fresh); err != nil {
		return err
	}
	held, err := holdQueued(ctx, fresh, from)
	if err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	kept, err := swapDatabase(data, fresh)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "Restored %s into %s.\n", from, data)
	if kept != "" {
		fmt.Fprintf(p.stdout, "The database that was there is now %s.\n", kept)
	}
	if held > 0 {
		fmt.Fprintf(p.stdout, "On hold, because they have a queue: %d channels. See `relevo queue`, cancel what went out since, then `relevo channel resume`.\n", held)
	}
	return nil
}

// holdQueued keeps the copy from sending anything by itself.
func holdQueued(ctx context.Context, path, from string) (held int, err error) {
	st, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	r, err := relay.New(st, nil, nil, nil, relay.DefaultSettings(), "", slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	return r.HoldQueued(ctx, "restored from "+filepath.Base(from)+": what was queued then may have gone out since")
}

// swapDatabase puts a new file in the place of the database, which it keeps
// under another name. It refuses a database that a server has open.
func swapDatabase(data, fresh string) (kept string, err error) {
	path := filepath.Join(data, databaseFile)
	if exists(path) {
		st, err := boltstore.Open(boltstore.Options{Path: path})
		if err != nil {
			return "", errors.Join(err, os.Remove(fresh))
		}
		if err := st.Close(); err != nil {
			return "", err
		}
		kept = path + ".before-" + time.Now().UTC().Format("20060102-150405")
		if err := os.Rename(path, kept); err != nil {
			return "", err
		}
	}
	return kept, os.Rename(fresh, path)
}

func newCompactCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "compact",
		Short:   "Rewrite the database of a stopped server without its free pages",
		Example: "  relevo compact --data ./data",
		Args:    cobra.NoArgs,
	}
	data := addDataFlag(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return p.compact(cmd.Context(), *data) }
	return cmd
}

func (p *program) compact(ctx context.Context, data string) error {
	path := filepath.Join(data, databaseFile)
	before, err := os.Stat(path)
	if err != nil {
		return sayf("There is no database %s. Name the data folder with --data.", path)
	}
	fresh := path + ".compact"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := boltstore.Compact(path, fresh); err != nil {
		return err
	}
	if err := copyMustVerify(ctx, fresh); err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	after, err := os.Stat(fresh)
	if err != nil {
		return err
	}
	kept, err := swapDatabase(data, fresh)
	if err != nil {
		return err
	}
	if err := os.Remove(kept); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "Compacted %s from %d to %d bytes.\n", path, before.Size(), after.Size())
	return err
}
