package vonage

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
	"relevo/relay/driver/vonage/vonagetest"
)

// order is a template with everything that one may have.
var order = relay.Template{Name: "order_ready", Language: "en_US", Category: relay.Utility,
	Header: &relay.TemplateHeader{Kind: "text", Text: "Order {{1}}", Sample: "A-104"}, Body: "Hi {{1}}, {{2}} is ready.", Samples: []string{"Ana", "A-104"}, Footer: "Bye",
	Buttons: []relay.TemplateButton{{Type: "quick_reply", Text: "Yes"}, {Type: "url", Text: "Open", URL: "https://x.example/{{1}}", Sample: "https://x.example/1"}, {Type: "phone_number", Text: "Call", Phone: "+15550100"}, {Type: "copy_code", Sample: "SAVE10"}}}

func TestTemplatesAreSubmittedAndListed(t *testing.T) {
	r := newRig(t)
	made, err := r.Submit(t.Context(), r.channel, order, nil)
	if err != nil {
		t.Fatal(err)
	}
	if made.ID == "" || made.Status != relay.TemplatePending {
		t.Errorf("made %+v", made)
	}
	got, err := json.Marshal(r.fake.Templates()[0]["components"])
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"example":{"header_text":["A-104"]},"format":"TEXT","text":"Order {{1}}","type":"HEADER"},{"example":{"body_text":[["Ana","A-104"]]},"text":"Hi {{1}}, {{2}} is ready.","type":"BODY"},{"text":"Bye","type":"FOOTER"},` +
		`{"buttons":[{"text":"Yes","type":"QUICK_REPLY"},{"example":["https://x.example/1"],"text":"Open","type":"URL","url":"https://x.example/{{1}}"},{"phone_number":"+15550100","text":"Call","type":"PHONE_NUMBER"},{"example":"SAVE10","type":"COPY_CODE"}],"type":"BUTTONS"}]`
	if string(got) != want {
		t.Errorf("components\n%s\nwant\n%s", got, want)
	}
	list, err := r.Templates(t.Context(), r.channel)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]relay.Template{made}, list); diff != "" {
		t.Errorf("-made +listed\n%s", diff)
	}
	if _, err = r.Submit(t.Context(), r.channel, order, nil); !strings.Contains(sendError(t, err).Reason, "already a template") {
		t.Errorf("a second time: %v", err)
	}
}

func TestATemplateWithACode(t *testing.T) {
	r := newRig(t)
	code := relay.Template{Name: "code", Language: "en", Category: relay.Authentication, Body: "{{1}} is your code.", Samples: []string{"123"}, Buttons: []relay.TemplateButton{{Type: "copy_code", Text: "Copy", Sample: "123"}}}
	if _, err := r.Submit(t.Context(), r.channel, code, nil); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(r.fake.Templates()[0]["components"])
	if want := `[{"add_security_recommendation":true,"type":"BODY"},{"buttons":[{"otp_type":"COPY_CODE","text":"Copy","type":"OTP"}],"type":"BUTTONS"}]`; err != nil || string(got) != want {
		t.Errorf("%v, components\n%s\nwant\n%s", err, got, want)
	}
}

func TestATemplateWithNamedVariables(t *testing.T) {
	r := newRig(t)
	named := relay.Template{Name: "visit", Language: "es", Category: relay.Marketing, Header: &relay.TemplateHeader{Kind: "text", Text: "{{clinic}}", Sample: "North"}, Body: "Dr {{doctor}} at {{hour}}", Samples: []string{"X", "9"}}
	made, err := r.Submit(t.Context(), r.channel, named, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.fake.Templates()[0]["parameter_format"] != "NAMED" {
		t.Error("the variables do not go by name")
	}
	list, err := r.Templates(t.Context(), r.channel)
	if diff := cmp.Diff([]relay.Template{made}, list); err != nil || diff != "" {
		t.Errorf("%v -made +listed\n%s", err, diff)
	}
}

func TestATemplateWithAFile(t *testing.T) {
	r := newRig(t)
	pic := relay.Template{Name: "pic", Language: "en", Category: relay.Marketing, Header: &relay.TemplateHeader{Kind: "image"}, Body: "Look"}
	sample := &relay.OutgoingFile{Name: "a.png", Type: "image/png", Size: 5, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("bytes")), nil }}
	made, err := r.Submit(t.Context(), r.channel, pic, sample)
	if err != nil || made.ID == "" {
		t.Fatalf("made %+v, %v", made, err)
	}
	if _, err = r.Submit(t.Context(), r.channel, relay.Template{Name: "pic2", Language: "en", Category: relay.Marketing, Header: &relay.TemplateHeader{Kind: "image"}, Body: "Look"}, nil); sendError(t, err).Verdict != relay.Refused {
		t.Errorf("without a file: %v", err)
	}
	for name, open := range map[string]func() (io.ReadCloser, error){
		"Locked": func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF },
		"Short":  func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("b")), nil },
		"Long":   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("bytes and more")), nil },
	} {
		s := *sample
		s.Open = open
		if _, err := r.Submit(t.Context(), r.channel, pic, &s); sendError(t, err).Code != relay.CodeFileUnreachable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTemplatesInPagesAndEveryStatus(t *testing.T) {
	r := newRig(t)
	words := []string{"APPROVED", "PENDING", "IN_APPEAL", "REJECTED", "PAUSED", "DISABLED", "DELETED", "PENDING_DELETION", "LIMIT_EXCEEDED", "ARCHIVED"}
	for i := range 250 {
		r.fake.PutTemplate(map[string]any{"id": fmt.Sprint(i), "name": fmt.Sprintf("t%d", i), "language": "en", "category": "UTILITY", "status": words[i%len(words)], "rejected_reason": []string{"NONE", "INVALID_FORMAT"}[i%2],
			"components": []any{map[string]any{"type": "BODY", "text": "hi"}, map[string]any{"type": "BUTTONS", "buttons": []any{map[string]any{"type": "COPY_CODE", "example": "ONE"}}}}})
	}
	list, err := r.Templates(t.Context(), r.channel)
	if err != nil || len(list) != 250 {
		t.Fatalf("%d templates, %v", len(list), err)
	}
	want := []relay.TemplateStatus{relay.TemplateApproved, relay.TemplatePending, relay.TemplatePending, relay.TemplateRejected, relay.TemplatePaused, relay.TemplateDisabled, relay.TemplateDeleted, relay.TemplateDeleted, "limit_exceeded", "archived"}
	for i, got := range list[:len(words)] {
		if got.Status != want[i] || got.Reason != []string{"", "INVALID_FORMAT"}[i%2] || got.Buttons[0].Sample != "ONE" {
			t.Errorf("%s: %+v, want %s", words[i], got, want[i])
		}
	}
}

func TestTemplatesWithoutTheirSettings(t *testing.T) {
	r := newRig(t)
	for names, drop := range map[string]func(*Settings){
		"waba_id, user_token.": func(s *Settings) { s.WABAID, s.UserToken = "", "" },
		"missing: waba_id.":    func(s *Settings) { s.WABAID = "" },
		"missing: user_token.": func(s *Settings) { s.UserToken = "" },
	} {
		s, _ := settingsOf(r.channel)
		drop(&s)
		ch := r.channel
		ch.Settings = mustJSON(t, s)
		_, err := r.Templates(t.Context(), ch)
		_, err2 := r.Submit(t.Context(), ch, order, nil)
		for _, err := range []error{err, err2} {
			if e := sendError(t, err); e.Verdict != relay.Refused || e.Code != relay.CodeTemplateUnsupported || !strings.HasSuffix(e.Reason, names) {
				t.Errorf("got %+v, want %q", e, names)
			}
		}
	}
}

// Meta's errors, by https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
func TestErrorsOfMeta(t *testing.T) {
	for _, c := range []struct {
		status  int
		body    string
		verdict relay.Verdict
		says    string
	}{
		{401, `{"error":{"code":190,"message":"Error validating access token: SECRET"}}`, relay.Refused, "user token"},
		{403, `{"error":{"code":200}}`, relay.Refused, "whatsapp_business_management"},
		{403, `{"error":{"code":10}}`, relay.Refused, "whatsapp_business_management"},
		{400, `{"error":{"code":80008}}`, relay.Deferred, "in an hour"},
		{503, `{"error":{"code":2}}`, relay.Deferred, "out of order"},
		{400, `{"error":{"code":100,"error_subcode":33}}`, relay.Refused, "waba_id"},
		{400, `{"error":{"code":100,"error_subcode":2388293,"error_user_title":"Bad body","error_user_msg":"Too many variables EAApretendUserToken0123456789"}}`, relay.Refused, "Bad body: Too many variables …"},
		{400, `{"error":{"code":131009}}`, relay.Refused, "131009"},
		{502, `<html>`, relay.Deferred, "Meta could not be reached"},
		{200, `<html>`, relay.Deferred, "Meta could not be reached"},
		{302, ``, relay.Deferred, "Meta could not be reached"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		r := newRig(t)
		d := New(Options{Base: r.server.URL, MetaBase: server.URL})
		_, err := d.Templates(t.Context(), r.channel)
		e := sendError(t, err)
		if e.Verdict != c.verdict || e.Code == "" || !strings.Contains(e.Reason, c.says) || strings.Contains(e.Reason+fmt.Sprint(e.Err), "EAApretend") {
			t.Errorf("%d %s: got %+v, want %s that says %q", c.status, c.body, e, c.verdict, c.says)
		}
		server.Close()
	}
}

func TestMedia(t *testing.T) {
	r := newRig(t, func(o *vonagetest.Options) { o.SecureMedia = true })
	var leaked []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		leaked = append(leaked, q.Header.Get("Authorization"))
		switch q.URL.Path {
		case "/huge":
			w.Header().Set("Content-Length", fmt.Sprint(maxMedia+1))
		case "/loop":
			http.Redirect(w, q, "/loop", http.StatusFound)
		default:
			_, _ = io.WriteString(w, "elsewhere")
		}
	}))
	t.Cleanup(elsewhere.Close)
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Authorization") == "" {
			t.Error("the first call has no token")
		}
		http.Redirect(w, q, elsewhere.URL+"/x", http.StatusFound)
	}))
	t.Cleanup(away.Close)
	get := func(d *Driver, at string) (string, string, error) {
		t.Helper()
		got, err := r.receive(r.fake.Inbound("447700900002", "image", map[string]any{"image": map[string]any{"url": at}}, r.channel.CallbackAt))
		if err != nil {
			t.Fatal(err)
		}
		f := got.Inbound[0].Files[0]
		f.Auth = f.Auth || d != r.Driver
		body, kind, err := d.Media(t.Context(), r.channel, f)
		if err != nil {
			return "", kind, err
		}
		defer body.Close()
		b, err := io.ReadAll(body)
		return string(b), kind, err
	}
	if b, kind, err := get(r.Driver, r.server.URL+r.fake.PutMedia([]byte("picture"), "image/png")); err != nil || b != "picture" || kind != "image/png" {
		t.Errorf("got %q %q %v", b, kind, err)
	}
	if _, _, err := get(r.Driver, r.server.URL+"/v3/media/gone"); sendError(t, err).Verdict != relay.Refused {
		t.Errorf("gone: %v", err)
	}
	if b, _, err := get(r.Driver, elsewhere.URL+"/y"); err != nil || b != "elsewhere" {
		t.Errorf("elsewhere: %q, %v", b, err)
	}
	if b, _, err := get(New(Options{Base: away.URL}), away.URL+"/z"); err != nil || b != "elsewhere" {
		t.Errorf("redirected: %q, %v", b, err)
	}
	if _, _, err := get(r.Driver, elsewhere.URL+"/huge"); sendError(t, err).Verdict != relay.Refused {
		t.Errorf("huge: %v", err)
	}
	if _, _, err := get(r.Driver, elsewhere.URL+"/loop"); err == nil || strings.Contains(err.Error(), "://") {
		t.Errorf("a loop: %v", err)
	}
	if strings.Join(leaked, "") != "" {
		t.Error("credentials went to another host")
	}
}

func TestMediaWithoutAnAddress(t *testing.T) {
	r := newRig(t)
	for _, bad := range []string{"", "ftp://x/y", "file:///etc/passwd", "/v3/media/x", "http://a b/"} {
		if _, _, err := r.Media(t.Context(), r.channel, relay.InboundFile{URL: bad}); sendError(t, err).Verdict != relay.Refused {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestACodesButtonTakesNoValueOfItsOwn(t *testing.T) {
	r := newRig(t)
	button := map[string]any{"type": "URL", "text": "Copy code", "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}
	r.fake.PutTemplate(map[string]any{"id": "9", "name": "code", "language": "en", "status": "APPROVED", "category": "AUTHENTICATION",
		"components": []any{map[string]any{"type": "BODY", "text": "{{1}} is your code."}, map[string]any{"type": "BUTTONS", "buttons": []any{button}}}})
	list, err := r.Templates(t.Context(), r.channel)
	if err != nil || len(list) != 1 || list[0].Buttons[0].Type != "otp" || list[0].Buttons[0].TakesValue() {
		t.Errorf("%+v, %v", list, err)
	}
}
