package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// settings is a server of its own, in a folder of its own.
func settings(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.Store = filepath.Join(t.TempDir(), "l.db")
	cfg.TestNumbers = map[string]string{"+628117000001": "123456"}
	cfg.Listen = "127.0.0.1:0"
	return cfg
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func build(t *testing.T, cfg config.Config) *app.App {
	t.Helper()
	a, err := app.New(t.Context(), cfg, app.Options{Log: quiet(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// login logs the test number in.
func login(t *testing.T, a *app.App) auth.Login {
	t.Helper()
	c, err := a.Auth.RequestCode(t.Context(), auth.CodeRequest{Phone: "+628117000001", Purpose: auth.PurposeLogin})
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.Auth.Verify(t.Context(), auth.VerifyRequest{Challenge: c.ID, Phone: "+628117000001", Code: "123456",
		Device: auth.DeviceInfo{Install: "0190aaaa-0000-4000-8000-000000000001"}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve starts a server at a free port; ended tells what its stop came to.
func serve(t *testing.T, a *app.App) (ln net.Listener, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, ln) }()
	return ln, stop, done
}

// TestNoAcknowledgedPushIsLostByAStop stops a server in the middle of 200
// pushes. What was answered is in the database; what was not answered was cut
// before it was begun or is there too.
func TestNoAcknowledgedPushIsLostByAStop(t *testing.T) {
	cfg := settings(t)
	a := build(t, cfg)
	l := login(t, a)
	scope := merge.UserScope(l.User.ID)
	head, err := a.Store.Head(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	ln, stop, ended := serve(t, a)

	const pushes = 200
	ids := make([]string, pushes)
	acked := make([]atomic.Bool, pushes)
	var answered atomic.Int32
	var all sync.WaitGroup
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 20}}
	for n := range pushes {
		ids[n] = a.Engine.IDs.New()
		all.Go(func() {
			body := push(t, l, scope, head.Generation.String(), ids[n], n)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+ln.Addr().String()+"/v1/sync/push", bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer "+l.Access)
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			if err != nil {
				return // never answered: the phone sends again
			}
			defer resp.Body.Close()
			answer, err := io.ReadAll(resp.Body)
			if resp.StatusCode == http.StatusServiceUnavailable && bytes.Contains(answer, []byte(`"overloaded"`)) {
				return // so many at once: the phone comes back
			}
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("push %d was cut: %d %v %s", n, resp.StatusCode, err, answer)
				return
			}
			var r protocol.Response
			if err := json.Unmarshal(answer, &r); err != nil || len(r.Verdicts) != 1 || r.Verdicts[0].Verdict != merge.Applied {
				t.Errorf("push %d: %v %s", n, err, answer)
				return
			}
			acked[n].Store(true)
			if answered.Add(1) == pushes/4 {
				stop()
			}
		})
	}
	all.Wait()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	client.CloseIdleConnections()

	again := build(t, cfg)
	defer func() {
		if err := again.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	kept := 0
	for n := range pushes {
		got, err := again.Store.Load(t.Context(), scope, store.Want{Keys: []merge.Key{{Collection: "receipt", ID: ids[n]}}})
		if err != nil {
			t.Fatal(err)
		}
		kept += len(got.Records)
		if acked[n].Load() && len(got.Records) == 0 {
			t.Errorf("push %d was acknowledged and is not there", n)
		}
	}
	t.Logf("%d of %d pushes answered, %d kept", answered.Load(), pushes, kept)
	if answered.Load() < pushes/4 {
		t.Errorf("only %d pushes were answered before the stop", answered.Load())
	}
}

// push makes a request that confirms one announcement.
func push(t *testing.T, l auth.Login, scope, generation, record string, n int) []byte {
	t.Helper()
	m := merge.Mutation{N: 1, Schema: 1, Collection: "receipt", ID: record, Op: merge.Put,
		At:  merge.Reading{Wall: merge.Millis(time.Date(2022, 5, 5, 2, 0, 0, 0, time.UTC).UnixMilli()), Mono: 1, Boot: "b"},
		Set: map[string]merge.Value{"announcement_id": merge.Str(record)}}
	b, err := json.Marshal(protocol.Request{App: "1.4.2", Clock: protocol.Reading{Wall: "2022-05-05T02:00:00Z", Mono: 1, Boot: "b"},
		Push: []protocol.Part{{Scope: scope, Device: l.Device, Incarnation: fmt.Sprintf("incarnation-%06d", n), Generation: generation,
			Mutations: []json.RawMessage{m.WireMutation()}}}})
	if err != nil {
		t.Error(err)
	}
	return b
}

func TestReadyTurnsBeforeTheListenerCloses(t *testing.T) {
	a := build(t, settings(t))
	defer a.Close(t.Context())
	ask := func() (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://lumbung.test/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := a.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if status, body := ask(); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	a.API.Drain()
	if status, body := ask(); status != 503 || !strings.Contains(body, `"draining"`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestSessionsSurviveARestart(t *testing.T) {
	cfg := settings(t)
	a := build(t, cfg)
	l := login(t, a)
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	b := build(t, cfg)
	defer b.Close(t.Context())
	if _, err := b.Auth.Authenticate(t.Context(), l.Access); err != nil {
		t.Errorf("access: %v", err)
	}
	if _, err := b.Auth.Refresh(t.Context(), l.Refresh); err != nil {
		t.Errorf("refresh: %v", err)
	}
}

func TestAFailedStartLeavesNothingOpen(t *testing.T) {
	cfg := settings(t)
	cfg.Store = filepath.Join(t.TempDir(), "l.db")
	a := build(t, cfg)
	defer a.Close(t.Context())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a.Config.Listen = ln.Addr().String()
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listen") {
		t.Errorf("an address in use: %v", err)
	}
}

// TestAStopOutlastsTheSlowestRequest: a body may take a minute over a bad network
// and its answer half a minute more, and neither is cut.
func TestAStopOutlastsTheSlowestRequest(t *testing.T) {
	if l, grace := api.DefaultLimits(), config.Default().ShutdownGrace; grace < l.Read+l.Deadline {
		t.Errorf("a stop waits %v, a request may take %v and %v", grace, l.Read, l.Deadline)
	}
	a := build(t, settings(t))
	l := login(t, a)
	scope := merge.UserScope(l.User.ID)
	head, err := a.Store.Head(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	ln, stop, ended := serve(t, a)
	body := push(t, l, scope, head.Generation.String(), a.Engine.IDs.New(), 1)
	slow, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST /v1/sync/push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", l.Access, len(body), body[:len(body)/2])
	if resp, err := http.Get("http://" + ln.Addr().String() + "/healthz"); err != nil { // by then the other one is being read
		t.Fatal(err)
	} else if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	stop()
	for {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			break // the listener is closed
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := slow.Write(body[len(body)/2:]); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the slow push: %s", resp.Status)
	}
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAConnectionThatSaysNothingDoesNotHoldUpAStop: pools open such connections
// ahead of need.
func TestAConnectionThatSaysNothingDoesNotHoldUpAStop(t *testing.T) {
	a := build(t, settings(t))
	ln, stop, ended := serve(t, a)
	idle, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if resp, err := http.Get("http://" + ln.Addr().String() + "/healthz"); err != nil {
		t.Fatal(err)
	} else if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
