package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// ear reads a live stream.
type ear struct {
	testing.TB
	resp  *http.Response
	lines *bufio.Reader
}

// hear opens a stream over a socket.
func (p person) hear(t testing.TB, addr, version, query string) *ear {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /v1/sync/live%s HTTP/%s\r\nHost: x\r\nAuthorization: Bearer %s\r\nOrigin: https://web.test\r\n\r\n", query, version, p.Access)
	resp, err := http.ReadResponse(bufio.NewReaderSize(c, 512), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &ear{t, resp, bufio.NewReaderSize(resp.Body, 512)}
}

// near opens a stream in this process.
func (p person) near(t testing.TB) *ear {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://lumbung.test/v1/sync/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.Access)
	resp, err := p.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return &ear{t, resp, bufio.NewReaderSize(resp.Body, 512)}
}

// next reads the next event, passing over heartbeats.
func (e *ear) next(want string, into any) {
	e.Helper()
	name := ""
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			e.Fatalf("wanted %s: %v", want, err)
		}
		if kind, ok := strings.CutPrefix(line, "event: "); ok {
			name = strings.TrimSpace(kind)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if name != want {
				e.Fatalf("event %s %s, want %s", name, data, want)
			}
			if err := json.Unmarshal([]byte(data), into); err != nil {
				e.Fatal(err)
			}
			return
		}
	}
}

// greeted reads hello, and the own scope, which a phone without a cursor lacks.
func (e *ear) greeted(p person) protocol.News {
	e.Helper()
	var h protocol.Hello
	e.next("hello", &h)
	if h.Heartbeat != 25 || h.Now == "" {
		e.Errorf("hello %+v", h)
	}
	var n protocol.News
	e.next("scope", &n)
	if n.Scope != merge.UserScope(p.User.ID) || n.Seq == 0 || n.Generation == "" {
		e.Errorf("news %+v", n)
	}
	return n
}

// ended reads the farewell and the end of the stream.
func (e *ear) ended(reason string) {
	e.Helper()
	var b protocol.Bye
	e.next("bye", &b)
	if b.Reason != reason || b.Retry < 0 {
		e.Errorf("bye %+v, want %s", b, reason)
	}
	if rest, err := io.ReadAll(e.lines); err != nil || strings.TrimSpace(string(rest)) != "" {
		e.Errorf("behind the farewell: %q %v", rest, err)
	}
}

// write makes a commit in the person's own scope.
func (p person) write(t testing.TB) merge.Seq {
	t.Helper()
	id := p.ids.New()
	seq, err := p.parts.Engine.Write(t.Context(), merge.UserScope(p.User.ID), merge.ServerWrite{Name: id, Author: p.User.ID, Role: merge.System, Collection: "receipt", ID: id,
		Op: merge.Put, Create: true, Set: map[string]merge.Value{"announcement_id": merge.Str(id)}})
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func TestLiveTellsOfCommitsOverASocket(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Origins = []string{"https://web.test"} })
	p := h.login(t, "+628117000001")
	other := h.login(t, "+628117000002")
	addr := h.listen(t)
	for _, version := range []string{"1.1", "1.0"} {
		e := p.hear(t, addr, version, "")
		r := e.resp
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/event-stream" || r.Header.Get("X-Accel-Buffering") != "no" || !r.Close ||
			r.Header.Get("Cache-Control") != "no-store, no-transform" || r.Header.Get("Access-Control-Allow-Origin") != "https://web.test" || r.Header.Get("X-Request-Id") == "" || r.Header.Get("RateLimit") == "" {
			t.Errorf("%d %v", r.StatusCode, r.Header)
		}
		if chunked := len(r.TransferEncoding) > 0; chunked != (version == "1.1") {
			t.Errorf("HTTP/%s in chunks: %v", version, chunked)
		}
		e.greeted(p)
		other.write(t)
		seq := p.write(t)
		var n protocol.News
		if e.next("scope", &n); n.Seq != seq || n.Scope != merge.UserScope(p.User.ID) {
			t.Errorf("news %+v, want %d", n, seq)
		}
	}
}

func TestLiveSaysNothingOfWhatTheCursorHas(t *testing.T) {
	h := open(t)
	p := h.login(t, "+628117000001")
	_, body := p.do(t, "POST", "/v1/sync", syncBody)
	var r protocol.Response
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	e := p.hear(t, h.listen(t), "1.1", "?cursor="+r.Cursor)
	e.next("hello", &protocol.Hello{})
	seq := p.write(t)
	var n protocol.News
	if e.next("scope", &n); n.Seq != seq {
		t.Errorf("news %+v, want %d", n, seq)
	}
}

