package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

func TestHealthIsPublicAndSaysNoMore(t *testing.T) {
	fault := errors.New("disk gone")
	var err error
	h := build(t, 0, func(c *Config) { c.Ready = func(context.Context) error { return err } })
	for _, c := range []struct {
		path   string
		err    error
		status int
		body   string
	}{{"/healthz", fault, 200, "ok"}, {"/readyz", nil, 200, `{"status":"ready"}`}, {"/readyz", fault, 503, `{"status":"unavailable"}`}} {
		err = c.err
		if rec := h.call("GET", c.path, nil); rec.Code != c.status || rec.Body.String() != c.body {
			t.Errorf("%s: got %d %s", c.path, rec.Code, rec.Body)
		}
		if rec := h.call("HEAD", c.path, nil); rec.Code != c.status || rec.Body.Len() != 0 {
			t.Errorf("HEAD %s: got %d %s", c.path, rec.Code, rec.Body)
		}
	}
	if rec := h.call("GET", "/", nil); rec.Code != 200 || !strings.Contains(rec.Body.String(), "Relevo") {
		t.Errorf("/: got %d %s", rec.Code, rec.Body)
	}
}

func TestTheAdminListenerHasMetricsAndProfiles(t *testing.T) {
	admin := Admin(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("up 1")) }))
	for path, want := range map[string]int{"/metrics": 200, "/debug/pprof/": 200, "/debug/pprof/cmdline": 200, "/hook/x": 404, "/": 404} {
		rec := httptest.NewRecorder()
		admin.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != want {
			t.Errorf("%s: got %d", path, rec.Code)
		}
	}
}

func TestAPanicIsAnsweredAndToldWithoutItsData(t *testing.T) {
	h := build(t, 1)
	s := &server{Config: Config{Log: h.relay.Log}, fixed: newFixedHeaders()}
	run := func(handle echo.HandlerFunc) *httptest.ResponseRecorder {
		e := echo.New()
		e.Use(s.around)
		e.GET("/x", handle)
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest("GET", "/x?secret", nil))
		return rec
	}
	h.refused(run(func(echo.Context) error { panic("secret") }), 500, relay.CodeInternal)
	if got := h.log.String(); strings.Contains(got, "secret") || !strings.Contains(got, `"stack"`) {
		t.Errorf("log: %s", got)
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("half an answer ended as if it were whole")
		}
	}()
	run(func(c echo.Context) error {
		c.String(200, "half")
		panic("secret")
	})
}

func TestObserveIsToldTheRoute(t *testing.T) {
	var seen []string
	h := build(t, 1, func(c *Config) {
		c.Observe = func(route string, status int, took time.Duration) {
			seen = append(seen, fmt.Sprint(route, " ", status, " ", took > 0))
		}
	})
	h.post(hello)
	h.call("GET", "/x", nil)
	h.api("GET", "", "")
	if diff := cmp.Diff([]string{"/hook/:token 200 true", "unmatched 404 true", "/api/v1/workspaces/:ws 200 true"}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestABackupIsACopyThatOpens(t *testing.T) {
	var dir string
	h := build(t, 5, func(c *Config) { dir = filepath.Join(c.TempDir, "tmp"); c.TempDir = dir; os.Mkdir(dir, 0o700) })
	rec := h.api("GET", "/backup", "")
	if rec.Code != 200 || rec.Header().Get("Content-Length") != strconv.Itoa(rec.Body.Len()) || !strings.HasPrefix(rec.Header().Get("Content-Disposition"), `attachment; filename="relevo-`) {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, rec.Body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	copied, err := boltstore.Open(boltstore.Options{Path: path, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if list, _, err := copied.Workspaces(t.Context(), relay.Page{Limit: 5}); err != nil || len(list) != 1 || list[0].ID != h.ws {
		t.Errorf("the copy has %v, %v", list, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestACallerWhoHasGoneIsNoFaultOfTheServer(t *testing.T) {
	var seen int
	h := build(t, 1, func(c *Config) { c.Observe = func(_ string, status int, _ time.Duration) { seen = status } })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.relay.Store = store{Store: h.relay.Store, err: context.Canceled}
	h.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", "/hook/"+h.token, strings.NewReader(hello)))
	if seen != 499 || strings.Contains(h.log.String(), `"level":"ERROR"`) {
		t.Errorf("seen %d, log %s", seen, h.log)
	}
}
