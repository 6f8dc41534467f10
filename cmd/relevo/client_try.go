package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

func (r *remote) newTryCommand() *cobra.Command {
	var headers []string
	var query, attempt string
	cmd := &cobra.Command{
		Use:   "try [FILE|-]",
		Short: "Say what would become of a call, without sending it",
		Long: "Try hands a body to the webhook as a call would, with its settings, mapping, chats and quota,\n" +
			"and says what would happen. Nothing is sent, paid or written. Exit code 1 for a refusal.",
		Example: "  relevo webhook try body.json\n  relevo webhook try --attempt att_01a1fd10de34e01c0d\n" +
			"  curl -s … | relevo webhook try - --header 'Content-Type: text/plain'",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (attempt != "") {
				return usagef("give a file (- for stdin), or --attempt")
			}
			body := map[string]any{"query": query}
			if attempt != "" {
				body["attempt_id"] = attempt
			} else {
				b, err := r.readInput(args[0])
				if err != nil {
					return err
				}
				body["body_base64"] = base64.StdEncoding.EncodeToString(b)
			}
			given := map[string]string{}
			for _, h := range headers {
				name, value, ok := strings.Cut(h, ":")
				if !ok {
					return usagef("--header is a name, a colon and a value")
				}
				given[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
			body["headers"] = given
			a, err := r.onWebhook(cmd.Context(), http.MethodPost, body, "try")
			if err != nil {
				return err
			}
			o, err := readObject(a.Body)
			if err != nil {
				return err
			}
			if r.json {
				r.writeJSON(a.Body)
			} else {
				r.tellTrial(o)
			}
			if o.text("status") != "200" {
				return errSilent
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&headers, "header", nil, "a header of the call: `name: value`")
	cmd.Flags().StringVar(&query, "query", "", "what stands after the ? in the address")
	cmd.Flags().StringVar(&attempt, "attempt", "", "try the body of an attempt again, by its `id`")
	return cmd
}

// tellTrial says in words what would happen.
func (r *remote) tellTrial(o object) {
	for _, w := range list(o.at("warnings")) {
		fmt.Fprintln(r.stdout, printable(fmt.Sprint(w)))
	}
	if o.at("would") == nil {
		fmt.Fprintf(r.stdout, "It would be refused (%s, %s): %s\n", o.text("status"), o.text("error_code"), printable(o.text("message")))
		for _, e := range list(o.at("errors")) {
			fault, _ := e.(map[string]any)
			writeExcerpt(r.stdout, object(fault).text("excerpt"))
		}
		if fix := o.text("fix"); fix != "" {
			fmt.Fprintf(r.stdout, "%s: %s\n", printable(o.text("tool")), printable(fix))
		}
		return
	}
	if id := o.text("would.replays"); id != "" {
		fmt.Fprintf(r.stdout, "It would repeat the call of message %s: nothing new would be sent.\n", printable(id))
		return
	}
	fmt.Fprintf(r.stdout, "It would be accepted: %s message(s) to %s by channel %s, for %s of %s units.\n",
		o.text("would.messages"), printable(o.text("would.to")), o.text("would.channel_id"), o.text("would.units"), o.text("would.available"))
}

func list(v any) []any {
	all, _ := v.([]any)
	return all
}
