package api_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

func TestNothingNewCostsOneStatementAndFewBytes(t *testing.T) {
	var statements atomic.Int32
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "l.db"), sqlite.Options{OnStatement: func(string) { statements.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h := open(t, func(p *api.Parts) {
		p.Engine.Store, p.Auth.Store, p.Replies = db, db.Identity(), db.Identity()
	})
	p := h.login(t, "+628117000001")
	_, body := p.do(t, "POST", "/v1/sync", syncBody)
	var first protocol.Response
	if err := json.Unmarshal([]byte(body), &first); err != nil || first.Cursor == "" {
		t.Fatalf("%v %s", err, body)
	}
	quiet := strings.Replace(syncBody, "{", `{"cursor":"`+first.Cursor+`",`, 1)
	before := statements.Load()
	_, body = p.do(t, "POST", "/v1/sync", quiet)
	if n := statements.Load() - before; n != 1 {
		t.Errorf("%d statements for nothing new", n)
	}
	var second protocol.Response
	if err := json.Unmarshal([]byte(body), &second); err != nil || len(body) >= 400 || second.Cursor != "" || second.Changes != nil {
		t.Errorf("%d bytes for nothing new: %v %s", len(body), err, body)
	}
}

func TestAnswersSpeakTheLanguageOfTheReader(t *testing.T) {
	h := open(t)
	for accept, title := range map[string]string{"": "Anda belum masuk.", "id-ID": "Anda belum masuk.", "en-GB,id;q=0.2": "You are not logged in.", "fr": "Anda belum masuk."} {
		resp, body := h.do(t, "GET", "/v1/me", "", "Accept-Language", accept)
		var p wire.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Title != title || resp.Header.Get("Content-Language") == "" {
			t.Errorf("%q: %v %s", accept, err, body)
		}
	}
}

func TestLongAnswersAreCompressedForThoseWhoReadIt(t *testing.T) {
	h := open(t)
	for accept, want := range map[string]string{"gzip": "gzip", "zstd, gzip": "zstd", "gzip;q=0": "", "zstd;q=0.0, gzip;q=0.5": "gzip", "br": "", "": ""} {
		resp, body := h.do(t, "GET", "/openapi.yaml", "", "Accept-Encoding", accept)
		if got := resp.Header.Get("Content-Encoding"); got != want || resp.Header.Get("Vary") == "" {
			t.Errorf("%q: %q, Vary %q", accept, got, resp.Header.Get("Vary"))
		}
		if plain := unpacked(t, want, body); !strings.HasPrefix(plain, "openapi: 3.0.3") {
			t.Errorf("%q: %.40q", accept, plain)
		}
	}
	if resp, _ := h.do(t, "GET", "/healthz", "", "Accept-Encoding", "gzip"); resp.Header.Get("Content-Encoding") != "" {
		t.Error("a short answer was compressed")
	}
}

func unpacked(t *testing.T, encoding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch encoding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestABudgetIsToldAndEnds(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.PerUser = api.Rate{Max: 3, Per: time.Minute} })
	p, other := h.login(t, "+628117000001"), h.login(t, "+628117000002")
	for n := range 3 {
		resp, _ := p.do(t, "GET", "/v1/me", "")
		if resp.StatusCode != 200 || resp.Header.Get("RateLimit-Policy") != `"user";q=3;w=60` || !strings.HasPrefix(resp.Header.Get("RateLimit"), `"user";r=`+strconv.Itoa(2-n)) {
			t.Errorf("request %d: %d %v", n, resp.StatusCode, resp.Header)
		}
	}
	resp, body := p.do(t, "GET", "/v1/me", "")
	if problem(t, resp, body, 429, "rate_limited"); resp.Header.Get("Retry-After") != "20" || !strings.Contains(body, `"retry_after":20`) {
		t.Errorf("%v %s", resp.Header, body)
	}
	if resp, _ := other.do(t, "GET", "/v1/me", ""); resp.StatusCode != 200 {
		t.Error("somebody else's budget was used")
	}
	h.clock.Advance(20 * time.Second)
	if resp, _ := p.do(t, "GET", "/v1/me", ""); resp.StatusCode != 200 {
		t.Error("the budget does not refill")
	}
}

