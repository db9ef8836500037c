package programme

import (
	"context"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// fileAlone files a submission if no other application of its business to the programme
// stands, which is asked inside the commit too.
//
// Errors: those of file; Conflict "already_registered" if one stands; Transient "busy" if
// others keep coming and going.
func (s *Service) fileAlone(ctx context.Context, p domain.Programme, app applied, f caseFile, submission string) error {
	for range 5 {
		others, stands, err := s.beside(ctx, p, app)
		if err != nil {
			return err
		}
		if stands && !f.complete {
			return conflict(domain.ReturnRegistered, "another application of the business stands")
		}
		f.beside = others
		if _, err = s.file(ctx, p, "count."+submission, []caseFile{f}); err == nil || fault.CodeOf(err) != "conflict" {
			return err
		}
	}
	return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "applications of the business come and go"}
}

// beside lists the other applications of a business to a programme, and tells whether one of
// them stands against this one. Those that are withdrawn are so where the programme is decided,
// too, when it returns: whoever files asks there.
func (s *Service) beside(ctx context.Context, p domain.Programme, app applied) (others []string, stands bool, err error) {
	want := store.Want{Tags: []string{domain.AppliedTag(p.ID)}}
	for n := 1; n <= domain.MaxAttempts; n++ { // also those of before there was a tag
		if other := domain.ApplicationID(app.business.ID, p.ID, n); other != app.ID {
			others, want.Keys = append(others, other), append(want.Keys, merge.Key{Collection: "application", ID: other})
		}
	}
	there, err := s.filedBeside(ctx, app.scope, want)
	if err != nil {
		return nil, false, err
	}
	delete(there, app.Key)
	var files []merge.Key
	for k := range there {
		files = append(files, merge.Key{Collection: "case_file", ID: k.ID})
		if !slices.Contains(others, k.ID) { // came with a merger
			others = append(others, k.ID)
		}
	}
	filed, err := s.filedBeside(ctx, domain.DecisionScope(p.ID), store.Want{Keys: files})
	if err != nil {
		return nil, false, err
	}
	for k, other := range there {
		_, counted := filed[merge.Key{Collection: "case_file", ID: k.ID}]
		if domain.Stands(other, counted, app.Row) {
			return others, true, nil
		}
		if counted {
			if err := s.copyState(ctx, applied{Row: other, scope: app.scope, business: app.business}); err != nil {
				return nil, false, err
			}
		}
	}
	return others, false, nil
}

// warnOfTwo has the admins look at two applications of an enterprise to one programme which
// were of two before a merger: both may come to a place, and only a person knows which of
// them to disqualify. It is told once. What was not taken over yet is read where it was.
func (s *Service) warnOfTwo(ctx context.Context, from, into store.Head) error {
	old, err := s.collection(ctx, from, "application")
	if err != nil {
		return err
	}
	all, err := s.collection(ctx, into, "application")
	if err != nil {
		return err
	}
	for _, a := range old {
		if !slices.ContainsFunc(all, func(b merge.Row) bool { return b.ID == a.ID }) {
			all = append(all, a)
		}
	}
	for i, a := range all {
		j := slices.IndexFunc(all[:i], func(b merge.Row) bool {
			return a.Text("programme_id") == b.Text("programme_id") && domain.HoldsPlace(a) && domain.HoldsPlace(b)
		})
		if j < 0 {
			continue
		}
		item := id.Derive("review", into.Scope, "two_applications", min(a.ID, all[j].ID), max(a.ID, all[j].ID))
		_, err := s.Engine.Write(ctx, domain.DecisionScope(a.Text("programme_id")), merge.ServerWrite{Name: "two." + item, Role: merge.System, Collection: "review_item", ID: item, Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"what": merge.Str("two_applications"), "scope": merge.Str(into.Scope), "object": merge.Encode(map[string]string{"collection": "application", "id": a.ID}), "at": s.now().Value()}})
		if err != nil && fault.CodeOf(err) != "id_reuse" {
			return fmt.Errorf("warn of two applications: %w", err)
		}
	}
	return nil
}
