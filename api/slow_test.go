package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// slowly lets time pass whenever a verdict is given.
type slowly struct {
	clock *clock.Fixed
	by    time.Duration
}

func (s *slowly) Decided(merge.Outcome, string, bool) { s.clock.Advance(s.by) }
func (*slowly) Lost(string)                           {}
func (*slowly) Took(*merge.Mutation)                  {}
func (*slowly) Committed(int, int)                    {}
func (*slowly) Diverged(int)                          {}
func (*slowly) Repaired(int)                          {}

// TestASlowRequestIsToldOfWithItsScopes, and a quick one is not.
func TestASlowRequestIsToldOfWithItsScopes(t *testing.T) {
	pace := &slowly{}
	h := open(t, func(p *api.Parts) { p.Engine.Tally = pace })
	pace.clock = h.clock
	p := h.login(t, "+628117000001")
	scope := merge.UserScope(p.User.ID)
	for n, by := range []time.Duration{0, 2 * time.Second} {
		pace.by = by
		h.log.Reset()
		body, err := json.Marshal(protocol.Request{Clock: protocol.Reading{Wall: "2022-05-05T02:00:00Z", Mono: 1, Boot: "b"},
			Push: []protocol.Part{{Scope: scope, Device: p.Device, Incarnation: p.Incarnation, Generation: "1.x", Mutations: []json.RawMessage{[]byte(`{"n":1}`)}}}})
		if err != nil {
			t.Fatal(err)
		}
		if resp, text := p.do(t, "POST", "/v1/sync", string(body)); resp.StatusCode != 200 {
			t.Fatalf("%s %s", resp.Status, text)
		}
		told := false
		for line := range strings.Lines(h.log.String()) {
			if strings.Contains(line, `"slow request"`) {
				told = true
				if !strings.Contains(line, scope) || !strings.Contains(line, `"/v1/sync"`) || !strings.Contains(line, `"WARN"`) {
					t.Error(line)
				}
			}
		}
		if told != (n == 1) {
			t.Errorf("a request of %v is told of: %t\n%s", by, told, h.log)
		}
	}
}

// TestASlowReadIsToldOfWithItsScopes: a pull with those of its answer, a route with the one
// that stands in its path, and never with what somebody else wrote there.
func TestASlowReadIsToldOfWithItsScopes(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Slow = -1 }) // every request is slow
	p := h.login(t, "+628117000001")
	business, programme := h.ids.New(), h.ids.New()
	me := `["` + merge.UserScope(p.User.ID) + `"]`
	pull := `{"clock":{"wall":"2022-05-05T02:11:09.120Z","mono_ms":1,"boot":"b"}}`
	for _, tt := range []struct{ method, path, body, scopes string }{
		{"POST", "/v1/sync/pull", pull, `["` + merge.UserScope(p.User.ID) + `"]`},
		{"POST", "/v1/sync", pull, `["` + merge.UserScope(p.User.ID) + `"]`},
		{"GET", "/v1/businesses/" + business, "", `["business/` + business + `"]`},
		{"GET", "/v1/businesses/" + business + "/totals", "", `["business/` + business + `"]`},
		{"GET", "/v1/programmes/" + programme, "", `["decision/` + programme + `"]`},
		{"GET", "/v1/programmes/" + programme + "/publication", "", `["decision/` + programme + `"]`},
		{"GET", "/v1/businesses/+628117000001", "", `null`},
		{"GET", "/v1/me", "", me},
		{"GET", "/v1/me/devices", "", me},
		{"GET", "/v1/businesses", "", me},
		{"GET", "/v1/programmes", "", `["programmes"]`},
		{"GET", "/v1/plan-templates", "", `["programmes"]`},
		{"GET", "/v1/reference/marketplace", "", `["reference"]`},
		{"GET", "/v1/announcements", "", `["decision/general"]`},
		{"GET", "/v1/announcements/" + programme + "/receipts", "", `["announcement/` + programme + `"]`},
		{"POST", "/v1/mentors/" + programme + "/handover", "{}", `["user/` + programme + `"]`},
		{"GET", "/v1/jobs/" + programme, "", `["decision/general"]`},
		{"GET", "/v1/reviews", "", `["decision/general"]`},
		{"GET", "/v1/admin/users", "", me},
		{"GET", "/v1/admin/audit", "", `["audit"]`},
	} {
		h.log.Reset()
		p.do(t, tt.method, tt.path, tt.body)
		line := ""
		for l := range strings.Lines(h.log.String()) {
			if strings.Contains(l, `"slow request"`) {
				line += l
			}
		}
		var told struct{ Scopes json.RawMessage }
		if err := json.Unmarshal([]byte(line), &told); err != nil || string(told.Scopes) != tt.scopes {
			t.Errorf("%s is told of with %s, want %s: %v\n%s", tt.path, told.Scopes, tt.scopes, err, line)
		}
		if strings.Contains(h.log.String(), "8117000001") {
			t.Errorf("the log tells a number:\n%s", h.log)
		}
	}
}

// TestOfManyScopesAFewAreTold: a line of the log has an end.
func TestOfManyScopesAFewAreTold(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Slow = -1 })
	p := h.login(t, "+628117000001")
	var r protocol.Request
	r.Clock = protocol.Reading{Wall: "2022-05-05T02:00:00Z", Mono: 1, Boot: "b"}
	for range 200 {
		r.Push = append(r.Push, protocol.Part{Scope: "business/" + h.ids.New(), Device: p.Device, Incarnation: p.Incarnation, Generation: "1.x", Mutations: []json.RawMessage{[]byte(`{"n":1}`)}})
	}
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	p.do(t, "POST", "/v1/sync", string(body))
	for line := range strings.Lines(h.log.String()) {
		if n := strings.Count(line, "business/"); n > 50 || strings.Contains(line, `"slow request"`) && n != 50 {
			t.Errorf("%d scopes are told: %.200s", n, line)
		}
	}
}

// TestWhoWaitsAsAskedIsNotSlow: a long poll, and a live stream until it ends.
func TestWhoWaitsAsAskedIsNotSlow(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Slow = -1 })
	p := h.login(t, "+628117000001")
	h.log.Reset()
	if resp, body := p.do(t, "GET", "/v1/sync/wait?timeout_s=1", ""); resp.StatusCode >= 400 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if strings.Contains(h.log.String(), `"slow request"`) {
		t.Errorf("the log says\n%s", h.log)
	}
	h.log.Reset()
	p.do(t, "GET", "/readyz", "")
	if !strings.Contains(h.log.String(), `"slow request"`) {
		t.Error("a slow probe is not told of")
	}
}
