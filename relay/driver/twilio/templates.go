package twilio

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"relevo/relay"
)

// pages bounds how far a list is followed: 500 templates on each, where Twilio
// keeps 6000 for WhatsApp at most.
const pages = 40

// Templates lists the account's content templates with their approval. Where
// several have one name and language, the one that can be sent stands for
// them. https://www.twilio.com/docs/content/content-api-resources#fetch-content-and-approval-status
func (d *Driver) Templates(ctx context.Context, ch relay.Channel) ([]relay.Template, error) {
	s, err := settingsOf(ch)
	if err != nil {
		return nil, err
	}
	var all []content
	next := d.content + "/v1/ContentAndApprovals?PageSize=500"
	for page := 0; next != "" && page < pages; page++ {
		var got contentPage
		if err := d.read(ctx, s, next, &got); err != nil {
			return nil, err
		}
		all = append(all, got.Contents...)
		if next, err = onHost(d.content, got.Meta.Next); err != nil {
			return nil, err
		}
	}
	return oneOfEach(all), nil
}

type contentPage struct {
	Contents []content `json:"contents"`
	Meta     struct {
		Next string `json:"next_page_url"`
	} `json:"meta"`
}

// read asks for a resource and reads it. It is no message: what is unsure of
// it may be asked again.
func (d *Driver) read(ctx context.Context, s Settings, address string, into any) error {
	res, err := d.get(ctx, s, address)
	if err == nil && res.Status != 200 {
		err = errorOf(res)
	}
	if err == nil && json.Unmarshal(res.Body, into) != nil {
		err = &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeProviderFailed, Reason: "Twilio's answer cannot be read."}
	}
	return prepared(err)
}

// onHost is the address of the next page, on the host that credentials may go
// to. Twilio writes it whole, or without a host.
func onHost(base, next string) (string, error) {
	if next == "" {
		return "", nil
	}
	u, err := url.Parse(next)
	host, _ := url.Parse(base)
	if err != nil || u.Host != "" && (u.Host != host.Host || u.Scheme != host.Scheme) || !strings.HasPrefix(u.Path, "/") {
		return "", &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeProviderFailed, Reason: "Twilio's list goes on at an address that is not Twilio's."}
	}
	return base + u.RequestURI(), nil
}

// oneOfEach keeps one content for each name and language: approved before
// pending before others, and the later before the earlier.
func oneOfEach(all []content) []relay.Template {
	rank := map[relay.TemplateStatus]int{relay.TemplateApproved: 2, relay.TemplatePending: 1}
	type key struct{ name, language string }
	at := map[key]int{}
	var kept []relay.Template
	var dates []string
	for _, c := range all {
		t := c.template()
		k := key{t.Name, t.Language}
		i, ok := at[k]
		switch {
		case !ok:
			at[k] = len(kept)
			kept, dates = append(kept, t), append(dates, c.DateUpdated)
		case rank[t.Status] > rank[kept[i].Status], rank[t.Status] == rank[kept[i].Status] && c.DateUpdated > dates[i]:
			kept[i], dates[i] = t, c.DateUpdated
		}
	}
	return kept
}
