package syncer_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const day = 24 * time.Hour

// compact carries out what waits, then compacts the world, and audits it.
func (w *world) compact() int {
	w.t.Helper()
	if _, err := w.Work(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	n, err := w.Compact(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Audit(w.t.Context(), box); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) head() store.Head {
	w.t.Helper()
	h, err := w.Store.Head(w.t.Context(), box)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// TestACursorOfWithinTheHorizonSurvivesCompaction has a phone sync on the last
// day that counts, in a scope where nothing happened for long.
func TestACursorOfWithinTheHorizonSurvivesCompaction(t *testing.T) {
	for _, tt := range []struct {
		name   string
		away   time.Duration
		resets int
	}{{"within", 179 * day, 0}, {"behind", 181 * day, 1}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.admit("ani", merge.Owner)
			ids := w.things(3)
			w.clock.Advance(300 * day)
			r := w.as("ani").reader(0).all()
			w.clock.Advance(time.Hour)
			w.change("later", ids[0], merge.Put, "later")
			w.change("last", ids[1], merge.Put, "last")
			w.clock.Advance(tt.away)
			w.compact()
			sum := w.head().Sum
			if r.all(); len(r.resets) != tt.resets {
				t.Errorf("resets %q, pruned to %d of %d", r.resets, w.head().Pruned, w.head().Applied)
			}
			if w.head().Sum != sum {
				t.Error("the hash has changed")
			}
		})
	}
}

func TestCompactionKeepsTheNewestEntryAndEverythingYoung(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	w.things(5)
	w.Limits.Horizon = time.Second // a day counts all the same
	w.clock.Advance(23 * time.Hour)
	if n := w.compact(); n != 0 || w.head().Pruned != 0 {
		t.Errorf("%d entries of today went", n)
	}
	w.clock.Advance(2 * time.Hour)
	w.compact()
	if h := w.head(); h.Pruned != h.Applied-1 {
		t.Errorf("pruned to %d of %d", h.Pruned, h.Applied)
	}
	if n := w.compact(); n != 0 {
		t.Errorf("%d more entries went the second time", n)
	}
}

func TestCompactionWaitsForFollowers(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	refused := w.create(1, "x")
	refused.Collection = "nothing"
	w.as("ani").push(w.part("x1", refused))
	w.things(3)
	if h := w.head(); len(h.Todo) == 0 {
		t.Fatal("nothing waits")
	}
	w.clock.Advance(400 * day)
	if n, err := w.Compact(t.Context()); err != nil || w.head().Pruned != 0 {
		t.Errorf("%d entries went, %v", n, err)
	}
}

// TestAnErasedRecordNeverLivesAgain deletes a record, lets the horizon pass, and
// edits it with a base of its last days.
func TestAnErasedRecordNeverLivesAgain(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	thing := w.things(1)[0]
	before := w.head()
	w.change("delete", thing, merge.Delete, "")
	w.admit("budi", merge.Staff)
	w.clock.Advance(200 * day)
	w.things(3)
	w.compact()
	key := merge.Key{Collection: "thing", ID: thing}
	got, err := w.Store.Load(t.Context(), box, store.Want{Keys: []merge.Key{key}})
	if err != nil || len(got.Records) != 1 || string(got.Records[0].State) != merge.GoneState || got.Records[0].Version != before.Applied+1 {
		t.Fatalf("records %+v, %v", got.Records, err)
	}
	for i, op := range []merge.Op{merge.Put, merge.Undelete, merge.Delete} {
		sw := merge.ServerWrite{Name: fmt.Sprint("again", i), Role: merge.Admin, Collection: "thing", ID: thing, Op: op}
		if op == merge.Put {
			sw.Set = map[string]merge.Value{"note": merge.Str("x")}
		}
		if _, err := w.Write(t.Context(), box, sw); fault.CodeOf(err) != "record_gone" {
			t.Errorf("%s: %v", op, err)
		}
	}
	if _, err := w.Write(t.Context(), box, merge.ServerWrite{Name: "made twice", Role: merge.System, Collection: "thing", ID: thing, Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"note": merge.Str("x")}}); err != nil {
		t.Errorf("an effect that comes again: %v", err)
	}
	r := w.as("ani").reader(0).all()
	if _, there := r.rows[box+" thing|"+thing]; there {
		t.Error("it lives again")
	}
}

