package sender

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"relevo/relay"
)

func TestTheTableIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, tool := range Tools() {
		switch {
		case !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(tool.ID), tool.Name == "", len(tool.Agents)+len(tool.Headers) == 0:
			t.Errorf("%+v lacks an id, a name or a way to be recognised", tool)
		case seen[tool.ID]:
			t.Errorf("%s is there twice", tool.ID)
		case tool.Preset != nil && tool.Preset.Note == "":
			t.Errorf("%s: the preset does not say what it is for", tool.ID)
		}
		seen[tool.ID] = true
		for _, a := range tool.Agents {
			if a != strings.ToLower(a) {
				t.Errorf("%s: %q is compared in small letters", tool.ID, a)
			}
		}
		for reason, fix := range tool.Fixes {
			if !strings.HasSuffix(fix, ".") || len(fix) < 30 {
				t.Errorf("%s: the fix for %s is no sentence: %q", tool.ID, reason, fix)
			}
			switch reason {
			case JSON, Tag, Phone, Default, Reason(relay.CodeNoContent), Reason(relay.CodeMissingRecipient):
			default:
				t.Errorf("%s: %s is no reason", tool.ID, reason)
			}
		}
	}
	if len(seen) < 25 {
		t.Errorf("only %d tools", len(seen))
	}
}

func TestAToolIsRecognisedByItsHeaders(t *testing.T) {
	for _, c := range []struct{ header, value, want string }{
		{"User-Agent", "Zapier", "zapier"},
		{"User-Agent", "Make/production", "make"},
		{"User-Agent", "n8n", "n8n"},
		{"User-Agent", "HubSpot Connect 2.0 (http://dev.hubspot.com/) - WorkflowsWebhooks", "hubspot"},
		{"X-Hubspot-Signature", "x", "hubspot"},
		{"User-Agent", "Zendesk Webhook", "zendesk"},
		{"x-zendesk-webhook-invocation-id", "01", "zendesk"},
		{"User-Agent", "azure-logic-apps/1.0 (workflow abc; version 1) microsoft-flow/1.0", "power-automate"},
		{"User-Agent", "Shopify-Captain-Hook", "shopify"},
		{"User-Agent", "Mozilla/5.0 (compatible; Google-Apps-Script; beanserver; +https://script.google.com; id: x)", "google-apps-script"},
		{"User-Agent", "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041", "powershell"},
		{"User-Agent", "PostmanRuntime/7.43.0", "postman"},
		{"User-Agent", "curl/8.5.0", "curl"},
		{"User-Agent", "axios/1.7.9", "axios"},
		{"User-Agent", "node", "node"},
		{"User-Agent", "got (https://github.com/sindresorhus/got)", "node-red"},
		{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", "browser"},
		{"User-Agent", "something of my own", ""},
		{"Accept", "*/*", ""},
	} {
		h := http.Header{}
		h.Set(c.header, c.value)
		if got := Recognise(h); got.ID != c.want {
			t.Errorf("%s: %s is %q, want %q", c.header, c.value, got.ID, c.want)
		}
	}
}

func TestAFixIsForWhatTheToolCanMend(t *testing.T) {
	zapier := Recognise(http.Header{"User-Agent": {"Zapier"}})
	for _, c := range []struct {
		reason Reason
		want   string
	}{
		{ReasonOf(relay.CodeInvalidJSON), "Custom Request"},
		{ReasonOf(relay.CodeInvalidEncoding), "Custom Request"},
		{ReasonOf(relay.CodeInvalidPhone), "Formatter"},
		{Tag, "insert the field again"},
		{ReasonOf(relay.CodeMissingRecipient), "Filter"},
		{ReasonOf(relay.CodeChatNotFound), "Retest"},
		{ReasonOf(relay.CodeQuotaExhausted), ""},
		{ReasonOf(relay.CodeUnavailable), ""},
	} {
		if got := zapier.Fix(c.reason); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q, want something with %q", c.reason, got, c.want)
		}
	}
	if got := (Tool{}).Fix(JSON); got != "" {
		t.Errorf("nobody's fix is %q", got)
	}
}
