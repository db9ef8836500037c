package syncer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// takeBatch is how many records one commit takes over.
const takeBatch = 100

// takeOver brings the records of from into the scope that it was merged into.
// What is there already stays: doing it again, or in two processes, changes
// nothing.
func (e *Engine) takeOver(ctx context.Context, from, into string) error {
	head, err := e.Store.Head(ctx, from)
	if err != nil {
		return err
	}
	at := store.Position{}
	for {
		page, err := e.Store.Changed(ctx, from, at, head.Applied, 0, 1<<16)
		if err != nil {
			return err
		}
		if page.Torn {
			return fmt.Errorf("%w: %s is being folded", store.ErrStale, from)
		}
		var keys []merge.Key
		for _, r := range page.Records {
			if c, ok := e.Schema.Collection(r.Collection); ok && c.Moved == nil {
				keys = append(keys, r.Key())
			}
			at = store.Position{Version: r.Version, Key: r.Key()}
		}
		for ; len(keys) > 0; keys = keys[min(len(keys), takeBatch):] {
			if err := e.takeKeys(ctx, from, into, keys[:min(len(keys), takeBatch)]); err != nil {
				return err
			}
		}
		if !page.More {
			return nil
		}
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
	part := &merge.Part{From: from}
	for _, r := range got.Records {
		if have[r.Key()] {
			continue
		}
		rec, err := merge.DecodeRecord(merge.Row{Key: r.Key(), Version: r.Version, Deleted: r.Deleted}, r.Fields, r.State, r.Tags)
		if err != nil {
			return &fault.Error{Kind: fault.Internal, Code: "internal", Text: "record " + r.Key().String() + " does not decode", Cause: err}
		}
		part.Take = append(part.Take, rec)
	}
	if len(part.Take) == 0 {
		return nil
	}
	return e.submit(ctx, into, &job{alone: true, parts: []*merge.Part{part}})
}

// repeat makes an edit once more in the scope that its own was merged into, as
// one that had seen nothing there. Its name is derived, so the book knows it if
// it comes twice. What the rules of that scope refuse lies in its author's
// quarantine, like any other edit.
func (e *Engine) repeat(ctx context.Context, into string, r *merge.Repeat) error {
	head, err := e.Store.Head(ctx, into)
	if err != nil {
		return err
	}
	was := merge.ReadItem(into, r.Device, 0, json.RawMessage(r.Raw))
	if was.Bad != nil {
		return nil // it was accepted once, so it reads
	}
	m := was.Mutation
	if m.Create() {
		m.Base = nil
	} else {
		m.Base = &merge.Base{Generation: head.Generation}
	}
	m.After = nil
	m.At = merge.Reading{Wall: r.Made, Mono: int64(r.Made), Boot: "moved", Server: r.Made}
	now := e.millis()
	it := merge.ReadItem(into, r.Device, 0, m.WireMutation())
	it.Hash = was.Hash // which knows nothing of the generation that it happens to be repeated in
	return e.submit(ctx, into, &job{parts: []*merge.Part{{Author: r.Author, Device: r.Device, Incarnation: r.Incarnation,
		Clock: merge.Reading{Wall: now, Mono: int64(now), Boot: "moved"}, Items: []merge.Item{it}}}})
}

// change writes into a record that may be there what differs from what it says.
func (e *Engine) change(ctx context.Context, eff merge.Effect) error {
	row, err := e.row(ctx, eff)
	if err != nil || row.Version == 0 {
		return err
	}
	set := map[string]merge.Value{}
	for name, v := range eff.Set {
		if !bytes.Equal(row.Fields[name], v) {
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
