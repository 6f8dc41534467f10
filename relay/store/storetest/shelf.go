package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"relevo/relay"
)

func shelves() []ruleCase {
	return append(inboundLists(), []ruleCase{
		{"APersonIsKnownByChannelAndWorkspaceUnderTheRecipientWrittenLast", knownPeople},
		{"APersonWhomManyTellOfAtOnceIsKeptOnce", knownAtOnce},
		{"TemplatesOfANameAreFoundInTheOrderOfTheirLanguages", templatesByName},
		{"TemplatesOfAnotherChannelOrWorkspaceAreNotFound", foreignTemplates},
		{"ADeletedTemplateIsNotFoundAndItsOtherLanguagesAre", deletedTemplates},
		{"TemplatesAreListedByNameThenLanguageWhateverTheirNames", templateList},
		{"TenThousandTemplatesOfAChannelAreListed", manyTemplates},
		{"LanguagesThatAreWrittenAtOnceAreAllKept", languagesAtOnce},
		{"ARolledBackTransactionLeavesTheShelfAsItWas", shelfRolledBack},
	}...)
}

// alone writes a workspace that Verify has nothing against.
func (b *bench) alone() relay.Workspace {
	b.t.Helper()
	w := sampleWorkspace()
	w.Webhook.Token.Hash = relay.TokenHash([]byte(w.ID + w.ID)[:len(relay.TokenHash{})])
	b.update(func(t *report, tx relay.Tx) error {
		return errors.Join(tx.PutWorkspace(t.Context(), w), tx.PutToken(t.Context(), w.Webhook.Token.Hash, w.ID), tx.PutChannels(t.Context(), w.ID, sampleRefs()))
	})
	return w
}

func (b *bench) putTemplates(list ...relay.Template) {
	b.t.Helper()
	b.update(func(t *report, tx relay.Tx) error {
		for _, m := range list {
			if err := tx.PutTemplate(t.Context(), m); err != nil {
				return err
			}
		}
		return nil
	})
}

// template is one that is told by its name and language.
func template(workspace, channel, name, language string) relay.Template {
	return relay.Template{Workspace: workspace, Channel: channel, Name: name, Language: language, Status: relay.TemplateApproved}
}

func languages(t *report, tx relay.Tx, workspace, channel, name string, want ...string) {
	t.Helper()
	list, err := tx.TemplatesByName(t.Context(), workspace, channel, name)
	var got []string
	for _, m := range list {
		got = append(got, m.Language)
	}
	row(t, "languages of "+name, want)(got, err)
}

func templatesByName(t *testing.T, b *bench) {
	ws, ctx := b.alone().ID, t.Context()
	put := func(t *report, tx relay.Tx, list ...string) error {
		for _, l := range list {
			if err := tx.PutTemplate(ctx, template(ws, sampleChannelID, "hello", l)); err != nil {
				return err
			}
		}
		return nil
	}
	b.update(func(t *report, tx relay.Tx) error {
		err := put(t, tx, "es", "en_US", "en")
		languages(t, tx, ws, sampleChannelID, "hello", "en", "en_US", "es") // its own writes
		return err
	})
	b.update(func(t *report, tx relay.Tx) error { return put(t, tx, "de", "en") })
	changed := template(ws, sampleChannelID, "hello", "en")
	changed.Status, changed.Samples = relay.TemplatePaused, []string{"a"}
	b.putTemplates(changed)
	b.view(func(t *report, tx relay.Tx) error {
		languages(t, tx, ws, sampleChannelID, "hello", "de", "en", "en_US", "es")
		languages(t, tx, ws, sampleChannelID, "hell")
		languages(t, tx, ws, sampleChannelID, "hello1")
		list, err := tx.TemplatesByName(ctx, ws, sampleChannelID, "hello")
		if err == nil {
			equal(t, "the changed one", list[1], changed)
			list[1].Status, list[1].Samples[0] = "mine", "mine" // the caller's to change
			list, err = tx.TemplatesByName(ctx, ws, sampleChannelID, "hello")
			equal(t, "the changed one, read again", list[1], changed)
		}
		return err
	})
	b.verify()
}

func foreignTemplates(t *testing.T, b *bench) {
	ws, other, channel := b.alone().ID, b.alone().ID, "ch_00000000000000000001"
	b.putTemplates(template(ws, sampleChannelID, "hello", "en"), template(ws, channel, "hello", "de"), template(other, sampleChannelID, "hello", "fr"))
	for _, c := range []struct{ ws, channel, language string }{{ws, sampleChannelID, "en"}, {ws, channel, "de"}, {other, sampleChannelID, "fr"}} {
		b.view(func(t *report, tx relay.Tx) error {
			languages(t, tx, c.ws, c.channel, "hello", c.language)
			return nil
		})
		list, err := b.store.Templates(t.Context(), c.ws, c.channel)
		row(t, "templates", []relay.Template{template(c.ws, c.channel, "hello", c.language)})(list, err)
	}
	list, err := b.store.Templates(t.Context(), other, channel)
	row(t, "templates of a channel of another workspace", []relay.Template(nil))(list, err)
}

