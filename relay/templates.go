package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Templates are those of a channel, as they were last read.
func (r *Relay) Templates(ctx context.Context, workspace, channel string) (Channel, []Template, error) {
	ch, err := r.Channel(ctx, workspace, channel)
	if err != nil {
		return ch, nil, err
	}
	list, err := r.Store.Templates(ctx, workspace, channel)
	return ch, list, err
}

// templater is a channel with its settings in the clear, and its driver.
// CodeTemplateUnsupported where its kind has no templates.
func (r *Relay) templater(ctx context.Context, workspace, channel string) (Channel, Templater, error) {
	ch, err := r.Channel(ctx, workspace, channel)
	if err != nil {
		return ch, nil, err
	}
	d, ok := r.Drivers[ch.Kind].(Templater)
	if !ok {
		return ch, nil, Refusef(CodeTemplateUnsupported, "Channels of this kind have no templates.")
	}
	ch, err = r.opened(ch)
	return ch, d, err
}

// SyncTemplates reads the list of a channel's templates from its provider. An
// *Error of CodeProviderFailed says in words why it could not be read; what
// was known stays.
func (r *Relay) SyncTemplates(ctx context.Context, workspace, channel string) ([]Template, error) {
	ch, d, err := r.templater(ctx, workspace, channel)
	if err != nil {
		return nil, err
	}
	began := time.Now().UTC()
	list, err := d.Templates(ctx, ch)
	if err != nil {
		fault := providerError(err)
		return nil, errors.Join(fault, r.noteSync(ctx, ch, time.Time{}, fault.Message))
	}
	for i := range list {
		list[i].Workspace, list[i].Channel, list[i].SyncedAt = workspace, channel, began
	}
	kept, err := r.Store.Templates(ctx, workspace, channel)
	if err != nil {
		return nil, err
	}
	if err := r.keepTemplates(ctx, ch, began, templateDiff(kept, list)); err != nil {
		return nil, err
	}
	return list, r.noteSync(ctx, ch, began, "")
}

// providerError is why a provider did not do what it was asked, for the owner.
func providerError(err error) *Error {
	var ours *Error
	if errors.As(err, &ours) {
		return ours
	}
	e := &Error{Code: CodeProviderFailed, Message: "The provider gave no answer that could be read. Try again in a minute.", Err: err}
	var se *SendError
	if errors.As(err, &se) && se.Reason != "" {
		e.Message = "The provider did not do it: " + se.Reason
	}
	return e
}

// templateChange is one template to write, or to forget.
type templateChange struct {
	t    Template
	gone bool
}

func templateDiff(kept, list []Template) (changes []templateChange) {
	type id struct{ name, language string }
	now := make(map[id]bool, len(list))
	was := make(map[id]Template, len(kept))
	for _, t := range kept {
		was[id{t.Name, t.Language}] = t
	}
	for _, t := range list {
		now[id{t.Name, t.Language}] = true
		if old, ok := was[id{t.Name, t.Language}]; !ok || !old.same(t) {
			changes = append(changes, templateChange{t: t})
		}
	}
	for _, t := range kept {
		if !now[id{t.Name, t.Language}] {
			changes = append(changes, templateChange{t: t, gone: true})
		}
	}
	return changes
}

// same compares what the provider tells.
func (t Template) same(o Template) bool {
	if t.ID != o.ID || t.Category != o.Category || t.Status != o.Status || t.Reason != o.Reason || t.Body != o.Body || t.Footer != o.Footer {
		return false
	}
	if (t.Header == nil) != (o.Header == nil) || t.Header != nil && *t.Header != *o.Header {
		return false
	}
	return slices.Equal(t.Samples, o.Samples) && slices.Equal(t.Buttons, o.Buttons)
}

