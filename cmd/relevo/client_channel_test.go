package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	aMetaChannel = `{"id":"ch_2","kind":"meta","name":"Shop","phone":"+15550783881","state":"connected","paused":false,"files_out":true,"files_in":false,
"fallback_template":{"name":"reminder","language":"en"},"templates_synced_at":null,"credentials_until":"2024-07-01T10:00:00Z","callbacks_since":null,
"settings":{"phone_number_id":"106540352242922","access_token":"…n789"},
"callbacks":{"url":"https://r.example/callback/ch_2/k","status_url":"https://r.example/callback/ch_2/k/status","inbound_url":"https://r.example/callback/ch_2/k/inbound","verify_token":"vt-1"},
"notices":["The access token ends soon."]}`
	aTemplate = `{"id":"1","name":"order_shipped","language":"en","category":"UTILITY","status":"approved","body":"Hello {{1}}, it left.","variables":["1"],"buttons":[]}`
	written   = `{"id":"i1","channel_id":"ch_2","chat_id":"10001","sender":"+1415","kind":"image","text":"look","files":[{"name":null,"type":"image/png"},{"name":"a.pdf","type":"application/pdf"}],"at":"2024-05-01T10:00:00Z"}`
)

// channelsOf answers the questions which workspace and which channels.
func channelsOf(more map[string]string, channels ...string) map[string]string {
	answers := map[string]string{
		"GET /api/v1/workspaces?limit=200":               oneWorkspace,
		"GET /api/v1/workspaces/ws_1/channels?limit=200": `{"data":[` + strings.Join(channels, ",") + `],"next_cursor":null}`,
	}
	for k, v := range more {
		answers[k] = v
	}
	return answers
}

func TestCommandsForRealChannelsAskForTheRightThing(t *testing.T) {
	const ws = "/api/v1/workspaces/ws_1"
	list := func(o string) string { return `{"data":[` + o + `],"next_cursor":null}` }
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "in.json")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, c := range []struct{ args, asks, answer, shows string }{
		{"channel create --kind meta --phone +1555 --files-in off --settings-file " + file(`{"access_token":"a","app_id":1}`) + " --setting access_token=b",
			"POST " + ws + `/channels {"files_in":false,"kind":"meta","phone":"+1555","settings":{"access_token":"b","app_id":1}}`, "201 " + aMetaChannel, "Settings:"},
		{"channel set ch_2 --settings-file " + file(`{"private_key":"-----BEGIN\nKEY"}`), "PATCH " + ws + `/channels/ch_2 {"settings":{"private_key":"-----BEGIN\nKEY"}}`, aMetaChannel, "ch_2"},
		{"channel set ch_2 --files-out on --fallback-template reminder --fallback-language en",
			"PATCH " + ws + `/channels/ch_2 {"fallback_template":{"language":"en","name":"reminder"},"files_out":true}`, aMetaChannel, "Fallback template:  reminder"},
		{"channel set ch_2 --setting callback_password=a,b=c --setting sender=x", "PATCH " + ws + `/channels/ch_2 {"settings":{"callback_password":"a,b=c","sender":"x"}}`, aMetaChannel, "ch_2"},
		{"channel set ch_2 --phone +15550783881", "PATCH " + ws + `/channels/ch_2 {"phone":"+15550783881"}`, aMetaChannel, "ch_2"},
		{"channel set ch_2 --no-fallback-template", "PATCH " + ws + `/channels/ch_2 {"fallback_template":null}`, aMetaChannel, "ch_2"},
		{"template list", "GET " + ws + "/channels/ch_2/templates", list(aTemplate), "order_shipped  en        UTILITY   approved  1          Hello {{1}}, it left.  -"},
		{"template list --channel ch_9", "GET " + ws + "/channels/ch_9/templates", list(aTemplate), "order_shipped"},
		{"template sync", "POST " + ws + "/channels/ch_2/templates/sync", list(aTemplate), "order_shipped"},
		{"template submit " + file(`{"name":"x","samples":["1"]}`), "POST " + ws + `/channels/ch_2/templates {"name":"x","samples":["1"]}`, "201 " + aTemplate, "Status:    approved"},
		{"inbound --channel ch_2 --chat 10001 --limit 2", "GET " + ws + "/inbound?channel=ch_2&chat=10001&limit=2", list(written), "10001  +1415  image  look  image/png, a.pdf"},
	} {
		t.Run(c.args, func(t *testing.T) {
			method, rest, _ := strings.Cut(c.asks, " ")
			path, _, _ := strings.Cut(rest, " ")
			srv := newRecorded(t, channelsOf(map[string]string{method + " " + path: c.answer}, aChannel, aMetaChannel))
			got := srv.run(t, strings.Fields(c.args)...)
			if last := srv.asked[len(srv.asked)-1]; got.code != exitOK || last != c.asks {
				t.Errorf("exit %d (%s), asked %s\nwant %s", got.code, got.errout, last, c.asks)
			}
			if !strings.Contains(got.out, c.shows) {
				t.Errorf("shows\n%s\nwant it to contain\n%s", got.out, c.shows)
			}
		})
	}
}

