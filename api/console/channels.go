package console

import (
	"context"
	"strings"
	"time"

	"relevo/relay"
)

// channelRoutes are the pages of connected accounts. What is below a channel
// and below "new" has one pattern each, as a mux could not tell them apart.
func (c *Console) channelRoutes() []route {
	return []route{
		{pattern: "GET /w/{ws}/channels", access: viewers, page: showChannels},
		{pattern: "GET /w/{ws}/channels/new", access: members, page: chooseKind},
		{pattern: "GET /w/{ws}/channels/{ch}", access: viewers, page: showChannel},
		{pattern: "GET /w/{ws}/channels/{ch}/{what}", access: members, page: belowChannel(map[string]page{
			"edit": showEditChannel, "connect": showConnect,
		}, showWizard)},
		{pattern: "POST /w/{ws}/channels/{ch}/{what}", access: members, page: belowChannel(map[string]page{
			"check": checkChannel, "pause": pauseChannel, "resume": resumeChannel, "delete": deleteChannel,
			"edit": editChannel, "credentials": editCredentials, "inbound": writeAsPerson, "group": makeGroup,
		}, createChannel)},
	}
}

// belowChannel chooses the page of a channel; of "new", the kind that is made.
func belowChannel(pages map[string]page, fresh page) page {
	return func(p *call) error {
		if p.r.PathValue("ch") == "new" {
			return fresh(p)
		}
		if show := pages[p.r.PathValue("what")]; show != nil {
			return show(p)
		}
		return errNoPage
	}
}

// channelCard is a channel with what is known of it.
type channelCard struct {
	relay.Channel
	As channelKind
	// Notices are in English.
	Notices []string
	// EndsSoon: the credentials do, or have ended.
	EndsSoon bool
	// Calls: its provider calls back.
	Calls bool
	// Today, Week and Month count since midnight, over 7 and over 30 days.
	Today, Week, Month relay.Counts
	// Depth counts what is queued or being sent; NextSend is zero where
	// nothing may leave.
	Depth    int
	NextSend time.Time
	// Windows are the open ones; Windowed is false where the kind has none, and
	// MoreWindows says that not all chats were looked at.
	Windows               int
	Windowed, MoreWindows bool
	Checks, HasTemplates  bool
}

func showChannels(p *call) error {
	cards, err := p.channelCards()
	if err != nil {
		return err
	}
	return p.show("channels", cards)
}

// channelCards are those of the workspace, the latest connected first.
func (p *call) channelCards() ([]channelCard, error) {
	list, err := p.c.Relay.Channels(p.ctx, p.WS.ID)
	if err != nil {
		return nil, err
	}
	return p.cardsOf(list...)
}

func (p *call) cardsOf(list ...relay.Channel) ([]channelCard, error) {
	now := time.Now()
	cards := make([]channelCard, len(list))
	for i, ch := range list {
		cards[i] = p.newCard(ch, now)
		if err := p.countWindows(&cards[i], now); err != nil {
			return nil, err
		}
	}
	if err := p.countMessages(cards, now); err != nil {
		return nil, err
	}
	lanes, err := p.c.Relay.Store.Queue(p.ctx, p.WS.ID, now)
	for _, l := range lanes {
		for i := range cards {
			if cards[i].ID != l.Group {
				continue
			}
			cards[i].Depth += l.Depth
			if at := cards[i].NextSend; !l.NextSend.IsZero() && (at.IsZero() || l.NextSend.Before(at)) {
				cards[i].NextSend = l.NextSend
			}
		}
	}
	return cards, err
}

// credentialsSoon is how long before their end credentials are told of.
const credentialsSoon = 14 * 24 * time.Hour

func (p *call) newCard(ch relay.Channel, now time.Time) channelCard {
	k, _ := p.c.kindOf(ch.Kind)
	return channelCard{
		Channel: ch, As: k, Notices: p.c.Relay.Notices(ch, now), Calls: p.c.Relay.Addresses(ch).Callback != "",
		EndsSoon: !ch.CredentialsUntil.IsZero() && ch.CredentialsUntil.Sub(now) < credentialsSoon,
		Checks:   hasCheck(p.c.Relay, ch), HasTemplates: hasTemplates(p.c.Relay, ch),
	}
}

// countMessages fills in what each channel sent and received.
func (p *call) countMessages(cards []channelCard, now time.Time) error {
	y, m, d := now.In(p.Zone()).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, p.Zone())
	for _, period := range []struct {
		from time.Time
		to   func(*channelCard) *relay.Counts
	}{
		{today, func(c *channelCard) *relay.Counts { return &c.Today }},
		{today.AddDate(0, 0, -6), func(c *channelCard) *relay.Counts { return &c.Week }},
		{today.AddDate(0, 0, -29), func(c *channelCard) *relay.Counts { return &c.Month }},
	} {
		counts, err := p.c.Relay.Store.Counts(p.ctx, p.WS.ID, period.from, time.Time{})
		if err != nil {
			return err
		}
		for i := range cards {
			for _, n := range counts {
				if n.Channel == cards[i].ID {
					*period.to(&cards[i]) = n
				}
			}
		}
	}
	return nil
}

// Of long lists, no more than these parts are looked at for one page.
const (
	mostPages = 5
	partSize  = 200
)

