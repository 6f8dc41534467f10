package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"relevo/cmd/relevo/config"
)

// The steps of the Dockerfile are run by testdata/deploy/check.sh. What is
// here holds the Dockerfile, compose.yaml and relevo.service to each other
// and to the program.

// image is what the last stage of the Dockerfile says, by instruction.
func image(t *testing.T) map[string]string {
	t.Helper()
	_, last, ok := strings.Cut(document(t, "Dockerfile"), "\nFROM gcr.io/distroless/")
	if !ok {
		t.Fatal("the last stage of the Dockerfile is not a distroless image")
	}
	said := map[string]string{}
	for line := range strings.Lines(last) {
		if word, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok && word == strings.ToUpper(word) && word != "#" {
			said[word] = strings.TrimSpace(said[word] + "\n" + rest)
		}
	}
	return said
}

// settingsOf loads NAME=value words as the program would.
func settingsOf(t *testing.T, environ []string) config.Config {
	t.Helper()
	c, _, err := config.Load(config.Input{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func execForm(t *testing.T, s string) (words []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &words); err != nil {
		t.Fatalf("%s is not the exec form: %v", s, err)
	}
	return words
}

func TestTheImageListensWhereItSaysAndKeepsItsDataInTheVolume(t *testing.T) {
	said := image(t)
	c := settingsOf(t, strings.Fields(said["ENV"]))
	if c.Data != said["VOLUME"] {
		t.Errorf("data is %s and the volume %s", c.Data, said["VOLUME"])
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || host != "" || port != said["EXPOSE"] {
		t.Errorf("listens on %s and exposes %s", c.Listen, said["EXPOSE"])
	}
	if !strings.HasPrefix(c.AdminListen, "127.0.0.1:") {
		t.Errorf("metrics are on %s, which is not loopback alone", c.AdminListen)
	}
	if said["USER"] != "nonroot" || !strings.Contains(said["COPY"], "--chown=nonroot:nonroot /out/data "+c.Data) {
		t.Errorf("the user %s does not own a fresh volume: %s", said["USER"], said["COPY"])
	}
	for _, command := range [][]string{
		append(execForm(t, said["ENTRYPOINT"]), execForm(t, said["CMD"])...),
		execForm(t, said["HEALTHCHECK"][strings.Index(said["HEALTHCHECK"], "["):]),
	} {
		if found, left, err := newRootCommand(&program{}).Find(command[1:]); command[0] != "/relevo" || err != nil || len(left) > 0 {
			t.Errorf("%q runs %v, %q, %v", command, found, left, err)
		}
	}
}

// composeService is what compose.yaml says of a service, as far as it
// matters here: https://github.com/compose-spec/compose-spec/blob/main/05-services.md
type composeService struct {
	Build, Image, User, Restart string
	Init                        bool
	ReadOnly                    bool `yaml:"read_only"`
	Ports, Volumes, Tmpfs       []string
	Environment                 map[string]string
	CapDrop                     []string `yaml:"cap_drop"`
	SecurityOpt                 []string `yaml:"security_opt"`
	StopGracePeriod             string   `yaml:"stop_grace_period"`
	Healthcheck                 struct {
		Test        []string
		Interval    string
		Timeout     string
		StartPeriod string `yaml:"start_period"`
	}
}

func readCompose(t *testing.T) composeService {
	t.Helper()
	var doc struct {
		Services map[string]composeService
		Volumes  map[string]any
	}
	dec := yaml.NewDecoder(strings.NewReader(document(t, "compose.yaml")))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	s, ok := doc.Services["relevo"]
	if !ok || len(doc.Services) != 1 {
		t.Fatalf("services are %v", slices.Collect(maps.Keys(doc.Services)))
	}
	for _, v := range s.Volumes {
		name, _, _ := strings.Cut(v, ":")
		if _, ok := doc.Volumes[name]; !ok {
			t.Errorf("the volume %s is not declared", name)
		}
	}
	return s
}

func TestComposeRunsTheImageWithoutRights(t *testing.T) {
	said, s := image(t), readCompose(t)
	if want := []string{"127.0.0.1:8080:" + said["EXPOSE"]}; !slices.Equal(s.Ports, want) {
		t.Errorf("ports are %q; want %q", s.Ports, want)
	}
	if want := []string{"data:" + said["VOLUME"]}; !slices.Equal(s.Volumes, want) {
		t.Errorf("volumes are %q; want %q", s.Volumes, want)
	}
	if s.User != said["USER"] || !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) || !slices.Equal(s.Tmpfs, []string{"/tmp"}) {
		t.Errorf("the container has rights that it needs not: %+v", s)
	}
	if s.Build != "." || s.Restart == "" {
		t.Errorf("build is %q, restart %q", s.Build, s.Restart)
	}
	check := execForm(t, said["HEALTHCHECK"][strings.Index(said["HEALTHCHECK"], "["):])
	if want := append([]string{"CMD"}, check...); !slices.Equal(s.Healthcheck.Test, want) {
		t.Errorf("healthcheck is %q; the image's is %q", s.Healthcheck.Test, want)
	}
	if limit := duration(t, s.Healthcheck.Timeout); limit <= healthTimeout {
		t.Errorf("a check may take %s and is cut off after %s", healthTimeout, limit)
	}
	environ := strings.Fields(said["ENV"])
	for name, value := range s.Environment {
		environ = append(environ, name+"="+value)
	}
	if c := settingsOf(t, environ); duration(t, s.StopGracePeriod) <= c.Deliver.DrainTimeout {
		t.Errorf("killed after %s, while a drain may take %s", s.StopGracePeriod, c.Deliver.DrainTimeout)
	}
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// unit reads the service section of relevo.service; a key that is given
// several times has its values in lines.
func unit(t *testing.T) map[string]string {
	t.Helper()
	keys, in := map[string]string{}, ""
	for line := range strings.Lines(document(t, "relevo.service")) {
		line = strings.TrimSpace(line)
		switch key, value, ok := strings.Cut(line, "="); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			in = line
		case !ok:
			t.Errorf("%q is neither a key nor a section", line)
		case in == "[Service]":
			keys[key] = strings.TrimPrefix(keys[key]+"\n"+value, "\n")
		}
	}
	return keys
}

func TestTheUnitTakesAwayWhatIsNotNeeded(t *testing.T) {
	got := unit(t)
	// systemd's words for them: https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html
	for key, want := range map[string]string{
		"User": "relevo", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "ProtectHome": "yes",
		"PrivateTmp": "yes", "PrivateDevices": "yes", "MemoryDenyWriteExecute": "yes", "RestrictNamespaces": "yes",
		"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "SystemCallFilter": "@system-service\n~@privileged @resources",
		"SystemCallArchitectures": "native", "StateDirectoryMode": "0700", "Restart": "always",
	} {
		if value, ok := got[key]; !ok || value != want {
			t.Errorf("%s is %q; want %q", key, value, want)
		}
	}
	c := settingsOf(t, strings.Fields(got["Environment"]))
	if c.Data != "/var/lib/"+cmp.Or(got["StateDirectory"], "?") {
		t.Errorf("data is %s; the only folder that can be written is /var/lib/%s", c.Data, got["StateDirectory"])
	}
	if limit := duration(t, got["TimeoutStopSec"]+"s"); limit <= c.Deliver.DrainTimeout {
		t.Errorf("killed after %s, while a drain may take %s", limit, c.Deliver.DrainTimeout)
	}
	command := strings.Fields(got["ExecStart"])
	if _, left, err := newRootCommand(&program{}).Find(command[1:]); err != nil || len(left) > 0 {
		t.Errorf("ExecStart runs %q: %v", command, err)
	}
}

func TestTheReadmesTestCommandIsWhatCIRuns(t *testing.T) {
	const command = "make test"
	if !strings.Contains(document(t, "README.md"), fmt.Sprintf("```sh\n%s\n```", command)) {
		t.Errorf("README.md does not show %q", command)
	}
	if !strings.Contains(document(t, ".ci/run"), "\n"+command+"\n") {
		t.Errorf(".ci/run does not call %q", command)
	}
	_, rest, ok := strings.Cut(document(t, "Makefile"), "\ntest: ")
	if !ok {
		t.Fatal("the Makefile has no target test")
	}
	line, _, _ := strings.Cut(rest, "##")
	for _, part := range []string{"format", "vet", "staticcheck", "imports", "race", "deploy"} {
		if !slices.Contains(strings.Fields(line), part) {
			t.Errorf("make test leaves out %s", part)
		}
	}
}

// TestTheScaledComposeFileRunsEqualNodesOnOneDatabase reads the file as Compose
// would, anchors and all.
func TestTheScaledComposeFileRunsEqualNodesOnOneDatabase(t *testing.T) {
	var doc struct {
		Services map[string]struct {
			Image, User string
			Environment map[string]string
			ReadOnly    bool `yaml:"read_only"`
			Tmpfs       []string
			Ports       []string
		}
		Configs map[string]struct{ Content string }
	}
	if err := yaml.Unmarshal([]byte(document(t, "compose.scale.yaml")), &doc); err != nil {
		t.Fatal(err)
	}
	env := doc.Services["relevo-1"].Environment
	if !strings.HasPrefix(env["RELEVO_STORE__URL"], "postgres://") || !strings.HasPrefix(env["RELEVO_SECRET_KEY"], "${RELEVO_SECRET_KEY:?") {
		t.Errorf("the environment of a node is %v", env)
	}
	for name, value := range env {
		if key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, config.EnvPrefix), "__", ".")); !slices.Contains(config.Keys(), key) {
			t.Errorf("%s=%s is no setting", name, value)
		}
	}
	proxied := doc.Configs["caddy"].Content
	for _, node := range []string{"relevo-1", "relevo-2", "relevo-3"} {
		s := doc.Services[node]
		if s.User != "nonroot" || !s.ReadOnly || len(s.Ports) > 0 || len(s.Tmpfs) != 2 {
			t.Errorf("%s is %+v; want a user without rights, nothing written, no port of its own", node, s)
		}
		if !strings.Contains(proxied, node+":8080") {
			t.Errorf("the proxy does not know %s", node)
		}
	}
	if !strings.Contains(proxied, "health_uri /readyz") {
		t.Errorf("the proxy does not ask /readyz:\n%s", proxied)
	}
}
