package syncer

import (
	"context"
	"errors"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Follower is the name under which heads note that a commit has effects to be
// carried out.
const Follower = "effects"

// batchHeads is how many scopes one round of work looks at.
const batchHeads = 100

// Work does what nobody waits for: it finishes commits that a crash left half
// folded and carries out effects. It returns when nothing is left to do, and
// gives how many commits it touched.
func (e *Engine) Work(ctx context.Context) (int, error) {
	done, err := e.Repair(ctx)
	if err != nil {
		return done, err
	}
	for {
		n, err := e.Follow(ctx)
		done += n
		if err != nil || n == 0 {
			return done, err
		}
	}
}

// Repair folds commits whose process died before it could, in scopes that
// nobody may touch for a while.
func (e *Engine) Repair(ctx context.Context) (int, error) {
	done := 0
	for {
		scopes, err := e.Store.Unfolded(ctx, batchHeads)
		if err != nil || len(scopes) == 0 {
			return done, err
		}
		for _, scope := range scopes {
			n, err := e.foldAll(ctx, scope)
			if err != nil {
				return done, err
			}
			done += n
		}
	}
}

// foldAll folds a scope's log to its end.
func (e *Engine) foldAll(ctx context.Context, scope string) (int, error) {
	head, err := e.Store.Head(ctx, scope)
	for n := 0; err == nil; n++ {
		var c *store.Commit
		c, err = e.Store.Entry(ctx, scope, head.Generation.Count, head.Applied+1)
		if errors.Is(err, store.ErrAbsent) {
			return n, nil
		}
		if err == nil {
			head, err = e.Store.Fold(ctx, c)
		}
	}
	return 0, err
}

// Follow carries out the effects of the scopes that wait, one round. Effects
// have derived ids: doing one twice changes nothing, so a crash between an
// effect and its mark is harmless.
func (e *Engine) Follow(ctx context.Context) (int, error) {
	heads, err := e.Store.Waiting(ctx, Follower, batchHeads)
	if err != nil {
		return 0, err
	}
	done := 0
	for _, h := range heads {
		n, err := e.followScope(ctx, h)
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

func (e *Engine) followScope(ctx context.Context, h store.Head) (int, error) {
	mark := h.Todo[Follower]
	var commits []*store.Commit
	for seq := mark; seq > 0; {
		c, err := e.entryBelow(ctx, h, seq)
		if errors.Is(err, store.ErrAbsent) {
			break // pruned: its effects were carried out long ago
		}
		if err != nil {
			return 0, err
		}
		commits = append(commits, c)
		seq = c.Before
	}
	for _, c := range slices.Backward(commits) {
		for _, eff := range c.Effects {
			if err := e.carryOut(ctx, eff); err != nil {
				return 0, err
			}
		}
	}
	return len(commits), e.Store.Done(ctx, h.Scope, Follower, mark)
}

// entryBelow reads a log entry of the current generation, or of the one that
// shares it.
func (e *Engine) entryBelow(ctx context.Context, h store.Head, seq merge.Seq) (*store.Commit, error) {
	count := h.Generation.Count
	for i := len(h.Forks); ; i-- {
		c, err := e.Store.Entry(ctx, h.Scope, count, seq)
		if !errors.Is(err, store.ErrAbsent) || i == 0 || seq > h.Forks[i-1].Seq {
			return c, err
		}
		count = h.Forks[i-1].Generation.Count
	}
}

// carryOut makes the record that an effect asks for. One that is there already
// with other content is left alone and reported: its id would have to be
// derived twice from different causes.
func (e *Engine) carryOut(ctx context.Context, eff merge.Effect) error {
	_, err := e.Write(ctx, eff.Scope, merge.ServerWrite{Name: "effect." + eff.ID, Role: merge.System, Collection: eff.Collection, ID: eff.ID,
		Op: merge.Put, Set: eff.Set, Create: true})
	if k := fault.KindOf(err); err != nil && k != fault.Transient && k != fault.Internal {
		e.Log.ErrorContext(ctx, "effect refused", "scope", eff.Scope, "collection", eff.Collection, "record", eff.ID, "code", fault.CodeOf(err))
		return nil
	}
	return err
}
