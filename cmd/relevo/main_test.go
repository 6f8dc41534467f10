package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"relevo": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a command and compares its exit code: exits 2 relevo bogus.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args]")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = strconv.Itoa(exit.ExitCode())
	}
	if got != args[0] {
		ts.Fatalf("exit code is %s, want %s", got, args[0])
	}
}

func TestTheFirstSignalAsksAndTheSecondForces(t *testing.T) {
	for sig, want := range map[os.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, cancel := context.WithCancelCause(t.Context())
		signals, codes := make(chan os.Signal), make(chan int, 1)
		go watch(signals, cancel, func(code int) { codes <- code })
		signals <- syscall.SIGTERM
		<-ctx.Done()
		var i interrupted
		if !errors.As(context.Cause(ctx), &i) || i.signal != syscall.SIGTERM {
			t.Errorf("cause is %v", context.Cause(ctx))
		}
		select {
		case code := <-codes:
			t.Fatalf("the first signal ended the process with %d", code)
		default:
		}
		signals <- sig
		if got := <-codes; got != want {
			t.Errorf("%v exits with %d, want %d", sig, got, want)
		}
	}
}

func TestASignalDuringACallExitsAsShellsExpect(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{syscall.SIGINT})
	var out, errs strings.Builder
	code := run(ctx, []string{"queue", "--key", "k", "--workspace", "ws_1", "--url", "http://127.0.0.1:1"}, nil, nil, &out, &errs)
	if code != 130 || errs.String() != "Interrupted.\n" {
		t.Errorf("got %d, %q", code, errs.String())
	}
}

// Every command that does something says so and shows how.
func TestEveryCommandHasAShortTextAndAnExample(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("`%s` has no short text", c.CommandPath())
		}
		if c.RunE == nil {
			t.Errorf("`%s` does not return its error", c.CommandPath())
		}
		if len(c.Commands()) == 0 && !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("`%s` has no example of itself", c.CommandPath())
		}
		for _, below := range c.Commands() {
			walk(below)
		}
	}
	walk(newRootCommand(&program{}))
}