func TestAMessageTellsItsTemplate(t *testing.T) {
	const path, id = "GET /api/v1/workspaces/ws_1/messages", "wa_backend:3EB0018F3A2B4C5D6E7F80"
	const m = `{"id":"` + id + `","status":"sent","units":1,"to":"+1415","text":null,"file":null,"template":{"name":"order_shipped","language":"en","variables":["Ann","4711"],"names":[],"buttons":[]},"created_at":"2024-05-01T10:00:00Z","error":null,"history":[]}`
	srv := newRecorded(t, channelsOf(map[string]string{path: `{"data":[` + m + `],"next_cursor":null}`, path + "/" + id: m}))
	if got := srv.run(t, "messages", "list"); !strings.Contains(got.out, "TEMPLATE") || !strings.Contains(got.out, "order_shipped") {
		t.Errorf("the list is %+v", got)
	}
	got := srv.run(t, "messages", "show", id)
	for _, line := range []string{"Template:   order_shipped\n", "Language:   en\n", "Variables:  Ann, 4711\n"} {
		if !strings.Contains(got.out, line) {
			t.Errorf("shows\n%s\nwant %q", got.out, line)
		}
	}
	if strings.Contains(got.out, "Button values") {
		t.Errorf("shows\n%s\nwhich has no buttons", got.out)
	}
}

func TestAChannelIsShownSoThatAPersonCanFollowIt(t *testing.T) {
	srv := newRecorded(t, channelsOf(map[string]string{"GET /api/v1/workspaces/ws_1/channels/ch_2": aMetaChannel}))
	got := srv.run(t, "channel", "show", "ch_2")
	const want = `Id:                 ch_2
Kind:               meta
Name:               Shop
Phone:              +15550783881
State:              connected
Paused:             no
Files out:          yes
Files in:           no
Fallback template:  reminder
Fallback language:  en
Credentials until:  2024-07-01 10:00:00Z

Settings:
  access_token:     …n789
  phone_number_id:  106540352242922

Paste into the provider's console:
  Callback URL:  https://r.example/callback/ch_2/k
  Verify token:  vt-1

The provider has not called back yet. ` + "`relevo channel check ch_2`" + ` says what is missing.

Needs attention:
  The access token ends soon.
`
	if got.code != exitOK || got.out != want {
		t.Errorf("exit %d, shows\n%s\nwant\n%s", got.code, got.out, want)
	}
	if raw := srv.run(t, "channel", "show", "ch_2", "--json"); raw.out != aMetaChannel+"\n" {
		t.Errorf("--json prints %q", raw.out)
	}
}

// New settings alone send nothing: a channel stays held until it is resumed.
func TestAHeldChannelSaysHowItGoesOn(t *testing.T) {
	held := strings.Replace(aMetaChannel, `"state":"connected"`, `"state":"held"`, 1)
	srv := newRecorded(t, channelsOf(map[string]string{"PATCH /api/v1/workspaces/ws_1/channels/ch_2": held}))
	if got := srv.run(t, "channel", "set", "ch_2", "--setting", "a=b"); !strings.Contains(got.out, "then `relevo channel resume ch_2`.") {
		t.Errorf("got %+v", got)
	}
}

func TestACheckPrintsALineForEachFindingAndFailsWithAnError(t *testing.T) {
	const path = "POST /api/v1/workspaces/ws_1/channels/ch_2/check"
	const well = `{"subject":"number","state":"ok","message":"It is known.","hint":null,"until":null}`
	const doubt = `{"subject":"quality","state":"warning","message":"It is low.","hint":"Look there."}`
	const trouble = `{"subject":"callback","state":"error","message":"It goes elsewhere.","hint":"Paste the address."}`
	for _, c := range []struct {
		findings string
		code     int
		shows    string
	}{
		{well + "," + doubt, exitOK, "ok       number: It is known.\nwarning  quality: It is low.\n         Look there.\n"},
		{well + "," + trouble, exitFailed, "ok       number: It is known.\nerror    callback: It goes elsewhere.\n         Paste the address.\n"},
	} {
		body := `{"data":[` + c.findings + `],"next_cursor":null}`
		srv := newRecorded(t, channelsOf(map[string]string{path: body}))
		if got := srv.run(t, "channel", "check", "ch_2"); got != (result{c.code, c.shows, ""}) {
			t.Errorf("got %+v, want %+v", got, c)
		}
		if got := srv.run(t, "channel", "check", "ch_2", "--json"); got != (result{c.code, body + "\n", ""}) {
			t.Errorf("--json: got %+v", got)
		}
	}
}

