package media

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"github.com/gabriel-vasile/mimetype"
)

// judge compares what a file is, by its first bytes, with what it was
// announced as. It gives the media type to keep, or says what is wrong. What
// the server calls the file does not count: servers guess by name.
func (f *fetch) judge(head []byte) (string, *Error) {
	found := sniff(head)
	f.found = found
	if f.isPage(head, found) {
		return "", failf(WebPage, "%s answered with a web page, not a file. %s", f.who(), f.hint())
	}
	mediaType, fits := fit(f.Kind, extension(f.Name), found)
	if !fits {
		return "", f.mismatch(found)
	}
	return mediaType, nil
}

// sniff recognises a type. Text in UTF-16 is looked at again in UTF-8: a web
// page in UTF-16 is a web page.
func sniff(head []byte) *mimetype.MIME {
	found := mimetype.Detect(head)
	if !found.Is("text/plain") || len(head) < 2 {
		return found
	}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return found
	}
	var units []uint16
	for at := 2; at+1 < len(head); at += 2 {
		units = append(units, order.Uint16(head[at:]))
	}
	return mimetype.Detect([]byte(string(utf16.Decode(units))))
}

// isPage reports a web page where something else was announced.
func (f *fetch) isPage(head []byte, found *mimetype.MIME) bool {
	if !found.Is("text/html") && !found.Is("application/xhtml+xml") {
		return false
	}
	switch extension(f.Name) {
	case "html", "htm", "xhtml", "xht", "shtml":
		return false
	case "txt", "md", "markdown", "xml", "xsl", "svg", "csv", "vue", "tpl":
		// These may well begin with a tag or a comment.
		return wholePage(head)
	case "xls", "doc":
		// Many programs export a table in HTML under these names.
		return wholePage(head) && !bytes.Contains(head, []byte("schemas-microsoft-com:office"))
	}
	return true
}

func wholePage(head []byte) bool {
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\ufeff")))
	start := strings.ToLower(string(head[:min(len(head), 14)]))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html")
}

// fit reports whether content passes for a kind of file, and the media type
// to keep for it. WhatsApp's own list of types is at
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#supported-media-types
func fit(kind, ext string, found *mimetype.MIME) (mediaType string, fits bool) {
	switch kind {
	case Image:
		if isA(found, "image/png") { // an animated PNG is one too
			return "image/png", true
		}
		return "image/jpeg", found.Is("image/jpeg")
	case Video:
		if found.Is("video/3gpp") || found.Is("video/3gpp2") {
			return "video/3gpp", true
		}
		return "video/mp4", mpeg4(found)
	case Audio:
		return fitAudio(ext, found)
	}
	return fitDocument(ext, found)
}

// fitAudio is lenient: MP3 and AAC have no fixed first bytes, so what is not
// recognised passes under these names; an M4A often calls itself a video.
func fitAudio(ext string, found *mimetype.MIME) (mediaType string, fits bool) {
	switch {
	case found.Is("audio/aac"), found.Is("audio/amr"), found.Is("audio/mpeg"):
		return plain(found), true
	case isA(found, "application/ogg"):
		return "audio/ogg", true
	case mpeg4(found):
		return "audio/mp4", true
	case found.Is("application/octet-stream") && ext == "mp3":
		return "audio/mpeg", true
	case found.Is("application/octet-stream") && ext == "aac":
		return "audio/aac", true
	}
	return "", false
}

// fitDocument takes everything but text where a name announces a format that
// is never text, which is an error answer in disguise, and pictures, sound and
// films where it announces a paper: nobody could open those.
func fitDocument(ext string, found *mimetype.MIME) (mediaType string, fits bool) {
	if isA(found, "text/plain") && neverText(ext) {
		return "", false
	}
	mediaType = plain(found)
	if top, _, _ := strings.Cut(mediaType, "/"); isPaper(ext) && (top == "image" || top == "audio" || top == "video") {
		return "", false
	}
	switch mediaType {
	case "application/octet-stream", "application/zip", "application/x-ole-storage", "text/plain":
		if byName := typeByExtension(ext); byName != "" {
			return byName, true
		}
	}
	return mediaType, true
}

// mpeg4 reports the family of MP4 and QuickTime without its pictures (HEIC,
// AVIF). Old MP4 files without an ftyp box look like QuickTime.
func mpeg4(found *mimetype.MIME) bool {
	return (isA(found, "video/mp4") || found.Is("video/quicktime")) && !strings.HasPrefix(found.String(), "image/")
}

// isA reports whether a type is t or a special case of it.
func isA(found *mimetype.MIME, t string) bool {
	for ; found != nil; found = found.Parent() {
		if found.Is(t) {
			return true
		}
	}
	return false
}

// plain is a media type without parameters.
func plain(found *mimetype.MIME) string {
	t, _, _ := strings.Cut(found.String(), ";")
	return t
}
