package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Follower is the name under which heads note that a commit has effects to be
// carried out.
const Follower = "effects"

// batchHeads is how many scopes are asked for at a time.
const batchHeads = 100

// Work does what nobody waits for: it finishes commits that a crash left half
// folded and carries out effects. It returns when nothing is left to do that
// can be done, and gives how many commits it touched. A scope that fails does
// not hold the others up; its error is in the error.
func (e *Engine) Work(ctx context.Context) (int, error) {
	folded, err := e.Repair(ctx)
	followed, bad := e.Follow(ctx)
	return folded + followed, errors.Join(err, bad)
}

// Repair folds commits whose process died before it could, in scopes that
// nobody may touch for a while.
func (e *Engine) Repair(ctx context.Context) (int, error) {
	return drain(ctx, func(limit int) ([]string, error) { return e.Store.Unfolded(ctx, limit) },
		func(scope string) string { return scope },
		func(scope string) (int, error) { return e.foldAll(ctx, scope) })
}

// Follow carries out the effects of the scopes that wait. Effects have derived
// ids: doing one twice changes nothing, so a crash between an effect and its
// mark is harmless.
func (e *Engine) Follow(ctx context.Context) (int, error) {
	return drain(ctx, func(limit int) ([]store.Head, error) { return e.Store.Waiting(ctx, Follower, limit) },
		func(h store.Head) string { return h.Scope },
		func(h store.Head) (int, error) { return e.followScope(ctx, h) })
}

// drain does what find finds until it finds nothing new, and adds up what was
// done. find always begins with the first of those that wait; therefore it is
// asked for as many more as did not come to an end, and those are passed over.
func drain[T any](ctx context.Context, find func(limit int) ([]T, error), name func(T) string, do func(T) (int, error)) (int, error) {
	done, passed, errs := 0, map[string]bool{}, []error(nil)
	for moved := true; moved; {
		moved = false
		found, err := find(batchHeads + len(passed))
		if err != nil {
			return done, errors.Join(append(errs, err)...)
		}
		for _, t := range found {
			if passed[name(t)] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return done, errors.Join(append(errs, err)...)
			}
			n, err := do(t)
			done, moved = done+n, true
			if err != nil {
				errs = append(errs, err)
			}
			if err != nil || n == 0 {
				passed[name(t)] = true
			}
		}
	}
	return done, errors.Join(errs...)
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
			head, err = e.fold(ctx, head, c)
		}
		if err != nil {
			return n, fmt.Errorf("fold %s: %w", scope, err)
		}
	}
	return 0, err
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
	var failed []error
	held := false // what is made once more elsewhere keeps its order, and comes after what it edits
	for _, c := range slices.Backward(commits) {
		for _, eff := range c.Effects {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			moves := eff.Take || eff.Repeat != nil
			if held && (moves || eff.Taken != nil) {
				continue
			}
			if err := e.carryOut(ctx, h, c, eff); err != nil {
				held = held || moves
				failed = append(failed, fmt.Errorf("effect of %s on %s: %w", h.Scope, eff.Scope, err))
			}
		}
	}
	if len(failed) > 0 { // the mark stays, and everything is tried again
		return 0, errors.Join(failed...)
	}
	return len(commits), e.Store.Done(ctx, h.Scope, Follower, mark)
}

// step does a step of a job. One that this program does not know is left to a
// newer one.
func (e *Engine) step(ctx context.Context, eff merge.Effect) error {
	do := e.Steps[eff.Do]
	if do == nil {
		return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "no step " + eff.Do + " in this program"}
	}
	return do(ctx, eff)
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
// derived twice from different causes. c is the commit of h's scope that asks.
func (e *Engine) carryOut(ctx context.Context, h store.Head, c *store.Commit, eff merge.Effect) error {
	switch {
	case eff.Claim != nil:
		return e.claim(ctx, holding{eff.Scope, h.Generation.Count, c.Seq}, eff)
	case eff.Take:
		return e.takeOver(ctx, h.Scope, eff.Scope)
	case eff.Repeat != nil:
		return e.repeat(ctx, eff.Scope, eff.Repeat)
	case eff.Change:
		return e.change(ctx, eff)
	case eff.Do != "":
		return e.step(ctx, eff)
	case eff.Introduce:
		return e.introduce(ctx, eff)
	}
	if eff.Taken != nil {
		if taken, err := e.tookOver(ctx, h, *eff.Taken, c.Seq); err != nil || !taken {
			return err
		}
	}
	if eff.Mirror {
		return e.mirror(ctx, holding{h.Scope, c.Generation.Count, c.Seq}, eff)
	}
	_, err := e.Write(ctx, eff.Scope, merge.ServerWrite{Name: "effect." + eff.ID, Role: merge.System, Collection: eff.Collection, ID: eff.ID,
		Op: merge.Put, Set: eff.Set, Create: true})
	if k := fault.KindOf(err); err != nil && k != fault.Transient && k != fault.Internal {
		e.Log.ErrorContext(ctx, "effect refused", "scope", eff.Scope, "collection", eff.Collection, "record", eff.ID, "code", fault.CodeOf(err))
		return nil
	}
	return err
}
