package domain

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// What a date says of a day.
const (
	DueNear    = "near"    // at most a week ahead, or today
	DueOver    = "overdue" // its day is over
	DueLate    = "late"    // the task was submitted after its day
	DueRenewal = "renewal" // the certificate ends within half a year
	DueExpired = "expired" // the certificate is good no longer
)

// Due is one date of a task, a case, a step of a case or its certificate, that
// somebody should look at.
type Due struct {
	Collection string `json:"collection"`
	ID         string `json:"id"`
	Step       string `json:"step,omitempty"` // code of the milestone; absent for the case itself
	On         Date   `json:"on"`
	Says       string `json:"says"`
	Days       int    `json:"days"`              // from today to On; negative once it is behind
	Renewal    int    `json:"renewal,omitempty"` // with renewal: 180, 90 or 30, the reminder that the date has come to
}

// Dues lists what is due, of the rows of one business, on a day in its zone: tasks
// on the side of the business that are near or overdue, submissions that came late,
// cases under way and their open steps, confirmed certificates that end or have
// ended and that no case renewed. Earliest first. Tasks that rest (TaskRests) have
// nothing due. It needs business, enrolment, task, task_event and case; other rows are
// left alone.
func Dues(rows []merge.Row, today Date) []Due {
	out := []Due{}
	z, enrolments := ZoneOf(rows), only(rows, "enrolment")
	for _, r := range rows {
		switch r.Collection {
		case "task":
			out = append(out, taskDues(rows, enrolments, r, today, z)...)
		case "case":
			out = append(out, caseDues(rows, r, today)...)
		}
	}
	slices.SortStableFunc(out, func(a, b Due) int {
		return cmp.Or(cmp.Compare(a.On, b.On), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Step, b.Step))
	})
	return out
}

// only gives the rows of one collection.
func only(rows []merge.Row, collection string) []merge.Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r merge.Row) bool { return r.Collection != collection })
}

// ZoneOf is the zone of the business among rows, WIB without one.
func ZoneOf(rows []merge.Row) Zone {
	if i := slices.IndexFunc(rows, func(r merge.Row) bool { return r.Collection == "business" }); i >= 0 {
		return Zone(rows[i].Text("zone"))
	}
	return WIB
}

func taskDues(rows, enrolments []merge.Row, t merge.Row, today Date, z Zone) []Due {
	on := Date(t.Text("due_on"))
	if TaskRests(enrolments, t) != "" {
		return nil
	}
	if taskIsOpen(t) {
		return nearOrOver(t.Key, "", on, today)
	}
	if submission, ok := submissionOf(rows, t); ok && submittedLate(t, submission, z) {
		return []Due{{Collection: "task", ID: t.ID, On: on, Says: DueLate, Days: today.DaysUntil(on)}}
	}
	return nil
}

// taskIsOpen reports whether a task is on the side of the business.
func taskIsOpen(t merge.Row) bool { return slices.Contains(openTaskStates(), t.Text("state")) }

// openTaskStates are the states in which a task is on the side of the business.
func openTaskStates() []string {
	return []string{TaskAssigned, TaskInProgress, TaskBlocked, TaskReturned}
}

// submissionOf is the submission that a task stands on while it is submitted or
// verified.
func submissionOf(rows []merge.Row, t merge.Row) (merge.Row, bool) {
	if s := t.Text("state"); s != TaskSubmitted && s != TaskVerified {
		return merge.Row{}, false
	}
	ops := slices.DeleteFunc(slices.Clone(rows), func(r merge.Row) bool { return r.Collection != "task_event" || r.Text("task_id") != t.ID })
	outcomes := taskMachine().outcomes(ops)
	all := slices.DeleteFunc(ops, func(o merge.Row) bool { return o.Text("op") != "submit" || outcomes[o.ID] != Effective })
	if len(all) == 0 {
		return merge.Row{}, false
	}
	return slices.MaxFunc(all, merge.EarlierOperation), true
}

func nearOrOver(k merge.Key, step string, on, today Date) []Due {
	d := Due{Collection: k.Collection, ID: k.ID, Step: step, On: on}
	switch {
	case deadlineNear(on, today):
		d.Says = DueNear
	case overdue(on, today):
		d.Says = DueOver
	default:
		return nil
	}
	d.Days = today.DaysUntil(on)
	return []Due{d}
}

func caseDues(rows []merge.Row, c merge.Row, today Date) (out []Due) {
	if caseIsOver(c) {
		return certificateDue(rows, c, today)
	}
	out = nearOrOver(c.Key, "", Date(c.Text("deadline")), today)
	due := openSteps(c)
	for _, code := range slices.Sorted(maps.Keys(due)) {
		out = append(out, nearOrOver(c.Key, code, due[code], today)...)
	}
	return out
}

func caseIsOver(c merge.Row) bool {
	s := c.Text("state")
	return s == CaseIssued || s == CaseRejected || s == CaseCancelled
}

// openSteps gives the days of the steps of a case that are not done. A scheduled
// step that falls on the deadline is left out: the deadline stands for it.
func openSteps(c merge.Row) map[string]Date {
	due := map[string]Date{}
	for _, s := range Schedule(c) {
		if string(s.Due) != c.Text("deadline") {
			due[s.Code] = s.Due
		}
	}
	for code, m := range Milestones(c) {
		if _, done := m.Done(); done {
			delete(due, code)
		} else if m.Due != "" {
			due[code] = m.Due
		}
	}
	return due
}

func certificateDue(rows []merge.Row, c merge.Row, today Date) []Due {
	until := certificateEnd(rows, c)
	d := Due{Collection: "case", ID: c.ID, On: until, Renewal: renewalDue(until, today)}
	switch {
	case expired(until, today):
		d.Says = DueExpired
	case d.Renewal > 0:
		d.Says = DueRenewal
	default:
		return nil
	}
	d.Days = today.DaysUntil(until)
	return []Due{d}
}

// certificateEnd is the last day of a confirmed certificate that no case among rows
// has renewed; "" if there is none, or it never ends.
func certificateEnd(rows []merge.Row, c merge.Row) Date {
	var certificate struct {
		Until Date `json:"valid_until"`
	}
	v := c.Fields["certificate"]
	if c.Text("state") != CaseIssued || string(c.Fields["confirmed"]) != "true" || merge.Null(v) || json.Unmarshal(v, &certificate) != nil {
		return ""
	}
	if slices.ContainsFunc(rows, func(r merge.Row) bool {
		return r.Collection == "case" && r.Text("linked_from") == c.ID && r.Text("state") == CaseIssued
	}) {
		return ""
	}
	return certificate.Until
}

// deadlineNear reports whether a deadline is at most a week ahead of today, or
// today.
func deadlineNear(deadline, today Date) bool {
	return deadline != "" && deadline >= today && today.DaysUntil(deadline) <= 7
}

// overdue reports whether the day of a deadline is over.
func overdue(deadline, today Date) bool { return deadline != "" && today > deadline }

// renewalDue is the reminder that the end of a certificate has come to: 180, 90
// or 30 days; 0 if the end is further off, has passed, or never comes.
func renewalDue(until, today Date) int {
	if until == "" || today > until {
		return 0
	}
	left, due := today.DaysUntil(until), 0
	for _, days := range renewalOffsets() {
		if left <= -days {
			due = -days
		}
	}
	return due
}

// expired reports whether a certificate is good no longer: it is on its last day.
func expired(until, today Date) bool { return until != "" && today > until }
