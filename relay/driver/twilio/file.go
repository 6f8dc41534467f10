package twilio

import (
	"mime"
	"slices"
	"strings"

	"relevo/relay"
)

// taken are the media types that WhatsApp takes from Twilio. The type decides
// how a file is shown: there is no way to send, say, a GIF as a document.
// WebP is for stickers alone.
// https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages
var taken = []string{
	"image/jpeg", "image/png",
	"audio/ogg", "audio/opus", "audio/amr", "audio/3gpp", "audio/aac", "audio/mpeg",
	"video/mp4",
	"application/pdf",
	"application/msword", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"application/vnd.ms-powerpoint", "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"application/vnd.ms-excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"text/vcard", "text/x-vcard",
}

const takenNames = "JPEG and PNG images, OGG (Opus), AMR, 3GP, AAC and MP3 audio, MP4 video, PDF, Word, PowerPoint and Excel documents, and vCards"

// takes refuses a file before the call that Twilio would only refuse after it.
func takes(f *relay.OutgoingFile) error {
	kind, _, err := mime.ParseMediaType(f.Type)
	if err != nil || !slices.Contains(taken, kind) {
		return refused(relay.CodeFileTypeMismatch, "WhatsApp does not take a file of this type from Twilio, not as a document either. It takes "+takenNames+".")
	}
	return opens(f)
}

// opens looks whether Twilio could fetch the file at all.
func opens(f *relay.OutgoingFile) error {
	if !strings.HasPrefix(f.Link, "https://") && !strings.HasPrefix(f.Link, "http://") {
		return &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed,
			Reason: "Twilio fetches files itself, and this server has no public address. Set public_url to the https address under which Relevo is reached."}
	}
	return nil
}
