package vonagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Message is one call of POST /v1/messages, taken or not.
type Message struct {
	// UUID is Vonage's id; empty where the message was not taken.
	UUID string
	// To, Type, Ref and Webhook are as the caller gave them; Text is the text,
	// or the caption of the file.
	To, Type, Ref, Text, Webhook string
	// Link is the file's address, and File what was fetched from there. Fault
	// is the code of a status callback where that failed.
	Link  string
	File  []byte
	Fault string
	// Body is the call's, as it came.
	Body []byte
}

// Messages are all calls so far, in order.
func (f *Fake) Messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.messages)
}

// maxBody bounds a call's body, in bytes.
const maxBody = 1 << 20

// send takes a message: it checks who calls, then the body, then what is
// scripted for it.
func (f *Fake) send(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	m := Message{Body: body}
	fault := f.credentials(r)
	if fault == nil {
		fault = f.read(r, &m)
	}
	a, scripted := Answer{}, false
	if fault == nil {
		a, scripted = f.scripted(m.To)
	}
	if fault == nil && (!scripted || a.Taken || a.Silent) {
		m.UUID = newUUID()
		if m.Link != "" {
			m.File, m.Fault = f.fetch(r.Context(), m.Link)
		}
	}
	f.mu.Lock()
	f.messages = append(f.messages, m)
	f.mu.Unlock()
	switch {
	case fault != nil:
		fault.write(w, r)
	case scripted:
		a.write(w, r)
	default:
		w.Header().Set("X-Request-Id", newUUID())
		writeJSON(w, http.StatusAccepted, map[string]string{"message_uuid": m.UUID})
		f.reportLater(m)
	}
}

func problem(status int, kind, title string, params ...string) *Answer {
	a := Problem(status, kind, title, params...)
	return &a
}

// credentials checks the caller's: one method alone, as Vonage asks.
func (f *Fake) credentials(r *http.Request) *Answer {
	auth := r.Header.Values("Authorization")
	if len(auth) > 1 || len(auth) == 1 && r.URL.Query().Has("api_key") {
		return problem(http.StatusUnauthorized, "multiple-auth-methods", "Multiple authentication methods")
	}
	if f.basic(r) {
		return nil
	}
	switch err := f.bearer(r); {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), jwt.ErrTokenExpired.Error()):
		return problem(http.StatusUnauthorized, "jwt-expired", "JWT expired")
	}
	return problem(http.StatusUnauthorized, "unathorized", "You did not provide correct credentials.")
}

func (f *Fake) basic(r *http.Request) bool {
	o := f.options()
	key, secret, ok := r.BasicAuth()
	return ok && key == o.APIKey && secret == o.APISecret
}

// bearer checks a token as Vonage does: RS256 of the application, with a time
// of issue, an end within a day, and an id.
func (f *Fake) bearer(r *http.Request) error {
	o := f.options()
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return fmt.Errorf("no bearer")
	}
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt()).
		ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return &o.Key.PublicKey, nil })
	if err != nil {
		return err
	}
	end, _ := claims.GetExpirationTime()
	begin, _ := claims.GetIssuedAt()
	id, _ := claims["jti"].(string)
	switch {
	case claims["application_id"] != o.ApplicationID:
		return fmt.Errorf("another application")
	case begin == nil || end.Sub(begin.Time) > 24*time.Hour:
		return fmt.Errorf("no time of issue, or too long a life")
	case !uuidForm.MatchString(id):
		return fmt.Errorf("no id")
	}
	return nil
}

// fetch gets a file as Vonage does. Its faults are codes of status callbacks.
func (f *Fake) fetch(ctx context.Context, link string) (content []byte, fault string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, "1380"
	}
	res, err := f.options().Client.Do(req)
	if err != nil {
		return nil, "1380"
	}
	defer res.Body.Close()
	content, err = io.ReadAll(io.LimitReader(res.Body, maxFile+1))
	switch {
	case err != nil, res.StatusCode != http.StatusOK, strings.HasPrefix(res.Header.Get("Content-Type"), "text/html"):
		return nil, "1380"
	case len(content) > maxFile:
		return nil, "1381"
	}
	return content, ""
}

// maxFile is what WhatsApp takes at most, in bytes:
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
const maxFile = 100 << 20

// read checks a call's body and notes what is in it.
func (f *Fake) read(r *http.Request, m *Message) *Answer {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return problem(http.StatusUnsupportedMediaType, "invalid-content-type", "Unsupported media type")
	}
	var b map[string]any
	if err := json.Unmarshal(m.Body, &b); err != nil || b == nil {
		return problem(http.StatusUnprocessableEntity, "invalid-json", "The request body did not contain valid JSON")
	}
	return f.check(b, m)
}
