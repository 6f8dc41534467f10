package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// sayArgs lets every command of a tree say in words which of its arguments is
// missing or too many. Their names are those in its Use; how many there may
// be is still its own Args.
func sayArgs(c *cobra.Command) {
	if allowed := c.Args; allowed != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if allowed(cmd, args) == nil {
				return nil
			}
			return argsFault(cmd, args)
		}
	}
	for _, below := range c.Commands() {
		sayArgs(below)
	}
}

func argsFault(cmd *cobra.Command, args []string) error {
	line := "`" + strings.TrimSuffix(cmd.CommandPath()+" "+strings.Join(argNames(cmd), " "), " ") + "`"
	var missing []string
	for i, name := range argNames(cmd) {
		if i >= len(args) && !strings.HasPrefix(name, "[") {
			missing = append(missing, strings.TrimSuffix(name, "…"))
		}
	}
	most := len(argNames(cmd))
	switch {
	case len(missing) == 1:
		return fmt.Errorf("%s is missing: %s", missing[0], line)
	case len(missing) > 1:
		return fmt.Errorf("%s are missing: %s", strings.Join(missing, " and "), line)
	case most == 0:
		return fmt.Errorf("%s takes no argument, but there is %q", line, args[0])
	}
	return fmt.Errorf("%q is one too many: %s; write a value with spaces in quotes", args[min(most, len(args)-1)], line)
}

// argNames are a command's arguments, as its help writes them.
func argNames(cmd *cobra.Command) []string { return strings.Fields(cmd.Use)[1:] }
