package outbound

import (
	"testing"
	"time"

	"relevo/relay"
)

// The vector is the reference library's own:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/go/webhook_test.go
func TestASignatureIsThatOfTheStandard(t *testing.T) {
	p := relay.Posting{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Body: `{"test": 2432232314}`, Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got, err := sign(p, time.Unix(1614265330, 0)); err != nil || got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
	p.Secrets = append(p.Secrets, p.Secrets[0])
	if got, err := sign(p, time.Unix(1614265330, 0)); err != nil || got != want+" "+want {
		t.Errorf("got %s (%v), want it twice", got, err)
	}
}

func TestARetryIsReadAsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "0": 0, "-1": 0, "90": 90 * time.Second, " 90 ": 90 * time.Second, "1.5": 0, "99999999999999": 0,
		"Tue, 03 Mar 2026 12:01:00 GMT": time.Minute, "Tue, 03 Mar 2026 11:00:00 GMT": 0, "soon": 0,
	} {
		if got := retryAfter(v, now); got != want {
			t.Errorf("%q: got %s, want %s", v, got, want)
		}
	}
}
