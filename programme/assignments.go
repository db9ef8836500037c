package programme

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Assignment is one window of a mentor.
type Assignment struct {
	ID        string
	Mentor    string // user id
	Programme string
	Track     string
	Lead      bool // its mentor leads now
	From      time.Time
	To        time.Time // zero: open
	Reason    string
	Note      string // for the successor
	Version   Version
}

// NewAssignment sends a mentor to a business. The first one is named as who leads.
type NewAssignment struct {
	Mentor    string
	Programme string // may be empty
	Track     string // may be empty: all
	Reason    string // may be empty
	Beyond    bool   // also if the mentor has as many as they can; needs a reason
}

func (n NewAssignment) window() domain.MentorWindow {
	return domain.MentorWindow{Mentor: n.Mentor, Programme: n.Programme, Track: n.Track}
}

// AssignmentChange ends a window, or hands the business over: then every window
// of the mentor ends, and the successor's begins at the same instant, in the same
// commit, and inherits the lead. Or it names the mentor as the one who leads.
type AssignmentChange struct {
	To        *time.Time // not in the past
	Successor string     // user id of the next mentor; needs To
	Note      string
	Reason    string // of the successor's window, or of one that is made longer; absent: that of the old one
	Beyond    bool   // also if who has the business for longer, or next, has as many as they can; needs a reason
	Lead      bool   // alone: nothing else is said
}

// Assign opens a window for a mentor. Only admins do.
//
// Errors: NotFound, Forbidden; Invalid "invalid_value" if the user is no mentor or the track
// none of theirs, "required" (reason), "invalid_reference" if there is no such programme,
// "not_in_programme" if the business has no part in it, "own_business" if they own or work for the
// business; Conflict "conflict" if the mentor has an open window, "track_taken" if another one has
// this track of this programme, "mentor_full".
func (s *Service) Assign(ctx context.Context, who Caller, business string, n NewAssignment) (Assignment, error) {
	st, err := s.enterAsAdmin(ctx, who, business)
	if err != nil {
		return Assignment{}, err
	}
	if err := s.mustBeMentor(ctx, n.Mentor, "mentor_id"); err != nil {
		return Assignment{}, err
	}
	if err := s.mayBeFor(ctx, st, business, n.Programme); err != nil {
		return Assignment{}, err
	}
	w := opening(who, business, n, st.now, !slices.ContainsFunc(st.head.Access, func(g merge.Grant) bool { return g.Role == merge.Mentor && g.Holds(st.now) }))
	w.Must = both(w.Must, placeFree(w.ID, n.window(), st.now, 0))
	if err := s.check("assignment", w.Set); err != nil {
		return Assignment{}, err
	}
	if err := s.introduce(ctx, "assignment", n.Mentor, w.Set); err != nil {
		return Assignment{}, err
	}
	leave, err := s.takeIn(ctx, taking{who: n.Mentor, field: "mentor_id", at: st.now, track: n.Track, beyond: n.Beyond, reason: n.Reason}, business)
	if err != nil {
		return Assignment{}, err
	}
	defer leave()
	if _, err := s.Engine.Write(ctx, st.head.Scope, w); err != nil {
		return Assignment{}, err
	}
	return s.assignment(ctx, st, w.ID)
}

// enterAsAdmin is enter for what only admins do. To somebody who does not
// belong to the business it does not exist.
func (s *Service) enterAsAdmin(ctx context.Context, who Caller, business string) (standing, error) {
	st, err := s.enter(ctx, who, business)
	if err == nil && !st.admin {
		err = st.forbidden()
	}
	return st, err
}

func (s *Service) mustBeMentor(ctx context.Context, user, field string) error {
	u, err := s.People.User(ctx, user)
	if fault.KindOf(err) == fault.NotFound && err != nil || err == nil && (u.Status != store.UserActive || !slices.Contains(u.Roles, auth.RoleMentor)) {
		return invalid(field, "no mentor of that id")
	}
	return err
}

