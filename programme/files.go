package programme

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Files gives a page of case files of a programme to an admin, in the order of their
// last change, and the position of its last one. A regional admin gets those of their
// provinces, and hears nothing of others: the end of the page is theirs, and more is only
// said if there is another one of theirs.
//
// Errors: Forbidden, NotFound.
func (s *Service) Files(ctx context.Context, who Caller, programme string, at store.Position, limit int, keep func(merge.Row) bool) (out []merge.Row, next store.Position, more bool, err error) {
	provinces, err := s.mustLookAfter(ctx, who)
	if err == nil && provinces == nil {
		_, err = s.setup(ctx, programme)
	} else if err == nil {
		_, err = s.edition(ctx, domain.ScopeProgrammes, "programme", programme) // drafts are for admins
	}
	if err != nil {
		return nil, at, false, err
	}
	if provinces != nil {
		if told, err := s.rows(ctx, domain.DecisionScope(programme), publicationKey(programme)); err != nil {
			return nil, at, false, err
		} else if !begunTelling(first(told)) {
			return s.filesUnderEmbargo(ctx, programme, provinces, at, limit, keep)
		}
	}
	head, err := s.Engine.Store.Head(ctx, domain.DecisionScope(programme))
	if errors.Is(err, store.ErrAbsent) {
		return nil, at, false, nil
	}
	next = at
	for more = err == nil; more; {
		page, err := s.Engine.Store.Changed(ctx, head.Scope, at, head.Applied, head.Applied, 1<<18)
		if err != nil || page.Torn {
			return nil, at, false, errors.Join(err, torn(page.Torn))
		}
		more = page.More
		for i := range page.Records {
			r := &page.Records[i]
			at = store.Position{Version: r.Version, Key: r.Key()}
			if r.Collection != "case_file" || r.Deleted {
				continue
			}
			row, err := rowOf(r)
			if err != nil {
				return nil, at, false, err
			}
			if provinces != nil && !slices.Contains(provinces, string(domain.Region(row.Text("region_code")).Province())) || !keep(row) {
				continue
			}
			if len(out) == limit {
				return out, next, true, nil
			}
			if provinces != nil {
				delete(row.Fields, "job_id") // lists of all provinces are for admins
			}
			out, next = append(out, row), at
		}
	}
	return out, next, false, err
}

// decidedFields are those of a case file that a decision writes.
func decidedFields() []string {
	return []string{"state", "stage", "failed", "level", "score_bp", "rank", "feedback", "feedback_for", "review"}
}

// filesUnderEmbargo gives a page of the files of some provinces, as they were submitted and
// in the order of their numbers: who was written last says what was decided. A place in it
// is a number.
func (s *Service) filesUnderEmbargo(ctx context.Context, programme string, provinces []string, at store.Position, limit int, keep func(merge.Row) bool) (out []merge.Row, next store.Position, more bool, err error) {
	var all []merge.Row
	more = false
	trim := func() { // keeps those of the page, and forgets the rest
		slices.SortFunc(all, func(a, b merge.Row) int { return strings.Compare(a.Text("number"), b.Text("number")) })
		if more = more || len(all) > limit; len(all) > limit {
			clear(all[limit:])
			all = all[:limit]
		}
	}
	err = s.everyFile(ctx, programme, rowOf, func() { all, more = nil, false }, func(r merge.Row) {
		for _, name := range append(decidedFields(), "job_id") {
			delete(r.Fields, name)
		}
		if r.Version = 0; slices.Contains(provinces, string(domain.Region(r.Text("region_code")).Province())) && keep(r) && r.Text("number") > at.Key.ID {
			all = append(all, r)
		}
		if len(all) >= 2*limit+lookEvery {
			trim()
		}
	})
	trim()
	out, next = all, at
	if len(out) > 0 {
		next.Key.ID = out[len(out)-1].Text("number")
	}
	return out, next, more, err
}
