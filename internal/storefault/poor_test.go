package storefault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/storetest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestPoorKeepsEveryPromise(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return NewPoor() })
}

func TestAViewWithoutFaultsKeepsEveryPromise(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return NewFailing(NewPoor(), Never, nil).Store() })
}

func generation(count uint32) merge.Generation { return merge.Generation{Count: count, Nonce: "n"} }

// commitOf is the commit of scope s at seq, which writes two records and a page.
func commitOf(count uint32, seq merge.Seq) *store.Commit {
	c := &store.Commit{Scope: "s", Generation: generation(count), Seq: seq, ID: fmt.Sprint("c", seq), Time: merge.Millis(seq), Chain: fmt.Sprint(seq),
		Sum: uint64(seq), Access: []merge.Grant{{ID: "m", User: fmt.Sprint("u", seq)}},
		Pages: []merge.Page{{PageKey: merge.PageKey{BookKey: merge.BookKey{About: "s"}}, Version: seq, Entries: map[uint64]merge.Entry{uint64(seq): {}}}}}
	for _, id := range []string{"all", fmt.Sprint(seq % 3)} {
		c.Records = append(c.Records, store.Record{Collection: "sales", ID: id, Version: seq, Fields: json.RawMessage(fmt.Sprint(seq)),
			State: json.RawMessage(`{}`), Tags: []string{fmt.Sprint("t", seq)}})
	}
	if seq%2 == 0 {
		c.Todo = map[string]merge.Seq{"push": seq}
	}
	return c
}

// script does a bit of everything, and does it from wherever an earlier run of
// it has stopped.
func script(ctx context.Context, s store.Store) error {
	if err := s.Create(ctx, store.Head{Scope: "s", Generation: generation(1)}); err != nil && !errors.Is(err, store.ErrTaken) {
		return err
	}
	for seq := merge.Seq(1); seq <= 5; seq++ {
		if err := step(ctx, s, seq); err != nil {
			return err
		}
	}
	if holder, err := s.Claim(ctx, "nib", "1", "s"); err != nil || holder != "s" {
		return errors.Join(err, errors.New("claimed by "+holder))
	}
	if err := s.Release(ctx, "nib", "2", "s"); err != nil {
		return err
	}
	if err := s.Complete(ctx, 3); err != nil {
		return err
	}
	stray := commitOf(1, 1)
	stray.ID = "stray"
	return s.Withdraw(ctx, stray)
}

