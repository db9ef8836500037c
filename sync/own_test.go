package syncer_test

import (
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestTheAuthorsOwnScopeIsCommittedFirst, wherever it stands in a request: a process that dies at
// any call leaves no more than what people said of themselves without what they did by it.
func TestTheAuthorsOwnScopeIsCommittedFirst(t *testing.T) {
	half := 0
	for n, died := 1, true; died; n++ {
		poor := storefault.NewPoor()
		w := worldOn(t, poor)
		w.admit("ani", merge.Owner)
		own := merge.UserScope("ani")
		phone := w.phone("ani", "before")
		if _, err := phone.Do(replica.Edit{Scope: own, Collection: "quarantine", Set: map[string]merge.Value{"resolved": merge.Flag(true)}}); err != nil {
			t.Fatal(err)
		}
		phone.sync()
		word := &merge.Mutation{N: 1, Schema: 1, Collection: "quarantine", ID: id.Derive("quarantine", "none"), Op: merge.Put,
			At: w.create(1, "").At, Set: map[string]merge.Value{"resolved": merge.Flag(true)}}
		request := w.request(w.part("one", w.create(1, "thing")), w.partFor(own, "one", word))
		w.Store = storefault.NewFailing(poor, storefault.At(n, storefault.DieAfter), nil).Store()
		_, err := w.Sync(t.Context(), callerOf("ani"), request)
		died, w.Store = err != nil, poor
		if _, err := w.Repair(t.Context()); err != nil {
			t.Fatal(err)
		}
		said := func(scope string) (lines int) {
			for _, c := range w.history(scope) {
				for _, l := range c.Lines {
					if l.Author == "ani" && strings.Contains(l.Mutation, "/one/") {
						lines++
					}
				}
			}
			return lines
		}
		switch a, b := said(own), said(box); {
		case b > a:
			t.Errorf("call %d: %d edits of the box are committed, %d of their own scope", n, b, a)
		case a > b:
			half++
		}
	}
	if half == 0 {
		t.Error("nobody died between the two commits")
	}
}
