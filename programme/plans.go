package programme

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// CreateTemplate publishes a version of a plan template. It is never changed afterwards:
// what has to be otherwise is another version. Only admins do.
//
// Errors: Forbidden; Invalid with every mistake; Conflict "template_exists".
func (s *Service) CreateTemplate(ctx context.Context, who Caller, code string, version int, fields map[string]merge.Value) (merge.Row, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return merge.Row{}, err
	}
	set, written := maps.Clone(fields), []string{"name", "items"}
	for _, name := range written {
		if merge.Null(set[name]) {
			return merge.Row{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: name, Text: "missing"}
		}
	}
	if err := s.fits("plan_template", set, append(written, "kinds")); err != nil {
		return merge.Row{}, err
	}
	set["code"], set["template_version"] = merge.Str(code), merge.Num(version)
	if err := s.check("plan_template", set); err != nil {
		return merge.Row{}, err
	}
	k := merge.Key{Collection: "plan_template", ID: domain.PlanTemplateID(code, version)}
	if err := fault.Mistakes(domain.CheckPlan(merge.Row{Key: k, Fields: set}), "plan template"); err != nil {
		return merge.Row{}, err
	}
	_, err := s.Engine.Write(ctx, domain.ScopeProgrammes, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put,
		Create: true, Set: set})
	if fault.CodeOf(err) == "id_reuse" {
		err = conflict("template_exists", "this version is published")
	}
	if err != nil {
		return merge.Row{}, err
	}
	rows, err := s.rows(ctx, domain.ScopeProgrammes, k)
	return first(rows), err
}

// Templates gives a page of every version of every plan template, by code and version.
// Anybody who is logged in may ask.
func (s *Service) Templates(ctx context.Context, page Page) ([]merge.Row, *Place, error) {
	list := pager[merge.Row]{Page: page, of: func(r merge.Row) Place { return Place{r.Text("code"), fmt.Sprintf("%09d", r.Int("template_version"))} }}
	err := s.public(ctx, "plan_template", list.clear, func(r merge.Row, _ Version) { list.add(r) })
	out, next := list.page()
	return out, next, err
}

// enrol makes the enrolment of a business whose owner has confirmed, and the tasks of its
// plan, in one commit. Done again it changes nothing.
func (s *Service) enrol(ctx context.Context, app applied) error {
	eid := domain.EnrolmentID(app.ID)
	there, err := s.rows(ctx, app.scope, merge.Key{Collection: "enrolment", ID: eid})
	if err != nil || len(there) > 0 {
		return err
	}
	e, err := s.setup(ctx, app.Text("programme_id"))
	if err != nil {
		return err
	}
	writes := s.enrolWrites(app, eid)
	p := domain.ProgrammeOf(e.Row)
	tasks, err := s.planWrites(ctx, p, app, eid)
	if err != nil {
		return err
	}
	writes[0].Must = inAlive(func(v merge.View, _ []merge.Grant) *merge.Reject {
		r, _ := v.Row("application", app.ID)
		if r.Text("state") != domain.ApplicationConfirmed || domain.ApplicationPlace(r, v.Operations("application_event", r.ID)) != domain.PlaceHeld { // any more, or nobody offered it
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	})
	_, err = s.Engine.Write(ctx, app.scope, append(writes, tasks...)...)
	return s.overtakenBy(ctx, app.scope, err)
}

// serverWrite is a write of the server's own behind an application.
func serverWrite(name, collection, record string, create bool, set map[string]merge.Value) merge.ServerWrite {
	return merge.ServerWrite{Name: name, Role: merge.System, Collection: collection, ID: record, Op: merge.Put, Create: create, Set: set}
}

func (s *Service) enrolWrites(app applied, eid string) []merge.ServerWrite {
	at := s.now().Value()
	for _, e := range app.events {
		if e.Text("op") == "confirm" && e.Text("outcome") == domain.Effective {
			at = e.Fields["created_at"]
		}
	}
	business := map[string]merge.Value{"programme_id": app.Fields["programme_id"]}
	if app.business.Fields["enrolled_at"] == nil {
		business["enrolled_at"] = at
	}
	return []merge.ServerWrite{
		serverWrite("enrol."+app.ID, "enrolment", eid, true, map[string]merge.Value{"application_id": merge.Str(app.ID), "programme_id": app.Fields["programme_id"], "confirmed_at": at,
			"state": merge.Str("active"), "baseline_monthly_idr": orNull(app.business.Fields["baseline_monthly_idr"])}),
		serverWrite("enrol."+app.ID, "business", app.business.ID, false, business)}
}

// planWrites make the tasks of the programme's template that suit a business, due from the
// first day that is monitored.
func (s *Service) planWrites(ctx context.Context, p domain.Programme, app applied, eid string) ([]merge.ServerWrite, error) {
	if p.Template == "" {
		return nil, nil
	}
	rows, err := s.rows(ctx, domain.ScopeProgrammes, merge.Key{Collection: "plan_template", ID: p.Template})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	categories := append(app.business.Strings("categories"), app.business.Text("primary_category"))
	var writes []merge.ServerWrite
	planned := domain.PlanTasks(rows[0], eid, p, categories)
	tasks := slices.Sorted(maps.Keys(planned))
	for _, tid := range tasks {
		writes = append(writes, serverWrite("plan."+app.ID, "task", tid, true, planned[tid]))
	}
	return append(writes, serverWrite("plan."+app.ID, "plan", domain.PlanID(eid), true, map[string]merge.Value{"enrolment_id": merge.Str(eid), "programme_id": merge.Str(p.ID),
		"template_id": merge.Str(p.Template), "tasks": merge.Encode(tasks)})), nil
}

// knownReferences refuses a programme of a kind whose template is not published or is for
// programmes of other kinds, or that continues one that is not there.
//
// Errors: Invalid "invalid_reference", "template_kind".
func (s *Service) knownReferences(ctx context.Context, kind string, set map[string]merge.Value) error {
	if template := merge.AsString(set["plan_template_id"]); template != "" {
		rows, err := s.rows(ctx, domain.ScopeProgrammes, merge.Key{Collection: "plan_template", ID: template})
		if err == nil && len(rows) == 0 {
			err = invalidReference("plan_template_id", "no such template")
		}
		if kinds := first(rows).Strings("kinds"); err == nil && len(kinds) > 0 && !slices.Contains(kinds, kind) {
			err = &fault.Error{Kind: fault.Invalid, Code: "template_kind", Field: "plan_template_id", Text: "for programmes of other kinds"}
		}
		if err != nil {
			return err
		}
	}
	return s.knownProgramme(ctx, "follows", merge.AsString(set["follows"]))
}

// knownProgramme refuses a field that names a programme which is not there; "" names none.
//
// Errors: Invalid "invalid_reference".
func (s *Service) knownProgramme(ctx context.Context, field, programme string) error {
	if programme == "" {
		return nil
	}
	_, err := s.setup(ctx, programme)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		err = invalidReference(field, "no such programme")
	}
	return err
}

func invalidReference(field, text string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "invalid_reference", Field: field, Text: text}
}
