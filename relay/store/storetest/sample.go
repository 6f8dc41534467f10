package storetest

import (
	"context"
	"encoding/json"
	"time"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

// at is a time with every digit that a row must keep.
var at = time.Date(2026, 2, 28, 23, 59, 59, 123456000, time.UTC)

func sampleWorkspace() relay.Workspace {
	return relay.Workspace{
		ID: relay.NewID("ws_"), Name: "Łódź & Söhne \"1\"", CreatedAt: at, NextChat: 10003, Country: "MX", TimeZone: "America/Mexico_City", OptedOut: 2,
		Webhook: relay.Webhook{
			Enabled: true, Token: relay.SealedToken{Hash: relay.TokenHash{1, 2, 3}, Sealed: []byte{0, 255, 7}},
			Previous:      &relay.SealedToken{Hash: relay.TokenHash{9}, Sealed: []byte("old")},
			PreviousUntil: at.Add(time.Hour), PreviousUsedAt: at.Add(time.Minute), PreviousUsedBy: "Zapier", RotatedAt: at.Add(time.Second),
			RatePerMinute: 60, DedupeSeconds: 30, Strict: true, AllowMergeTags: true, Test: true, ListenUntil: at.Add(time.Minute), Captured: "att_1",
			Mapping: &relay.Mapping{Preset: "p", Fields: map[string]relay.MappedField{"phone": {Path: "a.b"}, "text": {Value: "é {c|d}", Default: "e"}}},
		},
		Plan:          &quota.Plan{Units: 5, Schedule: "0 0 1 * *", RollOver: true, Since: at},
		Subscriptions: []relay.Subscription{{Endpoint: "ep_1", Types: []relay.EventType{relay.EventSent, relay.EventRead}, Form: relay.FormStandard, Disabled: true, Reason: "it broke"}},
		Meter:         relay.Meter{Full: 1 << 40, Told: 80},
	}
}

func sampleLane(id string) queue.Lane {
	return queue.Lane{
		ID: id, Workspace: relay.WorkspaceOfLane(id), Group: sampleChannelID, NextFree: at, Epoch: 7, Paused: true, Hold: "no balance", Home: "node-b",
		Lease:   queue.Lease{Lane: id, Item: messageID(1), Owner: "node-a", Epoch: 7, Try: 2, Until: at.Add(time.Minute)},
		Spacing: queue.Spacing{Min: time.Second, Max: 2500 * time.Millisecond}, Depth: 1, LastSeq: 12, LastEnd: at.Add(-time.Second),
	}
}

func sampleItem(lane string) queue.Item {
	return queue.Item{ID: messageID(1), Lane: lane, Recipient: "+14151231234", Seq: 12, NotBefore: at, Expires: at.Add(time.Hour), Unready: true, Out: true, Try: 2}
}

func sampleMessage(workspace, channel string) relay.Message {
	return relay.Message{
		ID: messageID(1), Workspace: workspace, Channel: channel, ChatID: "10001", Recipient: "+525512345678", Address: "+5215512345678", Lane: channel,
		Status: relay.Unknown, Units: 2, Charge: 3, Text: "héllo\n\u0000 😀 <&>",
		File:      &relay.File{URL: "https://example.com/a.png?x=1&y=2", Name: "a b.png", Kind: relay.Image, Key: "k", Type: "image/png", Size: 1 << 40},
		Template:  &relay.TemplateCall{Name: "t", Language: "en", Variables: []string{"a", ""}, Names: []string{"x", "y"}, Buttons: []string{"", "z"}},
		CreatedAt: at, SendAt: at.Add(time.Hour), ExpiresAt: at.Add(2 * time.Hour), Tries: 4, ProviderID: "wamid.HBg=",
		Failure: &relay.Failure{Code: relay.CodeRefused, Message: "no"}, PartOf: messageID(8), Parts: []string{messageID(1), messageID(2)},
		History: []relay.Change{
			{At: at, Status: relay.Queued, Applied: true, Note: "n"},
			{At: at.Add(time.Nanosecond), Status: relay.Failed, Try: 1, Failure: &relay.Failure{Code: relay.CodeRefused, Message: "no"}},
		},
		Nonce: 1<<64 - 1, HandedAt: at.Add(time.Second), UnknownAt: at.Add(time.Minute), Doubted: true, Erased: true, ResendOf: messageID(9), ResentAs: messageID(8),
	}
}

func sampleChannel(workspace, id string) relay.Channel {
	return relay.Channel{
		ID: id, Workspace: workspace, Kind: "sandbox", Name: "n", Phone: "+15105566777", State: relay.Held, Reason: "why", Paused: true,
		SpacingMin: 1500 * time.Millisecond, SpacingMax: 2500 * time.Millisecond, Concurrency: 3, MaxFileBytes: 2 << 20,
		ConnectedAt: at, CreatedAt: at.Add(-time.Hour), DeletedAt: at.Add(time.Hour), Settings: json.RawMessage(`{"a":[1,null]}`), AtLeastOnce: true,
		Account: "AC1", Fallback: &relay.TemplateRef{Name: "t", Language: "en"}, NoFilesOut: true, NoFilesIn: true, TemplatesAt: at, TemplatesFault: "f",
		CredentialsUntil: at.Add(time.Hour), CredentialsWarned: 7, NamelessAt: at.Add(-time.Minute),
		CallbackKey: "NOBODYCANGUESSIT", VerifyToken: "VERIFY", CallbacksSince: at.Add(-24 * time.Hour), CallbackAt: at,
	}
}

func sampleChat(workspace, channel string) relay.Chat {
	return relay.Chat{
		Workspace: workspace, Channel: channel, Recipient: "123-456@g.us", ID: "10001", Name: "Zoë", Group: true,
		Address: "a", Confirmed: true, User: sampleUser, Twin: true, CreatedAt: at, LastInboundAt: at.Add(time.Second), LastOutboundAt: at.Add(2 * time.Second), WaitsUntil: at.Add(time.Hour),
	}
}

func sampleAttempt(workspace string) relay.Attempt {
	return relay.Attempt{
		ID: "att_1", Workspace: workspace, At: at, RemoteIP: "2001:db8::1", Sender: "curl/8", ErrorCode: relay.CodeInvalidField, Field: "phone",
		Message: "m", MessageID: messageID(1), Recipient: "+14151231234", Units: 2, Replayed: true, Count: 9, LastAt: at.Add(time.Minute), Warnings: []string{"w"},
		Body: []byte{0, 1, 0xFF, '"'}, RequestID: "r", Excerpt: "{\n ^", Line: 2, Column: 3, PreviousURL: true, Tool: "Zapier", Fix: "f", Test: true, Captured: true,
	}
}

func sampleAccount(id string) quota.Account {
	return quota.Account{ID: id, Granted: 10, Available: 5, Reserved: 3, Spent: 2, Expiring: 4, Period: "2026-02", LastAt: at.Truncate(time.Microsecond), Frozen: true}
}

func sampleEntry(account string, kind quota.Kind, ref string) quota.Entry {
	return quota.Entry{Account: account, Kind: kind, Ref: ref, Units: 3, At: at.Truncate(time.Microsecond), AvailableAfter: 5, Shortfall: 1, FromExpiring: 2, Period: "2026-02"}
}

func sampleTemplate(workspace, channel, language string) relay.Template {
	return relay.Template{
		Workspace: workspace, Channel: channel, ID: "594425479261596", Name: "order_\u00e9\u4e16", Language: language, Category: relay.Utility,
		Status: relay.TemplateRejected, Reason: "INVALID_FORMAT \u0000 <&>", Header: &relay.TemplateHeader{Kind: "text", Text: "Hi {{1}}", Sample: "Ann"},
		Body: "Your order {{1}}\nis {{2}} 😀", Samples: []string{"7", ""}, Footer: "f",
		Buttons:  []relay.TemplateButton{{Type: "url", Text: "Track", URL: "https://example.com/{{1}}", Sample: "https://example.com/7"}, {Type: "phone_number", Text: "Call", Phone: "+1"}},
		SyncedAt: at,
	}
}

func sampleInbound(workspace, channel string) relay.InboundMessage {
	return relay.InboundMessage{
		ID: messageID(7), Workspace: workspace, Channel: channel, ChatID: "10001", Recipient: "123-456@g.us", ProviderID: "wamid.XYZ=", Kind: "image", Text: "héllo\n\u0000 😀 <&>",
		Author: "+14151231234", AuthorName: "Zoë",
		Files: []relay.ReceivedFile{
			{InboundFile: relay.InboundFile{URL: "https://example.com/a?x=1&y=2", ID: "123", Auth: true, Name: "a b.png", Type: "image/png", Caption: "c"}, Key: "k", Size: 1 << 40},
			{InboundFile: relay.InboundFile{ID: "124"}, Missing: "It is gone."},
		},
		At: at.Add(time.Nanosecond),
	}
}

func sampleCard(workspace string) relay.Card {
	return card(workspace, "+14151231234 \u0001 é <&>", at)
}

const (
	sampleChannelID = "ch_00000000000000000000"
	sampleUser      = "US.13491208655302741918"
)

// fillRows writes one row of every kind, with every field set.
func fillRows(ctx context.Context, tx relay.Tx, w relay.Workspace) error {
	ch, lane := sampleChannelID, w.ID+"/"+sampleChannelID
	key := relay.APIKey{ID: "key_1", Workspace: w.ID, Name: "n", Hash: relay.TokenHash{5}, CreatedAt: at}
	for _, write := range []func() error{
		func() error { return tx.PutWorkspace(ctx, w) },
		func() error { return tx.PutToken(ctx, w.Webhook.Token.Hash, w.ID) },
		func() error { return tx.PutCallback(ctx, ch, w.ID) },
		func() error { return tx.PutAPIKey(ctx, key) },
		func() error { return tx.PutLane(ctx, sampleLane(lane)) },
		func() error { return tx.PutItem(ctx, sampleItem(lane)) },
		func() error { return tx.PutChannel(ctx, sampleChannel(w.ID, ch)) },
		func() error { return tx.PutChannels(ctx, w.ID, sampleRefs()) },
		func() error { return tx.PutChat(ctx, sampleChat(w.ID, ch)) },
		func() error { return tx.PutAccount(ctx, sampleAccount(w.ID)) },
		func() error { return tx.PostEntry(ctx, sampleEntry(w.ID, quota.KindGrant, "invoice 1")) },
		func() error { return tx.PostEntry(ctx, sampleEntry(w.ID, quota.KindDebit, messageID(1))) },
		func() error { return tx.PutMessage(ctx, sampleMessage(w.ID, ch)) },
		func() error { return tx.AppendAttempt(ctx, sampleAttempt(w.ID)) },
		func() error { return tx.PutKey(ctx, w.ID, "k", sampleKeyUse()) },
		func() error { return tx.PutFetch(ctx, sampleFetch(w.ID)) },
		func() error { return tx.PutTemplate(ctx, sampleTemplate(w.ID, ch, "pt_BR")) },
		func() error { return tx.PutTemplate(ctx, sampleTemplate(w.ID, ch, "en")) },
		func() error { return tx.PutInbound(ctx, sampleInbound(w.ID, ch)) },
		func() error { return tx.PutUser(ctx, w.ID, ch, sampleUser, "+525512345678") },
		func() error { return tx.PutCard(ctx, sampleCard(w.ID)) },
		func() error {
			return tx.Count(ctx, w.ID, at, relay.Counts{Channel: ch, Sent: 3, Failed: 2, Delivered: 1, Received: 1})
		},
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func sampleRefs() []relay.ChannelRef {
	return []relay.ChannelRef{{ID: sampleChannelID, Phone: "+1", State: relay.Connected, ConnectedAt: at}, {ID: "ch_2", State: relay.Held, ConnectedAt: at}}
}

func sampleKeyUse() relay.KeyUse {
	return relay.KeyUse{Fingerprint: [32]byte{1, 0xFF}, MessageID: messageID(1), At: at}
}

func sampleFetch(workspace string) relay.Fetch {
	return relay.Fetch{MessageID: messageID(1), Workspace: workspace, Next: at, Tries: 2, Since: at.Add(-time.Second)}
}

// checkRows reads every row of fillRows again.
func checkRows(t *report, tx relay.Tx, w relay.Workspace) error {
	ctx, ch, lane := t.Context(), sampleChannelID, w.ID+"/"+sampleChannelID
	row(t, "callback", w.ID)(tx.WorkspaceByCallback(ctx, ch))
	row(t, "workspace", w)(tx.Workspace(ctx, w.ID))
	row(t, "token", w.ID)(tx.WorkspaceByToken(ctx, w.Webhook.Token.Hash))
	row(t, "api key", relay.APIKey{ID: "key_1", Workspace: w.ID, Name: "n", Hash: relay.TokenHash{5}, CreatedAt: at})(tx.APIKey(ctx, relay.TokenHash{5}))
	row(t, "lane", sampleLane(lane))(tx.Lane(ctx, lane))
	row(t, "item", sampleItem(lane))(tx.Item(ctx, lane, messageID(1)))
	row(t, "channel", sampleChannel(w.ID, ch))(tx.Channel(ctx, w.ID, ch))
	row(t, "roster", sampleRefs())(tx.Channels(ctx, w.ID))
	row(t, "chat", sampleChat(w.ID, ch))(tx.Chat(ctx, w.ID, ch, "123-456@g.us"))
	row(t, "chat by number", sampleChat(w.ID, ch))(tx.ChatByID(ctx, w.ID, "10001"))
	row(t, "chats by name", []string{"10001"})(tx.ChatsByName(ctx, w.ID, "Zoë"))
	row(t, "account", sampleAccount(w.ID))(tx.Account(ctx, w.ID))
	for _, e := range []quota.Entry{sampleEntry(w.ID, quota.KindGrant, "invoice 1"), sampleEntry(w.ID, quota.KindDebit, messageID(1))} {
		got, found, err := tx.Entry(ctx, w.ID, e.Kind, e.Ref)
		if !found {
			t.Errorf("entry %s %s was not found", e.Kind, e.Ref)
		}
		row(t, "entry", e)(got, err)
	}
	row(t, "message", sampleMessage(w.ID, ch))(tx.Message(ctx, w.ID, messageID(1)))
	row(t, "message by provider", messageID(1))(tx.MessageByProvider(ctx, w.ID, ch, "wamid.HBg="))
	row(t, "attempts", []relay.Attempt{sampleAttempt(w.ID)})(tx.LastAttempts(ctx, w.ID, 3))
	row(t, "key", sampleKeyUse())(tx.Key(ctx, w.ID, "k"))
	row(t, "fetch", sampleFetch(w.ID))(tx.Fetch(ctx, w.ID, messageID(1)))
	languages := []relay.Template{sampleTemplate(w.ID, ch, "en"), sampleTemplate(w.ID, ch, "pt_BR")}
	row(t, "templates", languages)(tx.TemplatesByName(ctx, w.ID, ch, languages[0].Name))
	row(t, "inbound message", sampleInbound(w.ID, ch))(tx.InboundMessage(ctx, w.ID, messageID(7)))
	row(t, "recipient of a user", "+525512345678")(tx.RecipientOfUser(ctx, w.ID, ch, sampleUser))
	row(t, "card", sampleCard(w.ID))(tx.Card(ctx, cardKind, w.ID, sampleCard(w.ID).Key))
	return nil
}

func row[T any](t reporter, what string, want T) func(T, error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		equal(t, what, got, want)
	}
}
