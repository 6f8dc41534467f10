package pretend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Hand is what a person can do below /_fake/, in lines for a terminal. Its
// codes are the provider's own for somebody outside the 24 hours.
func (s *Server) Hand() string {
	also := ""
	if s.kind == "infobip" {
		also = `, with {"kind": "infobip_viber"} on Viber`
	}
	return fmt.Sprintf(`GET  /_fake/messages   what was taken so far, with the ids for /_fake/status
POST /_fake/callbacks  a channel as the API shows it: where callbacks go
POST /_fake/next       {"status": 500} or {"code": %[1]d}, {"silent": true}, {"cut": true}, with {"taken": true}: the next answer
POST /_fake/inbound    {"from": "+14151231234", "name": "Ann", "text": "Hello"}%[2]s
POST /_fake/status     {"id": "…", "status": "delivered"}, or read, or failed with {"code": %[1]d}
POST /_fake/template   {"name": "…", "language": "en", "event": "APPROVED"}
`, outside[s.kind], also)
}

// outside are the codes of a text outside the 24 hours.
var outside = map[string]int{"meta": 131047, "twilio": 63016, "vonage": 1340, "infobip": 7010}

// errUnknown means that a person named a message that was not taken, or a
// template that is not kept.
var errUnknown = errors.New("there is none of this name or id")

// errNowhere means that it is not known where callbacks go.
var errNowhere = errors.New("it is not known where callbacks go: POST the channel to /_fake/callbacks first")

// hand serves one address below /_fake/.
func (s *Server) hand(w http.ResponseWriter, r *http.Request, name string) {
	if name == "messages" && r.Method == http.MethodGet {
		say(w, http.StatusOK, append([]Sent{}, s.sent()...))
		return
	}
	act := map[string]func(context.Context, []byte) (int, error){
		"callbacks": s.handCallbacks, "next": s.handNext, "inbound": s.handInbound, "status": s.handStatus, "template": s.handTemplate,
	}[name]
	if act == nil || r.Method != http.MethodPost {
		http.Error(w, "There are:\n"+s.Hand(), http.StatusNotFound)
		return
	}
	var body json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil {
		say(w, http.StatusBadRequest, map[string]string{"error": "the body is not JSON"})
		return
	}
	status, err := act(r.Context(), body)
	switch {
	case err != nil:
		say(w, http.StatusConflict, map[string]string{"error": err.Error()})
	case status != 0:
		say(w, http.StatusOK, map[string]int{"callback_status": status})
	default:
		say(w, http.StatusOK, map[string]bool{"success": true})
	}
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller may be gone
}

func read[T any](body []byte) (v T, err error) {
	if err := json.Unmarshal(body, &v); err != nil {
		return v, fmt.Errorf("the body has another form: see /_fake/")
	}
	return v, nil
}

func (s *Server) handCallbacks(ctx context.Context, body []byte) (int, error) {
	ch, err := read[struct {
		Kind      string
		Callbacks *Callbacks
	}](body)
	if err != nil || ch.Callbacks == nil {
		return 0, errors.New("this is no channel with callbacks, as `relevo channel show --json` prints it")
	}
	return 0, s.point(ctx, ch.Kind, *ch.Callbacks)
}

func (s *Server) handNext(_ context.Context, body []byte) (int, error) {
	a, err := read[Answer](body)
	if err == nil {
		s.next(a)
	}
	return 0, err
}

func (s *Server) handInbound(ctx context.Context, body []byte) (int, error) {
	w, err := read[Written](body)
	if err != nil {
		return 0, err
	}
	return s.inbound(ctx, w)
}

func (s *Server) handStatus(ctx context.Context, body []byte) (int, error) {
	in, err := read[struct {
		ID, Status string
		Code       int
	}](body)
	if err != nil {
		return 0, err
	}
	return s.status(ctx, in.ID, in.Status, in.Code)
}

func (s *Server) handTemplate(ctx context.Context, body []byte) (int, error) {
	in, err := read[Decision](body)
	if err != nil {
		return 0, err
	}
	return s.decide(ctx, in)
}
