package main

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relevo/cmd/relevo/config"
	"relevo/relay"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/pgstore/pgtest"
)

// relevoWith runs a command of the real binary in an environment. No secret
// key may be in what it prints.
func relevoWith(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a server that starts would not end
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	for _, kv := range env {
		if key, ok := strings.CutPrefix(kv, "RELEVO_SECRET_KEY="); ok && strings.Contains(string(out), key) {
			t.Errorf("the secret key is printed: %s", out)
		}
	}
	return string(out), err
}

// keyIn is a secret key in its file; empty where there is none.
func keyIn(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	info, err2 := os.Stat(path)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("%s has mode %v", path, info.Mode())
	}
	return strings.TrimSpace(string(b))
}

// refusesToServe checks that a server does not start, and says why.
func refusesToServe(t *testing.T, why string, env []string, args ...string) {
	t.Helper()
	out, err := relevoWith(t, env, append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "off"}, args...)...)
	if err == nil || !strings.Contains(out, why) { // one that was started was killed
		t.Errorf("serve: %v: %s\nwant %q", err, out, why)
	}
}

// accepts checks that a webhook takes a call.
func accepts(t *testing.T, url string) {
	t.Helper()
	if status, answer, err := post(url, pageExample1); err != nil || status != http.StatusOK || messageID(answer) == "" {
		t.Errorf("the old webhook URL answers %d %v (%v)", status, answer, err)
	}
}

// TestRekeyKeepsWebhookURLsAndEndsTheOldKey changes the key of a real
// installation, with an API key in the way.
func TestRekeyKeepsWebhookURLsAndEndsTheOldKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, kept := filepath.Join(dir, secretFile), filepath.Join(dir, oldSecretFile)
	p := start(t, dir, quick...)
	token, ws := strings.TrimPrefix(p.hook, p.url), p.workspace(t)
	accepts(t, p.hook)
	key := p.api(t, http.MethodPost, "/workspaces/"+ws+"/keys", map[string]any{"name": "zapier"})["key"].(string)
	if out, err := relevo(t, "rekey", "--data", dir); err == nil || !strings.Contains(out, "another process has the database open") {
		t.Errorf("under a running server: %v\n%s", err, out)
	}
	if err := p.stop(t); err != nil {
		t.Fatal(err)
	}
	old := keyIn(t, file)
	out, err := relevo(t, "rekey", "--data", dir, "--new-key-file", filepath.Join(dir, "new"))
	if err == nil || !strings.Contains(out, "1 API key would end") || !strings.Contains(out, ws+" (Demo): 1") || !strings.Contains(out, "--drop-api-keys") {
		t.Errorf("with an API key: %v\n%s", err, out)
	}
	if keyIn(t, file) != old || keyIn(t, kept) != "" || keyIn(t, filepath.Join(dir, "new")) != "" {
		t.Error("a refusal changed the files of keys")
	}
	p = start(t, dir, quick...)
	accepts(t, p.url+token)
	if err := p.stop(t); err != nil {
		t.Fatal(err)
	}

	out, err = relevo(t, "rekey", "--data", dir, "--drop-api-keys")
	if err != nil || !strings.Contains(out, "Ended: 1 API key of 1 workspace.") || !strings.Contains(out, "1 workspace and 0 channels") {
		t.Fatalf("rekey: %v\n%s", err, out)
	}
	fresh := keyIn(t, file)
	if fresh == old || fresh == "" || keyIn(t, kept) != "" || strings.Contains(out, fresh) || strings.Contains(out, old) {
		t.Errorf("the new key is not in the place of the old one, or a key was printed:\n%s", out)
	}
	if out, err := relevo(t, "verify", "--data", dir); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	refusesToServe(t, "secret key is not the one", []string{"RELEVO_SECRET_KEY=" + old}, "--data", dir)
	p = start(t, dir, quick...)
	accepts(t, p.url+token)
	if shown := p.api(t, http.MethodGet, "/workspaces/"+ws+"/webhook", nil)["url"]; shown != p.url+token {
		t.Error("the owner does not see the URL again")
	}
	if out, err := relevo(t, "key", "list", "--workspace", ws, "--url", p.url, "--key", key); err == nil {
		t.Errorf("the API key still opens something: %s", out)
	}
}

