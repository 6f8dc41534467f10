package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
)

func TestALineIsReadByAPersonAndAMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPhone(t, t.TempDir())
		out := toRecipient("+14155550123")
		out.Text = "Grüße <&> \u2028\n"
		out.File = fileOf("a/b c?.pdf", relay.Document, "hello")
		if _, err := p.Send(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(p.dir, channel+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		want := `{"at":"2000-01-01T00:00:00Z","message_id":"wa_backend:3EB0000000000000000001",` +
			`"provider_id":"sbx_wa_backend_3EB0000000000000000001_1","recipient":"+14155550123","try":1,"kind":"document",` +
			`"text":"Grüße <&> \u2028\n","file":{"name":"a/b c?.pdf","type":"application/pdf","size":5,` +
			`"sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",` +
			`"path":"` + channel + `/files/wa_backend_3EB0000000000000000001_b c_.pdf"},"outcome":"sent","handed_over":true}` + "\n"
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("line (-want +got):\n%s", diff)
		}
		copied, err := os.ReadFile(filepath.Join(p.dir, channel, "files", "wa_backend_3EB0000000000000000001_b c_.pdf"))
		if err != nil || string(copied) != "hello" {
			t.Errorf("the copy holds %q, %v", copied, err)
		}
	})
}

func TestATemplateIsALineOfItsKind(t *testing.T) {
	p := openPhone(t, t.TempDir())
	out := toRecipient("+14155550123")
	out.Text, out.Template = "", &relay.OutgoingTemplate{Name: "order", Language: "en", Body: []relay.TemplateValue{{Text: "Ada"}}}
	if _, err := p.Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	l := p.lines(t, channel)[0]
	if l.Kind != "template" || cmp.Diff(out.Template, l.Template) != "" {
		t.Errorf("line %+v, want the template", l)
	}
}

func TestSentIsNewestFirstAndLimited(t *testing.T) {
	p := openPhone(t, t.TempDir())
	// Long texts make lines that lie across the reader's chunks.
	const n = 40
	for i := range n {
		out := toRecipient("+14155550123")
		out.MessageID = messageID(i)
		out.Text = strings.Repeat("x", i*1777) + fmt.Sprint(i)
		if _, err := p.Send(t.Context(), out); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ limit, want int }{{-1, 1}, {1, 1}, {7, 7}, {n, n}, {1 << 30, n}} {
		lines, err := p.Sent(channel, c.limit)
		if err != nil || len(lines) != c.want {
			t.Fatalf("Sent(%d) has %d lines, %v; want %d", c.limit, len(lines), err, c.want)
		}
		for i, l := range lines {
			if l.MessageID != messageID(n-1-i) || !strings.HasSuffix(l.Text, fmt.Sprint(n-1-i)) {
				t.Fatalf("Sent(%d)[%d] is %s", c.limit, i, l.MessageID)
			}
		}
	}
	if lines, err := p.Sent("ch_quiet", 10); err != nil || lines == nil || len(lines) != 0 {
		t.Errorf("a channel that never sent: %v, %v; want an empty list", lines, err)
	}
}

func TestATornLineTakesNoOtherWithIt(t *testing.T) {
	p := openPhone(t, t.TempDir())
	file := filepath.Join(p.dir, channel+".jsonl")
	if err := os.WriteFile(file, []byte(`{"message_id":"wa_ba`), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		out := toRecipient("+14155550123")
		out.MessageID = messageID(i)
		if _, err := p.Send(t.Context(), out); err != nil {
			t.Fatal(err)
		}
	}
	lines := p.lines(t, channel)
	if len(lines) != 2 || lines[0].MessageID != messageID(0) || lines[1].MessageID != messageID(1) {
		t.Errorf("lines %+v, want both messages", lines)
	}
}

