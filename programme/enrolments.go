package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Enrolled is a business that takes part in a programme, or did.
type Enrolled struct {
	Record          // the enrolment; its version is the one to operate on
	Business string // where it lives now
	Name     string // of the business
	Region   string // that it registered from
}

// EnrolmentFilter narrows a list of enrolments; an empty field narrows nothing.
type EnrolmentFilter struct{ State, Province string }

// Enrolments gives a page of those who take part in a programme, in the order in which
// their files changed last, and the position of the last one, as Files does. A regional
// admin gets those of their provinces. Each file of the last stage costs a read of what is
// known of its application, and each that had a place two reads of its business.
//
// Errors: those of Files.
func (s *Service) Enrolments(ctx context.Context, who Caller, programme string, at store.Position, limit int, f EnrolmentFilter) (out []Enrolled, next store.Position, more bool, err error) {
	found := map[string]Enrolled{}
	var failed error
	files, next, more, err := s.Files(ctx, who, programme, at, limit, func(file merge.Row) bool {
		if failed != nil || !mayHavePlace(file) || f.Province != "" && string(domain.Region(file.Text("region_code")).Province()) != f.Province {
			return false
		}
		copies, err := s.rows(ctx, domain.DecisionScope(programme), merge.Key{Collection: "application_state", ID: file.ID})
		if failed = err; err != nil || !mayTakePart(first(copies)) {
			return false
		}
		e, ok, err := s.enrolledBy(ctx, file)
		failed = err
		if !ok || f.State != "" && e.Text("state") != f.State {
			return false
		}
		found[file.ID] = e
		return true
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, at, false, err
	}
	for _, file := range files {
		out = append(out, found[file.ID])
	}
	return out, next, more, nil
}

// mayHavePlace reports whether a file may have come to a place: nobody does who was eliminated, or
// who does not meet the rule of the last stage.
func mayHavePlace(file merge.Row) bool {
	switch file.Text("state") {
	case domain.FileSelected, domain.FileReserve, domain.FileWithdrawn:
		return true
	}
	return file.Text("state") == domain.FileNotSelected && !merge.Null(file.Fields["rank"])
}

// mayTakePart reports whether an application may have led to an enrolment, by the copy of it
// beside the decisions: it had a place, whatever was decided about its file. Copies from before
// places were noted do not say whether who is out now had one.
func mayTakePart(application merge.Row) bool {
	state := application.Text("state")
	return domain.PlaceOf(application) != "" || state == domain.ApplicationWithdrawn || state == domain.ApplicationDisqualified
}

// enrolledBy reads the enrolment that a file led to; false if it led to none.
func (s *Service) enrolledBy(ctx context.Context, file merge.Row) (Enrolled, bool, error) {
	head, err := s.home(ctx, file.Text("business_id"))
	if errors.Is(err, store.ErrAbsent) {
		return Enrolled{}, false, nil
	}
	if err != nil {
		return Enrolled{}, false, err
	}
	out := Enrolled{Business: strings.TrimPrefix(head.Scope, scopeOf("")), Region: file.Text("region_code")}
	k, root := merge.Key{Collection: "enrolment", ID: domain.EnrolmentID(file.ID)}, merge.Key{Collection: "business", ID: out.Business}
	got, err := s.Engine.Store.Load(ctx, head.Scope, store.Want{Keys: []merge.Key{k, root}, Tags: []string{merge.OperationsTag(k)}})
	if err != nil {
		return Enrolled{}, false, fmt.Errorf("load enrolment: %w", err)
	}
	out.Record.Version.Generation = head.Generation.Count
	for i := range got.Records {
		row, err := rowOf(&got.Records[i])
		switch {
		case err != nil:
			return Enrolled{}, false, err
		case row.Key == root:
			out.Name = row.Text("name")
			continue
		case row.Key == k:
			out.Row = row
		}
		out.Record.Version.Seq = max(out.Record.Version.Seq, row.Version)
	}
	return out, out.ID != "", nil
}

// home is the head of where a business lives now.
//
// Errors: store.ErrAbsent.
func (s *Service) home(ctx context.Context, business string) (store.Head, error) {
	for scope := scopeOf(business); ; {
		head, err := s.Engine.Store.Head(ctx, scope)
		if err != nil || head.MovedTo == "" {
			return head, err
		}
		scope = head.MovedTo
	}
}

// OperateEnrolment carries out what an admin does to an enrolment of a programme that they
// saw at version v: domain.EnrolmentOps. With a resumption the dates of what is not done of
// the plan move by the days of the pause, in the same commit.
//
// Errors: Forbidden; NotFound; Stale "stale_version"; Conflict "forbidden_transition"; Invalid
// "invalid_value" (op) or "reason_required" (reason).
func (s *Service) OperateEnrolment(ctx context.Context, who Caller, programme, enrolment string, v Version, op, reason string) (Outcome, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Outcome{}, err
	}
	business, err := s.enrolledIn(ctx, programme, enrolment)
	if err != nil {
		return Outcome{}, err
	}
	switch {
	case !slices.Contains(domain.EnrolmentOps(), op):
		return Outcome{}, invalid("op", "not done here")
	case domain.EnrolmentNeedsReason(op) && strings.TrimSpace(reason) == "":
		return Outcome{}, &fault.Error{Kind: fault.Invalid, Code: "reason_required", Field: "reason", Text: "missing"}
	}
	o := Operation{Collection: "enrolment_event", Parent: enrolment, Set: map[string]merge.Value{"op": merge.Str(op), "programme_id": merge.Str(programme)}}
	if reason != "" {
		o.Set["note"] = merge.Str(reason)
	}
	if err := s.check(o.Collection, o.Set); err != nil {
		return Outcome{}, err
	}
	for range 3 {
		if op == "resume" {
			if o.Beside, err = s.planMoves(ctx, who, business, enrolment); err != nil {
				return Outcome{}, err
			}
		}
		out, err := s.Operate(ctx, who, business, v, o)
		if e := new(fault.Error); !errors.As(err, &e) || e.Code != "stale_version" || e.Field != "due_on" { // somebody gave a task another date meanwhile
			return out, err
		}
	}
	return Outcome{}, &fault.Error{Kind: fault.Transient, Code: "busy", Text: "the dates of the plan change without a pause"}
}

