package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// notification is the body of a callback: up to 1,000 changes, of any number
// of accounts that the app serves.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
type notification struct {
	Object string  `json:"object"`
	Entry  []entry `json:"entry"`
}

type entry struct {
	// ID is the WhatsApp Business Account's.
	ID      word     `json:"id"`
	Changes []change `json:"changes"`
}

type change struct {
	Field string          `json:"field"`
	Value json.RawMessage `json:"value"`
}

// messagesValue is the value of the field "messages".
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
type messagesValue struct {
	Metadata struct {
		PhoneNumberID word `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts []contact         `json:"contacts"`
	Messages []json.RawMessage `json:"messages"`
	Statuses []json.RawMessage `json:"statuses"`
	Errors   []fault           `json:"errors"`
}

// word is a text that Meta writes now as a string, now as a number.
type word = whatsapp.Word

// Receive verifies and reads one callback. A change of another number is left
// out where others are this channel's; a call of nothing else is forged.
func (d *Driver) Receive(ch relay.Channel, c relay.Callback) (relay.Received, error) {
	s, err := readSettings(ch.Settings)
	if err != nil {
		return relay.Received{}, err
	}
	if c.Method == http.MethodGet {
		return handshake(c)
	}
	if c.Method != http.MethodPost || !signed(c, s.AppSecret) {
		return relay.Received{}, relay.ErrForged
	}
	var n notification
	if err := json.Unmarshal(c.Body, &n); err != nil {
		return relay.Received{}, errors.New("a signed callback of Meta's is no JSON of the expected form")
	}
	r := reading{Driver: d, settings: s, at: c.At, channel: ch.ID}
	if n.Object == "whatsapp_business_account" {
		for _, e := range n.Entry {
			r.entry(e)
		}
	}
	if r.foreign && !r.ours {
		return relay.Received{}, relay.ErrForged
	}
	return r.got, nil
}

// handshake answers Meta's question when the address is saved there.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
func handshake(c relay.Callback) (relay.Received, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return relay.Received{}, relay.ErrForged
	}
	q := u.Query()
	same := subtle.ConstantTimeCompare([]byte(q.Get("hub.verify_token")), []byte(c.VerifyToken)) == 1
	challenge := q.Get("hub.challenge")
	if q.Get("hub.mode") != "subscribe" || c.VerifyToken == "" || !same || challenge == "" || len(challenge) > 1024 {
		return relay.Received{}, relay.ErrForged
	}
	return relay.Received{Type: "text/plain; charset=utf-8", Reply: []byte(challenge)}, nil
}

// signed reports whether the body was signed with the app's secret, as it came
// over the wire.
func signed(c relay.Callback, secret string) bool {
	given, ok := strings.CutPrefix(c.Header.Get("X-Hub-Signature-256"), "sha256=")
	if !ok || secret == "" {
		return false
	}
	mark, err := hex.DecodeString(given)
	if err != nil {
		return false
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(c.Body)
	return hmac.Equal(mark, h.Sum(nil))
}

// reading is what was read of one callback so far.
type reading struct {
	*Driver
	settings
	at            time.Time
	channel       string
	got           relay.Received
	ours, foreign bool
}

func (r *reading) entry(e entry) {
	if r.WABAID != "" && string(e.ID) != r.WABAID {
		r.foreign = true
		return
	}
	if len(e.Changes) == 0 {
		r.ours = true
	}
	for _, c := range e.Changes {
		r.change(c)
	}
}

// change reads one change. Without an account ID in the settings, what is told
// of a whole account could be another's and is left out.
func (r *reading) change(c change) {
	if c.Field == "messages" {
		var v messagesValue
		if json.Unmarshal(c.Value, &v) != nil || string(v.Metadata.PhoneNumberID) != r.PhoneNumberID {
			r.foreign = true
			return
		}
		r.ours = true
		r.messages(v)
		return
	}
	r.ours = true
	if r.WABAID == "" {
		return
	}
	switch c.Field {
	case "message_template_status_update":
		r.templateStatus(c.Value)
	case "template_category_update":
		r.templateCategory(c.Value)
	case "account_update":
		r.account(c.Value)
	}
}

func (r *reading) messages(v messagesValue) {
	for _, raw := range v.Statuses {
		r.status(raw)
	}
	for _, raw := range v.Messages {
		r.inbound(raw, v.Contacts)
	}
	for _, f := range v.Errors {
		r.channelFault(f, r.at)
	}
}

// leftOut notes what could not be read; its content goes nowhere.
func (r *reading) leftOut(what string) {
	r.log.Warn("meta: left a part of a callback out", "channel", r.channel, "part", what)
}

// staleFault is how old a fault of the channel may be to hold it: Meta repeats
// callbacks for 7 days, and by then somebody may have mended it.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
const staleFault = 10 * time.Minute

// channelFault holds the channel where nothing goes out any more.
func (r *reading) channelFault(f fault, at time.Time) {
	row, ok := rowOf(f)
	if ok && row.verdict == relay.ChannelFault && r.at.Sub(at) < staleFault && f.Code != 0 {
		r.got.Fault = row.reason
	}
}

// account reads what Meta decides about the whole account. Only a ban, a
// deletion and a restriction of every kind of message end all sending.
func (r *reading) account(raw json.RawMessage) {
	var v struct {
		Event string `json:"event"`
		Ban   struct {
			State string `json:"waba_ban_state"`
		} `json:"ban_info"`
		Restrictions []struct {
			Type string `json:"restriction_type"`
		} `json:"restriction_info"`
	}
	if json.Unmarshal(raw, &v) != nil {
		r.leftOut("account_update")
		return
	}
	kinds := map[string]bool{}
	for _, x := range v.Restrictions {
		kinds[x.Type] = true
	}
	switch {
	case v.Event == "ACCOUNT_DELETED":
		r.got.Fault = "The WhatsApp account was deleted at Meta. Connect another one."
	case v.Event == "DISABLED_UPDATE" && v.Ban.State == "DISABLE":
		r.got.Fault = "Meta has disabled the WhatsApp account. See WhatsApp Manager > Account overview, and ask for a review there."
	case v.Event == "ACCOUNT_RESTRICTION" && kinds["RESTRICTED_BIZ_INITIATED_MESSAGING"] && kinds["RESTRICTED_CUSTOMER_INITIATED_MESSAGING"]:
		r.got.Fault = "Meta lets the WhatsApp account send nothing for a while. See WhatsApp Manager > Account overview for how long."
	}
}

// moment is a time of Meta's: seconds, as a text. Some senders write
// milliseconds; what cannot be a time becomes the time of the call.
func moment(w word, call time.Time) time.Time {
	n, err := strconv.ParseInt(string(w), 10, 64)
	if err != nil || n <= 0 {
		return call
	}
	at := time.Unix(n, 0)
	if n > 100_000_000_000 { // the year 5138 in seconds, 1973 in milliseconds
		at = time.UnixMilli(n)
	}
	if at.Before(earliest) || at.After(call.Add(24*time.Hour)) {
		return call
	}
	return at.UTC()
}

// earliest is before anything that WhatsApp ever carried.
var earliest = time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC)
