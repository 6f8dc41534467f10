package media

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is how long a cleaned name may be, in bytes: what file systems hold
// and providers take.
const MaxName = 255

// longestExtension is what is kept as an ending when a name is cut, in bytes
// with its dot. Anything longer is a part of a sentence.
const longestExtension = 16

// CleanName makes a typed file name safe to show and to save: the last part
// of a path, in valid UTF-8, without control characters and without invisible
// ones (those that turn the direction of text could hide the real ending),
// with _ for what Windows reserves, with no space or dot at either end, no
// longer than MaxName with its ending kept. Cleaning twice changes nothing.
// Empty means that nothing usable was left.
func CleanName(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = strings.TrimRight(name, `/\`)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(cleanRune, name)
	name = strings.Trim(name, " .")
	if len(name) <= MaxName {
		return name
	}
	ending := path.Ext(name)
	if len(ending) > longestExtension {
		ending = ""
	}
	stem := cut(name[:len(name)-len(ending)], MaxName-len(ending))
	return strings.TrimRight(stem, " .") + ending
}

func cleanRune(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
		return -1
	case strings.ContainsRune(`<>:"|?*`, r):
		return '_'
	}
	return r
}

// cut is the longest start of s that has no more than n bytes and no part of
// a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Kinds of file: how WhatsApp shows one.
const (
	Image    = "image"
	Video    = "video"
	Audio    = "audio"
	Document = "document"
)

// KindOf says how WhatsApp shows a file, by the ending of its name. What
// WhatsApp does not take as an image, a video or a sound (WebP, GIF, SVG, HEIC,
// MOV, WAV and the like) goes as a document.
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#supported-media-types
func KindOf(name string) string {
	switch extension(name) {
	case "jpg", "jpeg", "png":
		return Image
	case "mp4", "3gp", "3gpp":
		return Video
	case "aac", "amr", "mp3", "m4a", "ogg", "opus":
		return Audio
	}
	return Document
}

// extension is a name's ending in lower case, without the dot.
func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}
