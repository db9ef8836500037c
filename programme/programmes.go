package programme

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Edition is a programme as the caller may see it: admins what they set up, everybody
// else what is public of it.
type Edition struct {
	merge.Row
	Version Version
}

// CreateProgramme makes a programme, as a draft that nobody but admins sees. Its id
// follows from its code. Only admins do.
//
// Errors: Forbidden; Invalid with every mistake; Conflict "programme_exists".
func (s *Service) CreateProgramme(ctx context.Context, who Caller, code string, fields map[string]merge.Value) (Edition, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Edition{}, err
	}
	set := maps.Clone(fields)
	if set == nil {
		set = map[string]merge.Value{}
	}
	for _, name := range []string{"code", "status"} { // the one stands beside the fields, the other is the server's
		if set[name] != nil {
			return Edition{}, unknownField(name)
		}
	}
	set["code"], set["status"] = merge.Str(code), merge.Str(domain.ProgrammeDraft)
	if err := s.fits("programme_setup", set, domain.ProgrammeFields()); err != nil {
		return Edition{}, err
	}
	if merge.Null(set["default_zone"]) {
		if zone, err := firstZone(set); err == nil {
			set["default_zone"] = merge.Str(string(zone))
		}
	}
	if err := s.knownReferences(ctx, merge.AsString(set["kind"]), set); err != nil {
		return Edition{}, err
	}
	pid := domain.ProgrammeID(code)
	if err := fault.Mistakes(domain.CheckProgramme(merge.Row{Key: merge.Key{ID: pid}, Fields: set}, false), "programme"); err != nil {
		return Edition{}, err
	}
	_, err := s.Engine.Write(ctx, domain.DecisionScope(pid), merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "programme_setup", ID: pid,
		Op: merge.Put, Create: true, Set: set})
	if fault.CodeOf(err) == "id_reuse" {
		err = conflict("programme_exists", "the code is taken")
	}
	if err != nil {
		return Edition{}, err
	}
	return s.setup(ctx, pid)
}

// moveZone has the zone of a draft go with its provinces, where nobody chose another one.
func moveZone(draft merge.Row, set map[string]merge.Value) {
	was, err := firstZone(draft.Fields)
	if set["region_codes"] == nil || set["default_zone"] != nil || draft.Text("status") != domain.ProgrammeDraft || err != nil || draft.Text("default_zone") != string(was) {
		return
	}
	if now, err := firstZone(set); err == nil {
		set["default_zone"] = merge.Str(string(now))
	}
}

// firstZone is the zone of the first province of a programme.
func firstZone(set map[string]merge.Value) (domain.Zone, error) {
	regions := merge.AsStrings(set["region_codes"])
	if len(regions) == 0 {
		return "", invalid("region_codes", "no province")
	}
	return domain.Region(regions[0]).Zone()
}

// fits holds fields that an admin writes into a record of a collection against those that
// they may write, and against the table; values are left as they are kept.
//
// Errors: Invalid "unknown_field" or "invalid_value", with every field that does not fit.
func (s *Service) fits(collection string, set map[string]merge.Value, allowed []string) error {
	var bad []fault.Mistake
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !slices.Contains(allowed, name) {
			bad = append(bad, fault.Mistake{Field: name, Code: "unknown_field"})
			continue
		}
		one := map[string]merge.Value{name: set[name]}
		if err := s.check(collection, one); err != nil {
			f, _ := errors.AsType[*fault.Error](err)
			bad = append(bad, fault.Mistake{Field: f.Field, Code: f.Code})
		}
		set[name] = one[name]
	}
	return fault.Mistakes(bad, collection)
}

func unknownField(name string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "unknown_field", Field: name, Text: "not written here"}
}

