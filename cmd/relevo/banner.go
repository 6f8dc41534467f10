package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"relevo/relay"
)

// What the demo workspace is made of. The account and the chat are those of
// the product page's examples, so that both work as they are printed.
const (
	demoUnits     = 1000
	demoAccount   = "+15105566777"
	demoChat      = "77234"
	demoRecipient = "+14155550100"
)

// bannerOfConsole says where the console is, with the link of its first user
// until somebody has come in by it.
func (s *server) bannerOfConsole(ctx context.Context, local string) error {
	link, err := s.accounts.SetUpLink(ctx)
	if err != nil {
		return err
	}
	if link == "" {
		fmt.Fprintf(s.p.stdout, "Console: %s\n", s.url)
		return nil
	}
	fmt.Fprintf(s.p.stdout, "Console: open %s%s on this machine to make your account (good once).\n", local, link)
	return nil
}

// banner says where the server listens and, the first time, how to send a
// first message. It is the one place where a webhook URL and the console's set-up
// link are printed.
func (s *server) banner(ctx context.Context) error {
	local := localURL(s.public.Addr().String())
	fmt.Fprintf(s.p.stdout, "%s\nListening on %s, %s\n", readVersion(), local, s.where())
	if s.url != local {
		fmt.Fprintf(s.p.stdout, "Reached from outside at %s\n", s.url)
	}
	if err := s.bannerOfConsole(ctx, local); err != nil {
		return err
	}
	list, _, err := s.store.Workspaces(ctx, relay.Page{Limit: 1})
	if err != nil {
		return err
	}
	if len(list) > 0 || !s.c.Demo {
		fmt.Fprintf(s.p.stdout, "Webhook URLs are shown by `%s webhook show`.\n", self())
		return nil
	}
	if mine, err := s.first(ctx); err != nil || !mine {
		return err // another node makes it, and prints it
	}
	w, err := s.makeDemo(ctx)
	if err != nil {
		return fmt.Errorf("make the demo workspace: %w", err)
	}
	token, err := s.relay.Token(w)
	if err != nil {
		return err
	}
	url := s.url + "/hook/" + token
	fmt.Fprintf(s.p.stdout, `
A demo workspace is ready: %d units and one sandbox channel, a pretend WhatsApp.
Webhook URL: %s

Send a first message:
  curl -sS -X POST '%s' -H 'Content-Type: application/json' -d '{"action":"send","phone":"%s","text":"Hello from Relevo"}'

See what arrived in %s,
or ask in another terminal:
  %[6]s messages list
  %[6]s quota show
The operator key of the management API is in %[7]s.
`, demoUnits, url, url, demoRecipient, filepath.Join(s.c.Data, "sandbox"), self(), filepath.Join(s.c.Data, operatorFile))
	return nil
}

// self is how this program is called again: by its name or, where Go built it
// for this one run, by Go.
func self() string {
	path, err := os.Executable()
	if err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/relevo"
	}
	return "relevo"
}

// makeDemo makes the workspace of the first start.
func (s *server) makeDemo(ctx context.Context) (relay.Workspace, error) {
	w, err := s.relay.CreateWorkspace(ctx, "Demo")
	if err != nil {
		return w, err
	}
	if _, err := s.relay.Grant(ctx, w.ID, "demo", demoUnits); err != nil {
		return w, err
	}
	ch, err := s.relay.CreateChannel(ctx, w.ID, relay.NewChannel{Kind: "sandbox", Name: "Sandbox", Phone: demoAccount})
	if err != nil {
		return w, err
	}
	err = s.store.Update(ctx, func(tx relay.Tx) error {
		return tx.PutChat(ctx, relay.Chat{
			Workspace: w.ID, Channel: ch.ID, ID: demoChat, Recipient: "120363000000077234@g.us", Name: "Demo group", Group: true, CreatedAt: time.Now().UTC(),
		})
	})
	return w, errors.Join(err, s.store.PutJob(ctx, "demo", time.Now()))
}
