package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// files is a disk for Input.ReadFile.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	if s, ok := f[name]; ok {
		return []byte(s), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func load(t *testing.T, yaml string, environ []string, flags map[string]string) (Config, Sources, error) {
	t.Helper()
	in := Input{Environ: environ, Flags: flags, ReadFile: files{"r.yaml": yaml, "/run/key": strings.Repeat("k", 40) + "\n"}.read}
	if yaml != "" {
		in.File = "r.yaml"
	}
	return Load(in)
}

func TestNothingSaidIsTheDefault(t *testing.T) {
	got, sources, err := load(t, "", []string{"HOME=/root", "PATH=/bin"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != Default().String() {
		t.Errorf("got %v, want %v", got, Default())
	}
	if len(sources) != 0 {
		t.Errorf("sources of defaults: %v", sources)
	}
	if ws := got.Warnings(); len(ws) != 0 {
		t.Errorf("the default warns: %q", ws)
	}
}

func TestTheLaterLayerWins(t *testing.T) {
	yaml := "listen: 127.0.0.1:1\ndata: /yaml\n\ndeliver:\n  call_timeout: 1s\n  max_calls: 5\n"
	environ := []string{"RELEVO_LISTEN=127.0.0.1:2", "RELEVO_DELIVER__CALL_TIMEOUT=2s"}
	flags := map[string]string{"listen": "127.0.0.1:3", "public_url": "https://r.example/"}
	got, sources, err := load(t, yaml, environ, flags)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ key, got, want, source string }{
		{"data", got.Data, "/yaml", "r.yaml:2"},
		{"listen", got.Listen, "127.0.0.1:3", "flag --listen"},
		{"public_url", got.PublicURL, "https://r.example", "flag --public-url"},
		{"deliver.call_timeout", got.Deliver.CallTimeout.String(), "2s", "env RELEVO_DELIVER__CALL_TIMEOUT"},
		{"deliver.max_calls", fmt.Sprint(got.Deliver.MaxCalls), "5", "r.yaml:6"},
		{"deliver.expire_after", got.Deliver.ExpireAfter.String(), "24h0m0s", "default"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", c.key, c.got, c.want)
		}
		if s := sources[c.key].String(); s != c.source {
			t.Errorf("%s is from %q, want %q", c.key, s, c.source)
		}
	}
}

func TestEverySettingCanBeSetByItsVariable(t *testing.T) {
	environ := []string{
		"RELEVO_DATA=/d", "RELEVO_LISTEN=:1", "RELEVO_PUBLIC_URL=https://a.example", "RELEVO_ADMIN_LISTEN=off",
		"RELEVO_SECRET_KEY=" + strings.Repeat("s", 33), "RELEVO_OPERATOR_KEY=" + strings.Repeat("o", 33),
		"RELEVO_DEMO=false", "RELEVO_NODE=n1", "RELEVO_TRUSTED_PROXIES=10.0.0.0/8, 192.0.2.7",
		"RELEVO_LOG__FORMAT=json", "RELEVO_LOG__LEVEL=debug",
		"RELEVO_DELIVER__CALL_TIMEOUT=1s", "RELEVO_DELIVER__UNCONFIRMED_AFTER=2s", "RELEVO_DELIVER__EXPIRE_AFTER=3s",
		"RELEVO_DELIVER__MAX_CALLS=4", "RELEVO_DELIVER__DRAIN_TIMEOUT=5s",
		"RELEVO_MEDIA__ALLOW=127.0.0.0/8,::1/128", "RELEVO_MEDIA__TIMEOUT=6s", "RELEVO_MEDIA__CONCURRENCY=7",
		"RELEVO_RETENTION__MESSAGES=8h", "RELEVO_RETENTION__KEYS=9h", "RELEVO_RETENTION__FILES=10h", "RELEVO_RETENTION__BACKUPS=11",
		"RELEVO_STORE__RESERVE=12MiB", "RELEVO_STORE__INITIAL_MMAP=13MB", "RELEVO_STORE__MAX_SIZE=14GiB", "RELEVO_STORE__URL=postgres://u:p@h/d",
		"RELEVO_SPACING__MIN=15ms", "RELEVO_SPACING__MAX=16ms", "RELEVO_BACKUP__SCHEDULE=@daily",
		"RELEVO_PROVIDERS__META=http://m.example", "RELEVO_PROVIDERS__TWILIO=http://t.example", "RELEVO_PROVIDERS__VONAGE=http://v.example/", "RELEVO_PROVIDERS__INFOBIP=http://i.example", "RELEVO_API__RATE_PER_MINUTE=90",
		"RELEVO_OIDC__ISSUER=https://id.example/", "RELEVO_OIDC__CLIENT_ID=relevo", "RELEVO_OIDC__CLIENT_SECRET=hush", "RELEVO_OIDC__NAME=Acme ID", "RELEVO_OIDC__SCOPES=openid email",
	}
	got, sources, err := load(t, "", environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Data: "/d", Listen: ":1", PublicURL: "https://a.example",
		SecretKey: NewSecret(strings.Repeat("s", 33)), OperatorKey: NewSecret(strings.Repeat("o", 33)),
		Node:           "n1",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32")},
		Log:            Log{"json", slog.LevelDebug},
		Deliver:        Deliver{time.Second, 2 * time.Second, 3 * time.Second, 4, 5 * time.Second},
		Media:          Media{[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, 6 * time.Second, 7},
		Retention:      Retention{8 * time.Hour, 9 * time.Hour, 10 * time.Hour, 11},
		Store:          Store{Reserve: 12 * MiB, InitialMmap: 13_000_000, MaxSize: 14 * GiB, URL: NewSecret("postgres://u:p@h/d")},
		Spacing:        Spacing{15 * time.Millisecond, 16 * time.Millisecond},
		Backup:         Backup{"@daily"},
		Providers:      Providers{"http://m.example", "http://t.example", "http://v.example", "http://i.example"},
		API:            API{RatePerMinute: 90},
		OIDC:           OIDC{"https://id.example/", "relevo", NewSecret("hush"), "Acme ID", "openid email"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Secret{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("config differs (-want +got):\n%s", diff)
	}
	for _, key := range Keys() {
		if sources[key].Kind != FromEnv {
			t.Errorf("%s is from %s: no variable of this test sets it", key, sources[key])
		}
	}
}

func TestWhatPrintsCanBeReadAgain(t *testing.T) {
	var flags = map[string]string{}
	for _, l := range Default().Lines(nil) {
		if !strings.HasPrefix(l.Value, "(") {
			flags[l.Key] = l.Value
		}
	}
	got, _, err := load(t, "", nil, flags)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != Default().String() {
		t.Errorf("got  %v\nwant %v", got, Default())
	}
}

func TestABadValueIsNamedWithItsPlaceAndTheCure(t *testing.T) {
	for _, c := range []struct {
		name, yaml string
		environ    []string
		want       string
	}{
		{"an unknown key", "lisen: :1\n", nil, "lisen (r.yaml:1): there is no such setting; did you mean listen?"},
		{"a key without its section", "call_timeout: 1s\n", nil, "call_timeout (r.yaml:1): there is no such setting; did you mean deliver.call_timeout?"},
		{"an unknown nested key", "deliver:\n  call_timout: 1s\n", nil, "deliver.call_timout (r.yaml:2): there is no such setting; did you mean deliver.call_timeout?"},
		{"nothing like it", "colour: red\n", nil, "colour (r.yaml:1): there is no such setting; `relevo config print` lists all"},
		{"an empty unknown key", "colour:\n", nil, "colour (r.yaml:1): there is no such setting"},
		{"a dotted key", "deliver.call_timeout: 1s\n", nil, `line 1: "deliver.call_timeout" is written nested`},
		{"a value in place of a section", "deliver: 5s\n", nil, "deliver (r.yaml:1): there is no such setting"},
		{"a section in place of a value", "listen:\n  port: 1\n", nil, "listen.port (r.yaml:2): there is no such setting"},
		{"one underscore in a variable", "", []string{"RELEVO_DELIVER_CALL_TIMEOUT=1s"}, "RELEVO_DELIVER_CALL_TIMEOUT: there is no such setting; did you mean RELEVO_DELIVER__CALL_TIMEOUT?"},
		{"a file for no secret", "", []string{"RELEVO_DATA_FILE=/x"}, "RELEVO_DATA_FILE: there is no such setting; did you mean RELEVO_"},
		{"no unit", "deliver:\n  call_timeout: 30\n", nil, `deliver.call_timeout (r.yaml:2): "30" has no unit; write 30s, 30m or 30h`},
		{"days", "retention:\n  messages: 30d\n", nil, `"30d" counts days; write it in hours: 720h`},
		{"no duration", "", []string{"RELEVO_MEDIA__TIMEOUT=soon"}, `media.timeout (env RELEVO_MEDIA__TIMEOUT): "soon" is no duration`},
		{"a negative duration", "", []string{"RELEVO_MEDIA__TIMEOUT=-1s"}, "media.timeout (env RELEVO_MEDIA__TIMEOUT): -1s is too short"},
		{"no number", "deliver:\n  max_calls: many\n", nil, `"many" is no whole number`},
		{"zero calls", "deliver:\n  max_calls: 0\n", nil, "0 is too small; it needs at least 1"},
		{"no size", "store:\n  reserve: 64 apples\n", nil, `"64 apples" is no size`},
		{"too large a size", "store:\n  reserve: 99999999TiB\n", nil, "is no size"},
		{"no boolean", "demo: maybe\n", nil, `"maybe" is neither true nor false`},
		{"a list for a word", "data: [a, b]\n", nil, "data (r.yaml:1): has several values and takes one"},
		{"no range", "media:\n  allow: [everything]\n", nil, `"everything" is no address range`},
		{"no level", "log:\n  level: loud\n", nil, `"loud" is no level; write debug, info, warn or error`},
		{"no format", "log:\n  format: xml\n", nil, `"xml" is no format; write auto, text or json`},
		{"a port alone", "listen: 8080\n", nil, `"8080" is no address to listen on; write host:port`},
		{"a named port", "listen: localhost:http\n", nil, "is no address to listen on"},
		{"both listeners the same", "admin_listen: 127.0.0.1:8080\n", nil, "is the same address as listen"},
		{"a URL without a scheme", "public_url: relay.example.com\n", nil, "is no address that webhook URLs can begin with"},
		{"a short secret", "", []string{"RELEVO_SECRET_KEY=hunter2"}, "secret_key (env RELEVO_SECRET_KEY): has 7 characters and needs at least 32 bytes"},
		{"a short operator key", "", []string{"RELEVO_OPERATOR_KEY=hunter2"}, "operator_key (env RELEVO_OPERATOR_KEY): has 7 characters and needs at least 24"},
		{"a secret said twice", "", []string{"RELEVO_SECRET_KEY=" + strings.Repeat("x", 32), "RELEVO_SECRET_KEY_FILE=/run/key"}, "is set twice, by RELEVO_SECRET_KEY and by RELEVO_SECRET_KEY_FILE"},
		{"a secret's file that is not there", "", []string{"RELEVO_SECRET_KEY_FILE=/nowhere"}, "secret_key (env RELEVO_SECRET_KEY_FILE): its file cannot be read: open /nowhere"},
		{"no schedule", "backup:\n  schedule: nightly\n", nil, `backup.schedule (r.yaml:2): "nightly": schedule cannot be read`},
		{"a date that never comes", "backup:\n  schedule: 0 0 30 2 *\n", nil, "it has no date"},
		{"spacing upside down", "spacing:\n  min: 5s\n", nil, "spacing.max: 2.5s is less than spacing.min, which is 5s"},
		{"an issuer without a client", "public_url: https://r.example\noidc:\n  issuer: https://id.example\n", nil, "oidc.client_id: is needed with oidc.issuer"},
		{"an issuer without an address to come back to", "oidc:\n  issuer: https://id.example\n  client_id: relevo\n", nil, "public_url: is needed with oidc.issuer: the provider leads people back to public_url/sign-in/oidc/callback"},
		{"an issuer that is no address", "public_url: https://r.example\noidc:\n  issuer: id.example\n  client_id: relevo\n", nil, `oidc.issuer (r.yaml:3): "id.example" is no address of an issuer`},
		{"an issuer with a query", "public_url: https://r.example\noidc:\n  issuer: https://id.example?p=1\n  client_id: relevo\n", nil, "is no address of an issuer"},
		{"scopes without openid", "public_url: https://r.example\noidc:\n  issuer: https://id.example\n  client_id: relevo\n  scopes: email\n", nil, `oidc.scopes (r.yaml:5): "email" lacks openid`},
		{"a long name", "public_url: https://r.example\noidc:\n  issuer: https://id.example\n  client_id: relevo\n  name: " + strings.Repeat("x", 41) + "\n", nil, "oidc.name (r.yaml:5): has more than 40 characters"},
		{"broken YAML", "listen: [\n", nil, "r.yaml is no YAML that can be read: line"},
		{"a list for a document", "- listen\n", nil, `line 1: settings are written as "name: value"`},
		{"a key twice", "data: a\ndata: b\n", nil, `"data" already defined at line 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := load(t, c.yaml, c.environ, nil)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %s\nwant it to contain %s", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the secret: %s", err)
			}
			if _, ok := errors.AsType[Problems](err); !ok {
				t.Errorf("got %T, want Problems", err)
			}
		})
	}
}

func TestAllProblemsAreInOneMessage(t *testing.T) {
	_, _, err := load(t, "lisen: x\ndeliver:\n  max_calls: many\n", []string{"RELEVO_DEMO=maybe", "RELEVO_COLOUR=red"}, map[string]string{"public_url": "x"})
	ps, _ := errors.AsType[Problems](err)
	var keys []string
	for _, p := range ps {
		keys = append(keys, p.Key)
	}
	slices.Sort(keys)
	want := []string{"RELEVO_COLOUR", "deliver.max_calls", "demo", "lisen", "public_url"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s\n%v", diff, err)
	}
}

func TestAMissingFileIsAProblem(t *testing.T) {
	_, _, err := Load(Input{File: "gone.yaml", ReadFile: files{}.read})
	if err == nil || !strings.Contains(err.Error(), "the configuration file cannot be read: open gone.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	environ := []string{
		"RELEVO_URL=http://x", "RELEVO_KEY=k", "RELEVO_WORKSPACE=w", "RELEVO_CONFIG=c", "RELEVO_HOOK=h", "RELEVO_KEY_FILE=f",
		"RELEVO_SERVICE_HOST=10.0.0.1", "RELEVO_SERVICE_PORT=8080", "RELEVO_SERVICE_PORT_HTTP=8080",
		"RELEVO_PORT=tcp://10.0.0.1:8080", "RELEVO_PORT_8080_TCP=tcp://10.0.0.1:8080", "RELEVO_PORT_8080_TCP_ADDR=10.0.0.1",
		"RELEVOX=1", "relevo_data=x",
	}
	if _, sources, err := load(t, "", environ, nil); err != nil || len(sources) != 0 {
		t.Errorf("got %v, %v", sources, err)
	}
}

func TestAnEmptyVariableTurnsOffAWordAndLeavesTheRest(t *testing.T) {
	got, _, err := load(t, "trusted_proxies: [10.0.0.0/8]\n", []string{
		"RELEVO_ADMIN_LISTEN=", "RELEVO_BACKUP__SCHEDULE=", "RELEVO_TRUSTED_PROXIES=",
		"RELEVO_SECRET_KEY=", "RELEVO_SECRET_KEY_FILE=", "RELEVO_MEDIA__TIMEOUT=", "RELEVO_DEMO=",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.AdminListen != "" || got.Backup.Schedule != "" || len(got.TrustedProxies) != 0 {
		t.Errorf("not turned off: %v", got)
	}
	if got.SecretKey.Set() || got.Media.Timeout != 15*time.Second || !got.Demo {
		t.Errorf("not left alone: %v", got)
	}
}

func TestASecretFromAFileLosesItsLineEnd(t *testing.T) {
	got, sources, err := load(t, "", []string{"RELEVO_SECRET_KEY_FILE=/run/key"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.SecretKey.Reveal() != strings.Repeat("k", 40) {
		t.Errorf("got %q", got.SecretKey.Reveal())
	}
	if s := sources["secret_key"].String(); s != "env RELEVO_SECRET_KEY_FILE" {
		t.Errorf("source is %q", s)
	}
}

func TestASecretIsNeverSeen(t *testing.T) {
	const hidden = "correct-horse-battery-staple-0123456789"
	c, sources, err := load(t, "", []string{"RELEVO_SECRET_KEY=" + hidden}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("started", "key", c.SecretKey, "config", c)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(c), fmt.Sprintf("%+v %#v", c, c), fmt.Sprintf("%s %q %#v", c.SecretKey, c.SecretKey, c.SecretKey),
		string(asJSON), log.String(), fmt.Sprint(c.Lines(sources)),
	} {
		if strings.Contains(text, "horse") {
			t.Errorf("the secret shows in %s", text)
		}
	}
	i := slices.IndexFunc(c.Lines(sources), func(l Line) bool { return l.Key == "secret_key" })
	if got := c.Lines(sources)[i].Value; got != "(set, from env RELEVO_SECRET_KEY)" {
		t.Errorf("masked as %q", got)
	}
}

func TestTheSecretKeyIsReadInThreeForms(t *testing.T) {
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = 0xfb // + and / in base64, - and _ in its URL form
	}
	for _, c := range []struct{ name, text, want string }{
		{"hexadecimal", strings.Repeat("fb", 32), string(raw)},
		{"base64", "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=", string(raw)},
		{"URL base64 without padding", "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s", string(raw)},
		{"characters", "thirty-two characters, no more!!", "thirty-two characters, no more!!"},
		{"base64 of too little is characters", strings.Repeat("A", 36), strings.Repeat("A", 36)},
		{"unset", "", ""},
	} {
		got, err := (Config{SecretKey: NewSecret(c.text)}).MasterKey()
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %x, %v", c.name, got, err)
		}
	}
}

func TestWhatWorksAndIsNotMeantIsWarnedOf(t *testing.T) {
	got, _, err := load(t, "", []string{"RELEVO_RETENTION__KEYS=1s", "RELEVO_DELIVER__DRAIN_TIMEOUT=1s", "RELEVO_ADMIN_LISTEN=:9090", "RELEVO_SPACING__MIN=0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(got.Warnings(), "\n")
	for _, want := range []string{"retention.keys is 1s", "deliver.drain_timeout (1s)", "admin_listen is :9090", "spacing.min is 0s"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning of %q in:\n%s", want, all)
		}
	}
}

func TestAnIssuerThatCanBeReadOnTheWayIsWarnedOf(t *testing.T) {
	for issuer, want := range map[string]string{"http://keycloak:8080/realms/main": "oidc.issuer begins with http", "http://127.0.0.1:8080": "", "https://id.example": "", "": "oidc.issuer is not"} {
		got, _, err := load(t, "", []string{"RELEVO_PUBLIC_URL=https://r.example", "RELEVO_OIDC__CLIENT_ID=relevo", "RELEVO_OIDC__CLIENT_SECRET_FILE=/run/key", "RELEVO_OIDC__ISSUER=" + issuer}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(got.Warnings(), "\n"); !strings.Contains(all, want) || want == "" && all != "" {
			t.Errorf("%q: warnings are %q", issuer, all)
		}
		if got.OIDC.ClientSecret.Reveal() != strings.Repeat("k", 40) {
			t.Error("the secret is not the file's")
		}
	}
}

func TestDurationsAreShownWithoutIdleParts(t *testing.T) {
	for d, want := range map[time.Duration]string{
		72 * time.Hour: "72h", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", 20 * time.Minute: "20m",
		1500 * time.Millisecond: "1.5s", 0: "0s", time.Hour + time.Second: "1h0m1s",
	} {
		if got := short(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}
