package storetest

import (
	"fmt"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func eraseRecords(r *rig) {
	r.create("s")
	r.commit("s", dead("sales", "1", "t1"), rec("sales", "2", "alive", "t1"))
	r.commit("s", dead("sales", "3", "t1"))
	r.commit("s", dead("sales", "4", "t1"))
	before := r.changed("s", store.Position{}, 3, 0)
	h := r.head("s")
	keys := []merge.Key{{Collection: "sales", ID: "1"}, {Collection: "sales", ID: "2"}, {Collection: "sales", ID: "3"}, {Collection: "sales", ID: "4"}}
	was := r.load("s", store.Want{Keys: keys})
	r.ok(r.s.Erase(r.Context(), "s", 0, 2))
	r.ok(r.s.Erase(r.Context(), "s", 0, 2))
	l := r.load("s", store.Want{Keys: keys, Tags: []string{"t1"}})
	r.same("records", l.Records, []store.Record{was.Records[0].Erased(), was.Records[1], was.Records[2].Erased(), was.Records[3]})
	if got := fmt.Sprint(l.Tagged["t1"]); got != "[sales/2 sales/4]" {
		r.Errorf("tagged %s", got)
	}
	if got, want := rows(r.changed("s", store.Position{}, 3, 0).Records), rows(before.Records); got != want {
		r.Errorf("changes %s, want %s", got, want)
	}
	r.same("head", r.head("s"), h)
	r.ok(r.s.Erase(r.Context(), "s", 3, 9)) // that one lies before it
	r.same("the last", r.load("s", store.Want{Keys: keys[3:]}).Records, was.Records[3:])
}

func erasePages(r *rig) {
	r.create("s")
	c := next(r.head("s"))
	for number := range uint32(3) {
		c.Pages = append(c.Pages, page("s", "x7", number, 1), page("s", "x8", 0, 1))
	}
	r.fold(r.insert(c))
	late := next(r.head("s"))
	late.Pages = []merge.Page{page("s", "x7", 1, 2)}
	r.fold(r.insert(late))
	var want []merge.PageKey
	for number := range uint32(3) {
		want = append(want, page("s", "x7", number, 0).PageKey)
	}
	want = append(want, page("s", "x8", 0, 0).PageKey)
	r.ok(r.s.Erase(r.Context(), "s", 0, 1))
	l := r.load("s", store.Want{Pages: want})
	got := map[merge.PageKey]string{}
	for _, p := range l.Pages {
		got[p.PageKey] = fmt.Sprintf("%d@%d", len(p.Entries), p.Version)
	}
	for i, w := range []string{"0@1", "1@2", "1@1", "1@1"} {
		if got[want[i]] != w {
			r.Errorf("page %v: %s, want %s", want[i], got[want[i]], w)
		}
	}
	if l.Newest[want[0].BookKey] != 2 {
		r.Errorf("newest %d", l.Newest[want[0].BookKey])
	}
}

func eraseGuards(r *rig) {
	r.create("s")
	c := next(r.head("s"), dead("sales", "1"))
	c.Pages = []merge.Page{page("s", "x7", 0, 1), page("s", "x7", 1, 1)}
	r.fold(r.insert(c))
	r.ok(r.s.Erase(r.Context(), "s", 0, 1))
	r.fold(c)
	stalled := next(r.head("s"), dead("sales", "1")) // the very states, by somebody who found the head before them
	stalled.Records[0].Version, stalled.Pages = 1, c.Pages[:1]
	r.fold(r.insert(stalled))
	l := r.load("s", store.Want{Keys: []merge.Key{{Collection: "sales", ID: "1"}}, Pages: []merge.PageKey{c.Pages[0].PageKey}})
	if string(l.Records[0].State) != merge.GoneState || len(l.Pages[0].Entries) != 0 {
		r.Errorf("written back: %s, %d entries", l.Records[0].State, len(l.Pages[0].Entries))
	}
	r.commit("s", rec("sales", "1", "newer")) // what is newer counts
	if got := r.load("s", store.Want{Keys: []merge.Key{{Collection: "sales", ID: "1"}}}).Records; string(got[0].Fields) != `{"note":"newer"}` {
		r.Errorf("records %s", text(got))
	}
}
