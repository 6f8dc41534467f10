package api

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

// drawer keeps files in memory.
type drawer struct {
	relay.Files
	kept map[string]string
}

func (d drawer) Open(key string) (io.ReadCloser, error) {
	if s, ok := d.kept[key]; ok {
		return io.NopCloser(strings.NewReader(s)), nil
	}
	return nil, errors.New("no such file")
}

func TestAFileIsGivenToAProviderInPartsToo(t *testing.T) {
	h := build(t, 5)
	h.relay.Files = drawer{kept: map[string]string{"k1": "%PDF-1.7"}}
	id := h.accepted(h.post(`{"action":"send","phone":"+14151231234","file_url":"https://files.example/m.pdf","file_name":"my menu.pdf"}`))
	var m relay.Message
	err := h.relay.Store.Update(t.Context(), func(tx relay.Tx) (err error) {
		if m, err = tx.Message(t.Context(), h.ws, id); err != nil {
			return err
		}
		m.File.Key, m.File.Type, m.File.Size = "k1", "application/pdf", 8
		return tx.PutMessage(t.Context(), m)
	})
	if err != nil {
		t.Fatal(err)
	}
	link := h.relay.FileLink(m, time.Now().Add(time.Hour))
	for _, c := range []struct {
		method, part, body string
		status             int
	}{{"GET", "", "%PDF-1.7", 200}, {"HEAD", "", "", 200}, {"GET", "bytes=5-7", "1.7", 206}, {"GET", "bytes=9-", "", 416}} {
		rec := h.call(c.method, link, nil, "Range", c.part)
		if rec.Code != c.status || c.status < 300 && (rec.Body.String() != c.body || rec.Header().Get("Content-Type") != "application/pdf" || rec.Header().Get("Content-Disposition") != `attachment; filename="my menu.pdf"`) {
			t.Errorf("%s %q: got %d %q %v", c.method, c.part, rec.Code, rec.Body, rec.Header())
		}
	}
	if rec := h.call(http.MethodGet, strings.Replace(link, "/my%20menu.pdf", "x/my%20menu.pdf", 1), nil); rec.Code != 404 {
		t.Errorf("another mark opens it: %d", rec.Code)
	}
}

func TestAFileThatSomebodySentIsDownloaded(t *testing.T) {
	h := build(t, 5)
	h.relay.Files = drawer{kept: map[string]string{"k1": "cat"}}
	in := relay.Inbound{ID: "x", From: "+14150001111", Kind: "image", Files: []relay.InboundFile{{ID: "f", Name: "cat.png"}}}
	if _, err := h.relay.Inbound(t.Context(), h.ws, h.channel, in); err != nil {
		t.Fatal(err)
	}
	row := func() map[string]any {
		t.Helper()
		return h.object(h.api("GET", "inbound", ""), 200)["data"].([]any)[0].(map[string]any)
	}
	err := h.relay.Store.Update(t.Context(), func(tx relay.Tx) error {
		m, err := tx.InboundMessage(t.Context(), h.ws, row()["id"].(string))
		if err != nil {
			return err
		}
		m.Files[0].Key, m.Files[0].Type, m.Files[0].Size = "k1", "image/png", 3
		return tx.PutInbound(t.Context(), m)
	})
	if err != nil {
		t.Fatal(err)
	}
	url := row()["files"].([]any)[0].(map[string]any)["url"].(string)
	rec := h.call(http.MethodGet, url, nil, "Authorization", "Bearer "+operatorKey)
	if rec.Code != 200 || rec.Body.String() != "cat" || rec.Header().Get("Content-Disposition") != `attachment; filename="cat.png"` {
		t.Errorf("got %d %q %v", rec.Code, rec.Body, rec.Header())
	}
	h.refused(h.call(http.MethodGet, strings.TrimSuffix(url, "0")+"1", nil, "Authorization", "Bearer "+operatorKey), 404, relay.CodeNotFound)
}
