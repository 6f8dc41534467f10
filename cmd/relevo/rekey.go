package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/config"
	"relevo/relay"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/pgstore"
)

func newRekeyCommand(p *program) *cobra.Command {
	var o rekeyOptions
	cmd := &cobra.Command{
		Use:   "rekey",
		Short: "Change the secret key that webhook URLs and settings of channels are kept with",
		Long: "Rekey gives the database of a stopped server, or of stopped nodes, another secret key: for one that leaked, or that somebody\n" +
			"knew who left. Webhook URLs go on working, and settings of channels stay; both are sealed anew.\n\n" +
			"The old key is the one that `relevo serve` would take: RELEVO_SECRET_KEY, its file, the configuration, or secret.key in the\n" +
			"data folder. The new one is in --new-key-file, in the same form; a file that is not there is made. Where secret.key is in\n" +
			"use, the new key takes its place, and without --new-key-file a fresh one is made. The old key is secret.key.old meanwhile\n" +
			"and is removed at the end.\n\n" +
			"What ends: API keys of workspaces, of which only a hash is kept (--drop-api-keys agrees to that); the operator key of nodes\n" +
			"on PostgreSQL, where none is configured; and the links to files that providers hold, which else work for 72 hours, so let\n" +
			"the queue run empty first where files are under way.\n\n" +
			"Where it is broken off, run it again: no server starts before it has ended, and nothing is lost at any moment. Copies of\n" +
			"the database from before open with the old key alone: put that away first, outside of the data folder, if you keep them.\n" +
			"`relevo compact` afterwards takes what the old key opens out of the free pages of the file. Run it as the server's user.",
		Example: "  relevo rekey --data ./data\n  relevo rekey --store postgres://relevo@db/relevo --new-key-file /etc/relevo/new.key",
		Args:    cobra.NoArgs,
	}
	addSettingFlags(cmd, "data", "store.url")
	cmd.Flags().StringVar(&o.newKeyFile, "new-key-file", "", "`file` of the new key; it is made where it is not there")
	cmd.Flags().BoolVar(&o.dropAPIKeys, "drop-api-keys", false, "end the API keys of all workspaces; they cannot be carried over")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, _, err := p.loadConfig(cmd)
		if err != nil {
			return err
		}
		return p.rekey(cmd.Context(), c, o)
	}
	return cmd
}

type rekeyOptions struct {
	newKeyFile  string
	dropAPIKeys bool
}

