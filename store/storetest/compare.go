package storetest

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// expect compares the store's answer with the model's.
func expect(t *rapid.T, what string, got, want error) {
	t.Helper()
	if want == nil && got != nil || !errors.Is(got, want) {
		t.Fatalf("%s: error %v, want %v", what, got, want)
	}
}

// compare reads all that the last step could have changed, and now and then
// the log.
func (m *machine) compare(t *rapid.T) {
	if m.last == "" {
		return
	}
	s := m.scopes[m.last]
	h, err := m.s.Head(m.t.Context(), m.last)
	if !s.there {
		expect(t, "head", err, store.ErrAbsent)
		return
	}
	expect(t, "head", err, nil)
	s.read = append(s.read, h)
	h.Revision = 0
	alike(t, "head", h, s.head)
	m.compareRecords(t, m.last, s)
	if rapid.IntRange(0, 7).Draw(t, "log") == 0 {
		m.compareLog(t, m.last, s)
		m.compareHeads(t)
	}
}

func (m *machine) compareLog(t *rapid.T, name string, s *modelScope) {
	for seq := range s.head.Applied + 3 {
		for count := range s.head.Generation.Count + 2 {
			c, err := m.s.Entry(m.t.Context(), name, count, seq)
			if want := s.log[[2]uint64{uint64(count), uint64(seq)}]; want == nil {
				expect(t, "entry", err, store.ErrAbsent)
			} else if expect(t, "entry", err, nil); c.ID != want.ID {
				t.Fatalf("entry %d.%d is %s, want %s", count, seq, c.ID, want.ID)
			}
		}
	}
}

func (m *machine) compareHeads(t *rapid.T) {
	for _, u := range m.users {
		got, err := m.s.HeadsFor(m.t.Context(), u, nil)
		expect(t, "heads", err, nil)
		var have, want []string
		for _, name := range m.names {
			if merge.Ever(m.scopes[name].head.Access, u) {
				want = append(want, name)
			}
		}
		for _, h := range got {
			have = append(have, h.Scope)
		}
		alike(t, "heads", have, want)
	}
}

func alike(t *rapid.T, what string, got, want any) {
	t.Helper()
	if g, w := text(got), text(want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func (m *machine) compareRecords(t *rapid.T, name string, s *modelScope) {
	ctx := m.t.Context()
	var all []modelRecord
	tagged := map[string][]merge.Key{"t1": nil, "t2": nil}
	want := store.Want{Tags: []string{"t1", "t2"}}
	for _, k := range slices.SortedFunc(maps.Keys(s.records), merge.Key.Compare) {
		r := s.records[k]
		all = append(all, r)
		want.Keys = append(want.Keys, k)
		for _, tag := range r.Tags {
			tagged[tag] = append(tagged[tag], k)
		}
	}
	for n := range uint32(3) {
		want.Pages = append(want.Pages, page(name, "x7", n, 0).PageKey)
	}
	l, err := m.s.Load(ctx, name, want)
	expect(t, "load", err, nil)
	var records []store.Record
	for _, r := range all {
		records = append(records, r.Record)
	}
	alike(t, "records", l.Records, records)
	alike(t, "tagged", l.Tagged, tagged)
	if len(l.Pages) != len(s.pages) {
		t.Fatalf("%d pages, want %d", len(l.Pages), len(s.pages))
	}
	for _, p := range l.Pages {
		alike(t, "page", p, s.pages[p.PageKey].Page)
	}

	slices.SortFunc(all, func(a, b modelRecord) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.place, b.place))
	})
	upTo := merge.Seq(rapid.Uint64Range(0, uint64(s.head.Applied)).Draw(t, "up to"))
	var rowsWant []store.Record
	torn := false
	for _, r := range all {
		if r.Version <= upTo {
			rowsWant = append(rowsWant, r.Record)
		}
		torn = torn || r.Version > upTo
	}
	p, err := m.s.Changed(ctx, name, store.Position{}, upTo, 0, 1<<30)
	expect(t, "changed", err, nil)
	if rows(p.Records) != rows(rowsWant) || p.Torn != torn || p.More {
		t.Fatalf("changed up to %d: %s, torn %t, want %s, %t", upTo, rows(p.Records), p.Torn, rows(rowsWant), torn)
	}
}
