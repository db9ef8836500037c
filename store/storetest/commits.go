package storetest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// full is a commit with something in every field.
func full(h store.Head) *store.Commit {
	c := next(h, rec("sales", "1", `a "<b>" & ü`, "t1", "t2"), dead("sales", "2", "t1"))
	c.Pages = []merge.Page{page(h.Scope, "x7", 0, c.Seq), page("business/9", "x7", 3, c.Seq)}
	c.Effects = []merge.Effect{{Scope: "user/u1", Collection: "inbox", ID: "e1", Set: map[string]merge.Value{"text": json.RawMessage(`"<i>"`)}}}
	c.Todo = map[string]merge.Seq{"effects": c.Seq, "push": c.Seq}
	c.Before = 1
	c.Access = append(member("u1"), merge.Grant{ID: "m9", User: "u9", Role: merge.Mentor, From: 3, To: 4, Perms: []string{"verify"}})
	return c
}

func (r *rig) sameCommit(got, want *store.Commit) {
	r.Helper()
	type outer struct {
		Scope, ID, Chain string
		Generation       merge.Generation
		Seq              merge.Seq
		Time             merge.Millis
	}
	r.same("commit", outer{got.Scope, got.ID, got.Chain, got.Generation, got.Seq, got.Time},
		outer{want.Scope, want.ID, want.Chain, want.Generation, want.Seq, want.Time})
	r.same("body", got, want)
	for i := range got.Records {
		if string(got.Records[i].Fields) != string(want.Records[i].Fields) || string(got.Records[i].State) != string(want.Records[i].State) {
			r.Errorf("record %d: %s %s", i, got.Records[i].Fields, got.Records[i].State)
		}
	}
}

func entryComesBack(r *rig) {
	r.create("s", "u1")
	c := r.insert(full(r.head("s")))
	got, err := r.s.Entry(r.Context(), "s", 1, 1)
	r.ok(err)
	r.sameCommit(got, c)
	chain, err := r.s.Chain(r.Context(), "s", 1, 1)
	r.ok(err)
	if chain == "" || chain != c.Chain {
		r.Errorf("chain %q, want %q", chain, c.Chain)
	}
}

func absentEntry(r *rig) {
	r.create("s")
	r.insert(next(r.head("s")))
	for _, e := range []struct {
		scope string
		gen   uint32
		seq   merge.Seq
	}{{"s", 1, 2}, {"s", 2, 1}, {"t", 1, 1}, {"s", 1, 0}} {
		_, err := r.s.Entry(r.Context(), e.scope, e.gen, e.seq)
		r.is(err, store.ErrAbsent)
		_, err = r.s.Chain(r.Context(), e.scope, e.gen, e.seq)
		r.is(err, store.ErrAbsent)
	}
}

func insertOnce(r *rig) {
	r.create("s")
	c := r.insert(full(r.head("s")))
	r.is(r.s.Insert(r.Context(), c), store.ErrTaken) // its own
	other := next(r.head("s"))
	other.ID = "other"
	r.is(r.s.Insert(r.Context(), other), store.ErrTaken)
	got, err := r.s.Entry(r.Context(), "s", 1, 1)
	r.ok(err)
	r.sameCommit(got, c)
	r.fold(c)
	r.is(r.s.Insert(r.Context(), other), store.ErrTaken) // folded, and taken all the same
}

func oneInsertOfEight(r *rig) {
	r.create("s")
	for round := range merge.Seq(5) {
		won := r.parallel(8, func(i int) error {
			c := next(store.Head{Scope: "s", Generation: gen(1), Applied: round}, rec("sales", "1", fmt.Sprint(i)))
			c.ID = fmt.Sprintf("c%d-%d", round, i)
			return r.s.Insert(r.Context(), c)
		}, store.ErrTaken)
		if won != 1 || !r.entry("s", 1, round+1) {
			r.Errorf("round %d: %d inserts won", round, won)
		}
	}
}

func placesByGeneration(r *rig) {
	r.create("s")
	r.insert(next(store.Head{Scope: "s", Generation: gen(1)}))
	r.insert(next(store.Head{Scope: "s", Generation: gen(2)}))
	got, err := r.s.Entry(r.Context(), "s", 2, 1)
	r.ok(err)
	if got.Generation != gen(2) {
		r.Errorf("generation %s", got.Generation)
	}
	again := next(store.Head{Scope: "s", Generation: merge.Generation{Count: 2, Nonce: "other"}})
	r.is(r.s.Insert(r.Context(), again), store.ErrTaken) // the count decides
}

func withdrawOwn(r *rig) {
	r.create("s")
	c := r.insert(next(r.head("s")))
	other := *c
	other.ID = "other"
	r.ok(r.s.Withdraw(r.Context(), &other))
	if !r.entry("s", 1, 1) {
		r.Error("another's entry was withdrawn")
	}
	r.ok(r.s.Withdraw(r.Context(), c))
	if r.entry("s", 1, 1) {
		r.Error("the entry is still there")
	}
	r.ok(r.s.Withdraw(r.Context(), c)) // again
	r.insert(&other)
}