// ChangeProgramme writes fields of a programme that the caller saw at version v. What
// people relied on when they registered, or what a decision was made by, stays.
//
// Errors: Forbidden, NotFound; Stale "stale_version"; Invalid with every mistake;
// Conflict "field_fixed".
func (s *Service) ChangeProgramme(ctx context.Context, who Caller, programme string, v Version, fields map[string]merge.Value) (Edition, error) {
	old, err := s.mySetup(ctx, who, programme)
	if err != nil {
		return Edition{}, err
	}
	if len(fields) == 0 {
		return Edition{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "fields", Text: "nothing to change"}
	}
	set := maps.Clone(fields)
	moveZone(old.Row, set)
	for _, name := range []string{"status", "follows"} { // by other ways, or never
		if set[name] != nil {
			return Edition{}, unknownField(name)
		}
	}
	if err := s.fits("programme_setup", set, domain.ProgrammeFields()); err != nil {
		return Edition{}, err
	}
	if err := s.knownReferences(ctx, old.Row.Text("kind"), set); err != nil {
		return Edition{}, err
	}
	return s.edit(ctx, who, old, v, set, nil)
}

// edit writes fields of a programme, if it stays one that can be carried out. last is asked when
// nothing but another write can stand against it any more; it may be nil.
func (s *Service) edit(ctx context.Context, who Caller, old Edition, v Version, set map[string]merge.Value, last func(context.Context, Edition) error) (Edition, error) {
	if v != old.Version { // before the rules, which would speak of what the caller has not seen
		return Edition{}, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "it has changed since it was read"}
	}
	for _, name := range domain.ProgrammeFixed(old.Text("status")) {
		if set[name] != nil && !bytes.Equal(set[name], old.Fields[name]) {
			return Edition{}, &fault.Error{Kind: fault.Conflict, Code: "field_fixed", Field: name, Text: "fixed in this status"}
		}
	}
	if err := s.decidedBy(ctx, old, set); err != nil {
		return Edition{}, err
	}
	if err := s.planStays(ctx, old, set); err != nil {
		return Edition{}, err
	}
	changed, err := s.stagesFree(ctx, old, set)
	if err != nil {
		return Edition{}, err
	}
	if err := fault.Mistakes(newMistakes(old.Row, set), "programme"); err != nil {
		return Edition{}, err
	}
	if last != nil {
		if err := last(ctx, old); err != nil {
			return Edition{}, err
		}
	}
	// The rules above looked at the whole record, so nothing of it may have changed since.
	whole := func(view merge.View, _ []merge.Grant) *merge.Reject {
		if r, ok := view.Row("programme_setup", old.ID); !ok || r.Version != old.Row.Version {
			return &merge.Reject{Code: "stale_version"}
		}
		if field := numbersOf(old, set); field != "" && decidedIn(view, old) {
			return &merge.Reject{Code: "field_fixed", Field: field}
		}
		if k := publicationKey(old.ID); plansAnew(old, set) {
			if told, _ := view.Row(k.Collection, k.ID); begunTelling(told) {
				return &merge.Reject{Code: "field_fixed", Field: "plan_template_id"}
			}
		}
		if slices.ContainsFunc(changed, func(no int) bool { return stageBegun(view, old.ID, no) }) { // while it was looked at
			return &merge.Reject{Code: "stale_version"}
		}
		return nil
	}
	if _, err := s.Engine.Write(ctx, domain.DecisionScope(old.ID), merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "programme_setup",
		ID: old.ID, Op: merge.Put, Set: set, Strict: &v.Seq, Must: whole}); err != nil {
		return Edition{}, err
	}
	return s.setup(ctx, old.ID)
}

// decidedBy refuses to change how many are selected once two people have decided who.
//
// Errors: Conflict "field_fixed".
func (s *Service) decidedBy(ctx context.Context, old Edition, set map[string]merge.Value) error {
	field := numbersOf(old, set)
	if field == "" {
		return nil
	}
	rows, err := s.rows(ctx, domain.DecisionScope(old.ID), lastDecision(old))
	if err == nil && first(rows).Text("state") == "decided" {
		err = &fault.Error{Kind: fault.Conflict, Code: "field_fixed", Field: field, Text: "the last stage is decided by it"}
	}
	return err
}

// planStays refuses to change the template once results are being told: who confirms has its
// tasks, and two who take part would have those of two templates.
//
// Errors: Conflict "field_fixed".
func (s *Service) planStays(ctx context.Context, old Edition, set map[string]merge.Value) error {
	if !plansAnew(old, set) {
		return nil
	}
	rows, err := s.rows(ctx, domain.DecisionScope(old.ID), publicationKey(old.ID))
	if err == nil && begunTelling(first(rows)) {
		err = &fault.Error{Kind: fault.Conflict, Code: "field_fixed", Field: "plan_template_id", Text: "results are being told"}
	}
	return err
}

