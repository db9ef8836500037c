package syncer

import (
	"sync"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// recent remembers what the last commits of this process left of what nearly every
// commit needs: the pages of the verdict books, since a phone that sends much sends it in
// many pushes, and the record that is the scope's own. What is remembered of a scope holds
// as long as its head is the one that the commit left. Only the newest page of a book is
// remembered, which nothing erases.
type recent struct {
	mu         sync.Mutex
	young, old map[string]remembered
}

type remembered struct {
	generation merge.Generation
	applied    merge.Seq
	chain      string
	pages      []merge.Page
	root       *merge.Record // nil: not known
}

// recentHalf is of how many scopes at least something is remembered, and half of at most.
const recentHalf = 256

// keep remembers what c left behind, which was decided as out from in.
func (r *recent) keep(c *store.Commit, after store.Head, in *merge.Input, out *merge.Output) {
	if after.Applied != c.Seq || after.Generation != c.Generation {
		return
	}
	kept := remembered{generation: c.Generation, applied: c.Seq, chain: c.Chain}
	for _, p := range c.Pages {
		if b := in.Books[p.BookKey]; b != nil && b.Newest <= int(p.PageKey.Page) {
			kept.pages = append(kept.pages, p)
		}
	}
	if k, ok := in.Schema.Root(c.Scope); ok {
		kept.root = in.Records[k]
		for _, rec := range out.Records {
			if rec.Key == k {
				kept.root = rec
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.young) >= recentHalf || r.young == nil {
		r.young, r.old = map[string]remembered{}, r.young
	}
	r.young[c.Scope] = kept
}

// into gives a resolve that begins at head what is known.
func (r *recent) into(in *merge.Input, head store.Head) {
	r.mu.Lock()
	kept, ok := r.young[head.Scope]
	if !ok {
		kept = r.old[head.Scope]
	}
	r.mu.Unlock()
	if kept.applied != head.Applied || kept.generation != head.Generation || kept.chain != head.Chain {
		return
	}
	if kept.root != nil {
		in.Records[kept.root.Key] = kept.root
	}
	for i := range kept.pages {
		p := &kept.pages[i]
		in.Books[p.BookKey] = &merge.Book{Newest: int(p.PageKey.Page), Pages: map[uint32]*merge.Page{p.PageKey.Page: p}}
	}
}