func TestLiveEndsWithTheRightToHear(t *testing.T) {
	for reason, end := range map[string]func(*testing.T, person) error{
		"session_revoked": func(t *testing.T, p person) error {
			return p.parts.Auth.RevokeSession(t.Context(), p.User.ID, p.Session, "test")
		},
		"account_suspended": func(t *testing.T, p person) error { return p.parts.Auth.Suspend(t.Context(), p.User.ID) },
		"token_expired": func(t *testing.T, p person) error {
			p.clock.Advance(16 * time.Minute)
			return nil
		},
		"live_replaced": func(t *testing.T, p person) error {
			p.near(t).next("hello", &protocol.Hello{})
			return nil
		},
	} {
		t.Run(reason, func(t *testing.T) {
			h := open(t)
			p := h.login(t, "+628117000001")
			e := p.hear(t, h.listen(t), "1.1", "")
			e.greeted(p)
			if err := end(t, p); err != nil {
				t.Fatal(err)
			}
			h.LookAfter()
			e.ended(reason)
		})
	}
}

func TestLiveTellsNothingAfterARevocation(t *testing.T) {
	h := open(t)
	p := h.login(t, "+628117000001")
	e := p.hear(t, h.listen(t), "1.1", "")
	e.greeted(p)
	if err := p.parts.Auth.RevokeSession(t.Context(), p.User.ID, p.Session, "test"); err != nil {
		t.Fatal(err)
	}
	p.write(t) // nobody has looked after the stream yet
	e.ended("session_revoked")
}

func TestLiveHasBounds(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Streams, p.Limits.StreamsPerUser, p.Limits.Waits = 2, 1, 0 })
	a, b, c := h.login(t, "+628117000001"), h.login(t, "+628117000002"), h.login(t, "+628117000003")
	a.near(t).greeted(a)
	h.clock.Advance(5 * time.Minute)
	tablet := h.loginOn(t, "+628117000001", "0190aaaa-0000-4000-8000-00000000ffff")
	resp, body := tablet.do(t, "GET", "/v1/sync/live", "")
	problem(t, resp, body, 429, "live_too_many")
	b.near(t).greeted(b)
	resp, body = c.do(t, "GET", "/v1/sync/live", "")
	if problem(t, resp, body, 503, "live_full"); resp.Header.Get("Retry-After") == "" {
		t.Errorf("%v", resp.Header)
	}
	if h.Streams() != 2 {
		t.Errorf("%d streams", h.Streams())
	}
}

func TestLiveBeatsWhileItIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(p *api.Parts) { p.Clock = clock.System{} })
		p := h.login(t, "+628117000001")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- h.Tend(ctx) }()
		e := p.near(t)
		e.greeted(p)
		if line, err := e.lines.ReadString('\n'); err != nil || line != "\n" {
			t.Fatalf("%q %v", line, err)
		}
		for range 20 {
			began := time.Now()
			line, err := e.lines.ReadString('\n')
			if quiet := time.Since(began); err != nil || line != ":\n" || quiet < 18*time.Second || quiet > 26*time.Second {
				t.Errorf("after %v: %q %v", quiet, line, err)
			}
			if line, err = e.lines.ReadString('\n'); err != nil || line != "\n" {
				t.Fatalf("%q %v", line, err)
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestLiveCutsASlowReaderOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		p := h.login(t, "+628117000001")
		e := p.near(t)
		e.greeted(p)
		began := time.Now()
		for range 3 { // the first is never taken, the others wait as one
			p.write(t)
		}
		rest := make(chan error)
		go func() {
			for h.Streams() > 0 {
				timer := time.NewTimer(time.Second)
				<-timer.C
			}
			_, err := io.ReadAll(e.lines)
			rest <- err
		}()
		if err := <-rest; err != nil {
			t.Errorf("the end of a stream that was cut: %v", err)
		}
		if took := time.Since(began); took < 10*time.Second || took > 12*time.Second {
			t.Errorf("cut off after %v", took)
		}
	})
}