// step makes commit seq, clears its mark, prunes behind it, and begins a new
// generation after the fourth.
func step(ctx context.Context, s store.Store, seq merge.Seq) error {
	h, err := s.Head(ctx, "s")
	if err != nil {
		return err
	}
	if h.Applied < seq {
		c := commitOf(h.Generation.Count, seq)
		if err := s.Insert(ctx, c); errors.Is(err, store.ErrTaken) {
			if c, err = s.Entry(ctx, "s", h.Generation.Count, seq); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		if h, err = s.Fold(ctx, c, store.Head{}); err != nil {
			return err
		}
	}
	if err := s.Done(ctx, "s", "push", seq); err != nil {
		return err
	}
	if seq > 1 && h.Applied == seq {
		if err := s.Prune(ctx, "s", seq-1); err != nil {
			return err
		}
	}
	if seq == 4 && h.Generation.Count == 1 {
		return s.Raise(ctx, "s", generation(2), merge.Fork{Generation: generation(1), Seq: 4, At: 7})
	}
	return nil
}

// left is everything that a run leaves on disk, without the revisions.
func left(p *Poor) map[string]any {
	out := map[string]any{"claims": maps.Clone(p.disk.claims), "meta": maps.Clone(p.disk.meta)}
	for name, d := range p.disk.heads {
		d.v.Revision = 0
		out["head "+name] = d.v
	}
	for name, s := range p.disk.scopes {
		for k, d := range s.log {
			out[fmt.Sprint("log ", name, k)] = *d.v
		}
		for k, d := range s.records {
			out[fmt.Sprint("record ", name, k)] = d.v
		}
		for k, d := range s.pages {
			out[fmt.Sprint("page ", name, k)] = d.v
		}
	}
	return out
}

func TestACrashAnywhereIsFinishedByTheNext(t *testing.T) {
	calm := NewPoor()
	first := NewFailing(calm, Never, nil)
	if err := script(t.Context(), first.Store()); err != nil {
		t.Fatal(err)
	}
	want := left(calm)
	if err := script(t.Context(), calm); err != nil || !reflect.DeepEqual(left(calm), want) {
		t.Fatalf("a script that is done does something: %v", err)
	}
	points := &Points{}
	for n := 1; n <= first.Calls(); n++ {
		for _, fate := range []Fate{Refuse, Lose, DieBefore, DieAfter} {
			p := NewPoor()
			f := NewFailing(p, At(n, fate), points)
			err := script(t.Context(), f.Store())
			if died := fate == DieBefore || fate == DieAfter; died != errors.Is(err, ErrCrashed) || died != f.Dead() {
				t.Fatalf("call %d, fate %d: %v, dead %t", n, fate, err, f.Dead())
			} else if !died && fault.KindOf(err) != fault.Transient {
				t.Fatalf("call %d, fate %d: %v", n, fate, err)
			}
			if err := script(t.Context(), NewFailing(p, Never, nil).Store()); err != nil {
				t.Fatalf("call %d, fate %d: redo: %v", n, fate, err)
			}
			if got := left(p); !reflect.DeepEqual(got, want) {
				t.Fatalf("call %d, fate %d: the disk holds\n%v\nwant\n%v", n, fate, got, want)
			}
		}
	}
	t.Logf("%d calls, %d distinct points:\n%s", first.Calls(), points.Distinct(), points)
}

func TestAReaderNeverSeesAHeadAheadOfItsRecords(t *testing.T) {
	for n := 1; ; n++ {
		p := NewPoor()
		f := NewFailing(p, At(n, DieBefore), nil)
		if err := script(t.Context(), f.Store()); err == nil {
			break // n lies behind the last call
		}
		h, err := p.Head(t.Context(), "s")
		if errors.Is(err, store.ErrAbsent) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		page, err := p.Changed(t.Context(), "s", store.Position{}, h.Applied, 0, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		newest := merge.Seq(0)
		for _, r := range page.Records {
			newest = max(newest, r.Version)
		}
		if newest != h.Applied && !page.Torn {
			t.Errorf("died at call %d: head at %d, records at %d, and not torn", n, h.Applied, newest)
		}
	}
}

// TestAStalledHelperWritesNothingOld stops one process at every primitive of a
// fold, lets another finish that commit and go on, and then lets the first
// continue.
func TestAStalledHelperWritesNothingOld(t *testing.T) {
	ctx := t.Context()
	run := func(stall int) (p *Poor, calls int) {
		p = NewPoor()
		if err := errors.Join(p.Create(ctx, store.Head{Scope: "s", Generation: generation(1)}), p.Insert(ctx, commitOf(1, 1))); err != nil {
			t.Fatal(err)
		}
		f := NewFailing(p, func(c Call) Fate {
			if c.N == stall {
				if err := script(ctx, p); err != nil {
					t.Fatal(err)
				}
			}
			return Live
		}, nil)
		if _, err := f.Store().Fold(ctx, commitOf(1, 1), store.Head{}); err != nil {
			t.Fatalf("stalled at call %d: %v", stall, err)
		}
		return p, f.Calls()
	}
	calm, calls := run(0)
	if err := script(ctx, calm); err != nil {
		t.Fatal(err)
	}
	for stall := 1; stall <= calls; stall++ {
		if p, _ := run(stall); !reflect.DeepEqual(left(p), left(calm)) {
			t.Errorf("stalled at call %d, the disk holds\n%v\nwant\n%v", stall, left(p), left(calm))
		}
	}
}

func TestADeadProcessDoesNothing(t *testing.T) {
	p := NewPoor()
	f := NewFailing(p, Never, nil)
	f.Kill()
	s := f.Store()
	if err := s.Create(t.Context(), store.Head{Scope: "s", Generation: generation(1)}); !errors.Is(err, ErrCrashed) {
		t.Errorf("create: %v", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, ErrCrashed) {
		t.Errorf("ping: %v", err)
	}
	if _, err := p.Head(t.Context(), "s"); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("the dead wrote: %v", err)
	}
}

func TestPlainHidesTheAppender(t *testing.T) {
	var s store.Store = Plain{appending{NewPoor()}}
	if _, ok := s.(store.Appender); ok {
		t.Error("Plain appends")
	}
	if _, ok := NewFailing(appending{NewPoor()}, Never, nil).Store().(store.Appender); !ok {
		t.Error("a view of an appender does not append")
	}
}

type appending struct{ store.Store }

func (appending) Append(context.Context, *store.Commit) (store.Head, error) {
	return store.Head{}, store.ErrStale
}

// BenchmarkPoor makes and folds a commit.
func BenchmarkPoor(b *testing.B) {
	p := NewPoor()
	ctx := b.Context()
	if err := p.Create(ctx, store.Head{Scope: "s", Generation: generation(1)}); err != nil {
		b.Fatal(err)
	}
	for seq := merge.Seq(1); b.Loop(); seq++ {
		c := commitOf(1, seq)
		if err := p.Insert(ctx, c); err != nil {
			b.Fatal(err)
		}
		if _, err := p.Fold(ctx, c, store.Head{}); err != nil {
			b.Fatal(err)
		}
	}
}
