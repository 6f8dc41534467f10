package meta

import (
	"fmt"
	"slices"
	"strings"

	"relevo/relay"
)

// taken is which media types go as which kind of file.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
var taken = map[relay.FileKind][]string{
	relay.Image: {"image/jpeg", "image/png"},
	relay.Audio: {"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"},
	relay.Video: {"video/mp4", "video/3gpp"},
	relay.Document: {
		"text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation",
	},
}

// named is how the types of a kind are called before people.
var named = map[relay.FileKind]string{
	relay.Image: "JPEG and PNG pictures", relay.Audio: "AAC, AMR, MP3, M4A and OGG (Opus) audio", relay.Video: "MP4 and 3GP videos",
	relay.Document: "PDF, Word, Excel, PowerPoint and plain text documents",
}

// alias are other names of types that are taken.
var alias = map[string]string{
	"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "audio/mp3": "audio/mpeg", "audio/x-m4a": "audio/mp4", "audio/m4a": "audio/mp4",
	"audio/opus": "audio/ogg", "application/ogg": "audio/ogg", "audio/x-aac": "audio/aac", "video/3gp": "video/3gpp", "audio/3gpp": "video/3gpp",
}

// mediaType is a type as Meta writes it. What is text in any format, such as
// CSV, JSON or XML, is plain text there.
func mediaType(t string) string {
	t, _, _ = strings.Cut(t, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	if a, ok := alias[t]; ok {
		return a
	}
	isText := strings.HasPrefix(t, "text/") || t == "application/json" || t == "application/xml" || strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml") && !strings.HasPrefix(t, "image/")
	if isText {
		return "text/plain"
	}
	return t
}

// sendable says as which kind and type a file goes: its own kind where that
// takes the type, else any other that does. Audio has no caption, so that a
// file with a text under it cannot become audio.
func (d *Driver) sendable(f *relay.OutgoingFile, caption string) (relay.FileKind, string, *relay.SendError) {
	t := mediaType(f.Type)
	kinds := []relay.FileKind{f.Kind, relay.Document, relay.Image, relay.Video}
	if caption == "" {
		kinds = append(kinds, relay.Audio)
	}
	for _, kind := range kinds {
		if !slices.Contains(taken[kind], t) {
			continue
		}
		if limit := d.MaxFileBytes(kind); f.Size > limit {
			return "", "", &relay.SendError{Verdict: relay.Refused, Code: relay.CodeFileTooLarge,
				Reason: fmt.Sprintf("The file is larger than the %d MB that WhatsApp takes of its kind (%s). Make it smaller.", limit>>20, kind)}
		}
		return kind, t, nil
	}
	of := named[f.Kind]
	if f.Kind != relay.Document && of != "" {
		of += ", or " + named[relay.Document]
	}
	return "", "", &relay.SendError{Verdict: relay.Refused, Code: relay.CodeFileTypeMismatch,
		Reason: fmt.Sprintf("WhatsApp does not take files of this type as %s. It takes %s.", kindWord(f.Kind), of)}
}

func kindWord(k relay.FileKind) string {
	switch k {
	case relay.Image, relay.Audio:
		return "an " + string(k)
	}
	return "a " + string(k)
}
