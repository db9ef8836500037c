package storefault

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Head keeps the promise of store.Log.
func (p *Poor) Head(_ context.Context, scope string) (store.Head, error) {
	d, err := p.call("Head").head(scope)
	return d.v.Clone(), err
}

// Look keeps the promise of store.Log.
func (p *Poor) Look(_ context.Context, scope string) (store.Head, store.Epochs, error) {
	c := p.call("Look")
	d, err := c.head(scope)
	if err != nil {
		return store.Head{}, store.Epochs{}, err
	}
	e, err := c.epochs()
	return d.v.Clone(), e, err
}

// HeadsFor keeps the promise of store.Log.
func (p *Poor) HeadsFor(_ context.Context, user string, scopes []string) ([]store.Head, error) {
	return p.call("HeadsFor").heads(-1, func(h store.Head) bool { return h.Names(user) || slices.Contains(scopes, h.Scope) })
}

// CatchUp keeps the promise of store.Log: a read is poor, and never old.
func (p *Poor) CatchUp(context.Context, string) error { return nil }

// Waiting keeps the promise of store.Log.
func (p *Poor) Waiting(_ context.Context, follower string, limit int) ([]store.Head, error) {
	return p.call("Waiting").heads(limit, func(h store.Head) bool {
		_, marked := h.Todo[follower]
		return marked
	})
}

// Scopes keeps the promise of store.Log.
func (p *Poor) Scopes(_ context.Context, after string, limit int) ([]string, error) {
	return names(p.call("Scopes").heads(limit, func(h store.Head) bool { return h.Scope > after }))
}

// Unfolded keeps the promise of store.Log.
func (p *Poor) Unfolded(_ context.Context, limit int) ([]string, error) {
	c := p.call("Unfolded")
	return names(c.heads(limit, func(h store.Head) bool {
		s := c.disk.scopes[h.Scope] // the scan holds the lock
		if s == nil {
			return false
		}
		if _, next := s.log[place{h.Generation.Count, h.Applied + 1}]; next {
			return true
		}
		for at := range s.log {
			if at.generation == h.Generation.Count && at.seq > h.Applied {
				return true
			}
		}
		return false
	}))
}

// heads gives up to limit heads that pass, by scope; a negative limit is none.
func (c *call) heads(limit int, pass func(store.Head) bool) ([]store.Head, error) {
	found, err := scan(c, "heads", c.disk.heads, pass)
	if err != nil {
		return nil, err
	}
	sortBy(found, func(a, b store.Head) bool { return a.Scope < b.Scope })
	if limit >= 0 && len(found) > limit {
		found = found[:limit]
	}
	out := make([]store.Head, len(found))
	for i, d := range found {
		out[i] = d.v.Clone()
	}
	return out, nil
}

func names(heads []store.Head, err error) ([]string, error) {
	var out []string
	for _, h := range heads {
		out = append(out, h.Scope)
	}
	return out, err
}

func sortBy[V any](docs []doc[V], less func(a, b V) bool) {
	slices.SortFunc(docs, func(a, b doc[V]) int {
		switch {
		case less(a.v, b.v):
			return -1
		case less(b.v, a.v):
			return 1
		}
		return 0
	})
}

// Load keeps the promise of store.Log. Keys, tags and pages are read one after
// the other.
func (p *Poor) Load(_ context.Context, scope string, want store.Want) (store.Loaded, error) {
	c := p.call("Load")
	s := c.in(scope)
	out := store.Loaded{Tagged: map[string][]merge.Key{}, Newest: map[merge.BookKey]int{}}
	found := map[merge.Key]store.Record{}
	if len(want.Keys) > 0 {
		if err := c.primitive("read records", func() error {
			for _, k := range want.Keys {
				if d, ok := s.records[k]; ok {
					found[k] = d.v.Record
				}
			}
			return nil
		}); err != nil {
			return out, err
		}
	}
	if len(want.Tags) > 0 {
		tagged, err := scan(c, "tagged records", s.records, func(r record) bool {
			return slices.ContainsFunc(r.Tags, func(t string) bool { return slices.Contains(want.Tags, t) })
		})
		if err != nil {
			return out, err
		}
		sortBy(tagged, func(a, b record) bool { return a.Key().Compare(b.Key()) < 0 })
		for _, t := range want.Tags {
			out.Tagged[t] = nil
		}
		for _, d := range tagged {
			found[d.v.Key()] = d.v.Record
			for _, t := range slices.Compact(slices.Sorted(slices.Values(d.v.Tags))) {
				if _, asked := out.Tagged[t]; asked {
					out.Tagged[t] = append(out.Tagged[t], d.v.Key())
				}
			}
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(found), merge.Key.Compare) {
		r := found[k]
		r.Tags = slices.Clone(r.Tags)
		out.Records = append(out.Records, r)
	}
	return out, c.loadPages(s, want.Pages, &out)
}

func (c *call) loadPages(s *scope, want []merge.PageKey, out *store.Loaded) error {
	if len(want) == 0 {
		return nil
	}
	if err := c.primitive("read pages", func() error {
		seen := map[merge.PageKey]bool{}
		for _, k := range want {
			if d, ok := s.pages[k]; ok && !seen[k] {
				p := d.v.Page
				p.Entries = maps.Clone(p.Entries)
				out.Pages, seen[k] = append(out.Pages, p), true
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return c.primitive("scan pages", func() error {
		for _, k := range want {
			out.Newest[k.BookKey] = -1
		}
		for k := range s.pages {
			if newest, asked := out.Newest[k.BookKey]; asked {
				out.Newest[k.BookKey] = max(newest, int(k.Page))
			}
		}
		return nil
	})
}

// Changed keeps the promise of store.Log. Versions only rise; therefore the
// highest, read after the rows, tells whether one of them has left the range.
func (p *Poor) Changed(_ context.Context, scope string, after store.Position, upTo, skipDead merge.Seq, limit int) (store.Page, error) {
	c := p.call("Changed")
	s := c.in(scope)
	var out store.Page
	behind := -1
	all, err := scan(c, "records", s.records, func(r record) bool {
		if r.Key() == after.Key && r.Version == after.Version {
			behind = r.place
		}
		return r.Version >= after.Version && r.Version <= upTo && (!r.Deleted || r.Version > skipDead)
	})
	if err != nil {
		return out, err
	}
	all = slices.DeleteFunc(all, func(d doc[record]) bool {
		return d.v.Version == after.Version && (after.Key == merge.Key{} || d.v.place <= behind)
	})
	slices.SortFunc(all, func(a, b doc[record]) int {
		return cmp.Or(cmp.Compare(a.v.Version, b.v.Version), cmp.Compare(a.v.place, b.v.place), a.v.Key().Compare(b.v.Key()))
	})
	size := 0
	for _, d := range all {
		if len(out.Records) > 0 && size >= limit {
			out.More = true
			break
		}
		size += d.v.Size()
		r := d.v.Record
		r.State, r.Tags = nil, nil
		out.Records = append(out.Records, r)
	}
	err = c.primitive("scan versions", func() error {
		for _, d := range s.records {
			out.Torn = out.Torn || d.v.Version > upTo
		}
		return nil
	})
	return out, err
}
