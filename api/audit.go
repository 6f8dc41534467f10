package api

import (
	"strings"

	"relevo/relay"
)

// audited is what the audit log calls a call of the API, by its route. What is
// not here is not in the log: a check, a list that is read again, a look.
var audited = map[string]string{
	"PUT /workspaces/:ws/opt-outs/:phone":         "opted_out",
	"DELETE /workspaces/:ws/opt-outs/:phone":      "opted_in",
	"POST /workspaces/:ws/people/:phone/erase":    "person_erased",
	"POST /workspaces/:ws/endpoints":              "endpoint_created",
	"PATCH /workspaces/:ws/endpoints/:ep":         "endpoint_changed",
	"DELETE /workspaces/:ws/endpoints/:ep":        "endpoint_deleted",
	"POST /workspaces/:ws/endpoints/:ep/rotate":   "secret_rotated",
	"POST /workspaces/:ws/endpoints/:ep/replay":   "events_replayed",
	"POST /workspaces":                            "workspace_created",
	"PATCH /workspaces/:ws":                       "workspace_changed",
	"DELETE /workspaces/:ws":                      "workspace_deleted",
	"PATCH /workspaces/:ws/webhook":               "webhook_changed",
	"POST /workspaces/:ws/webhook/rotate":         "webhook_rotated",
	"POST /workspaces/:ws/webhook/listen":         "webhook_listened",
	"POST /workspaces/:ws/quota/grants":           "quota_granted",
	"PUT /workspaces/:ws/quota/plan":              "plan_set",
	"DELETE /workspaces/:ws/quota/plan":           "plan_removed",
	"POST /workspaces/:ws/channels":               "channel_created",
	"PATCH /workspaces/:ws/channels/:ch":          "channel_changed",
	"DELETE /workspaces/:ws/channels/:ch":         "channel_deleted",
	"POST /workspaces/:ws/channels/:ch/pause":     "channel_paused",
	"POST /workspaces/:ws/channels/:ch/resume":    "channel_resumed",
	"POST /workspaces/:ws/channels/:ch/templates": "template_submitted",
	"POST /workspaces/:ws/messages/:id/cancel":    "message_canceled",
	"POST /workspaces/:ws/messages/:id/resend":    "message_resent",
	"POST /workspaces/:ws/messages/:id/confirm":   "message_confirmed",
	"POST /workspaces/:ws/keys":                   "key_created",
	"DELETE /workspaces/:ws/keys/:id":             "key_revoked",
	"POST /accounts/:id/reset":                    "password_link_made",
}

// note writes what was done into the audit log. It has been done: where that
// cannot be written, the call still succeeds, and the server's log says so.
func (r *request) note(rt route, a answer) {
	if action := audited[rt.method+" "+rt.path]; action != "" {
		r.noteAs(action, a)
	}
}

func (r *request) noteAs(action string, a answer) {
	n := relay.Note{Workspace: r.workspace(), Action: action, By: r.actor(), Subject: r.subject(a)}
	if v, ok := a.body.(workspaceView); ok && n.Workspace == "" {
		n.Workspace = v.ID
	}
	if action == "workspace_deleted" { // its own log goes with it
		n.Workspace = ""
	}
	if err := r.s.relay.Note(r.ctx, n); err != nil {
		r.s.Log.Error("an action is not in the audit log", "action", action, "workspace", n.Workspace, "request_id", requestIDOf(r.c), "error", err)
	}
}

func (r *request) actor() relay.Actor {
	by := relay.Actor{Kind: "key", ID: r.who.key, Name: r.who.name, Via: "api"}
	if r.who.operator {
		by = relay.Actor{Kind: "operator", Via: "api"}
	}
	if strings.HasPrefix(r.c.Request().Header.Get("User-Agent"), "relevo/") {
		by.Via = "cli"
	}
	return by
}

// subject is what it was done to: the thing that came back or, of the path, its
// last id.
func (r *request) subject(a answer) string {
	switch v := a.body.(type) {
	case workspaceView:
		return v.Name
	case entryView:
		return v.Ref
	case endpointView:
		return v.ID
	case keyView:
		return v.Name
	case channelView:
		return v.Name
	case resetView:
		return v.Email
	}
	if r.param("phone") != "" {
		return relay.LastDigits(r.person())
	}
	for _, name := range []string{"id", "ep", "ch", "ws"} {
		if v := r.param(name); v != "" {
			return v
		}
	}
	return ""
}
