package syncer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// auditTries is how often a scope that is written to meanwhile is looked at again.
const auditTries = 10

// AuditAll audits every scope and gives how many there are. A scope that changes
// while it is looked at is looked at again.
func (e *Engine) AuditAll(ctx context.Context) (int, error) {
	n, bad := 0, []error(nil)
	err := e.eachScope(ctx, func(scope string) error {
		var err error
		for range auditTries {
			before, failed := e.Store.Head(ctx, scope)
			if failed != nil {
				return failed
			}
			if err = e.Audit(ctx, scope); err == nil {
				break
			}
			if after, failed := e.Store.Head(ctx, scope); failed == nil && after.Revision == before.Revision {
				break
			}
		}
		n, bad = n+1, append(bad, err)
		return ctx.Err()
	})
	return n, errors.Join(append(bad, err)...)
}

// Audit asks whether a scope is the fold of its log: the records whose version
// lies at or below the oldest entry that is kept are the snapshot there, that
// entry has its sum and chain, and the entries behind it, folded over it, are
// what the head, the records with their states and tags, and the pages of the book say.
// Nobody may write to the scope meanwhile.
//
// Errors: Internal "audit_failed" with what does not fit; errors of the store.
func (e *Engine) Audit(ctx context.Context, scope string) error {
	h, err := e.Store.Head(ctx, scope)
	if err != nil || h.Applied == 0 {
		return err
	}
	kept, err := e.foldKept(ctx, h)
	if err != nil {
		return err
	}
	if err := e.auditPages(ctx, scope, kept.pages); err != nil {
		return err
	}
	folded := kept.records
	var sum uint64
	if err := e.eachPage(ctx, h, func(rs []store.Record) error {
		if err := e.auditStates(ctx, scope, rs, folded); err != nil {
			return err
		}
		for _, r := range rs {
			if !r.Deleted {
				sum += merge.Sum(r.Key(), r.Version)
			}
			if l, ok := folded[r.Key()]; ok && (l.Version != r.Version || l.Deleted != r.Deleted || !sameFields(l, r)) {
				return unsound(scope, "%s is at %d, its log says %d", r.Key(), r.Version, l.Version)
			} else if !ok && r.Version > h.Pruned {
				return unsound(scope, "%s is at %d, and no entry made it", r.Key(), r.Version)
			}
			delete(folded, r.Key())
		}
		return nil
	}); err != nil {
		return err
	}
	for k := range folded {
		return unsound(scope, "%s is in the log and not there", k)
	}
	if sum != h.Sum {
		return unsound(scope, "its hash is %x, its records have %x", h.Sum, sum)
	}
	return nil
}

// sameFields compares a record of the log with the one that is kept. Of a deleted
// one the content may be gone.
func sameFields(l, r store.Record) bool {
	return string(l.Fields) == string(r.Fields) || l.Deleted && string(r.Fields) == `{}`
}

// auditStates holds the half of records that phones never see against the log.
func (e *Engine) auditStates(ctx context.Context, scope string, rs []store.Record, folded map[merge.Key]store.Record) error {
	var want store.Want
	for _, r := range rs {
		if _, ok := folded[r.Key()]; ok {
			want.Keys = append(want.Keys, r.Key())
		}
	}
	if len(want.Keys) == 0 {
		return nil
	}
	got, err := e.Store.Load(ctx, scope, want)
	if err != nil {
		return err
	}
	for _, r := range got.Records {
		l := folded[r.Key()]
		if erased := r.Deleted && string(r.State) == merge.GoneState; !erased && (string(l.State) != string(r.State) || !slices.Equal(l.Tags, r.Tags)) {
			return unsound(scope, "what the server keeps beside %s is not what its log says", r.Key())
		}
	}
	return nil
}

// auditPages holds the book against the pages that the log has written. One that was
// erased is empty.
func (e *Engine) auditPages(ctx context.Context, scope string, folded map[merge.PageKey]merge.Page) error {
	keys := slices.Collect(maps.Keys(folded))
	for part := range slices.Chunk(keys, 500) {
		got, err := e.Store.Load(ctx, scope, store.Want{Pages: part})
		if err != nil {
			return err
		}
		if len(got.Pages) != len(part) {
			return unsound(scope, "%d of %d pages of its book are there", len(got.Pages), len(part))
		}
		for _, g := range got.Pages {
			if l := folded[g.PageKey]; l.Version != g.Version || len(g.Entries) > 0 && !reflect.DeepEqual(l.Entries, g.Entries) {
				return unsound(scope, "page %d of the book of %s is not what its log says", g.Page, g.Device)
			}
		}
	}
	return nil
}

// kept is what the entries of a log say that are kept.
type kept struct {
	records map[merge.Key]store.Record
	pages   map[merge.PageKey]merge.Page
}

// foldKept folds the entries that are kept, and follows their chain to the head.
func (e *Engine) foldKept(ctx context.Context, h store.Head) (kept, error) {
	folded := kept{map[merge.Key]store.Record{}, map[merge.PageKey]merge.Page{}}
	var last *store.Commit
	for seq := h.Pruned + 1; seq <= h.Applied; seq++ {
		c, err := e.entryBelow(ctx, h, seq)
		if err != nil {
			return folded, fmt.Errorf("entry %d of %s: %w", seq, h.Scope, err)
		}
		if !ofLine(h, c.Generation) {
			return folded, unsound(h.Scope, "entry %d is of a generation that it never had", seq)
		}
		before, first := "", last == nil
		if !first {
			before = last.Chain
		}
		if !first || seq == 1 {
			chain, err := chained(before, c)
			if err != nil {
				return folded, err
			}
			if chain != c.Chain {
				return folded, unsound(h.Scope, "entry %d does not follow from the one before it", seq)
			}
		}
		for _, r := range c.Records {
			folded.records[r.Key()] = r
		}
		for _, g := range c.Pages {
			folded.pages[g.PageKey] = g
		}
		last = c
	}
	if last == nil || last.Chain != h.Chain || last.Sum != h.Sum || last.Time != h.Time || !reflect.DeepEqual(last.Access, h.Access) {
		return folded, unsound(h.Scope, "its head is not what its newest entry says")
	}
	return folded, nil
}

// ofLine reports whether a scope is or was of a generation.
func ofLine(h store.Head, g merge.Generation) bool {
	return h.Generation == g || slices.ContainsFunc(h.Forks, func(f merge.Fork) bool { return f.Generation == g })
}

func unsound(scope, format string, args ...any) error {
	return &fault.Error{Kind: fault.Internal, Code: "audit_failed", Text: scope + " is not the fold of its log: " + fmt.Sprintf(format, args...)}
}
