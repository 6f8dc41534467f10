// Package pgtest runs a throwaway PostgreSQL for tests.
//
// It finds the server's programs on the machine, makes a cluster in a folder
// of its own, listens on the loopback address only, and removes everything at
// the end. The server dies with the test that started it, also where that is
// killed. It knows nothing of what is kept in it.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options say what kind of server a test needs.
type Options struct {
	// Durable leaves fsync on: for tests that kill the server.
	Durable bool
	// Listen are addresses to listen on besides 127.0.0.1.
	Listen []string
	// Settings are more lines of postgresql.conf.
	Settings []string
}

// Cluster is a server. Its methods may be called concurrently, but for Start,
// Stop and Restart.
type Cluster struct {
	dir, bin string
	port     int
	opt      Options
	owner    *syscall.Credential

	server *exec.Cmd
	ended  chan struct{}
	made   sync.Mutex
	n      int
}

// how is a signal that ends a server.
// https://www.postgresql.org/docs/current/server-shutdown.html
type how = syscall.Signal

// Fast ends every connection and shuts down in order, Immediate does not: the
// next start recovers, as after a crash. Kill is kill -9.
const (
	Fast      how = syscall.SIGINT
	Immediate how = syscall.SIGQUIT
	Kill      how = syscall.SIGKILL
)

// New makes and starts a server that ends with the test. Without PostgreSQL on
// the machine the test is skipped, or, with CI set, fails. Do not call it
// inside a bubble of testing/synctest.
func New(t testing.TB, opt Options) *Cluster {
	t.Helper()
	bin, err := Find()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := &Cluster{bin: bin, opt: opt}
	t.Cleanup(func() {
		c.Stop(t, Immediate)
		if err := os.RemoveAll(c.dir); err != nil {
			t.Errorf("remove the cluster: %v", err)
		}
	})
	if err := c.init(); err != nil {
		t.Fatalf("make a PostgreSQL cluster: %v", err)
	}
	c.Start(t)
	return c
}

// Find is the folder of the newest server programs on this machine.
func Find() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			return filepath.Dir(p), nil
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is a good one
	best, version := "", 0
	for _, p := range found {
		if v, err := strconv.Atoi(strings.Split(p, "/")[4]); err == nil && v > version {
			best, version = filepath.Dir(p), v
		}
	}
	if best == "" {
		return "", errors.New("PostgreSQL's server programs are not on this machine; install the package postgresql to run this test")
	}
	return best, nil
}

// init makes the cluster's files. The programs refuse to run as root.
func (c *Cluster) init() (err error) {
	if c.dir, err = os.MkdirTemp("", "relevo-pg-"); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return err
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2, os.Chown(c.dir, uid, gid)); err != nil {
			return err
		}
		c.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	cmd := exec.Command(filepath.Join(c.bin, "initdb"), "--no-sync", "-D", c.data(), "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", "postgres")
	cmd.Dir, cmd.SysProcAttr = c.dir, &syscall.SysProcAttr{Credential: c.owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	settings := []string{
		"listen_addresses = '" + strings.Join(append([]string{"127.0.0.1"}, c.opt.Listen...), ",") + "'",
		"port = " + strconv.Itoa(c.port), "unix_socket_directories = '" + c.dir + "'",
		"max_connections = 400", "shared_buffers = 128MB", "max_wal_size = 2GB",
	}
	if !c.opt.Durable {
		settings = append(settings, "fsync = off", "full_page_writes = off", "autovacuum_naptime = 5s")
	}
	settings = append(settings, c.opt.Settings...)
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(settings, "\n") + "\n")
	hba := []byte("local all all trust\nhost all all 0.0.0.0/0 trust\n")
	return errors.Join(err, f.Close(), os.WriteFile(filepath.Join(c.data(), "pg_hba.conf"), hba, 0o600))
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// startFor bounds a start, also one that has a crash to recover from.
const startFor = time.Minute

// Start starts a server that was stopped, and returns once it answers.
func (c *Cluster) Start(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	c.server = exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data())
	c.server.Dir, c.server.Stdout, c.server.Stderr = c.dir, log, log
	c.server.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Pdeathsig: syscall.SIGQUIT}
	c.ended = make(chan struct{})
	started := make(chan error)
	go func(server *exec.Cmd, ended chan struct{}) {
		// The signal comes when the thread that started the server ends, so
		// that one waits with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer log.Close()
		defer close(ended)
		err := server.Start()
		started <- err
		if err == nil {
			_ = server.Wait() // Stop looks at nothing but the end
		}
	}(c.server, c.ended)
	if err := <-started; err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-c.ended:
			out, _ := os.ReadFile(log.Name())
			t.Fatalf("PostgreSQL ended at its start:\n%s", out)
		case <-ctx.Done():
			t.Fatalf("PostgreSQL does not answer: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server and waits for its end.
func (c *Cluster) Stop(t testing.TB, with how) {
	t.Helper()
	if c.server == nil || c.server.Process == nil {
		return
	}
	if err := c.server.Process.Signal(with); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("stop PostgreSQL: %v", err)
	}
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		t.Errorf("PostgreSQL did not stop; it is killed")
		_ = c.server.Process.Kill()
		<-c.ended
	}
	c.server = nil
}

// Restart stops and starts the server.
func (c *Cluster) Restart(t testing.TB, with how) {
	t.Helper()
	c.Stop(t, with)
	c.Start(t)
}

// URL is the connection string of a database.
func (c *Cluster) URL(database string) string { return c.URLAt("127.0.0.1", database) }

// URLAt is URL by another address that the server listens on.
func (c *Cluster) URLAt(host, database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", net.JoinHostPort(host, strconv.Itoa(c.port)), database)
}

// Port is the port that the server listens on.
func (c *Cluster) Port() int { return c.port }

// Create makes a new database, empty or a copy of template, and returns its
// name. It may be called inside a bubble.
func (c *Cluster) Create(ctx context.Context, template string) (name string, err error) {
	c.made.Lock() // a template can be copied by one at a time
	defer c.made.Unlock()
	if template == "" {
		template = "template1"
	}
	c.n++
	name = fmt.Sprintf("test%d", c.n)
	return name, c.Exec(ctx, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+template)
}

// Drop removes a database, whoever is connected to it.
func (c *Cluster) Drop(ctx context.Context, name string) error {
	return c.Exec(ctx, "postgres", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// Exec runs a statement in a database.
func (c *Cluster) Exec(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, c.URL(database))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}
