package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	// Key is the setting or variable; empty where it is about something else.
	Key string
	// Source is where the value comes from; the zero value says nothing.
	Source Source
	// What reads on after the key: `"5x" is no duration; write …`.
	What string
}

func (p Problem) String() string {
	switch {
	case p.Key == "":
		return p.What
	case p.Source.Kind == FromDefault:
		return p.Key + ": " + p.What
	}
	return fmt.Sprintf("%s (%s): %s", p.Key, p.Source, p.What)
}

// Problems is everything wrong with a configuration, as one error.
type Problems []Problem

// Error lists them, one a line.
func (ps Problems) Error() string {
	var b strings.Builder
	if len(ps) == 1 {
		b.WriteString("The configuration has a problem:")
	} else {
		fmt.Fprintf(&b, "The configuration has %d problems:", len(ps))
	}
	for _, p := range ps {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// ClientVariables are read by the client commands and by --config, not by
// Load; they are no settings.
func ClientVariables() []string {
	return []string{"RELEVO_CONFIG", "RELEVO_URL", "RELEVO_KEY", "RELEVO_KEY_FILE", "RELEVO_WORKSPACE", "RELEVO_HOOK"}
}

// variables are all names that a variable may have.
func variables() []string {
	names := ClientVariables()
	for _, s := range settings(new(Config)) {
		names = append(names, s.env())
		if s.secret() {
			names = append(names, s.env()+"_FILE")
		}
	}
	return names
}

// serviceLink is the form of the variables that Kubernetes sets in every pod
// beside a service called relevo:
// https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
var serviceLink = regexp.MustCompile(`^RELEVO_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// foreign reports whether a variable is not for Load, though it begins like
// one.
func foreign(name string) bool {
	return slices.Contains(ClientVariables(), name) || serviceLink.MatchString(name)
}

// unknown says that there is no such name, and which one may be meant.
func unknown(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("there is no such setting; did you mean %s?", near)
	}
	return "there is no such setting; `relevo config print` lists all"
}

// nearest is the known name that differs least, or empty where all differ by
// more than a third.
func nearest(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return best
	}
	// "call_timeout" for "deliver.call_timeout": the section was forgotten.
	for _, k := range known {
		if _, last, ok := strings.Cut(k, "."); ok && last == name {
			return k
		}
	}
	return ""
}

// distance counts the characters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
