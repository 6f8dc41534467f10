package meta

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/meta/metatest"
)

func TestAFileOfAMessageIsFetchedWithTheToken(t *testing.T) {
	w := open(t)
	in := w.receives(t, w.fake.InboundFile(ana, "image", metatest.File{Type: "image/jpeg", Content: []byte("jpg")}, "")).Inbound[0]
	body, mediaType, err := w.Media(t.Context(), w.ch, in.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || string(got) != "jpg" || mediaType != "image/jpeg" {
		t.Errorf("%q, %q, %v", got, mediaType, err)
	}
}

func TestAFileThatIsGoneIsRefused(t *testing.T) {
	w := open(t)
	id := w.fake.Keep(metatest.File{Type: "image/jpeg", Content: []byte("jpg")})
	verdict := func(f relay.InboundFile) relay.Verdict {
		body, _, err := w.Media(t.Context(), w.ch, f)
		if err == nil {
			body.Close()
		}
		var e *relay.SendError
		if !errors.As(err, &e) {
			t.Fatalf("%v", err)
		}
		return e.Verdict
	}
	for _, a := range []metatest.Answer{{Status: 404, Body: "x"}, {Status: 500, Body: "x"}} {
		w.fake.Next("lookaside", a)
		if v := verdict(relay.InboundFile{ID: id}); v != relay.Deferred {
			t.Errorf("%+v: %s", a, v)
		}
	}
	w.fake.Next("object", metatest.Answer{Status: 502, Body: "bad gateway"})
	if v := verdict(relay.InboundFile{ID: id}); v != relay.Deferred {
		t.Errorf("an unanswered question: %s", v)
	}
	w.fake.Next("object", metatest.Answer{Status: 200, Body: `{"url":"https://evil.example/x","id":"1"}`})
	if v := verdict(relay.InboundFile{ID: id}); v != relay.Refused {
		t.Errorf("a foreign address: %s", v)
	}
	w.fake.Next("object", metatest.Answer{Status: 200, Body: `{"id":"1"}`})
	if v := verdict(relay.InboundFile{ID: id}); v != relay.Deferred {
		t.Errorf("no address: %s", v)
	}
	w.fake.Next("object", metatest.Answer{Code: 803, Status: 404})
	if v := verdict(relay.InboundFile{ID: id}); v != relay.Refused {
		t.Errorf("no such object: %s", v)
	}
	w.fake.Forget(id)
	if v := verdict(relay.InboundFile{ID: id}); v != relay.Refused {
		t.Errorf("gone: %s", v)
	}
	if v := verdict(relay.InboundFile{ID: "../me"}); v != relay.Refused {
		t.Errorf("no id: %s", v)
	}
}

func TestARedirectElsewhereCarriesNoToken(t *testing.T) {
	var given []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given = append(given, r.Header.Get("Authorization"))
		io.WriteString(w, "jpg")
	}))
	defer elsewhere.Close()
	fake := metatest.New(metatest.Options{})
	s := httptest.NewServer(fake)
	defer s.Close()
	d := New(Options{Base: s.URL, Media: &http.Client{}})
	id := fake.Keep(metatest.File{Type: "image/jpeg", Redirect: elsewhere.URL + "/x"})
	body, _, err := d.Media(t.Context(), relay.Channel{Settings: fake.Settings()}, relay.InboundFile{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	body.Close()
	if len(given) != 1 || given[0] != "" {
		t.Errorf("the other host got %q", given)
	}
}

func TestTheTokenGoesToMetasHostsAlone(t *testing.T) {
	d := New(Options{})
	for address, want := range map[string]bool{
		"https://lookaside.fbsbx.com/x": true, "https://graph.facebook.com/x": true, "https://mmg.whatsapp.net/x": true, "https://scontent.xx.fbcdn.net/x": true,
		"http://lookaside.fbsbx.com/x": false, "https://evilfbsbx.com/x": false, "https://fbsbx.com.evil.example/x": false, "https://127.0.0.1/x": false,
	} {
		u, err := url.Parse(address)
		if err != nil || d.metas(u) != want {
			t.Errorf("%s: %v, %v", address, d.metas(u), err)
		}
	}
}
