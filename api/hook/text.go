package hook

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"relevo/relay"
)

var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	gzipMagic     = []byte("\x1f\x8b") // RFC 1952 section 2.3.1
)

// toText makes UTF-8 text of the bytes that came: uncompressed, without byte
// order marks. What it had to guess it tells.
func (d *document) toText(body []byte, in *Input) ([]byte, *relay.Error) {
	body, refused := inflate(body, in.ContentEncoding)
	if refused != nil {
		return nil, refused
	}
	declared := charset(in.ContentType)
	if wide := utf16Of(body, declared); wide != nil {
		text, err := wide.NewDecoder().Bytes(body)
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return nil, refuseBody(relay.CodeInvalidEncoding, "The body looks like UTF-16, but not all of it is.", "Send it as UTF-8.")
		}
		d.tell("The body was read as UTF-16; UTF-8 is better.")
		return trimMarks(text), nil
	}
	body = trimMarks(body)
	if at := invalidUTF8(body); at >= 0 {
		return d.fromOldCharset(body, at, declared, in.Strict)
	}
	return body, nil
}

// trimMarks takes away byte order marks; some tools write two.
func trimMarks(b []byte) []byte {
	for bytes.HasPrefix(b, byteOrderMark) {
		b = b[len(byteOrderMark):]
	}
	return b
}

// inflate undoes compression, whatever the header says: many get it wrong.
func inflate(body []byte, declared string) ([]byte, *relay.Error) {
	declared = strings.ToLower(strings.TrimSpace(declared))
	var r io.Reader
	var err error
	switch {
	case bytes.HasPrefix(body, gzipMagic):
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			z.Multistream(false) // what some tools put behind the end is nothing
			r = z
		}
	case declared == "deflate" && len(body) > 1 && body[0]&0x0f == 8 && (int(body[0])<<8|int(body[1]))%31 == 0: // RFC 1950 section 2.2
		r, err = zlib.NewReader(bytes.NewReader(body))
	case declared == "br" || declared == "zstd" || declared == "compress" || declared == "deflate" && len(body) > 0 && !utf8.Valid(body):
		return nil, refuseBody(relay.CodeInvalidEncoding, fmt.Sprintf("The body is compressed in a way that is not read here (%s).", declared), "Send it uncompressed, or with gzip.")
	default:
		return body, nil
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(r, MaxBody+1))
	}
	switch {
	case len(text) > MaxBody:
		return nil, refuseBody(relay.CodeBodyTooLarge, fmt.Sprintf("The body has more than %d bytes once it is uncompressed.", MaxBody), "Send files by their URL.")
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return nil, refuseBody(relay.CodeInvalidEncoding, "The compressed body ends too early.", "It was cut short: send all of it, or send it uncompressed.")
	case err != nil:
		return nil, refuseBody(relay.CodeInvalidEncoding, "The compressed body is damaged.", "Send it uncompressed.")
	}
	return text, nil
}

// charset is what a Content-Type says of it, in small letters.
func charset(contentType string) string {
	if !strings.Contains(contentType, "=") {
		return ""
	}
	_, params, _ := mime.ParseMediaType(contentType) // what cannot be read says nothing
	return strings.ToLower(strings.Trim(params["charset"], `"' `))
}

// utf16Of is the form of UTF-16 that a body is in, by its byte order mark, its
// zeros, or what is said of it; nil for none.
func utf16Of(b []byte, declared string) encoding.Encoding {
	if len(b) < 2 {
		return nil
	}
	little := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	big := unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	switch {
	case b[0] == 0xff && b[1] == 0xfe, ascii(b[0]) && b[1] == 0:
		return little
	case b[0] == 0xfe && b[1] == 0xff, b[0] == 0 && ascii(b[1]):
		return big
	case strings.HasPrefix(declared, "utf-16") && !utf8.Valid(b):
		return big // RFC 2781 section 4.3
	}
	return nil
}

// ascii reports whether a byte is what a call or a form may begin with.
func ascii(c byte) bool { return c == '\t' || c == '\n' || c == '\r' || ' ' <= c && c <= '~' }

// fromOldCharset reads text that is not UTF-8: in the encoding that was
// declared or, where nothing speaks against it, as Windows-1252.
func (d *document) fromOldCharset(b []byte, at int, declared string, strict bool) ([]byte, *relay.Error) {
	if e, err := htmlindex.Get(declared); err == nil && declared != "" && declared != "utf-8" && declared != "utf8" {
		text, err := e.NewDecoder().Bytes(b)
		if err == nil && utf8.Valid(text) && !bytes.ContainsRune(text, utf8.RuneError) {
			d.tell(fmt.Sprintf("The body was read as %s; UTF-8 is better.", declared))
			return text, nil
		}
	}
	if strict || !western(b) {
		d.body, d.src = b, source{text: b}
		return nil, d.refuseAt(relay.CodeInvalidEncoding, at, fmt.Sprintf("the byte 0x%02X is not UTF-8.", b[at]), "Save or send the body as UTF-8.")
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil { // cannot happen: every byte stands for something
		return nil, refuseBody(relay.CodeInvalidEncoding, "The body is not UTF-8.", "Send it as UTF-8.")
	}
	line, column := position(text, len(decode1252(b[:at])))
	d.tell(fmt.Sprintf("Mended: line %d, column %d: the body is not UTF-8; it was read as Windows-1252.", line, column))
	return text, nil
}

func decode1252(b []byte) []byte {
	text, _ := charmap.Windows1252.NewDecoder().Bytes(b)
	return text
}

// western reports whether Windows-1252 alone explains bytes that are not
// UTF-8: accents, quotes and dashes here and there in a text. Characters of
// UTF-8 between them, or several such bytes in a row, are something else:
// UTF-8 that was cut, or the letters of another alphabet.
func western(b []byte) bool {
	run, letters := 0, 0
	for i, c := range b {
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
				return false
			}
			run, letters = 0, 0
			continue
		}
		if r, n := utf8.DecodeRune(b[i:]); r != utf8.RuneError && n > 1 {
			return false
		}
		if c <= 0xc1 && c >= 0xc0 && i+1 < len(b) && b[i+1] >= 0x80 && b[i+1] < 0xc0 {
			return false // an overlong form of UTF-8
		}
		is := signs1252[c]
		if c >= 0xc0 || is == accented {
			letters++
		}
		if run++; is == foreign || run > 3 || run == 3 && letters > 1 {
			return false
		}
	}
	return true
}

// What a byte beyond ASCII is in texts of Western Europe.
const (
	usual = iota
	accented
	foreign
)

// signs1252 says it of those that are not just letters or usual signs:
// https://encoding.spec.whatwg.org/windows-1252.html. Foreign are those that
// are not assigned, that nobody writes, and six letters of Icelandic that are
// far more often Turkish ones of Windows-1254.
var signs1252 = [256]uint8{
	0x81: foreign, 0x83: foreign, 0x86: foreign, 0x87: foreign, 0x88: foreign, 0x89: foreign, 0x8d: foreign, 0x8f: foreign, 0x90: foreign, 0x98: foreign, 0x9d: foreign,
	0x8a: accented, 0x8c: accented, 0x8e: accented, 0x9a: accented, 0x9c: accented, 0x9e: accented, 0x9f: accented,
	0xd0: foreign, 0xdd: foreign, 0xde: foreign, 0xf0: foreign, 0xfd: foreign, 0xfe: foreign,
}