func TestAddressesOfProxiesAreBelievedOnlyFromProxies(t *testing.T) {
	tests := []struct {
		name, peer, forwarded string
		fourth                int
	}{
		{"a client may not choose its address", "203.0.113.9:1", "10.9.9.%d", 429},
		{"behind a proxy each client has its own", "10.0.0.1:1", "203.0.113.%d", 202},
		{"what a client wrote before the proxy counts for nothing", "10.0.0.1:1", "198.51.100.%d, 203.0.113.9", 429},
		{"an internal proxy is skipped", "10.0.0.1:1", "203.0.113.%d, 10.0.0.7", 202},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, func(p *api.Parts) {
				p.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
				p.Limits.PerIP = api.Rate{Max: 3, Per: time.Minute}
			})
			status := 0
			for n := range 4 {
				r, err := http.NewRequestWithContext(t.Context(), "POST", "http://lumbung.test/v1/auth/code", strings.NewReader(`{"phone":"0811700000`+strconv.Itoa(n)+`"}`))
				if err != nil {
					t.Fatal(err)
				}
				r.RemoteAddr = tt.peer
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-Forwarded-For", strings.ReplaceAll(tt.forwarded, "%d", strconv.Itoa(n)))
				resp, err := h.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				status = resp.StatusCode
			}
			if status != tt.fourth {
				t.Errorf("the fourth request: %d, want %d", status, tt.fourth)
			}
		})
	}
}

func TestATraceOfTheCallerNamesTheRequest(t *testing.T) {
	h := open(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	for header, want := range map[string]bool{"00-" + trace + "-00f067aa0ba902b7-01": true, "00-" + strings.ToUpper(trace) + "-00f067aa0ba902b7-01": false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": false, trace: false} {
		resp, _ := h.do(t, "GET", "/healthz", "", "traceparent", header)
		if got := resp.Header.Get("X-Request-Id"); (got == trace) != want || len(got) != 32 {
			t.Errorf("%s: %s", header, got)
		}
	}
}

func TestAnAppTooOldMayStillSend(t *testing.T) {
	o := newTour(t)
	o.parts.Engine.MinApp = "2.0"
	p := o.phone("+628117000001")
	var r protocol.Response
	o.want(200, p.AccessToken, "POST", "/v1/sync", syncBody).Into(t, &r)
	if r.Upgrade == nil || r.Upgrade.Min != "2.0" || r.Changes != nil {
		t.Errorf("told %+v", r)
	}
	r = protocol.Response{}
	o.want(200, p.AccessToken, "POST", "/v1/sync/push", syncBody).Into(t, &r)
	if r.Upgrade == nil || r.Upgrade.Min != "2.0" {
		t.Errorf("told %+v on push", r)
	}
	without := strings.Replace(syncBody, `"app":"1.4.2",`, "", 1)
	resp := o.want(426, p.AccessToken, "POST", "/v1/sync/pull", without, "X-App-Version", "1.9")
	if resp.Problem.Info["min_version"] != "2.0" || !strings.Contains(resp.Problem.Detail, "2.0") {
		t.Errorf("told %s", resp.Body)
	}
	o.want(200, p.AccessToken, "POST", "/v1/sync/pull", without, "X-App-Version", "2.0.1")
}

func TestALoginWritesThePersonAndThePhone(t *testing.T) {
	o := newTour(t)
	p := o.phone("+628117000001")
	var r protocol.Response
	o.want(200, p.AccessToken, "POST", "/v1/sync", syncBody).Into(t, &r)
	found := map[string]string{}
	for _, row := range r.Changes {
		found[row.Collection] = string(row.Fields)
	}
	if !strings.Contains(found["user"], `"phone":"+628117000001"`) || !strings.Contains(found["device"], `"model":"A03"`) {
		t.Errorf("the own scope holds %v", found)
	}
	o.want(204, p.AccessToken, "DELETE", "/v1/me/devices/"+p.Device.Id, "")
	o.clock.Advance(5 * time.Minute)
	again := o.phone("+628117000001")
	o.want(200, again.AccessToken, "POST", "/v1/sync", syncBody).Into(t, &r)
	for _, row := range r.Changes {
		if row.Collection == "device" && !strings.Contains(string(row.Fields), `"status":"active"`) {
			t.Errorf("the phone is logged in and is %s", row.Fields)
		}
	}
}

func TestTheDocumentationNeedsNobodyElse(t *testing.T) {
	h := open(t)
	resp, page := h.do(t, "GET", "/docs", "")
	if strings.Contains(page, "//") && strings.Contains(page, "http") {
		t.Errorf("the page asks elsewhere: %s", page)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "http") {
		t.Errorf("policy %q", policy)
	}
	_, script := h.do(t, "GET", "/docs/swagger-ui-bundle.js", "")
	if len(script) < 1<<20 {
		t.Errorf("a script of %d bytes", len(script))
	}
	resp, packed := h.do(t, "GET", "/docs/swagger-ui-bundle.js", "", "Accept-Encoding", "gzip, zstd")
	if len(packed) > len(script)/2 || resp.Header.Get("Content-Encoding") == "" {
		t.Errorf("%d bytes, %q", len(packed), resp.Header.Get("Content-Encoding"))
	}
}

func TestAStopIsAnnouncedOnEveryConnection(t *testing.T) {
	h := open(t)
	addr := h.listen(t)
	h.Drain()
	resp, body := raw(t, addr, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp.StatusCode != 200 || !resp.Close {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
}
