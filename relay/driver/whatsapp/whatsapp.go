// Package whatsapp is what WhatsApp is the same behind every provider: its
// limits, its pace, and the form in which Meta lists a template, takes a new
// one, and takes one with values.
//
// It knows no provider's addresses, settings or error codes, and makes no call.
package whatsapp

import (
	"time"

	"relevo/relay"
)

// Limits are WhatsApp's own for files and texts, for drivers to embed. A driver
// whose provider takes less writes its own over them.
type Limits struct{}

// The largest files that WhatsApp takes, in bytes.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
const (
	MaxImage    = 5 << 20
	MaxAudio    = 16 << 20
	MaxVideo    = 16 << 20
	MaxDocument = 100 << 20
)

// Captions reports that a text goes under an image, a video and a document.
// WhatsApp shows none under audio, so that text and audio are two messages.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
func (Limits) Captions(kind relay.FileKind) bool { return kind != relay.Audio }

// MaxFileBytes is 5 MB for an image, 16 MB for audio and video and 100 MB for
// a document.
func (Limits) MaxFileBytes(kind relay.FileKind) int64 {
	switch kind {
	case relay.Image:
		return MaxImage
	case relay.Audio:
		return MaxAudio
	case relay.Video:
		return MaxVideo
	}
	return MaxDocument
}

// MaxTextRunes is the longest body of a text message.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages
func (Limits) MaxTextRunes() int { return 4096 }

// MaxCaptionRunes is the longest text under a file.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
func (Limits) MaxCaptionRunes() int { return 1024 }

// Pace is when and how often WhatsApp takes messages, for drivers to embed.
type Pace struct{}

// Window is the customer service window: 24 hours from the last message or
// call of the recipient.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
func (Pace) Window() time.Duration { return 24 * time.Hour }

// Rate is 80 messages a second of a business number, in and out together. Meta
// raises it to 1,000 by itself; a number that also lives in the WhatsApp
// Business app has 20 and is told so by error 130429.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
func (Pace) Rate(relay.Channel) (perSecond int) { return 80 }

// Pair is one message in 6 seconds to one user, after a burst of 45.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
func (Pace) Pair() (every time.Duration, burst int) { return 6 * time.Second, 45 }
