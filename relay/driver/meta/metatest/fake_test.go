package metatest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

const envelope = `{"messaging_product":"whatsapp","recipient_type":"individual","to":"+5511900000001",`

// call makes one call of the fake and returns the status and the error's code.
func call(t *testing.T, f *Fake, method, path, contentType, token, body string) (int, int) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", token)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	var a struct {
		Error struct{ Code int }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s: %s is no JSON", path, w.Body)
	}
	return w.Code, a.Error.Code
}

func send(t *testing.T, f *Fake, body string) (int, int) {
	t.Helper()
	return call(t, f, "POST", "/v26.0/"+f.o.PhoneNumberID+"/messages", "application/json", "Bearer "+f.o.Token, body)
}

func TestAMessageIsHeldToMetasRules(t *testing.T) {
	f := New(Options{})
	for body, want := range map[string]int{
		envelope + `"type":"text","text":{"body":"x"}}`:                                                                          0,
		`{"type":"text","to":"+5511900000001","text":{"body":"x"}}`:                                                              131008,
		`{"messaging_product":"sms","recipient_type":"individual","to":"+5511900000001","type":"text","text":{"body":"x"}}`:      131009,
		`{"messaging_product":"whatsapp","type":"text","text":{"body":"x"}}`:                                                     131008,
		`{"messaging_product":"whatsapp","recipient_type":"individual","to":"nobody","type":"text","text":{"body":"x"}}`:         131009,
		`{"messaging_product":"whatsapp","recipient_type":"individual","recipient":"US.1349","type":"text","text":{"body":"x"}}`: 0,
		envelope + `"type":"text","text":{"body":"x","preview":true}}`:                                                           100,
		envelope + `"type":"text","text":{"body":""}}`:                                                                           131009,
		envelope + `"type":"text","text":{"body":"` + strings.Repeat("x", 4097) + `"}}`:                                          131009,
		envelope + `"type":"text","text":{"body":"x"},"image":{"id":"1"}}`:                                                       100,
		envelope + `"type":"text","text":{"body":"x"},"biz_opaque_callback_data":"` + strings.Repeat("x", 513) + `"}`:            131009,
		envelope + `"type":"image","image":{"id":"1"}}`:                                                                          131053,
		envelope + `"type":"image","image":{"id":"1","link":"http://x"}}`:                                                        131008,
		envelope + `"type":"audio","audio":{"id":"1","caption":"x"}}`:                                                            100,
		envelope + `"type":"hologram","hologram":{}}`:                                                                            131051,
		envelope + `"type":"template","template":{"name":"a","language":{"code":"en","policy":"deterministic"}}}`:                132001,
		envelope + `"type":"template","template":{"name":"a","language":{"code":"en"}}}`:                                         131008,
		`{"messaging_product":"whatsapp","to":"+5511900000001","type":"text","text":{"body":"x"}}`:                               131008,
		`[]`: 100,
	} {
		if _, code := send(t, f, body); code != want {
			t.Errorf("%.150s: code %d, want %d", body, code, want)
		}
	}
	r := httptest.NewRequest("POST", "/v26.0/"+f.o.PhoneNumberID+"/messages", strings.NewReader(envelope+`"type":"text","text":{"body":"x"}}`))
	r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + f.o.Token}, "User-Agent": {"Go-http-client/1.1"}}
	w := httptest.NewRecorder()
	if f.ServeHTTP(w, r); w.Code != 400 {
		t.Errorf("a User-Agent of another form: %d", w.Code)
	}
	path := "/v26.0/" + f.o.PhoneNumberID + "/messages"
	good := envelope + `"type":"text","text":{"body":"x"}}`
	for name, c := range map[string]struct {
		path, contentType, token string
		status, code             int
	}{
		"wrong token":  {path, "application/json", "Bearer x", 401, 190},
		"no token":     {path, "application/json", "", 401, 190},
		"not JSON":     {path, "text/plain", "Bearer " + f.o.Token, 400, 100},
		"old version":  {strings.Replace(path, "v26.0", "v2.0", 1), "application/json", "Bearer " + f.o.Token, 400, 2635},
		"other number": {"/v26.0/1/messages", "application/json", "Bearer " + f.o.Token, 400, 100},
	} {
		if status, code := call(t, f, "POST", c.path, c.contentType, c.token, good); status != c.status || code != c.code {
			t.Errorf("%s: %d, code %d", name, status, code)
		}
	}
}

