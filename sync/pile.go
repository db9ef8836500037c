package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// pile gathers effects that only make records, so that those for one scope share a
// commit: a scope in which eight people write at once tells each of them of much.
type pile struct {
	engine *Engine
	from   string
	scopes []string
	of     map[string][]merge.Effect
	bytes  map[string]int
}

// mostPiled and mostPiledBytes are how many records one commit makes, and of how many
// bytes but for the last.
const (
	mostPiled      = 50
	mostPiledBytes = 128 << 10 // the commit holds some of it twice
)

func writeOf(eff merge.Effect) merge.ServerWrite {
	return merge.ServerWrite{Name: "effect." + eff.ID, Role: merge.System, Collection: eff.Collection, ID: eff.ID, Op: merge.Put, Set: eff.Set, Create: true}
}

// put adds an effect, and carries out those for its scope once they are many.
func (p *pile) put(ctx context.Context, eff merge.Effect) error {
	if p.of == nil {
		p.of, p.bytes = map[string][]merge.Effect{}, map[string]int{}
	}
	if len(p.of[eff.Scope]) == 0 {
		p.scopes = append(p.scopes, eff.Scope)
	}
	p.of[eff.Scope] = append(p.of[eff.Scope], eff)
	for _, v := range eff.Set {
		p.bytes[eff.Scope] += len(v)
	}
	if len(p.of[eff.Scope]) < mostPiled && p.bytes[eff.Scope] < mostPiledBytes {
		return nil
	}
	return p.carry(ctx, eff.Scope)
}

// before carries out what must have happened before another kind of effect: what
// its scope waits for, or everything where nobody can tell which scopes it reads.
func (p *pile) before(ctx context.Context, eff merge.Effect) error {
	switch {
	case eff.Claim != nil:
		return nil
	case eff.Take, eff.Repeat != nil, eff.Do != "", eff.Introduce:
		return p.all(ctx)
	}
	return p.carry(ctx, eff.Scope)
}

// all carries out what is left, in the order in which the scopes came.
func (p *pile) all(ctx context.Context) error {
	var failed []error
	for _, scope := range slices.Clone(p.scopes) {
		failed = appendError(failed, p.carry(ctx, scope))
	}
	return errors.Join(failed...)
}

// carry makes the records of one scope in one commit. If one of them is refused,
// each is made by itself, so that the others are not refused with it.
func (p *pile) carry(ctx context.Context, scope string) error {
	effects := p.of[scope]
	if len(effects) == 0 {
		return nil
	}
	delete(p.of, scope)
	delete(p.bytes, scope)
	p.scopes = slices.DeleteFunc(p.scopes, func(s string) bool { return s == scope })
	var writes []merge.ServerWrite
	for _, eff := range effects {
		writes = append(writes, writeOf(eff))
	}
	_, err := p.engine.Write(ctx, scope, writes...)
	if refused(err) {
		err = nil
		for _, eff := range effects {
			err = errors.Join(err, p.engine.create(ctx, eff))
		}
	}
	if err != nil {
		return fmt.Errorf("effects of %s on %s: %w", p.from, scope, err)
	}
	return nil
}

// create makes the record of one effect. What is refused is refused for good.
func (e *Engine) create(ctx context.Context, eff merge.Effect) error {
	_, err := e.Write(ctx, eff.Scope, writeOf(eff))
	if refused(err) {
		e.Log.ErrorContext(ctx, "effect refused", "scope", eff.Scope, "collection", eff.Collection, "record", eff.ID, "code", fault.CodeOf(err))
		return nil
	}
	return err
}

// refused reports whether trying again is of no use.
func refused(err error) bool {
	k := fault.KindOf(err)
	return err != nil && k != fault.Transient && k != fault.Internal
}
