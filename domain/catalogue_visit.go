package domain

import (
	"cmp"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// States of a visit.
const (
	VisitPlanned   = "planned"
	VisitDone      = "done"
	VisitMissed    = "missed"
	VisitCancelled = "cancelled"
)

// visitMachine lists the operations on a visit, highest precedence first. What
// took place took place: somebody who was there outranks who waited in vain, and
// both outrank who called it off; only a visit that is over stays over.
func visitMachine() machine {
	mentor := mentorSide()
	return machine{rules: []opRule{
		{op: "done", from: []string{VisitPlanned, VisitMissed, VisitCancelled}, to: VisitDone, who: mentor},
		{op: "missed", from: []string{VisitPlanned, VisitCancelled}, to: VisitMissed, who: mentor},
		{op: "cancel", from: []string{VisitPlanned}, to: VisitCancelled, who: mentor, reason: true, overrule: true},
		{op: "plan_again", from: []string{VisitMissed, VisitCancelled}, to: VisitPlanned, who: mentor},
	}}
}

func visitStates() []string {
	return []string{VisitPlanned, VisitDone, VisitMissed, VisitCancelled}
}

// visit is a visit, an online session or one business's part of a workshop.
func visit() *merge.Collection {
	const order = "admin > mentor"
	ours := []merge.Role{merge.Owner}
	return &merge.Collection{
		Name: "visit", Scope: ScopeBusiness, Doc: "visit, online session or a business's part of a workshop; the state is replayed from its events", Create: mentorSide(),
		Allow: allowVisit, Derive: deriveVisit, Tags: tagVisit, Relate: relateVisit, React: reactVisit, Fields: fields(
			required(once("kind", enum("visit", "online_session", "workshop"), mentorSide(), "")),
			once("session_id", ref(""), mentorSide(), "the same in every business of one workshop; with kind workshop, and only then"),
			once("programme_id", ref(""), mentorSide(), ""),
			ranked("planned_at", instant(), order, mentorSide(), "when it is to begin; this or started_at must be in the create"),
			group("time",
				ranked("started_at", instant(), order, mentorSide(), "as the mentor says"),
				ranked("ended_at", instant(), order, mentorSide(), "not before started_at")),
			ranked("place_text", text(0, 200), order, mentorSide(), "where"),
			latest("geo", place(), mentorSide(), "only with consent, and never needed"),
			merge.Field{Name: "attendance", Policy: merge.Each, Max: 60, Doc: "who came, by the id of a user or a name in letters, digits and hyphens", Item: fields(
				latest("name", text(1, 100), mentorSide(), ""),
				latest("present", truth(), mentorSide(), ""),
				latest("by", ref(""), mentorSide(), "who noted it, as the phone says"),
				latest("at", instant(), mentorSide(), "when, as the phone says"))},
			set("topics", text(1, 60), 20, mentorSide(), "what it was about"),
			latest("mentor_summary", text(0, 4000), []merge.Role{merge.Mentor}, "the owner sees it"),
			group("feedback",
				latest("owner_rating", whole(1, 5, "stars"), ours, "how helpful it was"),
				latest("owner_feedback", text(0, 1000), ours, "")),
			set("tasks_touched", ref("task"), 40, mentorSide(), ""),
			set("photos", ref("attachment"), 20, mentorSide(), ""),
			server("state", enum(visitStates()...), "replayed"),
			server("possible_duplicate", list(ref("visit"), 20), "visits of the same kind and day that somebody else wrote down; both stay"),
		),
	}
}

// visitEvent is one operation on a visit.
func visitEvent() *merge.Collection {
	people := mentorSide()
	return &merge.Collection{
		Name: "visit_event", Scope: ScopeBusiness, Doc: "operations on visits", Create: people, Immutable: true,
		Parent: "visit", ParentField: "visit_id", Judge: judgeVisit, Fields: fields(
			required(once("visit_id", ref("visit"), people, "")),
			required(once("op", enum(visitMachine().ops()...), people, "")),
			once("reason_code", form(`^[a-z0-9_]{1,40}$`, 40), people, "with cancel: this or a note"),
			once("note", text(1, 2000), people, ""),
		),
	}
}

// allowVisit wants a time in a new visit, and one that runs forward.
func allowVisit(a merge.Attempt) *merge.Reject {
	began, ended := merge.AsString(a.Set["started_at"]), merge.AsString(a.Set["ended_at"])
	workshop, session := merge.AsString(a.Set["kind"]) == "workshop", !merge.Null(a.Set["session_id"])
	switch {
	case a.Create && workshop && !session:
		return refuse("required", "set.session_id")
	case a.Create && !workshop && session:
		return refuse("invalid_value", "set.session_id")
	case a.Create && began == "" && merge.AsString(a.Set["planned_at"]) == "":
		return refuse("required", "set.planned_at")
	case ended != "" && (began == "" || ended < began):
		return refuse("time_reversed", "set.ended_at")
	}
	return nil
}

func judgeVisit(j merge.Judgement) *merge.Reject {
	state := visitMachine().state(j.Seen, VisitPlanned)
	if j.AfterRestore && state != VisitDone {
		state = cmp.Or(j.From, state)
	}
	return visitMachine().legal(j, state)
}

func deriveVisit(v merge.View, r merge.Row) merge.Derived {
	ops := v.Operations("visit_event", r.ID)
	return merge.Derived{Operations: visitMachine().derived("visit_event", ops),
		Fields: map[string]merge.Value{"state": merge.Str(visitMachine().state(ops, VisitPlanned))}}
}

// visitDay is the day of a visit in WIB, where days begin last: two phones must
// not differ in it because the region of the business came later.
func visitDay(r merge.Row) Date {
	at, err := merge.ParseInstant(cmp.Or(r.Text("started_at"), r.Text("planned_at")))
	if err != nil {
		return ""
	}
	return BusinessDay(at.Time(), WIB)
}

// tagVisit lets visits of one day find each other; one that is off stands in
// nobody's way. A workshop is known by its session, and may be one of several
// that day.
func tagVisit(r merge.Row) []string {
	if s := r.Text("state"); s == VisitCancelled || s == VisitMissed {
		return nil
	}
	return []string{tag("visit", r.Text("kind"), string(visitDay(r)), r.Text("session_id"))}
}

func relateVisit(v merge.View, r merge.Row) map[string]merge.Value {
	var alike []string
	for _, t := range tagVisit(r) {
		for _, o := range v.Tagged(t) {
			if o.ID != r.ID && o.Text("created_by") != r.Text("created_by") && len(alike) < 20 {
				alike = append(alike, o.ID)
			}
		}
	}
	slices.Sort(alike)
	return map[string]merge.Value{"possible_duplicate": wordsValue(alike)}
}

// reactVisit tells the other side of a visit that is planned, moved or off. What
// is over is no news: both were there.
func reactVisit(c merge.Change) []merge.Effect {
	state, planned := c.After.Text("state"), c.After.Text("planned_at")
	moved := c.Before.Text("planned_at") != planned || c.Before.Text("state") != state
	if !moved || planned == "" || state == VisitDone || state == VisitMissed {
		return nil
	}
	kind := NoticeVisitPlanned
	if state == VisitCancelled {
		kind = NoticeVisitCancelled
	}
	people := others(append(present(c, merge.Owner), present(c, merge.Mentor)...), c.Author)
	return notice(c, kind, c.After.Key, params{"at": planned}, people)
}