// opening is the write that opens a mentor's window.
func opening(who Caller, business string, n NewAssignment, from merge.Millis, lead bool) merge.ServerWrite {
	aid := id.Derive("assignment", business, n.Mentor, who.Name)
	set := map[string]merge.Value{"mentor_id": merge.Str(n.Mentor), "from_at": from.Value(), "lead": merge.Flag(lead), "reason": optional(n.Reason),
		"programme_id": optional(n.Programme), "track": optional(n.Track)}
	must := func(v merge.View, access []merge.Grant) *merge.Reject {
		if r := alive(v); r != nil {
			return r
		}
		if slices.ContainsFunc(access, func(g merge.Grant) bool {
			return g.ID != aid && lasts(n.Mentor, from)(g)
		}) {
			return &merge.Reject{Code: "conflict", Field: "mentor_id"}
		}
		if slices.ContainsFunc(access, func(g merge.Grant) bool {
			return g.User == n.Mentor && (g.Role == merge.Owner || g.Role == merge.Staff) && (g.To == 0 || g.To > from)
		}) { // a mentor's word counts before an owner's
			return &merge.Reject{Code: "own_business", Field: "mentor_id"}
		}
		return nil
	}
	return merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "assignment", ID: aid, Op: merge.Put, Create: true, Must: must, Set: set}
}

// Assignments gives every window of mentors, ended ones too.
//
// Errors: NotFound "not_found".
func (s *Service) Assignments(ctx context.Context, who Caller, business string) ([]Assignment, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return nil, err
	}
	rows, err := s.mentorRows(ctx, st.head)
	lead, _ := domain.LeadAt(domain.MentorWindowsOf(rows), st.now)
	out := []Assignment{}
	for _, r := range rows {
		out = append(out, assignmentOf(st, r, lead))
	}
	return out, err
}

// ChangeAssignment ends a window that the caller saw at version v, or hands it
// over. What the old mentor did offline before that instant still counts when
// it arrives within the grace.
//
// A merger, or a second assignment that begins later, may have given the mentor
// more than one window in the business. Without a successor the one that is named
// ends and the mentor stays in by the others, which Assignments lists. With a
// successor the business changes hands: all of them end at that instant.
//
// A window that ends may be made longer, if the place and the mentor are free for the time
// that is added, or they take one more than they can for a reason.
//
// Errors: as Assign; Stale "stale_version", also if another window of the mentor
// changed meanwhile; Conflict "conflict" for a window that has ended, and for a lead whose
// window has not begun.
func (s *Service) ChangeAssignment(ctx context.Context, who Caller, business, assignment string, v Version, c AssignmentChange) (Assignment, error) {
	st, err := s.enterAsAdmin(ctx, who, business)
	if err != nil {
		return Assignment{}, err
	}
	if err := st.current(v); err != nil {
		return Assignment{}, err
	}
	if c.Lead {
		return s.nameLead(ctx, who, st, assignment, v, c)
	}
	if c.To == nil {
		return Assignment{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "to", Text: "when does it end"}
	}
	old, err := s.assignment(ctx, st, assignment)
	if err != nil {
		return Assignment{}, err
	}
	end, at, err := s.ending(who, st, assignment, v, c)
	if err != nil {
		return Assignment{}, err
	}
	ends := merge.Millis(old.To.UnixMilli())
	longer := !old.To.IsZero() && at > ends
	if c.Successor == "" && (c.Reason != "" || c.Beyond) && !longer {
		return Assignment{}, invalid("successor_id", "a reason is that of a successor's window, or of one that is made longer")
	}
	if longer { // they have the business for longer
		leave, err := s.takeIn(ctx, taking{who: old.Mentor, field: "to", at: ends, anyTrack: true, beyond: c.Beyond, reason: c.Reason}, business)
		if err != nil {
			return Assignment{}, err
		}
		if c.Successor == "" {
			defer leave()
		} else {
			leave() // the successor's turn is next
		}
	}
	writes := []merge.ServerWrite{end}
	if c.Successor != "" {
		more, leave, err := s.succeeding(ctx, who, business, old, c, at)
		if err != nil {
			return Assignment{}, err
		}
		defer leave()
		writes = append(writes, more...)
	}
	if _, err := s.Engine.Write(ctx, st.head.Scope, writes...); err != nil {
		return Assignment{}, err
	}
	return s.assignment(ctx, st, assignment)
}

