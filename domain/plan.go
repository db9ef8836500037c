package domain

import (
	"slices"
	"strconv"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// maxPlanItems is how many tasks a template has at most.
const maxPlanItems = 200

// PlanItem is a task of a template.
type PlanItem struct {
	Code      string    `json:"code"`
	TitleID   string    `json:"title_id"`
	TitleEN   string    `json:"title_en,omitempty"`
	Track     string    `json:"track"`
	Mode      string    `json:"mode,omitempty"`
	Offset    int       `json:"offset_days"`   // from the first day that is monitored
	Duration  int       `json:"duration_days"` // due on its last day
	Evidence  *Evidence `json:"evidence_required,omitempty"`
	AppliesTo []string  `json:"applies_to,omitempty"` // categories; empty: all
	DependsOn []string  `json:"depends_on,omitempty"` // codes
}

// Evidence is the least that a submission brings.
type Evidence struct {
	PhotosMin int  `json:"photos_min,omitempty"`
	File      bool `json:"file,omitempty"`
	Note      bool `json:"note,omitempty"`
}

// PlanTemplateID is the id of a version of a template; versions are never changed.
func PlanTemplateID(code string, version int) string {
	return id.Derive("plan_template", code, strconv.Itoa(version))
}

// planTemplate is a list of tasks that every business of a programme gets.
func planTemplate() *merge.Collection {
	item := object(
		merge.Member{Name: "code", Type: form(`^[a-z0-9_]{1,40}$`, 40), Required: true},
		merge.Member{Name: "title_id", Type: text(1, 120), Required: true},
		merge.Member{Name: "title_en", Type: text(1, 120)},
		merge.Member{Name: "track", Type: enum(tracks()...), Required: true},
		merge.Member{Name: "mode", Type: enum("online", "on_site")},
		merge.Member{Name: "offset_days", Type: whole(0, 1000, "days"), Required: true},
		merge.Member{Name: "duration_days", Type: whole(1, 1000, "days"), Required: true},
		merge.Member{Name: "evidence_required", Type: object(
			merge.Member{Name: "photos_min", Type: whole(0, 20, "photos")},
			merge.Member{Name: "file", Type: truth()},
			merge.Member{Name: "note", Type: truth()})},
		merge.Member{Name: "applies_to", Type: list(enum(categories()...), 10)},
		merge.Member{Name: "depends_on", Type: list(text(1, 40), 20)})
	return &merge.Collection{
		Name: "plan_template", Scope: ScopeProgrammes, Doc: "tasks that every business of a programme gets; a version is never changed", Fields: fields(
			server("code", form(`^[a-z0-9-]{3,40}$`, 40), ""),
			server("template_version", whole(1, 1000, ""), ""),
			server("name", text(2, 120), ""),
			server("items", list(item, maxPlanItems), ""),
			server("kinds", list(enum(programmeKinds()...), 3), "of programmes that it is for; absent or empty = all"),
		),
	}
}

// businessPlan is what a business got of a template.
func businessPlan() *merge.Collection {
	return &merge.Collection{
		Name: "plan", Scope: ScopeBusiness, Doc: "the plan of a business that takes part in a programme; its tasks are tasks like others; made by the server", Fields: fields(
			server("enrolment_id", ref("enrolment"), ""),
			server("programme_id", ref(""), ""),
			server("template_id", ref(""), "version of the template that it was made from"),
			server("tasks", list(ref("task"), maxPlanItems), ""),
		),
	}
}

// PlanID is the id of the plan of an enrolment, and PlanTaskID that of a task of it.
func PlanID(enrolment string) string { return id.Derive("plan", enrolment) }

// PlanTaskID is the id of the task that an item of a template becomes.
func PlanTaskID(enrolment, code string) string { return id.Derive("plan_task", enrolment, code) }

// PlanItems reads the items of a template.
func PlanItems(template merge.Row) []PlanItem {
	var all []PlanItem
	decode(template.Fields["items"], &all)
	return all
}

// PlanBegins is the day from which the items of a programme's plan are counted: the first
// that is monitored, or else the first of mentoring.
func PlanBegins(p Programme) Date {
	begins := p.Monitoring.From
	if f, ok := p.Phase(PhaseMentoring); ok && begins == "" {
		begins = f.From
	}
	return begins
}

// PlanTasks are the tasks that a business of some categories gets of a template, by their
// ids. What was left out for its category is waited for by nobody.
func PlanTasks(template merge.Row, enrolment string, p Programme, categories []string) map[string]map[string]merge.Value {
	out := map[string]map[string]merge.Value{}
	var items []PlanItem
	for _, it := range PlanItems(template) {
		if it.suits(categories) {
			items = append(items, it)
		}
	}
	for _, it := range items {
		set := it.task(p.ID, PlanBegins(p))
		var before []string
		for _, other := range items {
			if slices.Contains(it.DependsOn, other.Code) {
				before = append(before, PlanTaskID(enrolment, other.Code))
			}
		}
		if len(before) > 0 {
			set["depends_on"] = merge.Encode(before)
		}
		out[PlanTaskID(enrolment, it.Code)] = set
	}
	return out
}

// suits reports whether an item is for a business of the categories.
func (i PlanItem) suits(categories []string) bool {
	return len(i.AppliesTo) == 0 || slices.ContainsFunc(categories, func(c string) bool { return slices.Contains(i.AppliesTo, c) })
}

// task is what an item becomes in a programme that begins on a day.
func (i PlanItem) task(programme string, begins Date) map[string]merge.Value {
	set := map[string]merge.Value{"title": merge.Str(i.TitleID), "title_id": merge.Str(i.TitleID), "track": merge.Str(i.Track), "origin": merge.Str(OriginTemplate),
		"template_code": merge.Str(i.Code), "programme_id": merge.Str(programme)}
	if i.TitleEN != "" {
		set["title_en"] = merge.Str(i.TitleEN)
	}
	if i.Mode != "" {
		set["mode"] = merge.Str(i.Mode)
	}
	if due := begins.AddDays(i.Offset + i.Duration - 1); due != "" {
		set["due_on"] = merge.Str(string(due))
	}
	if i.Evidence != nil {
		set["evidence_required"] = merge.Encode(i.Evidence)
	}
	return set
}
