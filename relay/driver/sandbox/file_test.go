package sandbox

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"relevo/relay"
)

func TestAFilesNameIsCleaned(t *testing.T) {
	long := strings.Repeat("ü", 200)
	cases := []struct{ name, want string }{
		{"logo.png", "logo.png"},
		{"Ma facture (1).pdf", "Ma facture (1).pdf"},
		{"счёт.pdf", "счёт.pdf"},
		{"../../etc/passwd", "passwd"},
		{`C:\temp\a.txt`, "a.txt"},
		{"..", ".."}, // behind the message's id it is a name like another
		{"", "file"},
		{"a/", "file"},
		{"a\x00b\nc.txt", "a_b_c.txt"},
		{"abc\u202etxt.exe", "abc_txt.exe"},
		{"a\xffb", "a_b"},
		{long + ".pdf", strings.Repeat("ü", 58) + ".pdf"},
		{"a." + long, "a." + strings.Repeat("ü", 59)},
	}
	for _, c := range cases {
		got := cleanName(c.name)
		if got != c.want {
			t.Errorf("cleanName(%q) = %q, want %q", c.name, got, c.want)
		}
		if len(got) > maxNameBytes || !utf8.ValidString(got) {
			t.Errorf("cleanName(%q) has %d bytes", c.name, len(got))
		}
	}
}

func TestHostileNamesStayInTheChannelsFolder(t *testing.T) {
	root := t.TempDir()
	p := openPhone(t, filepath.Join(root, "sandbox"))
	for i, name := range []string{"..", "../../../x", "/etc/x", `..\..\x`, ".", "\x00", strings.Repeat("../", 99)} {
		out := toRecipient("+14155550123")
		out.MessageID = []string{messageID(i), "../../x", "/"}[i%3]
		out.File = fileOf(name, relay.Document, "hello")
		if _, err := p.Send(t.Context(), out); err != nil {
			t.Errorf("a file with the name %q: %v", name, err)
		}
	}
	folder := filepath.Join(p.dir, channel, "files")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && filepath.Dir(path) != folder && path != p.path(channel) {
			t.Errorf("%s lies outside of the channel's folder", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, l := range p.lines(t, channel) {
		if string(p.content(t, l)) != "hello" {
			t.Errorf("the line of %q does not lead to its file", l.File.Name)
		}
	}
}

func TestARefusedMessageLeavesNoFile(t *testing.T) {
	p := openPhone(t, t.TempDir())
	out := toRecipient("+14155559902")
	out.File = fileOf("a.txt", relay.Document, "hello")
	if _, err := p.Send(t.Context(), out); answer(err) != "refused refused" {
		t.Fatal(err)
	}
	if l := p.lines(t, channel)[0]; l.File != nil || l.Kind != "document" {
		t.Errorf("line %+v, want a document without its file", l)
	}
	if _, err := os.Stat(filepath.Join(p.dir, channel)); !os.IsNotExist(err) {
		t.Errorf("the channel has a folder (%v)", err)
	}
}

func TestAFileThatIsGoneIsRefused(t *testing.T) {
	p := openPhone(t, t.TempDir())
	out := toRecipient("+14155550123")
	out.File = fileOf("a.txt", relay.Document, "hello")
	out.File.Open = func() (io.ReadCloser, error) { return os.Open(filepath.Join(t.TempDir(), "4155550123 gone")) }
	_, err := p.Send(t.Context(), out)
	if answer(err) != "refused file_unreachable" {
		t.Fatalf("answer %v, want a refusal", err)
	}
	if s := sendError(t, err).Err.Error(); strings.Contains(s, "4155550123") {
		t.Errorf("the error for the log has the path: %s", s)
	}
}

func TestAFileThatBreaksOffLeavesNothing(t *testing.T) {
	p := openPhone(t, t.TempDir())
	out := toRecipient("+14155550123")
	out.File = fileOf("a.txt", relay.Document, "")
	out.File.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("hel"), iotest.ErrReader(errors.New("input/output error")))), nil
	}
	if _, err := p.Send(t.Context(), out); answer(err) != "deferred unavailable" {
		t.Fatalf("answer %v, want deferred", err)
	}
	left, err := os.ReadDir(filepath.Join(p.dir, channel, filesFolder))
	if err != nil || len(left) != 0 || len(p.lines(t, channel)) != 0 {
		t.Errorf("left are %v, %v and %d lines; want nothing", left, err, len(p.lines(t, channel)))
	}
}

func TestHalfCopiedFilesOfAKilledProcessAreRemoved(t *testing.T) {
	dir := t.TempDir()
	p := openPhone(t, dir)
	out := toRecipient("+14155550123")
	out.File = fileOf("a.txt", relay.Document, "hello")
	if _, err := p.Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, channel, "files", halfPrefix+"123")
	if err := os.WriteFile(half, []byte("hel"), 0o600); err != nil {
		t.Fatal(err)
	}
	p = openPhone(t, dir)
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("half a file is still there (%v)", err)
	}
	if got := p.content(t, p.lines(t, channel)[0]); string(got) != "hello" {
		t.Errorf("the whole file holds %q", got)
	}
}