// TestLiveStopsCleanly opens streams without reading on, sees that a quiet one
// has no goroutine, and stops the server: everybody hears why, and nothing is
// left.
func TestLiveStopsCleanly(t *testing.T) {
	const streams = 200
	h := open(t)
	var people []person
	for n := range streams {
		people = append(people, h.login(t, fmt.Sprintf("+62811%07d", n+1)))
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(ln) }()
	before := runtime.NumGoroutine()
	var ears []*ear
	for n := range streams {
		e := people[n].hear(t, ln.Addr().String(), "1.1", "")
		e.greeted(people[n])
		ears = append(ears, e)
	}
	if now := runtime.NumGoroutine(); now > before+30 {
		t.Errorf("%d goroutines for %d quiet streams", now-before, streams)
	}
	waiting := make(chan string)
	go func() {
		resp, err := http.DefaultClient.Do(waitFor(t, ln.Addr().String(), people[0]))
		if err != nil {
			waiting <- err.Error()
			return
		}
		waiting <- resp.Status
		resp.Body.Close()
	}()
	if status := <-waiting; status != "200 OK" { // it lacks its own scope, so the answer comes at once
		t.Errorf("long poll: %s", status)
	}
	began := time.Now()
	if err := h.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopped in %v", took)
	}
	for _, e := range ears {
		e.ended("draining")
	}
	if h.Streams() != 0 {
		t.Errorf("%d streams are left", h.Streams())
	}
	resp, body := people[1].do(t, "GET", "/v1/sync/live", "")
	problem(t, resp, body, 503, "draining")
	resp, body = people[1].do(t, "GET", "/v1/sync/wait", "")
	problem(t, resp, body, 503, "draining")
}

func waitFor(t *testing.T, addr string, p person) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/v1/sync/wait", nil)
	if err != nil {
		t.Error(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.Access)
	return r
}

func TestLiveLongPollAnswersACommitAndAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		p := h.login(t, "+628117000001")
		poll := func() (status int, w protocol.Waited, took time.Duration) {
			_, body := p.do(t, "POST", "/v1/sync", syncBody)
			var r protocol.Response
			if err := json.Unmarshal([]byte(body), &r); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			resp, body := p.do(t, "GET", "/v1/sync/wait?cursor="+r.Cursor, "")
			if body != "" {
				if err := json.Unmarshal([]byte(body), &w); err != nil {
					t.Fatal(err)
				}
			}
			return resp.StatusCode, w, time.Since(began)
		}
		if status, _, took := poll(); status != 204 || took != 20*time.Second {
			t.Errorf("nothing new: %d after %v", status, took)
		}
		seq := make(chan merge.Seq, 1)
		time.AfterFunc(5*time.Second, func() { seq <- p.write(t) })
		if status, w, took := poll(); status != 200 || took != 5*time.Second || len(w.News) != 1 || w.News[0].Seq != <-seq {
			t.Errorf("a commit: %d %+v after %v", status, w, took)
		}
		time.AfterFunc(3*time.Second, func() {
			if err := h.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
		if status, _, took := poll(); status != 204 || took != 3*time.Second {
			t.Errorf("a stop: %d after %v", status, took)
		}
	})
}

// TestLongPollsOfOneUserAreBounded: a few people cannot hold all that there are.
func TestLongPollsOfOneUserAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(p *api.Parts) { p.Limits.StreamsPerUser = 1 })
		p, other := h.login(t, "+628117000001"), h.login(t, "+628117000002")
		wait := func(p person) (status int, body string) {
			_, first := p.do(t, "POST", "/v1/sync", syncBody)
			var r protocol.Response
			if err := json.Unmarshal([]byte(first), &r); err != nil {
				t.Fatal(err)
			}
			resp, body := p.do(t, "GET", "/v1/sync/wait?cursor="+r.Cursor, "")
			if resp.StatusCode == http.StatusTooManyRequests {
				problem(t, resp, body, 429, "live_too_many")
			}
			return resp.StatusCode, body
		}
		ended := make(chan int, 1)
		go func() { status, _ := wait(p); ended <- status }()
		synctest.Wait()
		if status, body := wait(p); status != 429 {
			t.Errorf("a second long poll of one user: %d %s", status, body)
		}
		if status, body := wait(other); status != 204 {
			t.Errorf("somebody else's: %d %s", status, body)
		}
		if status := <-ended; status != 204 {
			t.Errorf("the first one: %d", status)
		}
		if status, body := wait(p); status != 204 {
			t.Errorf("one after the other: %d %s", status, body)
		}
	})
}
