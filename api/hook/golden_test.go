package hook

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
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
// the bytes do not survive an editor; maybe keys and headers, one "name: value"
// a line, query, country, mapping.json; want.json; and strict.json where the
// answer of a strict webhook is another.
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
			got := readGolden(t, r, body, in)
			in.Strict = true
			strict := readGolden(t, r, body, in)
			if *update {
				rewrite(t, file, archive, got, strict)
				return
			}
			if d := cmp.Diff(want["want.json"], got); d != "" {
				t.Errorf("the answer differs (-want +got):\n%s", d)
			}
			if want["strict.json"] == "" {
				want["strict.json"] = want["want.json"]
			}
			if d := cmp.Diff(want["strict.json"], strict); d != "" {
				t.Errorf("the answer to the same call, read strictly, differs (-want +got):\n%s", d)
			}
		})
	}
}

func readGolden(t *testing.T, r *Reader, body []byte, in Input) string {
	t.Helper()
	done, err := r.Read(body, in)
	got, err := marshal(answered(t, done.Action, done.Warnings, err))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func rewrite(t *testing.T, file string, archive *txtar.Archive, got, strict string) {
	t.Helper()
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return strings.HasSuffix(f.Name, "t.json") && f.Name != "request.json" })
	archive.Files = append(archive.Files, txtar.File{Name: "want.json", Data: []byte(got)})
	if strict != got {
		archive.Files = append(archive.Files, txtar.File{Name: "strict.json", Data: []byte(strict)})
	}
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func golden(t testing.TB, archive *txtar.Archive) (body []byte, in Input, want map[string]string) {
	t.Helper()
	in.Now = now
	want = map[string]string{}
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
		case "headers":
			for line := range strings.Lines(string(f.Data)) {
				switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); name {
				case "Content-Type":
					in.ContentType = value
				case "Content-Encoding":
					in.ContentEncoding = value
				default:
					t.Fatalf("the header %s is not one that reading depends on", name)
				}
			}
		case "country":
			in.Country = strings.TrimSpace(string(f.Data))
		case "query":
			in.Query = strings.TrimSpace(string(f.Data))
		case "mapping.json":
			in.Mapping = &relay.Mapping{}
			if err := json.Unmarshal(f.Data, in.Mapping); err != nil {
				t.Fatal(err)
			}
		case "want.json", "strict.json":
			want[f.Name] = string(f.Data)
		default:
			t.Fatalf("there is no use for the file %s", f.Name)
		}
	}
	if !found {
		t.Fatal("there is no request in the file")
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
