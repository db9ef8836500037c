package domain

import (
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

func taskStates() []string {
	return []string{TaskProposed, TaskAssigned, TaskInProgress, TaskBlocked, TaskSubmitted, TaskReturned, TaskVerified, TaskCancelled}
}

func taskOps() []string { return taskMachine().ops() }

// taskMachine is the machine of tasks.
func taskMachine() machine { return machine{rules: taskTable()} }

// taskTable lists the operations, highest precedence first: of concurrent ones
// the first in this list is the state.
func taskTable() []opRule {
	owner, both := []merge.Role{merge.Owner, merge.Staff}, []merge.Role{merge.Owner, merge.Mentor}
	mentor, judges := []merge.Role{merge.Mentor}, []merge.Role{merge.Mentor, merge.Admin}
	open := openTaskStates()
	return []opRule{
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

// TaskState replays operations on a task: the state is the highest precedence
// among those that no other has seen. Order and repetition do not matter.
func TaskState(task merge.Row, operations []merge.Row) string {
	opens := TaskAssigned
	if task.Text("origin") == OriginOwnerRequest {
		opens = TaskProposed
	}
	return taskMachine().state(operations, opens)
}

// topOperation is the effective one among the heads of a task.
func topOperation(operations []merge.Row) (merge.Row, bool) { return taskMachine().top(operations, "") }

// deriveTask replays a task.
func deriveTask(v merge.View, r merge.Row) merge.Derived {
	ops := v.Operations("task_event", r.ID)
	d := merge.Derived{Operations: taskMachine().derived("task_event", ops)}
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

// submittedLate reports whether a submission was made after the task was due, by
// the days of z. Of two due days, the one on its author's screen and the one that
// counts, the later binds: who submits beside a move of the date is not late for
// having missed it.
func submittedLate(task, submission merge.Row, z Zone) bool {
	due := max(Date(submission.Text("due_on")), Date(task.Text("due_on")))
	return due != "" && BusinessDay(instantOf(submission, "created_at").Time(), z) > due
}
