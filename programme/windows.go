package programme

import (
	"context"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// accompanies asks whether a window is one of a mentor that holds at an instant.
func accompanies(mentor string, at merge.Millis) func(merge.Grant) bool {
	return func(g merge.Grant) bool { return g.User == mentor && g.Role == merge.Mentor && g.Holds(at) }
}

// lasts asks whether a window is one of a mentor that holds at an instant or
// begins later.
func lasts(mentor string, at merge.Millis) func(merge.Grant) bool {
	return func(g merge.Grant) bool {
		return g.User == mentor && g.Role == merge.Mentor && (g.To == 0 || g.To > max(at, g.From))
	}
}

// those lists the windows of which is is true.
func those[W any](windows []W, is func(W) bool) (out []W) {
	for _, w := range windows {
		if is(w) {
			out = append(out, w)
		}
	}
	return out
}

// leaving are the windows of one mentor in one business that end together. A
// merger may have left several, for each business had its own.
type leaving struct {
	access []merge.Grant // as they were read
	rows   []merge.Row   // in the same order
	all    []domain.MentorWindow
	is     func(merge.Grant) bool
}

// leave reads the windows of which is is true, and beside them those of every other mentor.
func (s *Service) leave(ctx context.Context, head store.Head, is func(merge.Grant) bool) (leaving, error) {
	rows, err := s.mentorRows(ctx, head)
	l := leaving{access: those(head.Access, is), all: domain.MentorWindowsOf(rows), is: is}
	for _, g := range l.access {
		l.rows = append(l.rows, those(rows, func(r merge.Row) bool { return r.ID == g.ID })...)
	}
	return l, err
}

// mentorRows reads the windows of mentors that a head knows, and others by id.
func (s *Service) mentorRows(ctx context.Context, head store.Head, others ...string) ([]merge.Row, error) {
	var keys []merge.Key
	for _, g := range head.Access {
		if g.Role == merge.Mentor && !slices.Contains(others, g.ID) {
			keys = append(keys, merge.Key{Collection: "assignment", ID: g.ID})
		}
	}
	for _, o := range others {
		keys = append(keys, merge.Key{Collection: "assignment", ID: o})
	}
	return s.rows(ctx, head.Scope, keys...)
}

// alone refuses to end these windows if others of the mentor would be left, or
// some of these have changed. It is asked inside the commit.
func (l leaving) alone(_ merge.View, access []merge.Grant) *merge.Reject {
	if !slices.EqualFunc(those(access, l.is), l.access, func(a, b merge.Grant) bool { return a.ID == b.ID && a.From == b.From && a.To == b.To }) {
		return &merge.Reject{Code: "stale_version"}
	}
	return nil
}

// ends are the writes that end the windows at an instant. One that begins later
// ends where it begins: it lets nobody in.
func (l leaving) ends(who Caller, at merge.Millis, note string) (writes []merge.ServerWrite) {
	for i, r := range l.rows {
		set := map[string]merge.Value{"to_at": max(at, l.access[i].From).Value()}
		if note != "" {
			set["handover_note"] = merge.Str(note)
		}
		writes = append(writes, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "assignment", ID: r.ID, Op: merge.Put,
			Must: l.alone, Set: set})
	}
	return writes
}

// leads reports whether the mentor would lead at an instant by any of the windows.
func (l leaving) leads(at merge.Millis) bool {
	lead, ok := domain.LeadAt(l.all, at)
	return ok && slices.ContainsFunc(l.rows, func(r merge.Row) bool { return r.ID == lead.ID })
}

// heir is the one window in which a successor goes on: programme and reason of
// the window that leads at that instant, else of the first, and all tracks if they differ.
func (l leaving) heir(mentor string, at merge.Millis) NewAssignment {
	lead, _ := domain.LeadAt(l.all, at)
	first := l.rows[max(0, slices.IndexFunc(l.rows, func(r merge.Row) bool { return r.ID == lead.ID }))]
	n := NewAssignment{Mentor: mentor, Programme: first.Text("programme_id"), Track: first.Text("track"), Reason: first.Text("reason")}
	if slices.ContainsFunc(l.rows, func(r merge.Row) bool { return r.Text("track") != n.Track }) {
		n.Track = ""
	}
	return n
}

// place asks, inside the commit, whether there is a place for who goes on from an instant: that of the windows, for
// a track of a programme that one of them was for, whoever came beside it by a merger; else a free one.
func (l leaving) place(id string, n NewAssignment, at merge.Millis) func(merge.View, []merge.Grant) *merge.Reject {
	w := n.window()
	if same := slices.DeleteFunc(domain.MentorWindowsOf(l.rows), func(o domain.MentorWindow) bool { return !o.SamePlace(w) }); len(same) > 0 {
		return placeKept(id, w, at, same)
	}
	return placeFree(id, w, at, 0)
}

// arrive brings the windows of a mentor into a business that are on their way
// there from one that was merged into it. Who ends windows there ends those too.
func (s *Service) arrive(ctx context.Context, scope, mentor string) error {
	heads, err := s.Engine.Store.HeadsFor(ctx, mentor, []string{scope})
	if err != nil {
		return fmt.Errorf("heads of a mentor: %w", err)
	}
	for _, h := range heads {
		if h.MovedTo != scope {
			continue
		}
		var keys []merge.Key
		for _, g := range onTheWay(h, heads, mentor) {
			keys = append(keys, merge.Key{Collection: "assignment", ID: g.ID})
		}
		if err := s.Engine.TakeOver(ctx, h.Scope, scope, keys...); err != nil {
			return err
		}
	}
	return nil
}

// onTheWay lists the windows of a mentor in a business that was merged into
// another one, which has not taken them over yet. heads are all that name the
// mentor.
func onTheWay(h store.Head, heads []store.Head, mentor string) []merge.Grant {
	i := slices.IndexFunc(heads, func(o store.Head) bool { return o.Scope == h.MovedTo })
	return those(h.Access, func(g merge.Grant) bool {
		return h.MovedTo != "" && g.User == mentor && g.Role == merge.Mentor &&
			(i < 0 || !slices.ContainsFunc(heads[i].Access, func(o merge.Grant) bool { return o.ID == g.ID }))
	})
}
