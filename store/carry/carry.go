// Package carry moves everything that one store holds into another one, so that
// phones notice nothing: generations, sequences, verdicts and sessions stay what
// they are.
//
// It knows no store. Both sides are read and what differs is written, again and
// again until nothing differs; so a copy that was cut goes on where it stood, and
// one that is made while people write only leaves less to do for the last pass.
package carry

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// Progress is how far a pass over one shelf has come.
type Progress struct {
	Pass    int // from 1
	Shelf   store.Shelf
	Seen    int // items of the source that were looked at
	Written int // of these, new or changed in the target
	Dropped int // items of the target that the source does not have
	Whole   bool
}

// Result says what a copy did.
type Result struct {
	Passes  int
	Items   int // in the source, at the last pass
	Written int
	Dropped int
	Same    bool // the last pass found nothing that differed
}

// batch is how many items are read at a time.
const batch = 200

// mostPasses ends a copy of a source that is written to faster than it is copied.
const mostPasses = 5

// Copy makes to hold what from holds. The target must be empty, or one that an
// earlier Copy has begun; it cannot be used until Finish. tell may be nil.
//
// Errors: Conflict "copy_target_in_use", also if the source was bound to another target
// since or the target to another source, "copy_source_retired" if the source was retired
// for another target, "database_filling" if it is not whole itself, "copy_overtaken" if
// the target is no longer filled; those of the stores.
func Copy(ctx context.Context, from, to store.Portable, tell func(Progress)) (Result, error) {
	now, err := begin(ctx, from, to)
	if err != nil {
		return Result{}, err
	}
	return passes(ctx, from, held{to, now}, tell)
}

// held is a target as long as it is in the condition in which it was taken.
type held struct {
	store.Portable
	as store.Condition
}

func (h held) check(ctx context.Context) error {
	now, err := h.Condition(ctx)
	if err == nil && now != h.as {
		err = overtaken()
	}
	return err
}

func (h held) Put(ctx context.Context, s store.Shelf, items []store.Item) error {
	if len(items) == 0 {
		return nil
	}
	if err := h.check(ctx); err != nil {
		return err
	}
	return h.Portable.Put(ctx, s, items)
}

func (h held) Drop(ctx context.Context, s store.Shelf, keys [][]string) error {
	if len(keys) == 0 {
		return nil
	}
	if err := h.check(ctx); err != nil {
		return err
	}
	return h.Portable.Drop(ctx, s, keys)
}

func overtaken() error {
	return &fault.Error{Kind: fault.Conflict, Code: "copy_overtaken", Text: "somebody else has ended this copy, or is about to"}
}

func passes(ctx context.Context, from, to store.Portable, tell func(Progress)) (r Result, err error) {
	if tell == nil {
		tell = func(Progress) {}
	}
	for !r.Same && r.Passes < mostPasses {
		r.Passes++
		r.Items, r.Same = 0, true
		for _, s := range store.Shelves() {
			p := Progress{Pass: r.Passes, Shelf: s}
			if err := level(ctx, from, to, &p, tell); err != nil {
				return r, fmt.Errorf("copy %s: %w", s, err)
			}
			r.Items, r.Written, r.Dropped = r.Items+p.Seen, r.Written+p.Written, r.Dropped+p.Dropped
			r.Same = r.Same && p.Written+p.Dropped == 0
		}
	}
	return r, nil
}

// begin takes an empty target and binds it to the source, or finds it bound to it, and
// gives its condition. A target whose Try is 0 is bound to nobody: whoever began it was
// cut, and nothing was copied.
func begin(ctx context.Context, from, to store.Portable) (now store.Condition, err error) {
	if now, err = to.Condition(ctx); err != nil {
		return now, err
	}
	if now.State == store.Filling && now.Try > 0 {
		_, err = source(ctx, from, now)
		return now, err
	}
	used := now.State == store.Retired
	for _, s := range []store.Shelf{store.ShelfHeads, store.ShelfUsers, store.ShelfClaims} {
		items, _, err := to.Items(ctx, s, "", 1)
		if err != nil {
			return now, err
		}
		used = used || len(items) > 0
	}
	if used {
		return now, &fault.Error{Kind: fault.Conflict, Code: "copy_target_in_use", Text: "the target holds something already"}
	}
	return bind(ctx, from, to, now)
}

