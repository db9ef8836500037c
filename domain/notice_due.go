package domain

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// ReminderLife is how long after its instant a reminder is still given, by a
// server that was down.
const ReminderLife = 12 * time.Hour

// Letter is one item for one inbox. Its ID is made from what it reminds of and
// whom: who makes it twice makes one.
type Letter struct {
	User string
	ID   string
	Set  map[string]merge.Value
}

// Past tells of what stands now what its rows do not. It is asked only about what
// is to be reminded of.
type Past interface {
	// Written is when the value that counts of a field was written, by the
	// corrected clock of its author; 0 if nobody wrote it. A field of a keyed list
	// is named "milestones/audit/due_on".
	Written(k merge.Key, field string) merge.Millis
	// Operations gives the operations of a collection on a record.
	Operations(collection, parent string) []merge.Row
	// Programme is what is public of a programme.
	Programme(programme string) (Programme, bool)
	// Heard tells of every active phone of users when it was heard of last.
	Heard(users []string) []Heard
}

// DueReminders lists the reminders of one business that fall into (since, now], as
// its rows are now: those of ReminderCollections are read, other rows are left alone. What is
// done, ended, rests or is without a date has none, and nothing is
// reminded of that lay behind when its date was set, or when it came to be on somebody's side, by
// the corrected clock of whoever did. People without an open window get none, nor do those whose
// window began behind it. Some types alone are given if any are named. The order is that of people and ids.
func DueReminders(scope string, rows []merge.Row, access []merge.Grant, past Past, since, now time.Time, kinds ...string) []Letter {
	b := bell{scope: scope, zone: ZoneOf(rows), rows: rows, enrolments: only(rows, "enrolment"), access: access, past: past, since: since, now: now}
	for _, rule := range reminderRules() {
		if !rule.concerns(b.zone, since, now, kinds) {
			continue
		}
		if rule.whole != nil {
			rule.whole(&b)
		}
		for _, r := range rows {
			if rule.each != nil && r.Collection == rule.reads[0] {
				rule.each(&b, r)
			}
		}
	}
	slices.SortFunc(b.out, func(x, y Letter) int { return cmp.Or(cmp.Compare(x.User, y.User), cmp.Compare(x.ID, y.ID)) })
	return b.out
}

// bell collects the reminders of one business.
type bell struct {
	scope      string
	zone       Zone
	rows       []merge.Row
	enrolments []merge.Row
	access     []merge.Grant
	past       Past
	since, now time.Time
	totals     []Total // once they were asked for
	out        []Letter
}

// holding lists who has one of these roles now by a window that had begun at an instant: who
// came since is told nothing of what was told then.
func (b *bell) holding(at time.Time, roles ...merge.Role) []string {
	var out []string
	for _, g := range b.access {
		if slices.Contains(roles, g.Role) && g.Holds(merge.Millis(b.now.UnixMilli())) && !g.From.Time().After(at) {
			out = append(out, g.User)
		}
	}
	return out
}

// ring gives the reminders that are due and lay ahead when their date was set, to
// people who have a right to the business.
func (b *bell) ring(planned []Reminder, about merge.Key, set func() merge.Millis, say func(Reminder) (kind string, says params, people []string)) {
	planned = slices.DeleteFunc(planned, func(r Reminder) bool { return r.At.After(b.now) })
	if len(planned) == 0 {
		return
	}
	dated := set().Time()
	for _, r := range planned {
		if !r.At.After(dated) {
			continue
		}
		kind, says, people := say(r)
		b.give(kind, r, about, says, people)
	}
}

// give gives one reminder to people who have a right to the business.
func (b *bell) give(kind string, r Reminder, about merge.Key, says params, people []string) {
	b.out = append(b.out, b.letters(kind, r, about, says, people)...)
}

func (b *bell) letters(kind string, r Reminder, about merge.Key, says params, people []string) (out []Letter) {
	for _, p := range slices.Compact(slices.Sorted(slices.Values(people))) {
		if merge.Granted(b.access, p, merge.Millis(b.now.UnixMilli())) {
			set := inboxItem(kind, b.scope, about, says)
			if end, ok := says["at"].(string); ok { // worth nothing behind what it is about
				set["expires_at"] = merge.Str(end)
			} else if says["day"] == today { // its words are of that day
				set["expires_at"] = merge.Millis(r.Due.End(b.zone).UnixMilli()).Value()
			}
			out = append(out, Letter{p, reminderID(kind, r, p), set})
		}
	}
	return out
}

// today is what a reminder says of its day if it is the one on which something is due.
const today = "today"

// reminderID is the id of the item in which somebody is reminded.
func reminderID(kind string, r Reminder, user string) string {
	return id.Derive("reminder", kind, r.Object, string(r.Due), strconv.Itoa(r.Offset), user)
}

// operated is when the earliest of a kind of operations on a case took effect, 0
// if none did.
func (b *bell) operated(c merge.Row, op string) merge.Millis {
	return firstEffective(b.past.Operations("case_event", c.ID), op)
}

// dated is when the day of a step of a case was set, of its deadline for "". A
// usual step without a day of its own got it with the deadline, or with the
// approval, whichever came later.
func (b *bell) dated(c merge.Row, step string) merge.Millis {
	if step != "" {
		if at := b.past.Written(c.Key, "milestones/"+step+"/due_on"); at != 0 {
			return at
		}
	}
	deadline, approved := b.past.Written(c.Key, "deadline_on"), b.operated(c, "approve")
	if step == "" && deadline != 0 {
		return deadline
	}
	return max(deadline, approved)
}

