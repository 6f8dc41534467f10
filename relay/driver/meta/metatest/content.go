package metatest

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// content checks what a message holds and notes it in c.
func (f *Fake) content(c *Call, m map[string]any) *fault {
	part, ok := m[c.Type].(map[string]any)
	if !ok {
		return invalid(c.Type)
	}
	if c.Type != "template" && f.closed(c.To) {
		return &fault{Code: 131047, Message: "(#131047) Re-engagement message"}
	}
	switch c.Type {
	case "text":
		c.Text, _ = part["body"].(string)
		if bad := keys("text.", part, "body", "preview_url"); bad != nil {
			return bad
		}
		if n := utf8.RuneCountInString(c.Text); n == 0 || n > 4096 {
			return invalid("text.body")
		}
		return nil
	case "image", "video", "audio", "document", "sticker":
		c.Text, _ = part["caption"].(string)
		return f.mediaPart(c, c.Type, part)
	case "template":
		return f.templatePart(c, part)
	}
	return &fault{Code: 131051, Message: "(#131051) Unsupported message type"}
}

// closed reports whether the fake keeps windows and this one is not open.
func (f *Fake) closed(to string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.o.Window && time.Since(f.wrote[plainNumber(to)]) > 24*time.Hour
}

// mediaPart checks a file of a message: an id of a file of the right type, or
// a link, which the fake fetches.
func (f *Fake) mediaPart(c *Call, kind string, part map[string]any) *fault {
	allowed := map[string]string{"image": "caption", "video": "caption", "document": "caption,filename"}[kind]
	if bad := keys(kind+".", part, "", "id,link,"+allowed); bad != nil {
		return bad
	}
	if caption, ok := part["caption"].(string); ok && utf8.RuneCountInString(caption) > 1024 {
		return invalid(kind + ".caption")
	}
	id, _ := part["id"].(string)
	link, _ := part["link"].(string)
	if (id == "") == (link == "") {
		return missing(kind + ".id or link")
	}
	file, ok := f.kept(id)
	if link != "" {
		file, ok = f.fetch(link)
	}
	if !ok {
		return &fault{Code: 131053, Message: "(#131053) Media upload error"}
	}
	if !slices.Contains(types[kind], file.Type) || int64(len(file.Content)) > limits[kind] {
		return &fault{Code: 131053, Message: "(#131053) Media upload error", Details: "type or size"}
	}
	c.File = &file
	return nil
}

// fetch gets a link as Meta does. Its type is what the server says.
func (f *Fake) fetch(link string) (File, bool) {
	res, err := f.o.HTTP.Get(link)
	if err != nil {
		return File{}, false
	}
	defer res.Body.Close()
	content, err := io.ReadAll(io.LimitReader(res.Body, 101<<20))
	return File{Type: res.Header.Get("Content-Type"), Content: content}, err == nil && res.StatusCode == http.StatusOK
}

// templatePart checks a template against those that the fake keeps.
func (f *Fake) templatePart(c *Call, part map[string]any) *fault {
	if bad := keys("template.", part, "name,language", "components"); bad != nil {
		return bad
	}
	lang, _ := part["language"].(map[string]any)
	if bad := keys("template.language.", lang, "code,policy", ""); bad != nil {
		return bad
	}
	if lang["policy"] != "deterministic" {
		return invalid("template.language.policy")
	}
	known := f.templateNamed(part["name"], lang["code"])
	if known == nil || known["status"] != "APPROVED" {
		return &fault{Code: 132001, Message: "(#132001) Template name does not exist in the translation"}
	}
	components, _ := part["components"].([]any)
	if part["components"] != nil && len(components) == 0 {
		return invalid("template.components")
	}
	body := 0
	for _, raw := range components {
		comp, _ := raw.(map[string]any)
		n, bad := f.componentPart(c, comp)
		if bad != nil {
			return bad
		}
		if comp["type"] == "body" {
			body = n
		}
	}
	if body != variables(known) {
		return &fault{Code: 132000, Message: "(#132000) Number of parameters does not match the expected number of params"}
	}
	return nil
}

// componentPart checks one component, and counts its values.
func (f *Fake) componentPart(c *Call, comp map[string]any) (int, *fault) {
	kind, _ := comp["type"].(string)
	needed, allowed := "type,parameters", ""
	if kind == "button" {
		needed = "type,parameters,sub_type,index"
	} else if kind != "header" && kind != "body" {
		return 0, invalid("components.type")
	}
	if bad := keys("components.", comp, needed, allowed); bad != nil {
		return 0, bad
	}
	parameters, _ := comp["parameters"].([]any)
	for _, raw := range parameters {
		p, _ := raw.(map[string]any)
		what, _ := p["type"].(string)
		if bad := f.parameter(c, kind, what, p); bad != nil {
			return 0, bad
		}
	}
	if _, isText := comp["index"].(string); kind == "button" && !isText {
		return 0, invalid("components.index")
	}
	return len(parameters), nil
}

func (f *Fake) parameter(c *Call, component, what string, p map[string]any) *fault {
	of := map[string]string{"header": "text,image,video,document,location", "body": "text,currency,date_time", "button": "text,payload,coupon_code,action"}
	if !slices.Contains(strings.Split(of[component], ","), what) {
		return &fault{Code: 132012, Message: "(#132012) Parameter format does not match format in the created template"}
	}
	if bad := keys("parameters.", p, "type,"+what, "parameter_name"); bad != nil {
		return bad
	}
	if s, ok := p[what].(string); ok && (s == "" || strings.ContainsAny(s, "\n\t") || strings.Contains(s, "    ")) {
		return &fault{Code: 132012, Message: "(#132012) Parameter has new-line/tab characters or more than 4 consecutive spaces"}
	}
	if file, ok := p[what].(map[string]any); ok && component == "header" && what != "location" {
		return f.mediaPart(c, what, file)
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]+)\s*\}\}`)

// variables counts those of a template's body.
func variables(t map[string]any) int {
	seen := map[string]bool{}
	parts, _ := t["components"].([]any)
	for _, raw := range parts {
		if p, _ := raw.(map[string]any); p["type"] == "BODY" {
			body, _ := p["text"].(string)
			for _, m := range placeholder.FindAllStringSubmatch(body, -1) {
				seen[m[1]] = true
			}
		}
	}
	return len(seen)
}
