package infobiptest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Answer scripts what becomes of one message. Its zero value takes it.
type Answer struct {
	// Silence keeps the caller waiting until it gives up; Cut ends the
	// connection without an answer. Taken says that the message went out all
	// the same.
	Silence, Cut, Taken bool
	// HTTP is a status other than 200; Code goes with it as the name of the
	// error, RetryAfter as a header. Plain sends Body in place of JSON.
	HTTP       int
	Code       string
	RetryAfter time.Duration
	Plain      bool
	Body       string
	// Status and Error are ids of Infobip's registries, in a 200: what is said
	// at once. 0: PENDING_ACCEPTED and no error.
	Status, Error int
}

// Next scripts the next message, whoever gets it; several are used in order.
func (f *Fake) Next(a ...Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, a...)
}

// For scripts every message to a number, digits alone.
func (f *Fake) For(to string, a Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripts[to] = a
}

// scripted is the answer to a message; the lock is held.
func (f *Fake) scripted(to string) Answer {
	if len(f.next) > 0 {
		a := f.next[0]
		f.next = f.next[1:]
		return a
	}
	return f.scripts[to]
}

// take notes a message and answers it.
func (f *Fake) take(w http.ResponseWriter, r *http.Request, m *Message) {
	file := m.FileURL
	if last := m.Text[strings.LastIndexByte(m.Text, '\n')+1:]; f.o.OpenLinks && file == "" && strings.HasPrefix(last, "http") {
		file = last
	}
	if file != "" {
		m.File = f.fetch(r, file)
	}
	m.At = time.Now()
	f.mu.Lock()
	a := f.scripted(m.To)
	m.Status, m.Error = a.Status, a.Error
	if m.Status == 0 {
		m.Status = 26
	}
	if f.ids[m.ID] && m.ID != "" {
		m.Status = 23 // REJECTED_DUPLICATE_MESSAGE_ID
	}
	group := statusRegistry[m.Status].group
	m.Taken = a.Taken || a.HTTP == 0 && !a.Silence && !a.Cut && (group == 0 || group == 1 || group == 3)
	if m.Taken {
		f.ids[m.ID] = true
	}
	f.messages = append(f.messages, m)
	f.mu.Unlock()
	f.answer(w, r, m, a)
}

func (f *Fake) answer(w http.ResponseWriter, r *http.Request, m *Message, a Answer) {
	switch {
	case a.Silence:
		<-r.Context().Done()
		return
	case a.Cut:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
		return
	case a.Plain:
		w.WriteHeader(max(a.HTTP, http.StatusOK))
		w.Write([]byte(a.Body))
		return
	case a.HTTP != 0:
		if a.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(a.RetryAfter/time.Second)))
		}
		code := a.Code
		if code == "" {
			code = "GENERAL_ERROR"
		}
		wrong(w, a.HTTP, m.Channel == "VIBER", code, nil)
		return
	}
	one := map[string]any{"messageId": m.ID, "status": statusOf(m.Status)}
	if m.Error != 0 {
		one["error"] = errorOf(m.Error)
	}
	if m.Channel == "VIBER" {
		one["destination"] = m.To
		write(w, http.StatusOK, map[string]any{"bulkId": "2034072219640523073", "messages": []any{one}})
		return
	}
	one["to"], one["messageCount"] = m.To, 1
	if m.Kind == "template" {
		write(w, http.StatusOK, map[string]any{"messages": []any{one}})
		return
	}
	write(w, http.StatusOK, one)
}
