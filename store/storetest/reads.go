package storetest

import (
	"fmt"
	"strings"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (r *rig) load(scope string, want store.Want) store.Loaded {
	r.Helper()
	l, err := r.s.Load(r.Context(), scope, want)
	r.ok(err)
	return l
}

func loadKeys(r *rig) {
	r.create("s")
	b, a := rec("sales", "b", `ü"<&>`, "t"), dead("sales", "a")
	c := next(r.head("s"), b, a, rec("tasks", "a", "x"))
	r.fold(r.insert(c))
	l := r.load("s", store.Want{Keys: []merge.Key{{Collection: "sales", ID: "b"}, {Collection: "sales", ID: "zz"}, {Collection: "sales", ID: "a"},
		{Collection: "nothing", ID: "a"}, {Collection: "sales", ID: "b"}}})
	r.same("records", l.Records, []store.Record{c.Records[1], c.Records[0]})
	if len(l.Records) == 2 && string(l.Records[1].Fields) != string(b.Fields) {
		r.Errorf("fields %s, want %s", l.Records[1].Fields, b.Fields)
	}
	if l := r.load("s", store.Want{}); len(l.Records)+len(l.Tagged)+len(l.Pages)+len(l.Newest) != 0 {
		r.Errorf("asked for nothing, got %s", text(l.Records))
	}
}

func loadTags(r *rig) {
	r.create("s")
	r.commit("s", rec("sales", "b", "x", "day/1", "shop"), rec("sales", "a", "x", "shop"), dead("tasks", "c", "shop"), rec("sales", "d", "x"))
	check := func(want string) {
		r.Helper()
		l := r.load("s", store.Want{Keys: []merge.Key{{Collection: "sales", ID: "a"}}, Tags: []string{"shop", "day/1", "none", "shop"}})
		got := rows(l.Records)
		for _, tag := range []string{"day/1", "none", "shop"} {
			keys, asked := l.Tagged[tag]
			if !asked {
				r.Errorf("tag %s was not answered", tag)
			}
			got += fmt.Sprintf(" | %s %v", tag, keys)
		}
		if got != want || len(l.Tagged) != 3 {
			r.Errorf("\n got %s\nwant %s", got, want)
		}
	}
	check("sales/a@1 sales/b@1 -tasks/c@1 | day/1 [sales/b] | none [] | shop [sales/a sales/b tasks/c]")
	r.commit("s", rec("sales", "b", "y", "day/1"), rec("sales", "d", "y", "shop", "day/1"))
	check("sales/a@1 sales/b@2 sales/d@2 -tasks/c@1 | day/1 [sales/b sales/d] | none [] | shop [sales/a sales/d tasks/c]")
}

func loadPages(r *rig) {
	r.create("s")
	c := next(r.head("s"))
	c.Pages = []merge.Page{page("s", "x7", 0, 1), page("s", "x7", 12, 1), page("s", "x7", 9, 1), page("t", "x7", 1, 1)}
	r.fold(r.insert(c))
	key := func(about, inc string, n uint32) merge.PageKey { return page(about, inc, n, 0).PageKey }
	l := r.load("s", store.Want{Pages: []merge.PageKey{key("s", "x7", 9), key("s", "x7", 10), key("t", "x7", 0), key("s", "new", 0), key("s", "x7", 9)}})
	if len(l.Pages) != 1 || l.Pages[0].PageKey != key("s", "x7", 9) {
		r.Errorf("pages %s", text(l.Pages))
	} else {
		r.same("page", l.Pages[0], c.Pages[2])
	}
	want := map[merge.BookKey]int{key("s", "x7", 0).BookKey: 12, key("t", "x7", 0).BookKey: 1, key("s", "new", 0).BookKey: -1}
	for k, n := range want {
		if got, ok := l.Newest[k]; !ok || got != n {
			r.Errorf("newest of %v: %d %t, want %d", k, got, ok, n)
		}
	}
	if len(l.Newest) != len(want) {
		r.Errorf("newest %v", l.Newest)
	}
}

func loadMany(r *rig) {
	r.create("s")
	var keys []merge.Key
	var records []store.Record
	for i := range 200 {
		records = append(records, rec("sales", fmt.Sprintf("%04d", i), "x"))
	}
	r.commit("s", records...)
	for i := range 5000 {
		keys = append(keys, merge.Key{Collection: "sales", ID: fmt.Sprintf("%04d", i)})
	}
	if l := r.load("s", store.Want{Keys: keys}); len(l.Records) != 200 {
		r.Errorf("%d records", len(l.Records))
	}
}

func loadScopesApart(r *rig) {
	r.create("s")
	r.create("t")
	r.commit("s", rec("sales", "1", "s", "tag"))
	r.commit("t", rec("sales", "1", "t", "tag"))
	r.commit("t", rec("sales", "1", "tt"))
	want := store.Want{Keys: []merge.Key{{Collection: "sales", ID: "1"}}, Tags: []string{"tag"}}
	s, t := r.load("s", want), r.load("t", want)
	if rows(s.Records) != "sales/1@1" || len(s.Tagged["tag"]) != 1 || rows(t.Records) != "sales/1@2" || len(t.Tagged["tag"]) != 0 {
		r.Errorf("s: %s %v, t: %s %v", rows(s.Records), s.Tagged, rows(t.Records), t.Tagged)
	}
}

// history makes a scope whose records, in order, are: 2: case/z op/b op/a,
// 4: sales/a -sales/d, 5: sales/c, 6: sales/b.
func (r *rig) history(scope string) (order string) {
	r.Helper()
	r.create(scope)
	r.commit(scope, rec("sales", "a", "1"), rec("sales", "b", "1"), rec("sales", "d", "1"))
	r.commit(scope, rec("case", "z", "2", "tag"), rec("op", "b", "2"), rec("op", "a", "2")) // a case before its operations
	r.commit(scope)
	r.commit(scope, rec("sales", "a", "4"), dead("sales", "d"))
	r.commit(scope, rec("sales", "c", "5"))
	r.commit(scope, rec("sales", "b", "6"))
	return "case/z@2 op/b@2 op/a@2 sales/a@4 -sales/d@4 sales/c@5 sales/b@6"
}

func changedInOrder(r *rig) {
	want := r.history("s")
	if got := r.changed("s", store.Position{}, 6, 0); rows(got.Records) != want || got.Torn {
		r.Errorf("got %s, torn %t", rows(got.Records), got.Torn)
	}
	if got := r.changed("nowhere", store.Position{}, 6, 0); len(got.Records) != 0 || got.Torn {
		r.Errorf("an absent scope has %s", rows(got.Records))
	}
}

func changedPages(r *rig) {
	want := r.history("s")
	for _, limit := range []int{0, 1, 20, 40, 60, 1000} {
		var got []store.Record
		var at store.Position
		for n := 0; ; n++ {
			p, err := r.s.Changed(r.Context(), "s", at, 6, 0, limit)
			r.ok(err)
			got = append(got, p.Records...)
			if !p.More {
				break
			}
			if len(p.Records) == 0 || n > 20 {
				r.Fatal("the pages do not end")
			}
			last := p.Records[len(p.Records)-1]
			at = store.Position{Version: last.Version, Key: last.Key()}
		}
		if rows(got) != want {
			r.Errorf("limit %d: %s", limit, rows(got))
		}
	}
}

func changedLimit(r *rig) {
	r.create("s")
	long := strings.Repeat("x", 1000)
	r.commit("s", rec("sales", "a", long), rec("sales", "b", "x"), rec("sales", "c", "x"), rec("sales", "d", long), rec("sales", "e", "x"))
	a, small := rec("sales", "a", long), rec("sales", "b", "x")
	for _, tt := range []struct {
		limit int
		want  string
		more  bool
	}{
		{-1, "a", true},
		{1, "a", true},
		{a.Size(), "a", true},
		{a.Size() + 1, "ab", true},
		{a.Size() + small.Size(), "ab", true},
		{a.Size() + small.Size() + 1, "abc", true},
		{a.Size() + 2*small.Size() + 1, "abcd", true},
		{2*a.Size() + 3*small.Size(), "abcde", false},
		{1 << 30, "abcde", false},
	} {
		p, err := r.s.Changed(r.Context(), "s", store.Position{}, 1, 0, tt.limit)
		r.ok(err)
		got := ""
		for _, rec := range p.Records {
			got += rec.ID
		}
		if got != tt.want || p.More != tt.more {
			r.Errorf("limit %d: %s, more %t, want %s, %t", tt.limit, got, p.More, tt.want, tt.more)
		}
	}
}

func changedTorn(r *rig) {
	r.history("s")
	for _, tt := range []struct {
		after, upTo merge.Seq
		want        string
		torn        bool
	}{
		{0, 0, "", true},
		{0, 4, "case/z@2 op/b@2 op/a@2 sales/a@4 -sales/d@4", true},
		{2, 5, "sales/a@4 -sales/d@4 sales/c@5", true},
		{6, 5, "", true},
		{5, 6, "sales/b@6", false},
		{6, 6, "", false},
		{0, 9, "case/z@2 op/b@2 op/a@2 sales/a@4 -sales/d@4 sales/c@5 sales/b@6", false},
	} {
		p := r.changed("s", store.Position{Version: tt.after}, tt.upTo, 0)
		if rows(p.Records) != tt.want || p.Torn != tt.torn {
			r.Errorf("from %d to %d: %s, torn %t", tt.after, tt.upTo, rows(p.Records), p.Torn)
		}
	}
}

func changedDead(r *rig) {
	r.create("s")
	r.commit("s", rec("sales", "a", "1"), rec("sales", "b", "1"), rec("sales", "c", "1"))
	r.commit("s", dead("sales", "a"))
	r.commit("s", dead("sales", "b"))
	for skip, want := range map[merge.Seq]string{
		0: "sales/c@1 -sales/a@2 -sales/b@3",
		1: "sales/c@1 -sales/a@2 -sales/b@3",
		2: "sales/c@1 -sales/b@3",
		3: "sales/c@1",
		9: "sales/c@1",
	} {
		if got := rows(r.changed("s", store.Position{}, 3, skip).Records); got != want {
			r.Errorf("without the dead up to %d: %s, want %s", skip, got, want)
		}
	}
	p, err := r.s.Changed(r.Context(), "s", store.Position{}, 3, 3, 1)
	r.ok(err)
	if p.More {
		r.Error("only records that are left out follow, and the page has more")
	}
}

func changedMoved(r *rig) {
	r.create("s")
	r.commit("s", rec("sales", "c", "1"), rec("sales", "a", "1"), rec("sales", "b", "1"))
	r.commit("s", rec("sales", "d", "2"))
	at := store.Position{Version: 1, Key: merge.Key{Collection: "sales", ID: "a"}}
	if got := rows(r.changed("s", at, 2, 0).Records); got != "sales/b@1 sales/d@2" {
		r.Errorf("from a: %s", got)
	}
	r.commit("s", rec("sales", "a", "3"))
	if got := rows(r.changed("s", at, 3, 0).Records); got != "sales/c@1 sales/b@1 sales/d@2 sales/a@3" {
		r.Errorf("from a, which has moved: %s", got)
	}
	r.commit("s", dead("sales", "b"))
	at.Key.ID = "c"
	if got := rows(r.changed("s", at, 4, 0).Records); got != "sales/d@2 sales/a@3 -sales/b@4" {
		r.Errorf("from c: %s", got)
	}
}

func changedPassed(r *rig) {
	r.history("s")
	for after, want := range map[merge.Seq]string{1: "case/z@2 op/b@2 op/a@2 sales/a@4", 2: "sales/a@4", 3: "sales/a@4", 4: ""} {
		p := r.changed("s", store.Position{Version: after}, 4, 4)
		if got := rows(p.Records); got != want {
			r.Errorf("after %d: %s, want %s", after, got, want)
		}
	}
}

func changedPublic(r *rig) {
	r.history("s")
	for _, rec := range r.changed("s", store.Position{}, 6, 0).Records {
		if len(rec.State) != 0 || len(rec.Tags) != 0 || len(rec.Fields) == 0 {
			r.Errorf("%s carries state %s, tags %v, fields %s", rec.Key(), rec.State, rec.Tags, rec.Fields)
		}
	}
}
