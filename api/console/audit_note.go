package console

import (
	"strings"

	"relevo/api/console/account"
	"relevo/relay"
)

// noted is what the audit log calls a form that succeeded, by its route. Pages
// that know more call note themselves; routes of a workspace that are in
// neither list are noted as "other", with their address.
var noted = map[string]string{
	"POST /w/{ws}/templates/new":              "template_submitted",
	"POST /w/{ws}/endpoints":                  "endpoint_created",
	"POST /w/{ws}/endpoints/{ep}":             "endpoint_changed",
	"POST /w/{ws}/endpoints/{ep}/switch":      "endpoint_changed",
	"POST /w/{ws}/endpoints/{ep}/secret":      "secret_revealed",
	"POST /w/{ws}/endpoints/{ep}/rotate":      "secret_rotated",
	"POST /w/{ws}/endpoints/{ep}/delete":      "endpoint_deleted",
	"POST /w/{ws}/endpoints/{ep}/replay":      "events_replayed",
	"POST /w/{ws}/chats/new":                  "message_sent",
	"POST /w/{ws}/chats/{chat}":               "message_sent",
	"POST /w/{ws}/contacts/opt-outs":          "opted_out",
	"POST /w/{ws}/contacts/{who}/opt-out":     "opted_out",
	"POST /w/{ws}/contacts/{who}/opt-in":      "opted_in",
	"POST /w/{ws}/settings":                   "workspace_changed",
	"POST /w/{ws}/settings/person":            "person_exported",
	"POST /w/{ws}/settings/erase":             "person_erased",
	"POST /w/{ws}/quota/plan/remove":          "plan_removed",
	"POST /w/{ws}/keys/{id}/revoke":           "key_revoked",
	"POST /w/{ws}/team/members/{id}/role":     "member_role",
	"POST /w/{ws}/team/members/{id}/remove":   "member_removed",
	"POST /w/{ws}/team/members/{id}/sign-out": "member_signed_out",
	"POST /w/{ws}/team/invites/{id}":          "invite_revoked",
	"POST /w/{ws}/webhook/rotate":             "webhook_rotated",
	"POST /w/{ws}/webhook/reveal":             "webhook_revealed",
	"POST /w/{ws}/webhook/settings":           "webhook_changed",
	"POST /w/{ws}/webhook/listen":             "webhook_listened",
	"POST /w/{ws}/webhook/send":               "message_sent",
	"POST /w/{ws}/attempts/{id}/send":         "message_sent",
	"POST /w/{ws}/messages/{id}/cancel":       "message_canceled",
	"POST /w/{ws}/messages/{id}/again":        "message_resent",
	"POST /w/{ws}/messages/{id}/confirm":      "message_confirmed",
	"POST /w/{ws}/messages/cancel":            "message_canceled",
	"POST /w/{ws}/messages/again":             "message_resent",
	"POST /w/{ws}/queue/{ch}/pause":           "channel_paused",
	"POST /w/{ws}/queue/{ch}/resume":          "channel_resumed",
	"POST /w/{ws}/queue/{ch}/cancel":          "message_canceled",
	"POST /operator/users/{id}/operator":      "operator_changed",
	"POST /operator/users/{id}/disable":       "user_disabled",
	"POST /operator/users/{id}/enable":        "user_enabled",
	"POST /operator/users/{id}/delete":        "user_deleted",
	"POST /operator/users/{id}/new-password":  "password_link_made",
	"POST /operator/backup":                   "backup_downloaded",
}

// unnoted routes change nothing that anybody would ask about.
var unnoted = []string{"/channels/{ch}/{what}", "/try", "/test", "/preview", "/check", "/sync", "/validate", "/search", "/selected"}

// noteJoined writes into a workspace's audit log that somebody is in its team.
func (p *call) noteJoined(u account.User, in account.Invite) {
	p.User, p.WS.ID = u, in.Workspace
	p.note("member_joined", in.Role)
}

// belowAChannel is what the audit log calls the forms of a channel, which have
// one route.
var belowAChannel = map[string]string{
	"pause": "channel_paused", "resume": "channel_resumed", "delete": "channel_deleted", "edit": "channel_changed", "credentials": "channel_changed",
}

// actionOf is what a form did, by its route; empty for nothing to note.
func (p *call) actionOf(pattern string) string {
	if pattern != "POST /w/{ws}/channels/{ch}/{what}" {
		return noted[pattern]
	}
	if p.r.PathValue("ch") == "new" {
		return "channel_created"
	}
	return belowAChannel[p.r.PathValue("what")]
}

// noteRoute writes what a form did into the audit log, where its page has not.
func (p *call) noteRoute(pattern string) {
	if p.noted || p.User.ID == "" {
		return
	}
	action := p.actionOf(pattern)
	method, path, _ := strings.Cut(pattern, " ")
	if action == "" {
		if method == "GET" || !strings.HasPrefix(path, "/w/{ws}/") {
			return
		}
		for _, end := range unnoted {
			if strings.HasSuffix(path, end) {
				return
			}
		}
		p.note("other", strings.TrimPrefix(path, "/w/{ws}/"))
		return
	}
	p.note(action, p.subject())
}

// subject is what the page says that it was about or, of the path, the last id.
func (p *call) subject() string {
	if p.about != "" {
		return p.about
	}
	if p.r.PathValue("ch") == "new" {
		return p.r.PathValue("what") // the kind
	}
	for _, name := range []string{"id", "chat", "who", "ep", "ch"} {
		if v := p.r.PathValue(name); v != "" {
			return v
		}
	}
	return ""
}

// note writes into the audit log that the user did something: with neither
// secrets nor texts. It has been done; where that cannot be written, the
// server's log says so.
func (p *call) note(action, subject string) {
	p.noted = true
	n := relay.Note{Workspace: p.WS.ID, Action: action, Subject: subject, By: relay.Actor{Kind: "user", ID: p.User.ID, Name: p.User.Email, Via: "console"}}
	if action == "workspace_deleted" { // its own log goes with it
		n.Workspace = ""
	}
	if err := p.c.Relay.Note(p.ctx, n); err != nil {
		p.c.Log.Error("an action is not in the audit log", "action", action, "workspace", n.Workspace, "request_id", p.RequestID(), "error", err)
	}
}