func deletedTemplates(t *testing.T, b *bench) {
	ws, ctx := b.alone().ID, t.Context()
	en, de := template(ws, sampleChannelID, "hello", "en"), template(ws, sampleChannelID, "hello", "de")
	b.putTemplates(en, de, template(ws, sampleChannelID, "other", "en"))
	b.update(func(t *report, tx relay.Tx) error {
		err := errors.Join(tx.DeleteTemplate(ctx, en), tx.DeleteTemplate(ctx, template(ws, sampleChannelID, "hello", "xx")), tx.DeleteTemplate(ctx, template(ws, sampleChannelID, "none", "en")))
		languages(t, tx, ws, sampleChannelID, "hello", "de")
		return err
	})
	list, err := b.store.Templates(ctx, ws, sampleChannelID)
	row(t, "templates", []relay.Template{de, template(ws, sampleChannelID, "other", "en")})(list, err)
	b.update(func(t *report, tx relay.Tx) error { return tx.DeleteTemplate(ctx, de) })
	b.verify()
	b.view(func(t *report, tx relay.Tx) error {
		languages(t, tx, ws, sampleChannelID, "hello")
		languages(t, tx, ws, sampleChannelID, "other", "en")
		return nil
	})
	b.update(func(t *report, tx relay.Tx) error { // away and back, in one transaction
		err := errors.Join(tx.PutTemplate(ctx, en), tx.DeleteTemplate(ctx, en))
		languages(t, tx, ws, sampleChannelID, "hello")
		return errors.Join(err, tx.PutTemplate(ctx, de))
	})
	list, err = b.store.Templates(ctx, ws, sampleChannelID)
	row(t, "templates", []relay.Template{de, template(ws, sampleChannelID, "other", "en")})(list, err)
	b.verify()
}

func templateList(t *testing.T, b *bench) {
	ws := b.alone().ID
	var want []relay.Template
	for _, name := range []string{
		"a", "a_b", "ab", "A", "Z", "é", "e\u0301", "日本語", "😀", "\U0010FFFF", "\uFFFF", "\u0001", " ", "a b", "a/b", "a:b", `a"b\c`, "'; --", "%s", "a\x00b", strings.Repeat("x", 512),
	} {
		for _, language := range []string{"pt_BR", "pt", "en"} {
			want = append(want, template(ws, sampleChannelID, name, language))
		}
	}
	b.putTemplates(want...)
	for _, m := range want {
		b.view(func(t *report, tx relay.Tx) error {
			languages(t, tx, ws, sampleChannelID, m.Name, "en", "pt", "pt_BR")
			return nil
		})
	}
	slices.SortFunc(want, func(a, b relay.Template) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Language, b.Language))
	})
	list, err := b.store.Templates(t.Context(), ws, sampleChannelID)
	if !slices.ContainsFunc(list, func(m relay.Template) bool { return m.Name == "a\x00b" }) {
		t.Error("the template with NUL in its name is not listed")
	}
	nul := func(m relay.Template) bool { return strings.Contains(m.Name, "\x00") } // its place may differ: not every store sorts it
	row(t, "templates", slices.DeleteFunc(want, nul))(slices.DeleteFunc(list, nul), err)
	b.verify()
}

func manyTemplates(t *testing.T, b *bench) {
	const n, step = 10_000, 2_500
	ws := b.alone().ID
	for from := 0; from < n; from += step {
		b.update(func(t *report, tx relay.Tx) error {
			for i := from; i < from+step; i++ {
				m := sampleTemplate(ws, sampleChannelID, "en")
				m.Name = fmt.Sprintf("template_%05d", i)
				if err := tx.PutTemplate(t.Context(), m); err != nil {
					return err
				}
			}
			return nil
		})
	}
	list, err := b.store.Templates(t.Context(), ws, sampleChannelID)
	if err != nil || len(list) != n {
		t.Fatalf("%d templates (%v), want %d", len(list), err, n)
	}
	for i, m := range list {
		if m.Name != fmt.Sprintf("template_%05d", i) {
			t.Fatalf("template %d is %s", i, m.Name)
		}
	}
	b.verify()
}

func languagesAtOnce(t *testing.T, b *bench) {
	ws := b.alone().ID
	var want []string
	var all sync.WaitGroup
	start := make(chan struct{})
	for n := range 24 {
		l := fmt.Sprintf("l%02d", n)
		want = append(want, l)
		all.Go(func() {
			<-start
			err := b.store.Update(t.Context(), func(tx relay.Tx) error {
				return tx.PutTemplate(t.Context(), template(ws, sampleChannelID, "hello", l))
			})
			if err != nil {
				t.Errorf("language %s: %v", l, err)
			}
		})
	}
	close(start)
	all.Wait()
	b.view(func(t *report, tx relay.Tx) error {
		languages(t, tx, ws, sampleChannelID, "hello", want...)
		return nil
	})
}

func shelfRolledBack(t *testing.T, b *bench) {
	ws, ctx := b.alone().ID, t.Context()
	old, in := template(ws, sampleChannelID, "old", "en"), written(ws, sampleChannelID, "+1", 1)
	b.putTemplates(old)
	b.putInbounds(in)
	err := b.store.Update(ctx, func(tx relay.Tx) error {
		changed := in
		changed.Recipient, changed.Text = "+2", "changed"
		return errors.Join(
			tx.DeleteTemplate(ctx, old), tx.PutTemplate(ctx, template(ws, sampleChannelID, "new", "en")),
			tx.PutInbound(ctx, changed), tx.PutInbound(ctx, written(ws, sampleChannelID, "+1", 2)), errMine)
	})
	if !errors.Is(err, errMine) {
		t.Fatalf("got %v, want the function's own error", err)
	}
	list, err := b.store.Templates(ctx, ws, sampleChannelID)
	row(t, "templates", []relay.Template{old})(list, err)
	for _, recipient := range []string{"", "+1"} {
		got, _, err := b.store.Inbounds(ctx, ws, sampleChannelID, recipient, relay.Page{Limit: 10})
		row(t, "inbound messages of "+recipient, []relay.InboundMessage{in})(got, err)
	}
	got, _, err := b.store.Inbounds(ctx, ws, sampleChannelID, "+2", relay.Page{Limit: 10})
	row(t, "inbound messages of +2", []relay.InboundMessage(nil))(got, err)
	b.verify()
}
