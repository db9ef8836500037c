package storefault

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

var _ store.Store = (*Poor)(nil)

// Create keeps the promise of store.Log.
func (p *Poor) Create(_ context.Context, h store.Head) error {
	c := p.call("Create")
	h = h.Clone()
	h.Revision = 1
	return insert(c, "head", c.disk.heads, h.Scope, h)
}

// Insert keeps the promise of store.Log.
func (p *Poor) Insert(_ context.Context, commit *store.Commit) error {
	c := p.call("Insert")
	return insert(c, "entry", c.in(commit.Scope).log, placeOf(commit), cloneCommit(commit))
}

func placeOf(c *store.Commit) place { return place{c.Generation.Count, c.Seq} }

// Withdraw keeps the promise of store.Log.
func (p *Poor) Withdraw(_ context.Context, commit *store.Commit) error {
	c := p.call("Withdraw")
	log := c.in(commit.Scope).log
	d, err := read(c, "entry", log, placeOf(commit))
	if err != nil || d.rev == 0 || d.v.ID != commit.ID {
		return err
	}
	return unlessStale(remove(c, "entry", log, placeOf(commit), d.rev))
}

// unlessStale drops the answer that a document is gone or newer already.
func unlessStale(err error) error {
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	return err
}

// Entry keeps the promise of store.Log.
func (p *Poor) Entry(_ context.Context, scope string, generation uint32, seq merge.Seq) (*store.Commit, error) {
	c := p.call("Entry")
	d, err := read(c, "entry", c.in(scope).log, place{generation, seq})
	if err != nil {
		return nil, err
	}
	if d.rev == 0 {
		return nil, store.ErrAbsent
	}
	return cloneCommit(d.v), nil
}

// Chain keeps the promise of store.Log.
func (p *Poor) Chain(_ context.Context, scope string, generation uint32, seq merge.Seq) (string, error) {
	c := p.call("Chain")
	d, err := read(c, "entry", c.in(scope).log, place{generation, seq})
	if err != nil {
		return "", err
	}
	if d.rev == 0 {
		return "", store.ErrAbsent
	}
	return d.v.Chain, nil
}

// Fold keeps the promise of store.Log: records, then pages, then the head, each
// by itself.
func (p *Poor) Fold(_ context.Context, commit *store.Commit, _ store.Head) (store.Head, error) {
	c := p.call("Fold")
	h, err := c.head(commit.Scope)
	if err != nil {
		return store.Head{}, err
	}
	next, err := h.v.Folded(commit)
	if err != nil || next.Revision == h.v.Revision {
		return next.Clone(), err
	}
	s := c.in(commit.Scope)
	g := commit.Generation.Count
	for i, r := range commit.Records {
		put := record{g, i, cloneRecord(r)}
		if err := raise(c, "record", s.records, r.Key(), put, func(old record) bool {
			return older(old.generation, old.Version, g, r.Version)
		}); err != nil {
			return store.Head{}, err
		}
	}
	for _, pg := range commit.Pages {
		put := page{g, pg}
		put.Entries = maps.Clone(pg.Entries)
		if err := raise(c, "page", s.pages, pg.PageKey, put, func(old page) bool {
			return older(old.generation, old.Version, g, pg.Version)
		}); err != nil {
			return store.Head{}, err
		}
	}
	return c.change(commit.Scope, func(h store.Head) (store.Head, error) { return h.Folded(commit) })
}

// older reports whether (g, v) is lower than (og, ov).
func older(g uint32, v merge.Seq, og uint32, ov merge.Seq) bool { return g < og || g == og && v < ov }

// raise puts v unless the stored document is not lower; then it is done.
func raise[K comparable, V any](c *call, kind string, s shelf[K, V], k K, v V, lower func(old V) bool) error {
	for {
		d, err := read(c, kind, s, k)
		switch {
		case err != nil:
			return err
		case d.rev == 0:
			err = insert(c, kind, s, k, v)
		case lower(d.v):
			err = replace(c, kind, s, k, d.rev, v)
		}
		if !errors.Is(err, store.ErrTaken) && !errors.Is(err, store.ErrStale) {
			return err
		}
	}
}

