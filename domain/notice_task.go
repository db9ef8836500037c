package domain

import (
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// reactTask tells the side that is on the move about a new state, and keeps the
// mentors' queue.
func reactTask(c merge.Change) []merge.Effect {
	queue := queueTask(c)
	if c.Before.Text("state") == c.After.Text("state") {
		return queue
	}
	return append(queue, taskMoved(c, c.After.Text("state"))...)
}

func taskMoved(c merge.Change, state string) []merge.Effect {
	kind, people := taskTold(c, state)
	switch kind {
	case "":
		return nil
	case NoticeTaskAssigned:
		return tasksAssigned(c)
	}
	return taskNotice(c, kind, c.After, people)
}

// taskTold says what a task's new state is to whom; "" is no news.
func taskTold(c merge.Change, state string) (kind string, people []string) {
	top, _ := topOperation(c.Operations("task_event", c.After.ID))
	author := top.Text("created_by")
	owners, mentors := present(c, merge.Owner), present(c, merge.Mentor)
	if a := c.After.Text("assignee_id"); a != "" {
		owners = append(owners, a)
	}
	switch state {
	case TaskProposed:
		kind, people, author = NoticeTaskProposed, mentors, c.After.Text("created_by")
	case TaskAssigned:
		kind, people = NoticeTaskAssigned, owners
		if author == "" {
			author = c.After.Text("created_by")
		}
	case TaskSubmitted:
		kind, people = NoticeTaskSubmitted, mentors
	case TaskReturned:
		kind, people = NoticeTaskReturned, owners
	case TaskVerified:
		kind, people = NoticeTaskVerified, owners
	case TaskCancelled:
		kind, people = NoticeTaskCancelled, owners
	case TaskBlocked: // the other side can help
		kind, people = NoticeTaskBlocked, mentors
		if merge.Role(top.Text("role")) == merge.Mentor {
			people = owners
		}
	}
	return kind, others(people, author)
}

// tasksAssigned tells people of all that this commit gives them to do as one
// item. The first of the tasks speaks for all.
func tasksAssigned(c merge.Change) []merge.Effect {
	given := slices.DeleteFunc(c.Together("task"), func(t merge.Change) bool {
		return t.Before.Text("state") == TaskAssigned || t.After.Text("state") != TaskAssigned
	})
	if given[0].After.Key != c.After.Key {
		return nil
	}
	tasks := map[string][]merge.Row{}
	for _, t := range given {
		_, people := taskTold(t, TaskAssigned)
		for _, p := range slices.Compact(slices.Sorted(slices.Values(people))) {
			tasks[p] = append(tasks[p], t.After)
		}
	}
	var out []merge.Effect
	for _, p := range slices.Sorted(maps.Keys(tasks)) {
		if merge.Granted(c.Access, p, c.Now()) {
			out = append(out, letter(NoticeTaskAssigned, NoticeTaskAssigned, c.Scope(), onlyKey(tasks[p]), tasksSay(tasks[p]), []string{p})...)
		}
	}
	return out
}

// onlyKey is the one record there is; of several a zero key.
func onlyKey(rows []merge.Row) merge.Key {
	if len(rows) != 1 {
		return merge.Key{}
	}
	return rows[0].Key
}

// tasksSay counts tasks and names the nearest date, and the task if it is one.
func tasksSay(tasks []merge.Row) params {
	says := params{"n": len(tasks)}
	if len(tasks) == 1 {
		says["task"] = tasks[0].Text("title")
	}
	for _, t := range tasks {
		if due, _ := says["due"].(string); t.Text("due_on") != "" && (due == "" || t.Text("due_on") < due) {
			says["due"] = t.Text("due_on")
		}
	}
	return says
}

func taskNotice(c merge.Change, kind string, t merge.Row, people []string) []merge.Effect {
	return notice(c, kind, t.Key, params{"task": t.Text("title")}, people)
}

// reactTaskEvent looks at an operation whose outcome is new: its author learns
// that it was overtaken, and people who must settle a disagreement learn of it.
func reactTaskEvent(c merge.Change) []merge.Effect {
	t, ok := c.Row("task", c.After.Text("task_id"))
	if !ok || c.Before.Text("outcome") == c.After.Text("outcome") {
		return nil
	}
	out := queueTaskEvent(c, t)
	if c.New && slices.Contains(c.After.Strings("review"), "late_handover") {
		out = append(out, taskNotice(c, NoticeLateHandover, t, present(c, merge.Mentor))...)
	}
	if c.After.Text("outcome") == Effective {
		return out
	}
	if lostUnseen(c, "task_event", t.ID) {
		out = append(out, taskNotice(c, NoticeOperationAbsorbed, t, []string{c.After.Text("created_by")})...)
	}
	return append(out, disagreement(c, t)...)
}

// disagreement names who must look at an overruled decision: the lead mentor at
// a return beside a check-off, an admin at a cancel beside one, and the mentors
// at evidence that crossed a return.
func disagreement(c merge.Change, t merge.Row) []merge.Effect {
	ops := c.Operations("task_event", t.ID)
	beside := func(op string) bool {
		return slices.ContainsFunc(ops, func(o merge.Row) bool {
			return o.Text("op") == op && o.Text("created_by") != c.After.Text("created_by") && concurrent(ops, o, c.After)
		})
	}
	switch c.After.Text("op") {
	case "return":
		if beside("verify") {
			return taskNotice(c, NoticeSecondOpinion, t, lead(c))
		}
	case "cancel":
		if beside("verify") {
			return []merge.Effect{reviewCancel(c, t)}
		}
	case "submit":
		if beside("return") {
			return taskNotice(c, NoticeTaskSubmitted, t, present(c, merge.Mentor))
		}
	}
	return nil
}

// reviewCancel puts a cancel that a check-off overruled before the admins, who
// may reopen and cancel again. It is made once per cancel.
func reviewCancel(c merge.Change, t merge.Row) merge.Effect {
	return merge.Effect{Scope: reviewScope(c, c.Access, ""), Collection: "review_item", ID: id.Derive("review", c.Scope(), c.After.ID),
		Set: map[string]merge.Value{"what": merge.Str("verify_against_cancel"), "scope": merge.Str(c.Scope()), "author": merge.Str(c.After.Text("created_by")),
			"object": merge.Encode(map[string]string{"collection": "task", "id": t.ID}), "at": c.After.Fields["received_at"]}}
}
