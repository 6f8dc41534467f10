package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// onePicture is the start of a PNG; enough to be recognised.
const onePicture = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"

// fileHost gives all the answers that a link can give.
func fileHost(t *testing.T) string {
	t.Helper()
	m := http.NewServeMux()
	m.HandleFunc("/logo.png", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, onePicture) })
	m.HandleFunc("/photo", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/pl\u202eain")
		w.Header().Set("Content-Disposition", `attachment; filename="shown.png"`)
		fmt.Fprint(w, onePicture)
	})
	m.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!doctype html><title>Sign in</title>") })
	m.HandleFunc("/report", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "%PDF-1.7\n") })
	m.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, onePicture, strings.Repeat("x", 3<<20)) })
	m.HandleFunc("/lie", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		fmt.Fprint(w, onePicture) // the server breaks the connection after that
	})
	m.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	m.HandleFunc("/locked", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	m.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	m.Handle("/moved", http.RedirectHandler("/logo.png?token=horse&v=2", http.StatusMovedPermanently))
	m.Handle("/again", http.RedirectHandler("/again", http.StatusFound))
	m.Handle("/elsewhere", http.RedirectHandler("ftp://127.0.0.1/logo.png", http.StatusFound))
	m.Handle("/inside", http.RedirectHandler("http://10.1.2.3:8080/logo.png", http.StatusFound))
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	return s.URL
}

func doctorFile(t *testing.T, args ...string) result {
	t.Helper()
	return runWith(t, []string{"RELEVO_MEDIA__ALLOW=127.0.0.1/32"}, append([]string{"doctor", "file"}, args...)...)
}

func TestTheDoctorSaysWhatALinkGivesAndExitsAsRelevoWouldDecide(t *testing.T) {
	host := fileHost(t)
	for _, c := range []struct {
		args string
		code int
		says string // lines or parts of them, in this order, with | between
	}{
		{"/logo.png --name logo.png", 0, "Relevo would take this file and send it as an image (image/png).|Asked:  1. " + host + "/logo.png at 127.0.0.1:|: 200 OK|" +
			"Name:   logo.png, announces an image|Type:   image/png, fits the name|Size:   29 bytes; within the limit of 2 MiB"},
		{"/photo", 0, "send it as an image|Name:   shown.png (the server's; a call needs a file_name of its own)|the server says text/plain"},
		{"/logo.png", 0, "Name:   logo.png (from the link;"},
		{"/logo.png --name logo", 0, "send it as a document|To send it as a picture and not as a document, end file_name in .png.|Name:   logo, announces a document"},
		{"/report", 0, "send it as a document|Name:   none given; a call needs a file_name"},
		{"/moved --name logo.png", 0, "1. " + host + "/moved|: 301 Moved Permanently, redirects to " + host + "/logo.png?token=…&v=2|2. " + host + "/logo.png?token=…&v=2"},

		{"/page --name logo.png", 1, "not take this file: file_is_web_page|answered with a web page, not a file. Open the link in a private window|text/html, a web page"},
		{"/report --name logo.png", 1, "file_type_mismatch|end file_name in .pdf|application/pdf, does not fit the name"},
		{"/large --name logo.png", 1, "file_too_large|the limit of 2 MiB|bytes) read; over the limit of 2 MiB"},
		{"/logo.png --limit 20", 1, "file_too_large|has 29 bytes, the limit is 20 bytes|nothing read; the server says 29 bytes; over the limit"},
		{"/lie --name logo.png", 1, "file_unreachable|broke before the whole file was there"},
		{"/slow --media.timeout 50ms", 1, "file_unreachable|did not send the whole file in time|This may pass"},
		{"/gone", 1, "answered 404 Not Found: there is no file|: 404 Not Found"},
		{"/locked", 1, "answered 403 Forbidden: the file is not open to everyone|: 403 Forbidden"},
		{"/busy", 1, "asked too often|This may pass"},
		{"/again", 1, "redirects too many times|4. " + host + "/again"},
		{"/inside", 1, "redirects to 10.1.2.3, which is not a public address|(media.allow)|add 10.1.2.3/32 to media.allow|2. http://10.1.2.3:8080/logo.png at 10.1.2.3:8080: no answer"},
		{"/logo.png --media.allow 10.0.0.0/8", 1, "127.0.0.1 is not a public address|add 127.0.0.1/32 to media.allow"},
	} {
		t.Run(c.args, func(t *testing.T) {
			got := doctorFile(t, strings.Fields(host+c.args)...)
			if got.code != c.code || got.errout != "" {
				t.Errorf("exits with %d, want %d; %s", got.code, c.code, got.errout)
			}
			rest := got.out
			for part := range strings.SplitSeq(c.says, "|") {
				_, after, ok := strings.Cut(rest, part)
				if !ok {
					t.Fatalf("does not say %q after what came before:\n%s", part, got.out)
				}
				rest = after
			}
			if strings.Contains(got.out, "\u202e") || strings.Contains(got.out, "horse") {
				t.Errorf("shows what it must not:\n%q", got.out)
			}
		})
	}
}

