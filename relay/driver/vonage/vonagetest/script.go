package vonagetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// Answer is what the fake answers a message with, once it has checked it.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	// Silent says nothing until the caller has gone; Cut ends the connection.
	Silent, Cut bool
	// Taken says that the message goes out all the same.
	Taken bool
}

// Problem is an error as Vonage writes it. type is what follows the # of its
// address, such as 1150 or low-balance; params are names of parameters that
// were wrong.
func Problem(status int, kind, title string, params ...string) Answer {
	p := map[string]any{
		"type": "https://developer.vonage.com/api-errors/messages#" + kind, "title": title,
		"detail": "See the page for details.", "instance": "bf0ca0bf927b3b52e3cb03217e1a1ddf",
	}
	if len(params) > 0 {
		var list []map[string]string
		for _, name := range params {
			list = append(list, map[string]string{"name": name, "reason": "is invalid."})
		}
		p["invalid_parameters"] = list
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic("vonagetest: write a problem: " + err.Error())
	}
	return Answer{Status: status, Body: string(b), Header: http.Header{"Content-Type": {"application/problem+json"}}}
}

// Next scripts the answers of the next messages, in order.
func (f *Fake) Next(answers ...Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, answers...)
}

// To scripts the answer for a recipient, in digits, from now on.
func (f *Fake) To(recipient string, a Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to[recipient] = a
}

// scripted is the answer for a recipient; false where there is none.
func (f *Fake) scripted(recipient string) (Answer, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.next) > 0 {
		a := f.next[0]
		f.next = slices.Delete(f.next, 0, 1)
		return a, true
	}
	a, ok := f.to[recipient]
	return a, ok
}

// write gives the answer, or does not.
func (a Answer) write(w http.ResponseWriter, r *http.Request) {
	switch {
	case a.Silent:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case a.Cut:
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.Status)
	fmt.Fprint(w, a.Body)
}
