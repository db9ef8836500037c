package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

func tracks() []string {
	return []string{"digital", "quality", "business", "facilitation", "publicity", "technology"}
}

// Origins of a task.
const (
	OriginTemplate     = "template"
	OriginMentor       = "mentor"
	OriginOwnerRequest = "owner_request"
)

// task is one piece of assistance. Its state is the replay of its events.
func task() *merge.Collection {
	const order, shared = "admin > mentor", "admin > mentor > owner = staff"
	makers := everybody()
	return &merge.Collection{
		Name: "task", Scope: ScopeBusiness, Doc: "assistance task; the state is replayed from its events; staff change it with submit_tasks, and propose without", Create: makers,
		Ignore: ignoreTask, Allow: allowTask, Derive: deriveTask, React: reactTask, Fields: fields(
			required(ranked("title", text(1, 120), shared, makers, "the owner's side writes it in an own proposal only, later it is ignored")),
			ranked("description", text(0, 2000), shared, makers, "as title"),
			server("title_id", text(1, 120), "title in the plan template"),
			server("title_en", text(1, 120), "the same in English: shown to who reads English while title is still title_id"),
			ranked("track", enum(tracks()...), order, mentorSide(), ""),
			ranked("mode", enum("online", "on_site"), order, mentorSide(), ""),
			required(once("origin", enum(OriginTemplate, OriginMentor, OriginOwnerRequest), makers, "owner_request starts as proposed")),
			once("template_code", text(1, 40), mentorSide(), "item of the plan template"),
			once("programme_id", ref(""), mentorSide(), ""),
			written("due_dates", ranked("due_on", date(), order, mentorSide(), "due at the end of this day in the business zone; fixed for who has seen the end")),
			history("due_dates", date(), "every date it was due, newest first"),
			ranked("assignee_id", ref(""), "admin > mentor > owner", []merge.Role{merge.Owner, merge.Mentor, merge.Admin}, "absent = the owner's side"),
			server("depends_on", list(ref("task"), 20), "tasks of the plan that come before it: a hint for screens, not a lock"),
			server("mentor_id", ref(""), "who looks after it; absent = the lead mentor"),
			once("evidence_required", object(
				merge.Member{Name: "photos_min", Type: whole(0, 20, "photos")},
				merge.Member{Name: "file", Type: truth()},
				merge.Member{Name: "note", Type: truth()}), mentorSide(), "least evidence of a submission; at the create only"),
			merge.Field{Name: "checklist", Policy: merge.Each, Max: MaxChecklist, Doc: "steps", Item: fields(
				ranked("label", text(1, 120), shared, makers, ""),
				ranked("done", truth(), shared, makers, ""),
				ranked("by", ref(""), shared, makers, "who ticked it, as the phone says"),
				ranked("at", instant(), shared, makers, "when, as the phone says"))},
			merge.Field{Name: "result", Policy: merge.Each, Max: 20, Doc: "what came out, by the template's keys, such as shop_url", Item: fields(
				ranked("value", text(0, 500), shared, makers, ""))},
			latest("owner_note", text(0, 2000), []merge.Role{merge.Owner, merge.Staff}, ""),
			latest("mentor_note", text(0, 2000), []merge.Role{merge.Mentor}, "the owner sees it"),
			server("state", enum(taskStates()...), "replayed"),
			server("evidence", list(ref("attachment"), 200), "of all events"),
			server("verified_at", instant(), "by the corrected clock of the check-off"),
			server("verified_by", text(0, 40), ""),
			server("verified_offline", truth(), "the check-off reached the server later"),
		),
	}
}

// taskEvent is one operation on a task.
func taskEvent() *merge.Collection {
	people := everybody()
	return &merge.Collection{
		Name: "task_event", Scope: ScopeBusiness, Doc: "operations on tasks; staff submit with submit_tasks, and start without", Create: people, Immutable: true,
		Parent: "task", ParentField: "task_id", Allow: allowTaskEvent, Judge: judgeTask, React: reactTaskEvent, Fields: fields(
			required(once("task_id", ref("task"), people, "")),
			required(once("op", enum(taskOps()...), people, "")),
			once("reason_code", form(`^[a-z0-9_]{1,40}$`, 40), people, "with block, return, cancel and reopen: this or a note"),
			once("note", text(1, 2000), people, ""),
			once("evidence_ids", list(ref("attachment"), MaxEvidence), people, ""),
			once("due_on", date(), people, "with submit: the due day on the author's screen; the submission is late after the later of this and the one that counts"),
		),
	}
}
