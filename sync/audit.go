package syncer

import (
	"context"
	"errors"
	"fmt"

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
// what the head and the records say. Nobody may write to the scope meanwhile.
//
// Errors: Internal "audit_failed" with what does not fit; errors of the store.
func (e *Engine) Audit(ctx context.Context, scope string) error {
	h, err := e.Store.Head(ctx, scope)
	if err != nil || h.Applied == 0 {
		return err
	}
	folded, err := e.foldKept(ctx, h)
	if err != nil {
		return err
	}
	var sum uint64
	if err := e.eachPage(ctx, h, func(rs []store.Record) error {
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

// foldKept folds the entries that are kept, and follows their chain to the head.
func (e *Engine) foldKept(ctx context.Context, h store.Head) (map[merge.Key]store.Record, error) {
	folded := map[merge.Key]store.Record{}
	var last *store.Commit
	for seq := h.Pruned + 1; seq <= h.Applied; seq++ {
		c, err := e.entryBelow(ctx, h, seq)
		if err != nil {
			return nil, fmt.Errorf("entry %d of %s: %w", seq, h.Scope, err)
		}
		before, first := "", last == nil
		if !first {
			before = last.Chain
		}
		if !first || seq == 1 {
			chain, err := chained(before, c)
			if err != nil {
				return nil, err
			}
			if chain != c.Chain {
				return nil, unsound(h.Scope, "entry %d does not follow from the one before it", seq)
			}
		}
		for _, r := range c.Records {
			folded[r.Key()] = r
		}
		last = c
	}
	if last == nil || last.Chain != h.Chain || last.Sum != h.Sum {
		return nil, unsound(h.Scope, "its head is not what its newest entry says")
	}
	return folded, nil
}

func unsound(scope, format string, args ...any) error {
	return &fault.Error{Kind: fault.Internal, Code: "audit_failed", Text: scope + " is not the fold of its log: " + fmt.Sprintf(format, args...)}
}
