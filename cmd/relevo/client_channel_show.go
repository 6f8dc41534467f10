package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

func (r *remote) newChannelShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show CHANNEL",
		Short: "Show a channel, its settings, and what to paste into the provider's console",
		Long: "Show prints a channel. Secrets among its settings are shown by their last characters. Where the provider calls\n" +
			"back, it says the addresses to paste into its console, and whether a call has come yet.",
		Example: "  relevo channel show ch_abcdefghijklmnopqrst",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.channel(cmd.Context(), args[0], client.Call{Method: http.MethodGet})
			if err != nil {
				return err
			}
			return r.tellChannel(a)
		},
	}
}

// tellChannel prints a channel: what it is, its settings, what to do at the
// provider, and what needs attention.
func (r *remote) tellChannel(a client.Answer) error {
	o, err := readObject(a.Body)
	if err != nil {
		return err
	}
	if err := r.detail(a, slices.Concat(channelColumns[:], channelSwitches(o))...); err != nil || r.json {
		return err
	}
	r.tellSettings(o)
	r.tellCallbacks(o)
	if id := printable(o.text("id")); o.text("state") == "held" {
		fmt.Fprintf(r.stdout, "\nThe channel is held: its messages wait. Mend what the reason says, look with `relevo channel check %s`,\nthen `relevo channel resume %s`.\n", id, id)
	}
	notices, _ := o.at("notices").([]any)
	if len(notices) > 0 {
		fmt.Fprintln(r.stdout, "\nNeeds attention:")
		for _, n := range notices {
			fmt.Fprintf(r.stdout, "  %s\n", printable(fmt.Sprint(n)))
		}
	}
	return nil
}

// channelSwitches are the lines that channels with a provider have more.
func channelSwitches(o object) []column {
	cols := []column{{"Files out", "files_out", nil}, {"Files in", "files_in", nil}}
	if o.at("fallback_template") != nil {
		cols = append(cols, column{"Fallback template", "fallback_template.name", nil}, column{"Fallback language", "fallback_template.language", nil})
	}
	return append(cols, column{"Templates synced", "templates_synced_at", when}, column{"Credentials until", "credentials_until", when})
}

func (r *remote) tellSettings(o object) {
	settings, _ := o.at("settings").(map[string]any)
	if len(settings) == 0 {
		return
	}
	fmt.Fprintln(r.stdout, "\nSettings:")
	w := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(w, "  %s:\t%s\n", printable(name), printable(object(settings).text(name)))
	}
	w.Flush()
}

// tellCallbacks says what to paste into the provider's console: one address,
// or one for each kind of call, as the kind of channel asks for it.
func (r *remote) tellCallbacks(o object) {
	if o.at("callbacks") == nil {
		return
	}
	fmt.Fprintln(r.stdout, "\nPaste into the provider's console:")
	w := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
	for _, c := range callbackColumns(o.text("kind")) {
		if s := c.of(o); s != "-" {
			fmt.Fprintf(w, "  %s:\t%s\n", c.head, s)
		}
	}
	w.Flush()
	if since := o.text("callbacks_since"); since != "" {
		fmt.Fprintf(r.stdout, "\nThe provider has been calling back since %s.\n", when(since))
		return
	}
	fmt.Fprintf(r.stdout, "\nThe provider has not called back yet. `relevo channel check %s` says what is missing.\n", printable(o.text("id")))
}

// callbackColumns are the addresses that a kind of provider asks for. Meta
// takes one and a token that proves it is ours; the others one for what people
// write and one for what became of messages. A kind that is not known here is
// shown all.
func callbackColumns(kind string) []column {
	one := column{"Callback URL", "callbacks.url", nil}
	token := column{"Verify token", "callbacks.verify_token", nil}
	inbound := column{"URL for incoming messages", "callbacks.inbound_url", nil}
	status := column{"URL for status reports", "callbacks.status_url", nil}
	switch kind {
	case "meta":
		return []column{one, token}
	case "twilio", "vonage", "infobip_whatsapp", "infobip_viber":
		return []column{inbound, status}
	}
	return []column{one, token, inbound, status}
}

// checkWithin is longer than the minute that the server gives a check.
const checkWithin = 70 * time.Second

func (r *remote) newChannelCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check CHANNEL",
		Short: "Test a channel's credentials and its provider's set-up; exit 1 if something is wrong",
		Long: "Check asks the provider about the channel's credentials, number and callbacks, and prints one line for each thing\n" +
			"that it looked at: ok, warning or error. Under it stands what to do. It changes nothing and sends nothing.",
		Example: "  relevo channel check ch_abcdefghijklmnopqrst",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := r.in(cmd.Context(), "channels", args[0], "check")
			if err != nil {
				return err
			}
			api, err := r.api()
			if err != nil {
				return err
			}
			a, err := api.WithTimeout(checkWithin).Do(cmd.Context(), client.Call{Method: http.MethodPost, Path: "/api/v1" + path})
			if err != nil {
				return r.refused(err)
			}
			return r.tellFindings(a)
		},
	}
}

func (r *remote) tellFindings(a client.Answer) error {
	findings, _, err := readList(a.Body)
	if err != nil {
		return err
	}
	if r.json {
		r.writeJSON(a.Body)
	}
	failed := false
	for _, f := range findings {
		failed = failed || f.text("state") == "error"
		if r.json {
			continue
		}
		fmt.Fprintf(r.stdout, "%-7s  %s: %s\n", printable(f.text("state")), printable(f.text("subject")), printable(f.text("message")))
		if hint := f.text("hint"); hint != "" {
			fmt.Fprintf(r.stdout, "         %s\n", printable(hint))
		}
	}
	if failed {
		return errSilent
	}
	return nil
}
