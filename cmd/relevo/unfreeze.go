package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"relevo/relay"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/pgstore"
)

func newUnfreezeCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unfreeze WORKSPACE",
		Short: "Let a workspace accept again after its books were looked at",
		Long: "A workspace whose books failed a check accepts nothing until somebody has looked. Unfreeze verifies the\n" +
			"database of a stopped server first, or of running nodes with --store, and refuses while anything in it is wrong.",
		Example: "  relevo unfreeze ws_06gvnaomvsl4tk9rari0 --data ./data",
		Args:    cobra.ExactArgs(1),
	}
	data := addDataFlag(p, cmd)
	store := addStoreFlag(p, cmd, "store")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		url, err := store()
		if err != nil {
			return err
		}
		st, name, err := openToMend(cmd.Context(), url, filepath.Join(*data, databaseFile))
		if err != nil {
			return err
		}
		_, err = mustVerify(cmd.Context(), st, name)
		if err == nil {
			err = unfreeze(cmd.Context(), st, args[0], name)
		}
		if err := errors.Join(err, st.Close()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "The books balance; %s accepts again.\n", args[0])
		return err
	}
	return cmd
}

// openToMend opens a PostgreSQL database, or the file of a stopped server.
func openToMend(ctx context.Context, url, path string) (relay.Store, string, error) {
	if url != "" {
		st, err := pgstore.Open(ctx, pgstore.Options{URL: url})
		return st, "PostgreSQL", err
	}
	if !exists(path) {
		return nil, "", sayf("There is no database %s. Name the data folder with --data.", path)
	}
	st, err := boltstore.Open(boltstore.Options{Path: path})
	return st, path, err
}

func unfreeze(ctx context.Context, st relay.Store, workspace, name string) error {
	return st.Update(ctx, func(tx relay.Tx) error {
		_, err := tx.Workspace(ctx, workspace)
		if errors.Is(err, relay.ErrNotFound) {
			return sayf("There is no workspace %s in %s.", workspace, name)
		}
		if err != nil {
			return err
		}
		a, err := tx.Account(ctx, workspace)
		if err != nil {
			return err
		}
		if !a.Frozen {
			return sayf("Workspace %s is not frozen.", workspace)
		}
		a.Frozen = false
		return tx.PutAccount(ctx, a)
	})
}
