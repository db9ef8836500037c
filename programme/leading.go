package programme

import (
	"context"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// nameLead names the mentor of a window that holds as the one who leads. Everybody else who
// was named is so no more, also who would follow later.
//
// Errors: NotFound; Invalid "invalid_value" if anything else is said with it; Stale
// "stale_version", also if somebody else was named meanwhile; Conflict "conflict" if the
// window does not hold now.
func (s *Service) nameLead(ctx context.Context, who Caller, st standing, assignment string, v Version, c AssignmentChange) (Assignment, error) {
	if c != (AssignmentChange{Lead: true}) {
		return Assignment{}, invalid("lead", "who leads is said by itself")
	}
	rows, err := s.mentorRows(ctx, st.head, assignment)
	if err != nil {
		return Assignment{}, err
	}
	if !slices.ContainsFunc(rows, func(r merge.Row) bool { return r.ID == assignment }) {
		return Assignment{}, notFound()
	}
	named := []string{assignment}
	write := func(id string, lead bool) merge.ServerWrite {
		return merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "assignment", ID: id, Op: merge.Put,
			Set: map[string]merge.Value{"lead": merge.Flag(lead)}}
	}
	first := write(assignment, true)
	first.Strict = &v.Seq
	writes := []merge.ServerWrite{first}
	for _, w := range domain.MentorWindowsOf(rows) {
		if w.ID != assignment && w.Named && w.Lasts(st.now) {
			named, writes = append(named, w.ID), append(writes, write(w.ID, false))
		}
	}
	in := func(view merge.View, _ []merge.Grant) *merge.Reject {
		if r, ok := view.Row("assignment", assignment); !ok || !domain.MentorWindowOf(r).Holds(view.Now()) {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	}
	writes[0].Must = inAlive(both(in, onlyLeads(named)))
	if _, err := s.Engine.Write(ctx, st.head.Scope, writes...); err != nil {
		return Assignment{}, err
	}
	return s.assignment(ctx, st, assignment)
}

// placeFree refuses a window that begins at an instant and ends at another one, or stays open
// if that is 0, if another one lasts meanwhile that is for the same track of the same programme. It is asked inside the commit, so that of
// two admins one is refused, and reads what the commit has written before it, such as the end
// of a window whose place this one takes.
func placeFree(id string, w domain.MentorWindow, from, until merge.Millis) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, access []merge.Grant) *merge.Reject {
		for _, o := range inPlace(v, access, w) {
			if o.ID != id && o.Lasts(from) && (until == 0 || o.From < until) {
				return &merge.Reject{Code: "track_taken", Field: "track"}
			}
		}
		return nil
	}
}

// placeKept is placeFree for who goes on in the place of some windows: whoever came into it by a merger stands beside them,
// with those who follow them there. Who is to follow the windows themselves keeps it.
func placeKept(id string, w domain.MentorWindow, from merge.Millis, ended []domain.MentorWindow) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, access []merge.Grant) *merge.Reject {
		others := slices.DeleteFunc(inPlace(v, access, w), func(o domain.MentorWindow) bool {
			return o.ID == id || !o.Lasts(0) || slices.ContainsFunc(ended, func(e domain.MentorWindow) bool { return e.ID == o.ID })
		})
		for _, o := range others {
			behind := func(before domain.MentorWindow) bool { return before.To != 0 && before.To <= o.From }
			follows := func(before domain.MentorWindow) bool { return before.To == o.From }
			if o.From >= from && o.Lasts(from) && slices.ContainsFunc(ended, behind) && (slices.ContainsFunc(ended, follows) || !slices.ContainsFunc(others, follows)) {
				return &merge.Reject{Code: "track_taken", Field: "track"}
			}
		}
		return nil
	}
}

// inPlace gives the windows for the same track of the same programme, as the commit has them by now.
func inPlace(v merge.View, access []merge.Grant, w domain.MentorWindow) (out []domain.MentorWindow) {
	for _, g := range access {
		if r, ok := v.Row("assignment", g.ID); ok && g.Role == merge.Mentor && domain.MentorWindowOf(r).SamePlace(w) {
			out = append(out, domain.MentorWindowOf(r))
		}
	}
	return out
}

// mayBeFor asks whether a mentor may be sent to a business for a programme, "" for none: it has
// applied there, or could come to take part, because the programme is public and its
// regions are those of the business, as far as its region is known.
//
// Errors: Invalid "invalid_reference", "not_in_programme".
func (s *Service) mayBeFor(ctx context.Context, st standing, business, programme string) error {
	if programme == "" {
		return nil
	}
	if err := s.knownProgramme(ctx, "programme_id", programme); err != nil {
		return err
	}
	e, err := s.setup(ctx, programme)
	if err != nil {
		return err
	}
	root := merge.Key{Collection: "business", ID: business}
	got, err := s.Engine.Store.Load(ctx, st.head.Scope, store.Want{Keys: []merge.Key{root}, Tags: []string{domain.AppliedTag(programme)}})
	if err != nil {
		return fmt.Errorf("load applications: %w", err)
	}
	var region string
	for i := range got.Records {
		row, err := rowOf(&got.Records[i])
		switch {
		case err != nil:
			return err
		case row.Key == root:
			region = row.Text("region_code")
		case row.Collection == "application" && !row.Deleted:
			return nil
		}
	}
	p := domain.ProgrammeOf(e.Row)
	if p.Status != domain.ProgrammeDraft && (region == "" || p.Covers(domain.Region(region))) {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Code: "not_in_programme", Field: "programme_id", Text: "the business has no part in it"}
}
