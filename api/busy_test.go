package api_test

import (
	"encoding/json"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// held is a server that is at work until it is let go.
type held struct {
	slowly
	began, end chan struct{}
}

func (h *held) Decided(merge.Outcome, string, bool) {
	h.began <- struct{}{}
	<-h.end
}

// TestABusyServerSaysWhenToComeBack: who finds no place is told at once, probes are
// answered all the same, and what was sent meanwhile is answered.
func TestABusyServerSaysWhenToComeBack(t *testing.T) {
	work := &held{began: make(chan struct{}), end: make(chan struct{})}
	h := open(t, func(p *api.Parts) {
		p.Engine.Tally = work
		p.Limits = api.Limits{Working: 1, Patience: time.Millisecond}
	})
	p := h.login(t, "+628117000001")
	body, err := json.Marshal(protocol.Request{Clock: protocol.Reading{Wall: "2022-05-05T02:00:00Z", Mono: 1, Boot: "b"},
		Push: []protocol.Part{{Scope: merge.UserScope(p.User.ID), Device: p.Device, Incarnation: p.Incarnation, Generation: "1.x", Mutations: []json.RawMessage{[]byte(`{"n":1}`)}}}})
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan int, 1)
	go func() {
		resp, _ := p.do(t, "POST", "/v1/sync", string(body))
		answered <- resp.StatusCode
	}()
	<-work.began
	for _, path := range []string{"/v1/me", "/v1/businesses"} {
		resp, text := p.do(t, "GET", path, "")
		problem(t, resp, text, 503, "overloaded")
		if after := resp.Header.Get("Retry-After"); after < "1" || after > "5" || len(after) != 1 {
			t.Errorf("%s: Retry-After %q", path, after)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if resp, _ := h.do(t, "GET", path, ""); resp.StatusCode != 200 {
			t.Errorf("%s is answered %d", path, resp.StatusCode)
		}
	}
	close(work.end)
	if status := <-answered; status != 200 {
		t.Errorf("who was at work is answered %d", status)
	}
	if resp, text := p.do(t, "GET", "/v1/me", ""); resp.StatusCode != 200 {
		t.Errorf("afterwards: %s %s", resp.Status, text)
	}
}

// TestABodyIsInflatedByWhoHasAPlace: a bomb costs a server that is at its limit, or
// somebody without a proof, nothing; who has a place is told what is wrong with it.
func TestABodyIsInflatedByWhoHasAPlace(t *testing.T) {
	work := &held{began: make(chan struct{}), end: make(chan struct{})}
	h := open(t, func(p *api.Parts) {
		p.Engine.Tally = work
		p.Limits = api.Limits{Working: 1, Patience: time.Millisecond}
	})
	p := h.login(t, "+628117000001")
	answered := make(chan int, 1)
	go func() {
		resp, _ := p.pushes(t, "/v1/sync", 1, 10)
		answered <- resp.StatusCode
	}()
	<-work.began
	for _, encoding := range []string{"gzip", "zstd"} {
		resp, body := p.do(t, "POST", "/v1/sync", string(squeezed(t, encoding, 64<<20)), "Content-Encoding", encoding)
		problem(t, resp, body, 503, "overloaded")
	}
	close(work.end)
	if status := <-answered; status != 200 {
		t.Errorf("who was at work is answered %d", status)
	}
	for _, encoding := range []string{"gzip", "zstd"} {
		bomb := string(squeezed(t, encoding, 64<<20))
		resp, body := h.do(t, "POST", "/v1/sync", bomb, "Content-Encoding", encoding)
		problem(t, resp, body, 401, "token_missing")
		resp, body = h.do(t, "GET", "/healthz", bomb, "Content-Encoding", encoding)
		if resp.StatusCode != 200 {
			t.Errorf("a probe with a body: %d %s", resp.StatusCode, body)
		}
		resp, body = p.do(t, "POST", "/v1/sync", bomb, "Content-Encoding", encoding)
		problem(t, resp, body, 413, "body_too_large")
	}
}

// TestAFullLineSendsALookAwayForAPush: of two phones that sync at a server at its limit,
// the one that brings something is let in, though it came later.
func TestAFullLineSendsALookAwayForAPush(t *testing.T) {
	work := &held{began: make(chan struct{}, 2), end: make(chan struct{})}
	h := open(t, func(p *api.Parts) {
		p.Engine.Tally = work
		p.Limits = api.Limits{Working: 1, Patience: time.Minute}
	})
	first, looks, brings := h.login(t, "+628117000001"), h.login(t, "+628117000002"), h.login(t, "+628117000003")
	type answer struct {
		resp *http.Response
		body string
	}
	ask := func(do func() (*http.Response, string)) chan answer {
		out := make(chan answer, 1)
		go func() {
			resp, body := do()
			out <- answer{resp, body}
		}()
		return out
	}
	working := ask(func() (*http.Response, string) { return first.pushes(t, "/v1/sync", 1, 10) })
	<-work.began
	look := ask(func() (*http.Response, string) { return looks.do(t, "POST", "/v1/sync", syncBody) })
	for h.Waiting() == 0 {
		runtime.Gosched()
	}
	push := ask(func() (*http.Response, string) { return brings.pushes(t, "/v1/sync", 1, 10) })
	select {
	case a := <-look:
		problem(t, a.resp, a.body, 503, "overloaded")
	case a := <-push:
		t.Errorf("the push is answered %d %s", a.resp.StatusCode, a.body)
	}
	close(work.end)
	for name, of := range map[string]chan answer{"who was at work": working, "the push": push} {
		if t.Failed() {
			return
		}
		if a := <-of; a.resp.StatusCode != 200 {
			t.Errorf("%s is answered %d %s", name, a.resp.StatusCode, a.body)
		}
	}
}

// TestWhoWaitsToBePackedKeepsItsPlace: compressing costs more than most of what is
// answered, so that nobody does it beside those who are counted.
func TestWhoWaitsToBePackedKeepsItsPlace(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits = api.Limits{Working: 1, Patience: time.Millisecond} })
	p := h.login(t, "+628117000001")
	free := h.HoldPackers()
	answered := make(chan int, 1)
	go func() {
		resp, _ := p.do(t, "GET", "/openapi.yaml", "", "Accept-Encoding", "gzip")
		answered <- resp.StatusCode
	}()
	for h.Waiting() == 0 && h.Free() > 0 {
		runtime.Gosched()
	}
	resp, text := p.do(t, "GET", "/v1/me", "")
	problem(t, resp, text, 503, "overloaded")
	free()
	if status := <-answered; status != 200 {
		t.Errorf("who waited is answered %d", status)
	}
	if resp, _ := p.do(t, "GET", "/v1/me", ""); resp.StatusCode != 200 {
		t.Errorf("afterwards: %d", resp.StatusCode)
	}
}

// TestAPackedBodyNeedsAProof: what anybody can send is not inflated.
func TestAPackedBodyNeedsAProof(t *testing.T) {
	h := open(t)
	for _, path := range []string{"/v1/auth/refresh", "/v1/auth/code", "/v1/auth/login"} {
		for _, encoding := range []string{"gzip", "zstd"} {
			resp, text := h.do(t, "POST", path, "not packed", "Content-Type", "application/json", "Content-Encoding", encoding)
			problem(t, resp, text, 415, "encoding_unsupported")
		}
	}
}
