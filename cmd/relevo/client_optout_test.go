package main

import (
	"strings"
	"testing"
)

func TestTheOptOutCommandsAskTheAPIForTheRightThing(t *testing.T) {
	const ws = "/api/v1/workspaces/ws_1"
	for _, c := range []struct{ args, asks, answer, shows string }{
		{"opt-out list --prefix +52", "GET " + ws + `/opt-outs?prefix=%2B52`, `{"data":[{"recipient":"+525512345678","at":"2024-05-01T10:00:00Z","by":"recipient","reason":"BAJA","channel_id":"ch_1","chat_id":"10001"}],"next_cursor":null}`, "BAJA"},
		{"opt-out add +14151231234 --reason called", "PUT " + ws + `/opt-outs/+14151231234 {"reason":"called"}`, `{"recipient":"+14151231234","at":"2024-05-01T10:00:00Z","by":"operator","reason":"called","channel_id":null,"chat_id":null}`, "called"},
		{"opt-out remove +14151231234", "DELETE " + ws + `/opt-outs/+14151231234`, `204 `, "They get messages again."},
		{"messages list --chat 10001", "GET " + ws + `/messages?chat=10001`, `{"data":[],"next_cursor":null}`, ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			method, rest, _ := strings.Cut(c.asks, " ")
			path, _, _ := strings.Cut(rest, " ")
			srv := newRecorded(t, map[string]string{"GET /api/v1/workspaces?limit=200": oneWorkspace, method + " " + path: c.answer})
			got := srv.run(t, strings.Fields(c.args)...)
			if got.code != exitOK {
				t.Fatalf("exit %d: %s", got.code, got.errout)
			}
			if last := srv.asked[len(srv.asked)-1]; last != c.asks {
				t.Errorf("asked %s\nwant  %s", last, c.asks)
			}
			if !strings.Contains(got.out, c.shows) {
				t.Errorf("shows\n%s\nwant it to contain\n%s", got.out, c.shows)
			}
		})
	}
}
