package syncer

import (
	"context"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Write carries out the server's own edits of one scope in one commit, all or
// none, and makes the scope if it has no log yet. It gives the version that the
// scope has afterwards.
//
// Errors: Stale "stale_version" if a strict write's field changed; NotFound,
// Forbidden, Conflict or Invalid with the code that the rule gave.
func (e *Engine) Write(ctx context.Context, scope string, writes ...merge.ServerWrite) (merge.Seq, error) {
	head, err := e.ensure(ctx, scope)
	if err != nil {
		return 0, err
	}
	j := &job{alone: true, read: &head, parts: []*merge.Part{{Writes: writes}}}
	if err := e.submit(ctx, scope, j); err != nil {
		return 0, err
	}
	for _, a := range j.answers[0] {
		if a.Outcome == merge.Rejected {
			return 0, &fault.Error{Kind: kindOf(a.Code), Code: a.Code, Field: a.Field, Text: "write to " + scope + " refused"}
		}
	}
	return j.head.Applied, nil
}

// Decided tells what the scope decided under a name (merge.ServerWrite.Decide),
// "" if nothing yet, and the head as it was no later than that. If the head says
// that the scope was merged into another one, it will never decide otherwise.
//
// Errors: those of the store.
func (e *Engine) Decided(ctx context.Context, scope, name string) (store.Head, merge.Outcome, error) {
	if _, err := e.foldAll(ctx, scope); err != nil { // what was decided before a crash counts, folded or not
		return store.Head{}, "", err
	}
	head, err := e.Store.Head(ctx, scope)
	if err != nil {
		return store.Head{}, "", err
	}
	got, err := e.Store.Load(ctx, scope, store.Want{Pages: []merge.PageKey{merge.DecisionPage(scope, name)}})
	if err != nil || len(got.Pages) == 0 {
		return head, "", err
	}
	return head, merge.Decision(got.Pages[0]), nil
}

// kindOf is what the caller of an online edit can do about a refusal.
func kindOf(code string) fault.Kind {
	switch code {
	case "stale_version":
		return fault.Stale
	case "not_found", "record_gone":
		return fault.NotFound
	case "forbidden", "not_assigned", "admin_required", "second_factor_required":
		return fault.Forbidden
	case "id_reuse", "last_owner", "conflict", "immutable_field", "business_merged", "forbidden_transition", "documents_missing", "locked", "approval_closed", "enrolment_paused", "publication_begun", "track_taken", "place_taken", "offer_lapsed", "field_fixed":
		return fault.Conflict
	}
	return fault.Invalid
}
