package api

import (
	"context"
	"time"

	"relevo/relay"
)

// templateRow is a template as the API shows it.
type templateRow struct {
	ID       *string                `json:"id"`
	Name     string                 `json:"name"`
	Language string                 `json:"language"`
	Category relay.TemplateCategory `json:"category"`
	Status   relay.TemplateStatus   `json:"status"`
	Reason   *string                `json:"reason"`
	Header   *relay.TemplateHeader  `json:"header"`
	Body     string                 `json:"body"`
	// Variables are the names of all that a call gives values for, in their
	// order; Samples are examples for those of the body.
	Variables []string               `json:"variables"`
	Samples   []string               `json:"samples"`
	Footer    *string                `json:"footer"`
	Buttons   []relay.TemplateButton `json:"buttons"`
	SyncedAt  *time.Time             `json:"synced_at"`
}

// templateBody is a template to be approved.
type templateBody struct {
	Name     string                 `json:"name"`
	Language string                 `json:"language"`
	Category relay.TemplateCategory `json:"category"`
	Header   *relay.TemplateHeader  `json:"header"`
	Body     string                 `json:"body"`
	Samples  []string               `json:"samples"`
	Footer   string                 `json:"footer"`
	Buttons  []relay.TemplateButton `json:"buttons"`
}

// viewTemplateRow shows a template of a list that was last read at a time.
func viewTemplateRow(t relay.Template, listed time.Time) templateRow {
	if t.SyncedAt.After(listed) {
		listed = t.SyncedAt
	}
	v := templateRow{
		ID: present(t.ID), Name: t.Name, Language: t.Language, Category: t.Category, Status: t.Status, Reason: present(t.Reason),
		Header: t.Header, Body: t.Body, Variables: t.Variables(), Samples: t.Samples, Footer: present(t.Footer), Buttons: t.Buttons, SyncedAt: instant(listed),
	}
	v.Variables = append([]string{}, v.Variables...)
	v.Samples = append([]string{}, v.Samples...)
	v.Buttons = append([]relay.TemplateButton{}, v.Buttons...)
	return v
}

// listTemplates shows what is known of a channel's templates.
func (s *server) listTemplates(r *request) (answer, error) {
	ch, found, err := s.relay.Templates(r.ctx, r.workspace(), r.param("ch"))
	return pageOf(mapped(found, func(t relay.Template) templateRow { return viewTemplateRow(t, ch.TemplatesAt) }), ""), err
}

// providerWithin bounds a call that waits for a provider, in one request.
const providerWithin = 25 * time.Second

// syncTemplates reads the list from the provider now.
func (s *server) syncTemplates(r *request) (answer, error) {
	ctx, cancel := context.WithTimeout(r.ctx, providerWithin)
	defer cancel()
	if _, err := s.relay.SyncTemplates(ctx, r.workspace(), r.param("ch")); err != nil {
		return answer{}, err
	}
	return s.listTemplates(r)
}

// submitTemplate hands a template in for approval.
func (s *server) submitTemplate(r *request) (answer, error) {
	var in templateBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(r.ctx, providerWithin)
	defer cancel()
	t, err := s.relay.SubmitTemplate(ctx, r.workspace(), r.param("ch"), relay.Template{
		Name: in.Name, Language: in.Language, Category: in.Category, Header: in.Header, Body: in.Body, Samples: in.Samples, Footer: in.Footer, Buttons: in.Buttons,
	})
	if err != nil {
		return answer{}, err
	}
	return created("/workspaces/"+r.workspace()+"/channels/"+r.param("ch")+"/templates", viewTemplateRow(t, t.SyncedAt)), nil
}
