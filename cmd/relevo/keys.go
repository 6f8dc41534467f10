package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"relevo/cmd/relevo/config"
	"relevo/relay"
)

// The files that hold what nobody configured.
const (
	secretFile   = "secret.key"
	operatorFile = "operator.key"
)

// masterSecrets are the keys that hash and seal: derived from the configured
// secret, else from one that the first start makes in the data folder.
func (s *server) masterSecrets() (*relay.Secrets, error) {
	if !s.shared() {
		if err := refuseLostDatabase(s.c.Data); err != nil {
			return nil, err
		}
	}
	return openSecrets(s.c, func(path string) {
		s.log.Info("made the secret key that webhook URLs and API keys are kept with; back it up beside the database", "file", path)
	})
}

// openSecrets reads or, where made is not nil, makes the secret.
func openSecrets(c config.Config, made func(path string)) (*relay.Secrets, error) {
	master, err := c.MasterKey()
	if err != nil {
		return nil, fmt.Errorf("secret_key %w", err)
	}
	if master == nil {
		path := filepath.Join(c.Data, secretFile)
		_, statErr := os.Stat(path)
		if errors.Is(statErr, fs.ErrNotExist) && exists(filepath.Join(c.Data, databaseFile)) {
			return nil, sayf("The database in %s is there, but its secret key is not: give it as RELEVO_SECRET_KEY, or put the file %s back.", c.Data, path)
		}
		text, err := fileOrNew(path, newSecretKey, made)
		if err != nil {
			return nil, err
		}
		c.SecretKey = config.NewSecret(text)
		if master, err = c.MasterKey(); err != nil {
			return nil, fmt.Errorf("%s %w", path, err)
		}
	}
	return relay.NewSecrets(master)
}

// newSecretKey is a fresh key as files hold it.
func newSecretKey() string {
	var b [32]byte
	rand.Read(b[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return base64.StdEncoding.EncodeToString(b[:])
}

// refuseLostDatabase refuses to begin anew in a folder that a database is
// missing from: every webhook URL would be dead, and nobody would know why.
func refuseLostDatabase(data string) error {
	if exists(filepath.Join(data, databaseFile)) {
		return nil
	}
	for _, trace := range []string{databaseFile + ".*", "backups/*", "sandbox/*", "files/*"} {
		found, err := filepath.Glob(filepath.Join(data, trace))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return sayf("There is no %s in %s, but %s is there: the database is missing. Put it back (`relevo restore`), "+
				"or start with an empty folder.", databaseFile, data, found[0])
		}
	}
	return nil
}

// operatorKey opens the management API: configured, else made in the data
// folder at the first start; on a shared store it follows from the secret key,
// so that it is the same on every node.
func (s *server) operatorKey(secrets *relay.Secrets) (string, error) {
	if s.c.OperatorKey.Set() {
		return s.c.OperatorKey.Reveal(), nil
	}
	if s.shared() {
		key, path := secrets.OperatorKey(), filepath.Join(s.c.Data, operatorFile)
		return key, os.WriteFile(path, []byte(key+"\n"), 0o600)
	}
	return fileOrNew(filepath.Join(s.c.Data, operatorFile), relay.NewOperatorKey, func(path string) {
		s.log.Info("made the operator key of the management API", "file", path)
	})
}

// fileOrNew reads a one-line file, or makes it with mode 0600.
func fileOrNew(path string, fresh func() string, made func(path string)) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		if text := strings.TrimSpace(string(b)); text != "" {
			return text, nil
		}
		return "", sayf("The file %s is empty; put its key back, or remove the file where nothing depends on it.", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	text := fresh()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintln(f, text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	made(path)
	return text, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
