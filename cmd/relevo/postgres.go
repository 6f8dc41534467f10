package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"relevo/quota"
	"relevo/relay"
	"relevo/relay/guard"
	"relevo/relay/media"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/pgstore"
)

// addStoreFlag gives a command the address of a PostgreSQL database.
func addStoreFlag(p *program, cmd *cobra.Command, name string) func() (string, error) {
	flag := cmd.Flags().String(name, "", "PostgreSQL `URL`, postgres://… (or RELEVO_STORE__URL)")
	return func() (string, error) {
		if *flag != "" {
			return *flag, nil
		}
		if path := p.getenv("RELEVO_STORE__URL_FILE"); path != "" {
			b, err := os.ReadFile(path)
			return strings.TrimSpace(string(b)), err
		}
		return p.getenv("RELEVO_STORE__URL"), nil
	}
}

var errNoURL = sayf("Name the PostgreSQL database: --store postgres://user:password@host:5432/relevo, or RELEVO_STORE__URL.")

func newMigrateCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the schema of a PostgreSQL database up to date",
		Long: "Migrate brings the schema up to date: forward only, and one process at a time. A server does the same when it starts;\n" +
			"this is for those who give servers no right to change a schema. A newer schema is refused.",
		Example: "  relevo migrate --store postgres://relevo@db/relevo",
		Args:    cobra.NoArgs,
	}
	store := addStoreFlag(p, cmd, "store")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		url, err := store()
		if err != nil {
			return err
		}
		if url == "" {
			return errNoURL
		}
		before, known, err := pgstore.Schema(cmd.Context(), url)
		if err != nil {
			return err
		}
		if err := pgstore.Migrate(cmd.Context(), url); err != nil {
			return err
		}
		if before == known {
			_, err = fmt.Fprintf(p.stdout, "The schema is up to date: %d.\n", known)
		} else {
			_, err = fmt.Fprintf(p.stdout, "The schema is now %d (it was %d).\n", known, before)
		}
		return err
	}
	return cmd
}

func newMoveCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "move",
		Short: "Carry the database of a stopped server over to PostgreSQL",
		Long: "Move verifies the embedded database of a stopped server, carries everything over into an empty PostgreSQL database,\n" +
			"verifies that one too, and compares both. Give the nodes the same secret key afterwards: it is in secret.key in the\n" +
			"data folder, unless you had configured it. The old database stays beside its place under another name, so that\n" +
			"nothing is sent from both.",
		Example: "  relevo move --from ./data --to postgres://relevo@db/relevo",
		Args:    cobra.NoArgs,
	}
	from := cmd.Flags().String("from", "./data", "data `folder` of the stopped server")
	to := addStoreFlag(p, cmd, "to")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		url, err := to()
		if err != nil {
			return err
		}
		if url == "" {
			return sayf("Name the PostgreSQL database: --to postgres://user:password@host:5432/relevo.")
		}
		return p.move(cmd.Context(), *from, url)
	}
	return cmd
}

func (p *program) move(ctx context.Context, data, url string) (err error) {
	path := filepath.Join(data, databaseFile)
	if !exists(path) {
		return sayf("There is no database %s. Name the data folder with --from.", path)
	}
	old, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	before, err := mustVerify(ctx, old, path)
	if err != nil {
		return err
	}
	fresh, err := pgstore.Open(ctx, pgstore.Options{URL: url})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fresh.Close()) }()
	in, err := fresh.NewImport(ctx)
	if err != nil {
		return sayf("Nothing was moved: %v.", err)
	}
	if err := errors.Join(old.Export(ctx, in.Put)); err != nil {
		return fmt.Errorf("move: %w", err)
	}
	files, err := moveFiles(ctx, data, pgstore.NewFiles(fresh.Pool()))
	if err != nil {
		return fmt.Errorf("move the files: %w", err)
	}
	if err := in.Done(); err != nil {
		return fmt.Errorf("move: %w", err)
	}
	after, err := mustVerify(ctx, fresh, "the PostgreSQL database")
	if err != nil {
		return err
	}
	before.Records, after.Records = 0, 0 // rows differ, what they say does not
	if before != after {
		return fmt.Errorf("the two databases differ, so do not use the new one: the old one has %+v, the new one %+v", before, after)
	}
	if err := equalAccounts(ctx, old, fresh); err != nil {
		return err
	}
	kept := path + ".moved-" + time.Now().UTC().Format("20060102-150405")
	if err := os.Rename(path, kept); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "Moved and verified %d workspaces, %d messages (%d queued) and %d ledger entries, and %d files.\nThe old database is now %s.\n"+
		"Start the nodes with --store and the same secret key (%s, unless you configured another).\n",
		after.Workspaces, after.Messages, after.Items, after.Entries, files, kept, filepath.Join(data, secretFile))
	return err
}

// moveFiles carries over what was fetched and may still be sent.
func moveFiles(ctx context.Context, data string, to *pgstore.Files) (moved int, err error) {
	dir := filepath.Join(data, "files")
	if !exists(dir) {
		return 0, nil
	}
	from, err := media.Open(dir, guard.Config{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	var keys []string
	if err := from.Keys(func(key string, _ time.Time) { keys = append(keys, key) }); err != nil {
		return 0, err
	}
	for _, key := range keys {
		f, err := from.Open(key)
		if err != nil {
			return moved, err
		}
		b, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return moved, err
		}
		if err := to.Put(ctx, key, bytes.NewReader(b), int64(len(b))); err != nil {
			return moved, err
		}
		moved++
	}
	return moved, nil
}

// mustVerify refuses a store that is not in order.
func mustVerify(ctx context.Context, s relay.Store, name string) (relay.VerifyStats, error) {
	first, n := "", 0
	stats, err := s.Verify(ctx, func(bad string) {
		if n++; n == 1 {
			first = bad
		}
	})
	if err == nil && n > 0 {
		err = sayf("%s does not verify: %s (%d violations).", name, first, n)
	}
	return stats, err
}

// equalAccounts compares every balance.
func equalAccounts(ctx context.Context, a, b relay.Store) error {
	for page := (relay.Page{Limit: 200}); ; {
		list, next, err := a.Workspaces(ctx, page)
		if err != nil {
			return err
		}
		for _, w := range list {
			x, err1 := accountOf(ctx, a, w.ID)
			y, err2 := accountOf(ctx, b, w.ID)
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			if !x.LastAt.Equal(y.LastAt) {
				return fmt.Errorf("the ledger of %s ends at %s in one database and at %s in the other", w.ID, x.LastAt, y.LastAt)
			}
			if x.LastAt = y.LastAt; x != y {
				return fmt.Errorf("the balance of %s differs, so do not use the new database: the old one has %+v, the new one %+v", w.ID, x, y)
			}
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}

func accountOf(ctx context.Context, s relay.Store, workspace string) (a quota.Account, err error) {
	err = s.View(ctx, func(tx relay.Tx) error {
		a, err = tx.Account(ctx, workspace)
		return err
	})
	return a, err
}
