package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"relevo/cmd/relevo/pretend"
)

// newProviderCommands play a provider each, for trying a channel by hand.
func newProviderCommands(p *program) (cmds []*cobra.Command) {
	for _, kind := range pretend.Kinds {
		cmds = append(cmds, newProviderCommand(p, kind))
	}
	return cmds
}

// stage is a pretend provider and how it is reached.
type stage struct {
	*program
	kind, listen, public string
	report               bool
}

// name is the provider's.
func (s stage) name() string { return strings.ToUpper(s.kind[:1]) + s.kind[1:] }

func newProviderCommand(p *program, kind string) *cobra.Command {
	s := stage{program: p, kind: kind}
	name := s.name()
	cmd := &cobra.Command{
		Use:   kind,
		Short: "Play " + name + " on this machine, for trying a channel without an account",
		Long: "It plays " + name + " on a loopback address until it is interrupted: it takes what a server sends, as strictly as\n" +
			"the real one, and calls back. It prints how to start a server that sends there, how to connect a channel, and\n" +
			"what else can be done by hand. Each call is one line on stderr. Nothing leaves this machine.",
		Example: "  relevo sandbox " + kind + "\n  relevo sandbox " + kind + " --listen 127.0.0.1:9400 --report",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&s.listen, "listen", "127.0.0.1:0", "loopback `address` to listen on")
	cmd.Flags().StringVar(&s.public, "public-url", "http://127.0.0.1:8080", "`URL` under which this machine reaches the server")
	cmd.Flags().BoolVar(&s.report, "report", false, "say of every message by itself that it was delivered and read")
	return cmd
}

// run serves until ctx ends.
func (s stage) run(ctx context.Context) error {
	if at, err := netip.ParseAddrPort(s.listen); err != nil || !at.Addr().IsLoopback() {
		return usagef("--listen is a loopback address with a port, such as 127.0.0.1:9400: what it plays is not for a network")
	}
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		return sayf("Cannot listen on %s: %v.", s.listen, err)
	}
	provider := pretend.New(s.kind, s.stderr)
	srv := &http.Server{Handler: provider, ReadHeaderTimeout: 10 * time.Second}
	s.tell("http://"+l.Addr().String(), provider)
	g, ctx := errgroup.WithContext(ctx)
	if s.report {
		g.Go(func() error { provider.Report(ctx); return nil })
	}
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		return srv.Close()
	})
	return g.Wait()
}

// tell prints what a person does next, in the order of doing it.
func (s stage) tell(at string, provider *pretend.Server) {
	out, channels := s.stdout, provider.Channels()
	fmt.Fprintf(out, "Playing %s on %s, until it is interrupted.\n", s.name(), at)
	fmt.Fprintf(out, "\n1. Start a server that sends there:\n  RELEVO_PROVIDERS__%s=%s RELEVO_MEDIA__ALLOW=127.0.0.0/8 RELEVO_PUBLIC_URL=%s%s %s serve\n",
		strings.ToUpper(s.kind), at, s.public, s.listener(), self())
	fmt.Fprint(out, "\n2. In another terminal, connect a channel with these settings, and say where callbacks go:\n")
	for _, c := range channels {
		phone := ""
		if c.Phone != "" {
			phone = " --phone " + c.Phone
		}
		fmt.Fprintf(out, "  printf '%%s' '%s' |\n    %s channel create --url %s --kind %s%s --settings-file - --json |\n    curl -sS --data-binary @- %s/_fake/callbacks\n",
			c.Settings, self(), s.public, c.Kind, phone, at)
	}
	fmt.Fprintf(out, "\n3. Send, and see what came:\n  %s send --url %s%s --phone +14151231234 --text 'Hello'\n  curl -sS %s/_fake/messages\n",
		self(), s.public, accountFlag(channels), at)
	fmt.Fprintf(out, "\n4. Let somebody write, and read it:\n  curl -sS -d '{\"from\":\"+14151231234\",\"name\":\"Ann\",\"text\":\"Hello\"}' %s/_fake/inbound\n  %s inbound --url %s\n",
		at, self(), s.public)
	fmt.Fprintf(out, "\nBy hand, at %s:\n", at)
	for line := range strings.Lines(provider.Hand()) {
		fmt.Fprint(out, "  "+line)
	}
}

// listener makes a server listen where its public URL leads, if that is on
// this machine; empty where it does so by itself.
func (s stage) listener() string {
	u, err := url.Parse(s.public)
	if err != nil || u.Scheme != "http" {
		return ""
	}
	at, err := netip.ParseAddrPort(u.Host)
	if err != nil || !at.Addr().IsLoopback() || at.Port() == 8080 {
		return ""
	}
	return " RELEVO_LISTEN=" + u.Host
}

// accountFlag is the flag that sends through the first channel.
func accountFlag(channels []pretend.Channel) string {
	if channels[0].Phone == "" {
		return ""
	}
	return " --account " + channels[0].Phone
}