// plansAnew reports whether a change names another template, or none any more.
func plansAnew(old Edition, set map[string]merge.Value) bool {
	return set["plan_template_id"] != nil && merge.AsString(set["plan_template_id"]) != old.Text("plan_template_id")
}

// begunTelling reports whether results are being told, or have been.
func begunTelling(told merge.Row) bool {
	state := told.Text("state")
	return state == "telling" || state == "told"
}

// numbersOf is the field of a change that says anew how many are selected or stand in reserve,
// "" if none does.
func numbersOf(old Edition, set map[string]merge.Value) string {
	for _, name := range []string{"quota", "reserve_size"} {
		if set[name] != nil && !bytes.Equal(set[name], old.Fields[name]) {
			return name
		}
	}
	return ""
}

func lastDecision(e Edition) merge.Key {
	return decisionKey(e.ID, len(domain.ProgrammeOf(e.Row).Stages))
}

// decidedIn is what decidedBy asks, inside the commit.
func decidedIn(v merge.View, e Edition) bool {
	k := lastDecision(e)
	r, _ := v.Row(k.Collection, k.ID)
	return r.Text("state") == "decided"
}

// AdvanceProgramme takes a programme that the caller saw at version v to the next
// status.
//
// Errors: Forbidden, NotFound; Stale "stale_version"; Conflict
// "forbidden_transition" for any status but the next, "number_prefix_taken" where receipt
// numbers would be those of another programme, "results_not_told" where it would be published
// and nobody has heard a result; Invalid with every mistake that stands against opening it.
func (s *Service) AdvanceProgramme(ctx context.Context, who Caller, programme string, v Version, status string) (Edition, error) {
	old, err := s.mySetup(ctx, who, programme)
	if err != nil {
		return Edition{}, err
	}
	if !slices.Contains(domain.ProgrammeStatuses(), status) {
		return Edition{}, invalid("status", "no status of a programme")
	}
	if old.Text("status") == status {
		return old, nil // the same request again
	}
	if !domain.ProgrammeFollows(old.Text("status"), status) {
		return Edition{}, &fault.Error{Kind: fault.Conflict, Code: "forbidden_transition", Field: "status", Text: "not the next status"}
	}
	var last func(context.Context, Edition) error
	switch status {
	case domain.ProgrammeOpen:
		err, last = s.prefixFree(ctx, old), s.takePrefix
	case domain.ProgrammePublished:
		err = s.resultsTold(ctx, old.ID)
	}
	if err != nil {
		return Edition{}, err
	}
	return s.edit(ctx, who, old, v, map[string]merge.Value{"status": merge.Str(status)}, last)
}

// resultsTold refuses to leave the curation, to which there is no way back, before results
// are being told.
func (s *Service) resultsTold(ctx context.Context, programme string) error {
	rows, err := s.rows(ctx, domain.DecisionScope(programme), publicationKey(programme))
	if err == nil && !begunTelling(first(rows)) {
		err = conflict("results_not_told", "the results are not told yet")
	}
	return err
}

// mySetup gives an admin the programme as it was set up.
//
// Errors: Forbidden, NotFound.
func (s *Service) mySetup(ctx context.Context, who Caller, programme string) (Edition, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Edition{}, err
	}
	return s.setup(ctx, programme)
}

func (s *Service) setup(ctx context.Context, programme string) (Edition, error) {
	return s.edition(ctx, domain.DecisionScope(programme), "programme_setup", programme)
}

func (s *Service) edition(ctx context.Context, scope, collection, programme string) (Edition, error) {
	if !id.Valid(programme) {
		return Edition{}, notFound()
	}
	head, err := s.Engine.Store.Head(ctx, scope)
	if errors.Is(err, store.ErrAbsent) {
		return Edition{}, notFound()
	}
	if err != nil {
		return Edition{}, fmt.Errorf("head of programme: %w", err)
	}
	rows, err := s.rows(ctx, scope, merge.Key{Collection: collection, ID: programme})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Edition{}, err
	}
	return Edition{rows[0], Version{head.Generation.Count, rows[0].Version}}, nil
}
