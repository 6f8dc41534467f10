package console

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Texts: locale/<area>.<language>.toml, each key in all four languages.
//
//go:embed locale
var localeFiles embed.FS

// Language is one that the console speaks.
type Language struct {
	// Tag is its BCP 47 tag, Name what its speakers call it.
	Tag, Name string
}

// languages in the order of the menu; the first is spoken where nobody chose.
var languages = []Language{{"en", "English"}, {"es", "Español"}, {"pt-BR", "Português (Brasil)"}, {"zh-Hans", "简体中文"}}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Spanish, language.BrazilianPortuguese, language.SimplifiedChinese})

const languageCookie = "relevo_language"

func loadBundle() *i18n.Bundle {
	b := i18n.NewBundle(language.English)
	b.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	files, err := fs.Glob(localeFiles, "locale/*.toml")
	if err != nil {
		panic(err)
	}
	for _, name := range files {
		if _, err := b.LoadMessageFileFS(localeFiles, name); err != nil {
			panic(fmt.Errorf("%s: %w", name, err))
		}
	}
	return b
}

// known is a language of ours by its tag; empty for another.
func known(tag string) string {
	for _, l := range languages {
		if l.Tag == tag {
			return tag
		}
	}
	return ""
}

// choose is the language of a call: the user's, the cookie's, the browser's.
func choose(r *http.Request, user string) Language {
	if known(user) == "" {
		user = chosen(r)
	}
	for _, l := range languages {
		if l.Tag == user {
			return l
		}
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(tags) == 0 {
		return languages[0]
	}
	_, i, sure := matcher.Match(tags...)
	if sure == language.No {
		return languages[0]
	}
	return languages[i]
}

// chosen is the language of the browser's cookie; empty where nobody chose.
func chosen(r *http.Request) string {
	k, err := r.Cookie(languageCookie)
	if err != nil {
		return ""
	}
	return known(k.Value)
}

// speak chooses the call's language.
func (p *call) speak() {
	l := choose(p.r, p.User.Language)
	p.tag = language.Make(l.Tag)
	p.localizer = i18n.NewLocalizer(p.c.bundle, l.Tag, "en")
	p.w.Header().Set("Content-Language", l.Tag)
}

// Lang is the tag of the page's language; English reports whether it is that.
func (p *call) Lang() string { return p.tag.String() }

// English reports whether the page is in English.
func (p *call) English() bool { return p.Lang() == "en" }

// Languages are those that there are.
func (p *call) Languages() []Language { return languages }

// T is a text by its key. args are names and values for what is in {{.braces}}.
// A key that there is not comes back itself; a test finds those.
func (p *call) T(key string, args ...any) string {
	return p.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: pairs(args)})
}

// N is a text that depends on a number, which is {{.N}} in it.
func (p *call) N(key string, n any, args ...any) string {
	data := pairs(args)
	data["N"] = p.Num(n)
	count := whole(n)
	if count > 1_000_000 { // what follows counts as this does, in all four
		count = 1_000_001
	}
	return p.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: int(count)})
}

func (p *call) localize(cfg *i18n.LocalizeConfig) string {
	s, err := p.localizer.Localize(cfg)
	if s == "" && err != nil {
		return cfg.MessageID
	}
	return s
}

func pairs(args []any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(args); i += 2 {
		m[fmt.Sprint(args[i])] = args[i+1]
	}
	return m
}
