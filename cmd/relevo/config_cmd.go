package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/config"
)

// settingFlags are the settings that have a flag.
var settingFlags = [...]struct{ key, usage string }{
	{"data", "`folder` of the database, keys and files"},
	{"listen", "public `address` to listen on, host:port"},
	{"store.url", "PostgreSQL `URL` that several nodes share, postgres://…; without it the database is in the data folder"},
	{"public_url", "`URL` that webhook URLs begin with"},
	{"admin_listen", "`address` of metrics and profiles, host:port or off"},
	{"demo", "make a demo workspace on the first start: `true or false`"},
}

// addSettingFlags gives a command --config and the flags of settings: all that
// have one, or only those that are named.
func addSettingFlags(cmd *cobra.Command, only ...string) {
	cmd.Flags().String("config", "", "YAML `file` of settings (or RELEVO_CONFIG)")
	defaults := map[string]string{}
	for _, l := range config.Default().Lines(nil) {
		defaults[l.Key] = l.Value
	}
	for _, f := range settingFlags {
		if len(only) > 0 && !slices.Contains(only, f.key) {
			continue
		}
		name := config.FlagName(f.key)[2:]
		cmd.Flags().String(name, defaults[f.key], f.usage)
		if f.key == "demo" {
			cmd.Flags().Lookup(name).NoOptDefVal = "true"
		}
	}
}

// loadConfig reads the configuration of a command that has addSettingFlags.
func (p *program) loadConfig(cmd *cobra.Command) (config.Config, config.Sources, error) {
	in := config.Input{Environ: p.environ, Flags: map[string]string{}, ReadFile: os.ReadFile}
	in.File = p.getenv("RELEVO_CONFIG")
	if f := cmd.Flags().Lookup("config"); f.Changed {
		in.File = f.Value.String()
	}
	for _, s := range settingFlags {
		if f := cmd.Flags().Lookup(config.FlagName(s.key)[2:]); f != nil && f.Changed {
			in.Flags[s.key] = f.Value.String()
		}
	}
	return config.Load(in)
}

func newConfigCommand(p *program) *cobra.Command {
	return group("config", "Check or print the settings of a server", newConfigCheckCommand(p), newConfigPrintCommand(p))
}

func newConfigCheckCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Say what is wrong with the settings; exit 1 if anything is",
		Example: "  relevo config check --config relevo.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := p.loadConfig(cmd)
			if err != nil {
				return err
			}
			for _, w := range c.Warnings() {
				fmt.Fprintln(p.stdout, "Warning:", w)
			}
			fmt.Fprintln(p.stdout, "The configuration is in order.")
			return nil
		},
	}
	addSettingFlags(cmd)
	return cmd
}

func newConfigPrintCommand(p *program) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "print",
		Short:   "Print every setting, its value and where that is from",
		Example: "  relevo config print\n  RELEVO_LISTEN=:80 relevo config print --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, sources, err := p.loadConfig(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(p.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(map[string]any{"settings": c.Lines(sources)})
			}
			w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "SETTING\tVALUE\tSOURCE")
			for _, l := range c.Lines(sources) {
				value := l.Value
				if value == "" {
					value = `""`
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", l.Key, value, l.Source)
			}
			return w.Flush()
		},
	}
	addSettingFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