// enrolledIn finds the business of an enrolment of a programme.
//
// Errors: NotFound.
func (s *Service) enrolledIn(ctx context.Context, programme, enrolment string) (string, error) {
	if _, err := s.setup(ctx, programme); err != nil {
		return "", err
	}
	if !id.Valid(enrolment) {
		return "", notFound()
	}
	got, err := s.Engine.Store.Load(ctx, domain.DecisionScope(programme), store.Want{Tags: []string{domain.CaseFileTag("enrolment", enrolment)}})
	if err != nil {
		return "", fmt.Errorf("find enrolment: %w", err)
	}
	if len(got.Records) == 0 {
		return "", notFound()
	}
	file, err := rowOf(&got.Records[0])
	if err != nil {
		return "", err
	}
	e, ok, err := s.enrolledBy(ctx, file)
	if err == nil && !ok {
		err = notFound()
	}
	return e.Business, err
}

// planMoves are the writes that move the dates of what is not done of a plan by the days for
// which its enrolment has paused. A date that somebody wrote says more than the plan does, and
// stays. The writes are nobody's: beside a date that a mentor wrote without having seen
// them, the mentor's counts.
func (s *Service) planMoves(ctx context.Context, who Caller, business, enrolment string) ([]merge.ServerWrite, error) {
	scope, k := scopeOf(business), merge.Key{Collection: "enrolment", ID: enrolment}
	plan, root := merge.Key{Collection: "plan", ID: domain.PlanID(enrolment)}, merge.Key{Collection: "business", ID: business}
	got, err := s.Engine.Store.Load(ctx, scope, store.Want{Keys: []merge.Key{plan, root}, Tags: []string{merge.OperationsTag(k)}})
	if err != nil {
		return nil, fmt.Errorf("load plan: %w", err)
	}
	var ops []merge.Row
	var rows = map[merge.Key]merge.Row{}
	for i := range got.Records {
		row, err := rowOf(&got.Records[i])
		if err != nil {
			return nil, err
		}
		if rows[row.Key] = row; row.Collection == "enrolment_event" {
			ops = append(ops, row)
		}
	}
	days := domain.PauseDays(ops, s.now(), domain.Zone(rows[root].Text("zone")))
	var keys []merge.Key
	for _, t := range rows[plan].Strings("tasks") {
		keys = append(keys, merge.Key{Collection: "task", ID: t})
	}
	if days <= 0 || len(keys) == 0 {
		return nil, nil
	}
	tasks, err := s.Engine.Store.Load(ctx, scope, store.Want{Keys: keys})
	if err != nil {
		return nil, fmt.Errorf("load tasks: %w", err)
	}
	var out []merge.ServerWrite
	for i := range tasks.Records {
		w, ok, err := s.planMove(&tasks.Records[i], days)
		if err != nil {
			return nil, err
		}
		if w.Name = "resume." + who.Name; ok {
			out = append(out, w)
		}
	}
	return out, nil
}

