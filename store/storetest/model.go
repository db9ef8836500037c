package storetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// likeTheModel does the same random steps to the store and to a model that is
// too simple to be wrong, and compares all that can be read after each.
func likeTheModel(r *rig) {
	run := 0
	rapid.Check(r.T, func(t *rapid.T) {
		if run++; run%stride != 0 {
			return
		}
		m := &machine{s: r.s, t: r.T, users: []string{fmt.Sprint("u1-", run), fmt.Sprint("u2-", run)}, scopes: map[string]*modelScope{}}
		for _, name := range []string{"a", "b"} {
			name = fmt.Sprintf("%s-%d", name, run)
			m.names = append(m.names, name)
			m.scopes[name] = &modelScope{log: map[[2]uint64]*store.Commit{}, records: map[merge.Key]modelRecord{}, pages: map[merge.PageKey]modelPage{}}
		}
		t.Repeat(map[string]func(*rapid.T){
			"create":   m.create,
			"commit":   m.commit,
			"insert":   m.insert,
			"fold":     m.fold,
			"withdraw": m.withdraw,
			"expect":   m.expect,
			"done":     m.done,
			"prune":    m.prune,
			"erase":    m.erase,
			"raise":    m.raise,
			"":         m.compare,
		})
	})
}

type machine struct {
	s      store.Store
	t      *testing.T
	users  []string
	names  []string
	scopes map[string]*modelScope
	last   string // the scope of the last step
	tries  int
}

// modelScope is all that is known of one scope. Its head has no Revision.
type modelScope struct {
	there   bool
	head    store.Head
	log     map[[2]uint64]*store.Commit // by generation count and seq
	records map[merge.Key]modelRecord
	pages   map[merge.PageKey]modelPage
	read    []store.Head // in the generation of now
}

type modelRecord struct {
	generation uint32
	place      int
	store.Record
}

type modelPage struct {
	generation uint32
	merge.Page
}

func (m *machine) draw(t *rapid.T) (string, *modelScope) {
	name := rapid.SampledFrom(m.names).Draw(t, "scope")
	m.last = name
	return name, m.scopes[name]
}

func (m *machine) create(t *rapid.T) {
	name, s := m.draw(t)
	h := store.Head{Scope: name, Generation: gen(1), Access: member(m.users[0])}
	err := m.s.Create(m.t.Context(), h)
	if s.there {
		expect(t, "create", err, store.ErrTaken)
		return
	}
	expect(t, "create", err, nil)
	s.there, s.head = true, h
}

// make draws a commit behind seq applied of generation count.
func (m *machine) make(t *rapid.T, name string, count uint32, applied merge.Seq) *store.Commit {
	h := store.Head{Scope: name, Generation: gen(count), Applied: applied,
		Access: member(m.users[:rapid.IntRange(0, 2).Draw(t, "members")]...)}
	var records []store.Record
	for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID[string]).Draw(t, "records") {
		tags := rapid.SampledFrom([][]string{nil, {"t1"}, {"t1", "t2"}}).Draw(t, "tags")
		r := rec("sales", id, fmt.Sprint(m.tries), tags...)
		r.Deleted = rapid.Bool().Draw(t, "deleted")
		records = append(records, r)
	}
	c := next(h, records...)
	m.tries++
	c.ID = fmt.Sprint("try", m.tries)
	if rapid.Bool().Draw(t, "page") {
		c.Pages = []merge.Page{page(name, "x7", rapid.Uint32Range(0, 2).Draw(t, "number"), c.Seq)}
	}
	if rapid.IntRange(0, 3).Draw(t, "todo") == 0 {
		c.Todo = map[string]merge.Seq{"push": c.Seq}
	}
	return c
}

func (m *machine) commit(t *rapid.T) {
	name, s := m.draw(t)
	c := m.make(t, name, max(s.head.Generation.Count, 1), s.head.Applied)
	if a, ok := m.s.(store.Appender); ok && rapid.Bool().Draw(t, "append") {
		_, err := a.Append(m.t.Context(), c)
		switch {
		case !s.there:
			expect(t, "append", err, store.ErrAbsent)
		case c.Seq <= s.head.Pruned:
			expect(t, "append", err, store.ErrStale)
		case s.log[place(c)] != nil:
			expect(t, "append", err, store.ErrTaken)
		default:
			expect(t, "append", err, nil)
			s.log[place(c)] = c
			s.fold(c)
		}
		return
	}
	m.place(t, s, c)
	m.carry(t, s, c)
}

func place(c *store.Commit) [2]uint64 { return [2]uint64{uint64(c.Generation.Count), uint64(c.Seq)} }

func (m *machine) insert(t *rapid.T) {
	name, s := m.draw(t)
	count, ahead := rapid.Uint32Range(1, 3).Draw(t, "generation"), rapid.Uint64Range(0, 2).Draw(t, "ahead")
	m.place(t, s, m.make(t, name, count, s.head.Applied+merge.Seq(ahead)))
}

func (m *machine) place(t *rapid.T, s *modelScope, c *store.Commit) {
	err := m.s.Insert(m.t.Context(), c)
	if s.log[place(c)] != nil {
		expect(t, "insert", err, store.ErrTaken)
		return
	}
	expect(t, "insert", err, nil)
	s.log[place(c)] = c
}

// some draws an entry of the log, or gives nil.
func (s *modelScope) some(t *rapid.T) *store.Commit {
	if len(s.log) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(s.log), func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) })
	return s.log[rapid.SampledFrom(keys).Draw(t, "entry")]
}

func (m *machine) fold(t *rapid.T) {
	_, s := m.draw(t)
	c := s.log[[2]uint64{uint64(s.head.Generation.Count), uint64(s.head.Applied + 1)}]
	if c == nil || rapid.Bool().Draw(t, "any") {
		c = s.some(t)
	}
	if c != nil {
		m.carry(t, s, c)
	}
}

