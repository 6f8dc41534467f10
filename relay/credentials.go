package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// warnBefore is when owners are told that credentials end, in days, each once.
var warnBefore = [...]int{14, 3, 1}

// daysLeft is how many whole days credentials last yet; ok is false where
// their end is not known.
func (c Channel) daysLeft(now time.Time) (days int, ok bool) {
	if c.CredentialsUntil.IsZero() {
		return 0, false
	}
	return int(max(0, c.CredentialsUntil.Sub(now)) / (24 * time.Hour)), true
}

// Notices are what the owner of a channel should know, in words.
func (r *Relay) Notices(c Channel, now time.Time) (list []string) {
	if days, ok := c.daysLeft(now); ok && days < warnBefore[0] {
		when := c.CredentialsUntil.UTC().Format("2006-01-02 15:04 UTC")
		if c.CredentialsUntil.After(now) {
			list = append(list, fmt.Sprintf("The access token ends at %s, in %s. Make a new one and paste it into this channel's settings before.", when, countDays(days)))
		} else {
			list = append(list, "The access token ended at "+when+". Nothing is sent until a new one is pasted into this channel's settings.")
		}
	}
	if c.TemplatesFault != "" {
		list = append(list, "The list of templates could not be read: "+c.TemplatesFault)
	}
	if until := r.Outage(c, now); !until.IsZero() {
		list = append(list, fmt.Sprintf("The provider is out of order; messages wait and nothing is lost. The next try is at %s.", until.UTC().Format("15:04:05 UTC")))
	}
	return list
}

// Outage is until when a channel waits because its provider is out of order;
// the zero time where it does not.
func (r *Relay) Outage(c Channel, now time.Time) time.Time {
	r.breakers.meet(c) // it may have sent nothing yet
	return r.breakers.shut(c.ID, now)
}

func countDays(n int) string {
	switch n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// noteCredentials remembers until when a check says that credentials last. A
// check that found something else and no end leaves what is known: it may have come to
// no answer, or they may have ended.
func (r *Relay) noteCredentials(ctx context.Context, ch Channel, findings []Finding) error {
	var until time.Time
	well := true
	for _, f := range findings {
		well = well && f.State == Well
		if !f.Until.IsZero() && (until.IsZero() || f.Until.Before(until)) {
			until = f.Until.UTC()
		}
	}
	if until.Equal(ch.CredentialsUntil) || until.IsZero() && !well {
		return nil
	}
	return r.update(ctx, ch.Workspace, func(tx Tx) error {
		cur, err := tx.Channel(ctx, ch.Workspace, ch.ID)
		if err != nil || !bytes.Equal(cur.Settings, ch.Settings) { // others were checked
			return err
		}
		cur.CredentialsUntil, cur.CredentialsWarned = until, 0
		return tx.PutChannel(ctx, cur)
	})
}

// CheckCredentials checks all channels whose credentials may end, and warns of
// those that end soon. Run it once a day.
func (r *Relay) CheckCredentials(ctx context.Context) error {
	return r.eachChannel(ctx, func(ch Channel) {
		if _, ok := r.Drivers[ch.Kind].(Checker); !ok {
			return
		}
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := r.Check(limited, ch.Workspace, ch.ID); err != nil {
			r.Log.Warn("check channel", "channel", ch.ID, "error", err)
			return
		}
		if err := r.warnOfEnd(ctx, ch); err != nil {
			r.Log.Error("warn of the end of credentials", "channel", ch.ID, "error", err)
		}
	})
}

// warnOfEnd warns once for each of warnBefore that has been reached.
func (r *Relay) warnOfEnd(ctx context.Context, ch Channel) error {
	reached := 0
	err := r.update(ctx, ch.Workspace, func(tx Tx) error {
		reached = 0
		cur, err := tx.Channel(ctx, ch.Workspace, ch.ID)
		if err != nil {
			return err
		}
		days, ok := cur.daysLeft(time.Now())
		for _, n := range warnBefore {
			if ok && days < n {
				reached = n
			}
		}
		if reached == 0 || cur.CredentialsWarned != 0 && cur.CredentialsWarned <= reached {
			reached = 0
			return nil
		}
		cur.CredentialsWarned, ch = reached, cur
		return tx.PutChannel(ctx, cur)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil && reached > 0 {
		r.Log.Warn("a channel's credentials end soon", "workspace", ch.Workspace, "channel", ch.ID, "until", ch.CredentialsUntil, "days_before", reached)
	}
	return err
}
