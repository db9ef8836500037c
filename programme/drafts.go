package programme

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// broughtIn is the id of the operation by which an import submits what an owner has begun in
// the app, or what came back to them by a return.
func broughtIn(application, back string) string {
	if back == "" {
		return id.Derive("application_event", application, "import")
	}
	return id.Derive("application_event", application, "import", back)
}

// returned is the last return of an application; zero if there is none.
func (a applied) returned() (last merge.Row) {
	for _, e := range a.events {
		if e.Text("op") == "return" && e.Text("outcome") == domain.Effective && (last.ID == "" || merge.EarlierOperation(last, e) < 0) {
			last = e
		}
	}
	return last
}

// dueTime is until when an application that came back may be completed, as its returns said last;
// nil if none did.
func (a applied) dueTime() merge.Value {
	var said []merge.Row
	for _, e := range a.events {
		if e.Text("op") == "return" && e.Text("outcome") == domain.Effective && !merge.Null(e.Fields["complete_by"]) {
			said = append(said, e)
		}
	}
	if len(said) == 0 {
		return nil
	}
	return slices.MaxFunc(said, merge.EarlierOperation).Fields["complete_by"]
}

// imported reports whether a submission is that of an import.
func (a applied) imported(submission merge.Row) bool {
	return submission.ID == broughtIn(a.ID, "") || slices.ContainsFunc(a.events, func(e merge.Row) bool {
		return e.Text("op") == "return" && submission.ID == broughtIn(a.ID, e.ID)
	})
}

// registered is what a programme has files of, and the applications that were begun in the
// app and have none, each with its business.
func (s *Service) registered(ctx context.Context, programme string) (known domain.Known, drafts map[string]string, err error) {
	leave, err := s.wholes.enter(ctx)
	if err != nil {
		return known, nil, err
	}
	defer leave()
	filed, reads := map[string]bool{}, map[string]*picked{"case_file": picks("external_ref", "nib", "owner_phone", "business_name", "digest"), "application_state": picks("state", "business_id")}
	begin := func() { known, drafts, filed = domain.Known{}, map[string]string{}, map[string]bool{} }
	err = s.walkScope(ctx, domain.DecisionScope(programme), begin, func(rec *store.Record) error {
		p := reads[rec.Collection]
		if p == nil {
			return nil
		}
		r, err := p.of(rec)
		switch {
		case err != nil:
		case rec.Collection == "case_file":
			filed[r.ID] = true
			known.Add(r.ID, domain.FileKeys(r))
		case unsubmitted(r):
			drafts[r.ID] = r.Text("business_id")
		}
		return err
	})
	for application := range filed {
		delete(drafts, application)
	}
	return known, drafts, err
}

// unsubmitted reports whether an application lies with its owner.
func unsubmitted(application merge.Row) bool {
	state := application.Text("state")
	return state == domain.ApplicationDraft || state == domain.ApplicationReturned
}

// drafted names the rows of a list that are of businesses which have begun to apply in the
// app: an import submits what they have.
func (s *Service) drafted(ctx context.Context, rows []domain.Registrant, drafts map[string]string) (out []domain.RowError, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	of := map[string][]merge.Row{} // the businesses, by the phone of an owner
	for application, business := range drafts {
		head, err := s.home(ctx, business)
		if err != nil {
			return nil, fmt.Errorf("head of business: %w", err)
		}
		rows, err := s.rows(ctx, head.Scope, merge.Key{Collection: "business", ID: scopeTail(head.Scope)}, merge.Key{Collection: "application", ID: application})
		if err != nil {
			return nil, err
		}
		if len(rows) < 2 || !unsubmitted(rows[1]) {
			continue // submitted since
		}
		for _, g := range head.Access {
			if g.Role != merge.Owner || !g.Holds(max(s.now(), head.Time)) {
				continue
			}
			u, err := s.People.User(ctx, g.User)
			if err != nil && fault.KindOf(err) != fault.NotFound {
				return nil, err
			}
			of[u.Phone] = append(of[u.Phone], rows[0])
		}
	}
	for _, r := range rows {
		if slices.ContainsFunc(of[string(r.Phone)], bringing{Registrant: r}.isOf) {
			out = append(out, domain.RowError{Line: r.Line, Code: "draft_submitted"})
		}
	}
	return out, nil
}

