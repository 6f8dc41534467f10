package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"relevo/cmd/relevo/config"
	"relevo/relay"
)

// oldSecretFile is the old key, from before anything is sealed with the new
// one until everything is.
const oldSecretFile = secretFile + ".old"

// keyFiles are the two keys of a change, and where they are.
//
// Where secret.key is in use, the files say how far the change is, in this
// order: secret.key alone; both with the same key; secret.key.old with the old
// key and secret.key with the new one, which is when the database is changed;
// secret.key alone again. So whatever breaks it off, both keys are on the disk
// as long as anything is sealed with either.
type keyFiles struct {
	old, fresh config.Secret
	// inUse is the path of secret.key; empty where the old key is configured.
	inUse string
	// given is the file that was named for the new key; empty for none.
	given string
	// begun: secret.key is the new key already.
	begun bool
}

// findKeys reads the keys, or thinks of a new one. It writes nothing.
func findKeys(c config.Config, given string) (k keyFiles, err error) {
	k.given = given
	if given != "" {
		if k.fresh, err = readSecretKey(given); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return k, err
		}
	}
	if k.old = c.SecretKey; k.old.Set() {
		if given == "" {
			return k, sayf("The secret key is configured, so say where the new one is, or is to be made: --new-key-file FILE. Nothing was changed.")
		}
		k.orMake()
		return k, nil
	}
	k.inUse = filepath.Join(c.Data, secretFile)
	current, err := readSecretKey(k.inUse)
	if errors.Is(err, fs.ErrNotExist) {
		return k, sayf("There is no %s: give the old key as RELEVO_SECRET_KEY, or put the file back.", k.inUse)
	}
	if err != nil {
		return k, err
	}
	was, err := readSecretKey(k.kept())
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && was == current:
		k.old = current
		k.orMake()
		return k, nil
	case err != nil:
		return k, err
	case k.fresh.Set() && k.fresh != current:
		return k, sayf("A change of the secret key was begun with the key that is in %s now, not with that in %s. Run it without --new-key-file first. "+
			"Nothing was changed.", k.inUse, given)
	}
	k.old, k.fresh, k.begun = was, current, true
	return k, nil
}

// kept is where the old key is meanwhile.
func (k *keyFiles) kept() string { return filepath.Join(filepath.Dir(k.inUse), oldSecretFile) }

// orMake thinks of a new key where none was given.
func (k *keyFiles) orMake() {
	if !k.fresh.Set() {
		k.fresh = config.NewSecret(newSecretKey())
	}
}

func readSecretKey(path string) (config.Secret, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return config.Secret{}, err
	}
	s := config.NewSecret(string(b))
	if !s.Set() {
		return s, sayf("The file %s is empty; put its key back, or remove the file where nothing depends on it.", path)
	}
	return s, nil
}

// secrets derives what both keys hash and seal with.
func (k *keyFiles) secrets() (old, fresh *relay.Secrets, err error) {
	if old, err = deriveSecrets(k.old); err != nil {
		return nil, nil, fmt.Errorf("%s %w", k.oldFrom(), err)
	}
	if fresh, err = deriveSecrets(k.fresh); err != nil {
		return nil, nil, fmt.Errorf("%s %w", k.newFrom(), err)
	}
	if old.CheckValue() == fresh.CheckValue() {
		return nil, nil, sayf("%s is the key that is in use already. Nothing was changed.", k.newFrom())
	}
	return old, fresh, nil
}

func deriveSecrets(key config.Secret) (*relay.Secrets, error) {
	master, err := config.Config{SecretKey: key}.MasterKey()
	if err != nil {
		return nil, err
	}
	return relay.NewSecrets(master)
}

// oldFrom and newFrom say where the keys are.
func (k *keyFiles) oldFrom() string {
	switch {
	case k.inUse == "":
		return "the configured secret key"
	case k.begun:
		return k.kept()
	}
	return k.inUse
}

func (k *keyFiles) newFrom() string {
	switch {
	case k.given != "":
		return k.given
	case k.begun:
		return k.inUse
	}
	return "a fresh key"
}

// save puts both keys where the next run finds them, before anything is sealed
// with the new one.
func (k *keyFiles) save() error {
	if k.given != "" {
		text, err := fileOrNew(k.given, k.fresh.Reveal, func(string) {})
		if err != nil {
			return err
		}
		if config.NewSecret(text) != k.fresh {
			return sayf("Something else made %s meanwhile. Nothing was changed; run the command again.", k.given)
		}
		if err := syncFolder(filepath.Dir(k.given)); err != nil {
			return err
		}
	}
	if k.inUse == "" || k.begun {
		return nil
	}
	if err := writeKey(k.kept(), k.old); err != nil {
		return err
	}
	return writeKey(k.inUse, k.fresh)
}

// finish removes the old key; the database opens with the new one alone.
func (k *keyFiles) finish() error {
	if k.inUse == "" {
		return nil
	}
	folder := filepath.Dir(k.inUse)
	parts, err := filepath.Glob(filepath.Join(folder, "."+secretFile+".*")) // what a broken-off run wrote by half
	for _, path := range append(parts, k.kept()) {
		if gone := os.Remove(path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return errors.Join(err, syncFolder(folder))
}

// writeKey puts a key into a file that is there whole, or as it was.
func writeKey(path string, key config.Secret) error {
	err := writeWhole(path, func(w io.Writer) error {
		_, err := io.Copy(w, strings.NewReader(key.Reveal()+"\n"))
		return err
	})
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
