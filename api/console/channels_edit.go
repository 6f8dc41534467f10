package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
)

// channelForm is what an owner may change on a channel, in an owner's units.
type channelForm struct {
	wizard
	// SpacingMin and SpacingMax are in seconds, MaxFile is in MB of 2^20 bytes.
	SpacingMin, SpacingMax, Concurrency, MaxFile string
	AtLeastOnce, FilesOut, FilesIn               bool
	// Fallback is name|language; Fallbacks are those that may be chosen.
	Fallback  string
	Fallbacks []relay.TemplateRef
	Templates bool
}

const mebibyte = 1 << 20

func plainDecimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// channelFormOf is the form as the channel is.
func (p *call) channelFormOf(ch relay.Channel) (channelForm, error) {
	p.Page = "channels"
	k, _ := p.c.kindOf(ch.Kind)
	f := channelForm{
		wizard:     wizard{As: k, Channel: &ch, Name: ch.Name, Phone: ch.Phone, Values: map[string]string{}},
		SpacingMin: plainDecimal(ch.SpacingMin.Seconds()), SpacingMax: plainDecimal(ch.SpacingMax.Seconds()),
		Concurrency: strconv.Itoa(ch.Concurrency), MaxFile: plainDecimal(float64(ch.MaxFileBytes) / mebibyte),
		AtLeastOnce: ch.AtLeastOnce, FilesOut: !ch.NoFilesOut, FilesIn: !ch.NoFilesIn,
	}
	shown, err := p.c.Relay.ShownSettings(ch)
	if err != nil { // sealed with another key: they can be given anew
		p.c.Log.Error("show settings", "channel", ch.ID, "error", err)
	}
	f.Kept = shown
	for _, s := range k.Fields() {
		if !s.Secret {
			f.Values[s.Name] = shown[s.Name]
		}
	}
	return f, p.addFallbacks(&f, ch)
}

// addFallbacks finds the approved templates that take one text.
func (p *call) addFallbacks(f *channelForm, ch relay.Channel) error {
	_, windowed := p.c.Relay.Drivers[ch.Kind].(relay.Windowed)
	if f.Templates = windowed && hasTemplates(p.c.Relay, ch); !f.Templates {
		return nil
	}
	_, list, err := p.c.Relay.Templates(p.ctx, p.WS.ID, ch.ID)
	if err != nil {
		return err
	}
	there := false
	for _, t := range list {
		if t.Status == relay.TemplateApproved && len(t.Variables()) == 1 && (t.Header == nil || t.Header.Kind == "text") {
			ref := relay.TemplateRef{Name: t.Name, Language: t.Language}
			there = there || ch.Fallback != nil && *ch.Fallback == ref
			f.Fallbacks = append(f.Fallbacks, ref)
		}
	}
	if ch.Fallback != nil {
		f.Fallback = ch.Fallback.Name + "|" + ch.Fallback.Language
		if !there {
			f.Fallbacks = append(f.Fallbacks, *ch.Fallback)
		}
	}
	return nil
}

func showEditChannel(p *call) error {
	ch, err := p.channel()
	if err != nil {
		return err
	}
	f, err := p.channelFormOf(ch)
	if err != nil {
		return err
	}
	return p.show("channel_edit", f)
}

// editChannel changes everything but the credentials.
func editChannel(p *call) error {
	ch, err := p.channel()
	if err != nil {
		return err
	}
	f, err := p.channelFormOf(ch)
	if err != nil {
		return err
	}
	patch, faults := p.channelPatch(&f)
	if len(faults) > 0 {
		return p.againChannel(faults, f)
	}
	if _, err := p.c.Relay.UpdateChannel(p.ctx, p.WS.ID, ch.ID, patch); err != nil {
		words, ok := p.channelFaults(err)
		if !ok {
			return p.again(err, "channel_edit", f)
		}
		return p.againChannel(words, f)
	}
	return p.done(p.At("channels", ch.ID), "form.saved")
}

