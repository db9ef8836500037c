// Package storefault holds stores for tests: one that can do next to nothing,
// one that fails when it is told to, and one that hides what it could do.
package storefault

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Poor is a store.Store in memory that is built of two primitives over single
// documents, a unique insert and a guarded replacement or removal, and of plain
// reads. Everything else is a sequence of them, between which a crash may
// happen. It does not append.
//
// What it holds is on disk, so to speak: it survives the crash of whoever uses
// it, and several engines may share it. Byte slices that come out of it are
// shared and must not be written.
type Poor struct {
	disk *disk
	hook func(Call, func() error) error // around each primitive; nil: none
}

// NewPoor gives an empty store.
func NewPoor() *Poor {
	return &Poor{disk: &disk{heads: shelf[string, store.Head]{}, scopes: map[string]*scope{},
		claims: shelf[[2]string, string]{}, meta: shelf[string, uint64]{}}}
}

// Hooked gives a view of the same disk whose primitives go through hook.
func (p *Poor) Hooked(hook func(Call, func() error) error) store.Store {
	return &Poor{disk: p.disk, hook: hook}
}

type disk struct {
	mu     sync.Mutex
	heads  shelf[string, store.Head]
	scopes map[string]*scope
	claims shelf[[2]string, string] // holder by space and key
	meta   shelf[string, uint64]
}

// scope holds the documents of one scope beside its head.
type scope struct {
	log     shelf[place, *store.Commit]
	records shelf[merge.Key, record]
	pages   shelf[merge.PageKey, page]
}

type place struct {
	generation uint32
	seq        merge.Seq
}

type record struct {
	generation uint32
	place      int // in its commit
	store.Record
}

type page struct {
	generation uint32
	merge.Page
}

// shelf holds the documents of one kind.
type shelf[K comparable, V any] map[K]doc[V]

// doc is a document with the revision that guards it.
type doc[V any] struct {
	rev uint64
	v   V
}

// call is one call of a method, on its way through its primitives.
type call struct {
	*Poor
	method string
	step   int
}

func (p *Poor) call(method string) *call { return &call{Poor: p, method: method} }

// primitive runs do, which is atomic.
func (c *call) primitive(name string, do func() error) error {
	c.step++
	locked := func() error {
		c.disk.mu.Lock()
		defer c.disk.mu.Unlock()
		return do()
	}
	if c.hook == nil {
		return locked()
	}
	return c.hook(Call{Method: c.method, Primitive: name, Step: c.step}, locked)
}

// insert puts a new document. Errors: ErrTaken.
func insert[K comparable, V any](c *call, kind string, s shelf[K, V], k K, v V) error {
	return c.primitive("insert "+kind, func() error {
		if _, taken := s[k]; taken {
			return store.ErrTaken
		}
		s[k] = doc[V]{1, v}
		return nil
	})
}

// replace puts v over the document of revision rev. Errors: ErrStale.
func replace[K comparable, V any](c *call, kind string, s shelf[K, V], k K, rev uint64, v V) error {
	return c.primitive("replace "+kind, func() error {
		if s[k].rev != rev {
			return store.ErrStale
		}
		s[k] = doc[V]{rev + 1, v}
		return nil
	})
}

// remove takes the document of revision rev away. Errors: ErrStale.
func remove[K comparable, V any](c *call, kind string, s shelf[K, V], k K, rev uint64) error {
	return c.primitive("remove "+kind, func() error {
		if s[k].rev != rev {
			return store.ErrStale
		}
		delete(s, k)
		return nil
	})
}

// read gives the document, or one of revision 0.
func read[K comparable, V any](c *call, kind string, s shelf[K, V], k K) (d doc[V], err error) {
	err = c.primitive("read "+kind, func() error {
		d = s[k]
		return nil
	})
	return d, err
}

// scan gives those documents that pass, in no order.
func scan[K comparable, V any](c *call, kind string, s shelf[K, V], pass func(V) bool) (out []doc[V], err error) {
	err = c.primitive("scan "+kind, func() error {
		for _, d := range s {
			if pass(d.v) {
				out = append(out, d)
			}
		}
		return nil
	})
	return out, err
}

