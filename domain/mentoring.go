package domain

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// mentoringScope is the scope beside a business that its mentors alone see.
func mentoringScope(business string) string { return ScopeMentoring + "/" + business }

// mentoringSurvivor is the scope that the notes of a merged business went to.
func mentoringSurvivor(r merge.Row) string {
	if to := r.Text("merged_into"); to != "" {
		return mentoringScope(to)
	}
	return ""
}

// mirrorBusiness has the mentors' side of a business follow it into the one that
// it is merged into.
func mirrorBusiness(c merge.Change) []merge.Effect {
	if survivor(c.After) == "" || survivor(c.Before) == survivor(c.After) {
		return nil
	}
	return []merge.Effect{{Scope: mentoringScope(c.After.ID), Collection: "mentoring", ID: c.After.ID,
		Set: map[string]merge.Value{"merged_into": c.After.Fields["merged_into"]}}}
}

// mirrorAssignment carries a mentor's window into the mentors' own scope.
func mirrorAssignment(c merge.Change) []merge.Effect {
	set, changed := map[string]merge.Value{}, c.New
	for _, name := range []string{"mentor_id", "from_at", "to_at"} {
		set[name] = orNull(c.After.Fields[name])
		changed = changed || !bytes.Equal(c.Before.Fields[name], c.After.Fields[name])
	}
	if !changed {
		return nil
	}
	return []merge.Effect{{Scope: mentoringScope(scopeID(c)), Collection: "mentor_window", ID: c.After.ID, Set: set}}
}

func orNull(v merge.Value) merge.Value {
	if v == nil {
		return merge.Value("null")
	}
	return v
}

// allowMentorNote keeps a note to its author.
func allowMentorNote(a merge.Attempt) *merge.Reject {
	if !a.Create && a.Before.Text("created_by") != a.Author {
		return refuse("forbidden", "")
	}
	return nil
}

// Reasons for which something waits in the mentors' queue.
const (
	QueueTaskProposed       = "task_proposed"
	QueueTaskSubmitted      = "task_submitted"
	QueueTaskBlocked        = "task_blocked"
	QueueAdjustmentProposed = "adjustment_proposed"
	QueueCaseProposed       = "case_proposed"
	QueueCaseDocument       = "case_document"
	QueueSecondOpinion      = "second_opinion"
	QueueLateHandover       = "late_handover"
)

func queueKinds() []string {
	return []string{QueueTaskProposed, QueueTaskSubmitted, QueueTaskBlocked, QueueAdjustmentProposed, QueueCaseProposed, QueueCaseDocument, QueueSecondOpinion, QueueLateHandover}
}

// waiting is what the queue shows of an object.
type waiting struct {
	about merge.Key
	title string
	since merge.Value // instant
}

// waits keeps the queue when an object waited for reason was before a change and
// for reason is after it; "" is none. What an item says is that of the newest
// commit, so nothing is opened again by an effect that comes late.
func waits(c merge.Change, was, is string, what waiting) []merge.Effect {
	var out []merge.Effect
	if was != "" && was != is {
		out = append(out, queued(c, was, what, c.Now().Value()))
	}
	if is == "" {
		return out
	}
	e := queued(c, is, what, merge.Value("null"))
	e.Set["since"] = what.since
	if is != was {
		e.Set["handled"], e.Set["snoozed_until"] = merge.Value("null"), merge.Value("null")
	}
	return append(out, e)
}

func queued(c merge.Change, kind string, what waiting, closed merge.Value) merge.Effect {
	set := map[string]merge.Value{"kind": merge.Str(kind), "closed_at": closed, "title": merge.Value("null"),
		"object": merge.Encode(map[string]string{"collection": what.about.Collection, "id": what.about.ID})}
	if what.title != "" {
		set["title"] = merge.Str(what.title)
	}
	return merge.Effect{Scope: mentoringScope(scopeID(c)), Collection: "queue_item", Mirror: true, Set: set,
		ID: id.Derive("queue", kind, what.about.Collection, what.about.ID)}
}

// proposedAdjustment is why an adjustment of that outcome waits.
func proposedAdjustment(outcome string) string {
	if outcome == Proposed {
		return QueueAdjustmentProposed
	}
	return ""
}

