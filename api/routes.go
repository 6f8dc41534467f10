package api

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// apiBase is in front of every address of the management API.
const apiBase = "/api/v1"

// callbackPath is a channel's address for its provider, filePath that of a
// message's file.
const (
	callbackPath = "/callback/:ch/:key"
	filePath     = "/files/:ws/:id/:exp/:mark/:name"
)

// access says whose key opens a route.
type access int

const (
	// ownWorkspace: the operator's key, or one of the workspace in the path.
	// Any key opens a route without a workspace in its path.
	ownWorkspace access = iota
	// operatorOnly: the operator's key.
	operatorOnly
)

// route is one address of the management API.
type route struct {
	method, path string
	access       access
	handle       endpoint
}

// routes lists the whole management API.
func (s *server) routes() []route {
	const ws = "/workspaces/:ws"
	const ch = ws + "/channels/:ch"
	return slices.Concat(s.messageRoutes(), []route{
		{http.MethodGet, "/workspaces", ownWorkspace, s.listWorkspaces},
		{http.MethodPost, "/workspaces", operatorOnly, s.createWorkspace},
		{http.MethodGet, ws, ownWorkspace, s.showWorkspace},
		{http.MethodPatch, ws, ownWorkspace, s.updateWorkspace},
		{http.MethodDelete, ws, operatorOnly, s.deleteWorkspace},

		{http.MethodGet, ws + "/webhook", ownWorkspace, s.showWebhook},
		{http.MethodPatch, ws + "/webhook", ownWorkspace, s.updateWebhook},
		{http.MethodPost, ws + "/webhook/rotate", ownWorkspace, s.rotateWebhook},
		{http.MethodGet, ws + "/webhook/presets", ownWorkspace, s.listPresets},
		{http.MethodGet, ws + "/webhook/listen", ownWorkspace, s.showListening},
		{http.MethodPost, ws + "/webhook/listen", ownWorkspace, s.listen},
		{http.MethodPost, ws + "/webhook/try", ownWorkspace, s.tryWebhook},
		{http.MethodGet, ws + "/attempts", ownWorkspace, s.listAttempts},

		{http.MethodGet, ws + "/quota", ownWorkspace, s.showQuota},
		{http.MethodPost, ws + "/quota/grants", operatorOnly, s.grant},
		{http.MethodGet, ws + "/quota/entries", ownWorkspace, s.listEntries},
		{http.MethodGet, ws + "/quota/plan", ownWorkspace, s.showPlan},
		{http.MethodPut, ws + "/quota/plan", operatorOnly, s.setPlan},
		{http.MethodDelete, ws + "/quota/plan", operatorOnly, s.deletePlan},

		{http.MethodGet, ws + "/channels", ownWorkspace, s.listChannels},
		{http.MethodPost, ws + "/channels", ownWorkspace, s.createChannel},
		{http.MethodGet, ch, ownWorkspace, s.showChannel},
		{http.MethodPatch, ch, ownWorkspace, s.updateChannel},
		{http.MethodDelete, ch, ownWorkspace, s.deleteChannel},
		{http.MethodPost, ch + "/check", ownWorkspace, s.checkChannel},
		{http.MethodGet, ch + "/templates", ownWorkspace, s.listTemplates},
		{http.MethodPost, ch + "/templates", ownWorkspace, s.submitTemplate},
		{http.MethodPost, ch + "/templates/sync", ownWorkspace, s.syncTemplates},
		{http.MethodPost, ch + "/pause", ownWorkspace, s.pauseChannel},
		{http.MethodPost, ch + "/resume", ownWorkspace, s.resumeChannel},
		{http.MethodGet, ch + "/sandbox/sent", ownWorkspace, s.listSent},
		{http.MethodPost, ch + "/sandbox/inbound", ownWorkspace, s.sandboxInbound},
		{http.MethodPost, ch + "/sandbox/groups", ownWorkspace, s.createGroup},

		{http.MethodGet, "/accounts", operatorOnly, s.listAccounts},
		{http.MethodPost, "/accounts/:id/reset", operatorOnly, s.resetAccount},
		{http.MethodGet, "/backup", operatorOnly, s.downloadBackup},
	})
}

