package media

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf16"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// ftyp is the start of an MP4 of a brand.
func ftyp(brand string) string {
	return "\x00\x00\x00\x18ftyp" + brand + "\x00\x00\x02\x00isommp41" + strings.Repeat("\x00", 64)
}

func ogg(codec string) string {
	return "OggS\x00\x02" + strings.Repeat("\x00", 20) + "\x01\x13" + codec + strings.Repeat("\x00", 32)
}

// zipped is the start of a ZIP whose first entry has a name.
func zipped(entry string) string {
	return "PK\x03\x04\x14\x00\x00\x00\x08\x00" + strings.Repeat("\x00", 16) + string(rune(len(entry))) + "\x00\x00\x00" + entry + "data"
}

func utf16le(s string) string {
	b := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

const mp3Frames = "\xff\xfb\x90\x64"

func TestContentThatKeepsItsPromiseIsTaken(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"PNG", "a.png", png, "image/png"},
		{"JPEG", "a.jpg", "\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"},
		{"PNG named JPEG", "a.jpg", png, "image/png"},
		{"MP4", "a.mp4", ftyp("isom"), "video/mp4"},
		{"MP4 of Apple", "a.mp4", ftyp("M4V "), "video/mp4"},
		{"MP4 of Sony", "a.mp4", ftyp("MSNV"), "video/mp4"},
		{"MP4 without ftyp", "a.mp4", "\x00\x00\x00\x20moov\x00\x00\x00\x6cmvhd", "video/mp4"},
		{"3GP", "a.3gp", ftyp("3gp4"), "video/3gpp"},
		{"MP3 with a tag", "a.mp3", "ID3\x04\x00\x00\x00\x00\x02\x00" + strings.Repeat("\x00", 64), "audio/mpeg"},
		{"MP3 without a tag", "a.mp3", mp3Frames + strings.Repeat("\x00", 400), "audio/mpeg"},
		{"MP3 with something before", "a.mp3", "\x00\x01\x02\x03\x04", "audio/mpeg"},
		{"AAC", "a.aac", "\xff\xf1\x50\x80\x00\x1f\xfc", "audio/aac"},
		{"AAC in ADIF", "a.aac", "ADIF\x00\x01\x02", "audio/aac"},
		{"AMR", "a.amr", "#!AMR\n\x3c", "audio/amr"},
		{"M4A", "a.m4a", ftyp("M4A "), "audio/mp4"},
		{"M4A that calls itself a video", "a.m4a", ftyp("isom"), "audio/mp4"},
		{"Opus", "a.opus", ogg("OpusHead"), "audio/ogg"},
		{"Vorbis", "a.ogg", ogg("\x01vorbis"), "audio/ogg"},
		{"an unknown codec in Ogg", "a.ogg", ogg("other"), "audio/ogg"},
		{"PDF", "a.pdf", "%PDF-1.7\n", "application/pdf"},
		{"PDF behind a line", "a.pdf", "\r\n%PDF-1.7\n", "application/pdf"},
		{"CSV", "a.csv", "a,b\n1,2\n3,4\n", "text/csv"},
		{"CSV with one column", "a.csv", "name\nAnn\nBob\n", "text/csv"},
		{"CSV in UTF-16", "a.csv", utf16le("a;b\n1;2\n"), "text/csv"},
		{"text", "a.txt", "hello", "text/plain"},
		{"Word", "a.docx", zipped("word/document.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"Word that looks like a ZIP", "a.docx", zipped("customXml/item1.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"ZIP", "a.zip", zipped("a.txt"), "application/zip"},
		{"WebP", "a.webp", "RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"},
		{"GIF", "a.gif", "GIF89a", "image/gif"},
		{"HEIC", "a.heic", ftyp("heic"), "image/heic"},
		{"SVG", "a.svg", "<!-- by hand --><svg xmlns=\"http://www.w3.org/2000/svg\"/>", "image/svg+xml"},
		{"JSON that was asked for", "a.json", `{"a":1}`, "application/json"},
		{"XML that was asked for", "a.xml", "<?xml version=\"1.0\"?><a/>", "text/xml"},
		{"a page that was asked for", "a.html", page, "text/html"},
		{"the same in XHTML", "a.xhtml", "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"/>", "application/xhtml+xml"},
		{"Markdown that begins with a comment", "a.md", "<!-- toc -->\n# Title", "text/html"},
		{"a sheet in HTML", "a.xls", "<html xmlns:x=\"urn:schemas-microsoft-com:office:excel\"><table>", "text/html"},
		{"a table in HTML", "a.xls", "<table><tr><td>1</td></tr></table>", "text/html"},
		{"no ending", "README", "hello", "text/plain"},
		{"unknown bytes", "a.bin", "\x00\x01\x02", "application/octet-stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openWith(t, loopback())
			got, err := s.Fetch(t.Context(), request(serve(t, body(c.content)), c.file))
			if err != nil || got.Type != c.want {
				e, _ := errors.AsType[*Error](err)
				t.Errorf("got %q, %v %+v, want %q", got.Type, err, e, c.want)
			}
		})
	}
}

