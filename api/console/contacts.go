package console

import (
	"cmp"
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"time"

	"relevo/relay"
)

func (c *Console) contactRoutes() []route {
	return []route{
		{pattern: "GET /w/{ws}/contacts", access: viewers, page: showContacts},
		{pattern: "GET /w/{ws}/contacts/opt-outs.csv", access: viewers, page: downloadOptOuts},
		{pattern: "POST /w/{ws}/contacts/opt-outs", access: owners, page: importOptOuts},
		{pattern: "GET /w/{ws}/contacts/{who}", access: viewers, page: showContact},
		{pattern: "POST /w/{ws}/contacts/{who}/opt-out", access: owners, page: optOut},
		{pattern: "POST /w/{ws}/contacts/{who}/opt-in", access: owners, page: optIn},
	}
}

// contactList is what the list of people shows.
type contactList struct {
	Rows  []contactRow
	Query string
	// Out: those on the opt-out list alone.
	Out  bool
	More string
	// Numbers and Reason are what was filled in to put people on the list, and
	// Bad the lines that are no numbers.
	Numbers, Reason string
	Bad             []string
}

// contactRow is somebody, with all that is known of them.
type contactRow struct {
	// Who names them in addresses, Number is as the provider knows it.
	Who, Number, Name string
	Chats             []relay.Chat
	// Wrote is when they last wrote, Sent when they were last written to.
	Wrote, Sent time.Time
	OptOut      *relay.OptOut
}

func showContacts(p *call) error {
	data, err := p.contacts()
	if err != nil {
		return err
	}
	p.Page = "contacts"
	return p.show("contacts", data)
}

// contacts are a page of people: those of the chats, or of the opt-out list.
func (p *call) contacts() (contactList, error) {
	d := contactList{Query: p.query("q"), Out: p.query("show") == "out"}
	page := relay.Page{Cursor: p.query("cursor"), Limit: 50}
	var next string
	var err error
	if d.Out {
		next, err = p.listedPeople(&d, page)
	} else {
		next, err = p.knownPeople(&d, page)
	}
	if next != "" {
		q := url.Values{"cursor": {next}, "q": {d.Query}}
		if d.Out {
			q.Set("show", "out")
		}
		d.More = p.At("contacts") + "?" + q.Encode()
	}
	return d, err
}

func (p *call) knownPeople(d *contactList, page relay.Page) (next string, err error) {
	chats, next, err := p.c.Relay.SearchChats(p.ctx, p.WS.ID, "", d.Query, func(c relay.Chat) bool { return !c.Group }, page)
	if err != nil {
		return "", err
	}
	at := map[string]int{}
	for _, c := range chats {
		i, known := at[c.Recipient]
		if !known {
			i = len(d.Rows)
			at[c.Recipient], d.Rows = i, append(d.Rows, contactRow{})
		}
		d.Rows[i].add(c)
	}
	out, err := p.c.Relay.OptedOut(p.ctx, p.WS, chats...)
	for i, c := range chats {
		if err == nil && out[i] {
			d.Rows[at[c.Recipient]].OptOut = &relay.OptOut{Recipient: c.Recipient}
		}
	}
	return next, err
}

// add takes a chat of the person in.
func (r *contactRow) add(c relay.Chat) {
	r.Who, r.Number, r.Name = c.Recipient, cmp.Or(r.Number, chatNumber(c)), cmp.Or(r.Name, c.Name)
	r.Chats = append(r.Chats, c)
	if c.LastInboundAt.After(r.Wrote) {
		r.Wrote = c.LastInboundAt
	}
	if c.LastOutboundAt.After(r.Sent) {
		r.Sent = c.LastOutboundAt
	}
}

// listedPeople are those on the opt-out list, from those whose number begins as
// was written.
func (p *call) listedPeople(d *contactList, page relay.Page) (string, error) {
	prefix := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -().", r) {
			return -1
		}
		return r
	}, d.Query)
	if prefix != "" && strings.Trim(prefix, "0123456789") == "" {
		prefix = "+" + prefix
	}
	list, next, err := p.c.Relay.OptOuts(p.ctx, p.WS.ID, prefix, page)
	for _, o := range list {
		row, err := p.contact(o.Recipient)
		if err != nil {
			return "", err
		}
		d.Rows = append(d.Rows, row)
	}
	return next, err
}

// contact is one person.
func (p *call) contact(who string) (contactRow, error) {
	row := contactRow{Who: relay.Identity(who)}
	chats, err := p.c.Relay.ChatsWith(p.ctx, p.WS.ID, who)
	if err != nil {
		return row, err
	}
	for _, c := range chats {
		row.add(c)
	}
	row.Who, row.Number = relay.Identity(who), cmp.Or(row.Number, who)
	o, err := p.c.Relay.OptOut(p.ctx, p.WS.ID, who)
	if err == nil {
		row.OptOut = &o
		return row, nil
	}
	if isCode(err, relay.CodeNotFound) {
		err = nil
	}
	return row, err
}

