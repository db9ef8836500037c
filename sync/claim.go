package syncer

import (
	"context"
	"fmt"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// holding is who holds a unique value: a scope, as it was after a commit. The
// commit tells a claim that was made anew from the one that a slow process still
// means to give up.
type holding struct {
	scope string
	count uint32 // of the generation
	seq   merge.Seq
}

func (h holding) String() string { return fmt.Sprintf("%s#%d.%d", h.scope, h.count, h.seq) }

// readHolding reads what String wrote, or the bare scope.
func readHolding(s string) holding {
	scope, at, _ := strings.Cut(s, "#")
	h := holding{scope: scope}
	if _, err := fmt.Sscanf(at, "%d.%d", &h.count, &h.seq); err != nil {
		return holding{scope: scope} // it does not say: older than every other
	}
	return h
}

// older reports whether h is of an earlier commit than o.
func (h holding) older(o holding) bool {
	return h.count < o.count || h.count == o.count && h.seq < o.seq
}

// claim brings the claims of a unique field up to date with what the record
// shows now, which may be more than the effect knew of. asked is the commit that
// has the effect. Two scopes that show one value keep it both: the one that came
// second is told so in the field that Unique names, and a person decides. A
// scope that was merged into another one shows nothing.
func (e *Engine) claim(ctx context.Context, asked holding, eff merge.Effect) error {
	c, ok := e.Schema.Collection(eff.Collection)
	if !ok {
		return nil
	}
	f, ok := c.Field(eff.Claim.Field)
	if !ok || f.Unique == "" {
		return nil // a newer catalogue does not ask for it any more
	}
	space := eff.Collection + "." + f.Name
	row, shown, err := e.shown(ctx, eff)
	if err != nil {
		return err
	}
	if old := eff.Claim.Old; old != "" && old != shown {
		if err := e.giveUp(ctx, space, old, asked); err != nil {
			return err
		}
	}
	taken := ""
	if shown != "" {
		mine := holding{asked.scope, asked.count, row.Version}
		if holder, err := e.hold(ctx, space, shown, mine); err != nil {
			return err
		} else if holder != mine.scope {
			taken = shown
		}
		// The record may have moved on meanwhile, and another process may have
		// carried that out to its end: then nobody would give this up again.
		if _, now, err := e.shown(ctx, eff); err != nil {
			return err
		} else if now != shown {
			return e.Store.Release(ctx, space, shown, mine.String())
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

// giveUp releases a value, unless it came back after the commit that asked for
// that.
func (e *Engine) giveUp(ctx context.Context, space, value string, asked holding) error {
	has, err := e.Store.Holder(ctx, space, value)
	if err != nil {
		return err
	}
	if h := readHolding(has); h.scope != asked.scope || !h.older(asked) {
		return nil
	}
	return e.Store.Release(ctx, space, value, has)
}

// hold claims a value and gives the scope that has it. A claim of its own from an
// earlier commit is made anew: somebody slow may be about to give that one up.
func (e *Engine) hold(ctx context.Context, space, value string, mine holding) (string, error) {
	for {
		has, err := e.Store.Claim(ctx, space, value, mine.String())
		if err != nil {
			return "", err
		}
		h := readHolding(has)
		if h.scope != mine.scope || !h.older(mine) {
			return h.scope, nil
		}
		if err := e.Store.Release(ctx, space, value, has); err != nil {
			return "", err
		}
	}
}

// shown reads the record of a claim and what its field shows.
func (e *Engine) shown(ctx context.Context, eff merge.Effect) (merge.Row, string, error) {
	row, err := e.row(ctx, eff)
	if err != nil {
		return row, "", err
	}
	head, err := e.Store.Head(ctx, eff.Scope)
	if err != nil || head.MovedTo != "" {
		return row, "", err
	}
	return row, row.Text(eff.Claim.Field), nil
}

// row reads the record of an effect as it is now; the zero row if there is none.
func (e *Engine) row(ctx context.Context, eff merge.Effect) (merge.Row, error) {
	key := merge.Key{Collection: eff.Collection, ID: eff.ID}
	rec, err := e.record(ctx, eff.Scope, key)
	if err != nil || rec == nil {
		return merge.Row{Key: key}, err
	}
	if rec.Deleted {
		rec.Fields = nil
	}
	return rec.Row, nil
}

// record reads one record, nil if there is none.
func (e *Engine) record(ctx context.Context, scope string, key merge.Key) (*merge.Record, error) {
	got, err := e.Store.Load(ctx, scope, store.Want{Keys: []merge.Key{key}})
	if err != nil || len(got.Records) == 0 {
		return nil, err
	}
	return decode(got.Records[0])
}

func decode(r store.Record) (*merge.Record, error) {
	rec, err := merge.DecodeRecord(merge.Row{Key: r.Key(), Version: r.Version, Deleted: r.Deleted}, r.Fields, r.State, r.Tags)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Internal, Code: "internal", Text: "record " + r.Key().String() + " does not decode", Cause: err}
	}
	return rec, nil
}
