package syncer_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// TestAnEnvelopeThatNoPhoneSends is refused whole, and leaves nothing behind.
func TestAnEnvelopeThatNoPhoneSends(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	good := protocol.Part{Scope: box, Device: "da", Incarnation: "i1", Generation: "1.a", Mutations: []json.RawMessage{json.RawMessage(`{"n":1}`)}}
	tests := []struct {
		name  string
		spoil func(*protocol.Part)
		field string
	}{
		{"no device", func(p *protocol.Part) { p.Device = "" }, "push[1].device"},
		{"a device that is two names", func(p *protocol.Part) { p.Device = "a/b" }, "push[1].device"},
		{"an incarnation without end", func(p *protocol.Part) { p.Incarnation = strings.Repeat("x", 65) }, "push[1].incarnation"},
		{"no scope", func(p *protocol.Part) { p.Scope = "" }, "push[1].scope"},
		{"a scope without end", func(p *protocol.Part) { p.Scope = "business/" + strings.Repeat("x", 92) }, "push[1].scope"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := good
			bad.Incarnation = "never claimed"[:5]
			tt.spoil(&bad)
			_, err := w.Sync(t.Context(), callerOf("ani"), protocol.Request{Push: []protocol.Part{good, bad}})
			if fault.KindOf(err) != fault.Unreadable || !strings.Contains(err.Error(), tt.field) {
				t.Errorf("%v, want %s", err, tt.field)
			}
			if h, err := w.Store.Head(t.Context(), box); err != nil || h.Applied != 1 {
				t.Errorf("applied %d, %v", h.Applied, err)
			}
		})
	}
}

// TestPartsWithoutEditsLeaveNothingBehind: they are passed over, and bind no
// incarnation.
func TestPartsWithoutEditsLeaveNothingBehind(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	if _, err := w.Sync(t.Context(), callerOf("ani"), protocol.Request{Push: []protocol.Part{{Scope: box, Device: "da", Incarnation: "i1"}}}); err != nil {
		t.Fatal(err)
	}
	if holder, err := w.Store.Claim(t.Context(), "incarnation", "da/i1", "budi"); err != nil || holder != "budi" {
		t.Errorf("the incarnation is held by %q, %v", holder, err)
	}
}
