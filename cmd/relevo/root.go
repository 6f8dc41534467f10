package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// program is what every command may use of the world around it.
type program struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// getenv is a variable's value; empty where it is not set.
func (p *program) getenv(name string) string {
	for _, kv := range slices.Backward(p.environ) {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}

// usageError is a command line that cannot be understood; the exit code is 2.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usageError{sayf(format, args...)} }

// sentence is an error written for a person: what happened and what to do.
type sentence string

func (s sentence) Error() string { return string(s) }

func sayf(format string, args ...any) error { return sentence(fmt.Sprintf(format, args...)) }

// errSilent ends a command that has said everything itself with exit code 1.
var errSilent = errors.New("failed")

// The groups that `relevo --help` shows.
const (
	groupServer = "server"
	groupClient = "client"
)

// execute finds the command and runs it.
func (p *program) execute(ctx context.Context, args []string) error {
	root := newRootCommand(p)
	sayArgs(root)
	began := markBegin(root)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return nil
	}
	var u usageError
	if *began && !errors.As(err, &u) {
		return err
	}
	// What fails before a command begins is the command line.
	return usagef("%v\nSee `%s --help`.", err, cmd.CommandPath())
}

// newRootCommand is the whole tree.
func newRootCommand(p *program) *cobra.Command {
	root := group("relevo", "An inbound-webhook relay for WhatsApp")
	root.Long = "Relevo takes a small JSON call at a workspace's secret URL, checks it, pays for it\n" +
		"from the workspace's quota, queues it durably and sends it through WhatsApp."
	root.Example = "  relevo serve\n  relevo send --phone +14151231234 --text 'Hello'\n  relevo attempts"
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Version = readVersion().String()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.AddGroup(
		&cobra.Group{ID: groupServer, Title: "Running a server:"},
		&cobra.Group{ID: groupClient, Title: "Talking to a server:"},
	)
	r := &remote{program: p}
	addTo(root, groupServer, newServeCommand(p), newConfigCommand(p), newHealthcheckCommand(p))
	addTo(root, groupServer, newOfflineCommands(p)...)
	addTo(root, groupServer, newDoctorCommand(p), newLintCommand(p))
	addTo(root, groupClient, r.commands()...)
	root.AddCommand(newVersionCommand(p))
	return root
}

func addTo(root *cobra.Command, group string, cmds ...*cobra.Command) {
	for _, c := range cmds {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// group is a command that only has others below it. Alone it shows its help.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			cmd.SuggestionsMinimumDistance = 2
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return usagef("there is no command %q; did you mean `%s %s`?", args[0], cmd.CommandPath(), near[0])
			}
			return usagef("there is no command %q", args[0])
		},
	}
	c.AddCommand(below...)
	return c
}

// markBegin lets every command of a tree note that it began: its command line
// was in order.
func markBegin(c *cobra.Command) *bool {
	began := new(bool)
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if inner := c.RunE; inner != nil {
			c.RunE = func(cmd *cobra.Command, args []string) error {
				*began = true
				return inner(cmd, args)
			}
		}
		for _, below := range c.Commands() {
			walk(below)
		}
	}
	walk(c)
	return began
}