// begunInApp finds the application that a registrant's row is about: the first one that was
// not withdrawn. One that was submitted a moment ago is counted first; then it is told by
// itself, or is a draft again. Who withdrew what was counted, and has begun no other one, is
// brought in by no list.
func (s *Service) begunInApp(ctx context.Context, p domain.Programme, b bringing) (bringing, error) {
	b.app, b.draft, b.taken = merge.Row{}, false, false
	withdrew := false
	for b.attempt = 1; ; b.attempt++ {
		b.application = domain.ApplicationID(b.business, p.ID, b.attempt)
		if !b.there {
			return b, nil
		}
		app, err := s.appliedFor(ctx, b.business, b.application)
		if err != nil || app.Version == 0 || app.Text("opens") == domain.ApplicationSubmitted {
			b.taken = withdrew && app.Version == 0
			return b, err // made by an import, or by nobody yet
		}
		sub, _ := app.submission()
		brought := app.imported(sub)
		if app.Text("state") == domain.ApplicationSubmitted && !brought {
			if err := s.followApplication(ctx, merge.Effect{Scope: app.scope, Collection: "application", ID: app.ID}); err != nil {
				return b, err
			}
			if app, err = s.appliedFor(ctx, b.business, b.application); err != nil {
				return b, err
			}
		}
		files, err := s.rows(ctx, domain.DecisionScope(p.ID), merge.Key{Collection: "case_file", ID: b.application})
		if err != nil {
			return b, err
		}
		switch state := app.Text("state"); {
		case state == domain.ApplicationWithdrawn && b.attempt < domain.MaxAttempts:
			withdrew = withdrew || len(files) > 0
			continue
		case len(files) > 0 && !brought, state != domain.ApplicationSubmitted && !unsubmitted(app.Row):
			b.taken = true
		case len(files) == 0:
			b.draft = unsubmitted(app.Row)
		}
		b.app, b.returned = app.Row, app.returned().ID
		return b, nil
	}
}

// says is what the row of a registrant puts into an application that was begun in the app.
func (b bringing) says() map[string]merge.Value {
	says := map[string]merge.Value{"external_ref": optional(b.Ref)}
	if len(b.Checks)+len(b.Answers) > 0 {
		says["answers"] = b.answers()
	}
	if len(b.Survey) > 0 {
		says["survey"] = b.survey()
	}
	return says
}

// submitDraft submits what an owner has begun, in the name of who imports: with what the row
// says, and else with what the owner typed. Phones that go on with it hear that it is locked.
func (s *Service) submitDraft(ctx context.Context, h *haul, b bringing) (bringing, error) {
	scope, name := scopeOf(b.business), "import."+h.job+"."+b.application+"."+strconv.Itoa(int(b.app.Version))
	still := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if r, _ := v.Row("application", b.application); !unsubmitted(r) {
			return &merge.Reject{Code: "conflict"}
		}
		return alive(v)
	}
	_, err := s.Engine.Write(ctx, scope,
		merge.ServerWrite{Name: name, Author: h.by, Role: merge.System, Collection: "application", ID: b.application, Op: merge.Put, Set: b.says(), Must: still},
		merge.ServerWrite{Name: name, Author: h.by, Role: merge.System, Collection: "application_event", ID: broughtIn(b.application, b.returned), Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"application_id": merge.Str(b.application), "op": merge.Str("submit")}})
	switch fault.CodeOf(err) {
	case "conflict", "business_merged": // its owner, another list or a merger was faster: the step is done again, and finds that
		return b, &fault.Error{Kind: fault.Transient, Code: "busy", Text: "somebody was faster in this moment"}
	}
	if err != nil {
		return b, err
	}
	rows, err := s.rows(ctx, scope, b.app.Key)
	b.app, b.draft = first(rows), false
	return b, err
}

// giveBack returns the drafts that an import has submitted and could not file any more.
func (s *Service) giveBack(ctx context.Context, h *haul, all []bringing, why string) error {
	for _, b := range all {
		if b.app.Version == 0 {
			continue
		}
		files, err := s.rows(ctx, domain.DecisionScope(h.programme.ID), merge.Key{Collection: "case_file", ID: b.application})
		if err != nil {
			return err
		}
		if len(files) > 0 { // by another list: it is where it belongs
			continue
		}
		app, err := s.appliedFor(ctx, b.business, b.application)
		if err == nil {
			err = s.sendBack(ctx, app, merge.Row{}, why)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
