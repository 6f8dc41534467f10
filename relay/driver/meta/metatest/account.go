package metatest

import (
	"net/http"
	"slices"
	"strings"
)

// number serves GET /{phone-number-id}.
func (f *Fake) number(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]any{
		"verified_name": f.o.Name, "display_phone_number": f.o.Phone, "quality_rating": f.account.Quality, "throughput": map[string]string{"level": "STANDARD"},
		"webhook_configuration": without(map[string]any{"phone_number": f.account.NumberCallback, "whatsapp_business_account": f.account.AccountCallback, "application": f.account.AppCallback}),
	}
	got := map[string]any{"id": f.o.PhoneNumberID}
	for _, k := range strings.Split(r.URL.Query().Get("fields"), ",") {
		v, ok := all[k]
		if !ok {
			fail(w, 400, fault{Code: 100, Message: "(#100) Tried accessing nonexisting field (" + k + ")"})
			return
		}
		got[k] = v
	}
	answer(w, 200, got)
}

// without leaves out what is empty.
func without(m map[string]any) map[string]any {
	for k, v := range m {
		if v == "" {
			delete(m, k)
		}
	}
	return m
}

func (f *Fake) numbers(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	var rows []any
	for _, id := range f.account.Numbers {
		rows = append(rows, map[string]any{"id": id})
	}
	f.mu.Unlock()
	f.paged(w, r, rows)
}

// subscribed lists the apps of the account, or adds the caller's.
func (f *Fake) subscribed(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodPost {
		if !slices.Contains(f.account.Subscribed, f.o.AppID) {
			f.account.Subscribed = append(f.account.Subscribed, f.o.AppID)
		}
		answer(w, 200, map[string]bool{"success": true})
		return
	}
	rows := []any{}
	for _, id := range f.account.Subscribed {
		rows = append(rows, without(map[string]any{"whatsapp_business_api_data": map[string]string{"id": id, "name": "an app", "link": "https://www.facebook.com/games/?app_id=" + id},
			"override_callback_uri": f.account.AccountCallback}))
	}
	answer(w, 200, map[string]any{"data": rows})
}

// subscriptions serves GET /{app-id}/subscriptions, to the app alone.
func (f *Fake) subscriptions(w http.ResponseWriter, byApp bool) {
	if !byApp {
		fail(w, 400, fault{Code: 15, Message: "(#15) This method must be called with an app access_token."})
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	fields := []any{}
	for _, name := range f.account.Fields {
		fields = append(fields, map[string]string{"name": name, "version": f.o.Version})
	}
	data := []any{}
	if f.account.AppCallback != "" {
		data = append(data, map[string]any{"object": "whatsapp_business_account", "callback_url": f.account.AppCallback, "active": true, "fields": fields})
	}
	answer(w, 200, map[string]any{"data": data})
}

func (f *Fake) debugToken(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.URL.Query().Get("input_token") == "" {
		fail(w, 400, fault{Code: 100, Message: "(#100) The parameter input_token is required"})
		return
	}
	valid := r.URL.Query().Get("input_token") == f.o.Token && !f.account.Invalid
	expires := int64(0)
	if !f.account.Expires.IsZero() {
		expires = f.account.Expires.Unix()
	}
	answer(w, 200, map[string]any{"data": map[string]any{"app_id": f.o.AppID, "type": "SYSTEM_USER", "is_valid": valid, "expires_at": expires, "scopes": f.account.Scopes,
		"granular_scopes": []any{map[string]any{"scope": "whatsapp_business_messaging", "target_ids": f.account.Targets}}}})
}
