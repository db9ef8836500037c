package storetest

import (
	"errors"
	"fmt"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func raiseBegins(r *rig) {
	r.create("s", "u1")
	h := r.fold(r.insert(full(r.head("s"))))
	fork := merge.Fork{Generation: gen(1), Seq: 1, At: 99}
	r.ok(r.s.Raise(r.Context(), "s", gen(2), fork))
	got := r.head("s")
	if got.Revision <= h.Revision {
		r.Error("the revision was not raised")
	}
	h.Generation, h.Forks, h.Revision = gen(2), []merge.Fork{fork}, got.Revision
	r.same("head", got, h)
	r.commit("s", rec("sales", "1", "on"))
	r.ok(r.s.Raise(r.Context(), "s", gen(4), merge.Fork{Generation: gen(2), Seq: 2, At: 100}))
	if got := r.head("s"); len(got.Forks) != 2 || got.Forks[1].Seq != 2 || got.Generation != gen(4) || got.Applied != 2 {
		r.Errorf("head %s", text(got))
	}
	if !r.entry("s", 1, 1) || !r.entry("s", 2, 2) {
		r.Error("an entry of an ended generation is gone")
	}
}

func raiseGuard(r *rig) {
	r.create("s")
	r.commit("s")
	h := r.head("s")
	for _, tt := range []struct {
		next merge.Generation
		fork merge.Fork
	}{
		{gen(2), merge.Fork{Generation: gen(1), Seq: 0}},
		{gen(2), merge.Fork{Generation: gen(1), Seq: 2}},
		{gen(3), merge.Fork{Generation: gen(2), Seq: 1}},
		{gen(1), merge.Fork{Generation: gen(1), Seq: 1}},
	} {
		r.is(r.s.Raise(r.Context(), "s", tt.next, tt.fork), store.ErrStale)
		r.same("head", r.head("s"), h)
	}
}

func oneRaiseWins(r *rig) {
	r.create("s")
	won := r.parallel(8, func(i int) error {
		return r.s.Raise(r.Context(), "s", merge.Generation{Count: 2, Nonce: fmt.Sprint(i)}, merge.Fork{Generation: gen(1)})
	}, store.ErrStale)
	if h := r.head("s"); won != 1 || len(h.Forks) != 1 {
		r.Errorf("%d raises won, forks %v", won, h.Forks)
	}
}

func unfolded(r *rig) {
	list := func(limit int, want ...string) {
		r.Helper()
		got, err := r.s.Unfolded(r.Context(), limit)
		r.ok(err)
		r.same("unfolded", got, want)
	}
	for _, s := range []string{"c", "a", "b", "d"} {
		r.create(s)
		r.commit(s)
	}
	list(10)
	a, c := r.insert(next(r.head("a"))), r.insert(next(r.head("c")))
	r.insert(next(store.Head{Scope: "d", Generation: gen(2), Applied: 5})) // not begun
	list(10, "a", "c")
	list(1, "a")
	r.fold(a)
	list(10, "c")
	r.ok(r.s.Withdraw(r.Context(), c))
	list(10)
}

func waiting(r *rig) {
	for _, s := range []string{"c", "a", "b"} {
		r.create(s)
	}
	for s, todo := range map[string]map[string]merge.Seq{"a": {"push": 1}, "b": {"effects": 1}, "c": {"push": 1, "effects": 1}} {
		c := next(r.head(s))
		c.Todo = todo
		r.fold(r.insert(c))
	}
	for _, tt := range []struct {
		follower string
		limit    int
		want     string
	}{{"push", 9, "a c"}, {"effects", 9, "b c"}, {"push", 1, "a"}, {"nobody", 9, ""}} {
		got, err := r.s.Waiting(r.Context(), tt.follower, tt.limit)
		r.ok(err)
		if names(got) != tt.want {
			r.Errorf("waiting for %s: %q, want %q", tt.follower, names(got), tt.want)
		}
		for _, h := range got {
			r.same("head", h, r.head(h.Scope))
		}
	}
}

func doneKeepsNewer(r *rig) {
	r.create("s")
	for range 2 {
		c := next(r.head("s"))
		c.Todo = map[string]merge.Seq{"push": c.Seq, "effects": c.Seq}
		r.fold(r.insert(c))
	}
	h := r.head("s")
	r.ok(r.s.Done(r.Context(), "s", "push", 1)) // an older mark
	r.ok(r.s.Done(r.Context(), "s", "push", 3))
	r.ok(r.s.Done(r.Context(), "s", "nobody", 2))
	r.same("marks", r.head("s").Todo, h.Todo)
	r.ok(r.s.Done(r.Context(), "s", "push", 2))
	got := r.head("s")
	r.same("marks", got.Todo, map[string]merge.Seq{"effects": 2})
	if got.Revision <= h.Revision {
		r.Error("the revision was not raised")
	}
	heads, err := r.s.Waiting(r.Context(), "push", 9)
	if err != nil || len(heads) != 0 {
		r.Errorf("still waiting: %v %v", heads, err)
	}
	r.ok(r.s.Done(r.Context(), "s", "push", 2)) // again
}

// entries writes which of the first n entries of generation 1 are there.
func (r *rig) entries(scope string, n merge.Seq) (out string) {
	r.Helper()
	for seq := merge.Seq(1); seq <= n; seq++ {
		if r.entry(scope, 1, seq) {
			out += fmt.Sprint(seq)
		}
	}
	return out
}

func (r *rig) pruned(scope string, mark merge.Seq, entries string) {
	r.Helper()
	if h, got := r.head(scope), r.entries(scope, 9); h.Pruned != mark || got != entries {
		r.Errorf("pruned to %d, entries %s, want %d, %s", h.Pruned, got, mark, entries)
	}
}

func pruneDeletes(r *rig) {
	r.create("s")
	r.create("t")
	for range 6 {
		r.commit("s", rec("sales", "1", "x"))
		r.commit("t")
	}
	h := r.head("s")
	r.ok(r.s.Prune(r.Context(), "s", 3))
	r.pruned("s", 3, "456")
	r.pruned("t", 0, "123456")
	got := r.head("s")
	if got.Revision <= h.Revision {
		r.Error("the revision was not raised")
	}
	got.Pruned, got.Revision = h.Pruned, h.Revision
	r.same("the rest of the head", got, h)
	if got := rows(r.changed("s", store.Position{}, 6, 0).Records); got != "sales/1@6" {
		r.Errorf("records %s", got)
	}
}

func pruneLimits(r *rig) {
	r.create("empty")
	r.ok(r.s.Prune(r.Context(), "empty", 5))
	r.pruned("empty", 0, "")
	r.create("s")
	for range 4 {
		r.commit("s")
	}
	c := r.insert(next(r.head("s")))
	r.ok(r.s.Prune(r.Context(), "s", 2))
	r.ok(r.s.Prune(r.Context(), "s", 1))
	r.pruned("s", 2, "345")
	r.ok(r.s.Prune(r.Context(), "s", 99))
	r.pruned("s", 3, "45")
	r.fold(c)
	r.ok(r.s.Prune(r.Context(), "s", 1<<63))
	r.pruned("s", 4, "5")
}

func pruneWaits(r *rig) {
	r.create("s")
	for seq := merge.Seq(1); seq <= 4; seq++ {
		c := next(r.head("s"))
		if seq == 2 {
			c.Todo = map[string]merge.Seq{"push": seq}
		}
		r.fold(r.insert(c))
	}
	r.ok(r.s.Prune(r.Context(), "s", 3))
	r.pruned("s", 0, "1234")
	r.ok(r.s.Done(r.Context(), "s", "push", 2))
	r.ok(r.s.Prune(r.Context(), "s", 3))
	r.pruned("s", 3, "4")
}

func pruneAgain(r *rig) {
	r.ok(r.s.Create(r.Context(), store.Head{Scope: "s", Generation: gen(1), Applied: 4, Pruned: 3}))
	for seq := range merge.Seq(4) {
		r.insert(next(store.Head{Scope: "s", Generation: gen(1), Applied: seq}))
	}
	r.ok(r.s.Prune(r.Context(), "s", 3))
	r.pruned("s", 3, "4")
}

func pruneEnded(r *rig) {
	r.create("s")
	for range 3 {
		r.commit("s")
	}
	h := r.head("s")
	r.ok(r.s.Raise(r.Context(), "s", gen(2), merge.Fork{Generation: h.Generation, Seq: 3, At: h.Time}))
	for range 3 {
		r.commit("s")
	}
	r.ok(r.s.Prune(r.Context(), "s", 5))
	for seq := merge.Seq(1); seq <= 6; seq++ {
		for count := uint32(1); count <= 2; count++ {
			_, err := r.s.Entry(r.Context(), "s", count, seq)
			if there := err == nil; there != (seq == 6 && count == 2) {
				r.Errorf("entry %d of generation %d: %v", seq, count, err)
			}
		}
	}
}

func foldKeepsPruned(r *rig) {
	r.create("s")
	for range 3 {
		r.commit("s")
	}
	r.parallel(8, func(i int) error {
		if i%2 == 0 {
			return r.s.Prune(r.Context(), "s", 2)
		}
		for range 10 {
			h, err := r.s.Head(r.Context(), "s")
			if err != nil {
				return err
			}
			c := next(h)
			if err := r.s.Insert(r.Context(), c); err != nil {
				if !errors.Is(err, store.ErrTaken) {
					return err
				}
				if c, err = r.s.Entry(r.Context(), "s", 1, c.Seq); err != nil {
					return err
				}
			}
			if _, err := r.s.Fold(r.Context(), c, store.Head{}); err != nil {
				return err
			}
		}
		return nil
	})
	if h := r.head("s"); h.Pruned != 2 {
		r.Errorf("pruned to %d", h.Pruned)
	}
}
