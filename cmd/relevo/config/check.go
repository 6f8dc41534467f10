package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"relevo/quota"
)

// minOperatorKey keeps an operator from choosing a key that can be guessed;
// the one that Relevo makes has 54 characters.
const minOperatorKey = 24

// tidy brings values into their one form ("off" becomes empty) and returns
// what is wrong with them.
func (c *Config) tidy() []Problem {
	var ps []Problem
	bad := func(key, format string, args ...any) {
		ps = append(ps, Problem{Key: key, What: fmt.Sprintf(format, args...)})
	}
	for _, off := range []*string{&c.AdminListen, &c.Backup.Schedule} {
		if strings.EqualFold(*off, "off") {
			*off = ""
		}
	}
	if c.Data == "" {
		bad("data", "is empty; name a folder, like ./data")
	}
	if err := checkAddress(c.Listen); err != nil {
		bad("listen", "%v", err)
	}
	if c.AdminListen != "" {
		if err := checkAddress(c.AdminListen); err != nil {
			bad("admin_listen", "%v, or off", err)
		} else if _, port, _ := net.SplitHostPort(c.Listen); c.AdminListen == c.Listen && port != "0" {
			bad("admin_listen", "is the same address as listen; choose another port, or off")
		}
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if err := checkURL(c.PublicURL); err != nil {
		bad("public_url", "%v", err)
	}
	for key, v := range map[string]*string{"meta": &c.Providers.Meta, "twilio": &c.Providers.Twilio, "vonage": &c.Providers.Vonage, "infobip": &c.Providers.Infobip} {
		if *v = strings.TrimRight(*v, "/"); checkURL(*v) != nil {
			bad("providers."+key, "%q is no address of an API; leave it out for the real one", *v)
		}
	}
	if _, err := c.MasterKey(); err != nil {
		bad("secret_key", "%v", err)
	}
	if n := len(c.OperatorKey.Reveal()); c.OperatorKey.Set() && n < minOperatorKey {
		bad("operator_key", "has %d characters and needs at least %d", n, minOperatorKey)
	}
	switch c.Log.Format {
	case "auto", "text", "json":
	default:
		bad("log.format", "%q is no format; write auto, text or json", c.Log.Format)
	}
	c.checkNumbers(bad)
	c.checkOIDC(bad)
	if c.Backup.Schedule != "" {
		if _, err := (quota.Plan{Schedule: c.Backup.Schedule}).Next(time.Now()); err != nil {
			bad("backup.schedule", "%q: %v; or off", c.Backup.Schedule, err)
		}
	}
	return ps
}

func (c *Config) checkNumbers(bad func(key, format string, args ...any)) {
	for _, d := range []struct {
		key        string
		value, min time.Duration
	}{
		{"deliver.call_timeout", c.Deliver.CallTimeout, time.Millisecond},
		{"deliver.unconfirmed_after", c.Deliver.UnconfirmedAfter, time.Millisecond},
		{"deliver.expire_after", c.Deliver.ExpireAfter, time.Second},
		{"deliver.drain_timeout", c.Deliver.DrainTimeout, 0},
		{"media.timeout", c.Media.Timeout, time.Millisecond},
		{"retention.messages", c.Retention.Messages, time.Second},
		{"retention.keys", c.Retention.Keys, time.Second},
		{"retention.files", c.Retention.Files, time.Second},
		{"spacing.min", c.Spacing.Min, 0},
	} {
		if d.value < d.min {
			bad(d.key, "%s is too short; it needs at least %s", short(d.value), short(d.min))
		}
	}
	for _, n := range []struct {
		key        string
		value, min int
	}{
		{"deliver.max_calls", c.Deliver.MaxCalls, 1},
		{"media.concurrency", c.Media.Concurrency, 1},
		{"retention.backups", c.Retention.Backups, 0},
		{"api.rate_per_minute", c.API.RatePerMinute, 0},
	} {
		if n.value < n.min {
			bad(n.key, "%d is too small; it needs at least %d", n.value, n.min)
		}
	}
	if c.Spacing.Max < c.Spacing.Min {
		bad("spacing.max", "%s is less than spacing.min, which is %s", short(c.Spacing.Max), short(c.Spacing.Min))
	}
	if u := c.Store.URL.Reveal(); u != "" {
		if !strings.HasPrefix(u, "postgres://") && !strings.HasPrefix(u, "postgresql://") {
			bad("store.url", "is no address of a PostgreSQL database; write postgres://user:password@host:5432/relevo")
		} else if !c.SecretKey.Set() {
			bad("secret_key", "is needed with store.url: all nodes hash and seal with the same key. Make one with `openssl rand -base64 32`")
		}
	}
	if c.Store.MaxSize != 0 && c.Store.MaxSize < MiB {
		bad("store.max_size", "%s is too small; it needs at least 1MiB, or 0 for no limit", c.Store.MaxSize)
	}
}

// Warnings are sentences about values that work and are probably not meant.
func (c Config) Warnings() []string {
	var ws []string
	warn := func(format string, args ...any) { ws = append(ws, fmt.Sprintf(format, args...)) }
	if c.Retention.Keys < promisedKeys {
		warn("retention.keys is %s. Callers are promised that a repeated call is recognized for 72h; less is for tests.", short(c.Retention.Keys))
	}
	if c.Deliver.DrainTimeout < c.Deliver.CallTimeout {
		warn("deliver.drain_timeout (%s) is shorter than deliver.call_timeout (%s): a stop can cut off calls, and their messages become unknown.", short(c.Deliver.DrainTimeout), short(c.Deliver.CallTimeout))
	}
	if host, _, _ := net.SplitHostPort(c.AdminListen); c.AdminListen != "" && !loopback(host) {
		warn("admin_listen is %s: metrics and profiles can be read from other machines, without a key.", c.AdminListen)
	}
	if c.Providers != (Providers{}) {
		warn("providers names other addresses than the real ones: messages of those kinds go there, and to nobody's phone.")
	}
	if c.OIDC.Issuer == "" && (c.OIDC.ClientID != "" || c.OIDC.ClientSecret.Set()) {
		warn("oidc.client_id or oidc.client_secret is set, and oidc.issuer is not: nobody can sign in that way.")
	}
	if u, err := url.Parse(c.OIDC.Issuer); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		warn("oidc.issuer begins with http: whoever is between this server and %s can sign in as anybody.", u.Host)
	}
	if c.Spacing.Min < time.Second {
		warn("spacing.min is %s. WhatsApp may block numbers that send faster than about one message in two seconds.", short(c.Spacing.Min))
	}
	return ws
}

// loopback reports whether a host is this machine alone.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkAddress takes host:port with a numeric port; the host may be empty.
func checkAddress(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q is no address to listen on; write host:port, like 127.0.0.1:8080", s)
	}
	return nil
}

func checkURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%q is no address that webhook URLs can begin with; write one like https://relay.example.com", s)
	}
	return nil
}
