package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnOwnerConnectsAToolThatCannotShapeItsCall goes the way of the README:
// listen, look, map, try, send.
func TestAnOwnerConnectsAToolThatCannotShapeItsCall(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	dir := t.TempDir()
	order := filepath.Join(dir, "order.json")
	const body = `{"id":17,"customer":{"first_name":"Ann","phone":"(0151) 123 456 78"},"items":[{"title":"Tea"}]}`
	if err := os.WriteFile(order, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(want string, args ...string) {
		t.Helper()
		out, err := relevo(t, append(args, "--url", p.url, "--data", p.dir)...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("relevo %s: %v\n%s\nwant something with %q", strings.Join(args, " "), err, out, want)
		}
	}
	fails := func(want string, args ...string) {
		t.Helper()
		out, err := relevo(t, append(args, "--url", p.url, "--data", p.dir)...)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("relevo %s: %v\n%s\nwant a failure with %q", strings.Join(args, " "), err, out, want)
		}
	}
	fails("Nothing was captured", "webhook", "captured")
	run("The next call until", "webhook", "listen", "--for", "10m")
	fails("Nothing has come yet", "webhook", "captured")
	status, answer, err := post(p.hook, body, "User-Agent", "Shopify-Captain-Hook")
	if err != nil || status != http.StatusOK || messageID(answer) == "" {
		t.Fatalf("the captured call: %d %v %v", status, answer, err)
	}
	run("customer.first_name", "webhook", "captured")
	run("Shopify", "webhook", "presets")
	run("shipping_address.phone", "webhook", "mapping", "--preset", "shopify")
	run("customer.phone", "webhook", "mapping", "--set", "phone=customer.phone", "--set", "text=Hello {customer.first_name|there}, your {items.0.title}!")
	fails("the workspace's country", "webhook", "try", order)
	run("DE", "workspace", "country", "de")
	run("It would be accepted: 1 message(s) to +4915112345678", "webhook", "try", order, "--header", "Idempotency-Key: 17")
	run("Test mode:", "webhook", "test", "on")
	status, answer, err = post(p.hook, body)
	if err != nil || status != http.StatusOK || len(p.messages(t, p.workspace(t))) != 0 {
		t.Errorf("in test mode: %d %v %v", status, answer, err)
	}
	run("Test mode", "webhook", "test", "off")
	status, answer, err = post(p.hook, body)
	if err != nil || status != http.StatusOK {
		t.Fatalf("the mapped call: %d %v %v", status, answer, err)
	}
	m := p.api(t, http.MethodGet, "/workspaces/"+p.workspace(t)+"/messages/"+messageID(answer), nil)
	if m["text"] != "Hello Ann, your Tea!" || m["to"] != "+4915112345678" {
		t.Errorf("sent %v", m)
	}
	run("There is no mapping", "webhook", "mapping", "--remove")
	fails("This is no call", "webhook", "try", order)
	run("Strict", "webhook", "strict", "on")
	run("Merge tags", "webhook", "merge-tags", "on")
	fails("There is no preset", "webhook", "mapping", "--preset", "nobody")
	fails("give a file", "webhook", "try")
}
