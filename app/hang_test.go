package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store/around"
)

// wedge is a database that stops answering, and does again: a read ends with its
// context, a write hears of nothing.
type wedge struct {
	mu     sync.Mutex
	stuck  chan struct{} // nil: it answers
	called map[string]int
}

func (w *wedge) hook(ctx context.Context, c around.Call, do func(context.Context) error) error {
	w.mu.Lock()
	stuck := w.stuck
	if w.called == nil {
		w.called = map[string]int{}
	}
	w.called[c.Method]++
	w.mu.Unlock()
	switch {
	case stuck == nil:
	case c.Writes:
		<-stuck
	default:
		select {
		case <-stuck:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return do(ctx)
}

func (w *wedge) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stuck = make(chan struct{})
}

func (w *wedge) goOn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.stuck)
	w.stuck, w.called = nil, map[string]int{}
}

// count is how often a method was called since goOn.
func (w *wedge) count(method string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.called[method]
}

// TestADatabaseThatHangsHoldsNothingUp: every route answers while no call of the store
// returns, with a word on when to come back where it needs the store; the workers go on
// when it does, and what was asked for then is done.
func TestADatabaseThatHangsHoldsNothingUp(t *testing.T) {
	const within = 50 * time.Millisecond
	w := &wedge{}
	cfg := settings(t)
	cfg.WorkersEvery, cfg.Pepper = 100*time.Millisecond, strings.Repeat("p", 32)
	limits := auth.DefaultLimits()
	limits.PollEvery = 100 * time.Millisecond
	a, err := app.New(t.Context(), cfg, app.Options{Log: quiet(), Version: "test", Within: within, Auth: &limits,
		Store: around.Store(storefault.NewPoor(), w.hook), Identity: around.Identity(&storefault.MemoryIdentity{}, w.hook)})
	if err != nil {
		t.Fatal(err)
	}
	l := login(t, a)
	_, stop, ended := serve(t, a)
	w.stop()
	apart := []string{"/healthz", "/version", "/openapi.yaml", "/docs", "/docs/{file}", "/.well-known/jwks.json", "/v1/sync/live", "/v1/sync/push"} // the last one pushes nothing
	var all sync.WaitGroup
	var away atomic.Int32
	places := make(chan struct{}, 32) // fewer than the server works on
	for _, o := range a.API.Operations() {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			status, after, code := request(t, a, l.Access, o.Method, o.Path)
			switch {
			case status == http.StatusServiceUnavailable && after > "0" && slices.Contains([]string{"unavailable", "timeout", "busy", "draining"}, code):
				away.Add(1)
			case status < http.StatusInternalServerError && status != 0:
				if status < 300 && !slices.Contains(apart, o.Path) {
					t.Errorf("%s %s is answered %d without a store", o.Method, o.Path, status)
				}
			default:
				t.Errorf("%s %s is answered %d %s, come back after %q", o.Method, o.Path, status, code, after)
			}
		})
	}
	all.Wait()
	if away.Load() < 20 { // the others refused what was asked before they came to the store
		t.Errorf("only %d routes said that the store is away", away.Load())
	}
	w.goOn()
	for method, of := range map[string]string{"Unfolded": "repair", "Waiting": "engine", "Epochs": "engine, backups", "SessionsRevoked": "auth, upkeep", "Unsent": "auth, delivery"} {
		if !waitFor(t, func() bool { return w.count(method) > 1 }) {
			t.Errorf("the worker %s does not go on", of)
		}
	}
	if !waitFor(t, func() bool {
		status, _, _ := request(t, a, l.Access, http.MethodGet, "/readyz")
		return status == http.StatusOK
	}) {
		t.Error("it does not become ready again")
	}
	if status, _, code := request(t, a, l.Access, http.MethodPost, "/v1/sync"); status != http.StatusOK {
		t.Errorf("afterwards a sync is answered %d %s", status, code)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// request asks a route, with names that nobody has in the places of its path.
func request(t *testing.T, a *app.App, token, method, path string) (status int, after, code string) {
	path = strings.NewReplacer("{file}", "style.css", "{", "0190aaaa-0000-4000-8000-00000000000", "}", "").Replace(path)
	body := ""
	if method != http.MethodGet {
		body = `{"clock":{"wall":"2022-05-05T02:11:09.120Z","mono_ms":1,"boot":"b"}}`
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, method, "http://lumbung.test"+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "0190aaaa-"+path[len(path)-3:])
	resp, err := a.RoundTrip(r)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return 0, "", ""
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 {
		return resp.StatusCode, "", ""
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	var p struct{ Code string }
	if err := json.Unmarshal(text, &p); err != nil {
		t.Errorf("%s %s: %s", method, path, text)
	}
	return resp.StatusCode, resp.Header.Get("Retry-After"), p.Code
}
