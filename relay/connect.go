package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// sealedSettings is how a driver's settings lie in the store.
type sealedSettings struct {
	Sealed []byte `json:"sealed"`
}

// connect lets the driver read settings over those that are kept, and seals
// what is to be kept. A driver that is no Connector keeps them as they are.
func (r *Relay) connect(c *Channel, given json.RawMessage) error {
	d, ok := r.Drivers[c.Kind].(Connector)
	if !ok {
		c.Settings = given
		return nil
	}
	var kept json.RawMessage
	if len(c.Settings) > 0 {
		was, err := r.opened(*c)
		if err != nil {
			return err
		}
		kept = was.Settings
	}
	if len(given) == 0 {
		given = json.RawMessage("{}")
	}
	if err := unquoted(given); err != nil {
		return err
	}
	plain, err := d.Connect(given, kept)
	if err != nil {
		return err
	}
	if account := d.Account(plain); account != c.Account {
		// what was learned is of another account
		c.Account, c.TemplatesAt, c.TemplatesFault = account, time.Time{}, ""
		c.CallbacksSince, c.CallbackAt, c.NamelessAt = time.Time{}, time.Time{}, time.Time{}
	}
	c.CredentialsUntil, c.CredentialsWarned = time.Time{}, 0
	c.Settings, err = json.Marshal(sealedSettings{r.Secrets.Seal(string(plain), c.ID)})
	return err
}

// unquoted refuses values that were pasted with quotation marks around them.
// Some are taken as they are, and only the provider refuses them, much later.
func unquoted(given json.RawMessage) error {
	var settings map[string]any
	if json.Unmarshal(given, &settings) != nil {
		return nil // the driver says what is wrong
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		v, _ := settings[name].(string)
		v = strings.TrimSpace(v)
		for _, marks := range []string{`""`, "''", "“”", "``"} {
			pair := []rune(marks)
			if utf8.RuneCountInString(v) > 1 && strings.HasPrefix(v, string(pair[0])) && strings.HasSuffix(v, string(pair[1])) {
				return RefuseField(CodeInvalidField, "settings."+name, "settings."+name+" has quotation marks around its value.", "Leave these out: they are not part of it.")
			}
		}
	}
	return nil
}

// ownSender refuses a second channel of one sender: what people write there
// would come in twice.
func ownSender(ctx context.Context, tx Tx, c Channel) error {
	if !strings.Contains(c.Account, "/") {
		return nil
	}
	list, err := channelsOf(ctx, tx, c.Workspace)
	for _, o := range list {
		if o.ID != c.ID && o.Kind == c.Kind && o.Account == c.Account {
			return RefuseField(CodeConflict, "settings", fmt.Sprintf("The channel %s (%s) of this workspace has the same sender.", o.ID, o.Name), "Change that channel, or delete it first.")
		}
	}
	return err
}

// opened is a channel with its settings in the clear, for its driver alone.
func (r *Relay) opened(c Channel) (Channel, error) {
	if _, ok := r.Drivers[c.Kind].(Connector); !ok || len(c.Settings) == 0 {
		return c, nil
	}
	var s sealedSettings
	if err := json.Unmarshal(c.Settings, &s); err != nil || len(s.Sealed) == 0 {
		return c, fmt.Errorf("settings of channel %s are not sealed", c.ID)
	}
	plain, err := r.Secrets.Open(s.Sealed, c.ID)
	if err != nil {
		return c, fmt.Errorf("settings of channel %s: %w", c.ID, err)
	}
	c.Settings = json.RawMessage(plain)
	return c, nil
}

// ShownSettings are a channel's settings as its owner sees them again, secrets
// shortened; nil where its kind has none.
func (r *Relay) ShownSettings(c Channel) (map[string]string, error) {
	d, ok := r.Drivers[c.Kind].(Connector)
	if !ok || len(c.Settings) == 0 {
		return nil, nil
	}
	c, err := r.opened(c)
	if err != nil {
		return nil, err
	}
	return d.Show(c.Settings), nil
}

// Addresses are what the owner of a channel pastes into the provider's
// console; empty where the kind has no callbacks.
func (r *Relay) Addresses(c Channel) Addresses {
	if _, ok := r.Drivers[c.Kind].(Receiver); !ok || c.CallbackKey == "" {
		return Addresses{}
	}
	base := strings.TrimRight(r.Set.PublicURL, "/") + "/callback/" + c.ID + "/" + c.CallbackKey
	return Addresses{Callback: base, Status: base + "/status", Inbound: base + "/inbound", VerifyToken: c.VerifyToken}
}

// Check tests a channel's credentials and its provider's set-up. CodeNotFound;
// CodeInvalidField where its kind has no check.
func (r *Relay) Check(ctx context.Context, workspace, id string) ([]Finding, error) {
	c, err := r.Channel(ctx, workspace, id)
	if err != nil {
		return nil, err
	}
	d, ok := r.Drivers[c.Kind].(Checker)
	if !ok {
		return nil, RefuseField(CodeInvalidField, "kind", "Channels of this kind have nothing to check.", "")
	}
	open, err := r.opened(c)
	if err != nil {
		return nil, err
	}
	siblings, err := r.siblings(ctx, c)
	if err != nil {
		return nil, err
	}
	at := r.Addresses(c)
	for _, s := range siblings {
		to := r.Addresses(s)
		at.Shared = append(at.Shared, to.Callback, to.Status, to.Inbound)
	}
	findings := d.Check(ctx, open, at)
	if err := r.noteCredentials(ctx, c, findings); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(siblings, func(s Channel) bool { return c.Account != "" && s.Account == c.Account }); i >= 0 {
		findings = append(findings, Finding{Subject: "sender", State: Trouble,
			Message: "The channel " + siblings[i].ID + " has the same sender: what people write comes in twice.",
			Hint:    "Delete one of the two channels, or give one the settings of another sender."})
	}
	told := slices.ContainsFunc(findings, func(f Finding) bool { return f.Subject == publicAddress && f.State != Well })
	if strings.HasPrefix(at.Callback, "http://") && !told {
		findings = append(findings, Finding{Subject: publicAddress, State: Doubt,
			Message: "Callbacks come to an address without TLS, which providers do not call.",
			Hint:    "Set public_url to the https address under which the proxy in front of Relevo is reached."})
	}
	return findings, nil
}

// publicAddress is the subject of what is found about public_url. A driver's
// own finding says more.
const publicAddress = "public address"

// siblings are the other channels of a kind in the workspace that have
// callback addresses.
func (r *Relay) siblings(ctx context.Context, c Channel) (some []Channel, err error) {
	list, err := r.Channels(ctx, c.Workspace)
	for _, s := range list {
		if s.ID != c.ID && s.Kind == c.Kind && r.Addresses(s).Callback != "" {
			some = append(some, s)
		}
	}
	return some, err
}

var errNoReceiver = errors.New("the channel's kind takes no callbacks")
