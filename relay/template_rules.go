package relay

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a template:
// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/components
const (
	maxTemplateHeader = 60
	maxTemplateBody   = 1024
	maxTemplateFooter = 60
	maxTemplateButton = 25
	maxButtons        = 10
	maxURLButtons     = 2
	maxCouponCode     = 15
	maxButtonURL      = 2000
)

// Template names as Meta allows them, languages as it writes them:
// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
var (
	templateNameForm     = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	templateLanguageForm = regexp.MustCompile(`^[a-z]{2,3}(_([A-Z][a-z]{3}|[A-Z]{2}|[0-9]{3})){0,2}$`)
	variableName         = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
)

// ValidTemplateName reports whether a template may have that name.
func ValidTemplateName(name string) bool { return templateNameForm.MatchString(name) }

// ValidLanguage reports whether code is a language as Meta writes it, such as
// en, pt_BR or zh_Hant_HK.
func ValidLanguage(code string) bool { return templateLanguageForm.MatchString(code) }

// CheckTemplate finds what WhatsApp would certainly reject, before anything is
// submitted. The *Error names every fault.
func CheckTemplate(t Template) error {
	var c templateCheck
	c.want(ValidTemplateName(t.Name), "name", "The name is 1 to 512 small letters, digits and underscores.", "For example order_shipped.")
	c.want(ValidLanguage(t.Language), "language", "The language is a code such as en or pt_BR.", "")
	switch t.Category {
	case Marketing, Utility:
	case Authentication:
		c.add("category", "The text of authentication templates is fixed by WhatsApp, so they are not submitted from here.", "Make it in the provider's console, then read the list again.")
	default:
		c.add("category", "The category is MARKETING or UTILITY.", "News and offers are MARKETING; what follows from an order or an appointment is UTILITY.")
	}
	c.header(t)
	c.body(t)
	c.length("footer", t.Footer, maxTemplateFooter)
	c.want(!strings.Contains(t.Footer, "{{"), "footer", "The footer takes no variables.", "Move the variable into the body.")
	c.buttons(t.Buttons)
	return c.err()
}

type templateCheck struct{ faults []FieldError }

func (c *templateCheck) add(field, message, hint string) {
	c.faults = append(c.faults, FieldError{Field: field, Code: CodeInvalidField, Message: message, Hint: hint})
}

func (c *templateCheck) want(ok bool, field, message, hint string) {
	if !ok {
		c.add(field, message, hint)
	}
}

func (c *templateCheck) length(field, s string, most int) {
	if n := utf8.RuneCountInString(s); n > most {
		c.add(field, fmt.Sprintf("It has %d characters; WhatsApp takes at most %d.", n, most), "Shorten it.")
	}
}

func (c *templateCheck) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	return &Error{Code: CodeInvalidField, Message: c.faults[0].Message, Fields: c.faults}
}

func (c *templateCheck) header(t Template) {
	h := t.Header
	if h == nil {
		return
	}
	switch h.Kind {
	case "text":
		c.want(h.Text != "", "header.text", "The header has no text.", "Write one, or leave the header out.")
		c.length("header.text", h.Text, maxTemplateHeader)
		vars := TemplateVariables(h.Text)
		c.want(len(vars) <= 1, "header.text", "A header takes one variable at most.", "")
		c.want(len(vars) == 0 || h.Sample != "", "header.sample", "The header's variable has no example.", "WhatsApp approves nothing without examples: give header.sample.")
	case "image", "video", "document":
		u, err := url.Parse(h.Sample)
		c.want(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "", "header.sample", "The header needs an example file.", "Give header.sample as a link to such a file.")
	case "location":
	default:
		c.add("header.kind", "A header is text, image, video, document or location.", "")
	}
}

func (c *templateCheck) body(t Template) {
	body := strings.TrimSpace(t.Body)
	c.want(body != "", "body", "The body has no text.", "")
	c.length("body", t.Body, maxTemplateBody)
	vars := TemplateVariables(t.Body)
	if at := placeholder.FindAllStringIndex(body, -1); len(at) > 0 {
		c.want(at[0][0] > 0 && at[len(at)-1][1] < len(body), "body", "The body may not begin or end with a variable.", "Write a word before or after it.")
	}
	c.want(strings.Count(t.Body, "{{") == len(placeholder.FindAllString(t.Body, -1)), "body", "A variable is written {{1}} or {{first_name}}.", "Look for braces with something else between them.")
	numbered := 0
	for i, v := range vars {
		if n := number(v); n != 0 {
			numbered++
			c.want(n == i+1, "body", "Numbered variables go from {{1}} on without a gap.", "")
		} else {
			c.want(variableName.MatchString(v), "body", fmt.Sprintf("The variable {{%s}} is not written in small letters, digits and underscores.", v), "")
		}
	}
	c.want(numbered == 0 || numbered == len(vars), "body", "Variables go by number or by name, not both.", "")
	c.want(len(t.Samples) == len(vars), "samples", fmt.Sprintf("The body has %s; samples has %d.", variableCount(vars), len(t.Samples)), "WhatsApp approves nothing without one example for each.")
	c.want(!slices.Contains(t.Samples, ""), "samples", "An example is empty.", "")
}

