package main

import (
	"relevo/relay"
	"relevo/relay/driver/infobip"
	"relevo/relay/driver/meta"
	"relevo/relay/driver/twilio"
	"relevo/relay/driver/vonage"
	"relevo/relay/guard"
)

// drivers are all kinds of channels that this server has. Where an address was
// typed by an owner or comes in a callback, the guarded client goes there.
func (s *server) drivers() map[string]relay.Driver {
	p := s.c.Providers
	guarded := guard.New(guard.Config{Allow: s.c.Media.Allow, Timeout: s.c.Deliver.CallTimeout})
	v := vonage.Options{Base: p.Vonage, Media: guarded, Log: s.log}
	if p.Vonage != "" { // what stands in for Vonage stands in for its templates at Meta too
		v.MetaBase = p.Vonage + "/v26.0"
	}
	ib := infobip.Options{Base: p.Infobip, HTTP: guarded, Media: guarded, Log: s.log}
	return map[string]relay.Driver{
		"sandbox": s.sandbox,
		"meta":    meta.New(meta.Options{Base: p.Meta, Media: guarded, Log: s.log}),
		"twilio":  twilio.New(twilio.Options{Base: p.Twilio, Media: guarded, Log: s.log}),
		"vonage":  vonage.New(v), infobip.Kind: infobip.New(ib), infobip.ViberKind: infobip.NewViber(ib),
	}
}
