package console

import "relevo/relay"

// downloadPerson answers with everything about somebody as a file, by any form
// of their number, or the id under which a provider knows them.
func downloadPerson(p *call) error {
	who := p.field("phone")
	if phone, ok := p.c.Phone(who, p.WS.Country); ok {
		who = phone
	}
	send, err := p.c.Person(p.ctx, p.WS.ID, who)
	if isCode(err, relay.CodeInvalidPhone) {
		data := p.settings(settingsForm{p.WS.Name, p.WS.TimeZone, p.WS.Country})
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
