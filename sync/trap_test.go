package syncer_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// TestAnIncarnationBelongsToOneUser: whoever else uses it is told so, and
// nothing is stored.
func TestAnIncarnationBelongsToOneUser(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	w.admit("budi", merge.Staff)
	a, b := w.phone("ani", "da"), w.phone("budi", "db")
	a.sync()
	b.sync()
	a.put("", "note", "ani's")
	req, _, err := a.Ask()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Engine.Sync(t.Context(), callerOf("ani"), protocol.Request{Clock: req.Clock, Push: req.Push}); err != nil {
		t.Fatal(err)
	}
	before, err := w.Store.Head(t.Context(), box)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.Engine.Sync(t.Context(), callerOf("budi"), req)
	if err != nil {
		t.Fatal(err)
	}
	if v := resp.Verdicts; len(v) != 1 || v[0].Verdict != merge.OwnerMismatch || v[0].Record != nil {
		t.Errorf("%+v", v)
	}
	if after, err := w.Store.Head(t.Context(), box); err != nil || after.Applied != before.Applied {
		t.Errorf("applied %d, then %d, %v", before.Applied, after.Applied, err)
	}
}

// TestABackupHasItsNumberBeforeItsFirstByte: what was acknowledged while a backup
// ran may not be in it, so the phone keeps it.
func TestABackupHasItsNumberBeforeItsFirstByte(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	a := w.phone("ani", "da")
	a.sync()
	err := w.Backup(t.Context(), func(context.Context) error { // the copy is made, then the edit comes
		a.put("", "note", "not in the copy")
		a.sync()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a.sync()
	kept, err := a.Outbox()
	if err != nil || len(kept) != 1 {
		t.Errorf("the phone keeps %v, %v", kept, err)
	}
}

// TestEffectsOfOneCommitHappenOnce: also when the log that holds the commit went
// on under another generation, and the effect was carried out before.
func TestEffectsOfOneCommitHappenOnce(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	a := w.phone("ani", "da")
	a.sync()
	if _, err := a.Do(replica.Edit{Scope: box, Collection: "thing", Set: map[string]merge.Value{"colour": merge.Str("x")}}); err != nil {
		t.Fatal(err)
	}
	a.sync()
	head, err := w.Store.Head(t.Context(), box)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := w.Store.Entry(t.Context(), box, head.Generation.Count, head.Applied)
	if err != nil || len(entry.Effects) != 1 {
		t.Fatalf("%+v, %v", entry, err)
	}
	eff := entry.Effects[0]
	sw := merge.ServerWrite{Name: "effect." + eff.ID, Role: merge.System, Collection: eff.Collection, ID: eff.ID, Op: merge.Put, Set: eff.Set, Create: true}
	if _, err := w.Write(t.Context(), eff.Scope, sw); err != nil { // done, and the process died before its mark
		t.Fatal(err)
	}
	if _, err := w.Restored(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.sync()
	if q, err := a.Rows(merge.UserScope("ani"), "quarantine"); err != nil || len(q) != 1 {
		t.Errorf("%d records in quarantine, %v", len(q), err)
	}
}

// TestARevokedScopeTellsNothing: the verdict of an edit made in time comes after
// the right has ended; it names neither rows nor the journal.
func TestARevokedScopeTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	w.admit("budi", merge.Staff)
	a, b := w.phone("ani", "da"), w.phone("budi", "db")
	a.sync()
	k := a.put("", "note", "start")
	a.sync()
	b.sync()
	b.put(k, "note", "budi's")
	w.clock.Advance(time.Minute)
	a.put(k, "note", "ani's, a secret")
	a.sync()
	w.clock.Advance(time.Minute)
	end := merge.Millis(w.clock.Now().UnixMilli())
	w.member("budi", merge.Staff, end-7_200_000, end)
	w.clock.Advance(time.Minute)
	for name, call := range map[string]func(protocol.Request) (*protocol.Response, error){
		"sync": func(r protocol.Request) (*protocol.Response, error) {
			return w.Engine.Sync(t.Context(), callerOf("budi"), r)
		},
		"push": func(r protocol.Request) (*protocol.Response, error) {
			return w.Engine.Push(t.Context(), callerOf("budi"), r)
		},
	} {
		req, _, err := b.Ask()
		if err != nil {
			t.Fatal(err)
		}
		resp, err := call(req)
		if err != nil {
			t.Fatal(err)
		}
		if v := resp.Verdicts; len(v) != 1 || v[0].Verdict != merge.Superseded || v[0].Record != nil || v[0].Journal != nil {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestTheMarkComesBeforeThePruning: a process that dies in the middle of pruning
// leaves no place empty above the mark, where a stalled writer could put a commit
// that nobody would ever fold.
func TestTheMarkComesBeforeThePruning(t *testing.T) {
	poor := storefault.NewPoor()
	w := worldOn(t, poor)
	w.admit("ani", merge.Owner)
	a := w.phone("ani", "da")
	for range 3 {
		a.put("", "note", "x")
		a.sync()
	}
	dying := storefault.NewFailing(poor, func(c storefault.Call) storefault.Fate {
		if c.Method == "Prune" && c.Primitive == "remove entry" {
			return storefault.DieAfter
		}
		return storefault.Live
	}, nil)
	if err := dying.Store().Prune(t.Context(), box, 2); err == nil {
		t.Fatal("the process lives")
	}
	head, err := poor.Head(t.Context(), box)
	if err != nil {
		t.Fatal(err)
	}
	for seq := merge.Seq(1); seq <= head.Applied; seq++ {
		if _, err := poor.Entry(t.Context(), box, head.Generation.Count, seq); err != nil && seq > head.Pruned {
			t.Errorf("entry %d is gone and the mark is at %d: %v", seq, head.Pruned, err)
		}
	}
}

// TestARestoreFoldsBeforeItRaises: a commit that was decided and not folded when
// the backup was made belongs to what the backup holds.
func TestARestoreFoldsBeforeItRaises(t *testing.T) {
	poor := storefault.NewPoor()
	w := worldOn(t, poor)
	w.admit("ani", merge.Owner)
	a := w.phone("ani", "da")
	a.sync()
	dying := storefault.NewFailing(poor, func(c storefault.Call) storefault.Fate {
		if c.Method == "Insert" {
			return storefault.DieAfter
		}
		return storefault.Live
	}, nil)
	k := a.put("", "note", "decided")
	w.Engine.Store = dying.Store()
	if err := a.Sync(t.Context()); err == nil {
		t.Fatal("the process lives")
	}
	w.Engine.Store = poor
	if _, err := w.Restored(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := w.phone("ani", "db")
	b.sync()
	if got := b.note(k); got != "decided" {
		t.Errorf("note %q", got)
	}
}

// TestARowThatDiesBetweenTwoPages is taken off the phone that got it in the first.
func TestARowThatDiesBetweenTwoPages(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	a, b := w.phone("ani", "da"), w.phone("ani", "db")
	a.sync()
	long := strings.Repeat("x", 180)
	k := a.put("", "note", long)
	a.sync()
	for range 5 {
		a.put("", "note", long)
		a.sync()
	}
	b.PageBytes = 700
	more, seen := true, false
	for more {
		req, ticket, err := b.Ask()
		if err != nil {
			t.Fatal(err)
		}
		resp, err := w.Engine.Sync(t.Context(), callerOf("ani"), req)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Take(ticket, resp); err != nil {
			t.Fatal(err)
		}
		if more = resp.More; !seen && b.note(k) != "" {
			seen = true
			if !more {
				t.Fatal("there was no second page")
			}
			if _, err := a.Do(replica.Edit{Scope: box, Collection: "thing", ID: k, Op: merge.Delete}); err != nil {
				t.Fatal(err)
			}
			a.sync()
		}
	}
	if !seen || b.note(k) != "" || b.Mismatches() > 0 {
		t.Errorf("seen %t, note %q, %d wrong hashes", seen, b.note(k), b.Mismatches())
	}
}
