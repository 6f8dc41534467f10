package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"relevo/relay"
)

var updateSenders = flag.Bool("update-senders", false, "rewrite the answers in testdata/senders")

// sent is one file of testdata/senders: a call as a tool makes it, what is set
// before it comes, and what is expected to come of it.
type sent struct {
	// request is the call as it is on the wire, without a Content-Length, and
	// again the next one; nil where that is the same.
	request, again []byte
	// webhook and workspace are bodies of a PATCH; empty without one.
	webhook, workspace string
	want               string
}

// came is what came of a call; ids and times are left out.
type came struct {
	Status int `json:"status"`
	// Tool is what the attempt says made the call.
	Tool *string `json:"tool,omitempty"`
	// ErrorCode, Message and Error, the first of the errors, are those of the
	// answer, Fix is the attempt's.
	ErrorCode string            `json:"error_code,omitempty"`
	Message   string            `json:"message,omitempty"`
	Error     *relay.FieldError `json:"error,omitempty"`
	Fix       *string           `json:"fix,omitempty"`
	Warnings  []string          `json:"warnings,omitempty"`
	// Answer is the body of a 200 that made no message.
	Answer   json.RawMessage `json:"answer,omitempty"`
	Messages []sentMessage   `json:"messages,omitempty"`
	// Key is the idempotency key that the call was taken to have.
	Key string `json:"idempotency_key,omitempty"`
	// Again is what came of the same call made once more, or of again.http.
	Again string `json:"again,omitempty"`
}

type sentMessage struct {
	To       string                `json:"to"`
	Text     *string               `json:"text,omitempty"`
	File     *sentFile             `json:"file,omitempty"`
	Template *relay.TemplateCalled `json:"template,omitempty"`
	// From is the number of the channel.
	From  string `json:"from"`
	Units int64  `json:"units"`
}

type sentFile struct {
	URL  string         `json:"url"`
	Name string         `json:"name"`
	Kind relay.FileKind `json:"kind"`
}

// A file of testdata/senders says in its first lines which tool makes the call
// and why it looks like that. It holds request.http, the call as it is on the
// wire ({token} is the webhook's), or request.quoted, the same as Go strings,
// one a line, where the bytes do not survive an editor. The line break at the
// end of the file is no part of the body. webhook.json and workspace.json are
// settings made before the call. again.http is the tool's next call, where that
// is not the same once more. want.json is what came of it all.
func TestEverySendersCallComesToWhatItsFileSays(t *testing.T) {
	files, err := filepath.Glob("../testdata/senders/*.txtar")
	if err != nil || len(files) < 120 {
		t.Fatalf("%d files (%v), want at least 120", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := readSent(t, archive)
			got := s.come(t, build(t, senderUnits))
			if *updateSenders {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want.json" })
				archive.Files = append(archive.Files, txtar.File{Name: "want.json", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(s.want, got); d != "" {
				t.Errorf("what came of the call differs (-want +got):\n%s", d)
			}
		})
	}
}

const senderUnits = 10

func readSent(t *testing.T, archive *txtar.Archive) (s sent) {
	t.Helper()
	if strings.TrimSpace(string(archive.Comment)) == "" {
		t.Fatal("the file does not say what it is about")
	}
	for _, f := range archive.Files {
		switch f.Name {
		case "request.http":
			s.request = bytes.TrimSuffix(f.Data, []byte("\n"))
		case "again.http":
			s.again = bytes.TrimSuffix(f.Data, []byte("\n"))
		case "request.quoted":
			for line := range strings.Lines(string(f.Data)) {
				text, err := strconv.Unquote(strings.TrimSpace(line))
				if err != nil {
					t.Fatalf("request.quoted: %v: %s", err, line)
				}
				s.request = append(s.request, text...)
			}
		case "webhook.json":
			s.webhook = string(f.Data)
		case "workspace.json":
			s.workspace = string(f.Data)
		case "want.json":
			s.want = string(f.Data)
		default:
			t.Fatalf("there is no use for the file %s", f.Name)
		}
	}
	if s.request == nil {
		t.Fatal("there is no request in the file")
	}
	return s
}

// come makes the call, and tells what came of it.
func (s sent) come(t *testing.T, h *house) string {
	t.Helper()
	if s.webhook != "" {
		h.object(h.api(http.MethodPatch, "webhook", s.webhook), http.StatusOK)
	}
	if s.workspace != "" {
		h.object(h.api(http.MethodPatch, "", s.workspace), http.StatusOK)
	}
	tried := s.try(h)
	rec := h.serve(onTheWire(t, h, s.request))
	got := h.answered(rec)
	if a := h.attempts(); len(a) > 0 {
		got.Tool, got.Fix, got.Warnings = a[0].Tool, a[0].Fix, a[0].Warnings
	}
	accepted := successForm.Match(rec.Body.Bytes())
	if told := rec.Header().Get("Relevo-Warnings"); accepted && (told != "") != (len(got.Warnings) > 0) {
		t.Errorf("the header Relevo-Warnings is %q, the attempt has %q", told, got.Warnings)
	}
	if tried != nil {
		s.agree(t, *tried, got)
		if tried.Would != nil && tried.Would.Key != nil {
			got.Key = *tried.Would.Key
		}
	}
	if accepted {
		got.Messages = h.sentMessages()
		next := s.again
		if next == nil {
			next = s.request
		}
		got.Again = again(h.serve(onTheWire(t, h, next)))
	} else {
		h.nothingMoved()
	}
	if rec.Code == http.StatusOK && !accepted {
		got.Answer = rec.Body.Bytes()
	}
	return indented(t, got)
}

// onTheWire is a request as a server reads it.
func onTheWire(t *testing.T, h *house, raw []byte) *http.Request {
	t.Helper()
	raw = bytes.ReplaceAll(raw, []byte("{token}"), []byte(h.token))
	head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if plain, rest, ok := bytes.Cut(raw, []byte("\n\n")); !found || ok && len(plain) < len(head) {
		head, body = plain, rest
	}
	if !strings.Contains(string(head), "\nHost: ") {
		head = append(bytes.Clone(head), "\nHost: relay.example"...)
	}
	length := ""
	if !strings.HasPrefix(string(head), http.MethodGet) {
		length = fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	req, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader(length+"\n\n"), bytes.NewReader(body))))
	if err != nil {
		t.Fatal(err)
	}
	req.RemoteAddr = "192.0.2.1:1234"
	return req.WithContext(t.Context())
}

