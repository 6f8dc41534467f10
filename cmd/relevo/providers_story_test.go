package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ann is the person of these tests.
const ann = "+14155550177"

// connected: the settings are taken, somebody writes, and the check is content.
func connected(w *world) {
	w.connect(nil)
	if status := w.deliver(w.wrote(w.at, ann, "a first text")); status != http.StatusOK {
		w.t.Errorf("a callback was answered %d", status)
	}
	var doubts []string
	for _, f := range w.p.api(w.t, http.MethodPost, w.channelPath()+"/check", nil)["data"].([]any) {
		f := object(f.(map[string]any))
		if f.text("state") != "ok" {
			doubts = append(doubts, f.text("subject"))
			w.t.Logf("%s %s: %s", f.text("state"), f.text("subject"), f.text("message"))
		}
	}
	if got := strings.Join(doubts, " "); got != w.doubts {
		w.t.Errorf("the check has doubts about %q, want %q", got, w.doubts)
	}
	c := object(w.p.api(w.t, http.MethodGet, w.channelPath(), nil))
	if c.text("callbacks_since") == "" || c.text("state") != "connected" {
		w.t.Errorf("the channel is %v", c)
	}
	for name, v := range c.at("settings").(map[string]any) {
		if s := v.(string); strings.HasSuffix(name, "_token") || strings.HasSuffix(name, "_secret") || name == "private_key" {
			if n := len([]rune(s)); n > 16 {
				w.t.Errorf("the setting %s is shown as %q", name, s)
			}
		}
	}
}

// sends: a text, a picture with a caption, a document and a template.
func sends(w *world) {
	files, picture, document := fileServer(w.t)
	for _, c := range []struct {
		name, fields, text string
		file               []byte
	}{
		{"text", fmt.Sprintf(`"phone":%q,"text":"written by hand: ü & <b> 👋"`, ann), "written by hand: ü & <b> 👋", nil},
		{"picture", fmt.Sprintf(`"phone":%q,"text":"look at this","file_url":%q,"file_name":"sea side.png"`, ann, files+"/a.png"), "look at this", picture},
		{"document", fmt.Sprintf(`"phone":%q,"file_url":%q,"file_name":"menu.pdf"`, ann, files+"/a.pdf"), "", document},
		{"template", fmt.Sprintf(`"phone":%q,"template":{"name":"greet","language":"en","variables":["hidden"]}`, ann), "", nil},
	} {
		if c.name == "template" {
			if w.kind == "infobip_viber" {
				continue // has none
			}
			w.template()
			rows := w.p.api(w.t, http.MethodPost, w.channelPath()+"/templates/sync", nil)["data"].([]any)
			if len(rows) != 1 || object(rows[0].(map[string]any)).text("status") != "approved" {
				w.t.Errorf("after the sync the templates are %v", rows)
			}
		}
		id := w.send(c.fields)
		g := w.arrived(id)
		if c.name != "template" && (g.text != c.text || !bytes.Equal(g.file, c.file)) {
			w.t.Errorf("%s: the provider has the text %q and %d bytes of a file, want %q and %d", c.name, g.text, len(g.file), c.text, len(c.file))
		}
		if w.linked && c.file != nil {
			w.opens(g.link, c.file)
		}
		w.sent = append(w.sent, g)
		w.becomes(id, "sent")
	}
}