// TestRekeyTakesAConfiguredKeyAndAFileForTheNewOne runs it without a file in
// the data folder, and back again.
func TestRekeyTakesAConfiguredKeyAndAFileForTheNewOne(t *testing.T) {
	t.Parallel()
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "new.key")
	old := []string{"RELEVO_SECRET_KEY=" + newSecretKey()}
	p := start(t, dir, append(old, quick...)...)
	token := strings.TrimPrefix(p.hook, p.url)
	if err := p.stop(t); err != nil {
		t.Fatal(err)
	}
	if out, err := relevoWith(t, old, "rekey", "--data", dir); err == nil || !strings.Contains(out, "--new-key-file") {
		t.Errorf("without a file: %v\n%s", err, out)
	}
	if err := os.WriteFile(file, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := relevoWith(t, old, "rekey", "--data", dir, "--new-key-file", file); err == nil || !strings.Contains(out, "needs at least 32") {
		t.Errorf("a short key: %v\n%s", err, out)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Changed the secret key", "has the new secret key already"} {
		if out, err := relevoWith(t, old, "rekey", "--data", dir, "--new-key-file", file); err != nil || !strings.Contains(out, want) {
			t.Errorf("%v\n%s\nwant %q", err, out, want)
		}
	}
	refusesToServe(t, "secret key is not the one", old, "--data", dir)
	fresh := []string{"RELEVO_SECRET_KEY=" + keyIn(t, file)}
	if out, err := relevoWith(t, fresh, "rekey", "--data", dir, "--new-key-file", file); err == nil || !strings.Contains(out, "in use already") {
		t.Errorf("the same key: %v\n%s", err, out)
	}
	other := filepath.Join(t.TempDir(), "other.key")
	if out, err := relevoWith(t, old, "rekey", "--data", dir, "--new-key-file", other); err == nil || !strings.Contains(out, "neither key") || keyIn(t, other) != "" {
		t.Errorf("with an old key that is over: %v\n%s", err, out)
	}
	p = start(t, dir, append(fresh, quick...)...)
	accepts(t, p.url+token)
	if exists(filepath.Join(dir, secretFile)) {
		t.Error("a configured key was written to the data folder")
	}
}

