package storetest

import (
	"fmt"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func foldCarries(r *rig) {
	r.create("s", "u1")
	c := r.insert(full(r.head("s")))
	h := r.fold(c)
	r.same("head", h, r.head("s"))
	want := store.Head{Scope: "s", Generation: gen(1), Applied: 1, Time: c.Time, Chain: c.Chain, Sum: c.Sum, Access: c.Access,
		Todo: c.Todo, Foreign: true, Revision: h.Revision}
	r.same("head", h, want)
	l, err := r.s.Load(r.Context(), "s", store.Want{Keys: []merge.Key{c.Records[0].Key(), c.Records[1].Key()},
		Pages: []merge.PageKey{c.Pages[0].PageKey, c.Pages[1].PageKey}})
	r.ok(err)
	r.same("records", l.Records, c.Records)
	if len(l.Pages) != 2 {
		r.Errorf("%d pages", len(l.Pages))
	}
}

func foldTouchesItsFields(r *rig) {
	h := store.Head{Scope: "s", Generation: gen(3), Forks: []merge.Fork{{Generation: gen(2), Seq: 1, At: 9}}, Applied: 1, Pruned: 1,
		MovedTo: "t", Foreign: true, Todo: map[string]merge.Seq{"old": 1}}
	r.ok(r.s.Create(r.Context(), h))
	before := r.head("s")
	got := r.fold(r.insert(next(h)))
	if got.Revision <= before.Revision {
		r.Error("the revision was not raised")
	}
	got.Applied, got.Time, got.Chain, got.Sum, got.Revision = before.Applied, before.Time, before.Chain, before.Sum, before.Revision
	r.same("the rest of the head", got, before)
}

func foldMoves(r *rig) {
	r.create("s")
	c := next(r.head("s"))
	c.MovedTo = "t"
	if h := r.fold(r.insert(c)); h.MovedTo != "t" {
		r.Errorf("moved to %q", h.MovedTo)
	}
	if h := r.fold(r.insert(next(r.head("s")))); h.MovedTo != "t" {
		r.Errorf("afterwards moved to %q", h.MovedTo)
	}
}

// foldFromAny folds each commit from every head that was ever read.
func foldFromAny(r *rig) {
	r.create("s")
	read := []store.Head{{}, r.head("s")}
	for seq := merge.Seq(1); seq < 5; seq++ {
		c := next(r.head("s"), rec("sales", "all", fmt.Sprint(seq)), rec("sales", fmt.Sprint(seq), ""))
		r.insert(c)
		for i, from := range append(read, r.head("s")) {
			h, err := r.s.Fold(r.Context(), c, from)
			if err != nil || h.Applied < seq {
				r.Errorf("commit %d from head %d: at %d, %v", seq, i, h.Applied, err)
			}
		}
		read = append(read, r.head("s"))
	}
	if got := rows(r.changed("s", store.Position{}, 9, 0).Records); got != "sales/1@1 sales/2@2 sales/3@3 sales/all@4 sales/4@4" {
		r.Errorf("records %s", got)
	}
	ahead := next(store.Head{Scope: "s", Generation: gen(1), Applied: 5}, rec("sales", "1", "early"))
	for _, from := range read {
		_, err := r.s.Fold(r.Context(), ahead, from)
		r.is(err, store.ErrStale)
	}
}

// expects shows that a head knows of foreign refusals before they come, and when
// they do.
func expects(r *rig) {
	r.create("s")
	r.create("t")
	r.commit("s")
	if r.head("s").Foreign {
		r.Error("foreign from the start")
	}
	for range 2 {
		r.ok(r.s.Expect(r.Context(), "s"))
		if h := r.head("s"); !h.Foreign || h.Applied != 1 {
			r.Errorf("expected, but %+v", h)
		}
	}
	r.commit("s")
	if !r.head("s").Foreign {
		r.Error("a fold took it back")
	}
	c := next(r.head("t"))
	c.Pages = []merge.Page{page("t", "x7", 0, 1)}
	if r.fold(r.insert(c)).Foreign {
		r.Error("an own page is taken for a foreign one")
	}
	c = next(r.head("t"))
	c.Pages = []merge.Page{page("elsewhere", "x7", 0, 2)}
	if !r.fold(r.insert(c)).Foreign {
		r.Error("a foreign page went by")
	}
	r.is(r.s.Expect(r.Context(), "nowhere"), store.ErrAbsent)
}

func foldRaisesMarks(r *rig) {
	r.ok(r.s.Create(r.Context(), store.Head{Scope: "s", Generation: gen(1), Todo: map[string]merge.Seq{"high": 9, "other": 1}}))
	c := next(r.head("s"))
	c.Todo = map[string]merge.Seq{"high": 1, "new": 1}
	h := r.fold(r.insert(c))
	r.same("marks", h.Todo, map[string]merge.Seq{"high": 9, "other": 1, "new": 1})
}

func foldTwice(r *rig) {
	r.create("s", "u1")
	one := r.insert(full(r.head("s")))
	r.fold(one)
	h := r.head("s")
	r.same("head", r.fold(one), h)
	r.same("head", r.head("s"), h)
	later := next(h, rec("sales", "1", "later"))
	later.Pages = []merge.Page{page("s", "x7", 0, 2)}
	h = r.fold(r.insert(later))
	r.same("head", r.fold(one), h)
	l, err := r.s.Load(r.Context(), "s", store.Want{Keys: []merge.Key{{Collection: "sales", ID: "1"}}, Tags: []string{"t1", "t2"},
		Pages: []merge.PageKey{later.Pages[0].PageKey}})
	r.ok(err)
	if got := rows(l.Records); got != "sales/1@2 -sales/2@1" || len(l.Tagged["t1"]) != 1 || len(l.Tagged["t2"]) != 0 {
		r.Errorf("an old commit was written over a newer one: %s, tagged %v", got, l.Tagged)
	}
	if l.Pages[0].Version != 2 {
		r.Errorf("page at %d", l.Pages[0].Version)
	}
}

// foldTogether has eight processes fold one log of commits, each from wherever
// it finds the head.
func foldTogether(r *rig) {
	r.create("s")
	const last = 20
	for seq := range merge.Seq(last) {
		c := next(store.Head{Scope: "s", Generation: gen(1), Applied: seq}, rec("sales", "all", fmt.Sprint(seq), fmt.Sprint("t", seq)),
			rec("sales", fmt.Sprint(seq%3), fmt.Sprint(seq)))
		c.Pages = []merge.Page{page("s", "x7", 0, seq+1)}
		r.insert(c)
	}
	r.parallel(8, func(int) error {
		for seq := merge.Seq(1); seq <= last; seq++ {
			c, err := r.s.Entry(r.Context(), "s", 1, seq)
			if err != nil {
				return err
			}
			h, err := r.s.Fold(r.Context(), c, store.Head{})
			if err != nil {
				return err
			}
			if h.Applied < seq {
				return fmt.Errorf("folded %d, head at %d", seq, h.Applied)
			}
		}
		return nil
	})
	p := r.changed("s", store.Position{}, last, 0)
	if got := rows(p.Records); got != "sales/2@18 sales/0@19 sales/all@20 sales/1@20" || p.Torn || r.head("s").Applied != last {
		r.Errorf("records %s, torn %t, head %d", got, p.Torn, r.head("s").Applied)
	}
	l, err := r.s.Load(r.Context(), "s", store.Want{Tags: []string{"t19", "t18"}, Pages: []merge.PageKey{page("s", "x7", 0, 0).PageKey}})
	r.ok(err)
	if len(l.Records) != 1 || len(l.Tagged["t18"]) != 0 || l.Pages[0].Version != last {
		r.Errorf("tagged %v, page at %d", l.Tagged, l.Pages[0].Version)
	}
}

func foldOldGeneration(r *rig) {
	r.create("s")
	r.commit("s", rec("sales", "1", "shared"))
	late := next(r.head("s"), rec("sales", "1", "old time line"), rec("sales", "2", "old time line"))
	late.Records[0].Version = 7
	r.ok(r.s.Raise(r.Context(), "s", gen(2), merge.Fork{Generation: gen(1), Seq: 1, At: 5}))
	h := r.head("s")
	r.same("head", r.fold(late), h)
	r.commit("s", rec("sales", "1", "new time line"))
	h = r.head("s")
	r.same("head", r.fold(late), h)
	if got := rows(r.changed("s", store.Position{}, 9, 0).Records); got != "sales/1@2" {
		r.Errorf("records %s", got)
	}
}

// ahead folds a first commit whose record and page carry version 9, as a
// process leaves them that is far ahead of the one that looks.
func (r *rig) ahead() {
	r.Helper()
	r.create("s")
	c := next(r.head("s"), rec("sales", "1", "ahead", "t9"), rec("sales", "2", "x"))
	c.Records[0].Version = 9
	c.Pages = []merge.Page{page("s", "x7", 0, 9)}
	r.fold(r.insert(c))
}

// written loads what ahead wrote.
func (r *rig) written() string {
	r.Helper()
	l := r.load("s", store.Want{Keys: []merge.Key{{Collection: "sales", ID: "1"}, {Collection: "sales", ID: "2"}}, Tags: []string{"t9", "t2"},
		Pages: []merge.PageKey{page("s", "x7", 0, 0).PageKey}})
	return fmt.Sprintf("%s, page @%d, tagged %v", rows(l.Records), l.Pages[0].Version, l.Tagged)
}

func (r *rig) behind() {
	r.Helper()
	c := next(r.head("s"), rec("sales", "1", "behind", "t2"), rec("sales", "2", "behind"))
	c.Pages = []merge.Page{page("s", "x7", 0, 2)}
	if h := r.fold(r.insert(c)); h.Applied != 2 {
		r.Errorf("the head is at %d", h.Applied)
	}
}

func foldUnderNewer(r *rig) {
	r.ahead()
	r.behind()
	if got, want := r.written(), "sales/1@9 sales/2@2, page @9, tagged map[t2:[] t9:[sales/1]]"; got != want {
		r.Errorf("got %s, want %s", got, want)
	}
}

func foldLaterGeneration(r *rig) {
	r.ahead()
	r.ok(r.s.Raise(r.Context(), "s", gen(2), merge.Fork{Generation: gen(1), Seq: 1, At: 5}))
	r.behind()
	if got, want := r.written(), "sales/1@2 sales/2@2, page @2, tagged map[t2:[sales/1] t9:[]]"; got != want {
		r.Errorf("got %s, want %s", got, want)
	}
}

func foldInOrder(r *rig) {
	r.create("s")
	for _, h := range []store.Head{
		{Scope: "s", Generation: gen(1), Applied: 1},
		{Scope: "s", Generation: gen(2), Applied: 0},
	} {
		c := next(h, rec("sales", "1", "early"))
		c.Pages = []merge.Page{page("s", "x7", 0, c.Seq)}
		_, err := r.s.Fold(r.Context(), c, store.Head{})
		r.is(err, store.ErrStale)
	}
	l, err := r.s.Load(r.Context(), "s", store.Want{Keys: []merge.Key{{Collection: "sales", ID: "1"}}, Pages: []merge.PageKey{page("s", "x7", 0, 0).PageKey}})
	r.ok(err)
	if len(l.Records)+len(l.Pages) != 0 || r.head("s").Applied != 0 {
		r.Error("a refused fold wrote something")
	}
}

func foldWithoutHead(r *rig) {
	_, err := r.s.Fold(r.Context(), next(store.Head{Scope: "nowhere", Generation: gen(1)}, rec("sales", "1", "x")), store.Head{})
	r.is(err, store.ErrAbsent)
}
