package mongo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/store/mongo/scratch"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// cutStore is a store on a scratch database whose commands are primitives.
type cutStore struct {
	store.Store
	t  *testing.T
	on *scratch.Database
}

func (c cutStore) Hooked(hook func(storefault.Call, func() error) error) store.Store {
	started := false
	db, err := c.on.Open(c.t.Context(), func(command string, do func() error) error {
		if !started {
			return do()
		}
		return hook(storefault.Call{Primitive: command}, do)
	})
	must(c.t, err)
	started = true
	return db
}

// commitment brings a scope to its third commit, and forgets the first entry, from
// wherever an earlier run has stopped.
func commitment(ctx context.Context, s store.Store) error {
	if err := s.Create(ctx, store.Head{Scope: "s", Generation: merge.Generation{Count: 1, Nonce: "n"}}); err != nil && !errors.Is(err, store.ErrTaken) {
		return err
	}
	for seq := merge.Seq(1); seq <= 3; seq++ {
		h, err := s.Head(ctx, "s")
		if err != nil {
			return err
		}
		if h.Applied >= seq {
			continue
		}
		c := commitAt(seq)
		if err := s.Insert(ctx, c); err != nil && !errors.Is(err, store.ErrTaken) {
			return err
		}
		if _, err := s.Fold(ctx, c, h); err != nil {
			return err
		}
	}
	return errors.Join(s.Done(ctx, "s", "push", 3), s.Prune(ctx, "s", 1))
}

// commitAt writes a record that every commit writes, one of its own, and a page.
func commitAt(seq merge.Seq) *store.Commit {
	c := &store.Commit{Scope: "s", Generation: merge.Generation{Count: 1, Nonce: "n"}, Seq: seq, ID: fmt.Sprint("c", seq), Time: merge.Millis(seq), Chain: fmt.Sprint(seq), Sum: uint64(seq),
		Access: []merge.Grant{{ID: "m", User: fmt.Sprint("u", seq)}}, Todo: map[string]merge.Seq{"push": seq},
		Pages: []merge.Page{{PageKey: merge.PageKey{BookKey: merge.BookKey{About: "s"}}, Version: seq, Entries: map[uint64]merge.Entry{uint64(seq): {}}}}}
	for _, id := range []string{"all", fmt.Sprint(seq)} {
		c.Records = append(c.Records, store.Record{Collection: "sales", ID: id, Version: seq, Fields: json.RawMessage(fmt.Sprint(seq)), State: json.RawMessage(`{}`)})
	}
	return c
}

// TestACrashAtAnyCommandIsFinishedByTheNext: each command of the life of a commit is
// refused, is done and not heard of, or is the last of its process. The next one ends
// where a run in peace ends, and between the two no reader sees a head ahead of its
// records.
func TestACrashAtAnyCommandIsFinishedByTheNext(t *testing.T) {
	if !mongotest.Asked() {
		t.Skip("skipped: needs MongoDB, at the address in " + mongotest.Variable)
	}
	s, err := scratch.Connect(t.Context(), os.Getenv(mongotest.Variable))
	must(t, err)
	run := func(n int, fate storefault.Fate, points *storefault.Points) (calls int, left map[string]any) {
		db, err := s.Database()
		must(t, err)
		calm, err := db.Open(t.Context(), nil)
		must(t, err)
		f := storefault.NewFailing(cutStore{calm, t, db}, storefault.At(n, fate), points)
		if err := commitment(t.Context(), f.Store()); n > 0 && err == nil && f.Calls() >= n && f.Dead() {
			t.Errorf("call %d, fate %d: died, and nothing is wrong", n, fate)
		}
		checkUntorn(t, calm, n, fate)
		must(t, commitment(t.Context(), calm))
		left = leftBehind(t, calm)
		must(t, db.Close(t.Context()))
		return f.Calls(), left
	}
	calls, want := run(0, storefault.Live, nil)
	points := &storefault.Points{}
	for n := 1; n <= calls; n++ {
		for _, fate := range []storefault.Fate{storefault.Refuse, storefault.Lose, storefault.DieBefore, storefault.DieAfter} {
			if _, got := run(n, fate, points); !reflect.DeepEqual(got, want) {
				t.Fatalf("call %d, fate %d: left\n%v\nwant\n%v", n, fate, got, want)
			}
		}
	}
	if points.Distinct() < calls/2 {
		t.Errorf("only %d points", points.Distinct())
	}
	t.Logf("%d calls and commands, %d distinct points:\n%s", calls, points.Distinct(), points)
	must(t, s.Close())
}

// checkUntorn fails if a reader sees a head ahead of its records.
func checkUntorn(t *testing.T, s store.Store, n int, fate storefault.Fate) {
	t.Helper()
	h, err := s.Head(t.Context(), "s")
	if errors.Is(err, store.ErrAbsent) {
		return
	}
	must(t, err)
	page, err := s.Changed(t.Context(), "s", store.Position{}, h.Applied, 0, 1<<30)
	must(t, err)
	newest := merge.Seq(0)
	for _, r := range page.Records {
		newest = max(newest, r.Version)
	}
	if newest != h.Applied && !page.Torn {
		t.Errorf("call %d, fate %d: head at %d, records at %d, and not torn", n, fate, h.Applied, newest)
	}
}

// leftBehind is what readers see in the end.
func leftBehind(t *testing.T, s store.Store) map[string]any {
	t.Helper()
	out := map[string]any{}
	h, err := s.Head(t.Context(), "s")
	must(t, err)
	h.Revision = 0 // a write that was not heard of is made again
	out["head"] = h
	out["page"], err = s.Changed(t.Context(), "s", store.Position{}, h.Applied, 0, 1<<30)
	must(t, err)
	out["book"], err = s.Load(t.Context(), "s", store.Want{Pages: []merge.PageKey{{BookKey: merge.BookKey{About: "s"}}}})
	must(t, err)
	for seq := merge.Seq(1); seq <= 4; seq++ {
		c, err := s.Entry(t.Context(), "s", 1, seq)
		if err != nil && !errors.Is(err, store.ErrAbsent) {
			t.Fatal(err)
		}
		out[fmt.Sprint("entry ", seq)] = c
	}
	return out
}
