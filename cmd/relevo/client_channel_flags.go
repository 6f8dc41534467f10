package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// channelFlags are what a person can say of a channel.
type channelFlags struct {
	kind, phone, name          string
	spacingMin, spacingMax     time.Duration
	concurrency                int
	maxFileBytes               int64
	settings                   []string
	settingsFile               string
	filesOut, filesIn          string
	fallback, fallbackLanguage string
	noFallback                 bool
}

func (f *channelFlags) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "`name` that people call it by")
	flags.StringVar(&f.phone, "phone", "", "the account's `number`, + and digits")
	flags.DurationVar(&f.spacingMin, "spacing-min", 0, "shortest `pause` between two messages (server's default 1.5s)")
	flags.DurationVar(&f.spacingMax, "spacing-max", 0, "longest `pause` between two messages (server's default 2.5s)")
	flags.IntVar(&f.concurrency, "concurrency", 0, "`lanes` that send side by side, for official APIs (server's default 1)")
	flags.Int64Var(&f.maxFileBytes, "max-file-bytes", 0, "largest `size` of a file (server's default 2097152)")
	flags.StringArrayVar(&f.settings, "setting", nil, "setting of the provider, `name=value`; may be repeated")
	flags.StringVar(&f.settingsFile, "settings-file", "", "JSON `file` with settings of the provider; - reads it from stdin")
	flags.StringVar(&f.filesOut, "files-out", "", "send files: `on|off` (server's default on)")
	flags.StringVar(&f.filesIn, "files-in", "", "fetch the files of what people write: `on|off` (server's default on)")
	flags.StringVar(&f.fallback, "fallback-template", "", "`template` that takes a text outside the session window")
	flags.StringVar(&f.fallbackLanguage, "fallback-language", "", "`language` of that template, such as en or pt_BR")
	flags.BoolVar(&f.noFallback, "no-fallback-template", false, "send no template in place of a text")
	cmd.MarkFlagsMutuallyExclusive("fallback-template", "no-fallback-template")
	cmd.MarkFlagsMutuallyExclusive("fallback-language", "no-fallback-template")
}

// channelBody holds what was given and nothing else.
func (r *remote) channelBody(cmd *cobra.Command, f *channelFlags) (map[string]any, error) {
	body := map[string]any{}
	spacing := map[string]int64{}
	for _, v := range []struct {
		flag string
		put  func() error
	}{
		{"kind", func() error { body["kind"] = f.kind; return nil }},
		{"phone", func() error { body["phone"] = f.phone; return nil }},
		{"name", func() error { body["name"] = f.name; return nil }},
		{"spacing-min", func() error { spacing["min"] = f.spacingMin.Milliseconds(); return nil }},
		{"spacing-max", func() error { spacing["max"] = f.spacingMax.Milliseconds(); return nil }},
		{"concurrency", func() error { body["concurrency"] = f.concurrency; return nil }},
		{"max-file-bytes", func() error { body["max_file_bytes"] = f.maxFileBytes; return nil }},
		{"files-out", func() error { return putSwitch(body, "files_out", "--files-out", f.filesOut) }},
		{"files-in", func() error { return putSwitch(body, "files_in", "--files-in", f.filesIn) }},
		{"settings-file", func() error { return r.putSettings(body, f.settingsFile) }},
		{"setting", func() error { return addSettings(body, f.settings) }},
		{"fallback-template", func() error { return f.putFallback(body) }},
		{"fallback-language", func() error { return f.putFallback(body) }},
		{"no-fallback-template", func() error { body["fallback_template"] = nil; return nil }},
	} {
		if flag := cmd.Flags().Lookup(v.flag); flag != nil && flag.Changed {
			if err := v.put(); err != nil {
				return nil, err
			}
		}
	}
	if len(spacing) > 0 {
		body["spacing_ms"] = spacing
	}
	return body, nil
}

func putSwitch(body map[string]any, field, flag, value string) error {
	if value != "on" && value != "off" {
		return usagef("%s is on or off", flag)
	}
	body[field] = value == "on"
	return nil
}

func (f *channelFlags) putFallback(body map[string]any) error {
	if f.fallback == "" || f.fallbackLanguage == "" {
		return usagef("--fallback-template and --fallback-language go together")
	}
	body["fallback_template"] = map[string]string{"name": f.fallback, "language": f.fallbackLanguage}
	return nil
}

// putSettings reads settings from a file. What it says of the file repeats
// nothing of it: it holds secrets.
func (r *remote) putSettings(body map[string]any, file string) error {
	b, err := r.readInput(file)
	if err != nil {
		return err
	}
	var settings map[string]json.RawMessage
	if json.Unmarshal(b, &settings) != nil || settings == nil {
		return broken(file, `settings. They are a JSON object with a name and a value for each, such as {"api_key": "…"}.`, b)
	}
	body["settings"] = settings
	return nil
}

// addSettings puts single settings over those of a file. A value may hold
// anything, commas and = among it.
func addSettings(body map[string]any, given []string) error {
	settings := map[string]any{}
	if of, ok := body["settings"].(map[string]json.RawMessage); ok {
		for name, v := range of {
			settings[name] = v
		}
	}
	for _, s := range given {
		name, v, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return usagef("--setting is a name, = and a value") // s may be a secret
		}
		settings[name] = v
	}
	body["settings"] = settings
	return nil
}
