package console

import "relevo/relay"

// personOf is somebody as they were written: a number in any form, or a
// provider's id.
func (p *call) personOf(field string) string {
	who := p.field(field)
	if phone, ok := p.c.Phone(who, p.WS.Country); ok {
		return phone
	}
	return who
}

// ownSettings is the page of settings as they are.
func (p *call) ownSettings() settingsPage {
	return p.settings(settingsForm{p.WS.Name, p.WS.TimeZone, p.WS.Country})
}

// downloadPerson answers with everything about somebody as a file, by any form
// of their number, or the id under which a provider knows them.
func downloadPerson(p *call) error {
	who := p.personOf("phone")
	send, err := p.c.Person(p.ctx, p.WS.ID, who)
	if isCode(err, relay.CodeInvalidPhone) {
		data := p.ownSettings()
		data.Who = p.field("phone")
		return p.againField("phone", p.T("settings.person_wrong"), "settings", data)
	}
	if err != nil {
		return err
	}
	p.note("person_exported", relay.LastDigits(who)) // before: half a download tells of them too
	send(p.w)
	return nil
}

// erasePerson takes somebody out of the workspace, whose number was written
// twice.
func erasePerson(p *call) error {
	who := p.personOf("erase")
	wrong := func(field, key string) error {
		data := p.ownSettings()
		data.Erase, data.Again = p.field("erase"), p.field("again")
		return p.againField(field, p.T(key), "settings", data)
	}
	if who == "" {
		return wrong("erase", "settings.person_wrong")
	}
	if relay.Identity(p.personOf("again")) != relay.Identity(who) {
		return wrong("again", "settings.erase_differs")
	}
	done, err := p.c.Erase(p.ctx, p.WS.ID, who)
	if isCode(err, relay.CodeInvalidPhone) {
		return wrong("erase", "settings.person_wrong")
	}
	if err != nil {
		return err
	}
	p.about = relay.LastDigits(who)
	if done.Left > 0 {
		return p.doneN(p.At("settings")+"#person", "settings.erase_left", done.Left)
	}
	return p.done(p.At("settings")+"#person", "settings.erased", "Messages", p.Num(done.Messages), "Inbound", p.Num(done.Inbound))
}
