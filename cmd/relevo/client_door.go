package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
)

// doorCommands are what a webhook takes, and how it is found out.
func (r *remote) doorCommands() []*cobra.Command {
	return []*cobra.Command{
		r.newListenCommand(), r.newCapturedCommand(), r.newMappingCommand(), r.newPresetsCommand(), r.newTryCommand(),
		r.newOnOffCommand("test", "Answer calls as usual, and send and pay nothing", "test"),
		r.newOnOffCommand("strict", "Read JSON as it is written, and mend nothing", "strict"),
		r.newOnOffCommand("merge-tags", "Let merge tags through that a tool did not fill in", "allow_merge_tags"),
	}
}

// onWebhook makes one call below the webhook.
func (r *remote) onWebhook(ctx context.Context, method string, body any, parts ...string) (client.Answer, error) {
	path, err := r.in(ctx, append([]string{"webhook"}, parts...)...)
	if err != nil {
		return client.Answer{}, err
	}
	return r.call(ctx, client.Call{Method: method, Path: path, Body: body})
}

func (r *remote) newOnOffCommand(name, short, field string) *cobra.Command {
	return &cobra.Command{
		Use:       name + " on|off",
		Short:     short,
		Example:   "  relevo webhook " + name + " on",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"on", "off"},
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.onWebhook(cmd.Context(), http.MethodPatch, map[string]bool{field: args[0] == "on"})
			if err != nil {
				return err
			}
			return r.detail(a, webhookColumns[:]...)
		},
	}
}

func (r *remote) newListenCommand() *cobra.Command {
	var long time.Duration
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Capture the next call instead of sending it",
		Long: "Listen lets the webhook keep the next call to be looked at. Its caller gets a 200 with an id;\n" +
			"nothing is sent or paid. `relevo webhook captured` shows what came.",
		Example: "  relevo webhook listen\n  relevo webhook listen --for 30m\n  relevo webhook listen --for 0s   # no more",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if long < 0 || long > time.Hour || long%time.Second != 0 {
				return usagef("--for is from 0s to 1h, in whole seconds")
			}
			_, o, err := r.listening(cmd.Context(), http.MethodPost, map[string]int{"seconds": int(long / time.Second)})
			if o == nil || err != nil {
				return err
			}
			if until := o.text("listening_until"); until != "" {
				r.done("The next call until %s is captured. Send one from your tool, then: relevo webhook captured", when(until))
				return nil
			}
			r.done("The webhook waits for no call; calls are sent.")
			return nil
		},
	}
	cmd.Flags().DurationVar(&long, "for", 5*time.Minute, "how `long` to wait, at most 1h")
	return cmd
}

// listening asks what the webhook waits for. Where JSON was asked for it is
// printed, and the object is nil.
func (r *remote) listening(ctx context.Context, method string, body any) (client.Answer, object, error) {
	a, err := r.onWebhook(ctx, method, body, "listen")
	if err != nil {
		return a, nil, err
	}
	if r.json {
		r.writeJSON(a.Body)
		return a, nil, nil
	}
	o, err := readObject(a.Body)
	return a, o, err
}

func (r *remote) newCapturedCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "captured",
		Short:   "Show the captured call, and the paths to its values",
		Example: "  relevo webhook captured",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, o, err := r.listening(cmd.Context(), http.MethodGet, nil)
			if o == nil || err != nil {
				return err
			}
			switch {
			case o.at("captured") == nil && o.at("listening_until") != nil:
				fmt.Fprintf(r.stderr, "Nothing has come yet; the webhook waits until %s.\n", when(o.text("listening_until")))
				return errSilent
			case o.at("captured") == nil:
				fmt.Fprintln(r.stderr, "Nothing was captured. Begin with: relevo webhook listen")
				return errSilent
			}
			if err := r.detail(a, column{"Captured", "captured.at", when}, column{"From", "captured.tool", nil}, column{"Warnings", "captured.warnings", nil}); err != nil {
				return err
			}
			return r.writePaths(o.at("captured.paths"), o.text("captured.body"))
		},
	}
}

// writePaths prints the paths to a document's values or, where there are none,
// the body as it came.
func (r *remote) writePaths(paths any, body string) error {
	rows, _ := paths.([]any)
	if len(rows) == 0 {
		fmt.Fprintf(r.stdout, "\nIt cannot be read as fields. The body:\n%s\n", printable(body))
		return nil
	}
	fmt.Fprintln(r.stdout)
	w := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PATH\tVALUE")
	for _, row := range rows {
		o, _ := row.(map[string]any)
		fmt.Fprintf(w, "%s\t%s\n", printable(object(o).text("path")), clip(printable(object(o).text("value"))))
	}
	return w.Flush()
}

// mappedField is one field of a mapping, as the API takes it.
type mappedField struct {
	Path    string `json:"path,omitzero"`
	Value   string `json:"value,omitzero"`
	Default string `json:"default,omitzero"`
}

