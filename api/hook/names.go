package hook

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// field is one of the fields that a call may have. Their order is that of
// importance: of several faults the first field's is the answer's message.
type field uint8

const (
	unknown field = iota
	action
	text
	template
	fileURL
	fileName
	chatID
	jid
	phone
	chatName
	accountPhone
	sendAt
	expiresIn
	idempotencyKey
	fieldCount
)

// canonical is how the documentation spells each field.
func (f field) canonical() string {
	return [fieldCount]string{"", "action", "text", "template", "file_url", "file_name", "chat_id", "jid", "phone", "chat_name",
		"whatsapp_account_phone", "send_at", "expires_in", "idempotency_key"}[f]
}

// fieldNames are the names that are read, in the form that normal gives them:
// the canonical ones and the two that published Spanish pages use.
func fieldNames() map[string]field {
	names := map[string]field{
		"telefono":                     phone,
		"telefonodelacuentadewhatsapp": accountPhone,
	}
	for f := action; f < fieldCount; f++ {
		names[string(normal(nil, []byte(f.canonical())))] = f
	}
	return names
}

// lookalikes are names that other tools use for what a field means here.
// They are not read; a warning names the right one.
func lookalike(normalised string) field {
	switch normalised {
	case "message", "body", "content", "msg", "mensaje", "texto", "caption":
		return text
	case "to", "recipient", "number", "phonenumber", "mobile", "cell", "destinatario", "receiver", "celular":
		return phone
	case "url", "file", "media", "mediaurl", "fileuri", "attachment", "image", "link", "document":
		return fileURL
	case "from", "sender", "account", "accountphone", "whatsappaccount", "fromphone", "senderphone":
		return accountPhone
	case "group", "groupname", "chat":
		return chatName
	case "schedule", "scheduledat", "sendtime", "sendon":
		return sendAt
	case "ttl", "validity", "expires", "expiry":
		return expiresIn
	case "type", "command", "event":
		return action
	case "templatename":
		return template
	}
	return unknown
}

// normal appends a name without case, accents, spaces, hyphens and
// underscores.
func normal(dst, name []byte) []byte {
	for i, c := range name {
		switch {
		case c >= utf8.RuneSelf:
			return normalUnicode(dst, name[i:])
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		case c > ' ' && c != '-' && c != '_':
			dst = append(dst, c)
		}
	}
	return dst
}

func normalUnicode(dst, name []byte) []byte {
	for _, r := range string(norm.NFD.Bytes(name)) {
		if r < ' ' || unicode.In(r, unicode.Mn, unicode.Pd, unicode.Pc, unicode.Cf, unicode.White_Space) {
			continue
		}
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
	}
	return dst
}

// maxGuessed is the longest name that is compared letter by letter.
const maxGuessed = 40

// guess is the field that a name not read may have meant. One wrong letter is
// forgiven in a name of up to four letters, two in a longer one; two letters
// in the wrong order count as one.
func guess(name []byte) field {
	n := normal(nil, name)
	if f := lookalike(string(n)); f != unknown || len(n) > maxGuessed {
		return f
	}
	best, least := unknown, 3
	for f := action; f < fieldCount; f++ {
		want := normal(nil, []byte(f.canonical()))
		limit := 2
		if min(len(want), len(n)) <= 4 {
			limit = 1
		}
		if d := distance(string(n), string(want)); d <= limit && d < least {
			best, least = f, d
		}
	}
	return best
}

// distance counts the letters to insert, remove, change or swap with their
// neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}