// TestACrashInTheMiddleOfCompactionIsHarmless kills the process at every call of
// the store, and at every primitive of the poor one.
func TestACrashInTheMiddleOfCompactionIsHarmless(t *testing.T) {
	want := ""
	for n := 0; ; n++ {
		poor := storefault.NewPoor()
		w := worldOn(t, poor)
		w.admit("ani", merge.Owner)
		ids := w.things(4)
		for i, thing := range ids[1:] {
			w.change(fmt.Sprint("delete", i), thing, merge.Delete, "")
		}
		w.clock.Advance(200 * day)
		w.change("young", ids[0], merge.Put, "young")
		at := 0
		f := storefault.NewFailing(poor, func(storefault.Call) storefault.Fate {
			if at++; at == n {
				return storefault.DieAfter
			}
			return storefault.Live
		}, nil)
		w.Store = f.Store()
		_, err := w.Compact(t.Context())
		if n > 0 && at >= n && !errors.Is(err, storefault.ErrCrashed) {
			t.Fatalf("call %d: %v", n, err)
		}
		w.Store = poor
		if err := w.Audit(t.Context(), box); err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
		w.compact()
		got := w.kept()
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("after a crash at call %d:\n%s\nwithout:\n%s", n, got, want)
		}
		if n > at {
			t.Logf("%d calls", at)
			return
		}
	}
}

// kept is all that is left of the box.
func (w *world) kept() string {
	w.t.Helper()
	h := w.head()
	out := fmt.Sprint("pruned ", h.Pruned, " of ", h.Applied)
	for seq := merge.Seq(1); seq <= h.Applied; seq++ {
		if _, err := w.Store.Entry(w.t.Context(), box, 1, seq); err == nil {
			out += fmt.Sprint(" ", seq)
		}
	}
	page, err := w.Store.Changed(w.t.Context(), box, store.Position{}, h.Applied, 0, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range page.Records {
		out += fmt.Sprint("\n", r.Collection, " ", r.Version, " ", r.Deleted, " ", len(r.Fields) > 2)
	}
	return out
}

// TestAnEditBehindTheHorizonIsKeptAndNotMadeAgain sends a number whose page of the
// book is gone, twice, and the highest one, which is never gone.
func TestAnEditBehindTheHorizonIsKeptAndNotMadeAgain(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	ani := w.as("ani")
	first, last := w.create(1, "first"), w.create(merge.PageSize+9, "last")
	one := w.part("x1", first)
	ani.push(one)
	two := w.part("x1", last)
	ani.push(two)
	w.things(3)
	w.clock.Advance(200 * day)
	w.compact()
	before := w.head().Sum
	for range 2 {
		if v := ani.push(one).Verdicts[0]; v.Code != "unidentifiable" {
			t.Errorf("%+v", v)
		}
		w.compact()
	}
	if v := ani.push(two).Verdicts[0]; v.Verdict != merge.Applied || !v.Repeated {
		t.Errorf("the highest: %+v", v)
	}
	if w.head().Sum != before {
		t.Error("something was made again")
	}
	own := merge.UserScope("ani")
	h, err := w.Store.Head(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	page, err := w.Store.Changed(t.Context(), own, store.Position{}, h.Applied, 0, 1<<20)
	if err != nil || len(page.Records) != 1 || page.Records[0].Collection != "quarantine" {
		t.Errorf("the own scope holds %+v, %v", page.Records, err)
	}
}

// TestAnAuditFindsWhatDoesNotFit spoils a scope in every way that an audit is
// there to find.
func TestAnAuditFindsWhatDoesNotFit(t *testing.T) {
	for name, spoil := range map[string]func(*store.Commit){
		"a record that the log does not have": func(c *store.Commit) { c.Records[0].Fields = []byte(`{"note":"other"}`) },
		"a hash that is not the rows'":        func(c *store.Commit) { c.Sum++ },
		"a chain that does not follow":        func(c *store.Commit) { c.Chain = "0123456789abcdef0123456789abcdef" },
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOn(t, storefault.NewPoor())
			w.admit("ani", merge.Owner)
			thing := w.things(3)[0]
			w.change("once more", thing, merge.Put, "x")
			w.clock.Advance(400 * day)
			w.compact()
			w.change("after", thing, merge.Put, "y")
			h := w.head()
			last, err := w.Store.Entry(t.Context(), box, 1, h.Applied)
			if err != nil {
				t.Fatal(err)
			}
			next := *last
			next.Seq, next.ID, next.Time = h.Applied+1, "spoiled", h.Time+1
			next.Records = append([]store.Record(nil), last.Records...)
			next.Records[0].Version = next.Seq
			spoil(&next)
			if _, err := w.Store.Fold(t.Context(), &next, store.Head{}); err != nil {
				t.Fatal(err)
			}
			honest := next
			honest.Records = last.Records
			if err := w.Store.Insert(t.Context(), &honest); err != nil {
				t.Fatal(err)
			}
			if err := w.Audit(t.Context(), box); fault.CodeOf(err) != "audit_failed" {
				t.Errorf("an audit says %v", err)
			}
		})
	}
}