func TestALineThatNeverEndsIsAnErrorAndNotReadInFull(t *testing.T) {
	p := openPhone(t, t.TempDir())
	if err := os.WriteFile(filepath.Join(p.dir, channel+".jsonl"), bytes.Repeat([]byte("x"), 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Sent(channel, 1); err == nil || !strings.Contains(err.Error(), "a line before byte") {
		t.Errorf("error %v, want one about the line", err)
	}
}

func TestHandOversAtTheSameTimeLeaveWholeLines(t *testing.T) {
	p := openPhone(t, t.TempDir())
	const n = 64
	gun := make(chan struct{})
	var racing sync.WaitGroup
	for i := range n {
		out := toRecipient("+14155550123")
		out.MessageID = messageID(i)
		out.Text = strings.Repeat("y", 100*i)
		racing.Go(func() {
			<-gun
			if _, err := p.Send(t.Context(), out); err != nil {
				t.Error(err)
			}
			if _, err := p.Sent(channel, 5); err != nil {
				t.Error(err)
			}
		})
	}
	close(gun)
	racing.Wait()
	b, err := os.ReadFile(filepath.Join(p.dir, channel+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for raw := range bytes.SplitSeq(b, []byte("\n")) {
		if len(raw) == 0 {
			continue // closed off what looked torn while it was written
		}
		var l Line
		if err := json.Unmarshal(raw, &l); err != nil {
			t.Fatalf("%v in %.80s", err, raw)
		}
		seen[l.MessageID] = true
	}
	if len(seen) != n {
		t.Errorf("%d messages in the file, want %d", len(seen), n)
	}
}

func TestNoChannelLeavesTheFolder(t *testing.T) {
	root := t.TempDir()
	p := openPhone(t, filepath.Join(root, "sandbox"))
	for _, id := range []string{
		"", "ch_", "abc", "ch_../x", "../ch_x", "ch_a/b", `ch_a\b`, "ch_a.b", "ch_a\n", "ch_a\x00", "ch_" + strings.Repeat("a", 65), "ch_é",
	} {
		out := toRecipient("+14155550123")
		out.Channel.ID = id
		out.File = fileOf("a.txt", relay.Document, "hello")
		if _, err := p.Send(t.Context(), out); answer(err) != "channel_fault no_channel" {
			t.Errorf("send on %q: %s, want a channel fault", id, answer(err))
		}
		if _, err := p.Sent(id, 1); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("sent of %q: %v, want an invalid id", id, err)
		}
	}
	if made, err := os.ReadDir(root); err != nil || len(made) != 0 {
		t.Errorf("the calls made %v, %v; want nothing", made, err)
	}
}

func TestACallWhoseTimeIsOverLeavesNoLine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := openPhone(t, t.TempDir())
	out := toRecipient("+14155550123")
	out.File = fileOf("a.txt", relay.Document, "hello")
	open := out.File.Open
	out.File.Open = func() (io.ReadCloser, error) {
		cancel() // while the file is copied
		return open()
	}
	if _, err := p.Send(ctx, out); answer(err) != "deferred unavailable" || !errors.Is(err, context.Canceled) {
		t.Errorf("answer %v, want deferred: nothing went out", err)
	}
	if lines := p.lines(t, channel); len(lines) != 0 {
		t.Errorf("lines %+v, want none", lines)
	}
}

func TestAFolderThatCannotBeWrittenDefers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := openPhone(t, filepath.Join(file, "sandbox"))
	if _, err := p.Send(t.Context(), toRecipient("+14155550123")); answer(err) != "deferred unavailable" {
		t.Errorf("answer %v, want deferred", err)
	}
	out := toRecipient("+14155559901")
	if _, err := p.Send(t.Context(), out); answer(err) != "refused not_on_whatsapp" {
		t.Errorf("answer %v, want the refusal all the same", err)
	}
	if log := p.logged.String(); !strings.Contains(log, out.MessageID) {
		t.Errorf("the log does not name the message:\n%s", log)
	}
}

// A full disk tears a line. That is no message, so it is written again; only a
// line that lacks nothing but its end may be read as one.
func TestATornLineIsNoMessage(t *testing.T) {
	full := errors.New("no space left on device")
	for n, want := range map[int]relay.Verdict{0: relay.Deferred, 1: relay.Deferred, 298: relay.Deferred, 299: relay.Unsure, 300: relay.Unsure} {
		if e := notWritten(lineError(n, 300, full)); e.Verdict != want {
			t.Errorf("%d of 300 bytes: %s, want %s", n, e.Verdict, want)
		}
	}
	if err := lineError(300, 300, nil); err != nil {
		t.Errorf("a whole line: %v", err)
	}
	p := openPhone(t, t.TempDir())
	if _, err := p.Send(t.Context(), toRecipient("+14155550123")); err != nil {
		t.Fatal(err)
	}
	f, err := openToAppend(p.path(channel))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(f.Name())
	if err == nil {
		_, err = f.Write(whole[:len(whole)-2])
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context(), toRecipient("+14155550124")); err != nil {
		t.Fatal(err)
	}
	if got := p.lines(t, channel); len(got) != 2 || got[1].Recipient == got[0].Recipient {
		t.Errorf("%d lines after a torn one, want 2", len(got))
	}
}

func TestLinesArePrivateToTheirOwner(t *testing.T) {
	p := openPhone(t, filepath.Join(t.TempDir(), "sandbox"))
	out := toRecipient("+14155550123")
	out.File = fileOf("a.txt", relay.Document, "hello")
	if _, err := p.Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(p.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func fileOf(name string, kind relay.FileKind, content string) *relay.OutgoingFile {
	return &relay.OutgoingFile{
		Name: name, Kind: kind, Type: "application/pdf", Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}
