package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// serveAdmin listens for operators, if the configuration says where, until close.
func (a *App) serveAdmin(ctx context.Context) (closeIt func(), err error) {
	if a.Config.Admin == "" {
		return func() {}, nil
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.Config.Admin)
	if err != nil {
		return nil, fmt.Errorf("listen for operators: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.handler())
	mux.HandleFunc("GET /healthz", a.probe)
	mux.HandleFunc("GET /readyz", a.probe)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	a.Log.LogAttrs(ctx, slog.LevelInfo, "serving operators", slog.String("address", ln.Addr().String()))
	go func() {
		if err := s.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.Log.LogAttrs(ctx, slog.LevelError, "the listener for operators ended", slog.Any("error", err))
		}
	}()
	return func() {
		if err := s.Close(); err != nil {
			a.Log.LogAttrs(ctx, slog.LevelWarn, "close the listener for operators", slog.Any("error", err))
		}
	}, nil
}

// probe answers a probe of the operators as the API would, which may have no place for one
// more connection.
func (a *App) probe(w http.ResponseWriter, r *http.Request) {
	asked, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+r.Host+r.URL.Path, nil)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	asked.RemoteAddr = r.RemoteAddr
	resp, err := a.API.RoundTrip(asked)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		a.Log.LogAttrs(r.Context(), slog.LevelDebug, "a probe went away", slog.Any("error", err))
	}
}
