package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"relevo/api/hook"
	"relevo/relay"
)

// lintFlags are a webhook's settings that decide how a body is read.
type lintFlags struct {
	contentType, country, mapping string
	strict, tags, json            bool
}

func newLintCommand(p *program) *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use:   "lint FILE|-",
		Short: "Say what a webhook would make of a body; exit 1 if it would be refused",
		Long: "Lint reads a body as a webhook reads it, and says which call it is, what was mended, or what is wrong and where.\n" +
			"It needs no server, and so does not know chats, channels or quota; `relevo webhook try` does.",
		Example: "  relevo lint body.json\n  echo '{\"action\":\"send\"' | relevo lint -\n  relevo lint order.json --mapping mapping.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			body, err := p.readInput(args[0])
			if err != nil {
				return err
			}
			return p.lint(body, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.contentType, "content-type", "", "the call's `Content-Type`")
	flags.StringVar(&f.country, "country", "", "`code` of the workspace's country, like MX")
	flags.StringVar(&f.mapping, "mapping", "", "JSON `file` with the webhook's mapping")
	flags.BoolVar(&f.strict, "strict", false, "mend nothing")
	flags.BoolVar(&f.tags, "allow-merge-tags", false, "let merge tags through that were not filled in")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// lintReport is what `relevo lint --json` prints.
type lintReport struct {
	OK       bool               `json:"ok"`
	Code     relay.Code         `json:"error_code,omitempty"`
	Message  string             `json:"message,omitempty"`
	Errors   []relay.FieldError `json:"errors,omitempty"`
	Warnings []string           `json:"warnings"`
	// Document is the call as one JSON object, Mapped what the mapping makes
	// of it.
	Document json.RawMessage `json:"document,omitempty"`
	Mapped   json.RawMessage `json:"mapped,omitempty"`
}

func (p *program) lint(body []byte, f lintFlags) error {
	in := hook.Input{Now: time.Now(), ContentType: f.contentType, Country: strings.ToUpper(f.country), Strict: f.strict, AllowTags: f.tags, Explain: true}
	if in.Country != "" && !hook.Country(in.Country) {
		return usagef("--country %q is no country; write two letters, like MX", f.country)
	}
	if f.mapping != "" {
		b, err := p.readInput(f.mapping)
		if err != nil {
			return err
		}
		in.Mapping = &relay.Mapping{}
		if err := json.Unmarshal(b, in.Mapping); err != nil {
			return sayf("%s is no mapping: %v", f.mapping, err)
		}
		var refused *relay.Error
		if err := hook.CheckMapping(*in.Mapping); errors.As(err, &refused) {
			return sayf("%s: %s", f.mapping, refused.Message)
		}
	}
	read, err := hook.NewReader().Read(body, in)
	var refused *relay.Error
	errors.As(err, &refused)
	if f.json {
		err = writeLintJSON(p.stdout, read, refused)
	} else {
		err = writeLint(p.stdout, read, refused)
	}
	if err == nil && refused != nil {
		return errSilent
	}
	return err
}

func writeLintJSON(w io.Writer, read hook.Understood, refused *relay.Error) error {
	report := lintReport{OK: refused == nil, Warnings: append([]string{}, read.Warnings...), Document: read.Document, Mapped: read.Mapped}
	if refused != nil {
		report.Code, report.Message, report.Errors = refused.Code, refused.Message, refused.Fields
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(report)
}

// writeLint says it in words.
func writeLint(w io.Writer, read hook.Understood, refused *relay.Error) error {
	for _, warning := range read.Warnings {
		fmt.Fprintln(w, printable(warning))
	}
	if refused != nil {
		fmt.Fprintf(w, "It would be refused (%s):\n", refused.Code)
		for _, f := range refused.Fields {
			if f.Line > 0 && !strings.HasPrefix(f.Message, "Line ") {
				fmt.Fprintf(w, "Line %d, column %d: ", f.Line, f.Column)
			}
			fmt.Fprintln(w, strings.TrimSpace(printable(f.Message+" "+f.Hint)))
			writeExcerpt(w, f.Excerpt)
		}
		if len(refused.Fields) == 0 {
			fmt.Fprintln(w, printable(refused.Message))
		}
		return nil
	}
	if read.Challenge != "" || read.Ping {
		fmt.Fprintln(w, "It only asks whether the webhook is there, and would be told so.")
		return nil
	}
	fmt.Fprintln(w, "It would be taken as this call:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	a := read.Action
	for _, row := range [][2]string{
		{"phone", a.To.Phone}, {"jid", a.To.JID}, {"chat_id", a.To.ChatID}, {"chat_name", a.To.ChatName}, {"whatsapp_account_phone", a.AccountPhone},
		{"text", a.Text}, {"file_url", a.FileURL}, {"file_name", a.FileName}, {"idempotency_key", a.Key},
	} {
		if row[1] != "" {
			fmt.Fprintf(t, "  %s\t%s\n", row[0], printable(row[1]))
		}
	}
	if a.Template != nil {
		fmt.Fprintf(t, "  template\t%s (%s), %d variables\n", a.Template.Name, a.Template.Language, len(a.Template.Variables))
	}
	if !a.SendAt.IsZero() {
		fmt.Fprintf(t, "  send_at\t%s\n", a.SendAt.Format(time.RFC3339))
	}
	if a.ExpiresIn > 0 {
		fmt.Fprintf(t, "  expires_in\t%d seconds\n", int64(a.ExpiresIn/time.Second))
	}
	return t.Flush()
}

// writeExcerpt shows the line of a fault with its caret, indented.
func writeExcerpt(w io.Writer, excerpt string) {
	for line := range strings.SplitSeq(excerpt, "\n") {
		if line != "" {
			fmt.Fprintf(w, "  %s\n", printable(line))
		}
	}
}
