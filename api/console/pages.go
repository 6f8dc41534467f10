package console

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// Templates: layout.html is around every page, part_*.html are in all of them,
// and every other file is a page that defines "title" and "main".
//
//go:embed page
var pageFiles embed.FS

// printed is what is the same in every console, read when the first is made: it
// is part of the program.
var printed = sync.OnceValue(func() (p struct {
	assets assets
	bundle *i18n.Bundle
	pages  map[string]*template.Template
}) {
	p.assets, p.bundle = loadAssets(), loadBundle()
	p.pages = loadPages(p.assets)
	return p
})

func loadPages(all assets) map[string]*template.Template {
	base := template.New("").Funcs(template.FuncMap{"asset": func(name string) (string, error) {
		if p, ok := all.named[name]; ok {
			return p, nil
		}
		return "", fmt.Errorf("there is no asset %s", name)
	}, "dict": dict, "list": func(v ...any) []any { return v }, "join": strings.Join})
	files, err := fs.Glob(pageFiles, "page/*.html")
	if err != nil {
		panic(err)
	}
	var own []string
	for _, name := range files {
		if b := path.Base(name); b == "layout.html" || strings.HasPrefix(b, "part_") {
			template.Must(base.ParseFS(pageFiles, name))
			continue
		}
		own = append(own, name)
	}
	pages := map[string]*template.Template{}
	for _, name := range own {
		t := template.Must(template.Must(base.Clone()).ParseFS(pageFiles, name))
		pages[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return pages
}

// dict is names and values for a part of a page.
func dict(args ...any) (map[string]any, error) {
	if len(args)%2 != 0 {
		return nil, fmt.Errorf("dict takes names and values")
	}
	return pairs(args), nil
}

// MenuItem is one entry of the menu beside a page.
type MenuItem struct {
	// Name is the page's, by which it is marked; Key its text's; Path where it
	// leads.
	Name, Key, Path string
}

// Menu is that of the workspace, for the user's role.
func (p *call) Menu() []MenuItem {
	if p.WS.ID == "" {
		return nil
	}
	m := []MenuItem{
		{"overview", "menu.overview", p.At()}, {"webhook", "menu.webhook", p.At("webhook")},
		{"attempts", "menu.attempts", p.At("attempts")}, {"messages", "menu.messages", p.At("messages")},
		{"queue", "menu.queue", p.At("queue")}, {"chats", "menu.chats", p.At("chats")},
		{"contacts", "menu.contacts", p.At("contacts")}, {"channels", "menu.channels", p.At("channels")},
		{"templates", "menu.templates", p.At("templates")}, {"quota", "menu.quota", p.At("quota")},
		{"endpoints", "menu.endpoints", p.At("endpoints")},
	}
	if p.Can("owner") {
		m = append(m, MenuItem{"keys", "menu.keys", p.At("keys")}, MenuItem{"team", "menu.team", p.At("team")},
			MenuItem{"audit", "menu.audit", p.At("audit")}, MenuItem{"settings", "menu.settings", p.At("settings")})
	}
	return m
}
