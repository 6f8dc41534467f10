package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the linker for a release:
// -ldflags "-X main.version=v1.2.3". Nothing else writes it.
var version string

// buildVersion says what this binary was built from.
type buildVersion struct {
	Version string `json:"version"`
	// Commit and Time are of the commit; empty where the build knew none.
	Commit string `json:"commit,omitzero"`
	Time   string `json:"commit_time,omitzero"`
	// Modified is set where the tree had changes that are not in the commit.
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func readVersion() buildVersion {
	v := buildVersion{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version = cmp.Or(v.Version, info.Main.Version)
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.time":
				v.Time = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	v.Version = cmp.Or(v.Version, "(devel)")
	return v
}

// String is one line: relevo v1.2.3 (commit 0123456789ab, changed) go1.26 linux/amd64.
func (v buildVersion) String() string {
	words := []string{"relevo", v.Version}
	if v.Commit != "" {
		commit := "(commit " + v.Commit[:min(12, len(v.Commit))]
		if v.Modified {
			commit += ", changed"
		}
		words = append(words, commit+")")
	}
	return strings.Join(append(words, v.Go, v.Platform), " ")
}

func newVersionCommand(p *program) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print what this binary was built from",
		Example: "  relevo version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return json.NewEncoder(p.stdout).Encode(readVersion())
			}
			_, err := fmt.Fprintln(p.stdout, readVersion())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
