package sender

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestEverySnippetHoldsTheAddressAndACall(t *testing.T) {
	const url = "https://relay.example.com/hook/rlv_x"
	seen := map[string]bool{}
	for _, s := range Snippets(url) {
		if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(s.ID) || seen[s.ID] || s.Name == "" {
			t.Errorf("%q: no id of its own, or no name", s.ID)
		}
		seen[s.ID] = true
		if strings.Count(s.Code, url) != 1 || strings.Contains(s.Code, urlSlot) {
			t.Errorf("%s: the address is there %d times", s.ID, strings.Count(s.Code, url))
		}
		for _, want := range []string{"action", "send", "phone", "text"} {
			if !strings.Contains(s.Code, want) {
				t.Errorf("%s: no %s", s.ID, want)
			}
		}
	}
	for _, id := range []string{"curl", "zapier", "make", "n8n", "hubspot", "pipedrive", "google-sheets", "node-red", "php", "python", "javascript"} {
		if !seen[id] {
			t.Errorf("nothing for %s", id)
		}
	}
}

func TestSnippetsThatAreImportedAreJSON(t *testing.T) {
	for _, s := range Snippets("https://x") {
		if s.ID != "n8n" && s.ID != "node-red" {
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(s.Code), &v); err != nil {
			t.Errorf("%s: %v", s.ID, err)
		}
	}
}
