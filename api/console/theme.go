package console

import "net/http"

const themeCookie = "relevo_theme"

// Theme is light or dark where somebody chose; empty where the browser says.
func (p *call) Theme() string {
	if k, err := p.r.Cookie(themeCookie); err == nil && (k.Value == "light" || k.Value == "dark") {
		return k.Value
	}
	return ""
}

// OtherTheme is what the button leads to: dark, light, as the browser says.
func (p *call) OtherTheme() string {
	return map[string]string{"": "dark", "dark": "light"}[p.Theme()]
}

// setTheme remembers it for the browser.
func setTheme(p *call) error {
	k := &http.Cookie{Name: themeCookie, Value: p.field("theme"), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: p.c.secure()}
	if k.Value != "light" && k.Value != "dark" {
		k.Value, k.MaxAge = "", -1
	}
	http.SetCookie(p.w, k)
	return p.goTo(back(p.field("to")))
}