func TestAWebPageIsNoFile(t *testing.T) {
	for _, c := range []struct{ name, file, content string }{
		{"as a picture", "a.png", page},
		{"as a PDF", "a.pdf", page},
		{"as a document", "a.docx", page},
		{"as text", "a.txt", page},
		{"without an ending", "file", page},
		{"without a name", "", page},
		{"with a byte-order mark", "a.pdf", "\ufeff" + page},
		{"the same as text", "a.txt", "\ufeff\n" + page},
		{"in UTF-16", "a.pdf", utf16le(page)},
		{"after white space", "a.pdf", "\n\n\t" + page},
		{"after a comment", "a.pdf", "<!-- x -->\n" + page},
		{"without a doctype", "a.pdf", "<html lang=en>"},
		{"a piece of one", "a.pdf", "<div>Sign in</div>"},
		{"in XHTML", "a.pdf", "<?xml version=\"1.0\"?><!DOCTYPE html><html xmlns=\"http://www.w3.org/1999/xhtml\"/>"},
		{"as a sheet", "a.xls", page},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openWith(t, loopback())
			_, err := s.Fetch(t.Context(), request(serve(t, body(c.content))+"/s3cret", c.file))
			wantFailure(t, s, err, WebPage, false, "127.0.0.1 answered with a web page, not a file. Open the link in a private window")
		})
	}
}

func TestContentThatBreaksItsPromiseIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, file, content string
		says                []string
	}{
		{"a PDF as a picture", "a.png", "%PDF-1.7\n", []string{"a.png is announced as a picture", "127.0.0.1 sent a file in the format PDF (application/pdf)", "end file_name in .pdf"}},
		{"WebP as a picture", "a.jpg", "RIFF\x00\x00\x00\x00WEBPVP8 ", []string{"picture (JPEG or PNG)", "a picture in the format WEBP (image/webp)", "end file_name in .webp"}},
		{"HEIC as a picture", "a.jpg", ftyp("heic"), []string{"a picture in the format HEIC"}},
		{"GIF as a picture", "a.png", "GIF89a", []string{"a picture in the format GIF"}},
		{"a video as a picture", "a.png", ftyp("isom"), []string{"a video in the format MP4", "end file_name in .mp4, to send this one."}},
		{"unknown bytes as a picture", "a.png", "\x00\x01\x02", []string{"unknown type", "Use the link of the right file."}},
		{"JSON as a picture", "a.png", `{"error":"denied"}`, []string{"sent JSON", "often an error", "private window"}},
		{"JSON as a PDF", "a.pdf", `{"error":"denied"}`, []string{"announced as .pdf", "sent JSON"}},
		{"XML as a PDF", "a.pdf", `<?xml version="1.0"?><Error/>`, []string{"sent XML"}},
		{"XML as a video", "a.mp4", `<?xml version="1.0"?><Error/>`, []string{"announced as a video", "sent XML"}},
		{"text as a document", "a.docx", "Access denied", []string{"announced as .docx", "plain text"}},
		{"a picture as a PDF", "a.pdf", png, []string{"announced as .pdf", "a picture in the format PNG", "end file_name in .png, to send this one."}},
		{"a video as a sheet", "a.xlsx", ftyp("isom"), []string{"announced as .xlsx", "a video in the format MP4"}},
		{"text as audio", "a.mp3", "Access denied", []string{"announced as audio", "plain text"}},
		{"a picture as a video", "a.mp4", ftyp("heic"), []string{"announced as a video", "format HEIC"}},
		{"a Matroska video", "a.mp4", "\x1a\x45\xdf\xa3\x00\x42\x82\x88matroska", []string{"video"}},
		{"WAV as audio", "a.mp3", "RIFF\x24\x00\x00\x00WAVEfmt \x10", []string{"audio in the format WAV", "end file_name in .wav, to send this one as a document"}},
		{"a picture as audio", "a.ogg", png, []string{"a picture in the format PNG"}},
		{"unknown bytes as Ogg", "a.ogg", "\x00\x01\x02", []string{"unknown type"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openWith(t, loopback())
			_, err := s.Fetch(t.Context(), request(serve(t, body(c.content))+"/s3cret", c.file))
			wantFailure(t, s, err, TypeMismatch, false, c.says...)
		})
	}
}