// carry folds what the log has in c's place, as everybody does.
func (m *machine) carry(t *rapid.T, s *modelScope, c *store.Commit) {
	c = s.log[place(c)]
	from := rapid.SampledFrom(append([]store.Head{{}}, s.read...)).Draw(t, "from")
	_, err := m.s.Fold(m.t.Context(), c, from)
	expect(t, "fold", err, s.fold(c))
}

func (s *modelScope) fold(c *store.Commit) error {
	g := s.head.Generation.Count
	switch {
	case !s.there:
		return store.ErrAbsent
	case g > c.Generation.Count || g == c.Generation.Count && s.head.Applied >= c.Seq:
		return nil
	case g < c.Generation.Count || s.head.Applied+1 < c.Seq:
		return store.ErrStale
	}
	for i, r := range c.Records {
		if old, ok := s.records[r.Key()]; !ok || newer(g, r.Version, old.generation, old.Version) {
			s.records[r.Key()] = modelRecord{g, i, r}
		}
	}
	for _, p := range c.Pages {
		if old, ok := s.pages[p.PageKey]; !ok || newer(g, p.Version, old.generation, old.Version) {
			s.pages[p.PageKey] = modelPage{g, p}
		}
	}
	h := &s.head
	h.Applied, h.Time, h.Chain, h.Sum, h.Access = c.Seq, c.Time, c.Chain, c.Sum, c.Access
	todo := maps.Clone(h.Todo)
	for f, seq := range c.Todo {
		if todo == nil {
			todo = map[string]merge.Seq{}
		}
		todo[f] = max(todo[f], seq)
	}
	h.Todo = todo
	return nil
}

func newer(g uint32, v merge.Seq, og uint32, ov merge.Seq) bool {
	return cmp.Or(cmp.Compare(g, og), cmp.Compare(v, ov)) > 0
}

func (m *machine) withdraw(t *rapid.T) {
	_, s := m.draw(t)
	c := s.some(t)
	if c == nil {
		return
	}
	asked := *c
	if rapid.Bool().Draw(t, "foreign") {
		asked.ID = "foreign"
	} else {
		delete(s.log, place(c))
	}
	expect(t, "withdraw", m.s.Withdraw(m.t.Context(), &asked), nil)
}

func (m *machine) expect(t *rapid.T) {
	name, s := m.draw(t)
	err := m.s.Expect(m.t.Context(), name)
	if !s.there {
		expect(t, "expect", err, store.ErrAbsent)
		return
	}
	expect(t, "expect", err, nil)
	s.head.Foreign = true
}

func (m *machine) done(t *rapid.T) {
	name, s := m.draw(t)
	seq := rapid.SampledFrom([]merge.Seq{s.head.Todo["push"], s.head.Applied}).Draw(t, "seq")
	err := m.s.Done(m.t.Context(), name, "push", seq)
	if !s.there {
		expect(t, "done", err, store.ErrAbsent)
		return
	}
	expect(t, "done", err, nil)
	if mark, ok := s.head.Todo["push"]; ok && mark == seq {
		s.head.Todo = nil // the only follower
	}
}

func (m *machine) prune(t *rapid.T) {
	name, s := m.draw(t)
	upTo := merge.Seq(rapid.Uint64Range(0, 6).Draw(t, "up to"))
	err := m.s.Prune(m.t.Context(), name, upTo)
	if !s.there {
		expect(t, "prune", err, store.ErrAbsent)
		return
	}
	expect(t, "prune", err, nil)
	if len(s.head.Todo) == 0 && s.head.Applied > 0 {
		s.head.Pruned = max(s.head.Pruned, min(upTo, s.head.Applied-1))
	}
	maps.DeleteFunc(s.log, func(k [2]uint64, _ *store.Commit) bool {
		return k[0] <= uint64(s.head.Generation.Count) && k[1] <= uint64(s.head.Pruned)
	})
}

func (m *machine) erase(t *rapid.T) {
	name, s := m.draw(t)
	from := merge.Seq(rapid.Uint64Range(0, 3).Draw(t, "from"))
	upTo := from + merge.Seq(rapid.Uint64Range(0, 4).Draw(t, "reach"))
	expect(t, "erase", m.s.Erase(m.t.Context(), name, from, upTo), nil) // without a scope there is nothing to do
	for k, r := range s.records {
		if r.Deleted && r.Version > from && r.Version <= upTo {
			r.Record = r.Erased()
			s.records[k] = r
		}
	}
	newest := map[merge.BookKey]uint32{}
	for k := range s.pages {
		newest[k.BookKey] = max(newest[k.BookKey], k.Page)
	}
	for k, p := range s.pages {
		if p.Version <= upTo && k.Page < newest[k.BookKey] {
			p.Entries = map[uint64]merge.Entry{}
			s.pages[k] = p
		}
	}
}

func (m *machine) raise(t *rapid.T) {
	name, s := m.draw(t)
	count := rapid.Uint32Range(1, 3).Draw(t, "old")
	fork := merge.Fork{Generation: gen(count), Seq: s.head.Applied, At: 9}
	if rapid.IntRange(0, 3).Draw(t, "late") == 0 {
		fork.Seq++
	}
	err := m.s.Raise(m.t.Context(), name, gen(count+1), fork)
	switch {
	case !s.there:
		expect(t, "raise", err, store.ErrAbsent)
	case s.head.Generation.Count != count || s.head.Applied != fork.Seq:
		expect(t, "raise", err, store.ErrStale)
	default:
		expect(t, "raise", err, nil)
		s.head.Generation, s.head.Forks = gen(count+1), append(s.head.Forks, fork)
		s.read = nil
	}
}
