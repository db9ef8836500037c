package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// pushes sends n edits of a phone, each of so many bytes or a few more.
func (p person) pushes(t *testing.T, path string, n, bytes int) (*http.Response, string) {
	t.Helper()
	part := protocol.Part{Scope: merge.UserScope(p.User.ID), Device: p.Device, Incarnation: p.Incarnation, Generation: "1.x"}
	for i := range n {
		part.Mutations = append(part.Mutations, json.RawMessage(fmt.Sprintf(`{"n":%d,"note":%q}`, i+1, strings.Repeat("x", bytes))))
	}
	body, err := json.Marshal(protocol.Request{Clock: protocol.Reading{Wall: "2022-05-05T02:00:00Z", Mono: 1, Boot: "b"}, Push: []protocol.Part{part}})
	if err != nil {
		t.Fatal(err)
	}
	return p.do(t, "POST", path, string(body))
}

// twoPhones logs somebody in on two phones.
func (h *house) twoPhones(t *testing.T) (one, two person) {
	t.Helper()
	one = h.login(t, "+628117000001")
	h.clock.Advance(time.Minute) // until then no second code is sent
	return one, h.loginOn(t, "+628117000001", "0190aaaa-0000-4000-8000-000000000002")
}

// TestEditsHaveABudget of the device and of the account; who is over it is told when
// to come back, may look meanwhile, and takes nothing from anybody else.
func TestEditsHaveABudget(t *testing.T) {
	h := open(t, func(p *api.Parts) {
		p.Limits.EditsPerDevice, p.Limits.EditsPerUser = api.Rate{Max: 120, Per: time.Minute}, api.Rate{Max: 180, Per: time.Minute}
	})
	one, two := h.twoPhones(t)
	other := h.login(t, "+628117000002")
	want := func(what string, resp *http.Response, body string, status int, policy, after string) {
		t.Helper()
		if status != 200 {
			problem(t, resp, body, status, "rate_limited")
		}
		if resp.StatusCode != status || !strings.Contains(resp.Header.Get("RateLimit-Policy"), policy) || resp.Header.Get("Retry-After") != after {
			t.Errorf("%s: %d, %q, %q, come back after %q\n%s", what, resp.StatusCode, resp.Header.Get("RateLimit-Policy"), resp.Header.Get("RateLimit"), resp.Header.Get("Retry-After"), body)
		}
	}
	resp, body := one.pushes(t, "/v1/sync", 100, 10)
	want("the first push", resp, body, 200, `"device-edits";q=120;w=60`, "")
	if got := resp.Header.Get("RateLimit"); !strings.Contains(got, `"device-edits";r=20;t=50`) || !strings.Contains(got, `"device";r=179;`) {
		t.Errorf("left: %q", got)
	}
	resp, body = one.pushes(t, "/v1/sync/push", 50, 10)
	want("more than is left", resp, body, 429, `"device-edits"`, "15")
	resp, body = one.pushes(t, "/v1/sync", 20, 10)
	want("what is left", resp, body, 200, `"device-edits"`, "")
	resp, body = one.pushes(t, "/v1/sync/pull", 50, 10)
	want("a pull, of which edits are not looked at", resp, body, 200, `"device"`, "")
	resp, body = one.pushes(t, "/v1/sync", 1, 40_000)
	want("a large body without a budget", resp, body, 429, `"device-edits"`, "50")
	resp, body = two.pushes(t, "/v1/sync", 100, 10)
	want("the other phone, over the account's", resp, body, 429, `"user-edits";q=180;w=60`, "14")
	resp, body = two.pushes(t, "/v1/sync", 60, 10)
	want("the other phone", resp, body, 200, `"user-edits";q=180;w=60`, "")
	resp, body = other.pushes(t, "/v1/sync", 120, 10)
	want("somebody else", resp, body, 200, `"device-edits"`, "")
	h.clock.Advance(time.Minute)
	resp, body = one.pushes(t, "/v1/sync", 500, 10)
	want("a full budget, and more than it", resp, body, 200, `"device-edits"`, "")
	resp, body = one.pushes(t, "/v1/sync", 1, 10)
	want("which is owed", resp, body, 429, `"device-edits"`, "191")
}

// TestOnePhoneDoesNotUseUpItsAccount: requests are counted by phone too.
func TestOnePhoneDoesNotUseUpItsAccount(t *testing.T) {
	h := open(t, func(p *api.Parts) {
		p.Limits.PerDevice, p.Limits.PerUser = api.Rate{Max: 3, Per: time.Minute}, api.Rate{Max: 4, Per: time.Minute}
	})
	one, two := h.twoPhones(t)
	for n, tt := range []struct {
		who    person
		status int
		told   string
	}{{one, 200, "device"}, {one, 200, "device"}, {one, 200, "device"}, {one, 429, "device"}, {one, 429, "device"}, {two, 200, "user"}, {two, 429, "user"}} {
		resp, body := tt.who.do(t, "GET", "/v1/me", "")
		if resp.StatusCode != tt.status || !strings.HasPrefix(resp.Header.Get("RateLimit"), `"`+tt.told+`";`) {
			t.Errorf("request %d: %d, %q\n%s", n, resp.StatusCode, resp.Header.Get("RateLimit"), body)
		}
	}
}

// TestALargePushIsOneOfItsDevice: a second one beside it is told to come back; a small
// one is answered.
func TestALargePushIsOneOfItsDevice(t *testing.T) {
	work := &held{began: make(chan struct{}), end: make(chan struct{})}
	h := open(t, func(p *api.Parts) { p.Engine.Tally = work })
	p := h.login(t, "+628117000001")
	answered := make(chan int, 1)
	go func() {
		resp, _ := p.pushes(t, "/v1/sync", 1, 40_000)
		answered <- resp.StatusCode
	}()
	<-work.began
	resp, body := p.pushes(t, "/v1/sync", 1, 40_000)
	problem(t, resp, body, 429, "rate_limited")
	if resp, body := p.do(t, "GET", "/v1/me", ""); resp.StatusCode != 200 {
		t.Errorf("%s %s", resp.Status, body)
	}
	close(work.end)
	if status := <-answered; status != 200 {
		t.Errorf("the first is answered %d", status)
	}
}
