package console

import (
	"slices"
	"strings"

	"relevo/relay"
)

// endpointRoutes are the pages of outbound webhooks: where events go, whether
// they arrive, and their log.
func (c *Console) endpointRoutes() []route {
	const one = "/w/{ws}/endpoints/{ep}"
	return []route{
		{pattern: "GET /w/{ws}/endpoints", access: viewers, page: listEndpoints},
		{pattern: "GET /w/{ws}/endpoints/new", access: owners, page: newEndpoint},
		{pattern: "POST /w/{ws}/endpoints", access: owners, page: createEndpoint},
		{pattern: "GET " + one, access: viewers, page: showEndpoint},
		{pattern: "POST " + one, access: owners, page: changeEndpoint},
		{pattern: "POST " + one + "/switch", access: owners, page: switchEndpoint},
		{pattern: "POST " + one + "/secret", access: owners, page: revealSecret},
		{pattern: "POST " + one + "/rotate", access: owners, page: rotateSecret},
		{pattern: "POST " + one + "/delete", access: owners, page: deleteEndpoint},
		{pattern: "POST " + one + "/test", access: members, page: testEndpoint},
		{pattern: "POST " + one + "/replay", access: members, page: replayEvents},
	}
}

func listEndpoints(p *call) error {
	all, err := p.c.Relay.Endpoints(p.ctx, p.WS.ID)
	if err != nil {
		return err
	}
	return p.show("endpoints", all)
}

// endpointForm is a form of an endpoint: what was filled in, or what is so.
type endpointForm struct {
	URL, Description string
	Form             relay.EventForm
	Chosen           []relay.EventType
}

// Forms are the two ways in which events are written.
func (endpointForm) Forms() []relay.EventForm {
	return []relay.EventForm{relay.FormStandard, relay.FormTimelines}
}

// Types are the names of the events of a form.
func (endpointForm) Types(f relay.EventForm) []relay.EventType { return relay.EventTypes(f) }

// Has reports whether a type is chosen.
func (f endpointForm) Has(t relay.EventType) bool { return slices.Contains(f.Chosen, t) }

func newEndpoint(p *call) error {
	p.Page = "endpoints"
	return p.show("endpoint_new", endpointForm{Form: relay.FormStandard, Chosen: []relay.EventType{
		relay.EventSent, relay.EventDelivered, relay.EventRead, relay.EventFailed, relay.EventReceived,
	}})
}

// endpointFilled reads a form of an endpoint whose events have that form. Types
// of the other one do not count.
func (p *call) endpointFilled(form relay.EventForm) endpointForm {
	f := endpointForm{URL: p.field("url"), Description: p.field("description"), Form: form}
	for _, t := range p.r.PostForm["types"] {
		if slices.Contains(relay.EventTypes(f.Form), relay.EventType(t)) {
			f.Chosen = append(f.Chosen, relay.EventType(t))
		}
	}
	return f
}

// noTypes refuses an endpoint that hears of nothing.
func (p *call) noTypes() error {
	return relay.RefuseField(relay.CodeInvalidField, "types", p.T("endpoint.no_types"), "")
}

func createEndpoint(p *call) error {
	p.Page = "endpoints"
	f := p.endpointFilled(relay.EventForm(p.field("form")))
	if len(f.Chosen) == 0 {
		return p.again(p.noTypes(), "endpoint_new", f)
	}
	e, secret, err := p.c.Relay.CreateEndpoint(p.ctx, p.WS.ID, relay.NewEndpoint{URL: f.URL, Description: f.Description, Types: f.Chosen, Form: f.Form})
	if err != nil {
		return p.again(err, "endpoint_new", f)
	}
	p.Flash = p.T("endpoint.made")
	return p.showEndpoint(e, endpointPage{Secret: secret})
}

// endpointPage is everything about one endpoint.
type endpointPage struct {
	relay.Endpoint
	Filled endpointForm
	// Secret is set where it was asked for.
	Secret string
	// Tested is what came of a sample; nil where none was sent.
	Tested *relay.Tested
	State  string
	Events []relay.Event
	// Next leads to older events; empty where there are none.
	Next string
}

// Trouble is what the owner of an endpoint should know: a sentence, and what
// the receiver did in English. Empty where all is well.
func (p *call) Trouble(e relay.Endpoint) (t trouble) {
	switch {
	case e.Disabled && e.Reason != "":
		return trouble{p.T("endpoint.trouble_off"), e.Reason}
	case !e.FailingSince.IsZero():
		return trouble{p.T("endpoint.trouble_failing", "Since", p.Minute(e.FailingSince), "Next", p.Minute(e.NextTry)), e.Problem}
	}
	return trouble{}
}

// trouble is a sentence and its reason.
type trouble struct{ Text, Detail string }

func (p *call) endpoint() (relay.Endpoint, error) {
	return p.c.Relay.Endpoint(p.ctx, p.WS.ID, p.r.PathValue("ep"))
}

func showEndpoint(p *call) error {
	e, err := p.endpoint()
	if err != nil {
		return err
	}
	return p.showEndpoint(e, endpointPage{})
}

// eventsShown is how many events a page of the log has.
const eventsShown = 25