func nothingShared(r *rig) {
	r.create("s", "u1")
	c, twin := full(r.head("s")), full(r.head("s"))
	r.insert(c)
	r.fold(c)
	h := r.head("s")
	want := text(h)
	load := func() store.Loaded {
		l, err := r.s.Load(r.Context(), "s", store.Want{Tags: []string{"t1"}, Pages: []merge.PageKey{c.Pages[0].PageKey}})
		r.ok(err)
		return l
	}
	loaded := text(load().Records)

	// Scribble on what was given.
	c.Records[0].Fields[2], c.Records[0].State[2], c.Records[0].Tags[0] = 'X', 'X', "X"
	c.Access[0].User, c.Access[1].Perms[0] = "X", "X"
	c.Todo["effects"], c.Lines[0].Author = 99, "X"
	c.Effects[0].Set["text"] = json.RawMessage(`1`)
	c.Pages[0].Entries[5] = merge.Entry{}
	// And on what was got.
	h.Access[0].User, h.Todo["push"] = "Y", 77
	l := load()
	l.Records[0].Tags[0], l.Pages[0].Entries[6] = "Y", merge.Entry{}

	if got := text(r.head("s")); got != want {
		r.Errorf("head:\n got %s\nwant %s", got, want)
	}
	if got := load(); text(got.Records) != loaded || len(got.Pages[0].Entries) != 1 {
		r.Errorf("records:\n got %s\nwant %s", text(got.Records), loaded)
	}
	got, err := r.s.Entry(r.Context(), "s", 1, 1)
	r.ok(err)
	r.sameCommit(got, twin)
}

func appendWorks(r *rig) {
	r.create("s", "u1")
	c := full(r.head("s"))
	got, err := r.s.(store.Appender).Append(r.Context(), c)
	r.ok(err)
	r.same("head", got, r.head("s"))
	r.same("applied", got.Applied, 1)
	e, err := r.s.Entry(r.Context(), "s", 1, 1)
	r.ok(err)
	r.sameCommit(e, c)
	if got := rows(r.changed("s", store.Position{}, 1, 0).Records); got != "sales/1@1 -sales/2@1" {
		r.Errorf("records %q", got)
	}
}

func appendStale(r *rig) {
	r.create("s")
	a := r.s.(store.Appender)
	_, err := a.Append(r.Context(), next(store.Head{Scope: "nowhere", Generation: gen(1)}))
	r.is(err, store.ErrAbsent)
	first := next(r.head("s"), rec("sales", "1", "first"))
	_, err = a.Append(r.Context(), first)
	r.ok(err)
	_, err = a.Append(r.Context(), first) // its own again
	r.is(err, store.ErrStale)
	for _, h := range []store.Head{
		{Scope: "s", Generation: gen(1), Applied: 0},
		{Scope: "s", Generation: gen(1), Applied: 2},
		{Scope: "s", Generation: gen(2), Applied: 1},
	} {
		c := next(h, rec("sales", "2", "no"))
		_, err := a.Append(r.Context(), c)
		r.is(err, store.ErrStale)
		if c.Seq != 1 && r.entry("s", h.Generation.Count, c.Seq) {
			r.Errorf("a stale append left entry %d behind", c.Seq)
		}
	}
	if got := rows(r.changed("s", store.Position{}, 9, 0).Records); got != "sales/1@1" {
		r.Errorf("records %q", got)
	}
}

func appendTaken(r *rig) {
	r.create("s")
	r.insert(next(r.head("s")))
	c := next(r.head("s"), rec("sales", "1", "no"))
	c.ID = "other"
	_, err := r.s.(store.Appender).Append(r.Context(), c)
	r.is(err, store.ErrTaken)
	if got := r.changed("s", store.Position{}, 9, 0); len(got.Records) != 0 || r.head("s").Applied != 0 {
		r.Error("a refused append wrote something")
	}
}

func appendPruned(r *rig) {
	h := store.Head{Scope: "s", Generation: gen(1), Applied: 2, Pruned: 3}
	r.ok(r.s.Create(r.Context(), h))
	_, err := r.s.(store.Appender).Append(r.Context(), next(h))
	r.is(err, store.ErrStale)
}

func appendsRace(r *rig) {
	r.create("s")
	const each = 10
	r.parallel(8, func(i int) error {
		for n := 0; n < each; {
			h, err := r.s.Head(r.Context(), "s")
			if err != nil {
				return err
			}
			c := next(h, rec("sales", fmt.Sprintf("%d-%d", i, n), "x"))
			c.ID = fmt.Sprintf("c%d-%d", i, n)
			switch _, err = r.s.(store.Appender).Append(r.Context(), c); {
			case err == nil:
				n++
			case !errors.Is(err, store.ErrStale) && !errors.Is(err, store.ErrTaken):
				return err
			}
		}
		return nil
	})
	h := r.head("s")
	p := r.changed("s", store.Position{}, h.Applied, 0)
	if h.Applied != 8*each || len(p.Records) != 8*each {
		r.Errorf("applied %d, %d records, want %d", h.Applied, len(p.Records), 8*each)
	}
}

func appendsApart(r *rig) {
	for i := range 8 {
		r.create(fmt.Sprint("s", i))
	}
	r.parallel(8, func(i int) error {
		for range 10 {
			h, err := r.s.Head(r.Context(), fmt.Sprint("s", i))
			if err != nil {
				return err
			}
			if _, err := r.s.(store.Appender).Append(r.Context(), next(h, rec("sales", "1", "x"))); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range 8 {
		if h := r.head(fmt.Sprint("s", i)); h.Applied != 10 {
			r.Errorf("%s is at %d", h.Scope, h.Applied)
		}
	}
}
