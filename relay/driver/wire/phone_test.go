package wire

import (
	"testing"

	"relevo/relay"
)

func TestANumberIsComparedWithTheSendersInEitherForm(t *testing.T) {
	for _, c := range []struct {
		phone, sender string
		found         int
	}{
		{"+14155238886", "+14155238886", 0},
		{"+5215512345678", "+525512345678", 0},
		{"", "+14155238886", 0},
		{"+14155238886", "", 0},
		{"+14155238887", "+14155238886", 1},
	} {
		if got := OtherPhone(relay.Channel{Phone: c.phone}, c.sender); len(got) != c.found {
			t.Errorf("%+v: found %+v", c, got)
		}
	}
}
