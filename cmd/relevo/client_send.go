package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
	"relevo/relay"
)

// sendFlags is what a person can say of a message. The names in JSON are the
// hook's.
type sendFlags struct {
	Action    string `json:"action"`
	Phone     string `json:"phone,omitzero"`
	JID       string `json:"jid,omitzero"`
	ChatID    string `json:"chat_id,omitzero"`
	ChatName  string `json:"chat_name,omitzero"`
	Account   string `json:"whatsapp_account_phone,omitzero"`
	Text      string `json:"text,omitzero"`
	FileURL   string `json:"file_url,omitzero"`
	FileName  string `json:"file_name,omitzero"`
	SendAt    string `json:"send_at,omitzero"`
	ExpiresIn int64  `json:"expires_in,omitzero"`

	// Template is nil where none of its flags was given.
	Template *templateFlags `json:"template,omitzero"`

	template  templateFlags
	expiresIn time.Duration
	key, hook string
}

// templateFlags are the parts of a template.
type templateFlags struct {
	Name      string   `json:"name,omitzero"`
	Language  string   `json:"language,omitzero"`
	Variables []string `json:"variables,omitzero"`
	Buttons   []string `json:"buttons,omitzero"`
}

// given reports whether any of the template's flags was.
func (t *templateFlags) given() bool {
	return t.Name != "" || t.Language != "" || len(t.Variables) > 0 || len(t.Buttons) > 0
}

func (r *remote) newSendCommand() *cobra.Command {
	f := sendFlags{Action: "send"}
	cmd := &cobra.Command{
		Use:   "send",
		Short: "Send a message by calling the webhook; its id is printed",
		Long: "Send posts to the webhook, as any caller would, and prints the message's id.\n" +
			"The server checks everything; a refusal is printed as it says it, with exit code 1.",
		Example: "  relevo send --phone +14151231234 --text 'Your table is ready'\n" +
			"  relevo send --chat-id 10001 --file-url https://example.com/menu.pdf --file-name menu.pdf\n" +
			"  relevo send --phone +14151231234 --template order_shipped --language en --variable Ann --variable 77234\n" +
			"  echo 'Backup done' | relevo send --chat-name Ops --text -",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.sendMessage(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Phone, "phone", "", "recipient's `number`, + and digits")
	flags.StringVar(&f.JID, "jid", "", "recipient's or group's WhatsApp `id`")
	flags.StringVar(&f.ChatID, "chat-id", "", "`number` of a conversation")
	flags.StringVar(&f.ChatName, "chat-name", "", "exact `name` of a conversation")
	flags.StringVar(&f.Account, "account", "", "`number` of the channel to send from (default: the latest connected)")
	flags.StringVar(&f.Text, "text", "", "`text` to send; - reads it from stdin")
	flags.StringVar(&f.FileURL, "file-url", "", "`address` of a file to send")
	flags.StringVar(&f.FileName, "file-name", "", "`name` of the file, needed with --file-url")
	flags.StringVar(&f.template.Name, "template", "", "`name` of an approved template, instead of a text; a file is its header's")
	flags.StringVar(&f.template.Language, "language", "", "the template's language `code`, like en or pt_BR")
	flags.StringArrayVar(&f.template.Variables, "variable", nil, "`value` of the template's next variable; give it again for each")
	flags.StringArrayVar(&f.template.Buttons, "button", nil, "`value` of the template's next button that takes one; '' leaves a quick reply as it is")
	flags.StringVar(&f.SendAt, "send-at", "", "not before this `time`, like 2024-05-01T09:00:00Z")
	flags.DurationVar(&f.expiresIn, "expires-in", 0, "give up after this `long`, in whole seconds")
	flags.StringVar(&f.key, "idempotency-key", "", "`name` of this message: a repeated call with it sends nothing more")
	flags.StringVar(&f.hook, "hook", "", "webhook `URL` (or RELEVO_HOOK; default: asked from the API)")
	return cmd
}

func (r *remote) sendMessage(ctx context.Context, f sendFlags) error {
	if f.expiresIn < 0 || f.expiresIn%time.Second != 0 {
		return usagef("--expires-in is in whole seconds, like 90s or 1h")
	}
	if f.template.given() {
		f.Template = &f.template
	}
	f.ExpiresIn = int64(f.expiresIn / time.Second)
	if f.Text == "-" {
		b, err := io.ReadAll(r.stdin)
		if err != nil {
			return fmt.Errorf("read the text from stdin: %w", err)
		}
		f.Text = strings.TrimRight(string(b), "\r\n")
	}
	hook, path, err := r.findHook(ctx, f.hook)
	if err != nil {
		return err
	}
	call := client.Call{Method: http.MethodPost, Path: path, Body: f, Header: http.Header{}}
	if f.key != "" {
		call.Header.Set("Idempotency-Key", f.key)
	}
	a, err := hook.Do(ctx, call)
	if u, ok := errors.AsType[*client.Unreachable](err); ok && !u.Refused && f.key != "" {
		return sayf("%v\nThe same command again is safe: its idempotency key sends the message once.", err)
	}
	if err != nil {
		return r.refused(err)
	}
	return r.sent(a)
}

// findHook is a client of the webhook's server, without a key, and the path
// that holds the token.
func (r *remote) findHook(ctx context.Context, given string) (*client.Client, string, error) {
	address := r.given(given, "RELEVO_HOOK", "")
	if address == "" {
		var err error
		if address, err = r.askHook(ctx); err != nil {
			return nil, "", err
		}
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return nil, "", usagef("--hook is no webhook URL; `relevo webhook show` prints it") // never the URL itself
	}
	if token := path.Base(u.Path); strings.HasPrefix(token, "rlv_") && len(token) == len(relay.NewToken()) && !relay.ValidToken(token) {
		return nil, "", usagef("the webhook URL is mistyped: its checksum does not match; `relevo webhook show` prints it")
	}
	c, err := client.New(u.Scheme+"://"+u.Host, "")
	if err != nil {
		return nil, "", usageError{err}
	}
	return c, u.RequestURI(), nil
}

// askHook asks the API for the workspace's webhook and goes to it where the
// API is: the public URL may not lead back here.
func (r *remote) askHook(ctx context.Context) (string, error) {
	path, err := r.in(ctx, "webhook")
	if err != nil {
		return "", err
	}
	a, err := r.get(ctx, path, nil)
	if err != nil {
		return "", err
	}
	o, err := readObject(a.Body)
	if err != nil {
		return "", err
	}
	token := o.text("url")
	token = token[strings.LastIndex(token, "/")+1:]
	if token == "" {
		return "", sayf("The server did not say the webhook's URL. Give it with --hook.")
	}
	api, err := r.server()
	if err != nil {
		return "", err
	}
	return api.Base() + "/hook/" + url.PathEscape(token), nil
}

// sent prints the id of an accepted message, and what else its caller should
// know on stderr.
func (r *remote) sent(a client.Answer) error {
	o, err := readObject(a.Body)
	if err != nil {
		return err
	}
	id := o.text("data.message_id")
	if id == "" {
		return errNotJSON
	}
	if r.json {
		r.writeJSON(a.Body)
	} else {
		fmt.Fprintln(r.stdout, printable(id))
	}
	if a.Header.Get("Idempotent-Replayed") == "true" {
		fmt.Fprintln(r.stderr, "This idempotency key was used before: this is the first call's message, and nothing was sent now.")
	}
	for _, w := range a.Header.Values("Relevo-Warnings") {
		fmt.Fprintln(r.stderr, "Warning:", printable(w))
	}
	return nil
}
