package main

import (
	"strings"
	"testing"

	"relevo/relay"
)

func TestSendTellsAMistypedURLBeforeItIsCalled(t *testing.T) {
	token := relay.NewToken()
	last := byte('0')
	if strings.HasSuffix(token, "0") {
		last = '1'
	}
	mistyped := token[:len(token)-1] + string(last)
	got := runWith(t, nil, "send", "--hook", "http://127.0.0.1:1/hook/"+mistyped, "--phone", "+14155550100", "--text", "x")
	if got.code != exitUsage || !strings.Contains(got.errout, "mistyped") || strings.Contains(got.errout, mistyped) {
		t.Errorf("%+v", got)
	}
}
