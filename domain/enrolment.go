package domain

import (
	"cmp"
	"slices"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// EnrolmentDisqualify ends an enrolment whose application was disqualified. The server says
// it alone, behind the two admins who wanted it.
const EnrolmentDisqualify = "disqualify"

// What the server says of an enrolment because its application says otherwise by now.
const (
	EnrolmentForgo  = "forgo"  // its owner does not take the place, or lost it
	EnrolmentWait   = "wait"   // the phones of its owner said different things, and somebody asks
	EnrolmentRegain = "regain" // the place is theirs after all
)

// EnrolmentOps are what an admin does to an enrolment.
func EnrolmentOps() []string {
	return slices.DeleteFunc(enrolmentMachine().ops(), func(op string) bool {
		return slices.Contains([]string{EnrolmentDisqualify, EnrolmentForgo, EnrolmentWait, EnrolmentRegain}, op)
	})
}

// EnrolmentFollows is the operation by which an enrolment, with what happened to it, follows its
// application; "" where it has. Who holds no confirmed place takes no part. What the server
// has taken for that it gives back, and nothing that an admin did.
func EnrolmentFollows(application, enrolment merge.Row, operations []merge.Row) string {
	if enrolment.Version == 0 {
		return ""
	}
	state := EnrolmentState(enrolment, operations)
	takes := state == EnrolmentActive || state == EnrolmentPaused
	top, _ := enrolmentMachine().top(operations, "")
	switch application.Text("state") {
	case ApplicationDisqualified:
		if state != EnrolmentWithdrawn {
			return EnrolmentDisqualify
		}
	case ApplicationDeclined, ApplicationLapsed, ApplicationWithdrawn:
		if takes {
			return EnrolmentForgo
		}
	case ApplicationOffered:
		if state == EnrolmentActive {
			return EnrolmentWait
		}
	case ApplicationConfirmed:
		if op := top.Text("op"); op == EnrolmentForgo || op == EnrolmentWait {
			return EnrolmentRegain
		}
	}
	return ""
}

// TakingPart are the states of an enrolment.
func TakingPart() []string {
	return []string{EnrolmentActive, EnrolmentPaused, EnrolmentWithdrawn, EnrolmentCompleted}
}

// enrolmentTable lists the operations, highest precedence first. An enrolment is completed
// out of active alone: what pauses is resumed first, so that its plan has dates again.
func enrolmentTable() []opRule {
	office, server := []merge.Role{merge.Admin}, []merge.Role{merge.System}
	return []opRule{
		{op: EnrolmentDisqualify, from: []string{EnrolmentActive, EnrolmentPaused, EnrolmentCompleted}, to: EnrolmentWithdrawn, who: server, overrule: true},
		{op: EnrolmentForgo, from: []string{EnrolmentActive, EnrolmentPaused}, to: EnrolmentWithdrawn, who: server, overrule: true},
		{op: "withdraw", from: []string{EnrolmentActive, EnrolmentPaused}, to: EnrolmentWithdrawn, who: office, reason: true, online: true, overrule: true},
		{op: EnrolmentWait, from: []string{EnrolmentActive}, to: EnrolmentPaused, who: server, overrule: true},
		{op: EnrolmentRegain, from: []string{EnrolmentPaused, EnrolmentWithdrawn}, to: EnrolmentActive, who: server, overrule: true},
		{op: "complete", from: []string{EnrolmentActive}, to: EnrolmentCompleted, who: office, online: true, overrule: true},
		{op: "resume", from: []string{EnrolmentPaused}, to: EnrolmentActive, who: office, online: true, overrule: true},
		{op: "pause", from: []string{EnrolmentActive}, to: EnrolmentPaused, who: office, reason: true, online: true, overrule: true},
	}
}

func enrolmentMachine() machine { return machine{rules: enrolmentTable()} }

// EnrolmentNeedsReason reports whether an operation is not done without a reason.
func EnrolmentNeedsReason(op string) bool {
	rule, _ := enrolmentMachine().rule(op)
	return rule.reason
}

// enrolment is a business that takes part in a programme.
func enrolment() *merge.Collection {
	return &merge.Collection{
		Name: "enrolment", Scope: ScopeBusiness, Doc: "a business that takes part in a programme, from the day its owner confirmed; made by the server",
		Derive: deriveEnrolment, Tags: tagEnrolment, React: reactEnrolment, Fields: fields(
			server("application_id", ref("application"), ""),
			server("programme_id", ref(""), ""),
			server("confirmed_at", instant(), "by the corrected clock of the owner"),
			server("state", enum(TakingPart()...), "replayed; active without any operation"),
			server("state_since", instant(), "when the operation that counts was made; absent = since it was confirmed"),
			server("state_reason", text(0, 2000), "what an admin wrote with it; the business reads it"),
			server("baseline_monthly_idr", rupiah(0, 1_000_000_000_000), "as the business had it then"),
		),
	}
}

// enrolmentEvent is one operation on an enrolment: who did it, when and why.
func enrolmentEvent() *merge.Collection {
	office := []merge.Role{merge.Admin}
	return &merge.Collection{
		Name: "enrolment_event", Scope: ScopeBusiness, Doc: "operations on enrolments, online only; disqualify, forgo, wait and regain are the server's", Create: office, Immutable: true,
		Parent: "enrolment", ParentField: "enrolment_id", Judge: judgeEnrolment, Tags: tagEnrolment, Fields: fields(
			required(once("enrolment_id", ref("enrolment"), office, "")),
			required(once("programme_id", ref(""), office, "of the enrolment")),
			required(once("op", enum(enrolmentMachine().ops()...), office, "")),
			once("note", text(1, 2000), office, "why, for the business to read; with pause and withdraw always"),
		),
	}
}

// EnrolmentID is the id of the enrolment that an application leads to.
func EnrolmentID(application string) string { return id.Derive("enrolment", application) }

// tagEnrolment finds the enrolments of a business in a programme, and what happened to them.
func tagEnrolment(r merge.Row) []string { return []string{enrolmentTag(r.Text("programme_id"))} }

func enrolmentTag(programme string) string { return tag("enrolment", programme) }

// EnrolmentState replays operations on an enrolment.
func EnrolmentState(enrolment merge.Row, operations []merge.Row) string {
	opens := EnrolmentActive
	if len(operations) == 0 {
		opens = cmp.Or(enrolment.Text("state"), opens)
	}
	return enrolmentMachine().state(operations, opens)
}

// deriveEnrolment replays an enrolment.
func deriveEnrolment(v merge.View, r merge.Row) merge.Derived {
	ops := v.Operations("enrolment_event", r.ID)
	d := merge.Derived{Operations: enrolmentMachine().derived("enrolment_event", ops)}
	d.Fields = map[string]merge.Value{"state": merge.Str(EnrolmentState(r, ops)), "state_since": nil, "state_reason": nil}
	if top, ok := enrolmentMachine().top(ops, ""); ok {
		d.Fields["state_since"], d.Fields["state_reason"] = top.Fields["created_at"], top.Fields["note"]
	}
	return d
}

// judgeEnrolment asks what the author saw. No phone has a word here, so none stands in for what
// a restore took.
func judgeEnrolment(j merge.Judgement) *merge.Reject {
	state := EnrolmentState(j.Parent, j.Seen)
	if j.Parent.Text("programme_id") != merge.AsString(j.Set["programme_id"]) {
		return refuse("invalid_value", "set.programme_id")
	}
	if a, ok := j.Row("application", j.Parent.Text("application_id")); ok && merge.AsString(j.Set["op"]) == "resume" && a.Text("state") != ApplicationConfirmed {
		return refuse("forbidden_transition", "set.op") // whether the place is theirs is what is being asked
	}
	return enrolmentMachine().legal(j, state)
}

// PauseDays counts the days that the newest pause among operations took, from the day on
// which it began to the day of now, in the zone of the business; 0 if nothing pauses.
func PauseDays(operations []merge.Row, now merge.Millis, z Zone) int {
	top, ok := enrolmentMachine().top(operations, "")
	if !ok || top.Text("op") != "pause" {
		return 0
	}
	return BusinessDay(instantOf(top, "created_at").Time(), z).DaysUntil(BusinessDay(now.Time(), z))
}

// reactEnrolment tells owners and mentors that an enrolment stands otherwise, but not that it waits
// while its owner is asked. Of a resumption it tells for how many days the plan stood.
func reactEnrolment(c merge.Change) []merge.Effect {
	was, is := c.Before.Text("state"), c.After.Text("state")
	kind, ok := map[string]string{EnrolmentPaused: NoticeEnrolmentPaused, EnrolmentActive: NoticeEnrolmentResumed, EnrolmentCompleted: NoticeEnrolmentCompleted,
		EnrolmentWithdrawn: NoticeEnrolmentWithdrawn}[is]
	if c.New || was == is || !ok {
		return nil
	}
	says := params{"programme": c.After.Text("programme_id")}
	ops := c.Operations("enrolment_event", c.After.ID)
	top, ok := enrolmentMachine().top(ops, "")
	if op := top.Text("op"); op == EnrolmentWait || op == EnrolmentRegain && was == EnrolmentPaused {
		return nil // an admin phones the owner
	}
	if is == EnrolmentActive && ok {
		if n := PauseDays(seenBy(ops, top), instantOf(top, "created_at"), zoneOf(c)); n > 0 {
			says["days"] = n
		}
	}
	return notice(c, kind, c.After.Key, says, append(present(c, merge.Owner), present(c, merge.Mentor)...))
}

// TaskRests tells why nobody is reminded of a task, of the enrolments of its business:
// EnrolmentPaused while the programme that it belongs to pauses, EnrolmentCompleted or
// EnrolmentWithdrawn where it came from the plan of a programme that is over; "" if it does
// not rest. What somebody set by hand goes on behind the end of the programme.
func TaskRests(enrolments []merge.Row, t merge.Row) string {
	programme, state := t.Text("programme_id"), ""
	if programme == "" {
		return ""
	}
	for _, e := range enrolments {
		if e.Collection != "enrolment" || e.Deleted || e.Text("programme_id") != programme {
			continue
		}
		if t.Text("template_code") != "" && t.ID == PlanTaskID(e.ID, t.Text("template_code")) {
			state = e.Text("state")
			break
		}
		state = BetterEnrolment(state, e.Text("state"))
	}
	switch {
	case state == EnrolmentPaused,
		t.Text("origin") == OriginTemplate && (state == EnrolmentCompleted || state == EnrolmentWithdrawn):
		return state
	}
	return ""
}

// pausedFor reports whether the author of an operation on a task had seen that its programme
// pauses. A resumption counts from its instant on, whether the author's phone had heard of it
// or not: what was done behind it was done in time.
func pausedFor(j merge.Judgement) bool {
	programme := j.Parent.Text("programme_id")
	if programme == "" {
		return false
	}
	var enrolments []merge.Row
	events := map[string][]merge.Row{}
	for _, r := range j.Tagged(enrolmentTag(programme)) {
		switch {
		case r.Collection == "enrolment" && j.SawRow(r):
			enrolments = append(enrolments, r)
		case r.Collection == "enrolment_event" && (j.SawRow(r) || r.Text("op") != "pause" && instantOf(r, "created_at") <= j.Corrected):
			events[r.Text("enrolment_id")] = append(events[r.Text("enrolment_id")], r)
		}
	}
	for i, e := range enrolments {
		shown := merge.Row{Key: e.Key, Fields: map[string]merge.Value{"programme_id": e.Fields["programme_id"], "state": merge.Str(enrolmentMachine().state(events[e.ID], EnrolmentActive))}}
		enrolments[i] = shown
	}
	return TaskRests(enrolments, j.Parent) == EnrolmentPaused
}
