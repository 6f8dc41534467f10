package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

func TestADrainLetsTheCallInFlightEndAndASecondSignalDoesNot(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, append(quick, "RELEVO_DELIVER__CALL_TIMEOUT=20s")...)
	ws := p.workspace(t)
	_, answer, err := post(p.hook, `{"action":"send","phone":"+14155559905","text":"slow"}`) // 10 s
	if err != nil {
		t.Fatal(err)
	}
	id := messageID(answer)
	p.becomes(t, ws, id, "sending")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// until the call has ended, callers are told to come back
	eventually(t, 5*time.Second, "the hook answers 503", func() bool {
		status, answer, err := post(p.hook, pageExample1)
		if err != nil {
			t.Fatalf("while draining: %v", err)
		}
		return status == http.StatusServiceUnavailable && messageID(answer) == ""
	})
	if resp, err := http.Get(p.url + "/readyz"); err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz while draining: %v %v", resp, err)
	}
	if err := p.stop(t); err == nil {
		t.Error("a second signal ended it in peace")
	}
	p = start(t, dir, quick...)
	if got := p.status(t, ws, id); got != "unknown" {
		t.Errorf("after a second signal during the call the message is %s", got)
	}
	hook := p.api(t, http.MethodGet, "/workspaces/"+ws+"/webhook", nil)["url"].(string)
	_, answer, err = post(hook, `{"action":"send","phone":"+14155559905","text":"slow again"}`)
	if err != nil {
		t.Fatal(err)
	}
	id = messageID(answer)
	p.becomes(t, ws, id, "sending")
	if err := p.stop(t); err != nil {
		t.Fatalf("SIGTERM: %v\n%s", err, p.stderr)
	}
	p = start(t, dir, quick...)
	if got := p.status(t, ws, id); got != "sent" && got != "delivered" && got != "read" {
		t.Errorf("after the drain the message is %s", got)
	}
}

