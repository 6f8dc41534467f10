// Command relevo is an inbound-webhook relay for WhatsApp: `relevo serve` runs
// it, the other commands talk to one that runs or look after its files.
//
// This package starts and stops things and prints what they say. It knows no
// rule of quota, queue or relay.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go watch(signals, cancel, os.Exit) // ends with the process
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// watch asks the command to stop at the first signal, and ends the process at
// the second: whoever sends two does not want to wait.
func watch(signals <-chan os.Signal, cancel context.CancelCauseFunc, exit func(int)) {
	first := <-signals
	cancel(interrupted{first})
	second := <-signals
	exit(interrupted{second}.code())
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal os.Signal }

func (i interrupted) Error() string { return i.signal.String() }

// code is the exit code that shells expect: 128 and the signal's number.
func (i interrupted) code() int {
	if n, ok := i.signal.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return exitFailed
}

// The exit codes of every command; a signal that broke a command off gives
// 130 or 143.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is the program: what it is told, and the exit code. It prints the error
// that ended it to stderr.
func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{environ: environ, stdin: stdin, stdout: stdout, stderr: stderr}
	err := p.execute(ctx, args)
	if err == nil {
		return exitOK
	}
	var i interrupted
	if errors.Is(err, context.Canceled) && errors.As(context.Cause(ctx), &i) {
		fmt.Fprintln(stderr, "Interrupted.")
		return i.code()
	}
	if !errors.Is(err, errSilent) {
		fmt.Fprintln(stderr, err)
	}
	var u usageError
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitFailed
}
