package infobip

import "relevo/relay"

// What the drivers offer beside sending.
var _ = []interface {
	relay.Driver
	relay.Captioner
	relay.Connector
	relay.Limiter
	relay.Linked
	relay.Receiver
	relay.Resolver
	relay.MediaSource
	relay.Checker
}{(*Driver)(nil), (*Viber)(nil)}

var _ = []interface {
	relay.Windowed
	relay.Rated
	relay.Templater
}{(*Driver)(nil)}
