package hook

import (
	"strings"
	"testing"

	"relevo/relay"
)

// call puts a text and what is around it into a call to one person.
const (
	callStart = `{"action":"send","phone":"+14151231234",`
	sent      = `{"action":"send","phone":"+14151231234","text":"`
)

func TestWhatCanMeanOneThingOnlyIsMended(t *testing.T) {
	for _, c := range []struct {
		name, body string
		text       string // of the message
		told       string // part of the only warning
	}{
		{"line break", sent + "a\nb\"}", "a\nb", "line 1, column 50: a line break"},
		{"line breaks of Windows", sent + "a\r\nb\r\nc\"}", "a\nb\nc", "line break inside a text was read as \\n (2 times in all)"},
		{"line break of the old Macintosh", sent + "a\rb\"}", "a\nb", "line break"},
		{"tab", sent + "a\tb\"}", "a\tb", "control character"},
		{"escape character", sent + "a\x1bb\"}", "a\x1bb", "control character"},
		{"comma missing at the end of a line", "{\"action\":\"send\",\"text\":\"a\"\n\"phone\":\"+14151231234\"}", "a", "line 1, column 28: a missing comma"},
		{"comma missing on one line", `{"action":"send" "phone":"+14151231234","text":"a"}`, "a", "missing comma"},
		{"comma missing after a number", "{\"action\":\"send\",\"expires_in\":60\n\"phone\":\"+14151231234\",\"text\":\"a\"}", "a", "missing comma"},
		{"comma missing after an object", `{"action":"send","phone":"+14151231234","text":"a","x":{} "y":1}`, "a", ""},
		{"comma at the end", sent + `a",}`, "a", "line 1, column 51: a comma or semicolon too many"},
		{"comma at the end, on a line of its own", sent + "a\"\n,\n}", "a", "line 2, column 1: a comma or"},
		{"commas in a row", `{"action":"send",,"phone":"+14151231234",,,"text":"a"}`, "a", "too many was left out (3 times in all)"},
		{"comma at the beginning", `{,"action":"send","phone":"+14151231234","text":"a"}`, "a", "a comma or semicolon too many"},
		{"comma after the object", sent + `a"},`, "a", "a comma or semicolon too many"},
		{"semicolon after the object", sent + `a"};`, "a", "a comma or semicolon too many"},
		{"single quotes", `{'action':'send','phone':'+14151231234','text':'a'}`, "a", "plain double quotes"},
		{"single quotes with an apostrophe", `{'action':'send','phone':'+14151231234','text':'it's Ann's'}`, "it's Ann's", "plain double quotes"},
		{"single quotes with an escaped apostrophe", `{'action':'send','phone':'+14151231234','text':'it\'s'}`, "it's", "plain double quotes"},
		{"single quotes with double quotes inside", `{'action':'send','phone':'+14151231234','text':'say "hi"'}`, `say "hi"`, "plain double quotes"},
		{"Python's mixture", `{'action': 'send', 'phone': '+14151231234', 'text': "it's", 'file_url': None}`, "it's", ""},
		{"curly quotes", `{“action”:“send”,“phone”:“+14151231234”,“text”:“a”}`, "a", "plain double quotes"},
		{"curly quotes the wrong way", `{”action”:”send”,”phone”:”+14151231234”,”text”:”a”}`, "a", "plain double quotes"},
		{"low and high quotes", `{„action“:„send“,„phone“:„+14151231234“,„text“:„a“}`, "a", "plain double quotes"},
		{"guillemets", `{«action»:«send»,«phone»:«+14151231234»,«text»:«a»}`, "a", "plain double quotes"},
		{"curly quotes around a value with an apostrophe", callStart + `"text":“it’s”}`, "it’s", "plain double quotes"},
		{"phone with a plus", `{"action":"send","phone":+14151231234,"text":"a"}`, "a", "line 1, column 26: a number without quotes"},
		{"phone as people write it", "{\"action\":\"send\",\"phone\": +1 (415) 123-1234,\n\"text\":\"a\"}", "a", "a number without quotes"},
		{"phone in brackets", `{"action":"send","phone":+1(415)123.1234 ,"text":"a"}`, "a", "a number without quotes"},
		{"phone with zeros", `{"action":"send","phone":0014151231234,"text":"a"}`, "a", "a number without quotes"},
		{"names without quotes", `{action:"send",phone:"+14151231234",text:"a"}`, "a", "a name without double quotes was quoted (3 times in all)"},
		{"an empty value", `{"action":"send","phone":"+14151231234","text":"a","file_url":,"file_name":}`, "a", "an empty value was read as null (2 times in all)"},
		{"undefined", `{"action":"send","phone":"+14151231234","text":"a","file_url":undefined}`, "a", "a word that is none in JSON"},
		{"spaces of the web", "{\u00a0\"action\":\"send\",\n\u00a0\u00a0\"phone\":\"+14151231234\",\u200b\"text\":\"a\"\u00a0}", "a", "look like spaces were left out"},
		{"a block of code", "```json\n" + sent + "a\"}\n```\n", "a", "the marks of a block of code"},
		{"a block of code with marks in its text", "```json\n" + sent + "a```b```\"}\n```\n", "a```b```", "the marks of a block of code"},
		{"a block of code without an end", "```\n" + sent + "a```b\"}", "a```b", "the marks of a block of code"},
		{"odd spaces everywhere", "{\u00a0'action'\u00a0:\u00a0'send'\u00a0,\u00a0phone\u00a0:\u00a0+1\u00a0415\u00a0123\u00a01234\u00a0,\u00a0\"text\":\"a\",\"file_url\":None\u00a0}", "a", ""},
		{"a comma missing after a number, and a name without quotes", "{\"action\":\"send\",\"text\":\"a\",\"expires_in\":60\n phone:\"+14151231234\"}", "a", ""},
		{"a comma missing before odd spaces", "{\"action\":\"send\",\"phone\":\"+14151231234\"\u00a0\u200b \"text\":\"a\"}", "a", ""},
		{"an apostrophe escaped for SQL", sent + `it\'s"}`, "it's", `\' was read as '`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, warnings, err := read(NewReader(), []byte(c.body), Input{Now: now})
			if err != nil {
				t.Fatalf("refused: %v", err.(*relay.Error).Message)
			}
			if a.Text != c.text || a.To.Phone != "+14151231234" || a.FileURL != "" {
				t.Errorf("read %+v", a)
			}
			if c.told != "" && (len(warnings) != 1 || !strings.HasPrefix(warnings[0], "Mended: ") || !strings.Contains(warnings[0], c.told)) {
				t.Errorf("told %q", warnings)
			}
			if e := refusal(t, c.body); e.Code != relay.CodeInvalidJSON || e.Fields[0].Line == 0 && !strings.HasPrefix(c.name, "a block of code") {
				t.Errorf("read strictly: %+v", e)
			}
		})
	}
}

func TestWhatCouldMeanTwoThingsIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, body string
		says       string
		line, col  int
	}{
		{"quotes inside a text", sent + `say "hi" now"}`, `A double quote inside a text is written \"`, 1, 54},
		{"a text whose end is missing", "{\"action\":\"send\",\n\"text\":\"a\n\"phone\":\"+14151231234\"}", "there is a line break inside a string. Write it as \\n. If the string should end here", 2, 10},
		{"cut short in a text", sent + "a", "the body ends in the middle of the string", 1, 50},
		{"cut short in a text with line breaks", sent + "a\nb", "the body ends in the middle of the string", 2, 2},
		{"cut short before the end", sent + `a"`, "the body ends in the middle of an object", 1, 51},
		{"cut short in single quotes", `{'action':'send`, "the body ends in the middle of the text in quotes", 1, 16},
		{"two documents", sent + `a"}{"action":"send"}`, "a second JSON document starts here", 1, 52},
		{"text without quotes", callStart + `"text":Hello there}`, "the text \"Hello\" is not in double quotes", 1, 48},
		{"a zero character", sent + "a\x00\"}", "U+0000", 1, 50},
		{"an unknown escape", sent + `C:\docs"}`, "a backslash before \"d\" means nothing", 1, 51},
		{"a merge tag without quotes", `{"action":"send","phone":{{lead.Phone Number}},"text":"a"}`, "a merge tag that was not filled in", 1, 26},
		{"values without a comma in an array", callStart + `"template":{"name":"a","language":"en","variables":["a" "b"]}}`, "a comma is missing", 1, 96},
		{"a colon too few", callStart + `"text" "a"}`, "a colon is missing", 1, 47},
		{"quotes inside a text, on a later line", sent + "a\nthe \"green\" one\"}", `A double quote inside a text is written \"`, 2, 6},
		{"a quote inside a text, before a comma", sent + `The 15", black one", on its way"}`, `If this belongs to the text before, write the double quote in that text as \"`, 1, 58},
		{"a quote inside a text, before what looks like a name", callStart + `"text":"TV 24" color: "black"}`, "a comma is missing after", 1, 0},
		{"a quote inside a text, and what looks like a name on the next line", sent + "She wrote \"\nnote: \"urgent\"}", `If the text goes on there, write the double quote in it as \"`, 1, 60},
		{"a comma missing, and a name without quotes on the next line", "{\"action\":\"send\",\"text\":\"a\"\n phone:\"+14151231234\"}", "a comma is missing after \"a\"", 1, 28},
		{"a quote inside a text in single quotes, and what looks like a name", "{'action':'send','phone':'+14151231234','text':\"He said \"\nnote: 'x'}", "a comma is missing", 1, 58},
		{"texts joined as in a program", callStart + `"text":"a" + "b"}`, "cannot be joined with +", 1, 52},
		{"an object joined to a text", callStart + `"text":[object Object]}`, "JSON.stringify", 1, 48},
		{"nothing but an object joined to a text", "[object Object]", "JSON.stringify", 1, 1},
		{"comments", callStart + "\"text\":\"a\" // the text\n}", "there is a comment", 1, 52},
		{"a comment before a name", callStart + "/* x */\"text\":\"a\"}", "there is a comment", 1, 41},
		{"a comment before a value", callStart + `"text": /* x */ "a"}`, "there is a comment", 1, 49},
		{"no braces", `"action":"send","text":"a"`, "the braces around the fields are missing", 1, 1},
		{"a backslash at the end of a line", sent + "a\\\nb\"}", "a backslash stands at the end of a line", 1, 50},
		{"NaN", callStart + `"text":NaN}`, "NaN is not a JSON value", 1, 48},
		{"an apostrophe that ends a text early", `{'action':'send','phone':'+14151231234','text':'Ann', 'Bob' and I'}`, "", 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := read(NewReader(), []byte(c.body), Input{Now: now})
			if err == nil {
				t.Fatal("it was read")
			}
			e := err.(*relay.Error)
			if e.Code != relay.CodeInvalidJSON || !strings.Contains(e.Message, c.says) || e.Fields[0].Line != c.line || c.col > 0 && e.Fields[0].Column != c.col {
				t.Errorf("at %d:%d: %s", e.Fields[0].Line, e.Fields[0].Column, e.Message)
			}
		})
	}
}

func TestAFaultAfterARepairIsFoundWhereItsWriterSeesIt(t *testing.T) {
	body := "{'action':'send',\n “text”: “a\nb”,\n \"phone\": \"abc\"\n}"
	_, _, err := read(NewReader(), []byte(body), Input{Now: now})
	e, ok := err.(*relay.Error)
	if !ok || e.Fields[0].Line != 4 || e.Fields[0].Column != 11 || e.Fields[0].Excerpt != ` "phone": "abc"`+"\n"+`          ^` {
		t.Errorf("got %+v", e)
	}
}

func TestAnExcerptShowsThePlaceInALongLine(t *testing.T) {
	long := strings.Repeat("x", 200)
	_, _, err := read(NewReader(), []byte(`{"action":"send","text":"`+long+`","phone":"abc","x":"`+long+`"}`), Input{Now: now})
	line, caret, _ := strings.Cut(err.(*relay.Error).Fields[0].Excerpt, "\n")
	if at := len([]rune(caret)) - 1; len([]rune(line)) > 80 || !strings.HasPrefix(line, "…") || !strings.HasSuffix(line, "…") || string([]rune(line)[at:at+5]) != `"abc"` {
		t.Errorf("got\n%s\n%s", line, caret)
	}
}