// anyHost makes a store whose every connection ends at one local server, so
// that links of real hosts can be tried.
func anyHost(t *testing.T, h http.HandlerFunc) *Store {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s := openWith(t, loopback())
	s.client.Transport = &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	return s
}

func TestAShareLinkIsExplainedByItsHost(t *testing.T) {
	s := anyHost(t, body(page))
	for host, says := range map[string]string{
		"drive.google.com":            "https://drive.google.com/uc?export=download&id=…",
		"DRIVE.google.com.":           "https://drive.google.com/uc?export=download&id=…",
		"docs.google.com":             "/export?format=xlsx",
		"photos.app.goo.gl":           "no direct link",
		"www.dropbox.com":             "dl=1 instead of dl=0",
		"dropbox.com":                 "dl=1 instead of dl=0",
		"onedrive.live.com":           "&download=1",
		"1drv.ms":                     "&download=1",
		"contoso-my.sharepoint.com":   "?download=1",
		"we.tl":                       "WeTransfer has no direct link",
		"acme.wetransfer.com":         "WeTransfer has no direct link",
		"share.icloud.com":            "iCloud has no direct link",
		"www.icloud.com":              "iCloud has no direct link",
		"app.box.com":                 "Direct Link",
		"mega.nz":                     "MEGA has no direct link",
		"www.mediafire.com":           "download button",
		"imgur.com":                   "https://i.imgur.com/….jpg",
		"github.com":                  "raw.githubusercontent.com",
		"www.canva.com":               "Canva has no direct link",
		"example.com":                 "private window",
		"notdropbox.com":              "private window",
		"dropbox.com.example.com":     "private window",
		"drive.google.com.phish.test": "private window",
	} {
		t.Run(host, func(t *testing.T) {
			_, err := s.Fetch(t.Context(), request("http://"+host+"/file/d/s3cret/view?key=s3cret", "report.pdf"))
			wantFailure(t, s, err, WebPage, false, host+" answered with a web page, not a file. ", says)
		})
	}
}

func TestALockedShareIsExplainedByItsHost(t *testing.T) {
	s := anyHost(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	_, err := s.Fetch(t.Context(), request("http://drive.google.com/uc?id=s3cret", "report.pdf"))
	wantFailure(t, s, err, Unreachable, false, "drive.google.com answered 403 Forbidden", "Anyone with the link")
}

func TestTheHostThatARedirectLedToIsNamedAndKnown(t *testing.T) {
	s := anyHost(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "bit.ly" {
			http.Redirect(w, r, "http://www.dropbox.com/s3cret", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(page))
	})
	_, err := s.Fetch(t.Context(), request("http://bit.ly/s3cret", "report.pdf"))
	wantFailure(t, s, err, WebPage, false, "bit.ly (redirected to www.dropbox.com) answered with a web page", "dl=1")
}
