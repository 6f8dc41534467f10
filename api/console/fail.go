package console

import (
	"errors"
	"net/http"
	"net/url"

	"relevo/relay"
)

// refusal is the sentence for an error in the caller's language; ok is false
// where it is a fault of ours.
func (p *call) refusal(err error) (problem *Problem, ok bool) {
	var e *relay.Error
	if errors.As(err, &e) && e.Code != relay.CodeInternal {
		return p.problemOf(e), true
	}
	if errors.Is(err, relay.ErrNotFound) {
		return &Problem{Message: p.T("error.not_found")}, true
	}
	return nil, false
}

// problemOf says a refusal in the caller's language. What it was about in
// detail is said in English only.
func (p *call) problemOf(e *relay.Error) *Problem {
	problem := &Problem{Message: p.T("error." + string(e.Code)), Fields: map[string]string{}}
	if p.English() {
		problem.Message = e.Message
	} else {
		problem.Detail = e.Message
	}
	for _, f := range e.Fields {
		problem.Fields[f.Field] = f.Message
		if f.Hint != "" {
			problem.Fields[f.Field] += " " + f.Hint
		}
	}
	return problem
}

// again shows a form once more with what was wrong with it; a fault of ours is
// returned.
func (p *call) again(err error, name string, data any) error {
	problem, ok := p.refusal(err)
	if !ok {
		return err
	}
	p.Problem = problem
	return p.showAs(http.StatusUnprocessableEntity, name, data)
}

// fail answers an error with a page of its own.
func (p *call) fail(err error) {
	if errors.Is(err, errSignIn) {
		to := "/sign-in"
		if p.r.Method == http.MethodGet && p.r.URL.Path != "/" {
			to += "?to=" + url.QueryEscape(p.r.URL.RequestURI())
		}
		_ = p.goTo(to)
		return
	}
	status := http.StatusInternalServerError
	problem, ok := p.refusal(err)
	if ok {
		status = http.StatusNotFound
		if e := new(relay.Error); errors.As(err, &e) {
			status = p.c.Status(e.Code)
		}
	} else {
		problem = &Problem{Message: p.T("error.internal")}
		if p.ctx.Err() == nil {
			p.c.Log.Error("page", "route", p.r.Pattern, "request_id", p.RequestID(), "error", err)
		}
	}
	p.Problem = problem
	if err := p.showAs(status, "error", status); err != nil {
		p.c.Log.Error("page of an error", "route", p.r.Pattern, "request_id", p.RequestID(), "error", err)
		http.Error(p.w, http.StatusText(status), status)
	}
}
