// Package config reads the settings of a server and says where each came
// from.
//
// It knows names, forms, defaults and limits. It does not know what the
// settings are for, opens nothing and listens nowhere: everything that it
// reads is handed to it.
package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is every setting of a server. Load fills and checks it; a Config
// that Load returned without an error is right in itself.
//
// A setting has one name in three spellings: deliver.call_timeout in YAML
// (nested), RELEVO_DELIVER__CALL_TIMEOUT in the environment, and a flag for
// the few that have one.
type Config struct {
	// Data is the folder of the database, the keys and the files.
	Data string `koanf:"data"`
	// Listen is the public address, host:port.
	Listen string `koanf:"listen"`
	// PublicURL is the address that webhook URLs begin with, without a slash
	// at the end; empty: http:// and the address that is listened on.
	PublicURL string `koanf:"public_url"`
	// AdminListen is where metrics and profiles are served, host:port; empty:
	// nowhere.
	AdminListen string `koanf:"admin_listen"`
	// SecretKey derives every key that hashes and seals; unset: the file in
	// the data folder. See MasterKey.
	SecretKey Secret `koanf:"secret_key"`
	// OperatorKey opens the whole management API; unset: the file in the data
	// folder.
	OperatorKey Secret `koanf:"operator_key"`
	// Demo makes a demo workspace on the first start.
	Demo bool `koanf:"demo"`
	// Node names this process among its peers on one PostgreSQL database; no
	// two may have the same. Empty: the host's name and something random.
	Node string `koanf:"node"`
	// TrustedProxies are the addresses whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix `koanf:"trusted_proxies"`

	Log       Log       `koanf:"log"`
	Deliver   Deliver   `koanf:"deliver"`
	Media     Media     `koanf:"media"`
	Retention Retention `koanf:"retention"`
	Store     Store     `koanf:"store"`
	Spacing   Spacing   `koanf:"spacing"`
	Backup    Backup    `koanf:"backup"`
	Providers Providers `koanf:"providers"`
	API       API       `koanf:"api"`
	OIDC      OIDC      `koanf:"oidc"`
}

// OIDC is a provider of OpenID Connect at which people may sign in to the
// console too. Without an issuer there is none.
type OIDC struct {
	// Issuer is its address, as its discovery document has it.
	Issuer string `koanf:"issuer"`
	// ClientID and ClientSecret are what it knows this server by.
	ClientID     string `koanf:"client_id"`
	ClientSecret Secret `koanf:"client_secret"`
	// Name is on the button; empty: the issuer's host.
	Name string `koanf:"name"`
	// Scopes are asked for, with spaces between them.
	Scopes string `koanf:"scopes"`
}

// API is the management API.
type API struct {
	// RatePerMinute is how many calls each workspace's key may make in a
	// minute, on each node; 0: as many as it likes.
	RatePerMinute int `koanf:"rate_per_minute"`
}

// Providers are the addresses of providers' APIs, each empty for the real one.
// Others are for tests and for a provider of one's own.
type Providers struct {
	Meta   string `koanf:"meta"`
	Twilio string `koanf:"twilio"`
	Vonage string `koanf:"vonage"`
	// Infobip takes the place of every channel's own base URL.
	Infobip string `koanf:"infobip"`
}

// Log is how the log on stderr looks.
type Log struct {
	// Format is auto (text on a terminal, else JSON), text or json.
	Format string `koanf:"format"`
	// Level is the least that is written: debug, info, warn or error.
	Level slog.Level `koanf:"level"`
}

// Deliver is how messages are handed over.
type Deliver struct {
	// CallTimeout bounds one call to a provider.
	CallTimeout time.Duration `koanf:"call_timeout"`
	// UnconfirmedAfter is how long a message may stay unknown before its
	// units go back.
	UnconfirmedAfter time.Duration `koanf:"unconfirmed_after"`
	// ExpireAfter is how long a message may wait, where its call says nothing.
	ExpireAfter time.Duration `koanf:"expire_after"`
	// MaxCalls bounds the calls to providers in flight at once.
	MaxCalls int `koanf:"max_calls"`
	// DrainTimeout is how long a stopping server waits for calls in flight.
	DrainTimeout time.Duration `koanf:"drain_timeout"`
}

// Media is how files are fetched.
type Media struct {
	// Allow are private addresses that file_url may lead to all the same.
	Allow []netip.Prefix `koanf:"allow"`
	// Timeout bounds one fetch.
	Timeout time.Duration `koanf:"timeout"`
	// Concurrency bounds the fetches at once.
	Concurrency int `koanf:"concurrency"`
}

// Retention is how long things are kept.
type Retention struct {
	Messages time.Duration `koanf:"messages"`
	// Keys is for idempotency keys. Callers are promised 72 hours; less is
	// for tests.
	Keys  time.Duration `koanf:"keys"`
	Files time.Duration `koanf:"files"`
	// Backups is how many nightly copies are kept.
	Backups int `koanf:"backups"`
}

// Store is where everything is kept. All but URL is about the embedded
// database alone.
type Store struct {
	// Reserve is how much must stay free, so that calls in flight can settle.
	Reserve Size `koanf:"reserve"`
	// InitialMmap is how much address space is mapped from the start.
	InitialMmap Size `koanf:"initial_mmap"`
	// MaxSize bounds the database file; 0 does not.
	MaxSize Size `koanf:"max_size"`
	// URL is the connection string of a PostgreSQL database that several nodes
	// share; unset: the embedded database in the data folder. It may hold a
	// password.
	URL Secret `koanf:"url"`
}

// Spacing is the pause between two messages of a new channel.
type Spacing struct {
	Min time.Duration `koanf:"min"`
	Max time.Duration `koanf:"max"`
}

// Backup is the copy of the database made by the clock.
type Backup struct {
	// Schedule is a cron expression of five fields in UTC; empty: no copies.
	Schedule string `koanf:"schedule"`
}

// Default is the configuration of a server that was told nothing.
func Default() Config {
	return Config{
		Data:        "./data",
		Listen:      "127.0.0.1:8080",
		AdminListen: "127.0.0.1:9090",
		Demo:        true,
		Log:         Log{Format: "auto", Level: slog.LevelInfo},
		Deliver: Deliver{
			CallTimeout:      30 * time.Second,
			UnconfirmedAfter: 2 * time.Hour,
			ExpireAfter:      24 * time.Hour,
			MaxCalls:         256,
			DrainTimeout:     60 * time.Second,
		},
		Media: Media{Timeout: 15 * time.Second, Concurrency: 8},
		Retention: Retention{
			Messages: 30 * 24 * time.Hour,
			Keys:     promisedKeys,
			Files:    72 * time.Hour,
			Backups:  7,
		},
		Store:   Store{Reserve: 64 * MiB, InitialMmap: 16 * GiB},
		Spacing: Spacing{Min: 1500 * time.Millisecond, Max: 2500 * time.Millisecond},
		Backup:  Backup{Schedule: "0 3 * * *"},
		API:     API{RatePerMinute: 600},
		OIDC:    OIDC{Scopes: "openid email profile"},
	}
}

// promisedKeys is how long callers may rely on an idempotency key.
const promisedKeys = 72 * time.Hour
