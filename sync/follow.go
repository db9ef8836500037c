package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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
// not hold the others up, nor does one that always has more to do; its error is in
// the error.
func (e *Engine) Work(ctx context.Context) (int, error) {
	return rounds(ctx, e.repairer(), e.follower())
}

// Repair folds commits whose process died before it could, in scopes that
// nobody may touch for a while.
func (e *Engine) Repair(ctx context.Context) (int, error) { return rounds(ctx, e.repairer()) }

// Follow carries out the effects of the scopes that wait. Effects have derived
// ids: doing one twice changes nothing, so a crash between an effect and its
// mark is harmless.
func (e *Engine) Follow(ctx context.Context) (int, error) { return rounds(ctx, e.follower()) }

// Behind is how many scopes had effects to be carried out when this process looked last:
// notices, steps of jobs, announcements. Of many it looks at a hundred at a time.
func (e *Engine) Behind() int { return int(e.lagging.Load()) }

func (e *Engine) repairer() round {
	passed := map[string]bool{}
	return func(ctx context.Context) (int, error) {
		return drain(ctx, e.Hands, passed, func(limit int) ([]string, error) { return e.Store.Unfolded(ctx, limit) },
			func(scope string) string { return scope },
			func(scope string) (int, error) {
				n, err := e.foldAll(ctx, scope)
				if n > 0 {
					e.tally().Repaired(n)
				}
				return n, err
			})
	}
}

func (e *Engine) follower() round {
	passed := map[string]bool{}
	return func(ctx context.Context) (int, error) {
		return drain(ctx, e.Hands, passed, func(limit int) ([]store.Head, error) {
			found, err := e.Store.Waiting(ctx, Follower, limit)
			e.lagging.Store(int64(len(found)))
			return found, err
		},
			func(h store.Head) string { return h.Scope },
			func(h store.Head) (int, error) { return e.followScope(ctx, h) })
	}
}

// round does once what waits, and gives how much that was.
type round func(ctx context.Context) (int, error)

// rounds lets kinds of work take turns until a turn of all of them did nothing. So
// one that never comes to an end, because people go on making more, does not keep
// the others waiting.
func rounds(ctx context.Context, kinds ...round) (done int, err error) {
	for moved := true; moved; {
		moved = false
		for _, do := range kinds {
			n, bad := do(ctx)
			done, moved, err = done+n, moved || n > 0, errors.Join(err, bad)
		}
		if ctx.Err() != nil {
			return done, err
		}
	}
	return done, err
}

// drain does once for each scope what find finds, and adds up what was done. What
// failed or did not come to an end is passed over, also in later turns. find always
// begins with the first of those that wait; therefore it is asked for as many more
// as it gave in vain. As many scopes are worked on at once as there are hands.
func drain[T any](ctx context.Context, hands int, passed map[string]bool, find func(limit int) ([]T, error), name func(T) string, do func(T) (int, error)) (done int, err error) {
	seen := map[string]bool{}
	for vain := 0; ; {
		limit := batchHeads + vain
		found, bad := find(limit)
		if bad != nil {
			return done, errors.Join(err, bad)
		}
		var fresh []T
		for _, t := range found {
			if !passed[name(t)] && !seen[name(t)] {
				fresh = append(fresh, t)
				seen[name(t)] = true
			}
		}
		vain = len(found) - len(fresh)
		each(hands, len(fresh), func(i int) (n int, bad error) {
			if bad = ctx.Err(); bad == nil {
				n, bad = do(fresh[i])
			}
			return n, bad
		}, func(i, n int, bad error) {
			done, err = done+n, errors.Join(err, bad)
			passed[name(fresh[i])] = bad != nil || n == 0
		})
		if ctx.Err() != nil {
			return done, err
		}
		if len(fresh) == 0 && len(found) < limit {
			return done, err
		}
	}
}

// each calls do for 0 to n-1, in order if there is one hand, and told with what came
// of it, one after the other.
func each(hands, n int, do func(i int) (int, error), told func(i, n int, err error)) {
	if hands <= 1 {
		for i := range n {
			did, err := do(i)
			told(i, did, err)
		}
		return
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	free := make(chan struct{}, hands)
	for i := range n {
		free <- struct{}{}
		all.Go(func() {
			did, err := do(i)
			mu.Lock()
			told(i, did, err)
			mu.Unlock()
			<-free
		})
	}
	all.Wait()
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
			head, err = e.fold(ctx, store.Head{}, c) // head is from before c
		}
		if err != nil {
			return n, fmt.Errorf("fold %s: %w", scope, err)
		}
	}
	return 0, err
}

func (e *Engine) followScope(ctx context.Context, h store.Head) (int, error) {
	mark, from := h.Todo[Follower], e.followed.to(h)
	var commits []*store.Commit
	for seq := mark; seq > from; {
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
	slices.Reverse(commits)
	n, err := e.carryOutSome(ctx, h, commits)
	if err != nil { // the mark stays, and everything is tried again
		return 0, err
	}
	if n > 0 {
		e.followed.note(h, commits[n-1].Seq)
	}
	if n < len(commits) {
		return n, nil
	}
	// To clear a mark is to have done something, even if all below it was carried out
	// before: the scope may get another one in this very round.
	return max(n, 1), e.Store.Done(ctx, h.Scope, Follower, mark)
}

// A scope has its turn with so many commits, and for so long.
const (
	turn     = 100
	turnTime = time.Second
)

// carryOutSome carries out the effects of the oldest commits, or of all if some of
// them fail, so that what is broken for long does not keep back what is behind it.
// It gives of how many.
func (e *Engine) carryOutSome(ctx context.Context, h store.Head, commits []*store.Commit) (int, error) {
	var failed []error
	held := false // what is made once more elsewhere keeps its order, and comes after what it edits
	began := e.Clock.Now()
	p := &pile{engine: e, from: h.Scope}
	for n, c := range commits {
		if failed == nil && n > 0 && (n >= turn || e.Clock.Now().Sub(began) >= turnTime) {
			return n, p.all(ctx)
		}
		for _, eff := range c.Effects {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			moves := eff.Take || eff.Repeat != nil
			if held && (moves || eff.Taken != nil) {
				continue
			}
			if eff.Plain() {
				failed = appendError(failed, p.put(ctx, eff))
				continue
			}
			err := p.before(ctx, eff)
			if err == nil {
				err = e.carryOut(ctx, h, c, eff)
			}
			if err != nil {
				held = held || moves
				failed = append(failed, fmt.Errorf("effect of %s on %s: %w", h.Scope, eff.Scope, err))
			}
		}
	}
	return len(commits), errors.Join(appendError(failed, p.all(ctx))...)
}

func appendError(all []error, err error) []error {
	if err == nil {
		return all
	}
	return append(all, err)
}

// followed remembers up to where this process has carried out the effects of a
// scope. The mark of a scope in which people write all the time is another one
// whenever it could be cleared; without this, everything below it would be carried
// out again each time. Forgetting costs that, and nothing else.
type followed struct {
	mu sync.Mutex
	of map[string]reached
}

// reached is a place in the log of a scope.
type reached struct {
	generation uint32
	seq        merge.Seq
}

// mostFollowed bounds what is remembered.
const mostFollowed = 10_000

func (f *followed) to(h store.Head) merge.Seq {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.of[h.Scope]; p.generation == h.Generation.Count {
		return p.seq
	}
	return 0
}

func (f *followed) note(h store.Head, seq merge.Seq) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil || len(f.of) >= mostFollowed {
		f.of = map[string]reached{}
	}
	f.of[h.Scope] = reached{h.Generation.Count, seq}
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
	return e.create(ctx, eff)
}