func (r *remote) newMappingCommand() *cobra.Command {
	var preset, file string
	var sets []string
	var remove bool
	cmd := &cobra.Command{
		Use:   "mapping",
		Short: "Show or change where the fields of a call are in what a tool sends",
		Long: "Mapping shows or replaces the webhook's mapping. --set NAME=PATH takes a field from a path such as\n" +
			"contact.phone; a text with spaces or braces is a value, in which {path} and {path|otherwise} are filled in.\n" +
			"Several --set go on top of --preset or --file. A call that says \"action\": \"send\" itself is not mapped.",
		Example: "  relevo webhook mapping\n  relevo webhook mapping --preset shopify\n" +
			"  relevo webhook mapping --set phone=contact.phone --set 'text=Hello {contact.name|there}!'\n  relevo webhook mapping --remove",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.changeMapping(cmd.Context(), preset, file, sets, remove)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&preset, "preset", "", "begin with the preset of a `tool`; `relevo webhook presets` lists them")
	flags.StringVar(&file, "file", "", "JSON `file` with a mapping; - reads it from stdin")
	flags.StringArrayVar(&sets, "set", nil, "take a field from a path or text: `name=…`")
	flags.BoolVar(&remove, "remove", false, "take calls as they are")
	return cmd
}

func (r *remote) changeMapping(ctx context.Context, preset, file string, sets []string, remove bool) error {
	if remove && (preset != "" || file != "" || len(sets) > 0) || preset != "" && file != "" {
		return usagef("--preset, --file and --remove exclude each other; --set goes with the first two")
	}
	if !remove && preset == "" && file == "" && len(sets) == 0 {
		a, err := r.onWebhook(ctx, http.MethodGet, nil)
		if err != nil {
			return err
		}
		return r.showMapping(a)
	}
	body := map[string]any{"mapping": nil}
	if !remove {
		m, err := r.newMapping(ctx, preset, file, sets)
		if err != nil {
			return err
		}
		body["mapping"] = m
	}
	a, err := r.onWebhook(ctx, http.MethodPatch, body)
	if err != nil {
		return err
	}
	return r.showMapping(a)
}

// mapping is as the API takes it.
type mapping struct {
	Preset string                 `json:"preset,omitzero"`
	Fields map[string]mappedField `json:"fields"`
}

func (r *remote) newMapping(ctx context.Context, preset, file string, sets []string) (m mapping, err error) {
	switch {
	case preset != "":
		if m, err = r.preset(ctx, preset); err != nil {
			return m, err
		}
	case file != "":
		b, err := r.readInput(file)
		if err != nil {
			return m, err
		}
		if json.Unmarshal(b, &m) != nil || m.Fields == nil {
			return m, sayf(`%s is no mapping. It looks like {"fields": {"phone": {"path": "contact.phone"}, "text": {"value": "Hello"}}}.`, file)
		}
	}
	if m.Fields == nil {
		m.Fields = map[string]mappedField{}
	}
	for _, s := range sets {
		name, from, ok := strings.Cut(s, "=")
		if !ok || name == "" || from == "" {
			return m, usagef("--set is a field's name, =, and a path or a text")
		}
		if strings.ContainsAny(from, " {}\n!?,") {
			m.Fields[name] = mappedField{Value: from}
		} else {
			m.Fields[name] = mappedField{Path: from}
		}
	}
	return m, nil
}

// preset is a preset of the server.
func (r *remote) preset(ctx context.Context, id string) (m mapping, err error) {
	a, err := r.onWebhook(ctx, http.MethodGet, nil, "presets")
	if err != nil {
		return m, err
	}
	var list struct {
		Data []struct {
			ID     string                 `json:"id"`
			Fields map[string]mappedField `json:"fields"`
		} `json:"data"`
	}
	if json.Unmarshal(a.Body, &list) != nil {
		return m, errNotJSON
	}
	for _, p := range list.Data {
		if p.ID == id {
			return mapping{Preset: id, Fields: p.Fields}, nil
		}
	}
	return m, sayf("There is no preset %q; `relevo webhook presets` lists them.", id)
}

// readInput reads a file, or stdin for -.
func (p *program) readInput(name string) ([]byte, error) {
	if name == "-" {
		b, err := io.ReadAll(p.stdin)
		if err != nil {
			return nil, fmt.Errorf("read stdin: %w", err)
		}
		return b, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, sayf("%s cannot be read: %v", name, err)
	}
	return b, nil
}

func (r *remote) showMapping(a client.Answer) error {
	o, err := readObject(a.Body)
	if err != nil {
		return err
	}
	fields, _ := o.at("mapping.fields").(map[string]any)
	if r.json {
		b, _ := json.Marshal(o.at("mapping")) // was JSON
		r.writeJSON(b)
		return nil
	}
	if fields == nil {
		fmt.Fprintln(r.stdout, "There is no mapping: calls are taken as they are.")
		return nil
	}
	w := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIELD\tFROM\tOTHERWISE")
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f, _ := fields[name].(map[string]any)
		from := object(f).text("path")
		if from == "" {
			from = fmt.Sprintf("%q", object(f).text("value"))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", printable(name), printable(from), printable(object(f).text("default")))
	}
	return w.Flush()
}

func (r *remote) newPresetsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "presets",
		Short:   "List the tools that there is a mapping for",
		Example: "  relevo webhook presets",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.onWebhook(cmd.Context(), http.MethodGet, nil, "presets")
			if err != nil {
				return err
			}
			return r.table(a, "presets", column{"ID", "id", nil}, column{"TOOL", "name", nil}, column{"FOR", "note", nil})
		},
	}
}