func (h *house) serve(req *http.Request) *httptest.ResponseRecorder {
	h.t.Helper()
	rec := httptest.NewRecorder()
	h.handler.ServeHTTP(rec, req)
	if rec.Code >= 500 || rec.Code == http.StatusGone || rec.Code >= 300 && rec.Code < 400 {
		h.t.Fatalf("got %d %s: no call of a tool may be answered so", rec.Code, rec.Body)
	}
	return rec
}

// answered reads the answer.
func (h *house) answered(rec *httptest.ResponseRecorder) came {
	h.t.Helper()
	got := came{Status: rec.Code}
	var o struct {
		Message   string             `json:"message"`
		ErrorCode string             `json:"error_code"`
		Errors    []relay.FieldError `json:"errors"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &o); err != nil {
		h.t.Fatalf("the answer is no JSON: %v: %s", err, rec.Body)
	}
	got.ErrorCode, got.Message = o.ErrorCode, o.Message
	if len(o.Errors) > 0 {
		got.Error = &o.Errors[0]
	}
	if rec.Code != http.StatusOK && (o.Message == "" || o.ErrorCode == "" || strings.Contains(o.Message, "\n")) {
		h.t.Errorf("a refusal without a sentence or a code: %s", rec.Body)
	}
	return got
}

// try asks what would come of the call; nil where it is none that a webhook
// takes.
func (s sent) try(h *house) *tryView {
	h.t.Helper()
	req := onTheWire(h.t, h, s.request)
	if req.Method != http.MethodPost {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	headers := map[string]string{}
	for name := range req.Header {
		headers[name] = req.Header.Get(name)
	}
	asked, err := json.Marshal(map[string]any{"body_base64": body, "headers": headers, "query": req.URL.RawQuery})
	if err != nil {
		h.t.Fatal(err)
	}
	rec := h.api(http.MethodPost, "webhook/try", string(asked))
	v := &tryView{}
	if err := json.Unmarshal(rec.Body.Bytes(), v); err != nil || rec.Code != http.StatusOK {
		h.t.Fatalf("trying the call: %d %s (%v)", rec.Code, rec.Body, err)
	}
	return v
}

// agree fails where trying a call promised something else than came of it.
func (s sent) agree(t *testing.T, tried tryView, got came) {
	t.Helper()
	promised := came{
		Status: tried.Status, Tool: tried.Tool, ErrorCode: orEmpty(tried.ErrorCode), Message: orEmpty(tried.Message), Fix: tried.Fix,
		Warnings: tried.Warnings,
	}
	if len(tried.Errors) > 0 {
		promised.Error = &tried.Errors[0]
	}
	if len(promised.Warnings) == 0 || tried.Status == http.StatusOK && tried.Would == nil { // it has its own words for what makes no message
		promised.Warnings = got.Warnings
	}
	if d := cmp.Diff(promised, got); d != "" {
		t.Errorf("webhook/try promised something else than came (-promised +came):\n%s", d)
	}
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// sentMessages are the messages there are, the first one first.
func (h *house) sentMessages() (all []sentMessage) {
	h.t.Helper()
	var l list[messageView]
	rec := h.api(http.MethodGet, "messages", "")
	if err := json.Unmarshal(rec.Body.Bytes(), &l); err != nil || rec.Code != http.StatusOK {
		h.t.Fatal(rec.Code, err, rec.Body)
	}
	for _, m := range slices.Backward(l.Data) {
		v := sentMessage{To: m.To, Text: m.Text, Template: m.Template, Units: m.Units}
		if m.File != nil {
			v.File = &sentFile{m.File.URL, m.File.Name, m.File.Kind}
		}
		if m.ChannelID == h.channel {
			v.From = "+15105566777"
		}
		all = append(all, v)
	}
	return all
}

// nothingMoved fails where a call that was not accepted cost units or made a
// message.
func (h *house) nothingMoved() {
	h.t.Helper()
	a, err := h.relay.Account(h.t.Context(), h.ws)
	if err != nil {
		h.t.Fatal(err)
	}
	if a.Available != senderUnits || a.Reserved != 0 || a.Spent != 0 {
		h.t.Errorf("units have moved: %+v", a)
	}
	if m := h.sentMessages(); len(m) > 0 {
		h.t.Errorf("there are messages: %+v", m)
	}
}

// again says what came of a call that was made for the second time.
func again(rec *httptest.ResponseRecorder) string {
	switch {
	case rec.Code == http.StatusOK && rec.Header().Get("Idempotent-Replayed") == "true":
		return "replayed"
	case rec.Code == http.StatusOK:
		return "another message"
	}
	var o struct {
		ErrorCode string `json:"error_code"`
	}
	_ = json.Unmarshal(rec.Body.Bytes(), &o) // what is no JSON has no code
	return fmt.Sprint(rec.Code, " ", o.ErrorCode)
}

func indented(t *testing.T, got came) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(got); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
