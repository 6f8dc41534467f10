// Package vonagetest is a pretend Vonage, and so much of a pretend Meta as
// templates take: an http.Handler for tests and for trying things by hand.
//
// It checks requests as strictly as the real APIs do, remembers every message,
// fetches files by their address, answers what it is told to answer, and makes
// signed callbacks. It knows the wire alone: nothing of it is the driver's.
package vonagetest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"sync"
	"time"
)

// MetaPath is where the pretend Graph API is: Options.MetaBase of the driver
// is the server's address followed by it.
const MetaPath = "/v26.0"

// Options are the account that a Fake has. Empty fields get values of their
// own, which Settings tells.
type Options struct {
	APIKey, APISecret, ApplicationID, SignatureSecret string
	// Key is the application's; made where it is nil, which takes a while.
	Key *rsa.PrivateKey
	// Number is the WhatsApp number, in digits; Unlinked takes it off the
	// application.
	Number   string
	Unlinked bool
	// WABAID and UserToken are Meta's; AppID is the app of the token, and
	// Expires when it ends, zero for never.
	WABAID, UserToken, AppID string
	Expires                  time.Time
	// Version, InboundURL and StatusURL are the application's set-up. NoMessages
	// takes the capability away.
	Version, InboundURL, StatusURL string
	NoMessages                     bool
	// SecureMedia asks for the application's token before it gives a file out.
	SecureMedia bool
	// Reports are the statuses that every taken message goes through by itself,
	// such as submitted and delivered; none by default.
	Reports []string
	// Client fetches files and makes callbacks; nil: one with a limit of ten
	// seconds.
	Client *http.Client
}

// Fake is a pretend Vonage. Its methods may be called concurrently.
type Fake struct {
	mux *http.ServeMux

	mu        sync.Mutex
	o         Options
	messages  []Message
	next      []Answer
	to        map[string]Answer
	media     map[string]kept
	templates []map[string]any
	uploads   map[string]int
	handles   map[string]bool

	reporting sync.WaitGroup
}

type kept struct {
	content []byte
	kind    string
}

// New makes a fake. It makes a key where Options has none.
func New(o Options) *Fake {
	defaults(&o)
	f := &Fake{o: o, to: map[string]Answer{}, media: map[string]kept{}, uploads: map[string]int{}, handles: map[string]bool{}, mux: http.NewServeMux()}
	f.mux.HandleFunc("POST /v1/messages", f.send)
	f.mux.HandleFunc("GET /v2/applications/{id}", f.application)
	f.mux.HandleFunc("PUT /v2/applications/{id}", f.putApplication)
	f.mux.HandleFunc("GET /beta/chatapp-accounts/whatsapp/{number}", f.account)
	f.mux.HandleFunc("GET /v3/media/{id}", f.file)
	f.mux.HandleFunc("GET "+MetaPath+"/debug_token", f.debugToken)
	f.mux.HandleFunc("GET "+MetaPath+"/{waba}/message_templates", f.listTemplates)
	f.mux.HandleFunc("POST "+MetaPath+"/{waba}/message_templates", f.createTemplate)
	f.mux.HandleFunc("POST "+MetaPath+"/{app}/uploads", f.startUpload)
	f.mux.HandleFunc("POST "+MetaPath+"/{upload}", f.upload)
	return f
}

func defaults(o *Options) {
	or := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	or(&o.APIKey, "a1b2c3d4")
	or(&o.APISecret, "pretendAPIsecret1")
	or(&o.ApplicationID, "78d335fa-323d-4114-9c3d-d6f0d48968cf")
	or(&o.SignatureSecret, "pretendSignatureSecret0123456789")
	or(&o.Number, "447700900001")
	or(&o.WABAID, "104996122399160")
	or(&o.UserToken, "EAApretendUserToken0123456789")
	or(&o.AppID, "670843887433847")
	or(&o.Version, "v1")
	if o.Key == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("vonagetest: make a key: " + err.Error())
		}
		o.Key = key
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
}

// ServeHTTP answers as the real APIs do.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.mux.ServeHTTP(w, r) }

// Close waits for the callbacks that are under way.
func (f *Fake) Close() { f.reporting.Wait() }

// Change changes the account between two calls.
func (f *Fake) Change(change func(*Options)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.o)
}

func (f *Fake) options() Options {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.o
}

// Settings are those that connect a channel to this fake, as JSON.
func (f *Fake) Settings() json.RawMessage {
	o := f.options()
	der, err := x509.MarshalPKCS8PrivateKey(o.Key)
	if err != nil {
		panic("vonagetest: write the key: " + err.Error())
	}
	b, err := json.Marshal(map[string]string{
		"api_key": o.APIKey, "api_secret": o.APISecret, "application_id": o.ApplicationID, "signature_secret": o.SignatureSecret,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"from":        o.Number, "waba_id": o.WABAID, "user_token": o.UserToken,
	})
	if err != nil {
		panic("vonagetest: write the settings: " + err.Error())
	}
	return b
}

// newUUID is a random UUID: RFC 9562, section 5.4.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who has gone gets no answer
}
