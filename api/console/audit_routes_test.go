package console

import (
	"slices"
	"strings"
	"testing"
)

// notedByThemselves are forms whose pages know more than their route.
var notedByThemselves = []string{
	"POST /w/{ws}/keys", "POST /w/{ws}/quota/grants", "POST /w/{ws}/quota/plan", "POST /w/{ws}/team/invites", "POST /w/{ws}/settings/delete",
	"POST /w/{ws}/webhook/enabled", "POST /w/{ws}/webhook/mapping", "POST /operator/workspaces",
}

func TestEveryFormIsInTheAuditLogOrNamedAsOneThatChangesNothing(t *testing.T) {
	routes := map[string]bool{}
	for _, rt := range new(Console).allRoutes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		if method == "GET" || !strings.HasPrefix(path, "/w/{ws}") && !strings.HasPrefix(path, "/operator") {
			continue
		}
		routes[rt.pattern] = true
		if noted[rt.pattern] == "" && !slices.ContainsFunc(unnoted, func(end string) bool { return strings.HasSuffix(path, end) }) && !slices.Contains(notedByThemselves, rt.pattern) {
			t.Errorf("%s is in no list", rt.pattern)
		}
	}
	for pattern := range noted {
		if !routes[pattern] {
			t.Errorf("%s is no route", pattern)
		}
	}
	for _, pattern := range notedByThemselves {
		if !routes[pattern] {
			t.Errorf("%s is no route", pattern)
		}
	}
}
