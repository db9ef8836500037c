package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/auth"
)

// refreshing trades a refresh token, as every phone behind 127.0.0.1 does.
func (h *house) refreshing(t *testing.T, token string) (*http.Response, string) {
	t.Helper()
	return h.do(t, "POST", "/v1/auth/refresh", `{"refresh_token":"`+token+`"}`)
}

// TestWhoReadsDocumentsLocksNobodyOut: a valley is behind one address.
func TestWhoReadsDocumentsLocksNobodyOut(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.PerIP = api.Rate{Max: 3, Per: time.Minute} })
	p := h.login(t, "+628117000001")
	for n, path := range []string{"/.well-known/jwks.json", "/openapi.yaml", "/docs"} {
		if resp, body := h.do(t, "GET", path, ""); resp.StatusCode != 200 || resp.Header.Get("RateLimit-Policy") != `"document";q=3;w=60` {
			t.Errorf("%d: %s is answered %d %v %.80s", n, path, resp.StatusCode, resp.Header, body)
		}
	}
	for _, path := range []string{"/.well-known/jwks.json", "/openapi.yaml", "/docs", "/docs/start.js"} {
		resp, body := h.do(t, "GET", path, "")
		problem(t, resp, body, 429, "rate_limited")
	}
	if resp, body := h.refreshing(t, p.Refresh); resp.StatusCode != 200 {
		t.Errorf("a refresh is answered %d %s", resp.StatusCode, body)
	}
	if resp, body := h.do(t, "POST", "/v1/auth/code", `{"phone":"08117000002"}`); resp.StatusCode != 202 {
		t.Errorf("somebody who logs in is answered %d %s", resp.StatusCode, body)
	}
}

// TestARefreshIsOfItsSession: neither those who log in beside it nor somebody who knows
// the session, but not its key, use its budget.
func TestARefreshIsOfItsSession(t *testing.T) {
	h := open(t, func(p *api.Parts) {
		p.Limits.PerIP, p.Limits.PerDevice = api.Rate{Max: 1, Per: time.Minute}, api.Rate{Max: 3, Per: time.Minute}
	})
	p, other := h.login(t, "+628117000001"), h.login(t, "+628117000002")
	stolen := strings.Split(p.Refresh, ".")
	stolen[3] = strings.Split(other.Refresh, ".")[3]
	for range 5 {
		resp, body := h.refreshing(t, strings.Join(stolen, "."))
		problem(t, resp, body, 401, "refresh_invalid")
	}
	for n, left := range []string{"2", "1", "0"} {
		resp, body := h.refreshing(t, p.Refresh)
		if resp.StatusCode != 200 || resp.Header.Get("RateLimit-Policy") != `"session";q=3;w=60` || !strings.HasPrefix(resp.Header.Get("RateLimit"), `"session";r=`+left+";") {
			t.Errorf("refresh %d: %d %v %s", n, resp.StatusCode, resp.Header, body)
		}
	}
	resp, body := h.refreshing(t, p.Refresh)
	if problem(t, resp, body, 429, "rate_limited"); resp.Header.Get("Retry-After") != "20" {
		t.Errorf("%v", resp.Header)
	}
	if resp, body := h.refreshing(t, other.Refresh); resp.StatusCode != 200 {
		t.Errorf("the phone beside it is answered %d %s", resp.StatusCode, body)
	}
	h.clock.Advance(20 * time.Second)
	if resp, body := h.refreshing(t, p.Refresh); resp.StatusCode != 200 {
		t.Errorf("later: %d %s", resp.StatusCode, body)
	}
}

// TestAnEndedSessionUsesItsBudget: its phone may not ask the database for ever.
func TestAnEndedSessionUsesItsBudget(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.PerDevice = api.Rate{Max: 2, Per: time.Minute} })
	p := h.login(t, "+628117000001")
	if err := h.parts.Auth.RevokeSession(t.Context(), p.User.ID, p.Session, "logout"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		resp, body := h.refreshing(t, p.Refresh)
		problem(t, resp, body, 401, "session_revoked")
	}
	resp, body := h.refreshing(t, p.Refresh)
	problem(t, resp, body, 429, "rate_limited")
}

// TestForgedRefreshesAreOfTheirAddress, and right ones from there are not touched by them.
func TestForgedRefreshesAreOfTheirAddress(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Heavy = api.Rate{Max: 3, Per: time.Minute} })
	p := h.login(t, "+628117000001")
	forged := []string{"", "v1", p.Refresh[:len(p.Refresh)-4] + "AAAA"}
	for _, token := range forged {
		resp, body := h.refreshing(t, token)
		problem(t, resp, body, 401, "refresh_invalid")
	}
	for _, token := range forged {
		resp, body := h.refreshing(t, token)
		if problem(t, resp, body, 429, "rate_limited"); resp.Header.Get("RateLimit-Policy") != `"failures";q=3;w=60` {
			t.Errorf("%v", resp.Header)
		}
	}
	if resp, body := h.refreshing(t, p.Refresh); resp.StatusCode != 200 {
		t.Errorf("a right one is answered %d %s", resp.StatusCode, body)
	}
}

// TestASessionIsReadOffItsToken, and nothing off what is none.
func TestASessionIsReadOffItsToken(t *testing.T) {
	h := open(t)
	p := h.login(t, "+628117000001")
	for token, want := range map[string]string{p.Refresh: p.Session, "": "", "v1." + p.Session: "", p.Refresh + "\n": "", "v2" + p.Refresh[2:]: ""} {
		if got := auth.SessionOf(token); got != want {
			t.Errorf("%q is of %q, want %q", token, got, want)
		}
	}
}
