package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
	"relevo/cmd/relevo/config"
)

// remote is what the client commands share: where the server is, who asks,
// and about which workspace.
type remote struct {
	*program
	url, key, data, workspace string
	json                      bool
}

// commands are all client commands.
func (r *remote) commands() []*cobra.Command {
	cmds := []*cobra.Command{
		r.newSendCommand(), r.newWorkspaceCommand(), r.newWebhookCommand(), r.newChannelCommand(), r.newQuotaCommand(),
		r.newAttemptsCommand(), r.newMessagesCommand(), r.newQueueCommand(), r.newChatsCommand(), r.newCountersCommand(),
		r.newKeyCommand(), r.newSandboxCommand(), r.newTemplateCommand(), r.newInboundCommand(), r.newEndpointCommand(), r.newOptOutCommand(), r.newPersonCommand(),
		r.newAccountCommand(),
	}
	for _, c := range cmds {
		r.addFlags(c)
	}
	return cmds
}

func (r *remote) addFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&r.url, "url", "", "`address` of the server (or RELEVO_URL; default http://127.0.0.1:8080)")
	f.StringVar(&r.key, "key", "", "API `key` (or RELEVO_KEY; default: operator.key in the data folder)")
	f.StringVar(&r.data, "data", "", "data `folder` of a server on this machine (or RELEVO_DATA; default ./data)")
	f.StringVar(&r.workspace, "workspace", "", "`id` or name of the workspace (or RELEVO_WORKSPACE; default: the only one)")
	f.BoolVar(&r.json, "json", false, "print the server's JSON as it is")
}

// given is a flag's value, else a variable's, else a default.
func (r *remote) given(flag, variable, otherwise string) string {
	if flag != "" {
		return flag
	}
	if v := r.getenv(variable); v != "" {
		return v
	}
	return otherwise
}

// server is a client without a key.
func (r *remote) server() (*client.Client, error) {
	return r.connect("")
}

// api is a client with the caller's key.
func (r *remote) api() (*client.Client, error) {
	key, err := r.findKey()
	if err != nil {
		return nil, err
	}
	return r.connect(key)
}

func (r *remote) connect(key string) (*client.Client, error) {
	c, err := client.New(r.given(r.url, "RELEVO_URL", localURL(r.getenv("RELEVO_LISTEN"))), key)
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// findKey is the key of the flag or a variable, else the operator's, where
// this machine has it.
func (r *remote) findKey() (string, error) {
	if r.key != "" {
		return strings.TrimSpace(r.key), nil
	}
	for _, name := range []string{"RELEVO_KEY", "RELEVO_OPERATOR_KEY"} {
		if v := r.getenv(name); v != "" {
			return strings.TrimSpace(v), nil
		}
		if path := r.getenv(name + "_FILE"); path != "" {
			return readKey(path)
		}
	}
	path := filepath.Join(r.given(r.data, "RELEVO_DATA", config.Default().Data), "operator.key")
	key, err := readKey(path)
	if os.IsNotExist(err) {
		return "", sayf("There is no API key: %s does not exist.\nGive a key with --key or RELEVO_KEY, or the data folder of a server on this machine with --data.", path)
	}
	return key, err
}

func readKey(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		if os.IsNotExist(err) {
			return "", err
		}
		return "", sayf("The API key cannot be read: %v.\nGive a key with --key or RELEVO_KEY.", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// call makes one call of the API.
func (r *remote) call(ctx context.Context, c client.Call) (client.Answer, error) {
	api, err := r.api()
	if err != nil {
		return client.Answer{}, err
	}
	c.Path = "/api/v1" + c.Path
	a, err := api.Do(ctx, c)
	return a, r.refused(err)
}

// refused prints a refusal's JSON, where JSON was asked for; the sentence
// goes to stderr either way.
func (r *remote) refused(err error) error {
	if e, ok := err.(*client.Error); ok && r.json && len(e.Body) > 0 {
		r.writeJSON(e.Body)
	}
	return err
}

// get is a GET of the API.
func (r *remote) get(ctx context.Context, path string, query url.Values) (client.Answer, error) {
	return r.call(ctx, client.Call{Method: http.MethodGet, Path: path, Query: query})
}

// in is a path below the workspace that the command is about.
func (r *remote) in(ctx context.Context, parts ...string) (string, error) {
	id, err := r.workspaceID(ctx)
	if err != nil {
		return "", err
	}
	return below(append([]string{"workspaces", id}, parts...)...), nil
}

// below makes a path of segments that are not escaped yet.
func below(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}

// workspaceID is the id of the workspace that was named, or of the only one.
func (r *remote) workspaceID(ctx context.Context) (string, error) {
	name := r.given(r.workspace, "RELEVO_WORKSPACE", "")
	if strings.HasPrefix(name, "ws_") {
		return name, nil
	}
	all, err := r.allWorkspaces(ctx)
	if err != nil {
		return "", err
	}
	var found []object
	for _, w := range all {
		if name == "" || w.text("name") == name {
			found = append(found, w)
		}
	}
	switch {
	case len(found) == 1:
		return found[0].text("id"), nil
	case len(all) == 0:
		return "", sayf("There is no workspace yet. Make one: relevo workspace create NAME")
	case len(found) == 0:
		return "", sayf("There is no workspace %q. There are:%s", name, listed(all))
	case name == "":
		return "", usagef("There are several workspaces. Choose one with --workspace or RELEVO_WORKSPACE:%s", listed(found))
	}
	return "", usagef("Several workspaces are called %q. Choose one by its id:%s", name, listed(found))
}

// allWorkspaces reads every page.
func (r *remote) allWorkspaces(ctx context.Context) ([]object, error) {
	var all []object
	query := url.Values{"limit": {"200"}}
	for {
		a, err := r.get(ctx, "/workspaces", query)
		if err != nil {
			return nil, err
		}
		rows, next, err := readList(a.Body)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if next == "" || len(rows) == 0 {
			return all, nil
		}
		query.Set("cursor", next)
	}
}

func listed(workspaces []object) string {
	var b strings.Builder
	for _, w := range workspaces {
		fmt.Fprintf(&b, "\n  %s  %s", w.text("id"), printable(w.text("name")))
	}
	return b.String()
}
