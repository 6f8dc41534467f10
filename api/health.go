package api

import (
	"net/http"
	"net/http/pprof"

	"github.com/labstack/echo/v4"
)

// healthy says that the process runs.
func (s *server) healthy(c echo.Context) error {
	s.send(c, http.StatusOK, "text/plain; charset=utf-8", []byte("ok"))
	return nil
}

// ready says whether the process takes calls; why not is in the log alone.
func (s *server) ready(c echo.Context) error {
	err := s.notReady(c)
	if err != nil {
		noteError(c, err)
	}
	if err != nil || s.draining() {
		retryAfter(c, unavailableSeconds)
		s.send(c, http.StatusServiceUnavailable, jsonType, []byte(`{"status":"unavailable"}`))
		return nil
	}
	s.send(c, http.StatusOK, jsonType, []byte(`{"status":"ready"}`))
	return nil
}

func (s *server) notReady(c echo.Context) error {
	if s.Ready == nil {
		return nil
	}
	return s.Ready(c.Request().Context())
}

// Admin is the handler of the operator's own listener: /metrics, which the
// given handler answers, and /debug/pprof/. It asks for no key; the listener
// must not be reachable from outside.
func Admin(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
