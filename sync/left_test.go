package syncer_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestARightEndsWhileAnotherScopeCommits: the answer shows records by the rights of
// the moment in which it is made, not by those of each commit. The other scope is one
// of the author's, or one that never named them: that commit goes to their own.
func TestARightEndsWhileAnotherScopeCommits(t *testing.T) {
	for _, tt := range []struct {
		scope, log string
		verdict    merge.Outcome
		shown      bool
	}{
		{"box/2", "box/2", merge.Applied, true},
		{"box/404", "user/budi", merge.Rejected, false},
	} {
		t.Run(tt.scope, func(t *testing.T) {
			h := &hooked{Store: storefault.NewPoor()}
			w := worldOn(t, h)
			w.admit("budi", merge.Staff)
			w.let("budi", "box/2")
			w.clock.Advance(time.Minute)
			h.insert = func(c *store.Commit) error {
				if c.Scope == tt.log {
					h.insert = nil
					end := merge.Millis(w.clock.Now().UnixMilli()) - 1
					w.member("budi", merge.Staff, end-7_200_000, end)
				}
				return nil
			}
			r := w.as("budi").push(w.part("i", w.create(1, "one")), w.partFor(tt.scope, "i", w.create(2, "two")))
			if len(r.Verdicts) != 2 {
				t.Fatalf("%+v", r.Verdicts)
			}
			if one := r.Verdicts[0]; one.Verdict != merge.Applied || one.Record != nil {
				t.Errorf("%s: %s, record shown: %t", one.Scope, said(one), one.Record != nil)
			}
			if two := r.Verdicts[1]; two.Verdict != tt.verdict || (two.Record != nil) != tt.shown {
				t.Errorf("%s: %s, record shown: %t", two.Scope, said(two), two.Record != nil)
			}
		})
	}
}
