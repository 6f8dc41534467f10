package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"relevo/relay"
)

func chooseKind(p *call) error {
	p.Page = "channels"
	_, sandbox := p.c.kindOf(sandboxKind.Kind)
	return p.show("channel_kinds", struct {
		Sandbox bool
		Kinds   []channelKind
	}{sandbox, p.c.kinds()})
}

// wizard is a form that makes a channel, or gives one other credentials.
type wizard struct {
	As channelKind
	// Channel is the one that is changed; nil for a new one.
	Channel *relay.Channel
	// Name, Phone and Values are what was filled in. Secrets are never among
	// the values.
	Name, Phone string
	Values      map[string]string
	// Kept says which settings there are, masked.
	Kept   map[string]string
	Unsafe bool
}

// newWizard is that of the kind in the path.
func (p *call) newWizard() (wizard, error) {
	p.Page = "channels"
	k, ok := p.c.kindOf(p.r.PathValue("what"))
	if !ok {
		return wizard{}, errNoPage
	}
	w := wizard{As: k, Values: map[string]string{}, Unsafe: k.Connects() && !strings.HasPrefix(p.c.Relay.Set.PublicURL, "https://")}
	if k.Kind == sandboxKind.Kind {
		w.Name, w.Phone = p.T("channels.sandbox_name"), "+15550100000"
	}
	return w, nil
}

func showWizard(p *call) error {
	w, err := p.newWizard()
	if err != nil {
		return err
	}
	return p.show("channel_new", w)
}

// createChannel connects an account, and leads on to what is to be done at the
// provider.
func createChannel(p *call) error {
	w, err := p.newWizard()
	if err != nil {
		return err
	}
	w.Name, w.Phone = p.field("name"), p.field("phone")
	n := relay.NewChannel{Kind: w.As.Kind, Name: w.Name}
	if n.Name == "" {
		n.Name = w.As.Name
	}
	var bad bool
	n.Phone, bad = p.readChannelPhone(w.As, w.Phone)
	n.Settings = p.readSettings(&w, n.Phone)
	if bad {
		return p.againWizard(p.phoneRefusal(w, n.Settings), "channel_new", w)
	}
	ch, err := p.c.Relay.CreateChannel(p.ctx, p.WS.ID, n)
	if err != nil {
		return p.againWizard(err, "channel_new", w)
	}
	if !w.As.Connects() {
		return p.done(p.At("channels", ch.ID), "channels.connected_now", "Name", ch.Name)
	}
	return p.done(p.At("channels", ch.ID, "connect"), "channels.connected_now", "Name", ch.Name)
}

// readChannelPhone reads the number of an account; only kinds without one may
// leave it out.
func (p *call) readChannelPhone(k channelKind, s string) (phone string, bad bool) {
	if s == "" && !k.Phone {
		return "", false
	}
	phone, ok := p.c.Phone(s, p.WS.Country)
	return phone, !ok
}

// phoneRefusal is about the number, with what else is wrong.
func (p *call) phoneRefusal(w wizard, settings json.RawMessage) error {
	e := &relay.Error{Code: relay.CodeInvalidPhone, Message: p.T("channels.phone_bad"), Fields: []relay.FieldError{{Field: "phone", Code: relay.CodeInvalidPhone}}}
	d, ok := p.c.Relay.Drivers[w.As.Kind].(relay.Connector)
	if !ok || len(settings) == 0 {
		return e
	}
	_, err := d.Connect(settings, nil)
	if more := new(relay.Error); errors.As(err, &more) {
		for _, f := range more.Fields {
			if f.Field != "settings."+w.As.From {
				e.Fields = append(e.Fields, f)
			}
		}
	}
	return e
}

// readSettings takes the settings of a form. An empty secret is not given: the
// one that is kept stays; phone is the setting that is the number.
func (p *call) readSettings(w *wizard, phone string) json.RawMessage {
	if !w.As.Connects() {
		return nil
	}
	given := map[string]any{}
	for _, f := range w.As.Fields() {
		v := p.field("settings." + f.Name)
		if !f.Secret {
			w.Values[f.Name] = v
		}
		switch {
		case v != "":
			given[f.Name] = v
		case w.Channel != nil && !f.Required && (!f.Secret || p.field("remove."+f.Name) != ""):
			given[f.Name] = w.As.Reset
		}
	}
	if w.As.From != "" && phone != "" {
		given[w.As.From] = phone
	}
	b, err := json.Marshal(given)
	if err != nil {
		panic(err) // texts only
	}
	return b
}

// againWizard shows the form again, with what is wrong at its field.
func (p *call) againWizard(err error, name string, w wizard) error {
	problem, ok := p.refusal(err)
	if !ok {
		return err
	}
	e := new(relay.Error)
	if errors.As(err, &e) && len(e.Fields) > 0 {
		fields := map[string]string{}
		for _, f := range e.Fields {
			if name, words := p.settingWords(w.As, f); name != "" {
				fields[name] = words
			}
		}
		if problem.Fields = fields; len(fields) > 0 {
			problem.Message, problem.Detail = p.N("channels.mend", len(fields)), ""
		}
	}
	p.Problem = problem
	return p.showAs(http.StatusUnprocessableEntity, name, w)
}

// settingWords says what is wrong with a field, in the caller's language; the
// driver's own sentence is added in English. Name is empty for what is about
// no one field.
func (p *call) settingWords(k channelKind, f relay.FieldError) (name, words string) {
	setting, ok := strings.CutPrefix(f.Field, "settings.")
	if setting == k.From && ok {
		return "phone", p.T("channels.phone_bad")
	}
	switch {
	case f.Field == "phone" && f.Code == relay.CodeConflict:
		return "phone", p.T("channels.phone_taken")
	case f.Field == "phone":
		return "phone", p.T("channels.phone_bad")
	case f.Field == "name":
		return "name", p.T("channels.name_bad")
	case !ok:
		return "", ""
	case f.Code == relay.CodeMissingField:
		return f.Field, p.T("channels.value_missing")
	case p.English():
		return f.Field, p.withLabels(k, f.Message)
	}
	return f.Field, p.T("channels.value_bad", "Detail", f.Message)
}

// withLabels is a driver's sentence with the settings named as the form names
// them. Where to find the right value, the step says.
func (p *call) withLabels(k channelKind, sentence string) string {
	for _, f := range k.Fields() {
		if strings.Contains(f.Name, "_") {
			sentence = strings.ReplaceAll(sentence, f.Name, p.T("fields."+f.Name))
		}
	}
	return sentence
}

// showConnect is what follows at the provider.
func showConnect(p *call) error {
	v, err := p.thisChannel()
	if err != nil {
		return err
	}
	if !v.Calls {
		return errNoPage
	}
	return p.show("channel_connect", v)
}
