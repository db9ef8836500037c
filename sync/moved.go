package syncer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// takeBatch is how many records one commit takes over.
const takeBatch = 100

// takeBytes bounds their size; one record may be larger.
const takeBytes = 256 << 10

// takeOver brings the records of from into the scope that it was merged into.
// What is there already stays: doing it again, or in two processes, changes
// nothing.
func (e *Engine) takeOver(ctx context.Context, from, into string) error {
	if _, err := e.ensure(ctx, into); err != nil {
		return err
	}
	if err := e.eachSettled(ctx, from, func(_ store.Head, rs []store.Record) error {
		var keys []merge.Key
		for _, r := range rs {
			if c, ok := e.Schema.Collection(r.Collection); ok && c.Moved == nil {
				keys = append(keys, r.Key())
			}
		}
		for batch := range slices.Chunk(keys, takeBatch) {
			if err := e.takeKeys(ctx, from, into, batch); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return e.claimAnew(ctx, into)
}

// TakeOver brings single records of from into the scope that it was merged into,
// for whoever cannot wait until the merger's own effect brings all of them. Doing
// it again, before or after that effect, changes nothing.
func (e *Engine) TakeOver(ctx context.Context, from, into string, keys ...merge.Key) error {
	for batch := range slices.Chunk(keys, takeBatch) {
		if err := e.takeKeys(ctx, from, into, batch); err != nil {
			return fmt.Errorf("take over into %s: %w", into, err)
		}
	}
	return nil
}

// claimAnew brings the claims of the record that a merger ends with up to date:
// the other one has given up what it held, and both may have shown one value.
func (e *Engine) claimAnew(ctx context.Context, scope string) error {
	return e.eachSettled(ctx, scope, func(head store.Head, rs []store.Record) error {
		for _, r := range rs {
			c, ok := e.Schema.Collection(r.Collection)
			if !ok || c.Moved == nil {
				continue
			}
			for _, f := range c.Fields {
				eff := merge.Effect{Scope: scope, Collection: r.Collection, ID: r.ID, Claim: &merge.Claim{Field: f.Name}}
				if f.Unique == "" {
					continue
				}
				if err := e.claim(ctx, holding{scope, head.Generation.Count, 0}, eff); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// eachSettled reads every record of a scope as it is now: from the beginning whenever
// somebody commits to it meanwhile. do must bear that.
func (e *Engine) eachSettled(ctx context.Context, scope string, do func(store.Head, []store.Record) error) error {
	for try := 0; ; try++ {
		head, err := e.Store.Head(ctx, scope)
		if err == nil {
			err = e.eachPage(ctx, head, func(rs []store.Record) error { return do(head, rs) })
		}
		if !errors.Is(err, store.ErrStale) || try == tornRetries {
			return err
		}
		if _, err := e.foldNext(ctx, head); err != nil {
			return err
		}
	}
}

// eachPage reads every record of a scope.
func (e *Engine) eachPage(ctx context.Context, head store.Head, do func([]store.Record) error) error {
	at := store.Position{}
	for {
		page, err := e.Store.Changed(ctx, head.Scope, at, head.Applied, 0, 1<<16)
		if err != nil {
			return err
		}
		if page.Torn {
			return fmt.Errorf("%w: %s is being folded", store.ErrStale, head.Scope)
		}
		if err := do(page.Records); err != nil || !page.More {
			return err
		}
		last := page.Records[len(page.Records)-1]
		at = store.Position{Version: last.Version, Key: last.Key()}
	}
}

// takeKeys takes over the records of these keys.
func (e *Engine) takeKeys(ctx context.Context, from, into string, keys []merge.Key) error {
	got, err := e.Store.Load(ctx, from, store.Want{Keys: keys})
	if err != nil {
		return err
	}
	there, err := e.Store.Load(ctx, into, store.Want{Keys: keys})
	if err != nil {
		return err
	}
	have := map[merge.Key]bool{}
	for _, r := range there.Records {
		have[r.Key()] = true
	}
	part, size := &merge.Part{From: from}, 0
	take := func() error {
		if len(part.Take) == 0 {
			return nil
		}
		j := &job{alone: true, parts: []*merge.Part{part}}
		part, size = &merge.Part{From: from}, 0
		return e.submit(ctx, into, j)
	}
	for _, r := range got.Records {
		if have[r.Key()] {
			continue
		}
		rec, err := decode(r)
		if err != nil {
			return err
		}
		n := len(r.Fields) + len(r.State)
		if size+n > takeBytes {
			if err := take(); err != nil {
				return err
			}
		}
		part.Take, size = append(part.Take, rec), size+n
	}
	return take()
}

// tookOver reports whether the scope that h's was merged into took a record over
// with the change of commit seq in it.
func (e *Engine) tookOver(ctx context.Context, h store.Head, k merge.Key, seq merge.Seq) (bool, error) {
	rec, err := e.record(ctx, h.MovedTo, k)
	return rec != nil && rec.From == h.Scope && seq <= rec.Was, err
}

// repeat makes an edit once more in the scope that its own was merged into. Its
// name is derived, so the book knows it if it comes twice. What the rules of
// that scope refuse lies in its author's quarantine, like any other edit.
func (e *Engine) repeat(ctx context.Context, into string, r *merge.Repeat) error {
	it := merge.ReadItem(r.From, r.Device, 0, json.RawMessage(r.Raw)) // the hash that later edits name it by
	it.Again = r
	j := &job{parts: []*merge.Part{{Author: r.Author, Device: r.Device, Incarnation: r.Incarnation, Items: []merge.Item{it}}}}
	if err := e.submit(ctx, into, j); err != nil {
		return err
	}
	a := j.answers[0][0]
	if a.Outcome == merge.Again { // a newer process can read it
		return &fault.Error{Kind: fault.Transient, Code: a.Code, Text: "edit to be made once more in " + into}
	}
	if !a.Outcome.Final() {
		e.Log.ErrorContext(ctx, "edit not made once more", "scope", into, "from", r.From, "incarnation", r.Incarnation, "n", it.Mutation.N,
			"verdict", string(a.Outcome))
	}
	return nil
}

// change writes into a record that may be there what differs from what it says.
func (e *Engine) change(ctx context.Context, eff merge.Effect) error {
	row, err := e.row(ctx, eff)
	if err != nil || row.Version == 0 {
		return err
	}
	set := map[string]merge.Value{}
	for name, v := range eff.Set {
		if !bytes.Equal(row.Fields[name], v) && !(merge.Null(v) && row.Fields[name] == nil) {
			set[name] = v
		}
	}
	if len(set) == 0 {
		return nil
	}
	_, err = e.Write(ctx, eff.Scope, merge.ServerWrite{Name: fmt.Sprintf("change.%s.%d", eff.ID, row.Version), Role: merge.System,
		Collection: eff.Collection, ID: eff.ID, Op: merge.Put, Set: set})
	return err
}
