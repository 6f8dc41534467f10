package console

import (
	"net/url"
	"strconv"
	"time"

	"relevo/relay"
)

// values are names and values of a query; empty ones are left out.
func values(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v.Encode()
}

// grace is how long something old lives on, as whole hours of a form: 0 to 24.
func (p *call) grace() (time.Duration, error) {
	v := p.field("grace")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 24 {
		return 0, relay.RefuseField(relay.CodeInvalidField, "grace", p.T("form.grace_hours"), "")
	}
	return time.Duration(n) * time.Hour, nil
}

// flashN is what a form came to, of a number of things.
func (p *call) flashN(key string, n int) {
	p.c.sessions.Put(p.ctx, sessionFlash, p.N(key, n))
}
