package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// youngest is the age below which no log entry goes, whatever the horizon:
// somebody may be stalled on it.
const youngest = 24 * time.Hour

// Compact lets go of what lies behind the horizon, in every scope: first the
// content of deleted records and of full pages of the verdict book, then log
// entries. It gives the number of log entries that went. A scope that fails does
// not hold the others up; its error is in the error. It may be stopped anywhere,
// repeated, and run by several processes at once.
func (e *Engine) Compact(ctx context.Context) (int, error) {
	gone, failed := 0, []error(nil)
	err := e.eachScope(ctx, func(scope string) error {
		n, err := e.compactScope(ctx, scope)
		if gone += n; err != nil {
			failed = append(failed, fmt.Errorf("compact %s: %w", scope, err))
		}
		return ctx.Err()
	})
	return gone, errors.Join(append(failed, err)...)
}

// compactScope compacts one scope. The mark is raised last: what a crash leaves
// undone lies above it, and is done the next time.
func (e *Engine) compactScope(ctx context.Context, scope string) (int, error) {
	if slices.Contains(e.Schema.Whole, merge.ScopeKind(scope)) {
		return 0, nil
	}
	head, err := e.Store.Head(ctx, scope)
	if err != nil || len(head.Todo) > 0 {
		return 0, err
	}
	upTo, err := e.behind(ctx, head)
	if errors.Is(err, store.ErrAbsent) { // another process may be at it
		if now, again := e.Store.Head(ctx, scope); again == nil && now.Pruned > head.Pruned {
			return 0, nil
		}
	}
	if err != nil {
		return 0, err
	}
	if upTo <= head.Pruned {
		return 0, e.sweep(ctx, head)
	}
	if err := e.Store.Erase(ctx, scope, head.Pruned, upTo); err != nil {
		return 0, err
	}
	return int(upTo - head.Pruned), e.Store.Prune(ctx, scope, upTo)
}

// sweep deletes the entries that a crash left behind the mark.
func (e *Engine) sweep(ctx context.Context, h store.Head) error {
	if h.Pruned == 0 {
		return nil
	}
	if _, err := e.entryBelow(ctx, h, h.Pruned); errors.Is(err, store.ErrAbsent) {
		return nil // the oldest go first, so nothing is left
	} else if err != nil {
		return err
	}
	return e.Store.Prune(ctx, h.Scope, h.Pruned)
}

// behind is the last place of the log that may go: its successor is as old as
// the horizon. A phone that was answered within the horizon was told of a head
// at or above that successor, so its cursor stands on an entry that stays, and
// nobody has to keep count of phones. It is never the newest entry, which has no
// successor.
func (e *Engine) behind(ctx context.Context, h store.Head) (merge.Seq, error) {
	limit := e.millis() - merge.Millis(max(e.limits().Horizon, youngest).Milliseconds())
	old := func(seq merge.Seq) (bool, error) {
		if seq > h.Applied {
			return false, nil
		}
		c, err := e.entryBelow(ctx, h, seq)
		if err != nil {
			return false, err
		}
		return c.Time <= limit, nil
	}
	if first, err := old(h.Pruned + 2); err != nil || !first { // so it is on most days
		return h.Pruned, err
	}
	var failed error
	n := sort.Search(int(h.Applied-h.Pruned), func(i int) bool {
		is, err := old(h.Pruned + merge.Seq(i) + 1)
		failed = errors.Join(failed, err)
		return !is
	})
	if failed != nil {
		return h.Pruned, failed
	}
	return h.Pruned + merge.Seq(n) - 1, nil
}
