package relay

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Words by which people leave the list of those who get messages, and come
// back to it. The English ones are those of text messages, which people know
// (https://help.twilio.com/articles/223134027); STOP PROMOTIONS and OPT-OUT are
// what buttons of marketing templates say; 退订 and TD is what senders in China
// print under their messages, and the others are what senders write in Spanish
// and Portuguese. YES, which brings people back where Twilio watches, is none:
// in a chat it answers questions.
//
// A word counts where a message is nothing else, without regard to case,
// accents, spaces and punctuation.
var (
	stopWords = words(
		"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE", "STOP PROMOTIONS",
		"BAJA", "DAR DE BAJA", "DARME DE BAJA", "ALTO", "PARAR", "DETENER", "CANCELAR",
		"SAIR", "PARE", "DESCADASTRAR", "REMOVER",
		"退订", "退訂", "取消订阅", "取消訂閱", "TD",
	)
	startWords = words(
		"START", "UNSTOP", "SUBSCRIBE", "RESUBSCRIBE", "OPTIN",
		"ALTA", "DAR DE ALTA", "VOLVER",
		"VOLTAR", "RETORNAR",
		"订阅", "訂閱", "恢复订阅",
	)
)

func words(list ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range list {
		m[bareWord(w)] = true
	}
	return m
}

// maxWordRunes is how long a message may be that is nothing but a word, with
// what is around it, in characters.
const maxWordRunes = 64

// wish is what a person asks for by a word.
type wish int

const (
	noWish wish = iota
	wantsOut
	wantsIn
)

// wishOf reads a message that may be nothing but such a word.
func wishOf(text string) wish {
	if len(text) > 4*maxWordRunes || utf8.RuneCountInString(text) > maxWordRunes {
		return noWish
	}
	switch w := bareWord(text); {
	case stopWords[w]:
		return wantsOut
	case startWords[w]:
		return wantsIn
	}
	return noWish
}

// bareWord is a text's letters and digits alone, in capitals and without
// accents.
func bareWord(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}

// wishes does what the person asks for, where the message is nothing but a word
// by which one leaves the list of those who get messages, or comes back. In a
// group it asks for nothing: the others are there too.
func (t *intake) wishes(ctx context.Context, chat Chat) error {
	if chat.Group || len(t.in.Files) > 0 || t.in.Kind == KindSystem || optOutKey(chat.Recipient) == "" {
		return nil
	}
	w := wishOf(t.in.Text)
	if w == noWish {
		return nil
	}
	ws, err := t.tx.Workspace(ctx, t.w.ID) // a new chat has changed it
	if err != nil {
		return err
	}
	old, err := findOptOut(ctx, t.tx, ws.ID, chat.Recipient)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	made, at := err != nil, t.in.At.UTC()
	switch {
	case w == wantsIn && made, !made && at.Before(old.At): // told late: something newer was asked for
		return nil
	case w == wantsIn:
		return dropOptOut(ctx, t.tx, ws, old)
	}
	o := OptOut{Workspace: ws.ID, Recipient: chat.Recipient, At: at, By: ByRecipient, Reason: t.in.Text, Channel: t.ch.ID, Chat: chat.ID}
	t.out = &o
	return putOptOut(ctx, t.tx, ws, &o, made, t.now)
}