// ending is the write that ends the window which was named, and when it does.
func (s *Service) ending(who Caller, st standing, assignment string, v Version, c AssignmentChange) (merge.ServerWrite, merge.Millis, error) {
	at := max(merge.Millis(c.To.UnixMilli()), st.now)
	open := func(v merge.View, access []merge.Grant) *merge.Reject {
		if slices.ContainsFunc(access, func(g merge.Grant) bool { return g.ID == assignment && g.To != 0 && g.To <= v.Now() }) {
			return &merge.Reject{Code: "conflict"}
		}
		if r, _ := v.Row("assignment", assignment); !merge.Null(r.Fields["to_at"]) {
			if w := domain.MentorWindowOf(r); at > w.To { // for longer
				return inAlive(placeFree(assignment, w, w.To, at))(v, access)
			}
		}
		return nil
	}
	set := map[string]merge.Value{"to_at": at.Value()}
	if c.Note != "" {
		set["handover_note"] = merge.Str(c.Note)
	}
	if c.Successor == "" && c.Reason != "" {
		set["reason"] = merge.Str(c.Reason)
	}
	return merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "assignment", ID: assignment, Op: merge.Put,
		Strict: &v.Seq, Must: open, Set: set}, at, s.check("assignment", set)
}

// succeeding are the writes that end the other windows of the mentor and open the
// successor's. leave must be called once they are done.
func (s *Service) succeeding(ctx context.Context, who Caller, business string, old Assignment, c AssignmentChange, at merge.Millis) (writes []merge.ServerWrite, leave func(), err error) {
	if err := s.mustBeMentor(ctx, c.Successor, "successor_id"); err != nil {
		return nil, nil, err
	}
	if err := s.arrive(ctx, scopeOf(business), old.Mentor); err != nil {
		return nil, nil, err
	}
	head, err := s.Engine.Store.Head(ctx, scopeOf(business))
	if err != nil {
		return nil, nil, fmt.Errorf("head of business: %w", err)
	}
	all, err := s.leave(ctx, head, func(g merge.Grant) bool { return g.ID == old.ID || lasts(old.Mentor, at)(g) })
	if err != nil {
		return nil, nil, err
	}
	heir := all.heir(c.Successor, at)
	heir.Reason = cmp.Or(c.Reason, heir.Reason)
	next := opening(who, business, heir, at, all.leads(at))
	next.Must = both(next.Must, all.place(next.ID, heir, at))
	if err := errors.Join(s.check("assignment", next.Set), s.introduce(ctx, "assignment", c.Successor, next.Set)); err != nil {
		return nil, nil, err
	}
	if leave, err = s.takeIn(ctx, taking{who: c.Successor, field: "successor_id", at: at, track: heir.Track, beyond: c.Beyond, reason: c.Reason}, business); err != nil {
		return nil, nil, err
	}
	others := slices.DeleteFunc(all.ends(who, at, c.Note), func(w merge.ServerWrite) bool { return w.ID == old.ID })
	return append(others, next), leave, nil
}

func (s *Service) assignment(ctx context.Context, st standing, assignment string) (Assignment, error) {
	rows, err := s.mentorRows(ctx, st.head, assignment)
	if err != nil {
		return Assignment{}, err
	}
	i := slices.IndexFunc(rows, func(r merge.Row) bool { return r.ID == assignment })
	if i < 0 {
		return Assignment{}, notFound()
	}
	lead, _ := domain.LeadAt(domain.MentorWindowsOf(rows), st.now)
	return assignmentOf(st, rows[i], lead), nil
}

func assignmentOf(st standing, r merge.Row, lead domain.MentorWindow) Assignment {
	return Assignment{ID: r.ID, Mentor: r.Text("mentor_id"), Programme: r.Text("programme_id"), Track: r.Text("track"), Lead: r.ID == lead.ID,
		From: instant(r, "from_at"), To: instant(r, "to_at"), Reason: r.Text("reason"), Note: r.Text("handover_note"),
		Version: Version{st.head.Generation.Count, r.Version}}
}