func (p *program) rekey(ctx context.Context, c config.Config, o rekeyOptions) (err error) {
	st, name, err := openToRekey(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	keys, err := findKeys(c, o.newKeyFile) // the database is open: nobody else changes the files
	if err != nil {
		return err
	}
	k := relay.Rekey{Store: st, DropAPIKeys: o.dropAPIKeys}
	if k.Old, k.New, err = keys.secrets(); err != nil {
		return err
	}
	v, err := k.Survey(ctx)
	if err != nil {
		return rekeyRefused(err, keys)
	}
	if v.Done {
		_, err := fmt.Fprintf(p.stdout, "%s has the new secret key already; nothing was left to do.\n", name)
		return errors.Join(keys.finish(), err)
	}
	if len(v.APIKeys) > 0 && !o.dropAPIKeys {
		return refuseAPIKeys(v)
	}
	if _, err := mustVerify(ctx, st, name); err != nil {
		return err
	}
	if err := keys.save(); err != nil {
		return err
	}
	if err := k.Run(ctx); err != nil {
		return fmt.Errorf("the change of the secret key has not ended, so run the same command again: %w", rekeyRefused(err, keys))
	}
	if err := keys.finish(); err != nil {
		return err
	}
	return p.tellRekeyed(c, v, keys)
}

// openToRekey opens what a server of this configuration would, alone.
func openToRekey(ctx context.Context, c config.Config) (relay.Rebinder, string, error) {
	if c.Store.URL.Set() {
		st, err := pgstore.Open(ctx, pgstore.Options{URL: c.Store.URL.Reveal()})
		if err != nil {
			return nil, "", err
		}
		if err := st.Whole(ctx); err != nil {
			return nil, "", errors.Join(err, st.Close())
		}
		return st, "PostgreSQL", nil
	}
	path := filepath.Join(c.Data, databaseFile)
	if !exists(path) {
		return nil, "", sayf("There is no database %s. Name the data folder with --data.", path)
	}
	st, err := boltstore.Open(boltstore.Options{Path: path})
	return st, path, err
}

// rekeyRefused says in words that the keys do not fit the database.
func rekeyRefused(err error, keys keyFiles) error {
	var other *relay.SecretError
	switch {
	case !errors.As(err, &other):
		return err
	case other.Have == "":
		return sayf("No server has run on this database yet, so there is no secret key to change.")
	case other.Between():
		return sayf("A change of the secret key was begun with another key and has not ended. Give the same two keys again: the old one as\n"+
			"the server's, the new one with --new-key-file. These are %s and %s.", keys.oldFrom(), keys.newFrom())
	}
	return sayf("The database was made with neither key: the old one is %s, the new one %s. Nothing was changed.", keys.oldFrom(), keys.newFrom())
}

// refuseAPIKeys says which API keys would end.
func refuseAPIKeys(v relay.RekeySurvey) error {
	n, of := 0, strings.Builder{}
	for _, w := range v.APIKeys {
		n += w.Keys
		fmt.Fprintf(&of, "  %s (%s): %d\n", w.Workspace, w.Name, w.Keys)
	}
	begun := "Nothing was changed."
	if v.Begun {
		begun = "An earlier run was broken off; this one changed nothing."
	}
	return sayf("%s. Only a hash of an API key is kept, so a new secret key ends it. In these workspaces:\n%s"+
		"%s To go on, and make new keys afterwards (`relevo key create`), say --drop-api-keys.", plural(n, "API key would end", "API keys would end"), &of, begun)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// tellRekeyed says what was done and what is left to do.
func (p *program) tellRekeyed(c config.Config, v relay.RekeySurvey, keys keyFiles) error {
	out := fmt.Sprintf("Changed the secret key: %s and %s are sealed with the new one. Webhook URLs work as before.\n",
		plural(v.Workspaces, "workspace", "workspaces"), plural(v.Channels, "channel with settings", "channels with settings"))
	switch {
	case keys.inUse != "":
		out += fmt.Sprintf("The new key is in %s; back it up beside the database. The old one is gone.\n", keys.inUse)
	default:
		out += fmt.Sprintf("The new key is in %s: give it to every server of this database, as RELEVO_SECRET_KEY or RELEVO_SECRET_KEY_FILE, in place of the old one.\n", keys.given)
	}
	if n := len(v.APIKeys); n > 0 {
		sum := 0
		for _, w := range v.APIKeys {
			sum += w.Keys
		}
		out += fmt.Sprintf("Ended: %s of %s. Make new ones with `relevo key create`.\n", plural(sum, "API key", "API keys"), plural(n, "workspace", "workspaces"))
	}
	if c.Store.URL.Set() && !c.OperatorKey.Set() {
		out += fmt.Sprintf("The operator key follows from the secret key, so it is another one: each node writes it to %s in its data folder when it starts.\n", operatorFile)
	}
	out += "Links to files that providers hold have ended. Copies of the database from before open with the old key alone.\n"
	_, err := fmt.Fprint(p.stdout, out)
	return err
}

// bindSecret refuses a secret key that is not the database's, and every key
// while it is being changed.
func (s *server) bindSecret(ctx context.Context, secrets *relay.Secrets) error {
	check := secrets.CheckValue()
	err := s.store.BindSecret(ctx, check)
	if err == nil {
		return nil
	}
	var other *relay.SecretError
	begun := !s.c.SecretKey.Set() && exists(filepath.Join(s.c.Data, oldSecretFile))
	if errors.As(s.store.RebindSecret(ctx, check, check), &other) && (begun || other.Between()) {
		return sayf("The secret key of this database is being changed, and that has not ended: run the same `relevo rekey` again.")
	}
	return err
}
