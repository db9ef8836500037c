package sim

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// Stages keeps the world as it is before the first step, so that not every seed
// has to set the stage again: who is there does not depend on the seed, only
// what they do. Safe for concurrent use.
type Stages struct {
	mu      sync.Mutex
	schemas []*merge.Schema
	ready   map[bool]*stage // by whether the cast is small
}

// catalogues are those of every world, oldest first: nobody writes into them.
func (s *Stages) catalogues() ([]*merge.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for version := len(s.schemas) + 1; version <= newest; version++ {
		c, err := catalogue(version)
		if err != nil {
			return nil, err
		}
		s.schemas = append(s.schemas, c)
	}
	return s.schemas, nil
}

// newest is the version that the servers have; apps may be older.
const newest = 4

// catalogue is that of the domain, and two collections of which records may be
// deleted: nobody of the domain deletes what others work on. The second version
// brings a field, the third a word and a collection, the fourth another field.
func catalogue(version int) (*merge.Schema, error) {
	real, err := domain.Catalogue()
	if err != nil {
		return nil, err
	}
	people := []merge.Role{merge.Owner, merge.Staff, merge.Mentor}
	text := merge.Type{Kind: merge.Text, Max: 200}
	all := slices.Clone(real.Collections)
	mood := merge.Type{Kind: merge.Enum, Enum: []string{"calm", "other"}}
	if version >= 3 {
		mood.Enum, mood.Words = append(mood.Enum, "festive"), map[string]merge.Word{"festive": {Since: 3, Older: "other"}}
		all = append(all, &merge.Collection{Name: card, Scope: domain.ScopeBusiness, Since: 3, Create: people, Fields: []merge.Field{
			{Name: "text", Type: text, Policy: merge.Latest, Write: people}}})
	}
	for name, policy := range map[string]merge.DeletePolicy{memo: merge.Keep, pin: merge.DeleteWins} {
		c := &merge.Collection{Name: name, Scope: domain.ScopeBusiness, Create: people, Delete: people, OnDelete: policy, Fields: []merge.Field{
			{Name: "text", Type: text, Policy: merge.Latest, Write: people},
			{Name: "mood", Type: mood, Policy: merge.Latest, Write: people},
			{Name: "words", Type: text, Policy: merge.Set, Max: 20, Write: people}}}
		if version >= 2 {
			c = c.Extended(merge.Field{Name: "hint", Type: text, Policy: merge.Latest, Write: people, Since: 2})
		}
		if version >= 4 {
			c = c.Extended(merge.Field{Name: "tone", Type: text, Policy: merge.Latest, Write: people, Since: 4})
		}
		all = append(all, c)
	}
	s, err := merge.NewSchema(version, all...)
	if err != nil {
		return nil, err
	}
	s.Refused, s.Shared, s.Sources = real.Refused, real.Shared, real.Sources
	return s, nil
}

// Collections of the simulator's own: with the one an edit keeps a record alive
// that somebody deletes meanwhile, with the other it does not.
const memo, pin = "memo", "pin"

// card is a collection that older apps do not know.
const card = "card"

// stage is a world at rest.
type stage struct {
	disk     Disk
	identity *storefault.MemoryIdentity
	now      time.Time
	from     *world
}

// build sets the stage for worlds such as w, in a world of its own.
func (s *Stages) build(w *world) error {
	cfg := w.cfg
	cfg.Seed, cfg.Trace, cfg.Points = 0, nil, nil
	first := newWorld(w.ctx, cfg, w.schemas)
	var err error
	if first.disk, err = cfg.Open(); err != nil {
		return err
	}
	if err = first.settle(); err == nil {
		err = s.keep(first)
	}
	return errors.Join(err, first.close())
}

// keep remembers the world as it stands now.
func (s *Stages) keep(w *world) error {
	disk, err := w.disk.Copy()
	if err != nil {
		return err
	}
	from := *w
	from.phones = nil
	for _, p := range w.phones {
		q := *p
		q.memory = p.memory.Clone()
		from.phones = append(from.phones, &q)
	}
	from.shops = copyShops(w.shops)
	from.made = maps.Clone(w.made)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready == nil {
		s.ready = map[bool]*stage{}
	}
	if s.ready[w.small()] != nil { // another worker was faster
		return disk.Close()
	}
	s.ready[w.small()] = &stage{disk: disk, identity: w.identity.Copy(), now: w.clock.Now(), from: &from}
	return nil
}

// set puts w on a stage that was kept. ok is false if there is none.
func (s *Stages) set(w *world) (ok bool, err error) {
	s.mu.Lock()
	st := s.ready[w.small()]
	s.mu.Unlock()
	if st == nil {
		return false, nil
	}
	if w.disk, err = st.disk.Copy(); err != nil {
		return false, err
	}
	w.clock.Set(st.now)
	w.identity = st.identity.Copy()
	w.verified = st.from.verified // holds the tokens of the stage for all; every other token has a world of its own
	w.people, w.numbers, w.installs = st.from.people, st.from.numbers, st.from.installs
	w.shops = copyShops(st.from.shops)
	twin := map[*phone]*phone{}
	for _, p := range st.from.phones {
		q := &phone{w: w, person: p.person, label: p.label, memory: p.memory.Clone(), booted: p.booted, install: p.install, version: p.version, verdicts: map[name]protocol.Verdict{}}
		q.open()
		w.phones = append(w.phones, q)
		twin[p] = q
	}
	for k, e := range st.from.made {
		c := *e
		for p, q := range twin {
			if p.label == e.by.label {
				c.by = q
			}
		}
		w.made[k] = &c
	}
	w.report.Edits = st.from.report.Edits
	return true, nil
}

// Close gives the disks of the stages back.
func (s *Stages) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, st := range s.ready {
		errs = append(errs, st.disk.Close())
	}
	s.ready = nil
	return errors.Join(errs...)
}

func copyShops(shops []*shop) []*shop {
	var out []*shop
	for _, s := range shops {
		c := *s
		c.windows = nil
		for _, x := range s.windows {
			y := *x
			c.windows = append(c.windows, &y)
		}
		out = append(out, &c)
	}
	return out
}