func TestTheWindowIsKeptWhereAskedFor(t *testing.T) {
	f := New(Options{Window: true})
	if _, code := send(t, f, envelope+`"type":"text","text":{"body":"x"}}`); code != 131047 {
		t.Errorf("closed: code %d", code)
	}
	f.Inbound(Person{Number: "5511900000001"}, "text", map[string]string{"body": "oi"}, nil)
	if _, code := send(t, f, envelope+`"type":"text","text":{"body":"x"}}`); code != 0 {
		t.Errorf("open: code %d", code)
	}
}

func TestALinkIsFetched(t *testing.T) {
	f := New(Options{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a.png" {
			w.WriteHeader(404)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		io.WriteString(w, "png")
	}))
	defer s.Close()
	if _, code := send(t, f, envelope+`"type":"image","image":{"link":"`+s.URL+`/a.png"}}`); code != 0 || string(f.Taken()[0].File.Content) != "png" {
		t.Errorf("code %d, %+v", code, f.Calls())
	}
	if _, code := send(t, f, envelope+`"type":"image","image":{"link":"`+s.URL+`/gone"}}`); code != 131053 {
		t.Errorf("gone: code %d", code)
	}
}

func TestAnUploadIsHeldToTypeAndFields(t *testing.T) {
	f := New(Options{})
	for name, c := range map[string]struct {
		fields map[string]string
		part   string
		code   int
	}{
		"good":        {map[string]string{"messaging_product": "whatsapp", "type": "image/png"}, "image/png", 0},
		"no product":  {map[string]string{"type": "image/png"}, "image/png", 100},
		"no type":     {map[string]string{"messaging_product": "whatsapp"}, "image/png", 100},
		"two types":   {map[string]string{"messaging_product": "whatsapp", "type": "image/jpeg"}, "image/png", 100},
		"bad type":    {map[string]string{"messaging_product": "whatsapp", "type": "image/gif"}, "image/gif", 100},
		"extra field": {map[string]string{"messaging_product": "whatsapp", "type": "image/png", "x": "y"}, "image/png", 100},
	} {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		for k, v := range c.fields {
			m.WriteField(k, v)
		}
		p, _ := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="a"`}, "Content-Type": {c.part}})
		io.WriteString(p, "content")
		m.Close()
		if _, code := call(t, f, "POST", "/v26.0/"+f.o.PhoneNumberID+"/media", m.FormDataContentType(), "Bearer "+f.o.Token, b.String()); code != c.code {
			t.Errorf("%s: code %d, want %d", name, code, c.code)
		}
	}
}

// inbox is somebody's callback, which answers the handshake.
type inbox struct {
	mu     sync.Mutex
	bodies []string
	marks  []string
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		if r.URL.Query().Get("hub.verify_token") != "tok" {
			w.WriteHeader(403)
			return
		}
		io.WriteString(w, r.URL.Query().Get("hub.challenge"))
		return
	}
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies, b.marks = append(b.bodies, string(body)), append(b.marks, r.Header.Get("X-Hub-Signature-256"))
}

func TestCallbacksAreSignedAndComeInAnyOrder(t *testing.T) {
	f, b := New(Options{}), &inbox{}
	s := httptest.NewServer(b)
	defer s.Close()
	if err := f.Verify(t.Context(), s.URL, "wrong"); err == nil {
		t.Error("a wrong verify token is taken")
	}
	if err := f.Verify(t.Context(), s.URL, "tok"); err != nil {
		t.Error(err)
	}
	c := Call{ID: "wamid.1", To: "+5511900000001", Reference: "ref", At: time.Now()}
	read := f.Status(c, "read")
	for _, changes := range [][]Change{{read}, {f.Status(c, "sent"), f.Status(c, "delivered")}, {read}, {f.Inbound(Person{UserID: "US.1", Username: "jo"}, "text", map[string]string{"body": "oi"}, nil)}} {
		if status, err := f.Deliver(t.Context(), s.URL, changes...); status != 200 || err != nil {
			t.Errorf("%d, %v", status, err)
		}
	}
	if err := f.DeliverOutcome(t.Context(), s.URL, c); err != nil {
		t.Error(err)
	}
	if len(b.bodies) != 7 || strings.Contains(b.bodies[3], `"from"`) || strings.Contains(b.bodies[3], "wa_id") || !strings.Contains(b.bodies[1], `"ref"`) {
		t.Errorf("%q", b.bodies)
	}
	for i, body := range b.bodies {
		if b.marks[i] != f.Sign([]byte(body)) {
			t.Errorf("call %d is signed with %q", i, b.marks[i])
		}
	}
}