func TestTwoServersOnOneFolderAreRefusedInWords(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	out, err := relevo(t, "serve", "--data", p.dir, "--listen", "127.0.0.1:0", "--admin-listen", "off")
	if err == nil || !strings.Contains(out, "another process has") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := relevo(t, "verify", "--data", p.dir); err == nil || !strings.Contains(out, "another process has") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestTheLogHoldsNoSecretNumberOrText(t *testing.T) {
	p := start(t, t.TempDir(), append(quick, "RELEVO_LOG__LEVEL=debug")...)
	ws := p.workspace(t)
	key := p.api(t, http.MethodPost, "/workspaces/"+ws+"/keys", map[string]any{"name": "zapier"})["key"].(string)
	secret := "the text nobody may log"
	for _, ending := range []string{"0001", "9901", "9902", "9906", "9910"} {
		post(p.hook, fmt.Sprintf(`{"action":"send","phone":"+1415777%s","text":%q}`, ending, secret))
	}
	post(p.hook, `{"action":"send","phone":"+14157770002","text":"`+secret+`","file_url":"http://127.0.0.1:1/secret-path?q=1","file_name":"a.png"}`)
	post(p.hook, `{"action":"send" `+secret)
	post(p.url+"/hook/rlv_wrong", pageExample1)
	eventually(t, 20*time.Second, "the channel is on hold", func() bool {
		list := p.api(t, http.MethodGet, "/workspaces/"+ws+"/channels", nil)["data"].([]any)
		return list[0].(map[string]any)["state"] == "held"
	})
	if err := p.stop(t); err != nil {
		t.Fatal(err)
	}
	log := p.stderr.String()
	token := p.hook[strings.LastIndex(p.hook, "/")+1:]
	for what, s := range map[string]string{"token": token, "number": "1415777", "text": secret, "operator key": p.operator(t), "API key": key, "path of a link": "secret-path"} {
		if strings.Contains(log, s) {
			t.Errorf("the log holds the %s:\n%s", what, log)
		}
	}
	if !strings.Contains(log, `"verdict":"refused"`) {
		t.Errorf("the log holds no line of a try:\n%s", log)
	}
}

func TestABackupIsRestoredWithItsQueueOnHold(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, quick...)
	ws := p.workspace(t)
	ch := p.api(t, http.MethodGet, "/workspaces/"+ws+"/channels", nil)["data"].([]any)[0].(map[string]any)["id"].(string)
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/channels/"+ch+"/pause", nil)
	_, answer, _ := post(p.hook, pageExample1)
	id := messageID(answer)
	file := filepath.Join(t.TempDir(), "copy.db")
	if out, err := relevo(t, "backup", file, "--url", p.url, "--key", p.operator(t)); err != nil {
		t.Fatalf("backup: %v\n%s", err, out)
	}
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/channels/"+ch+"/resume", nil)
	p.becomes(t, ws, id, "read") // it goes out after the copy was made
	if out, err := relevo(t, "restore", file, "--data", dir); err == nil {
		t.Fatalf("restored under a running server:\n%s", out)
	}
	if err := p.stop(t); err != nil {
		t.Fatal(err)
	}
	out, err := relevo(t, "restore", file, "--data", dir)
	if err != nil || !strings.Contains(out, "On hold") {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	if out, err := relevo(t, "compact", "--data", dir); err != nil {
		t.Fatalf("compact: %v\n%s", err, out)
	}
	p = start(t, dir, quick...)
	c := p.api(t, http.MethodGet, "/workspaces/"+ws+"/channels/"+ch, nil)
	if got := p.status(t, ws, id); got != "queued" || c["state"] != "held" {
		t.Errorf("message %s, channel %v: a restored queue must wait for a person", got, c["state"])
	}
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/messages/"+id+"/cancel", nil)
	if a, r, _ := p.quota(t, ws); a != demoUnits || r != 0 {
		t.Errorf("available %v, reserved %v", a, r)
	}
}

func TestAnotherSecretKeyIsRefusedInWords(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, quick...)
	if err := p.stop(t); err != nil {
		t.Fatal(err)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	run := func(env ...string) string {
		cmd := exec.Command(path, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--admin-listen", "off")
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("it started")
		}
		return string(out)
	}
	if out := run("RELEVO_SECRET_KEY=" + strings.Repeat("another key ", 4)); !strings.Contains(out, "secret key is not the one") {
		t.Errorf("another key: %s", out)
	}
	if err := os.Remove(filepath.Join(dir, secretFile)); err != nil {
		t.Fatal(err)
	}
	if out := run(); !strings.Contains(out, "secret.key") {
		t.Errorf("lost key: %s", out)
	}
}

func TestAMissingDatabaseIsNotReplacedByAnEmptyOne(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, quick...)
	ws := p.workspace(t)
	_, answer, _ := post(p.hook, pageExample1)
	p.becomes(t, ws, messageID(answer), "sent", "delivered", "read")
	if err := p.stop(t); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, databaseFile), filepath.Join(t.TempDir(), "away.db")); err != nil {
		t.Fatal(err)
	}
	out, err := relevo(t, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--admin-listen", "off")
	if err == nil || !strings.Contains(out, "the database is missing") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAFrozenWorkspaceIsThawedOnceItsBooksBalance(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, quick...)
	ws := p.workspace(t)
	hook := p.hook
	if err := p.stop(t); err != nil {
		t.Fatal(err)
	}
	edit := func(change func(granted int64) int64) {
		st, err := boltstore.Open(boltstore.Options{Path: filepath.Join(dir, databaseFile)})
		if err != nil {
			t.Fatal(err)
		}
		err = st.Update(t.Context(), func(tx relay.Tx) error {
			a, err := tx.Account(t.Context(), ws)
			a.Granted = change(a.Granted)
			return errors.Join(err, tx.PutAccount(t.Context(), a))
		})
		if err := errors.Join(err, st.Close()); err != nil {
			t.Fatal(err)
		}
	}
	edit(func(granted int64) int64 { return granted + 1 }) // a fault of the disk, say
	p = start(t, dir, quick...)
	hook = strings.Replace(hook, hook[:strings.Index(hook, "/hook/")], p.url, 1)
	for range 2 {
		status, answer, err := post(hook, pageExample1)
		if err != nil || status != http.StatusServiceUnavailable || messageID(answer) != "" {
			t.Errorf("with broken books: %d %v %v", status, answer, err)
		}
	}
	if err := p.stop(t); err != nil {
		t.Fatal(err)
	}
	if out, err := relevo(t, "unfreeze", ws, "--data", dir); err == nil || !strings.Contains(out, "does not verify") {
		t.Errorf("thawed while the books are wrong: %v\n%s", err, out)
	}
	edit(func(granted int64) int64 { return granted - 1 })
	if out, err := relevo(t, "unfreeze", ws, "--data", dir); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := relevo(t, "unfreeze", ws, "--data", dir); err == nil || !strings.Contains(out, "is not frozen") {
		t.Errorf("thawed twice: %v\n%s", err, out)
	}
	p = start(t, dir, quick...)
	hook = strings.Replace(hook, hook[:strings.Index(hook, "/hook/")], p.url, 1)
	if status, answer, err := post(hook, pageExample1); err != nil || status != http.StatusOK {
		t.Errorf("after the thaw: %d %v %v", status, answer, err)
	}
}
