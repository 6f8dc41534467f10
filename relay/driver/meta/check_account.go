package meta

import (
	"errors"
	"net/url"
	"slices"
	"time"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// secret proves the app's secret by asking as the app, and reads what the app
// subscribed to on the way.
// https://developers.facebook.com/docs/graph-api/reference/app/subscriptions/
func (c *checking) secret() {
	if c.appID == "" {
		c.find("app secret", relay.Doubt, "The app secret could not be tried, as the app's ID is not known.", whereAppID)
		return
	}
	var subs struct {
		Data []struct {
			Object   string `json:"object"`
			Callback string `json:"callback_url"`
			Active   bool   `json:"active"`
			Fields   []struct {
				Name string `json:"name"`
			} `json:"fields"`
		} `json:"data"`
	}
	_, err := c.get("/"+c.appID+"/subscriptions", nil, c.appID+"|"+c.AppSecret, &subs)
	if a := (*answered)(nil); errors.As(err, &a) && a.status < 500 && a.Code != 4 {
		c.find("app secret", relay.Trouble, "Meta does not know this app secret, so that callbacks would be taken for forged ones.", whereSecret)
		return
	}
	if err != nil {
		c.failed("app secret", relay.Doubt, err, whereSecret)
		return
	}
	c.find("app secret", relay.Well, "The app secret is the app's.", "")
	for _, s := range subs.Data {
		if s.Object != "whatsapp_business_account" {
			continue
		}
		if !c.callback {
			c.goesTo("", "", s.Callback)
		}
		names := []string{}
		for _, f := range s.Fields {
			names = append(names, f.Name)
		}
		c.fields(s.Active, names)
		return
	}
	c.find("webhook fields", relay.Trouble, "The app has no webhook for WhatsApp, so that nothing comes back.", c.whereCallback("the app"))
}

func (c *checking) fields(active bool, names []string) {
	switch {
	case !active:
		c.find("webhook fields", relay.Trouble, "Meta has turned the app's webhook off.", c.whereCallback("the app"))
	case !slices.Contains(names, "messages"):
		c.find("webhook fields", relay.Trouble, "The app does not subscribe to the field messages: neither replies nor receipts come.", whereFields)
	case !slices.Contains(names, "message_template_status_update"):
		c.find("webhook fields", relay.Doubt, "The app does not subscribe to message_template_status_update: changes of templates show at the next sync only.", whereFields)
	default:
		c.find("webhook fields", relay.Well, "The app subscribes to messages and template changes.", "")
	}
}

// account looks for the number among those of the WhatsApp account.
func (c *checking) account() {
	if c.WABAID == "" {
		c.find("account", relay.Doubt, "The WhatsApp Business Account ID is not set: there are no templates, and the account's set-up cannot be checked.", whereAccount)
		return
	}
	type listed struct {
		ID word `json:"id"`
	}
	found := false
	get := func(query url.Values, page any) error {
		_, err := c.get("/"+c.WABAID+"/phone_numbers", query, c.AccessToken, page)
		return err
	}
	err := whatsapp.Pages(url.Values{"fields": {"id"}, "limit": {"100"}}, get, func(n listed) bool {
		found = string(n.ID) == c.PhoneNumberID
		return !found
	})
	switch {
	case err != nil:
		c.failed("account", relay.Trouble, err, whereAccount)
	case found:
		c.find("account", relay.Well, "The number belongs to the WhatsApp account.", "")
	default:
		c.find("account", relay.Trouble, "The number is not one of the WhatsApp account's: one of the two IDs is another one's.", whereAccount)
	}
}

// subscribed looks for the app among those that hear of the account.
func (c *checking) subscribed() {
	if c.WABAID == "" {
		return
	}
	var apps struct {
		Data []struct {
			App struct {
				ID word `json:"id"`
			} `json:"whatsapp_business_api_data"`
			Override string `json:"override_callback_uri"`
		} `json:"data"`
	}
	const hint = "Subscribe the app to the account: POST /{WhatsApp Business Account ID}/subscribed_apps with the access token, for example in developers.facebook.com > Tools > Graph API Explorer."
	if _, err := c.get("/"+c.WABAID+"/subscribed_apps", nil, c.AccessToken, &apps); err != nil {
		c.failed("subscription", relay.Doubt, err, whereToken)
		return
	}
	for _, a := range apps.Data {
		if c.appID != "" && string(a.App.ID) != c.appID {
			continue
		}
		c.find("subscription", relay.Well, "The app is subscribed to the WhatsApp account.", "")
		if !c.callback && a.Override != "" {
			c.goesTo("", a.Override, "")
		}
		return
	}
	c.find("subscription", relay.Trouble, "The app is not subscribed to the WhatsApp account, so that Meta tells it nothing.", hint)
}

// quiet is how long nothing may have come before it is mentioned.
const quiet = 7 * 24 * time.Hour

// arriving says whether callbacks do come, whatever is set.
func (c *checking) arriving() {
	switch at := c.ch.CallbackAt; {
	case at.IsZero():
		c.find("callbacks", relay.Doubt, "No callback of Meta's has come to this channel yet.", c.whereCallback("the app")+" Then send a message to the number: it has to appear here.")
	case time.Since(at) > quiet:
		c.find("callbacks", relay.Doubt, "No callback of Meta's has come for a week.", c.whereCallback("the app"))
	default:
		c.find("callbacks", relay.Well, "Callbacks of Meta's are coming.", "")
	}
}
