package main

import (
	"strings"
	"testing"
)

const theAccounts = `{"data":[{"id":"usr_2","email":"ada@example.com","name":"Ada","operator":false,"disabled":false,"has_password":false,"linked":true,"workspaces":[{"id":"ws_1","name":"Demo","role":"owner"},{"id":"ws_2","name":"Acme","role":"viewer"}]},` +
	`{"id":"usr_1","email":"op@example.com","name":"","operator":true,"disabled":false,"has_password":true,"linked":false,"workspaces":[]}],"next_cursor":null}`

func TestTheAccountsAreShownWithTheirRoles(t *testing.T) {
	srv := newRecorded(t, map[string]string{"GET /api/v1/accounts": theAccounts})
	got := srv.run(t, "account", "list")
	want := "E-MAIL           NAME  OPERATOR  KEPT OUT  PASSWORD  LINKED  WORKSPACES\n" +
		"ada@example.com  Ada   no        no        no        yes     Demo (owner), Acme (viewer)\n" +
		"op@example.com   -     yes       no        yes       no      -\n"
	if got.code != exitOK || got.out != want {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.errout)
	}
	if got := srv.run(t, "account", "list", "--json"); got.out != theAccounts+"\n" {
		t.Errorf("got %+v", got)
	}
}

func TestALinkToANewPasswordIsMadeForAnAddress(t *testing.T) {
	const reset = "POST /api/v1/accounts/usr_2/reset"
	srv := newRecorded(t, map[string]string{
		"GET /api/v1/accounts": theAccounts,
		reset:                  `{"id":"usr_2","email":"ada@example.com","url":"http://x/new-password/2-S","valid_until":"2024-05-01T10:00:00Z"}`,
	})
	for _, name := range []string{"ada@example.com", " ADA@Example.com", "usr_2"} {
		got := srv.run(t, "account", "reset", name)
		if last := srv.asked[len(srv.asked)-1]; got.code != exitOK || last != reset {
			t.Fatalf("%q: asked %s, got %+v", name, last, got)
		}
		if got.out != "Account:      ada@example.com\nLink:         http://x/new-password/2-S\nWorks until:  2024-05-01 10:00:00Z\n" || !strings.Contains(got.errout, "whoever opens it has the account") {
			t.Errorf("%q: got %+v", name, got)
		}
	}
	asked := len(srv.asked)
	if got := srv.run(t, "account", "reset", "eve@example.com"); got.code != exitFailed || !strings.Contains(got.errout, `Nobody signs in as "eve@example.com"`) {
		t.Errorf("an unknown address: %+v", got)
	}
	if got := srv.run(t, "account", "reset", " "); got.code != exitUsage || !strings.Contains(got.errout, "by its e-mail address") {
		t.Errorf("no address: %+v", got)
	}
	if got := srv.run(t, "account", "reset"); got.code != exitUsage {
		t.Errorf("no argument: %+v", got)
	}
	if n := len(srv.asked) - asked; n != 1 {
		t.Errorf("asked %d times: %v", n, srv.asked[asked:])
	}
}

func TestAWorkspacesKeyMakesNoLinkToAPassword(t *testing.T) {
	srv := newRecorded(t, map[string]string{"GET /api/v1/accounts": `403 {"detail":"A workspace's key does not open this; it takes the operator's key.","code":"forbidden"}`})
	if got := srv.run(t, "account", "reset", "ada@example.com"); got.code != exitFailed || got.out != "" || !strings.Contains(got.errout, "it takes the operator's key") {
		t.Errorf("got %+v", got)
	}
}