// said is when one of some operations of a collection on a record was made last; 0 if none was.
func (b *bell) said(collection, parent string, ops ...string) (at merge.Millis) {
	for _, o := range b.past.Operations(collection, parent) {
		if slices.Contains(ops, o.Text("op")) {
			at = max(at, instantOf(o, "created_at"))
		}
	}
	return at
}

// task reminds the owners and who is to do it, on the day before and when it is
// late also the mentors, while it is on the side of the business.
func (b *bell) task(t merge.Row) {
	if !taskIsOpen(t) || TaskRests(b.enrolments, t) != "" {
		return
	}
	due := Date(t.Text("due_on"))
	set := func() merge.Millis { // what it became theirs by has a notice of its own, which names the date
		return max(b.past.Written(t.Key, "due_on"), b.said("task_event", t.ID, "accept", "return", "reopen"))
	}
	b.ring(PlanReminders(t.Key.String(), due, b.zone, b.since), t.Key, set, func(r Reminder) (string, params, []string) {
		kind, people := NoticeTaskDue, b.holding(r.At, merge.Owner)
		if a := t.Text("assignee_id"); !b.past.Written(t.Key, "assignee_id").Time().After(r.At) {
			people = append(people, a)
		}
		if r.Offset > 0 {
			kind = NoticeTaskOverdue
		}
		if r.Offset == -1 || r.Offset > 0 {
			people = append(people, b.holding(r.At, merge.Mentor)...)
		}
		if b.rested(t, r.At) { // what goes on since has a notice of its own
			people = nil
		}
		says := params{"task": t.Text("title"), "due": string(due)}
		if r.Offset == 0 {
			says["day"] = today
		}
		return kind, says, people
	})
}

// rested reports whether a task that does not rest now did so at an instant: its enrolments
// stand as they stood then.
func (b *bell) rested(t merge.Row, at time.Time) bool {
	then := slices.Clone(b.enrolments)
	for i, e := range then {
		if e.Text("programme_id") != t.Text("programme_id") || !instantOf(e, "state_since").Time().After(at) {
			continue
		}
		ops := slices.DeleteFunc(slices.Clone(b.past.Operations("enrolment_event", e.ID)), func(o merge.Row) bool { return instantOf(o, "created_at").Time().After(at) })
		then[i].Fields = maps.Clone(e.Fields)
		then[i].Fields["state"] = merge.Str(enrolmentMachine().state(ops, EnrolmentActive))
	}
	return TaskRests(then, t) != ""
}

// steps reminds owners and mentors of the deadline of a case that is under way and
// of its milestones that are not done. A scheduled step that falls on the deadline
// has the deadline's.
func (b *bell) steps(c merge.Row) {
	if caseIsOver(c) {
		return
	}
	b.caseDue(c, "", Date(c.Text("deadline")), params{})
	milestones, due := Milestones(c), openSteps(c)
	kind, _ := CaseKindOf(c.Text("kind"))
	for _, code := range slices.Sorted(maps.Keys(due)) {
		b.caseDue(c, code, due[code], kind.stepSays(code, milestones[code].Title))
	}
}

// stepSays names a usual step by its word and an own one by its title.
func (k CaseKind) stepSays(code, title string) params {
	if slices.ContainsFunc(k.Milestones, func(s Step) bool { return s.Code == code }) {
		return params{"step": k.Kind + "/" + code}
	}
	return named(params{}, "name", title)
}

func (b *bell) caseDue(c merge.Row, code string, due Date, says params) {
	says["kind"], says["due"] = c.Text("kind"), string(due)
	object := c.Key.String()
	if code != "" {
		object += "/" + code
	}
	set := func() merge.Millis { return b.dated(c, code) }
	b.ring(PlanReminders(object, due, b.zone, b.since), c.Key, set, func(r Reminder) (string, params, []string) {
		if b.wasDone(c, code, r.At) {
			return NoticeCaseDue, says, nil
		}
		return NoticeCaseDue, says, b.holding(r.At, merge.Owner, merge.Mentor)
	})
}

// wasDone reports whether a step of a case that is open now was done at an instant: a mentor
// has said since that it is not.
func (b *bell) wasDone(c merge.Row, code string, at time.Time) bool {
	by := func(field string) bool {
		written := b.past.Written(c.Key, "milestones/"+code+"/"+field)
		return written != 0 && !written.Time().After(at)
	}
	return code != "" && Milestones(c)[code].Undone && !by("undone") && (by("done_at") || by("corrected_on"))
}

// renewal reminds owners and mentors of the end of a confirmed certificate, until
// a case that renews it is issued.
func (b *bell) renewal(c merge.Row) {
	until := certificateEnd(b.rows, c)
	if until == "" {
		return
	}
	says := params{"kind": c.Text("kind"), "until": string(until)}
	set := func() merge.Millis { return b.operated(c, "confirm_issue") }
	b.ring(PlanRenewals(c.Key.String(), until, b.zone, b.since), c.Key, set, func(r Reminder) (string, params, []string) {
		return NoticeRenewal, says, b.holding(r.At, merge.Owner, merge.Mentor)
	})
}
