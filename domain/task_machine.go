package domain

import (
	"cmp"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// States of a task. Overdue is no state: screens work it out from due_on.
const (
	TaskProposed   = "proposed"
	TaskAssigned   = "assigned"
	TaskInProgress = "in_progress"
	TaskBlocked    = "blocked"
	TaskSubmitted  = "submitted"
	TaskReturned   = "returned"
	TaskVerified   = "verified"  // final, but for a reopen
	TaskCancelled  = "cancelled" // final, but for a reopen
)

// Outcomes of an operation. An absorbed operation wanted what another reached
// further; a superseded one was overruled; a proposed one waits for a mentor.
const (
	Effective  = "effective"
	Absorbed   = "absorbed"
	Proposed   = "proposed"
	Superseded = "superseded"
)

func taskStates() []string {
	return []string{TaskProposed, TaskAssigned, TaskInProgress, TaskBlocked, TaskSubmitted, TaskReturned, TaskVerified, TaskCancelled}
}

func taskOps() []string {
	var ops []string
	for _, r := range taskTable() {
		ops = append(ops, r.op)
	}
	return ops
}

// taskRule is one operation on a task.
type taskRule struct {
	op       string
	from     []string // states in which its author may have seen the task
	to       string
	who      []merge.Role
	reason   bool // needs a reason code or a note
	online   bool // decides with public effect: not from a phone's own copy
	overrule bool // when it loses it was overruled, not overtaken
}

// taskTable lists the operations, highest precedence first: of concurrent ones
// the first in this list is the state.
func taskTable() []taskRule {
	owner, both := []merge.Role{merge.Owner, merge.Staff}, []merge.Role{merge.Owner, merge.Mentor}
	mentor, judges := []merge.Role{merge.Mentor}, []merge.Role{merge.Mentor, merge.Admin}
	open := []string{TaskAssigned, TaskInProgress, TaskBlocked, TaskReturned}
	return []taskRule{
		{op: "verify", from: append([]string{TaskSubmitted}, open...), to: TaskVerified, who: judges},
		{op: "cancel", from: append([]string{TaskProposed, TaskSubmitted}, open...), to: TaskCancelled, who: judges, reason: true, overrule: true},
		{op: "refuse", from: []string{TaskProposed}, to: TaskCancelled, who: mentor, overrule: true},
		{op: "return", from: []string{TaskSubmitted}, to: TaskReturned, who: judges, reason: true, overrule: true},
		{op: "submit", from: open, to: TaskSubmitted, who: owner},
		{op: "unblock", from: []string{TaskBlocked}, to: TaskInProgress, who: both},
		{op: "block", from: []string{TaskAssigned, TaskInProgress, TaskReturned}, to: TaskBlocked, who: both, reason: true, overrule: true},
		{op: "start", from: []string{TaskAssigned, TaskReturned}, to: TaskInProgress, who: owner},
		{op: "accept", from: []string{TaskProposed}, to: TaskAssigned, who: mentor},
		{op: "reopen", from: []string{TaskVerified, TaskCancelled}, to: TaskInProgress, who: judges, reason: true, online: true, overrule: true},
	}
}

// taskRuleOf finds the rule of an operation and its precedence, 0 the highest.
func taskRuleOf(op string) (taskRule, int) {
	table := taskTable()
	i := slices.IndexFunc(table, func(r taskRule) bool { return r.op == op })
	if i < 0 {
		return taskRule{}, len(table)
	}
	return table[i], i
}

// TaskState replays operations on a task: the state is the highest precedence
// among those that no other has seen. Order and repetition do not matter.
func TaskState(task merge.Row, operations []merge.Row) string {
	if top, ok := topOperation(operations); ok {
		rule, _ := taskRuleOf(top.Text("op"))
		return rule.to
	}
	if task.Text("origin") == OriginOwnerRequest {
		return TaskProposed
	}
	return TaskAssigned
}

// topOperation is the effective one among the heads.
func topOperation(operations []merge.Row) (merge.Row, bool) {
	heads := merge.Undominated(operations) // by (stamp, id): the first of equals counts
	if len(heads) == 0 {
		return merge.Row{}, false
	}
	return slices.MinFunc(heads, func(a, b merge.Row) int {
		_, x := taskRuleOf(a.Text("op"))
		_, y := taskRuleOf(b.Text("op"))
		return cmp.Or(cmp.Compare(x, y), merge.EarlierOperation(a, b))
	}), true
}

// taskOutcomes says what became of every operation. One is effective if it is
// the state now, or was the state on the screen of somebody who went on from it.
func taskOutcomes(operations []merge.Row) map[string]string {
	effective := map[string]bool{}
	if top, ok := topOperation(operations); ok {
		effective[top.ID] = true
	}
	for _, o := range operations {
		if top, ok := topOperation(seenBy(operations, o)); ok {
			effective[top.ID] = true
		}
	}
	out := make(map[string]string, len(operations))
	for _, o := range operations {
		rule, _ := taskRuleOf(o.Text("op"))
		switch {
		case effective[o.ID]:
			out[o.ID] = Effective
		case rule.overrule:
			out[o.ID] = Superseded
		default:
			out[o.ID] = Absorbed
		}
	}
	return out
}

// seenBy gives the operations that the author of o had seen.
func seenBy(operations []merge.Row, o merge.Row) []merge.Row {
	covered, _ := merge.Closure(operations, o.Strings("seen"))
	return slices.DeleteFunc(slices.Clone(operations), func(r merge.Row) bool { return !covered[r.ID] || r.ID == o.ID })
}

// concurrent reports whether neither author had seen the other's operation.
func concurrent(operations []merge.Row, a, b merge.Row) bool {
	byA, _ := merge.Closure(operations, a.Strings("seen"))
	byB, _ := merge.Closure(operations, b.Strings("seen"))
	return a.ID != b.ID && !byA[b.ID] && !byB[a.ID]
}

// deriveTask replays a task.
func deriveTask(v merge.View, r merge.Row) merge.Derived {
	ops := v.Operations("task_event", r.ID)
	d := merge.Derived{Operations: map[merge.Key]map[string]merge.Value{}}
	for id, outcome := range taskOutcomes(ops) {
		d.Operations[merge.Key{Collection: "task_event", ID: id}] = map[string]merge.Value{"outcome": merge.Str(outcome)}
	}
	d.Fields = map[string]merge.Value{"state": merge.Str(TaskState(r, ops)), "evidence": taskEvidence(ops),
		"verified_at": nil, "verified_by": nil, "verified_offline": nil}
	if top, ok := topOperation(ops); ok && top.Text("op") == "verify" {
		made := instantOf(top, "created_at")
		d.Fields["verified_at"], d.Fields["verified_by"] = made.Value(), merge.Str(top.Text("created_by"))
		d.Fields["verified_offline"] = merge.Flag(instantOf(top, "received_at")-made > OfflineMinutes*minute)
	}
	return d
}

// taskEvidence is every attachment that any operation carries.
func taskEvidence(ops []merge.Row) merge.Value {
	ids := evidenceOf(ops)
	if len(ids) == 0 {
		return nil
	}
	return merge.Encode(slices.Sorted(maps.Keys(ids)))
}

func evidenceOf(ops []merge.Row) map[string]bool {
	ids := map[string]bool{}
	for _, o := range ops {
		for _, id := range o.Strings("evidence_ids") {
			ids[id] = true
		}
	}
	return ids
}
