package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/client"
	"relevo/cmd/relevo/config"
)

// healthTimeout is shorter than what container runtimes wait for a check
// (30 s: https://docs.docker.com/reference/dockerfile/#healthcheck).
const healthTimeout = 3 * time.Second

func newHealthcheckCommand(p *program) *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:     "healthcheck",
		Short:   "Ask a server whether it is well; exit 1 if not",
		Long:    "Healthcheck asks a server's /healthz and waits at most 3 seconds. It needs no key.",
		Example: "  relevo healthcheck\n  relevo healthcheck --url https://relay.example.com",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if url == "" {
				url = localURL(p.getenv("RELEVO_LISTEN"))
			}
			c, err := client.New(url, "")
			if err != nil {
				return usageError{err}
			}
			if _, err := c.WithTimeout(healthTimeout).Do(cmd.Context(), client.Call{Method: http.MethodGet, Path: "/healthz"}); err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.stdout, "ok")
			return err
		},
	}
	cmd.Flags().StringVar(&url, "url", "", "`address` of the server (default: from RELEVO_LISTEN, else http://127.0.0.1:8080)")
	return cmd
}

// localURL is where a server on this machine answers that listens on an
// address; empty for the default one.
func localURL(listen string) string {
	if listen == "" {
		listen = config.Default().Listen
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "http://" + listen
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
