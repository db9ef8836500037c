package syncer_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestARightEndsWhileAnotherScopeCommits: the answer shows records by the rights of
// the moment in which it is made, not by those of each commit.
func TestARightEndsWhileAnotherScopeCommits(t *testing.T) {
	h := &hooked{Store: storefault.NewPoor()}
	w := worldOn(t, h)
	w.admit("budi", merge.Staff)
	w.let("budi", "box/2")
	w.clock.Advance(time.Minute)
	h.insert = func(c *store.Commit) error {
		if c.Scope == "box/2" {
			h.insert = nil
			end := merge.Millis(w.clock.Now().UnixMilli()) - 1
			w.member("budi", merge.Staff, end-7_200_000, end)
		}
		return nil
	}
	r := w.as("budi").push(w.part("i", w.create(1, "one")), w.partFor("box/2", "i", w.create(2, "two")))
	if len(r.Verdicts) != 2 {
		t.Fatalf("%+v", r.Verdicts)
	}
	for _, v := range r.Verdicts {
		if v.Verdict != merge.Applied || (v.Record != nil) != (v.Scope == "box/2") {
			t.Errorf("%s: %s, record shown: %t", v.Scope, said(v), v.Record != nil)
		}
	}
}
