package domain

import (
	"cmp"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// MentorWindow is one window of a mentor in a business, as far as it decides who leads and
// who looks after what.
type MentorWindow struct {
	ID        string // of the assignment
	Mentor    string // user id
	Programme string // may be empty
	Track     string // may be empty: all
	Named     bool   // an admin named its mentor as the one who leads
	From      merge.Millis
	To        merge.Millis // first instant outside; 0 = open
}

// Holds reports whether an instant lies in the window.
func (w MentorWindow) Holds(at merge.Millis) bool { return w.grant().Holds(at) }

func (w MentorWindow) grant() merge.Grant { return merge.Grant{From: w.From, To: w.To} }

// Lasts reports whether the window holds at an instant or begins later. One that ends where
// it begins never does.
func (w MentorWindow) Lasts(at merge.Millis) bool { return w.To == 0 || w.To > max(at, w.From) }

// SamePlace reports whether two windows are for the same track of the same programme.
func (w MentorWindow) SamePlace(o MentorWindow) bool {
	return w.Programme == o.Programme && w.Track == o.Track
}

// MentorWindowOf reads a window from its assignment.
func MentorWindowOf(r merge.Row) MentorWindow {
	return MentorWindow{ID: r.ID, Mentor: r.Text("mentor_id"), Programme: r.Text("programme_id"), Track: r.Text("track"),
		Named: string(r.Fields["lead"]) == "true", From: instantOf(r, "from_at"), To: instantOf(r, "to_at")}
}

// MentorWindowsOf reads the windows of a business from its rows; those of other collections
// and what was deleted are passed over.
func MentorWindowsOf(rows []merge.Row) (out []MentorWindow) {
	for _, r := range rows {
		if r.Collection == "assignment" && !r.Deleted && r.Text("mentor_id") != "" {
			out = append(out, MentorWindowOf(r))
		}
	}
	return out
}

// LeadAt gives the window that leads in a business at an instant: one whose mentor was named,
// else the one that has lasted longest; of equals the one with the smallest id. There is one
// whenever any window holds, whoever was named and whatever came together by a merger; ok is
// false if none does.
func LeadAt(windows []MentorWindow, at merge.Millis) (lead MentorWindow, ok bool) {
	for _, w := range windows {
		if w.Holds(at) && (!ok || before(w, lead)) {
			lead, ok = w, true
		}
	}
	return lead, ok
}

// before reports whether a window leads rather than another one, if both hold.
func before(w, o MentorWindow) bool {
	if w.Named != o.Named {
		return w.Named
	}
	return cmp.Or(cmp.Compare(w.From, o.From), cmp.Compare(w.ID, o.ID)) < 0
}

// TaskMentor gives who looks after a task at an instant: whom the task names, while they are
// in, else who leads; empty if nobody is in.
func TaskMentor(task merge.Row, windows []MentorWindow, at merge.Millis) string {
	named := task.Text("mentor_id")
	if named != "" && slices.ContainsFunc(windows, func(w MentorWindow) bool { return w.Mentor == named && w.Holds(at) }) {
		return named
	}
	lead, _ := LeadAt(windows, at)
	return lead.Mentor
}