// showEndpoint fills in what every page of an endpoint has.
func (p *call) showEndpoint(e relay.Endpoint, page endpointPage) error {
	p.Page = "endpoints"
	page.Endpoint = e
	if page.Filled.URL == "" {
		page.Filled = endpointForm{URL: e.URL, Description: e.Description, Form: e.Form, Chosen: e.Types}
	}
	if page.State = p.query("state"); !slices.Contains([]string{"pending", "delivered", "failed"}, page.State) {
		page.State = ""
	}
	var next string
	var err error
	f := relay.EventFilter{Workspace: p.WS.ID, Endpoint: e.ID, State: relay.EventState(page.State)}
	if page.Events, next, err = p.c.Relay.EndpointEvents(p.ctx, f, relay.Page{Cursor: p.query("cursor"), Limit: eventsShown}); err != nil {
		return err
	}
	if next != "" {
		page.Next = p.At("endpoints", e.ID) + "?" + values("state", page.State, "cursor", next)
	}
	if p.Problem != nil {
		return p.showAs(422, "endpoint", page)
	}
	return p.show("endpoint", page)
}

func changeEndpoint(p *call) error {
	e, err := p.endpoint()
	if err != nil {
		return err
	}
	f := p.endpointFilled(e.Form)
	if len(f.Chosen) == 0 {
		err = p.noTypes()
	} else {
		_, err = p.c.Relay.UpdateEndpoint(p.ctx, p.WS.ID, e.ID, relay.EndpointPatch{URL: &f.URL, Description: &f.Description, Types: &f.Chosen})
	}
	if err != nil {
		problem, ok := p.refusal(err)
		if !ok {
			return err
		}
		p.Problem = problem
		return p.showEndpoint(e, endpointPage{Filled: f})
	}
	return p.done(p.At("endpoints", e.ID), "form.saved")
}

func switchEndpoint(p *call) error {
	on := p.field("enabled") == "true"
	e, err := p.c.Relay.UpdateEndpoint(p.ctx, p.WS.ID, p.r.PathValue("ep"), relay.EndpointPatch{Enabled: &on})
	if err != nil {
		return err
	}
	flash := "endpoint.switched_off"
	if on {
		flash = "endpoint.switched_on"
	}
	return p.done(p.At("endpoints", e.ID), flash)
}

func revealSecret(p *call) error {
	e, secret, err := p.c.Relay.EndpointSecret(p.ctx, p.WS.ID, p.r.PathValue("ep"))
	if err != nil {
		return err
	}
	return p.showEndpoint(e, endpointPage{Secret: secret})
}

func rotateSecret(p *call) error {
	grace, err := p.grace()
	if err != nil {
		return err
	}
	e, secret, err := p.c.Relay.RotateEndpoint(p.ctx, p.WS.ID, p.r.PathValue("ep"), grace)
	if err != nil {
		return err
	}
	p.Flash = p.T("endpoint.rotated")
	return p.showEndpoint(e, endpointPage{Secret: secret})
}

func deleteEndpoint(p *call) error {
	if err := p.c.Relay.DeleteEndpoint(p.ctx, p.WS.ID, p.r.PathValue("ep")); err != nil {
		return err
	}
	return p.done(p.At("endpoints"), "endpoint.deleted")
}

func testEndpoint(p *call) error {
	tested, err := p.c.Relay.TestEndpoint(p.ctx, p.WS.ID, p.r.PathValue("ep"), relay.EventType(p.field("type")))
	if err != nil {
		return err
	}
	e, err := p.endpoint()
	if err != nil {
		return err
	}
	return p.showEndpoint(e, endpointPage{Tested: &tested})
}

// replayEvents sends those that were ticked again, or all that failed.
func replayEvents(p *call) error {
	_ = p.field("all") // reads the form
	of := relay.ReplayOf{IDs: p.r.PostForm["events"], OnlyFailed: true}
	if p.field("all") == "" && len(of.IDs) == 0 {
		p.noted = true // nothing was done
		return p.notDone(p.At("endpoints", p.r.PathValue("ep")), "endpoint.none_ticked")
	}
	if p.field("all") != "" {
		of.IDs = nil
	}
	n, _, err := p.c.Relay.Replay(p.ctx, p.WS.ID, p.r.PathValue("ep"), of)
	if err != nil {
		return err
	}
	p.flashN("endpoint.replayed", n)
	return p.goTo(p.At("endpoints", p.r.PathValue("ep")))
}

// EventWord says in words what an endpoint is told of.
func (p *call) EventWord(t relay.EventType) string {
	return p.T("event." + strings.NewReplacer(".", "_", ":", "_").Replace(string(t)))
}

// EventPill is the state of an event as a pill shows it.
func (p *call) EventPill(e relay.Event) map[string]any {
	state := e.State()
	kind := map[relay.EventState]string{relay.EventPending: "wait", relay.EventWasDelivered: "good", relay.EventWasGivenUp: "bad"}[state]
	return map[string]any{"kind": kind, "text": p.T("endpoint.state_" + string(state))}
}

// EndpointPill is the state of an endpoint as a pill shows it.
func (p *call) EndpointPill(e relay.Endpoint) map[string]any {
	switch {
	case e.Disabled:
		return map[string]any{"kind": "off", "text": p.T("endpoint.off")}
	case !e.FailingSince.IsZero():
		return map[string]any{"kind": "bad", "text": p.T("endpoint.failing")}
	}
	return map[string]any{"kind": "good", "text": p.T("endpoint.on")}
}
