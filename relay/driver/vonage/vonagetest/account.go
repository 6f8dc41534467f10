package vonagetest

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
)

func webhook(address string) map[string]string {
	return map[string]string{"address": address, "http_method": "POST"}
}

// application answers GET /v2/applications/{id}.
// https://developer.vonage.com/en/api/application.v2#getApplication
func (f *Fake) application(w http.ResponseWriter, r *http.Request) {
	o := f.options()
	if !f.mayManage(w, r) {
		return
	}
	der, err := x509.MarshalPKIXPublicKey(&o.Key.PublicKey)
	if err != nil {
		panic("vonagetest: write the public key: " + err.Error())
	}
	capabilities := map[string]any{}
	if !o.NoMessages {
		hooks := map[string]any{}
		if o.InboundURL != "" {
			hooks["inbound_url"] = webhook(o.InboundURL)
		}
		if o.StatusURL != "" {
			hooks["status_url"] = webhook(o.StatusURL)
		}
		capabilities["messages"] = map[string]any{"version": o.Version, "authenticate_inbound_media": o.SecureMedia, "webhooks": hooks}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": o.ApplicationID, "name": "relay", "capabilities": capabilities,
		"keys":    map[string]string{"public_key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))},
		"privacy": map[string]bool{"improve_ai": false},
	})
}

// mayManage answers for itself where the caller may not manage the application.
func (f *Fake) mayManage(w http.ResponseWriter, r *http.Request) bool {
	if !f.basic(r) {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"type": "https://developer.nexmo.com/api-errors#unauthorized", "title": "You did not provide correct credentials.", "detail": "Check your authentication credentials.", "instance": newUUID()})
		return false
	}
	if r.PathValue("id") != f.options().ApplicationID {
		writeJSON(w, http.StatusNotFound, map[string]string{"type": "https://developer.nexmo.com/api-errors#not-found", "title": "Not Found", "detail": "Application not found", "instance": newUUID()})
		return false
	}
	return true
}

// putApplication sets version and callback addresses, as PUT does.
// https://developer.vonage.com/en/api/application.v2#updateApplication
func (f *Fake) putApplication(w http.ResponseWriter, r *http.Request) {
	if !f.mayManage(w, r) {
		return
	}
	var b struct {
		Name         string `json:"name"`
		Capabilities struct {
			Messages *struct {
				Version  string `json:"version"`
				Secure   bool   `json:"authenticate_inbound_media"`
				Webhooks map[string]struct {
					Address string `json:"address"`
				} `json:"webhooks"`
			} `json:"messages"`
		} `json:"capabilities"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&b); err != nil || b.Name == "" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"type": "https://developer.nexmo.com/api-errors/application#payload-validation", "title": "Bad Request"})
		return
	}
	f.Change(func(o *Options) {
		m := b.Capabilities.Messages
		if o.NoMessages = m == nil; m == nil {
			return
		}
		if o.Version = m.Version; m.Version == "" {
			o.Version = "v1"
		}
		o.SecureMedia = m.Secure
		o.InboundURL, o.StatusURL = m.Webhooks["inbound_url"].Address, m.Webhooks["status_url"].Address
	})
	f.application(w, r)
}

// account answers GET /beta/chatapp-accounts/whatsapp/{number}.
// https://developer.vonage.com/en/api/external-accounts
func (f *Fake) account(w http.ResponseWriter, r *http.Request) {
	o := f.options()
	if f.credentials(r) != nil {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"title": "Unauthorised", "detail": "Request header 'Authorization' missing / Invalid Token"})
		return
	}
	if r.PathValue("number") != o.Number {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	linked := []string{}
	if !o.Unlinked {
		linked = append(linked, o.ApplicationID)
	}
	writeJSON(w, http.StatusOK, map[string]any{"name": "relay", "applications": linked, "external_id": o.Number, "api_key": o.APIKey, "provider": "whatsapp"})
}

// PutMedia keeps a file that somebody sent, and returns its path on the fake.
func (f *Fake) PutMedia(content []byte, mediaType string) string {
	id := newUUID()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.media[id] = kept{content, mediaType}
	return "/v3/media/" + id
}

// file answers GET /v3/media/{id}, with the application's token where it asks
// for one. https://developer.vonage.com/en/messages/concepts/secure-inbound-media
func (f *Fake) file(w http.ResponseWriter, r *http.Request) {
	if f.options().SecureMedia && f.bearer(r) != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	f.mu.Lock()
	m, ok := f.media[r.PathValue("id")]
	f.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", m.kind)
	_, _ = w.Write(m.content) // who has gone gets no file
}