// channelPatch reads the form; faults are by the names of fields.
func (p *call) channelPatch(f *channelForm) (patch relay.ChannelPatch, faults map[string]string) {
	faults = map[string]string{}
	f.Name, f.Phone, f.Fallback = p.field("name"), p.field("phone"), p.field("fallback")
	f.SpacingMin, f.SpacingMax, f.Concurrency, f.MaxFile = p.field("spacing_min"), p.field("spacing_max"), p.field("concurrency"), p.field("max_file")
	f.AtLeastOnce, f.FilesOut, f.FilesIn = p.field("at_least_once") != "", p.field("files_out") != "", p.field("files_in") != ""
	patch.Name, patch.AtLeastOnce = &f.Name, &f.AtLeastOnce
	noOut, noIn := !f.FilesOut, !f.FilesIn
	patch.NoFilesOut, patch.NoFilesIn = &noOut, &noIn
	p.patchPhone(f, &patch, faults)
	patch.SpacingMin = p.seconds("spacing_min", f.SpacingMin, faults)
	patch.SpacingMax = p.seconds("spacing_max", f.SpacingMax, faults)
	n, err := strconv.Atoi(f.Concurrency)
	if err != nil {
		faults["concurrency"] = p.T("channels.concurrency_bad")
	}
	patch.Concurrency = &n
	size, ok := decimalOf(f.MaxFile)
	if !ok || size > 1e6 {
		faults["max_file"] = p.T("channels.max_file_bad")
	}
	limit := int64(size*mebibyte + 0.5)
	patch.MaxFileBytes = &limit
	if f.Templates {
		name, language, _ := strings.Cut(f.Fallback, "|")
		if was := f.Channel.Fallback; was == nil && name != "" || was != nil && *was != (relay.TemplateRef{Name: name, Language: language}) {
			patch.Fallback = &relay.TemplateRef{Name: name, Language: language}
		}
	}
	return patch, faults
}

// patchPhone changes the number, and the setting that is the same number.
func (p *call) patchPhone(f *channelForm, patch *relay.ChannelPatch, faults map[string]string) {
	phone, bad := p.readChannelPhone(f.As, f.Phone)
	switch {
	case bad:
		faults["phone"] = p.T("channels.phone_bad")
	case phone != f.Channel.Phone:
		patch.Phone = &phone
		if f.As.From != "" {
			patch.Settings = []byte(`{"` + f.As.From + `":"` + phone + `"}`) // + and digits
		}
	}
}

// decimalOf reads a decimal number of 0 or more, with a point or a comma.
func decimalOf(s string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", "."), 64)
	return n, err == nil && n >= 0 && n < 1e12
}

func (p *call) seconds(name, s string, faults map[string]string) *time.Duration {
	n, ok := decimalOf(s)
	if !ok || n > 3600 {
		faults[name] = p.T("channels.spacing_bad")
		return nil
	}
	d := time.Duration(n * float64(time.Second)).Round(time.Millisecond)
	return &d
}

func (p *call) againChannel(faults map[string]string, f channelForm) error {
	p.Problem = &Problem{Message: p.N("channels.fix", len(faults)), Fields: faults}
	return p.showAs(http.StatusUnprocessableEntity, "channel_edit", f)
}

// channelFaults are what the relay refused, by the names of the form.
func (p *call) channelFaults(err error) (faults map[string]string, ok bool) {
	e := new(relay.Error)
	if !errors.As(err, &e) {
		return nil, false
	}
	faults = map[string]string{}
	for _, f := range e.Fields {
		switch f.Field {
		case "spacing_ms":
			faults["spacing_max"] = p.T("channels.spacing_bad")
		case "concurrency":
			faults["concurrency"] = p.T("channels.concurrency_bad")
			if f.Code == relay.CodeConflict {
				faults["concurrency"] = p.T("channels.concurrency_queued")
			}
		case "max_file_bytes":
			faults["max_file"] = p.T("channels.max_file_bad")
		case "fallback_template":
			faults["fallback"] = p.T("channels.fallback_bad")
		default:
			if name, words := p.settingWords(channelKind{}, f); name != "" {
				faults[name] = words
			}
		}
	}
	return faults, len(faults) > 0
}

// editCredentials changes the settings of the driver.
func editCredentials(p *call) error {
	ch, err := p.channel()
	if err != nil {
		return err
	}
	f, err := p.channelFormOf(ch)
	if err != nil {
		return err
	}
	if !f.As.Connects() {
		return errNoPage
	}
	settings := p.readSettings(&f.wizard, "")
	if _, err := p.c.Relay.UpdateChannel(p.ctx, p.WS.ID, ch.ID, relay.ChannelPatch{Settings: settings}); err != nil {
		return p.againCredentials(err, f)
	}
	if ch.State == relay.Held {
		return p.done(p.At("channels", ch.ID), "channels.credentials_held")
	}
	return p.done(p.At("channels", ch.ID), "channels.credentials_saved")
}

func (p *call) againCredentials(err error, f channelForm) error {
	faults := map[string]string{}
	if e := new(relay.Error); errors.As(err, &e) {
		for _, fault := range e.Fields {
			if name, words := p.settingWords(f.As, fault); name != "" {
				faults[name] = words
			}
		}
	}
	if len(faults) == 0 {
		return p.again(err, "channel_edit", f)
	}
	p.Problem = &Problem{Message: p.N("channels.mend", len(faults)), Fields: faults}
	return p.showAs(http.StatusUnprocessableEntity, "channel_edit", f)
}
