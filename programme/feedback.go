package programme

import (
	"context"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Dossier is a case file as an admin works on it.
type Dossier struct {
	merge.Row
	Version Version
}

// File gives one file of a programme to an admin.
//
// Errors: Forbidden, NotFound.
func (s *Service) File(ctx context.Context, who Caller, programme, file string) (Dossier, error) {
	if _, err := s.mySetup(ctx, who, programme); err != nil {
		return Dossier{}, err
	}
	head, err := s.Engine.Store.Head(ctx, domain.DecisionScope(programme))
	if err != nil {
		return Dossier{}, err
	}
	rows, err := s.rows(ctx, head.Scope, merge.Key{Collection: "case_file", ID: file})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Dossier{}, err
	}
	return Dossier{rows[0], Version{head.Generation.Count, rows[0].Version}}, nil
}

// Advise writes what the owner of a file is told beside the result, in the place of the words
// for everybody of that result: what the curators say, and what to do next. It is told with
// the result and not before, and changed until the telling begins.
//
// Errors: Forbidden, NotFound; Stale "stale_version"; Invalid "invalid_value" (feedback);
// Conflict "publication_begun".
func (s *Service) Advise(ctx context.Context, who Caller, programme, file string, seen Version, words string) (Dossier, error) {
	d, err := s.File(ctx, who, programme, file)
	if err != nil {
		return d, err
	}
	if d.Version != seen {
		return d, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "it has changed since it was read"}
	}
	set := map[string]merge.Value{"feedback": optional(words)}
	if s.check("application_event", map[string]merge.Value{"feedback": optional(words)}) != nil {
		return d, invalid("feedback", "words that no owner can be told")
	}
	told := publicationKey(programme)
	untold := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if p, ok := v.Row(told.Collection, told.ID); ok && (p.Text("state") == "telling" || p.Text("state") == "told") {
			return &merge.Reject{Code: "publication_begun"}
		}
		return nil
	}
	if _, err := s.Engine.Write(ctx, domain.DecisionScope(programme), merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "case_file", ID: file, Op: merge.Put,
		Strict: &seen.Seq, Must: untold, Set: set}); err != nil {
		return d, err
	}
	return s.File(ctx, who, programme, file)
}
