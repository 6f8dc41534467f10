package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

func newUnfreezeCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unfreeze WORKSPACE",
		Short: "Let a workspace accept again after its books were looked at",
		Long: "A workspace whose books failed a check accepts nothing until somebody has looked. Unfreeze verifies the\n" +
			"database of a stopped server first, and refuses while anything in it is wrong.",
		Example: "  relevo unfreeze ws_06gvnaomvsl4tk9rari0 --data ./data",
		Args:    cobra.ExactArgs(1),
	}
	data := addDataFlag(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path := filepath.Join(*data, databaseFile)
		if err := copyMustVerify(cmd.Context(), path); err != nil {
			return err
		}
		if err := unfreeze(cmd.Context(), path, args[0]); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.stdout, "The books balance; %s accepts again.\n", args[0])
		return err
	}
	return cmd
}

func unfreeze(ctx context.Context, path, workspace string) (err error) {
	st, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return st.Update(ctx, func(tx relay.Tx) error {
		_, err := tx.Workspace(ctx, workspace)
		if errors.Is(err, relay.ErrNotFound) {
			return sayf("There is no workspace %s in %s.", workspace, path)
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