// head reads a head to change it; what it holds must not be written.
func (c *call) head(scope string) (doc[store.Head], error) {
	d, err := read(c, "head", c.disk.heads, scope)
	if err == nil && d.rev == 0 {
		err = store.ErrAbsent
	}
	return d, err
}

// change replaces the head by what how makes of it and gives the result.
func (c *call) change(scope string, how func(store.Head) (store.Head, error)) (store.Head, error) {
	for {
		d, err := c.head(scope)
		if err != nil {
			return store.Head{}, err
		}
		h, err := how(d.v)
		if err != nil || h.Revision == d.v.Revision {
			return h.Clone(), err
		}
		err = replace(c, "head", c.disk.heads, scope, d.rev, h)
		if !errors.Is(err, store.ErrStale) {
			return h.Clone(), err
		}
	}
}

// Expect keeps the promise of store.Log.
func (p *Poor) Expect(_ context.Context, scope string) error {
	_, err := p.call("Expect").change(scope, func(h store.Head) (store.Head, error) { return h.Expecting(), nil })
	return err
}

// Done keeps the promise of store.Log.
func (p *Poor) Done(_ context.Context, scope, follower string, seq merge.Seq) error {
	_, err := p.call("Done").change(scope, func(h store.Head) (store.Head, error) { return h.Cleared(follower, seq), nil })
	return err
}

// Erase keeps the promise of store.Log: document by document, each if nobody was
// faster.
func (p *Poor) Erase(_ context.Context, scope string, from, upTo merge.Seq) error {
	c := p.call("Erase")
	s := c.in(scope)
	dead, err := scan(c, "records", s.records, func(r record) bool {
		return r.Deleted && r.Version > from && r.Version <= upTo && string(r.State) != merge.GoneState
	})
	if err != nil {
		return err
	}
	sortBy(dead, func(a, b record) bool { return a.Key().Compare(b.Key()) < 0 })
	for _, d := range dead {
		d.v.Record = d.v.Erased()
		if err := unlessStale(replace(c, "record", s.records, d.v.Key(), d.rev, d.v)); err != nil {
			return err
		}
	}
	pages, err := scan(c, "pages", s.pages, func(page) bool { return true })
	if err != nil {
		return err
	}
	newest := map[merge.BookKey]uint32{}
	for _, d := range pages {
		newest[d.v.BookKey] = max(newest[d.v.BookKey], d.v.PageKey.Page)
	}
	sortBy(pages, func(a, b page) bool { return fmt.Sprint(a.PageKey) < fmt.Sprint(b.PageKey) })
	for _, d := range pages {
		if d.v.Version > upTo || len(d.v.Entries) == 0 || d.v.PageKey.Page == newest[d.v.BookKey] {
			continue
		}
		d.v.Entries = map[uint64]merge.Entry{}
		if err := unlessStale(replace(c, "page", s.pages, d.v.PageKey, d.rev, d.v)); err != nil {
			return err
		}
	}
	return nil
}

// Raise keeps the promise of store.Log.
func (p *Poor) Raise(_ context.Context, scope string, next merge.Generation, fork merge.Fork) error {
	_, err := p.call("Raise").change(scope, func(h store.Head) (store.Head, error) { return h.Raised(next, fork) })
	return err
}

// Prune keeps the promise of store.Log: the mark first, then entry by entry.
func (p *Poor) Prune(_ context.Context, scope string, upTo merge.Seq) error {
	c := p.call("Prune")
	h, err := c.change(scope, func(h store.Head) (store.Head, error) { return h.Prunable(upTo), nil })
	if err != nil {
		return err
	}
	log := c.in(scope).log
	gone, err := scan(c, "entries", log, func(e *store.Commit) bool {
		return e.Generation.Count <= h.Generation.Count && e.Seq <= h.Pruned
	})
	if err != nil {
		return err
	}
	sortBy(gone, func(a, b *store.Commit) bool {
		return a.Generation.Count < b.Generation.Count || a.Generation.Count == b.Generation.Count && a.Seq < b.Seq
	})
	for _, d := range gone {
		if err := unlessStale(remove(c, "entry", log, placeOf(d.v), d.rev)); err != nil {
			return err
		}
	}
	return nil
}
