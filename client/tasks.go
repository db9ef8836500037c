package client

import (
	"cmp"
	"slices"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// task is one task on the screen.
type task struct {
	ID       string         `json:"id"`
	Title    string         `json:"title"`
	State    string         `json:"state"`
	Due      string         `json:"due_on,omitempty"`
	Track    string         `json:"track,omitempty"`
	Rests    string         `json:"rests,omitempty"`
	WaitsFor []earlier      `json:"waits_for"`
	Status   replica.Status `json:"status"`
}

// earlier is a task that comes before another one.
type earlier struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Tasks lists the tasks of a business, own edits that wait included: a JSON list, by due date
// and id and those without a date last, of id, title (in the language of the app, where the
// plan has it and nobody wrote another one), state, due_on (YYYY-MM-DD), track, status (as in
// Row), waits_for (tasks of the plan that come before and are not done, each with id and
// title: a hint, the server takes what is done earlier) and rests. rests is absent, or
// "paused" (the programme pauses: what is done on a phone that shows this is refused with
// "enrolment_paused"), "completed" or "withdrawn" (what is left of the plan of a programme
// that is over).
func (p *Phone) Tasks(scope string) (string, error) {
	rows, err := p.inBusiness(scope, "enrolment", "task")
	if err != nil {
		return "", p.fault(err)
	}
	statuses, err := p.in().inner.Statuses(scope)
	out := []task{}
	for _, r := range rows {
		if r.Collection != "task" {
			continue
		}
		t := task{ID: r.ID, Title: domain.TaskTitle(r, p.in().lang), State: r.Text("state"), Due: r.Text("due_on"), Track: r.Text("track"), Rests: domain.TaskRests(rows, r),
			WaitsFor: []earlier{}, Status: cmp.Or(statuses[r.Key], replica.Sent)}
		for _, b := range domain.WaitsFor(r, rows) {
			t.WaitsFor = append(t.WaitsFor, earlier{b.ID, domain.TaskTitle(b, p.in().lang)})
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b task) int {
		return cmp.Or(cmp.Compare(cmp.Or(a.Due, "9999"), cmp.Or(b.Due, "9999")), cmp.Compare(a.ID, b.ID))
	})
	return p.json(out, err)
}

// plan is the plan of a programme on the screen.
type plan struct {
	ID          string              `json:"id"`
	Programme   string              `json:"programme_id"`
	Enrolment   string              `json:"enrolment"`
	Template    string              `json:"template"`
	Tasks       int                 `json:"tasks"`
	Adjustments []domain.Adjustment `json:"adjustments"`
}

// Plans lists the plans of a business, one for each programme that it takes part in: a JSON
// list of id, programme_id, enrolment (its state), template (name; empty while it is not on
// the phone), tasks (how many there are) and adjustments, which say how the plan differs
// from its template now: kind (left_out, added, cancelled, due_moved, renamed), code, task,
// title, from and to.
func (p *Phone) Plans(scope string) (string, error) {
	rows, err := p.inBusiness(scope, append(domain.PlanCollections(), "enrolment")...)
	if err != nil {
		return "", p.fault(err)
	}
	out := []plan{}
	for _, r := range rows {
		if r.Collection != "plan" {
			continue
		}
		template, there, err := p.in().inner.Row(domain.ScopeProgrammes, "plan_template", r.Text("template_id"))
		if err != nil {
			return "", p.fault(err)
		}
		one := plan{ID: r.ID, Programme: r.Text("programme_id"), Template: template.Text("name"), Tasks: len(r.Strings("tasks")), Adjustments: []domain.Adjustment{}}
		if i := slices.IndexFunc(rows, func(e merge.Row) bool { return e.Collection == "enrolment" && e.ID == r.Text("enrolment_id") }); i >= 0 {
			one.Enrolment = rows[i].Text("state")
		}
		if there {
			one.Adjustments = domain.PlanAdjustments(r, template, rows, p.in().lang)
		}
		out = append(out, one)
	}
	return p.json(out, nil)
}