func (c *templateCheck) buttons(all []TemplateButton) {
	c.want(len(all) <= maxButtons, "buttons", fmt.Sprintf("There are %d buttons; WhatsApp takes %d.", len(all), maxButtons), "")
	count, texts := map[string]int{}, map[string]bool{}
	for i, b := range all {
		field := fmt.Sprintf("buttons[%d]", i)
		if b.Type == "quick_reply" && i > 0 && all[i-1].Type != "quick_reply" && count["quick_reply"] > 0 {
			c.add(field, "Quick replies stand together.", "Put them before or after the other buttons.")
		}
		count[b.Type]++
		c.button(field, b)
		c.want(b.Type == "copy_code" || !texts[b.Text], field+".text", "Two buttons have the same text.", "")
		texts[b.Text] = true
	}
	c.want(count["url"] <= maxURLButtons, "buttons", "WhatsApp takes two buttons with an address.", "")
	c.want(count["phone_number"] <= 1, "buttons", "WhatsApp takes one button with a phone number.", "")
	c.want(count["copy_code"] <= 1, "buttons", "WhatsApp takes one button that copies a code.", "")
}

func (c *templateCheck) button(field string, b TemplateButton) {
	if b.Type != "copy_code" {
		c.want(b.Text != "", field+".text", "The button has no text.", "")
		c.length(field+".text", b.Text, maxTemplateButton)
	}
	switch b.Type {
	case "quick_reply":
	case "url":
		at := placeholder.FindAllStringIndex(b.URL, -1)
		u, err := url.Parse(placeholder.ReplaceAllString(b.URL, "x"))
		c.want(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(b.URL) <= maxButtonURL, field+".url", "The button's address begins with https:// and has at most 2,000 characters.", "")
		c.want(len(at) == 0 || len(at) == 1 && at[0][1] == len(b.URL), field+".url", "An address takes one variable, at its end.", "For example https://shop.example/orders/{{1}}.")
		c.want(len(at) == 0 || b.Sample != "", field+".sample", "The address's variable has no example.", "Give sample: the whole address as it would be.")
	case "phone_number":
		c.want(len(b.Phone) > 1 && len(b.Phone) <= 20 && b.Phone[0] == '+', field+".phone", "The button's number is + and digits.", "")
	case "copy_code":
		c.want(b.Sample != "" && utf8.RuneCountInString(b.Sample) <= maxCouponCode, field+".sample", "The code to copy needs an example of at most 15 characters.", "")
	default:
		c.add(field+".type", "A button is quick_reply, url, phone_number or copy_code.", "")
	}
}

// sampleFile fetches the example file of a template's header, for a driver that
// uploads it or that names its link; done forgets it again.
func (r *Relay) sampleFile(ctx context.Context, workspace string, t Template) (f *OutgoingFile, done func(), err error) {
	kind := t.headerFile()
	if kind == "" {
		return nil, func() {}, nil
	}
	name := string(kind)
	if u, err := url.Parse(t.Header.Sample); err == nil && strings.Contains(u.Path, ".") {
		name = u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	}
	key := fileKey(Fetch{Workspace: workspace, MessageID: r.ids.New(time.Now())})
	ctx, cancel := context.WithTimeout(ctx, r.Set.FetchTimeout)
	defer cancel()
	file := &File{Name: name, Kind: kind, Key: key}
	if file.Type, file.Size, err = r.Files.Fetch(ctx, key, t.Header.Sample, name, kind, maxSample); err != nil {
		e := RefuseField(CodeInvalidField, "header.sample", "The example file could not be fetched.", "Give a link that opens the file without a login.")
		if fe, ok := errors.AsType[*FetchError](err); ok {
			e.Message = fe.Message
		}
		return nil, func() {}, e
	}
	f = r.outgoingFile(file)
	f.Link = t.Header.Sample
	return f, func() { _ = r.Files.Remove(key) }, nil
}

// maxSample bounds an example file, in bytes: 16 MiB, the largest video.
const maxSample = 16 << 20