func TestTheDoctorPrintsOneObjectOfJSON(t *testing.T) {
	host := fileHost(t)
	for path, want := range map[string]map[string]any{
		"/moved":  {"ok": true, "failure.code": nil, "status": 200.0, "type": "image/png", "kind": "image", "name": "logo.png", "name_from": "link", "size_fits_limit": true, "type_fits_name": true, "content_length": 29.0, "bytes_read": 29.0, "read_whole": true, "limit": 2097152.0},
		"/photo":  {"ok": true, "content_disposition_name": "shown.png", "name_from": "declared"},
		"/page":   {"ok": false, "failure.code": "file_is_web_page", "failure.again": false, "web_page": true, "sniffed_type": "text/html", "type": nil, "type_fits_name": false, "size_fits_limit": nil},
		"/busy":   {"ok": false, "failure.code": "file_unreachable", "failure.again": true, "status": 429.0, "sniffed_type": nil, "type_fits_name": nil},
		"/large":  {"ok": false, "failure.code": "file_too_large", "content_length": nil, "size_fits_limit": false},
		"/inside": {"ok": false, "status": 0.0, "advice": "The host's address is 10.1.2.3. If its files are to be sent, add 10.1.2.3/32 to media.allow."},
	} {
		got := doctorFile(t, host+path, "--json")
		dec := json.NewDecoder(strings.NewReader(got.out))
		var o object
		if err := dec.Decode(&o); err != nil || dec.More() || (got.code == exitOK) != (o["ok"] == true) {
			t.Fatalf("%s: %v, exits with %d:\n%s", path, err, got.code, got.out)
		}
		for key, value := range want {
			if o.at(key) != value {
				t.Errorf("%s: %s is %v, want %v", path, key, o.at(key), value)
			}
		}
		if steps, ok := o["steps"].([]any); !ok || len(steps) == 0 {
			t.Errorf("%s: steps are %v", path, o["steps"])
		}
	}
}

func TestTheDoctorWaitsNoLongerThanTheSettingSays(t *testing.T) {
	got := doctorFile(t, fileHost(t)+"/slow", "--media.timeout", "50ms", "--json")
	var r fileReport
	if err := json.Unmarshal([]byte(got.out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Failure == nil || !r.Failure.Again || r.TookMS < 50 || r.TookMS > 5000 { // the default is 15 s
		t.Errorf("got %+v", r)
	}
}

// Only a refusal for the address is cured by allowing the address.
func TestTheDoctorNamesAnAddressToAllowOnlyWhereThatHelps(t *testing.T) {
	got := doctorFile(t, fileHost(t)+"/elsewhere")
	if got.code != exitFailed || !strings.Contains(got.out, "no http or https address") || strings.Contains(got.out, "media.allow") {
		t.Errorf("%+v", got)
	}
}

func TestTheDoctorLeavesNothingInTheDataFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := doctorFile(t, fileHost(t)+"/logo.png"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
