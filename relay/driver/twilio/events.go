package twilio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"relevo/relay"
)

// event is one of Event Streams.
// https://www.twilio.com/docs/events/event-types/messaging/template-approval
type event struct {
	Type string `json:"type"`
	Data struct {
		// Type is status_update or category_update.
		Type       string `json:"type"`
		AccountSID string `json:"accountSid"`
		Channel    string `json:"channel"`
		Template   struct {
			SID      string `json:"sid"`
			Name     string `json:"friendlyName"`
			External string `json:"externalTemplateName"`
			Language string `json:"language"`
			Current  string `json:"currentValue"`
			Reason   string `json:"rejectionReason"`
		} `json:"template"`
	} `json:"data"`
}

const templateUpdated = "com.twilio.messaging.template.approval.updated"

// events reads a batch of Event Streams. Those about anything but a template
// are left alone.
func events(s Settings, c relay.Callback) (got relay.Received, err error) {
	batch, err := batchOf(c.Body)
	if err != nil {
		return got, err
	}
	for _, raw := range batch {
		var e event
		if json.Unmarshal(raw, &e) != nil || e.Type != templateUpdated {
			continue
		}
		if e.Data.AccountSID != s.AccountSID {
			return relay.Received{}, relay.ErrForged
		}
		if change, ok := e.change(); ok {
			got.Templates = append(got.Templates, change)
		}
	}
	return got, nil
}

// batchOf is the events of a body: a list, or a single one.
func batchOf(body []byte) (batch []json.RawMessage, err error) {
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("{")) {
		body = append(append([]byte("["), body...), ']')
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, fmt.Errorf("the callback's body cannot be read as JSON")
	}
	return batch, nil
}

func (e event) change() (relay.TemplateChange, bool) {
	t := e.Data.Template
	change := relay.TemplateChange{ID: t.SID, Name: t.External, Language: t.Language, Reason: t.Reason}
	if change.Name == "" {
		change.Name = t.Name
	}
	switch e.Data.Type {
	case "status_update":
		change.Status = templateStatus(t.Current)
	case "category_update":
		change.Category = relay.TemplateCategory(strings.ToUpper(t.Current))
	}
	known := contentSID.MatchString(change.ID) && (change.Status != "" || change.Category != "")
	return change, known
}

// templateCodes are errors of the debugger that tell of a template.
// https://www.twilio.com/docs/api/errors/63040
var templateCodes = map[int]relay.TemplateStatus{
	63040: relay.TemplateRejected, 63041: relay.TemplatePaused, 63042: relay.TemplateDisabled, 63046: relay.TemplateApproved,
}

// debugged reads what Twilio's debugger reports to its webhook.
// https://www.twilio.com/docs/usage/troubleshooting/debugging-event-webhooks
func debugged(form url.Values) (got relay.Received) {
	var p struct {
		ResourceSID string          `json:"resource_sid"`
		ErrorCode   json.RawMessage `json:"error_code"`
	}
	if json.Unmarshal([]byte(form.Get("Payload")), &p) != nil {
		return got
	}
	code, _ := strconv.Atoi(strings.Trim(string(p.ErrorCode), `"`))
	if status, ok := templateCodes[code]; ok && contentSID.MatchString(p.ResourceSID) {
		got.Templates = []relay.TemplateChange{{ID: p.ResourceSID, Status: status}}
	}
	return got
}