// keepTemplates writes changes of a list that was read from began on. What the
// provider told meanwhile by itself is newer, and another account's list is
// another list.
func (r *Relay) keepTemplates(ctx context.Context, ch Channel, began time.Time, changes []templateChange) error {
	for some := range slices.Chunk(changes, batch) {
		err := r.update(ctx, ch.Workspace, func(tx Tx) error {
			now, err := tx.Channel(ctx, ch.Workspace, ch.ID)
			if err != nil || now.Account != ch.Account {
				return err
			}
			w, err := tx.Workspace(ctx, ch.Workspace)
			if err != nil {
				return err
			}
			for _, c := range some {
				cur, err := templateOf(ctx, tx, c.t)
				switch {
				case err != nil && !errors.Is(err, ErrNotFound):
					return err
				case err == nil && cur.SyncedAt.After(began):
					continue
				case c.gone:
					err = tx.DeleteTemplate(ctx, c.t)
				default:
					err = tx.PutTemplate(ctx, c.t)
				}
				if err != nil && !errors.Is(err, ErrNotFound) {
					return err
				}
				if now.TemplatesAt.IsZero() { // the first list is no news
					continue
				}
				if err := emitTemplate(ctx, tx, w, c.told()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// told is the template as its owner hears of it.
func (c templateChange) told() Template {
	if c.gone {
		c.t.Status, c.t.Reason = TemplateDeleted, ""
	}
	return c.t
}

// templateOf finds one by its name and language. ErrNotFound.
func templateOf(ctx context.Context, tx Tx, t Template) (Template, error) {
	found, err := tx.TemplatesByName(ctx, t.Workspace, t.Channel, t.Name)
	if err != nil {
		return Template{}, err
	}
	for _, f := range found {
		if f.Language == t.Language {
			return f, nil
		}
	}
	return Template{}, ErrNotFound
}

// noteSync remembers when the list was read, or why it was not.
func (r *Relay) noteSync(ctx context.Context, ch Channel, at time.Time, fault string) error {
	return r.update(ctx, ch.Workspace, func(tx Tx) error {
		cur, err := tx.Channel(ctx, ch.Workspace, ch.ID)
		if err != nil {
			return err
		}
		if cur.Account != ch.Account || cur.TemplatesFault == fault && at.IsZero() {
			return nil
		}
		cur.TemplatesFault = fault
		if !at.IsZero() {
			cur.TemplatesAt = at
		}
		return tx.PutChannel(ctx, cur)
	})
}

// SyncAllTemplates reads the lists of all channels that have one. A channel
// whose provider does not answer is left for the next time.
func (r *Relay) SyncAllTemplates(ctx context.Context) error {
	return r.eachChannel(ctx, func(ch Channel) {
		if _, ok := r.Drivers[ch.Kind].(Templater); !ok || ch.State != Connected {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := r.SyncTemplates(ctx, ch.Workspace, ch.ID); err != nil {
			r.Log.Warn("templates were not read", "channel", ch.ID, "error", err)
		}
	})
}

// eachChannel calls fn with every channel of every live workspace.
func (r *Relay) eachChannel(ctx context.Context, fn func(Channel)) error {
	for p := (Page{Limit: 100}); ; {
		found, next, err := r.Store.Workspaces(ctx, p)
		if err != nil {
			return err
		}
		for _, w := range found {
			if !w.DeletedAt.IsZero() {
				continue
			}
			list, err := r.Channels(ctx, w.ID)
			if isCode(err, CodeNotFound) {
				continue // deleted just now
			}
			if err != nil {
				return fmt.Errorf("channels of workspace %s: %w", w.ID, err)
			}
			for _, ch := range list {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				fn(ch)
			}
		}
		if p.Cursor = next; next == "" {
			return nil
		}
	}
}

// SubmitTemplate hands a template in for approval, once it keeps the rules of
// CheckTemplate.
func (r *Relay) SubmitTemplate(ctx context.Context, workspace, channel string, t Template) (Template, error) {
	ch, d, err := r.templater(ctx, workspace, channel)
	if err != nil {
		return t, err
	}
	t.Language = LanguageCode(t.Language)
	if err := CheckTemplate(t); err != nil {
		return t, err
	}
	sample, done, err := r.sampleFile(ctx, workspace, t)
	if err != nil {
		return t, err
	}
	defer done()
	made, err := d.Submit(ctx, ch, t, sample)
	if err != nil {
		return t, providerError(err)
	}
	made.Workspace, made.Channel, made.SyncedAt = workspace, channel, time.Now().UTC()
	return made, r.update(ctx, workspace, func(tx Tx) error {
		w, err := tx.Workspace(ctx, workspace)
		if err != nil {
			return err
		}
		if err := tx.PutTemplate(ctx, made); err != nil {
			return err
		}
		return emitTemplate(ctx, tx, w, made)
	})
}

// changeTemplates applies what a provider told of templates by itself. One
// that is not known yet comes with the next list.
func (r *Relay) changeTemplates(ctx context.Context, ch Channel, at time.Time, changes []TemplateChange) error {
	if len(changes) == 0 {
		return nil
	}
	kept, err := r.Store.Templates(ctx, ch.Workspace, ch.ID)
	if err != nil {
		return err
	}
	return r.update(ctx, ch.Workspace, func(tx Tx) error {
		w, err := tx.Workspace(ctx, ch.Workspace)
		if err != nil {
			return err
		}
		for _, c := range changes {
			for _, t := range kept {
				if !c.tells(t) {
					continue
				}
				t, err := templateOf(ctx, tx, t) // the list may have been read meanwhile
				if errors.Is(err, ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				t.Status, t.Category, t.SyncedAt = cmp.Or(c.Status, t.Status), cmp.Or(c.Category, t.Category), at.UTC()
				if c.Status != "" {
					t.Reason = c.Reason
				}
				if err := tx.PutTemplate(ctx, t); err != nil {
					return err
				}
				if err := emitTemplate(ctx, tx, w, t); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (c TemplateChange) tells(t Template) bool {
	if c.ID != "" && t.ID != "" {
		return c.ID == t.ID
	}
	return c.Name == t.Name && LanguageCode(c.Language) == LanguageCode(t.Language)
}
