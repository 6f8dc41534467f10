package media

import (
	"fmt"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// mismatch names what was announced and what came.
func (f *fetch) mismatch(found *mimetype.MIME) *Error {
	what := CleanName(f.Name)
	if what == "" {
		what = "The file"
	}
	return failf(TypeMismatch, "%s is announced as %s, but %s sent %s. %s",
		what, announced(f.Kind, extension(f.Name)), f.who(), inWords(found), f.advice(found))
}

func announced(kind, ext string) string {
	switch kind {
	case Image:
		return "a picture (JPEG or PNG)"
	case Video:
		return "a video (MP4 or 3GP)"
	case Audio:
		return "audio (AAC, AMR, MP3, M4A or OGG)"
	}
	return "." + ext
}

// advice says how to send what came after all.
func (f *fetch) advice(found *mimetype.MIME) string {
	ending := found.Extension()
	switch {
	case isA(found, "text/plain"):
		return "Such an answer is often an error in place of the file. " + f.hint()
	case ending == "" || KindOf(ending) == f.Kind:
		return "Use the link of the right file."
	case KindOf(ending) == Document:
		return fmt.Sprintf("Use the link of the right file; or end file_name in %s, to send this one as a document.", ending)
	}
	return fmt.Sprintf("Use the link of the right file; or end file_name in %s, to send this one.", ending)
}

// better says how to send a document that WhatsApp would show as more than
// that; empty for one that it would not, and for all other kinds.
func (f *fetch) better() string {
	ending := f.found.Extension()
	kind := KindOf(ending)
	if _, fits := fit(kind, extension(ending), f.found); f.Kind != Document || kind == Document || !fits {
		return ""
	}
	what, _, _ := strings.Cut(announced(kind, ""), " (")
	return fmt.Sprintf("To send it as %s and not as a document, end file_name in %s.", what, ending)
}

// inWords names a type for a person.
func inWords(found *mimetype.MIME) string {
	t := plain(found)
	ending := strings.ToUpper(strings.TrimPrefix(found.Extension(), "."))
	switch {
	case t == "application/octet-stream":
		return "something of an unknown type"
	case t == "text/plain":
		return "plain text"
	case found.Is("application/json"):
		return "JSON"
	case isA(found, "text/xml"):
		return "XML"
	case ending == "":
		return "something of the type " + t
	}
	what := "a file"
	switch kind, _, _ := strings.Cut(t, "/"); kind {
	case "image":
		what = "a picture"
	case "video":
		what = "a video"
	case "audio":
		what = "audio"
	}
	return fmt.Sprintf("%s in the format %s (%s)", what, ending, t)
}

// neverText lists endings of formats whose first bytes are never text.
func neverText(ext string) bool {
	switch ext {
	case "pdf", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "apk",
		"zip", "rar", "7z", "gz", "tgz", "webp", "gif", "heic", "heif", "avif",
		"bmp", "tif", "tiff", "mov", "avi", "mkv", "webm", "wav", "flac":
		return true
	}
	return false
}

// isPaper reports whether an ending is that of something to read.
func isPaper(ext string) bool {
	switch ext {
	case "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "epub":
		return true
	}
	return false
}

// typeByExtension names formats that content alone does not tell: those that
// are plain text, and containers whose first bytes can be anyone's.
// https://www.iana.org/assignments/media-types
func typeByExtension(ext string) string {
	switch ext {
	case "csv":
		return "text/csv"
	case "ics":
		return "text/calendar"
	case "vcf":
		return "text/vcard"
	case "md", "markdown":
		return "text/markdown"
	case "xml":
		return "text/xml"
	case "json":
		return "application/json"
	case "docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case "xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case "pptx":
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	case "doc":
		return "application/msword"
	case "xls":
		return "application/vnd.ms-excel"
	case "ppt":
		return "application/vnd.ms-powerpoint"
	case "odt":
		return "application/vnd.oasis.opendocument.text"
	case "ods":
		return "application/vnd.oasis.opendocument.spreadsheet"
	case "odp":
		return "application/vnd.oasis.opendocument.presentation"
	}
	return ""
}
