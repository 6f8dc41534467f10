package twilio

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/twilio/twiliotest"
)

// withCDN is an account whose media lie on another host.
func withCDN(t *testing.T) (*Driver, *twiliotest.Fake) {
	var f *twiliotest.Fake
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.CDN(w, r) }))
	t.Cleanup(cdn.Close)
	d, f2 := open(t, twiliotest.Options{CDN: strings.Replace(cdn.URL, "127.0.0.1", "localhost", 1)})
	f = f2
	return d, f
}

func TestAFileIsFetchedAndNoCredentialsFollowTheRedirect(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (*Driver, *twiliotest.Fake){
		"redirected": withCDN,
		"at once":    func(t *testing.T) (*Driver, *twiliotest.Fake) { return open(t, twiliotest.Options{}) },
	} {
		t.Run(name, func(t *testing.T) {
			d, f := open(t)
			want := bytes.Repeat([]byte("ogg"), 50_000)
			path := f.PutMedia("audio/ogg", want)
			body, kind, err := d.Media(t.Context(), channel(t, settings()), relay.InboundFile{URL: d.api + path, Auth: true})
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			got, err := io.ReadAll(body)
			if err != nil || !bytes.Equal(got, want) || kind != "audio/ogg" {
				t.Errorf("%d bytes of %s, %v", len(got), kind, err)
			}
			if f.Leaked() {
				t.Error("credentials went to another host")
			}
			f.ForgetMedia(path)
			_, _, err = d.Media(t.Context(), channel(t, settings()), relay.InboundFile{URL: d.api + path})
			if e := sendError(t, err); e.Verdict != relay.Refused {
				t.Errorf("a deleted file: %s", e.Verdict)
			}
		})
	}
}

func TestCredentialsGoToTwilioAlone(t *testing.T) {
	d := New(Options{})
	path := "/2010-04-01/Accounts/" + twiliotest.AccountSID + "/Messages/MM1/Media/ME1"
	for address, want := range map[string]bool{
		"https://api.twilio.com" + path: true, "https://api.dublin.ie1.twilio.com" + path: true, "http://api.twilio.com" + path: false,
		"https://api.twilio.com.evil.example" + path: false, "https://evil.example" + path: false, "https://api.twilio.com:8443" + path: false,
		"https://api.eviltwilio.com" + path: false, "https://u@api.dublin.ie1.twilio.com" + path: false, "": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.ours(u); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
	other := strings.Replace(path, twiliotest.AccountSID, sidOf("AC", 9), 1)
	for _, address := range []string{"https://evil.example" + path, "https://api.twilio.com" + other, "%zz", ""} {
		_, _, err := d.Media(t.Context(), channel(t, settings()), relay.InboundFile{URL: address})
		if e := sendError(t, err); e.Verdict != relay.Refused {
			t.Errorf("%s: %s", address, e.Verdict)
		}
	}
}

func TestMediaThatMayComeLater(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"busy":     func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) },
		"no right": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) },
		"circle":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"nowhere": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(307)
		},
	} {
		server := httptest.NewServer(h)
		d := New(Options{Base: server.URL})
		_, _, err := d.Media(t.Context(), channel(t, settings()), relay.InboundFile{URL: server.URL + "/2010-04-01/Accounts/" + twiliotest.AccountSID + "/Messages/MM1/Media/ME1"})
		var e *relay.SendError
		if err == nil || errors.As(err, &e) && e.Verdict == relay.Refused || strings.Contains(err.Error(), server.URL) {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}
