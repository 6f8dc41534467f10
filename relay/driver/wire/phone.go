package wire

import "relevo/relay"

// OtherPhone is a doubt where a channel's number is not that of its sender,
// which is + and digits: calls choose the channel by the one, and messages
// come from the other.
func OtherPhone(ch relay.Channel, sender string) []relay.Finding {
	if ch.Phone == "" || sender == "" || relay.Identity(ch.Phone) == relay.Identity(sender) {
		return nil
	}
	return []relay.Finding{{Subject: "phone", State: relay.Doubt, Message: "The channel's number is not that of its sender.",
		Hint: "Change the channel's number, or the sender in its settings."}}
}