// openContact is the person of the address. Somebody of whom nothing is known
// is not there.
func (p *call) openContact() (contactRow, error) {
	row, err := p.contact(p.r.PathValue("who"))
	if err == nil && len(row.Chats) == 0 && row.OptOut == nil {
		return row, errNoPage
	}
	return row, err
}

func showContact(p *call) error {
	row, err := p.openContact()
	if err != nil {
		return err
	}
	p.Page = "contacts"
	return p.show("contact", row)
}

// optOut puts somebody on the list, and says who did.
func optOut(p *call) error {
	row, err := p.openContact()
	if err != nil {
		return err
	}
	p.Page = "contacts"
	p.about = relay.LastDigits(row.Who)
	_, _, err = p.c.Relay.PutOptOut(p.ctx, relay.OptOut{Workspace: p.WS.ID, Recipient: row.Who, Reason: p.field("reason"), By: p.User.Email})
	if err != nil {
		return p.again(err, "contact", row)
	}
	return p.done(p.At("contacts", row.Who), "contacts.now_out")
}

func optIn(p *call) error {
	row, err := p.openContact()
	if err != nil {
		return err
	}
	p.Page = "contacts"
	p.about = relay.LastDigits(row.Who)
	if err := p.c.Relay.DeleteOptOut(p.ctx, p.WS.ID, row.Who); err != nil {
		return p.again(err, "contact", row)
	}
	return p.done(p.At("contacts", row.Who), "contacts.now_in")
}

// maxImport is how many numbers are put on the list at once.
const maxImport = 1000

// importOptOuts puts the numbers of a text on the list: one in a line, or with
// commas or semicolons between them. Nothing is done where one of them is none.
func importOptOuts(p *call) error {
	data, err := p.contacts()
	if err != nil {
		return err
	}
	p.Page = "contacts"
	data.Numbers, data.Reason = p.field("numbers"), p.field("reason")
	var phones []string
	for line := range strings.FieldsFuncSeq(data.Numbers, func(r rune) bool { return strings.ContainsRune("\r\n,;\t", r) }) {
		line = strings.Trim(line, ` "'`)
		if line == "" {
			continue
		}
		phone, ok := p.c.Phone(line, p.WS.Country)
		if !ok && len(data.Bad) < 10 {
			data.Bad = append(data.Bad, p.Short(line, 40))
		}
		phones = append(phones, phone)
	}
	switch {
	case len(phones) == 0:
		return p.amiss("numbers", "contacts.no_numbers", "contacts", data)
	case len(phones) > maxImport:
		return p.amiss("numbers", "contacts.too_many", "contacts", data)
	case len(data.Bad) > 0:
		return p.amiss("numbers", "contacts.bad_numbers", "contacts", data)
	}
	for _, phone := range phones {
		_, _, err := p.c.Relay.PutOptOut(p.ctx, relay.OptOut{Workspace: p.WS.ID, Recipient: phone, Reason: data.Reason, By: p.User.Email})
		if err != nil {
			return p.again(err, "contacts", data)
		}
	}
	p.about = p.Num(len(phones))
	return p.doneN(p.At("contacts")+"?show=out", "contacts.imported", len(phones))
}

// doneN is done for a text that depends on a number.
func (p *call) doneN(path, flash string, n int) error {
	p.c.sessions.Put(p.ctx, sessionFlash, p.N(flash, n))
	return p.goTo(path)
}

// downloadOptOuts is the list as a table. A cell that a spreadsheet would take
// for a formula begins with an apostrophe, but for a number.
func downloadOptOuts(p *call) error {
	h := p.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="opt-outs-`+p.WS.ID+"-"+time.Now().UTC().Format(time.DateOnly)+`.csv"`)
	h.Set("Cache-Control", "no-store")
	p.w.WriteHeader(http.StatusOK)
	if p.r.Method == http.MethodHead {
		return nil
	}
	_, _ = p.w.Write([]byte("\uFEFF")) // a client that went away
	w := csv.NewWriter(p.w)
	w.UseCRLF = true // RFC 4180
	defer w.Flush()
	_ = w.Write([]string{"phone", "since", "by", "reason", "channel_id", "chat_id"})
	for page := (relay.Page{Limit: 200}); ; {
		p.goOn()
		list, next, err := p.c.Relay.OptOuts(p.ctx, p.WS.ID, "", page)
		if err != nil {
			p.c.Log.Error("download of the opt-out list ended early", "workspace", p.WS.ID, "error", err)
			panic(http.ErrAbortHandler) // half a list must not pass for a whole one
		}
		for _, o := range list {
			_ = w.Write([]string{cell(o.Recipient), o.At.UTC().Format(time.RFC3339), cell(o.By), cell(o.Reason), o.Channel, o.Chat})
		}
		if w.Flush(); w.Error() != nil {
			return nil // a client that went away
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}

func cell(s string) string {
	if !IsFormula(s) || s[0] == '+' && strings.Trim(s[1:], "0123456789") == "" {
		return s
	}
	return "'" + s
}
