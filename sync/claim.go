package syncer

import (
	"context"
	"fmt"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// claim brings the claims of a unique field up to date with what the record
// shows now, which may be more than the effect knew of. Two scopes that show one
// value keep it both: the one that came second is told so in the field that
// Unique names, and a person decides.
func (e *Engine) claim(ctx context.Context, eff merge.Effect) error {
	c, ok := e.Schema.Collection(eff.Collection)
	if !ok {
		return nil
	}
	f, ok := c.Field(eff.Claim.Field)
	if !ok || f.Unique == "" {
		return nil // a newer catalogue does not ask for it any more
	}
	space := eff.Collection + "." + f.Name
	row, err := e.row(ctx, eff)
	if err != nil {
		return err
	}
	if old := eff.Claim.Old; old != "" && old != row.Text(f.Name) {
		if err := e.Store.Release(ctx, space, old, eff.Scope); err != nil {
			return err
		}
		// The record may have come back to the old value meanwhile, and another
		// process may have claimed it: what is shown now is claimed once more.
		if row, err = e.row(ctx, eff); err != nil {
			return err
		}
	}
	shown, taken := row.Text(f.Name), ""
	if shown != "" {
		holder, err := e.Store.Claim(ctx, space, shown, eff.Scope)
		if err != nil {
			return err
		}
		if holder != eff.Scope {
			taken = shown
		}
	}
	if row.Deleted || row.Text(f.Unique) == taken {
		return nil
	}
	value := merge.Value("null")
	if taken != "" {
		value = merge.Str(taken)
	}
	_, err = e.Write(ctx, eff.Scope, merge.ServerWrite{Name: fmt.Sprintf("claim.%s.%s.%d", eff.ID, f.Unique, row.Version), Role: merge.System,
		Collection: eff.Collection, ID: eff.ID, Op: merge.Put, Set: map[string]merge.Value{f.Unique: value}})
	return err
}

// row reads the record of an effect as it is now; the zero row if there is none.
func (e *Engine) row(ctx context.Context, eff merge.Effect) (merge.Row, error) {
	key := merge.Key{Collection: eff.Collection, ID: eff.ID}
	got, err := e.Store.Load(ctx, eff.Scope, store.Want{Keys: []merge.Key{key}})
	if err != nil || len(got.Records) == 0 {
		return merge.Row{Key: key}, err
	}
	r := got.Records[0]
	rec, err := merge.DecodeRecord(merge.Row{Key: key, Version: r.Version, Deleted: r.Deleted}, r.Fields, r.State, r.Tags)
	if err != nil {
		return merge.Row{}, &fault.Error{Kind: fault.Internal, Code: "internal", Text: "record " + key.String() + " does not decode", Cause: err}
	}
	if rec.Deleted {
		rec.Fields = nil
	}
	return rec.Row, nil
}
