package config

import (
	"net/url"
	"slices"
	"strings"
)

// maxOIDCName is how long the provider's name may be on a button, in
// characters.
const maxOIDCName = 40

// checkOIDC looks at what is needed once there is an issuer. Its address stays
// as it is: a slash at its end is part of its name.
func (c *Config) checkOIDC(bad func(key, format string, args ...any)) {
	o := &c.OIDC
	if o.Issuer == "" {
		return
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		bad("oidc.issuer", "%q is no address of an issuer; write it as the provider gives it, like https://id.example.com/realms/main", o.Issuer)
	}
	if o.ClientID == "" {
		bad("oidc.client_id", "is needed with oidc.issuer: register this server at the provider, which gives it an id")
	}
	if c.PublicURL == "" {
		bad("public_url", "is needed with oidc.issuer: the provider leads people back to public_url/sign-in/oidc/callback")
	}
	if scopes := strings.Fields(o.Scopes); !slices.Contains(scopes, "openid") {
		bad("oidc.scopes", "%q lacks openid; write openid email profile", o.Scopes)
	}
	if len([]rune(o.Name)) > maxOIDCName {
		bad("oidc.name", "has more than %d characters and stands on a button", maxOIDCName)
	}
}
