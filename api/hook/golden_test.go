package hook

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"relevo/relay"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/hooks")

// now is when every golden call comes.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// answer is what a golden file expects.
type answer struct {
	Action   *wantAction `json:"action,omitempty"`
	Error    *wantError  `json:"error,omitempty"`
	Warnings []string    `json:"warnings,omitempty"`
}

type wantAction struct {
	Text         string              `json:"text,omitempty"`
	FileURL      string              `json:"file_url,omitempty"`
	FileName     string              `json:"file_name,omitempty"`
	Template     *relay.TemplateCall `json:"template,omitempty"`
	ChatID       string              `json:"chat_id,omitempty"`
	Phone        string              `json:"phone,omitempty"`
	JID          string              `json:"jid,omitempty"`
	ChatName     string              `json:"chat_name,omitempty"`
	AccountPhone string              `json:"account_phone,omitempty"`
	SendAt       time.Time           `json:"send_at,omitzero"`
	ExpiresIn    string              `json:"expires_in,omitempty"`
	Key          string              `json:"key,omitempty"`
	Fingerprint  string              `json:"fingerprint"`
}

type wantError struct {
	Code    relay.Code         `json:"code"`
	Message string             `json:"message"`
	Fields  []relay.FieldError `json:"fields"`
}

func answered(t *testing.T, a relay.Action, warnings []string, err error) answer {
	t.Helper()
	if err != nil {
		var refused *relay.Error
		if !errors.As(err, &refused) || refused.Err != nil {
			t.Fatalf("Read answered %#v, want a *relay.Error without a cause", err)
		}
		return answer{Warnings: warnings, Error: &wantError{refused.Code, refused.Message, refused.Fields}}
	}
	w := &wantAction{
		Text: a.Text, FileURL: a.FileURL, FileName: a.FileName, Template: a.Template,
		ChatID: a.To.ChatID, Phone: a.To.Phone, JID: a.To.JID, ChatName: a.To.ChatName,
		AccountPhone: a.AccountPhone, SendAt: a.SendAt, Key: a.Key, Fingerprint: hex.EncodeToString(a.Fingerprint[:]),
	}
	if a.ExpiresIn != 0 {
		w.ExpiresIn = a.ExpiresIn.String()
	}
	return answer{Action: w, Warnings: warnings}
}

// A golden file holds request.json, or request.quoted as a Go string where
// the bytes do not survive an editor; maybe keys, one "name: value" a line;
// and want.json.
func TestEveryGoldenCallIsReadAsItsFileSays(t *testing.T) {
	files, err := filepath.Glob("../../testdata/hooks/*.txtar")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d golden files (%v), want at least 60", len(files), err)
	}
	r := NewReader()
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			body, in, want := golden(t, archive)
			action, warnings, err := r.Read(body, in)
			got, err := marshal(answered(t, action, warnings, err))
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				want.Data = got
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want.Data), string(got)); d != "" {
				t.Errorf("the answer differs (-want +got):\n%s", d)
			}
		})
	}
}

func golden(t testing.TB, archive *txtar.Archive) (body []byte, in Input, want *txtar.File) {
	t.Helper()
	in.Now = now
	found := false
	for i := range archive.Files {
		f := &archive.Files[i]
		switch f.Name {
		case "request.json":
			body, found = f.Data, true
		case "request.quoted":
			s, err := strconv.Unquote(strings.TrimSpace(string(f.Data)))
			if err != nil {
				t.Fatalf("request.quoted: %v", err)
			}
			body, found = []byte(s), true
		case "keys":
			for line := range strings.Lines(string(f.Data)) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
				in.Keys = append(in.Keys, Key{Name: name, Value: value})
			}
		case "want.json":
			want = f
		}
	}
	if !found {
		t.Fatal("there is no request in the file")
	}
	if want == nil {
		archive.Files = append(archive.Files, txtar.File{Name: "want.json"})
		want = &archive.Files[len(archive.Files)-1]
	}
	return body, in, want
}

func marshal(a answer) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(a)
	return []byte(b.String()), err
}
