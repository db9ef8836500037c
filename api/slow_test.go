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
