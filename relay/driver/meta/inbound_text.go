package meta

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

type location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name"`
	Address   string  `json:"address"`
	URL       string  `json:"url"`
}

type card struct {
	Name struct {
		Formatted string `json:"formatted_name"`
	} `json:"name"`
	Phones []struct {
		Phone string `json:"phone"`
		WAID  string `json:"wa_id"`
	} `json:"phones"`
}

type reaction struct {
	// Emoji is empty where a reaction was taken back.
	Emoji string `json:"emoji"`
}

// button is a tap on a template's quick reply.
type button struct {
	Text string `json:"text"`
}

// interactive is a tap on any other button, a choice from a list, or a form
// that was filled in.
type interactive struct {
	Button reply `json:"button_reply"`
	List   reply `json:"list_reply"`
	Form   struct {
		Body     string `json:"body"`
		Response string `json:"response_json"`
	} `json:"nfm_reply"`
}

type reply struct {
	Title       string `json:"title"`
	Description string `json:"description"`
}

type order struct {
	Text  string `json:"text"`
	Items []struct {
		Product  string      `json:"product_retailer_id"`
		Quantity json.Number `json:"quantity"`
	} `json:"product_items"`
}

type systemMessage struct {
	Body string `json:"body"`
}

// text is what a person reads of a message, whatever its type.
func (m *received) text() string {
	for _, f := range []*receivedMedia{m.Image, m.Video, m.Audio, m.Document, m.Sticker} {
		if f != nil {
			return f.Caption
		}
	}
	switch {
	case m.Location != nil:
		return m.Location.text()
	case len(m.Contacts) > 0:
		return cards(m.Contacts)
	case m.Reaction != nil && m.Reaction.Emoji == "":
		return "(reaction taken back)"
	case m.Reaction != nil:
		return m.Reaction.Emoji
	case m.Button != nil:
		return m.Button.Text
	case m.Interactive != nil:
		return m.Interactive.text()
	case m.Order != nil:
		return m.Order.text()
	case m.System != nil:
		return m.System.Body
	case m.Type == "text":
		return m.Text.Body
	}
	return m.unshown()
}

// unshown is a message that Meta does not pass on, or of a type that this
// driver does not know.
func (m *received) unshown() string {
	var faults []fault
	if json.Unmarshal(m.Errors, &faults) == nil && len(faults) > 0 && faults[0].Code == 131052 {
		return "(a file that WhatsApp could not pass on; it may be over 100 MB)"
	}
	if m.Type == "" || m.Type == "unsupported" || m.Type == "unknown" {
		return "(a message of a type that WhatsApp does not pass on)"
	}
	return "(a message of type " + m.Type + ")"
}

func (l *location) text() string {
	at := strconv.FormatFloat(l.Latitude, 'f', -1, 64) + "," + strconv.FormatFloat(l.Longitude, 'f', -1, 64)
	lines := []string{l.Name, l.Address, at, l.URL}
	return joined(lines)
}

// joined is lines without the empty ones.
func joined(lines []string) string {
	var kept []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

func cards(cs []card) string {
	var lines []string
	for _, c := range cs {
		line := []string{}
		if c.Name.Formatted != "" {
			line = append(line, c.Name.Formatted)
		}
		for _, p := range c.Phones {
			switch {
			case p.Phone != "":
				line = append(line, p.Phone)
			case p.WAID != "":
				line = append(line, "+"+p.WAID)
			}
		}
		lines = append(lines, strings.Join(line, " "))
	}
	return joined(lines)
}

func (i *interactive) text() string {
	for _, r := range []reply{i.Button, i.List} {
		if r.Title != "" {
			return joined([]string{r.Title, r.Description})
		}
	}
	return joined([]string{i.Form.Body, i.Form.Response})
}

func (o *order) text() string {
	lines := []string{o.Text, fmt.Sprintf("Order of %d products:", len(o.Items))}
	for _, i := range o.Items {
		lines = append(lines, fmt.Sprintf("%s × %s", i.Product, i.Quantity))
	}
	return joined(lines)
}
