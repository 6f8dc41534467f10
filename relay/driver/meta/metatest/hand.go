package metatest

import (
	"encoding/json"
	"net/http"
)

// hand serves what a person does with the fake by hand, below /_fake/:
//
//	GET  /_fake/messages                          what was taken so far
//	POST /_fake/next     {"endpoint", "answer"}   script the next answer
//	POST /_fake/to       {"to", "answer"}         script a recipient
//	POST /_fake/verify   {"url", "verify_token"}  save the app's callback
//	POST /_fake/inbound  {"from", "user", "name", "text"}
//	POST /_fake/status   {"id", "status", "code"}
//	POST /_fake/template {"name", "language", "event", "reason"}
//
// The last three call the callback that was saved and answer its status.
func (f *Fake) hand(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Endpoint, To, URL, From, User, Name, Text, ID, Status, Language, Event, Reason string
		VerifyToken                                                                    string `json:"verify_token"`
		Code                                                                           int
		Answer                                                                         Answer
	}
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			answer(w, 400, map[string]string{"error": "no JSON object"})
			return
		}
	}
	var push Change
	switch r.URL.Path {
	case "/_fake/messages":
		answer(w, 200, f.handMessages())
		return
	case "/_fake/next":
		f.Next(in.Endpoint, in.Answer)
		answer(w, 200, map[string]bool{"success": true})
		return
	case "/_fake/to":
		f.To(in.To, in.Answer)
		answer(w, 200, map[string]bool{"success": true})
		return
	case "/_fake/verify":
		err := f.Verify(r.Context(), in.URL, in.VerifyToken)
		answer(w, 200, map[string]bool{"success": err == nil})
		return
	case "/_fake/inbound":
		push = f.Inbound(Person{Number: plainNumber(in.From), UserID: in.User, Name: in.Name}, "text", map[string]string{"body": in.Text}, nil)
	case "/_fake/status":
		push = f.handStatus(in.ID, in.Status, in.Code)
	case "/_fake/template":
		push = f.TemplateStatus(in.Name, in.Language, in.Event, in.Reason)
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	f.push(w, r, push)
}

func (f *Fake) push(w http.ResponseWriter, r *http.Request, c Change) {
	f.mu.Lock()
	to := f.account.AppCallback
	f.mu.Unlock()
	if to == "" {
		answer(w, 409, map[string]string{"error": "no callback was saved; see /_fake/verify"})
		return
	}
	status, err := f.Deliver(r.Context(), to, c)
	if err != nil {
		answer(w, 502, map[string]string{"error": "the callback could not be reached"})
		return
	}
	answer(w, 200, map[string]int{"callback_status": status})
}

func (f *Fake) handMessages() []any {
	rows := []any{}
	for _, c := range f.Taken() {
		row := map[string]any{"id": c.ID, "to": c.To, "type": c.Type, "text": c.Text, "reference": c.Reference, "at": c.At}
		if c.File != nil {
			row["file"] = map[string]any{"name": c.File.Name, "type": c.File.Type, "size": len(c.File.Content)}
		}
		rows = append(rows, row)
	}
	return rows
}

func (f *Fake) handStatus(id, status string, code int) Change {
	call := Call{ID: id}
	for _, c := range f.Taken() {
		if c.ID == id {
			call = c
		}
	}
	if code != 0 {
		return f.Status(call, status, code)
	}
	return f.Status(call, status)
}