// messageRoutes are those of what is sent and received, and of who is told.
func (s *server) messageRoutes() []route {
	const ws = "/workspaces/:ws"
	const ep = ws + "/endpoints/:ep"
	return []route{
		{http.MethodGet, ws + "/messages", ownWorkspace, s.listMessages},
		{http.MethodGet, ws + "/messages/:id", ownWorkspace, s.showMessage},
		{http.MethodPost, ws + "/messages/:id/cancel", ownWorkspace, s.cancelMessage},
		{http.MethodPost, ws + "/messages/:id/resend", ownWorkspace, s.resendMessage},
		{http.MethodPost, ws + "/messages/:id/confirm", ownWorkspace, s.confirmMessage},
		{http.MethodGet, ws + "/queue", ownWorkspace, s.showQueue},
		{http.MethodGet, ws + "/chats", ownWorkspace, s.listChats},
		{http.MethodPost, ws + "/chats", ownWorkspace, s.createChat},
		{http.MethodGet, ws + "/chats/:chat", ownWorkspace, s.showChat},
		{http.MethodGet, ws + "/inbound", ownWorkspace, s.listInbound},
		{http.MethodGet, ws + "/inbound/:id/files/:n", ownWorkspace, s.inboundFile},
		{http.MethodGet, ws + "/opt-outs", ownWorkspace, s.listOptOuts},
		{http.MethodGet, ws + "/opt-outs/:phone", ownWorkspace, s.showOptOut},
		{http.MethodPut, ws + "/opt-outs/:phone", ownWorkspace, s.putOptOut},
		{http.MethodDelete, ws + "/opt-outs/:phone", ownWorkspace, s.deleteOptOut},
		{http.MethodGet, ws + "/people/:phone/export", ownWorkspace, s.exportPerson},
		{http.MethodPost, ws + "/people/:phone/erase", ownWorkspace, s.erasePerson},
		{http.MethodGet, ws + "/counters", ownWorkspace, s.showCounters},

		{http.MethodGet, ws + "/endpoints", ownWorkspace, s.listEndpoints},
		{http.MethodPost, ws + "/endpoints", ownWorkspace, s.createEndpoint},
		{http.MethodGet, ep, ownWorkspace, s.showEndpoint},
		{http.MethodPatch, ep, ownWorkspace, s.updateEndpoint},
		{http.MethodDelete, ep, ownWorkspace, s.deleteEndpoint},
		{http.MethodGet, ep + "/secret", ownWorkspace, s.showSecret},
		{http.MethodPost, ep + "/rotate", ownWorkspace, s.rotateSecret},
		{http.MethodPost, ep + "/test", ownWorkspace, s.testEndpoint},
		{http.MethodGet, ep + "/events", ownWorkspace, s.listEvents},
		{http.MethodPost, ep + "/replay", ownWorkspace, s.replayEvents},
		{http.MethodGet, ws + "/events/sample", ownWorkspace, s.sampleEvents},

		{http.MethodGet, ws + "/keys", ownWorkspace, s.listKeys},
		{http.MethodPost, ws + "/keys", ownWorkspace, s.createKey},
		{http.MethodDelete, ws + "/keys/:id", ownWorkspace, s.deleteKey},
	}
}

// register gives every address to Echo: the API and what is public. What
// answers GET answers HEAD too.
func (s *server) register(e *echo.Echo) {
	for _, r := range s.routes() {
		e.Add(r.method, apiBase+r.path, s.guarded(r))
		if r.method == http.MethodGet {
			e.Add(http.MethodHead, apiBase+r.path, s.guarded(r))
		}
	}
	for _, path := range []string{hookPath, "/hook", "/hook/*"} {
		e.Any(path, s.serveHook)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} { // Meta greets by GET
		for _, path := range []string{"", "/", "/:part"} { // people paste a slash too many
			e.Add(method, callbackPath+path, s.serveCallback)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Add(method, filePath, s.serveFile)
		e.Add(method, "/healthz", s.healthy)
		e.Add(method, "/readyz", s.ready)
	}
	s.registerConsole(e)
	for _, f := range s.fixedPaths() {
		serve := s.serveFixed(f)
		e.Add(http.MethodGet, f.path, serve)
		e.Add(http.MethodHead, f.path, serve)
	}
}