// bind gives the move of an empty target a name of its own, of which the source hears
// before anything is copied. So only that source can be finished into it, and only the
// target that was bound to the source last.
func bind(ctx context.Context, from, to store.Portable, now store.Condition) (store.Condition, error) {
	was, err := from.Condition(ctx)
	switch {
	case err != nil:
	case was.State == store.Filling:
		err = sourceFilling()
	case was.State == store.Retired:
		err = sourceRetired()
	}
	begun := store.Condition{State: store.Filling, Move: newMove()}
	if err == nil {
		err = change(ctx, to, now, begun)
	}
	if err == nil {
		err = change(ctx, from, was, store.Condition{State: store.Ready, Move: begun.Move})
	}
	if err != nil {
		return now, err
	}
	bound := begun
	bound.Try = 1
	return bound, change(ctx, to, begun, bound)
}

// newMove names a move as no other was named.
func newMove() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:])>>1 | 1)
}

// source gives the condition of a source, unless what it holds is half a copy, or it is
// not, or no longer, bound to the target that is in the condition to.
func source(ctx context.Context, from store.Portable, to store.Condition) (now store.Condition, err error) {
	now, err = from.Condition(ctx)
	switch {
	case err != nil:
	case now.State == store.Filling:
		err = sourceFilling()
	case now.State == store.Retired && now.Move != to.Move:
		err = sourceRetired()
	case now.Move != to.Move:
		err = &fault.Error{Kind: fault.Conflict, Code: "copy_target_in_use", Text: "the target is filled from another source, or the source fills another target since"}
	case now.Try > to.Try:
		err = overtaken()
	}
	return now, err
}

func sourceFilling() error {
	return &fault.Error{Kind: fault.Conflict, Code: "database_filling", Text: "the source is being filled itself"}
}

func sourceRetired() error {
	return &fault.Error{Kind: fault.Conflict, Code: "copy_source_retired", Text: "the source has moved to another target"}
}

// change is SetCondition for whoever has read what it was.
func change(ctx context.Context, p store.Portable, from, to store.Condition) error {
	err := p.SetCondition(ctx, from, to)
	if errors.Is(err, store.ErrStale) {
		err = overtaken()
	}
	return err
}

// level makes one shelf of the target what it is in the source.
func level(ctx context.Context, from, to store.Portable, p *Progress, tell func(Progress)) error {
	for place, more := "", true; more; more = place != "" {
		have, next, err := from.Items(ctx, p.Shelf, place, batch)
		if err != nil {
			return err
		}
		differ, err := differing(ctx, to, p.Shelf, have)
		if err == nil {
			err = to.Put(ctx, p.Shelf, differ)
		}
		if err != nil {
			return err
		}
		p.Seen, p.Written, place = p.Seen+len(have), p.Written+len(differ), next
		tell(*p)
	}
	for place, more := "", true; more; more = place != "" {
		have, next, err := to.Items(ctx, p.Shelf, place, batch)
		if err != nil {
			return err
		}
		surplus, err := missing(ctx, from, p.Shelf, have)
		if err == nil {
			err = to.Drop(ctx, p.Shelf, surplus)
		}
		if err != nil {
			return err
		}
		p.Dropped, place = p.Dropped+len(surplus), next
	}
	p.Whole = true
	tell(*p)
	return nil
}

// differing gives those of items that a store has not, or has otherwise.
func differing(ctx context.Context, in store.Portable, s store.Shelf, items []store.Item) (out []store.Item, err error) {
	found, err := picked(ctx, in, s, items)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		if other, ok := found[i.Name()]; !ok || !i.Equal(other) {
			out = append(out, i)
		}
	}
	return out, nil
}

