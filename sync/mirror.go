package syncer

import (
	"bytes"
	"context"
	"fmt"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// mirror brings a record of another scope up to what a commit says. Of several
// commits of one scope the newest has its say, in whatever order and however
// often their effects are carried out, and by however many processes: that is
// asked inside the commit that writes.
//
// Where the other scope was merged into a third one, what it holds is brought
// there first, and then the record there is brought up to date too, as long as
// nobody else speaks for it.
func (e *Engine) mirror(ctx context.Context, says holding, eff merge.Effect) error {
	if err := e.reflect(ctx, says, eff, false); err != nil {
		return err
	}
	head, err := e.Store.Head(ctx, eff.Scope)
	if err != nil || head.MovedTo == "" {
		return err
	}
	if err := e.takeOver(ctx, eff.Scope, head.MovedTo); err != nil {
		return err
	}
	eff.Scope = head.MovedTo
	return e.reflect(ctx, says, eff, true)
}

// reflect makes or changes the record in the scope that the effect names. A
// guest yields to whatever scope spoke there before it.
func (e *Engine) reflect(ctx context.Context, says holding, eff merge.Effect, guest bool) error {
	overtaken := func(row merge.Row) bool {
		last := readHolding(row.Text("cause"))
		return row.Version > 0 && (last.scope != says.scope && guest || last.scope == says.scope && !last.older(says))
	}
	must := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if row, ok := v.Row(eff.Collection, eff.ID); ok && overtaken(row) {
			return &merge.Reject{Code: "stale_version"}
		}
		return nil
	}
	for {
		row, err := e.row(ctx, eff)
		if err != nil || overtaken(row) {
			return err
		}
		set := map[string]merge.Value{"cause": merge.Str(says.String())}
		for name, v := range eff.Set {
			if !bytes.Equal(row.Fields[name], v) && !(merge.Null(v) && row.Fields[name] == nil) {
				set[name] = v
			}
		}
		_, err = e.Write(ctx, eff.Scope, merge.ServerWrite{Name: fmt.Sprintf("mirror.%s.%s", eff.ID, says), Role: merge.System,
			Collection: eff.Collection, ID: eff.ID, Op: merge.Put, Set: set, Create: row.Version == 0, Strict: &row.Version, Must: must})
		if code := fault.CodeOf(err); err == nil || code != "id_reuse" && code != "stale_version" { // else somebody was faster
			return err
		}
	}
}
