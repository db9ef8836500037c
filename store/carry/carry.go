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
// Errors: Conflict "copy_target_in_use"; those of the stores.
func Copy(ctx context.Context, from, to store.Portable, tell func(Progress)) (Result, error) {
	if err := begin(ctx, to); err != nil {
		return Result{}, err
	}
	return passes(ctx, from, to, tell)
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

// begin takes an empty target, or one that was begun.
func begin(ctx context.Context, to store.Portable) error {
	now, err := to.Condition(ctx)
	if err != nil || now == store.Filling {
		return err
	}
	used := now == store.Retired
	for _, s := range []store.Shelf{store.ShelfHeads, store.ShelfUsers, store.ShelfClaims} {
		items, _, err := to.Items(ctx, s, "", 1)
		if err != nil {
			return err
		}
		used = used || len(items) > 0
	}
	if used {
		return &fault.Error{Kind: fault.Conflict, Code: "copy_target_in_use", Text: "the target holds something already"}
	}
	return to.SetCondition(ctx, store.Filling)
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
// whether the target is sound. If anything fails, neither can be used: Finish may
// be called again, or Cancel.
//
// Errors: Conflict "copy_not_begun" if the target was not filled by Copy; Transient
// "copy_unfinished" if the source still changes; what sound says.
func Finish(ctx context.Context, from, to store.Portable, tell func(Progress), sound func(context.Context) error) (Result, error) {
	if err := begun(ctx, to); err != nil {
		return Result{}, err
	}
	if err := from.SetCondition(ctx, store.Retired); err != nil {
		return Result{}, err
	}
	r, err := passes(ctx, from, to, tell)
	if err == nil && !r.Same {
		err = &fault.Error{Kind: fault.Transient, Code: "copy_unfinished", Text: "the source is still written to"}
	}
	if err == nil {
		err = sound(ctx)
	}
	if err != nil {
		return r, err
	}
	return r, to.SetCondition(ctx, store.Ready)
}

// Cancel gives the source back to its users, unless the target is in use already.
//
// Errors: Conflict "copy_not_begun".
func Cancel(ctx context.Context, from, to store.Portable) error {
	if err := begun(ctx, to); err != nil {
		return err
	}
	return from.SetCondition(ctx, store.Ready)
}

// begun refuses a target that nobody fills.
func begun(ctx context.Context, to store.Portable) error {
	now, err := to.Condition(ctx)
	if err == nil && now != store.Filling {
		err = &fault.Error{Kind: fault.Conflict, Code: "copy_not_begun", Text: "the target is not being filled"}
	}
	return err
}