// missing gives the keys of those items that a store does not have.
func missing(ctx context.Context, in store.Portable, s store.Shelf, items []store.Item) (keys [][]string, err error) {
	found, err := picked(ctx, in, s, items)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		if _, ok := found[i.Name()]; !ok {
			keys = append(keys, i.Key)
		}
	}
	return keys, nil
}

func picked(ctx context.Context, in store.Portable, s store.Shelf, items []store.Item) (map[string]store.Item, error) {
	var keys [][]string
	for _, i := range items {
		keys = append(keys, i.Key)
	}
	found, err := in.Pick(ctx, s, keys)
	out := map[string]store.Item{}
	for _, i := range found {
		out[i.Name()] = i
	}
	return out, err
}

// Finish puts an end to the source and makes the target usable: from then on the
// source takes nothing any more, what it still took is copied, and sound says
// whether the target is sound. If anything before that fails, neither can be used; in
// any case Finish may be called again, and says then what is so, or Cancel.
//
// Errors: Conflict "copy_not_begun" if the target was not filled by Copy,
// "copy_source_retired", "copy_target_in_use", "database_filling" and "copy_overtaken"
// as Copy; Transient "copy_unfinished" if the source still changes; what sound says.
func Finish(ctx context.Context, from, to store.Portable, tell func(Progress), sound func(context.Context) error) (Result, error) {
	if done, err := finished(ctx, from, to); err != nil || done {
		return Result{Same: done}, err
	}
	now, err := take(ctx, to)
	if err != nil {
		return Result{}, err
	}
	was, err := source(ctx, from, now)
	if err == nil {
		err = change(ctx, from, was, store.Condition{State: store.Retired, Move: now.Move, Try: now.Try})
	}
	if err != nil {
		return Result{}, err
	}
	r, err := passes(ctx, from, held{to, now}, tell)
	if err == nil && !r.Same {
		err = &fault.Error{Kind: fault.Transient, Code: "copy_unfinished", Text: "the source is still written to"}
	}
	if err == nil {
		err = sound(ctx)
	}
	if err != nil {
		return r, err
	}
	return r, change(ctx, to, now, store.Condition{State: store.Ready, Move: now.Move, Try: now.Try})
}

// finished reports whether this very move was finished, by a call whose answer may have
// got lost.
func finished(ctx context.Context, from, to store.Portable) (bool, error) {
	target, err := to.Condition(ctx)
	if err != nil || target.State != store.Ready || target.Move == 0 {
		return false, err
	}
	source, err := from.Condition(ctx)
	return source.State == store.Retired && source.Move == target.Move, err
}

// Cancel gives the source back to its users, unless the target is in use already. The
// source hears of it even if it was never taken from them: a Finish that stalls before
// it retires the source is overtaken.
//
// Errors: Conflict "copy_not_begun", "copy_source_retired", "copy_target_in_use",
// "database_filling", "copy_overtaken".
func Cancel(ctx context.Context, from, to store.Portable) error {
	now, err := take(ctx, to)
	if err != nil {
		return err
	}
	was, err := source(ctx, from, now)
	if err != nil {
		return err
	}
	return change(ctx, from, was, store.Condition{State: store.Ready, Move: now.Move, Try: now.Try})
}

// take begins a try to end a move, and gives the condition of the target by which it
// is known. Whoever tried before is overtaken: it can no longer make the target
// usable, nor change the source once this try has. So of Finish and Cancel one wins,
// wherever either of them stalls.
func take(ctx context.Context, to store.Portable) (store.Condition, error) {
	now, err := to.Condition(ctx)
	if err != nil {
		return now, err
	}
	if now.State != store.Filling || now.Try == 0 {
		return now, &fault.Error{Kind: fault.Conflict, Code: "copy_not_begun", Text: "the target is not being filled"}
	}
	next := now
	next.Try++
	return next, change(ctx, to, now, next)
}