// in gives the documents of a scope.
func (c *call) in(name string) *scope {
	c.disk.mu.Lock()
	defer c.disk.mu.Unlock()
	s := c.disk.scopes[name]
	if s == nil {
		s = &scope{log: shelf[place, *store.Commit]{}, records: shelf[merge.Key, record]{}, pages: shelf[merge.PageKey, page]{}}
		c.disk.scopes[name] = s
	}
	return s
}

// Ping keeps the promise of store.Store.
func (p *Poor) Ping(context.Context) error {
	return p.call("Ping").primitive("read nothing", func() error { return nil })
}

// Claim keeps the promise of store.Claims.
func (p *Poor) Claim(_ context.Context, space, key, holder string) (string, error) {
	c := p.call("Claim")
	for k := [2]string{space, key}; ; {
		d, err := read(c, "claim", c.disk.claims, k)
		if err != nil || d.rev > 0 {
			return d.v, err
		}
		if err := insert(c, "claim", c.disk.claims, k, holder); err != store.ErrTaken {
			return holder, err
		}
	}
}

// Holder keeps the promise of store.Claims.
func (p *Poor) Holder(_ context.Context, space, key string) (string, error) {
	c := p.call("Holder")
	d, err := read(c, "claim", c.disk.claims, [2]string{space, key})
	if err != nil || d.rev == 0 {
		return "", err
	}
	return d.v, nil
}

// Release keeps the promise of store.Claims.
func (p *Poor) Release(_ context.Context, space, key, holder string) error {
	c := p.call("Release")
	k := [2]string{space, key}
	d, err := read(c, "claim", c.disk.claims, k)
	if err != nil || d.rev == 0 || d.v != holder {
		return err
	}
	if err := remove(c, "claim", c.disk.claims, k, d.rev); err != store.ErrStale {
		return err
	}
	return nil // released by somebody else meanwhile
}

// Epochs keeps the promise of store.Backups.
func (p *Poor) Epochs(context.Context) (store.Epochs, error) { return p.call("Epochs").epochs() }

func (c *call) epochs() (e store.Epochs, err error) {
	began, err := read(c, "began", c.disk.meta, "began")
	if err != nil {
		return e, err
	}
	done, err := read(c, "done", c.disk.meta, "done")
	return store.Epochs{Began: began.v, Done: done.v}, err
}

// Begin keeps the promise of store.Backups.
func (p *Poor) Begin(context.Context) (uint64, error) {
	return p.call("Begin").number("began", func(n uint64) uint64 { return n + 1 })
}

// Complete keeps the promise of store.Backups.
func (p *Poor) Complete(_ context.Context, epoch uint64) error {
	_, err := p.call("Complete").number("done", func(n uint64) uint64 { return max(n, epoch) })
	return err
}

// number changes a number that starts at 0.
func (c *call) number(name string, change func(uint64) uint64) (uint64, error) {
	for {
		d, err := read(c, name, c.disk.meta, name)
		n := change(d.v)
		if err != nil || n == d.v {
			return n, err
		}
		if d.rev == 0 {
			err = insert(c, name, c.disk.meta, name, n)
		} else {
			err = replace(c, name, c.disk.meta, name, d.rev, n)
		}
		if err != store.ErrTaken && err != store.ErrStale {
			return n, err
		}
	}
}

// cloneCommit shares nothing with c but texts.
func cloneCommit(c *store.Commit) *store.Commit {
	out := *c
	out.Lines = slices.Clone(c.Lines)
	out.Records = slices.Clone(c.Records)
	for i := range out.Records {
		out.Records[i] = cloneRecord(out.Records[i])
	}
	out.Pages = slices.Clone(c.Pages)
	for i := range out.Pages {
		out.Pages[i].Entries = maps.Clone(out.Pages[i].Entries)
	}
	out.Access = store.Head{Access: c.Access}.Clone().Access
	out.Effects = slices.Clone(c.Effects)
	for i := range out.Effects {
		out.Effects[i].Set = maps.Clone(out.Effects[i].Set)
	}
	out.Todo = maps.Clone(c.Todo)
	return &out
}

func cloneRecord(r store.Record) store.Record {
	r.Fields, r.State, r.Tags = slices.Clone(r.Fields), slices.Clone(r.State), slices.Clone(r.Tags)
	return r
}
