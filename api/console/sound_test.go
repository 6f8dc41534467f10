package console_test

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// untranslated is a key that came out in place of its text.
var untranslated = regexp.MustCompile(`^[a-z]+\.[a-z_]+(\.[a-z_]+)*$`)

// sound holds every page that any test opens to what all pages promise: nothing
// that the policy forbids, no text left out, every field with its name, every
// id once, every form to an address of ours.
func (s shown) sound() {
	s.t.Helper()
	policy := s.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") {
			s.t.Errorf("%s: policy %q", s.path, policy)
		}
	}
	if strings.Contains(s.body, "<no value>") || strings.Contains(s.body, "ZgotmplZ") || strings.Contains(s.body, "{{") && !strings.Contains(s.path, "webhook") && !strings.Contains(s.path, "/templates") && !strings.Contains(s.path, "/attempts/") {
		s.t.Errorf("%s: a template left something out:\n%s", s.path, s.body)
	}
	ids := map[string]int{}
	labelled := map[string]bool{}
	s.walk(func(n *html.Node) {
		if n.Type == html.ElementNode {
			s.soundElement(n)
			if id := attr(n, "id"); id != "" {
				ids[id]++
			}
			if n.Data == "label" {
				labelled[attr(n, "for")] = true
			}
		}
		if n.Type == html.TextNode && n.Parent != nil && n.Parent.Data != "code" && n.Parent.Data != "pre" && n.Parent.Data != "option" && untranslated.MatchString(strings.TrimSpace(n.Data)) {
			s.t.Errorf("%s: the text %q is missing", s.path, n.Data)
		}
	})
	for id, n := range ids {
		if n > 1 {
			s.t.Errorf("%s: the id %s is there %d times", s.path, id, n)
		}
	}
	s.soundFields(labelled)
}

// soundElement: no script or style within the page, no form to elsewhere, no
// link that opens a window that knows us.
func (s shown) soundElement(n *html.Node) {
	s.t.Helper()
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") {
			s.t.Errorf("%s: <%s %s=%q> does nothing under the policy", s.path, n.Data, a.Key, a.Val)
		}
	}
	switch n.Data {
	case "style":
		s.t.Errorf("%s: <style> does nothing under the policy", s.path)
	case "script":
		if attr(n, "src") == "" {
			s.t.Errorf("%s: <script> without a file does nothing under the policy", s.path)
		}
	case "form":
		if to := attr(n, "action"); strings.Contains(to, "//") {
			s.t.Errorf("%s: a form leads to %s", s.path, to)
		}
		if m := attr(n, "method"); m != "post" && m != "get" && m != "" {
			s.t.Errorf("%s: a form with the method %q", s.path, m)
		}
	case "img":
		if !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "alt" }) {
			s.t.Errorf("%s: a picture without alt", s.path)
		}
	case "a":
		if attr(n, "target") == "_blank" && !strings.Contains(attr(n, "rel"), "noopener") {
			s.t.Errorf("%s: a link without rel=noopener", s.path)
		}
	}
}

// soundFields: every field has a name that is read out.
func (s shown) soundFields(labelled map[string]bool) {
	s.t.Helper()
	s.walk(func(n *html.Node) {
		if n.Type != html.ElementNode || n.Data != "input" && n.Data != "select" && n.Data != "textarea" {
			return
		}
		if t := attr(n, "type"); t == "hidden" || t == "submit" {
			return
		}
		inLabel := false
		for p := n.Parent; p != nil; p = p.Parent {
			inLabel = inLabel || p.Data == "label"
		}
		if !inLabel && attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "" && !(attr(n, "id") != "" && labelled[attr(n, "id")]) {
			s.t.Errorf("%s: the field %s has no label", s.path, attr(n, "name"))
		}
	})
}