// countWindows counts open session windows among the newest chats.
func (p *call) countWindows(c *channelCard, now time.Time) error {
	if _, c.Windowed = p.c.Relay.Drivers[c.Kind].(relay.Windowed); !c.Windowed {
		return nil
	}
	page := relay.Page{Limit: partSize}
	for range mostPages {
		chats, next, err := p.c.Relay.Store.Chats(p.ctx, p.WS.ID, c.ID, page)
		if err != nil {
			return err
		}
		for _, chat := range chats {
			if end, ok := p.c.Relay.Window(c.Channel, chat); ok && end.After(now) {
				c.Windows++
			}
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
	c.MoreWindows = true
	return nil
}

// channelPage is one channel with all that its page shows.
type channelPage struct {
	channelCard
	Settings []shownSetting
	At       relay.Addresses
	// Inbound is the address for what people write, with what the provider
	// wants behind it.
	Inbound string
	// Unsafe: callbacks come to an address without TLS, or to none.
	Unsafe bool
	// Findings are those of a check that was just made.
	Checked  bool
	Findings []relay.Finding
	// Units come back where the channel is deleted now; AtLeast: or more.
	Units   int64
	AtLeast bool
	// Sent is what the sandbox was given; Form what was filled in there.
	Sent []SentLine
	Form map[string]string
}

// shownSetting is a setting as its owner sees it again.
type shownSetting struct{ Name, Value string }

// channel is that of the path.
func (p *call) channel() (relay.Channel, error) {
	return p.c.Relay.Channel(p.ctx, p.WS.ID, p.r.PathValue("ch"))
}

// channelPageOf gathers what the pages of a channel show. The keys in its
// addresses are for those who may connect.
func (p *call) channelPageOf(ch relay.Channel) (channelPage, error) {
	cards, err := p.cardsOf(ch)
	if err != nil {
		return channelPage{}, err
	}
	v := channelPage{channelCard: cards[0]}
	shown, err := p.c.Relay.ShownSettings(ch)
	if err != nil { // sealed with another key: the channel is shown all the same
		p.c.Log.Error("show settings", "channel", ch.ID, "error", err)
	}
	for _, f := range v.As.Fields() {
		if s := shown[f.Name]; s != "" {
			v.Settings = append(v.Settings, shownSetting{f.Name, s})
		}
	}
	if p.Can("member") {
		v.At = p.c.Relay.Addresses(ch)
		v.Inbound = v.At.Inbound + v.As.Back.Suffix
	}
	v.Unsafe = v.Calls && !strings.HasPrefix(p.c.Relay.Set.PublicURL, "https://")
	if v.Units, v.AtLeast, err = p.queuedUnits(ch); err != nil {
		return v, err
	}
	if ch.Kind == sandboxKind.Kind && p.c.Sent != nil {
		v.Sent, err = p.c.Sent(p.ctx, p.WS.ID, ch.ID, 50)
	}
	return v, err
}

// queuedUnits are what a channel's waiting messages would give back.
func (p *call) queuedUnits(ch relay.Channel) (units int64, more bool, err error) {
	page := relay.Page{Limit: partSize}
	for range mostPages {
		list, next, err := p.c.Relay.Store.Messages(p.ctx, relay.MessageFilter{Workspace: p.WS.ID, Channel: ch.ID, Statuses: []relay.Status{relay.Queued}}, page)
		if err != nil {
			return 0, false, err
		}
		for _, m := range list {
			units += m.Units
		}
		if page.Cursor = next; next == "" {
			return units, false, nil
		}
	}
	return units, true, nil
}

func showChannel(p *call) error {
	v, err := p.thisChannel()
	if err != nil {
		return err
	}
	return p.show("channel", v)
}

// thisChannel is the page of the channel of the path.
func (p *call) thisChannel() (channelPage, error) {
	p.Page = "channels"
	ch, err := p.channel()
	if err != nil {
		return channelPage{}, err
	}
	return p.channelPageOf(ch)
}

// checkChannel asks the provider; it sends nothing and changes nothing.
func checkChannel(p *call) error {
	p.Page = "channels"
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	found, err := p.c.Relay.Check(ctx, p.WS.ID, p.r.PathValue("ch"))
	if err != nil {
		return err
	}
	v, err := p.thisChannel()
	if err != nil {
		return err
	}
	v.Checked, v.Findings = true, found
	name := "channel"
	if p.field("from") == "connect" {
		name = "channel_connect"
	}
	if p.Htmx() {
		return p.part(name, "channel_findings", v)
	}
	return p.show(name, v)
}

func pauseChannel(p *call) error {
	ch, err := p.c.Relay.PauseChannel(p.ctx, p.WS.ID, p.r.PathValue("ch"))
	if err != nil {
		return err
	}
	return p.done(p.At("channels", ch.ID), "channels.paused_now")
}

func resumeChannel(p *call) error {
	ch, err := p.c.Relay.ResumeChannel(p.ctx, p.WS.ID, p.r.PathValue("ch"))
	if err != nil {
		return err
	}
	return p.done(p.At("channels", ch.ID), "channels.resumed_now")
}

// deleteChannel wants the name typed, as nothing brings a channel back.
func deleteChannel(p *call) error {
	v, err := p.thisChannel()
	if err != nil {
		return err
	}
	if !p.Can("owner") {
		return &relay.Error{Code: relay.CodeForbidden, Message: p.T("channels.owner_only")}
	}
	if p.field("name") != strings.TrimSpace(v.Name) {
		p.Problem = &Problem{Message: p.T("channels.name_differs"), Fields: map[string]string{"name": p.T("channels.name_differs")}}
		return p.showAs(422, "channel", v)
	}
	if err := p.c.Relay.DeleteChannel(p.ctx, p.WS.ID, v.ID); err != nil {
		return err
	}
	return p.done(p.At("channels"), "channels.deleted_now", "Name", v.Name)
}
