package programme

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// listed is a registrant as a step keeps it. The line is no part of what a digest is made
// of; steps of before have none.
type listed struct {
	Line int `json:"line"`
	domain.Registrant
}

func inputOf(some []domain.Registrant) (merge.Value, error) {
	rows := make([]listed, len(some))
	for i, r := range some {
		rows[i] = listed{r.Line, r}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	return merge.Canonical(text)
}

// registrantsOf are those that a step has still to bring in.
func registrantsOf(step merge.Row) ([]domain.Registrant, error) {
	v := step.Fields["input"]
	if merge.Null(v) {
		return nil, nil
	}
	var rows []listed
	if err := json.Unmarshal(v, &rows); err != nil {
		return nil, fmt.Errorf("input of %s: %w", step.Key, err)
	}
	out := make([]domain.Registrant, len(rows))
	for i, r := range rows {
		out[i], out[i].Line = r.Registrant, r.Line
	}
	return out, nil
}

// leftOut is a row that a step did not bring in, as it is noted with the step.
type leftOut struct {
	Line  int    `json:"line"`
	Field string `json:"field,omitempty"`
	Code  string `json:"code"`
}

// leftOf reads which rows a step did not bring in.
func leftOf(step merge.Row) (out []domain.RowError, err error) {
	v := step.Fields["left_out"]
	if merge.Null(v) {
		return nil, nil
	}
	var all []leftOut
	if err := json.Unmarshal(v, &all); err != nil {
		return nil, fmt.Errorf("rows left by %s: %w", step.Key, err)
	}
	for _, l := range all {
		out = append(out, domain.RowError{Line: l.Line, Field: l.Field, Code: l.Code, Params: map[string]any{"field": l.Field}})
	}
	return out, nil
}

// haul is what a step of an import brings in, and what it leaves.
type haul struct {
	job       string
	by        string // admin whose import it is
	programme domain.Programme
	left      []leftOut
	unchanged int // rows that are filed as they are
}

// met leaves a row out that meets what is filed.
func (h *haul) met(r domain.Registrant, m domain.Met) {
	if m.Unchanged() {
		h.unchanged++
		return
	}
	h.left = append(h.left, leftOut{r.Line, m.Field, m.Code})
}

// notes is what a step of so many rows says of itself.
func (h *haul) notes(rows, brought int) map[string]merge.Value {
	set := map[string]merge.Value{"rows": merge.Num(brought), "unchanged": merge.Num(h.unchanged), "left": merge.Num(rows - brought - h.unchanged)}
	if len(h.left) > 0 {
		slices.SortStableFunc(h.left, func(a, b leftOut) int { return cmp.Compare(a.Line, b.Line) })
		set["left_out"] = merge.Encode(h.left)
	}
	return set
}

// bringIn does one step of an import: what can be brought in is, and each other row is noted
// with the reason. Done again it brings and counts the same.
//
// Errors: those of setup; Conflict "import_closed" if nothing of it can be brought in any more.
func (s *Service) bringIn(ctx context.Context, job, step merge.Row) (map[string]merge.Value, error) {
	people, err := registrantsOf(step)
	if err != nil {
		return nil, err
	}
	h := &haul{job: job.ID, by: job.Text("created_by")}
	e, err := s.setup(ctx, job.Text("programme_id"))
	if err != nil {
		return h.notes(len(people), 0), err
	}
	h.programme = domain.ProgrammeOf(e.Row)
	all, err := s.gather(ctx, h, people)
	if err != nil {
		return nil, err
	}
	brought, err := s.fileAll(ctx, h, "import."+step.ID, all)
	set := h.notes(len(people), brought)
	if err == nil {
		set["input"] = null()
	}
	return set, err
}

// gather finds the places of the rows of a step and submits their drafts. Who is filed is left
// out before anything is made of it.
func (s *Service) gather(ctx context.Context, h *haul, people []domain.Registrant) (all []bringing, err error) {
	known, err := s.filedByOthers(ctx, h, people)
	if err != nil {
		return nil, err
	}
	for _, r := range people {
		if m, met := known.Meets(r.Keys()); met {
			if err := s.passOver(ctx, h, r); err != nil {
				return nil, err
			}
			h.met(r, m)
			continue
		}
		b, err := s.comesIn(ctx, h, r)
		switch {
		case passing(err):
			return nil, fmt.Errorf("registrant %s: %w", r.Ref, err)
		case err != nil:
			h.left = append(h.left, leftOut{r.Line, columnOf(err), fault.CodeOf(err)})
		case b.taken:
			h.met(r, domain.SameBusiness())
		default:
			all = append(all, b)
		}
	}
	return all, nil
}

// filedByOthers is what the rows of a step may meet: files that share a word with them and
// were not brought by this import from one of them.
func (s *Service) filedByOthers(ctx context.Context, h *haul, people []domain.Registrant) (domain.Known, error) {
	var want store.Want
	rows := map[string]domain.Keys{}
	for _, r := range people {
		keys := r.Keys()
		rows[keys.Digest] = keys
		want.Tags = append(want.Tags, keys.Tags()...)
	}
	there, err := s.filedBeside(ctx, domain.DecisionScope(h.programme.ID), want)
	if err != nil {
		return domain.Known{}, err
	}
	for k, f := range there {
		if row, ok := rows[f.Text("digest")]; ok && broughtBy(f, h.job, row) {
			delete(there, k)
		}
	}
	return knownOf(there), nil
}

// comesIn finds the place of a registrant and makes the user, who is asked to log in some day. A
// draft is submitted, unless something stands against the row. What the catalogue would not take of a new business is refused before it
// gets a number.
func (s *Service) comesIn(ctx context.Context, h *haul, r domain.Registrant) (bringing, error) {
	owner, err := s.People.InviteByPhone(ctx, string(r.Phone))
	if err != nil {
		return bringing{}, inField("phone", err)
	}
	b, err := s.placeFor(ctx, h.programme, r, owner)
	if err == nil && !b.there {
		err = s.check("business", b.fields())
	}
	if err == nil && !b.taken {
		err = s.admits(ctx, h, b)
	}
	if err == nil && b.draft {
		b, err = s.submitDraft(ctx, h, b)
	}
	return b, err
}

// passOver gives a draft back that this row has submitted before the process died, if it is
// filed by nobody.
func (s *Service) passOver(ctx context.Context, h *haul, r domain.Registrant) error {
	u, err := s.People.UserByPhone(ctx, string(r.Phone))
	if err != nil {
		if passing(err) {
			return err
		}
		return nil // nobody, and no draft
	}
	b, err := s.placeFor(ctx, h.programme, r, u.ID)
	if err != nil || b.taken || b.draft || b.app.Text("external_ref") != r.Ref {
		return err
	}
	return s.giveBack(ctx, h, []bringing{b}, domain.ReturnRegistered)
}

// fileAll files what was gathered, and places it. It gives how many are in.
//
// Errors: Conflict "import_closed" if none is, since the first stage was decided.
func (s *Service) fileAll(ctx context.Context, h *haul, name string, all []bringing) (brought int, err error) {
	files := make([]caseFile, len(all))
	for i, b := range all {
		files[i] = b.file(h.job)
	}
	out, err := s.file(ctx, h.programme, name, files)
	closed := fault.CodeOf(err) == stageDecided // since the import began
	if err != nil && !closed {
		return 0, err
	}
	var late, beside []bringing
	for i, b := range all {
		switch {
		case out[i].met != nil:
			h.met(b.Registrant, *out[i].met)
			beside = append(beside, b)
		case out[i].number == "":
			late = append(late, b)
		default:
			brought++
			if err := s.placed(ctx, h, b, out[i].number); err != nil {
				return 0, err
			}
		}
	}
	if err := s.giveBack(ctx, h, beside, domain.ReturnRegistered); err != nil {
		return brought, err
	}
	if err := s.giveBack(ctx, h, late, domain.ReturnWindowClosed); err != nil {
		return brought, err
	}
	switch {
	case len(late) > 0 && brought == 0:
		return 0, importClosed()
	case len(late) > 0:
		for _, b := range late {
			h.left = append(h.left, leftOut{b.Line, "", fault.CodeOf(importClosed())})
		}
	}
	return brought, nil
}

// placed places a row that has its number. What refuses that for good is noted; the row is in.
func (s *Service) placed(ctx context.Context, h *haul, b bringing, number string) error {
	err := s.place(ctx, "import."+h.job, h.programme, b, number)
	if passing(err) {
		return fmt.Errorf("registrant %s: %w", b.Ref, err)
	}
	if err != nil {
		h.left = append(h.left, leftOut{b.Line, columnOf(err), fault.CodeOf(err)})
	}
	return nil
}

// inField says which field of a row an error is about, if it stays so.
func inField(field string, err error) error {
	if passing(err) {
		return err
	}
	return &fault.Error{Kind: fault.KindOf(err), Code: fault.CodeOf(err), Field: field, Cause: err}
}

// columnOf is the field of a registrant that an error is about; empty if it is about none.
func columnOf(err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return ""
	}
	field := strings.TrimPrefix(e.Field, "set.")
	if of, ok := map[string]string{"name": "business_name", "region_code": "region", "primary_category": "category"}[field]; ok {
		field = of
	}
	if slices.ContainsFunc(domain.RegistrantColumns(), func(c domain.RegistrantColumn) bool { return c.Field == field }) {
		return field
	}
	return ""
}