// opens looks at a file's address as a provider does, and as somebody does who
// guesses.
func (w *world) opens(link string, want []byte) {
	w.t.Helper()
	get := func(method, link, ranged string) (*http.Response, []byte) {
		req, err := http.NewRequest(method, link, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		if ranged != "" {
			req.Header.Set("Range", ranged)
		}
		res, err := w.client.Do(req)
		if err != nil {
			w.t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res, b
	}
	if res, b := get(http.MethodGet, link, ""); res.StatusCode != http.StatusOK || !bytes.Equal(b, want) ||
		res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") {
		w.t.Errorf("GET: %s, %d bytes, %v", res.Status, len(b), res.Header)
	}
	if res, b := get(http.MethodHead, link, ""); res.StatusCode != http.StatusOK || len(b) != 0 || res.ContentLength != int64(len(want)) {
		w.t.Errorf("HEAD: %s, %d bytes, length %d", res.Status, len(b), res.ContentLength)
	}
	if res, b := get(http.MethodGet, link, "bytes=4-9"); res.StatusCode != http.StatusPartialContent || !bytes.Equal(b, want[4:10]) {
		w.t.Errorf("a range: %s, %q", res.Status, b)
	}
	parts := strings.Split(link, "/") // https: "" host files ws id exp mark name
	for name, change := range map[string]func([]string){
		"expired":  func(p []string) { p[6] = "t0000" },
		"longer":   func(p []string) { p[6] = "z" + p[6] },
		"altered":  func(p []string) { p[7] = strings.Repeat("A", len(p[7])) },
		"stranger": func(p []string) { p[4] = "ws_00000000000000000000" },
	} {
		p := slices.Clone(parts)
		change(p)
		if res, _ := get(http.MethodGet, strings.Join(p, "/"), ""); res.StatusCode != http.StatusNotFound {
			w.t.Errorf("an address that is %s: %s", name, res.Status)
		}
	}
}

// reports: in order and twice, in the wrong order, and in one batch.
func reports(w *world) {
	first, second := w.sent[0], w.sent[1]
	for _, status := range []string{"sent", "delivered", "delivered", "read", "read"} {
		w.told(told{first, status, 0})
	}
	for _, status := range []string{"read", "delivered", "sent", "delivered"} {
		w.told(told{second, status, 0})
	}
	var batch []told
	for _, status := range []string{"delivered", "read"} {
		for _, g := range w.sent[2:] {
			batch = append(batch, told{g, status, 0})
		}
	}
	w.told(batch...)
	for _, g := range w.sent {
		w.becomes(g.ref, "read")
	}
	want := fmt.Sprintf("%d+0", len(w.sent)+1) // the picture has a caption: 2 units
	if got := w.spent(); got != want {
		w.t.Errorf("spent %s, want %s", got, want)
	}
}

// refunds: a failure that is told after the message was sent gives its unit
// back once, and a delivery after that takes it again.
func refunds(w *world) {
	before := w.spent()
	id := w.send(fmt.Sprintf(`"phone":%q,"text":"written by hand again"`, ann))
	g := w.arrived(id)
	w.becomes(id, "sent")
	after := w.spent()
	for range 2 {
		w.told(told{g, "failed", w.absent})
		w.becomes(id, "failed")
		if got := w.spent(); got != before {
			w.t.Errorf("after the failure %s is spent, want %s", got, before)
		}
	}
	for range 2 {
		w.told(told{g, "delivered", 0})
		w.becomes(id, "delivered")
		if got := w.spent(); got != after {
			w.t.Errorf("after the delivery %s is spent, want %s", got, after)
		}
	}
}

// people: what they write comes once, and a picture is fetched.
func people(w *world) {
	_, picture, _ := fileServer(w.t)
	had := len(w.inbounds())
	for _, c := range []call{w.wrote(w.at, ann, "written by hand"), w.pictured(w.at, w.base, ann, picture)} {
		for range 2 {
			if status := w.deliver(c); status != http.StatusOK {
				w.t.Errorf("a callback was answered %d", status)
			}
		}
	}
	var rows []any
	var text, image object
	defer func() {
		if w.t.Failed() {
			w.t.Logf("people wrote %v", rows)
			w.t.Log(w.said("fetch"), w.said("allback"))
		}
	}()
	eventually(w.t, 10*time.Second, "the picture is fetched", func() bool {
		rows = w.inbounds()
		for _, row := range rows[:len(rows)-had] {
			if o := object(row.(map[string]any)); fileOf(o) != nil {
				image = o
			} else {
				text = o
			}
		}
		return fileOf(image).text("url") != ""
	})
	if len(rows) != had+2 || text.text("text") != "written by hand" || text.text("sender") != ann || image.text("kind") != "image" {
		w.t.Fatalf("people wrote %d messages, want %d: %v", len(rows), had+2, rows)
	}
	req, err := http.NewRequest(http.MethodGet, w.p.url+fileOf(image).text("url"), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.p.operator(w.t))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(b, picture) {
		w.t.Errorf("the picture came as %d bytes, want %d: %v", len(b), len(picture), err)
	}
	chats := w.p.api(w.t, http.MethodGet, "/workspaces/"+w.ws+"/chats?channel="+w.ch, nil)["data"].([]any)
	if len(chats) != 1 || object(chats[0].(map[string]any)).text("last_inbound_at") == "" {
		w.t.Errorf("the chats are %v", chats)
	}
}

// fileOf is the first file of what somebody wrote.
func fileOf(o object) object {
	files, _ := o.at("files").([]any)
	if len(files) == 0 {
		return nil
	}
	return object(files[0].(map[string]any))
}

// forgeries: callbacks that are not the provider's, or not for this account,
// are refused and change nothing.
func forgeries(w *world) {
	id := w.send(fmt.Sprintf(`"phone":%q,"text":"written by hand"`, ann))
	g := w.arrived(id)
	w.becomes(id, "sent")
	had, spent := len(w.inbounds()), w.spent()
	good := w.tell(w.at, told{g, "delivered", 0})[0]
	bad := map[string]call{"of another account": act(w.t, w.kind, true, w.client).wrote(w.at, ann, "written by hand")}
	if w.kind != "infobip_viber" { // whose callbacks carry no signature
		bad["with another body"] = call{good.url, good.header, strings.Replace(good.body, "delivered", "failed", 1) + " "}
		bad["unsigned"] = call{good.url, http.Header{"Content-Type": good.header["Content-Type"]}, good.body}
		bad["of a person, unsigned"] = call{w.at.inbound, http.Header{"Content-Type": good.header["Content-Type"]}, w.wrote(w.at, ann, "written by hand").body}
	}
	for name, c := range bad {
		want := http.StatusForbidden
		if strings.Contains(name, "unsigned") {
			want = w.unsigned
		}
		if status := w.deliver(c); status != want {
			w.t.Errorf("a callback %s was answered %d, want %d", name, status, want)
		}
	}
	elsewhere := good
	elsewhere.url = strings.Replace(good.url, w.ch+"/", w.ch+"/A", 1)
	if status := w.deliver(elsewhere); status != http.StatusNotFound {
		w.t.Errorf("a callback at another address was answered %d, want 404", status)
	}
	if m := w.message(id); m.text("status") != "sent" || len(w.inbounds()) != had || w.spent() != spent {
		w.t.Errorf("after the forgeries the message is %s, %d came in and %s is spent; want sent, %d, %s", m.text("status"), len(w.inbounds()), w.spent(), had, spent)
	}
	w.told(told{g, "delivered", 0})
	w.becomes(id, "delivered")
}

// refusals: a closed window and somebody who is not there fail the message,
// say so, and cost nothing.
func refusals(w *world) {
	for want, code := range map[string]int{"window_closed": w.window, "not_on_whatsapp": w.absent} {
		if code == 0 {
			continue
		}
		spent := w.spent()
		id := w.send(fmt.Sprintf(`"phone":%q,"text":"written by hand"`, ann))
		g := w.arrived(id)
		w.told(told{g, "failed", code})
		m := w.becomes(id, "failed")
		if m.text("error.code") != want || len(m.text("error.message")) < 20 {
			w.t.Errorf("code %d: the message says %v, want %s", code, m.at("error"), want)
		}
		if got := w.spent(); got != spent {
			w.t.Errorf("code %d: %s is spent, want %s", code, got, spent)
		}
	}
}

// denied: once the credentials are worth nothing, the channel waits and says
// why; nothing is lost.
func denied(w *world) {
	w.denied.Store(true)
	id := w.send(fmt.Sprintf(`"phone":%q,"text":"written by hand, held"`, ann))
	var c object
	eventually(w.t, 10*time.Second, "the channel is held", func() bool {
		c = w.p.api(w.t, http.MethodGet, w.channelPath(), nil)
		return c.text("state") == "held"
	})
	if why := c.text("reason"); len(why) < 20 || !strings.HasSuffix(why, ".") {
		w.t.Errorf("the channel is held because of %q, which is no sentence", why)
	}
	w.becomes(id, "queued")
	w.denied.Store(false)
	w.p.api(w.t, http.MethodPost, w.channelPath()+"/resume", nil)
	w.arrived(id)
	n := 0
	for _, g := range w.taken() {
		if g.ref == id {
			n++
		}
	}
	if n != 1 {
		w.t.Errorf("the provider took the message %d times", n)
	}
}