// crowd makes an installation of many workspaces and returns their tokens.
func crowd(t *testing.T, dir string) (tokens []string) {
	t.Helper()
	key := newSecretKey()
	if err := os.WriteFile(filepath.Join(dir, secretFile), []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	st, r := openCrowd(t, dir, key)
	for range 60 {
		w, err := r.CreateWorkspace(t.Context(), "Acme")
		if err != nil {
			t.Fatal(err)
		}
		token, err := r.Token(w)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	if err := errors.Join(st.BindSecret(t.Context(), r.Secrets.CheckValue()), st.Close()); err != nil {
		t.Fatal(err)
	}
	return tokens
}

func openCrowd(t *testing.T, dir, key string) (*boltstore.Store, *relay.Relay) {
	t.Helper()
	st, err := boltstore.Open(boltstore.Options{Path: filepath.Join(dir, databaseFile), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := deriveSecrets(config.NewSecret(key))
	if err != nil {
		t.Fatal(err)
	}
	r, err := relay.New(st, nil, secrets, nil, relay.DefaultSettings(), "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return st, r
}

// opens reports whether the database is that of a key.
func opens(t *testing.T, dir, key string) bool {
	t.Helper()
	st, r := openCrowd(t, dir, key)
	defer st.Close()
	return st.BindSecret(t.Context(), r.Secrets.CheckValue()) == nil
}

// finds checks that every token leads to its workspace with the key that is in
// secret.key, and that nothing else is left.
func finds(t *testing.T, dir string, tokens []string) {
	t.Helper()
	st, r := openCrowd(t, dir, keyIn(t, filepath.Join(dir, secretFile)))
	defer st.Close()
	if err := st.BindSecret(t.Context(), r.Secrets.CheckValue()); err != nil {
		t.Error(err)
	}
	for i, token := range tokens {
		if _, err := r.FindHook(t.Context(), token, time.Now()); err != nil {
			t.Errorf("webhook %d is dead: %v", i, err)
		}
	}
	for _, pattern := range []string{oldSecretFile, "." + secretFile + "*"} {
		if left, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
}

// TestARekeyThatIsKilledEndsByRunningItAgain kills the real program later and
// later, until one run ends by itself.
func TestARekeyThatIsKilledEndsByRunningItAgain(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tokens := crowd(t, dir)
	first, killed := keyIn(t, filepath.Join(dir, secretFile)), 0
	for limit := 5 * time.Millisecond; ; limit += 5 * time.Millisecond {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		out, err := exec.CommandContext(ctx, path, "rekey", "--data", dir).CombinedOutput() // killed by SIGKILL
		ended := ctx.Err() == nil
		cancel()
		if err == nil {
			t.Logf("killed %d times; then:\n%s", killed, out)
			break
		}
		if ended {
			t.Fatalf("%v\n%s", err, out)
		}
		killed++
		if now := keyIn(t, filepath.Join(dir, secretFile)); now != first && !opens(t, dir, now) {
			refusesToServe(t, "that has not ended: run the same `relevo rekey` again", nil, "--data", dir)
		}
	}
	if killed == 0 || keyIn(t, filepath.Join(dir, secretFile)) == first {
		t.Errorf("killed %d times, and the key is the first one: %v", killed, keyIn(t, filepath.Join(dir, secretFile)) == first)
	}
	finds(t, dir, tokens)
}

// TestARekeyGoesOnFromEveryStateOfItsFiles puts the files where each step
// leaves them.
func TestARekeyGoesOnFromEveryStateOfItsFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kept, current func(first, second string) string
		moved         bool // the database has the second key
		want          string
	}{
		"the old key was kept twice":  {kept: one, current: one, want: "Changed"},
		"the new key is in its place": {kept: one, current: two, want: "Changed"},
		"all but the old key is done": {kept: one, current: two, moved: true, want: "already"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, kept := filepath.Join(dir, secretFile), filepath.Join(dir, oldSecretFile)
			tokens, first, second := crowd(t, dir), keyIn(t, file), newSecretKey()
			if c.moved {
				if out, err := relevo(t, "rekey", "--data", dir); err != nil {
					t.Fatal(err, out)
				}
				second = keyIn(t, file)
			}
			junk := filepath.Join(dir, "."+secretFile+".123")
			err := errors.Join(os.WriteFile(kept, []byte(c.kept(first, second)+"\n"), 0o600), os.WriteFile(file, []byte(c.current(first, second)+"\n"), 0o600), os.WriteFile(junk, nil, 0o600))
			if err != nil {
				t.Fatal(err)
			}
			other := filepath.Join(t.TempDir(), "other")
			if err := os.WriteFile(other, []byte(newSecretKey()), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.current("", second) == second {
				if out, err := relevo(t, "rekey", "--data", dir, "--new-key-file", other); err == nil || !strings.Contains(out, "was begun with the key") {
					t.Errorf("with a third key: %v\n%s", err, out)
				}
			}
			if out, err := relevo(t, "rekey", "--data", dir); err != nil || !strings.Contains(out, c.want) {
				t.Errorf("%v\n%s\nwant %q", err, out, c.want)
			}
			if now := keyIn(t, file); now == first || c.current(first, second) == second && now != second {
				t.Error("it is another key than the one that was begun with")
			}
			finds(t, dir, tokens)
		})
	}
}

func one(first, _ string) string  { return first }
func two(_, second string) string { return second }

// TestRekeyOnPostgreSQLNeedsAllNodesStopped changes the key of two nodes.
func TestRekeyOnPostgreSQLNeedsAllNodesStopped(t *testing.T) {
	t.Parallel()
	k := newCrew(t, pgtest.New(t, pgtest.Options{}), 2)
	p, token := k.node(0), k.token()
	ws, operator := p.workspace(t), p.operator(t)
	accepts(t, p.url+token)
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/keys", map[string]any{"name": "zapier"})
	old := "RELEVO_SECRET_KEY=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	file := filepath.Join(t.TempDir(), "new.key")
	rekey := func(args ...string) (string, error) {
		return relevoWith(t, []string{old}, append([]string{"rekey", "--store", k.url, "--new-key-file", file}, args...)...)
	}
	for i := range 2 {
		if out, err := rekey("--drop-api-keys"); err == nil || !strings.Contains(out, "stop all nodes first") || exists(file) {
			t.Errorf("with %d nodes: %v\n%s", 2-i, err, out)
		}
		if err := k.node(i).stop(t); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := rekey(); err == nil || !strings.Contains(out, "1 API key would end") || exists(file) {
		t.Errorf("with an API key: %v\n%s", err, out)
	}
	if out, err := rekey("--drop-api-keys"); err != nil || !strings.Contains(out, "operator key follows") || !strings.Contains(out, file) {
		t.Fatalf("rekey: %v\n%s", err, out)
	}
	if out, err := relevo(t, "verify", "--store", k.url); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	refusesToServe(t, "secret key is not the one", k.env, "--data", k.dirs[0])
	k.env = append(k.env, "RELEVO_SECRET_KEY="+keyIn(t, file))
	for i := range 2 {
		k.restart(i)
		accepts(t, k.node(i).url+token)
		if now := k.node(i).operator(t); now == operator {
			t.Error("the operator key is that of the old secret key")
		}
		k.node(i).api(t, http.MethodGet, "/workspaces/"+ws, nil)
	}
}