func TestTemplatesOfAStatusAreChosen(t *testing.T) {
	pending := strings.NewReplacer("approved", "pending", "order_shipped", "offer").Replace(aTemplate)
	srv := newRecorded(t, channelsOf(map[string]string{"GET /api/v1/workspaces/ws_1/channels/ch_2/templates": `{"data":[` + aTemplate + "," + pending + `],"next_cursor":null}`}, aMetaChannel))
	if got := srv.run(t, "template", "list", "--status", "pending"); !strings.Contains(got.out, "offer") || strings.Contains(got.out, "order_shipped") {
		t.Errorf("got %+v", got)
	}
	if got := srv.run(t, "template", "list", "--status", "pending", "--json"); got.out != `{"data":[`+pending+`],"next_cursor":null}`+"\n" {
		t.Errorf("got %+v", got)
	}
	if got := srv.run(t, "template", "list", "--status", "PENDING"); !strings.Contains(got.out, "offer") {
		t.Errorf("in capitals: got %+v", got)
	}
	if got := srv.run(t, "template", "list", "--status", "paused"); got != (result{0, "", "There are no paused templates.\n"}) {
		t.Errorf("got %+v", got)
	}
}

func TestTheOnlyChannelWithTemplatesIsFound(t *testing.T) {
	for _, c := range []struct {
		channels []string
		code     int
		says     string
	}{
		{[]string{aChannel, aMetaChannel}, exitOK, ""},
		{[]string{aChannel}, exitFailed, "The workspace has no channel with templates."},
		{[]string{aMetaChannel, aMetaChannel}, exitUsage, "There are several channels with templates. Choose one with --channel:\n  ch_2  Shop"},
	} {
		srv := newRecorded(t, channelsOf(map[string]string{"GET /api/v1/workspaces/ws_1/channels/ch_2/templates": `{"data":[` + aTemplate + `]}`}, c.channels...))
		if got := srv.run(t, "template", "list"); got.code != c.code || !strings.Contains(got.errout, c.says) {
			t.Errorf("got %+v, want %d %q", got, c.code, c.says)
		}
	}
}

// What is said of a file of settings repeats nothing of it.
func TestFlagsOfAChannelThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--settings-file", "-"}, exitFailed, "What came on stdin holds no settings. They are a JSON object"},
		{[]string{"--settings-file", "/nowhere.json"}, exitFailed, "/nowhere.json cannot be read"},
		{[]string{"--setting", "from stdin"}, exitUsage, "--setting is a name, = and a value"},
		{[]string{"--files-in", "maybe"}, exitUsage, "--files-in is on or off"},
		{[]string{"--fallback-template", "x"}, exitUsage, "--fallback-template and --fallback-language go together"},
		{[]string{"--fallback-template", "x", "--no-fallback-template"}, exitUsage, "fallback-template no-fallback-template"},
	} {
		got := newRecorded(t, channelsOf(nil)).run(t, append([]string{"channel", "set", "ch_2"}, c.args...)...)
		if got.code != c.code || !strings.Contains(got.errout, c.says) || strings.Contains(got.errout, "from stdin") {
			t.Errorf("%v: got %+v, want %d %q", c.args, got, c.code, c.says)
		}
	}
}

// It is found in a file by its line, and nothing of the file is repeated.
func TestAFileThatIsNoJSONIsToldWithTheLine(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"a comma too many", "{\n  \"a\": \"hidden\",\n}\n", "In line 3 it stops being JSON"},
		{"a line break in a value", "{\"a\": \"hidden\n rest\"}", "In line 1 it stops being JSON"},
		{"cut short", "{\n\"a\": \"hidden\"", "In line 2 it stops being JSON"},
		{"an array", `["hidden"]`, "It is a JSON object"},
		{"nothing", "", "It is a JSON object"},
	} {
		file := filepath.Join(t.TempDir(), "x.json")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		srv := newRecorded(t, channelsOf(nil, aMetaChannel))
		for _, args := range [][]string{{"template", "submit", file}, {"channel", "set", "ch_2", "--settings-file", file}} {
			got := srv.run(t, args...)
			says := c.says
			if args[0] == "channel" {
				says = strings.Replace(says, "It is a", "They are a", 1)
			}
			if got.code != exitFailed || !strings.Contains(got.errout, says) || strings.Contains(got.errout, "hidden") {
				t.Errorf("%s, %s: got %+v, want %q", c.name, args[0], got, says)
			}
			if strings.Contains(says, "object") && strings.Contains(got.errout, "In line") {
				t.Errorf("%s, %s: %s", c.name, args[0], got.errout)
			}
		}
	}
}
