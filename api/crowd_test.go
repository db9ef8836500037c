package api_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// crowd is n connections that say nothing. They are open before the next one that is
// dialled is served.
func crowd(t *testing.T, addr string, n int) (goAway func()) {
	t.Helper()
	var all []net.Conn
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	goAway = func() {
		for _, c := range all {
			c.Close()
		}
	}
	t.Cleanup(goAway)
	return goAway
}

// TestAFullTableOfConnectionsSaysSo: from three quarters on who was answered hangs up, and
// beyond the limit all but probes are told when to come back.
func TestAFullTableOfConnectionsSaysSo(t *testing.T) {
	for name, tt := range map[string]struct {
		others, status int
		hangsUp        bool
	}{
		"a few":                   {4, 200, false},
		"three quarters":          {5, 200, true},
		"as many as there may be": {7, 200, true},
		"one more":                {8, 503, true},
		"many more":               {100, 503, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, func(p *api.Parts) { p.Limits.Conns = 8 })
			addr := h.listen(t)
			p := h.login(t, "+628117000001")
			crowd(t, addr, tt.others)
			resp, body := raw(t, addr, "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+p.Access+"\r\n\r\n")
			if resp.StatusCode != tt.status || resp.Close != tt.hangsUp {
				t.Fatalf("%d, hangs up %t, %v %s", resp.StatusCode, resp.Close, resp.Header, body)
			}
			if tt.status != 200 {
				problem(t, resp, body, 503, "overloaded")
				if after := resp.Header.Get("Retry-After"); after < "1" || after > "5" || len(after) != 1 {
					t.Errorf("Retry-After %q", after)
				}
				resp, body = raw(t, addr, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
				problem(t, resp, body, 503, "overloaded")
			}
			for _, path := range []string{"/healthz", "/readyz"} {
				if resp, body := raw(t, addr, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 200 || tt.hangsUp && !resp.Close {
					t.Errorf("%s: %d, hangs up %t, %s", path, resp.StatusCode, resp.Close, body)
				}
			}
		})
	}
}

// TestBeyondTheTableOneIsTurnedAwayInWords: with when to come back and a code, whatever was
// asked and however much of it was sent; it is counted, and the log says so once a second.
func TestBeyondTheTableOneIsTurnedAwayInWords(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Conns = 8 })
	addr := h.listen(t)
	goAway := crowd(t, addr, 8+256)
	turned := 0
	for _, request := range []string{"GET /v1/me", "GET /nowhere", "GET /healthz", "GET /readyz", "POST /v1/sync"} {
		resp, body := raw(t, addr, request+" HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n"+strings.Repeat("x", 20000))
		turned++
		problem(t, resp, body, 503, "overloaded")
		if after := resp.Header.Get("Retry-After"); after < "1" || after > "5" || len(after) != 1 || !resp.Close || !resp.ProtoAtLeast(1, 1) {
			t.Errorf("%s: Retry-After %q, hangs up %t", request, after, resp.Close)
		}
		if resp.Header.Get("Content-Language") != "id" || !strings.Contains(body, message.Text("overloaded", message.ID, nil).Title) {
			t.Errorf("%v %s", resp.Header, body)
		}
	}
	if n := h.TurnedAway(); n != uint64(turned) {
		t.Errorf("%d were turned away, want %d", n, turned)
	}
	said := func() int { return strings.Count(h.log.String(), "turned away") }
	if said() != 1 {
		t.Errorf("the log says so %d times, want once:\n%s", said(), h.log)
	}
	h.clock.Advance(time.Second)
	for range 3 {
		raw(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	if said() != 2 || !strings.Contains(h.log.String(), `"since_last":5`) {
		t.Errorf("a second later the log says\n%s", h.log)
	}
	goAway()
	for deadline := time.Now().Add(20 * time.Second); ; {
		resp, body := raw(t, addr, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp.StatusCode == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d, %s", resp.StatusCode, body)
		}
	}
}

// TestManyWhoAreTurnedAwayHoldNothingUp: more of them than are listened to, who say nothing
// and read nothing, and everybody who asks gets the answer.
func TestManyWhoAreTurnedAwayHoldNothingUp(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Conns = 8 })
	addr := h.listen(t)
	crowd(t, addr, 8+256+300)
	resp, body := raw(t, addr, "GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
	problem(t, resp, body, 503, "overloaded")
	if n := h.TurnedAway(); n != 301 {
		t.Errorf("%d were turned away, want 301", n)
	}
}

// TestACrowdThatGoesAwayLeavesNothing: the next one is answered as ever.
func TestACrowdThatGoesAwayLeavesNothing(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Conns = 8 })
	addr := h.listen(t)
	goAway := crowd(t, addr, 20)
	if resp, body := raw(t, addr, "GET /version HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 503 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	goAway()
	deadline := time.Now().Add(20 * time.Second)
	for {
		resp, body := raw(t, addr, "GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp.StatusCode == 200 && !resp.Close {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d, hangs up %t, %s", resp.StatusCode, resp.Close, body)
		}
	}
}

// TestALiveStreamBeginsInACrowd: it leaves the table, so it need not hang up.
func TestALiveStreamBeginsInACrowd(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Conns = 8 })
	addr := h.listen(t)
	crowd(t, addr, 6)
	p := h.login(t, "+628117000001")
	e := p.hear(t, addr, "1.1", "")
	e.greeted(p)
	seq := p.write(t)
	var n protocol.News
	if e.next("scope", &n); n.Seq != seq {
		t.Errorf("news %+v, want %d", n, seq)
	}
}

// TestLiveStreamsAreNoConnections: they have a limit of their own.
func TestLiveStreamsAreNoConnections(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Conns = 8 })
	addr := h.listen(t)
	for _, phone := range []string{"+628117000001", "+628117000002", "+628117000003", "+628117000004", "+628117000005", "+628117000006", "+628117000007", "+628117000008", "+628117000009"} {
		h.login(t, phone).hear(t, addr, "1.1", "").next("hello", &protocol.Hello{})
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		resp, body := raw(t, addr, "GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp.StatusCode == 200 && !resp.Close {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d, hangs up %t, %s", resp.StatusCode, resp.Close, body)
		}
	}
}
