package domain

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Kinds of adjustments of a plan.
const (
	AdjustLeftOut   = "left_out"  // the business is of another category
	AdjustAdded     = "added"     // somebody set it for this programme
	AdjustCancelled = "cancelled" // of the plan
	AdjustDueMoved  = "due_moved" // by a person, or by a pause
	AdjustRenamed   = "renamed"
)

// Adjustment is one way in which the plan of a business differs from its template now.
type Adjustment struct {
	Kind  string `json:"kind"`
	Code  string `json:"code,omitempty"` // of the item; absent for what was added
	Task  string `json:"task,omitempty"` // id; absent for what was left out
	Title string `json:"title"`          // as it is shown now
	From  string `json:"from,omitempty"` // title or day (YYYY-MM-DD) of the template
	To    string `json:"to,omitempty"`   // and what counts now
}

// PlanCollections are those of a business that PlanAdjustments reads.
func PlanCollections() []string { return []string{"plan", "task"} }

// PlanAdjustments works out how a plan differs from its template, of the rows of its
// business: nothing of it is stored. Those of the template come first, in its order, then
// what was added, by id. The day of the template is the first that a task was due, for the
// programme may have moved since; of a task that was given thirty days it is not known.
func PlanAdjustments(plan, template merge.Row, rows []merge.Row, lang message.Lang) []Adjustment {
	out := []Adjustment{}
	tasks, mine := map[string]merge.Row{}, plan.Strings("tasks")
	for _, t := range only(rows, "task") {
		tasks[t.ID] = t
	}
	for _, it := range PlanItems(template) {
		id := PlanTaskID(plan.Text("enrolment_id"), it.Code)
		t, there := tasks[id]
		switch {
		case !slices.Contains(mine, id):
			out = append(out, Adjustment{Kind: AdjustLeftOut, Code: it.Code, Title: titleOf(it.TitleID, it.TitleEN, lang)})
		case there && !t.Deleted:
			out = append(out, adjusted(it, t, lang)...)
		}
	}
	for _, t := range rows {
		if t.Collection == "task" && !t.Deleted && t.Text("programme_id") == plan.Text("programme_id") && t.Text("origin") != OriginTemplate &&
			t.Text("state") != TaskCancelled && t.Text("state") != TaskProposed {
			out = append(out, Adjustment{Kind: AdjustAdded, Task: t.ID, Title: TaskTitle(t, lang)})
		}
	}
	return out
}

// adjusted is how one task differs from its item.
func adjusted(it PlanItem, t merge.Row, lang message.Lang) (out []Adjustment) {
	say := func(kind, from, to string) {
		out = append(out, Adjustment{kind, it.Code, t.ID, TaskTitle(t, lang), from, to})
	}
	if t.Text("state") == TaskCancelled {
		say(AdjustCancelled, "", "")
	}
	var dates []struct{ Value Date }
	decode(t.Fields["due_dates"], &dates)
	switch due := Date(t.Text("due_on")); {
	case len(dates) > 0 && len(dates) < 30 && dates[len(dates)-1].Value != due:
		say(AdjustDueMoved, string(dates[len(dates)-1].Value), string(due))
	case len(dates) >= 30:
		say(AdjustDueMoved, "", string(due))
	}
	if t.Text("title") != it.TitleID {
		say(AdjustRenamed, titleOf(it.TitleID, it.TitleEN, lang), t.Text("title"))
	}
	return out
}

// TaskTitle is the title of a task for who reads a language: that of the template in English
// until somebody writes another one.
func TaskTitle(t merge.Row, lang message.Lang) string {
	if en := t.Text("title_en"); en != "" && t.Text("title") == t.Text("title_id") {
		return titleOf(t.Text("title"), en, lang)
	}
	return t.Text("title")
}

func titleOf(indonesian, english string, lang message.Lang) string {
	if lang == message.EN && english != "" {
		return english
	}
	return indonesian
}

// WaitsFor lists the tasks of a plan that come before a task and are not done: of the rows of
// its business, in the order of the template. It is a hint; nothing is refused for it.
func WaitsFor(t merge.Row, rows []merge.Row) (out []merge.Row) {
	for _, before := range t.Strings("depends_on") {
		i := slices.IndexFunc(rows, func(r merge.Row) bool { return r.Collection == "task" && r.ID == before })
		if i >= 0 && !rows[i].Deleted && !final(rows[i].Text("state")) {
			out = append(out, rows[i])
		}
	}
	return out
}