// queueTask keeps the queue at a change of a task.
func queueTask(c merge.Change) []merge.Effect {
	ops := c.Operations("task_event", c.After.ID)
	what := waiting{c.After.Key, c.After.Text("title"), orNull(c.After.Fields["created_at"])}
	was, is := "", taskWaits(c.After.Text("state"), ops)
	if !c.New {
		was = taskWaits(c.Before.Text("state"), ops)
	}
	if top, ok := topOperation(ops); ok {
		what.since = orNull(top.Fields["created_at"])
	}
	var out []merge.Effect
	if was != is || c.Before.Text("title") != what.title {
		out = waits(c, was, is, what)
	}
	if disputed := disputes(ops); !c.New && len(disputed) > 0 && c.Before.Text("state") == TaskVerified && c.After.Text("state") != TaskVerified {
		out = append(out, waits(c, QueueSecondOpinion, "", what)...)
	}
	return out
}

// queueCase keeps the queue at a change of a case.
func queueCase(c merge.Change) []merge.Effect {
	kind, _ := CaseKindOf(c.After.Text("kind"))
	was, is := caseWaits(c.Before, kind), caseWaits(c.After, kind)
	if was == is {
		return nil
	}
	what := waiting{c.After.Key, kind.ID, orNull(c.After.Fields["created_at"])}
	if ops := c.Operations("case_event", c.After.ID); is == QueueCaseDocument && len(ops) > 0 {
		newest := slices.MaxFunc(ops, merge.EarlierOperation)
		what.since = orNull(newest.Fields["created_at"])
	}
	return waits(c, was, is, what)
}

// caseWaits is why a case waits for a mentor: somebody proposed one that mentors
// approve, or gave a document. What the programme pays for waits for an admin.
func caseWaits(r merge.Row, kind CaseKind) string {
	var documents []struct {
		State string `json:"state"`
	}
	if v := r.Fields["documents"]; v != nil && json.Unmarshal(v, &documents) != nil {
		return ""
	}
	switch r.Text("state") {
	case CaseProposed:
		if !kind.Funded {
			return QueueCaseProposed
		}
	case CasePreparing:
		for _, d := range documents {
			if d.State == DocumentGiven {
				return QueueCaseDocument
			}
		}
	}
	return ""
}

// taskWaits is why a task in a state waits for a mentor. One that is blocked
// does if somebody of the owner's side ever blocked it.
func taskWaits(state string, ops []merge.Row) string {
	switch state {
	case TaskProposed:
		return QueueTaskProposed
	case TaskSubmitted:
		return QueueTaskSubmitted
	case TaskBlocked:
		if slices.ContainsFunc(ops, func(o merge.Row) bool { return o.Text("op") == "block" && merge.Role(o.Text("role")) != merge.Mentor }) {
			return QueueTaskBlocked
		}
	}
	return ""
}

// disputes lists the returns beside which another person checked off.
func disputes(ops []merge.Row) []merge.Row {
	return slices.DeleteFunc(slices.Clone(ops), func(r merge.Row) bool {
		return r.Text("op") != "return" || !slices.ContainsFunc(ops, func(o merge.Row) bool {
			return o.Text("op") == "verify" && o.Text("created_by") != r.Text("created_by") && concurrent(ops, o, r)
		})
	})
}

// queueTaskEvent keeps the queue at an operation whose outcome is new: a second
// opinion is wanted at a return beside a check-off, and somebody should look at
// what a former mentor did, until a mentor or an admin goes on from it.
func queueTaskEvent(c merge.Change, t merge.Row) []merge.Effect {
	ops := c.Operations("task_event", t.ID)
	what := waiting{t.Key, t.Text("title"), orNull(c.After.Fields["created_at"])}
	var out []merge.Effect
	if t.Text("state") == TaskVerified && slices.ContainsFunc(disputes(ops), func(o merge.Row) bool { return o.ID == c.After.ID }) {
		out = append(out, waits(c, "", QueueSecondOpinion, what)...)
	}
	if !c.New {
		return out
	}
	late := func(o merge.Row) bool { return slices.Contains(o.Strings("review"), "late_handover") }
	if late(c.After) {
		return append(out, waits(c, "", QueueLateHandover, what)...)
	}
	role := merge.Role(c.After.Text("role"))
	seen, _ := merge.Closure(ops, c.After.Strings("seen"))
	if (role == merge.Mentor || role == merge.Admin) && slices.ContainsFunc(ops, func(o merge.Row) bool { return seen[o.ID] && late(o) }) {
		out = append(out, waits(c, QueueLateHandover, "", what)...)
	}
	return out
}