// planMove moves the date of one task; false if it is done, or its date is a person's.
func (s *Service) planMove(r *store.Record, days int) (w merge.ServerWrite, ok bool, err error) {
	row, err := rowOf(r)
	if err != nil {
		return w, false, err
	}
	rec, err := merge.DecodeRecord(row, r.Fields, r.State, r.Tags)
	if err != nil {
		return w, false, fmt.Errorf("record %s: %w", row.Key, err)
	}
	c, _ := s.Engine.Schema.Collection(row.Collection)
	due := domain.Date(row.Text("due_on"))
	if state := row.Text("state"); row.Deleted || due == "" || state == domain.TaskVerified || state == domain.TaskCancelled || rec.WrittenBy(c, "due_on") != "" {
		return w, false, nil
	}
	return merge.ServerWrite{Collection: row.Collection, ID: row.ID, Op: merge.Put, Strict: &row.Version,
		Set: map[string]merge.Value{"due_on": merge.Str(string(due.AddDays(days)))}}, true, nil
}

// settle has an enrolment follow its application, if that has led to one: who holds no
// confirmed place takes no part (domain.EnrolmentFollows). The tasks stay. The commit asks
// once more; where it finds otherwise, whoever changed that follows.
//
// Errors: Transient "busy" while a merger is under way.
func (s *Service) settle(ctx context.Context, app applied) error {
	k := merge.Key{Collection: "enrolment", ID: domain.EnrolmentID(app.ID)}
	got, err := s.Engine.Store.Load(ctx, app.scope, store.Want{Keys: []merge.Key{k}, Tags: []string{merge.OperationsTag(k)}})
	if err != nil {
		return fmt.Errorf("load enrolment: %w", err)
	}
	var there merge.Row
	var ops []merge.Row
	for i := range got.Records {
		row, err := rowOf(&got.Records[i])
		if err != nil {
			return err
		}
		if row.Key == k {
			there = row
		} else {
			ops = append(ops, row)
		}
	}
	op := domain.EnrolmentFollows(app.Row, there, ops)
	if op == "" {
		return nil
	}
	set := map[string]merge.Value{"enrolment_id": merge.Str(k.ID), "programme_id": app.Fields["programme_id"], "op": merge.Str(op)}
	for _, e := range app.events {
		if op == domain.EnrolmentDisqualify && e.Text("op") == disqualify && e.Text("outcome") == domain.Effective && e.Text("note") != "" {
			set["note"] = e.Fields["note"]
		}
	}
	event := id.Derive("enrolment_event", app.scope, k.ID, op, string(merge.Num(there.Version)))
	w := serverWrite("follow."+event, "enrolment_event", event, true, set)
	w.Must = inAlive(func(v merge.View, _ []merge.Grant) *merge.Reject {
		a, _ := v.Row("application", app.ID)
		e, _ := v.Row(k.Collection, k.ID)
		if domain.EnrolmentFollows(a, e, v.Operations("enrolment_event", k.ID)) != op {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	})
	_, err = s.Engine.Write(ctx, app.scope, w)
	return s.overtakenBy(ctx, app.scope, err)
}

// overtakenBy forgives a write behind an application that somebody else made, or made
// superfluous.
//
// Errors: Transient "busy" where the business was merged into another one meanwhile.
func (s *Service) overtakenBy(ctx context.Context, scope string, err error) error {
	switch fault.CodeOf(err) {
	case "conflict", "id_reuse":
		return nil
	case "business_merged": // the next try finds it where it has gone
		return errors.Join(underMerger(), s.moved(ctx, scope))
	}
	return err
}
