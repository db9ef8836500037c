package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

// mentoring says where the notes of mentors went when their business was merged
// into another one. No other record of its scope needs it.
func mentoring() *merge.Collection {
	return &merge.Collection{
		Name: "mentoring", Scope: ScopeMentoring, Doc: "the mentors' own side of a business that was merged into another one; made by the server", Moved: mentoringSurvivor,
		Fields: fields(
			server("merged_into", ref(""), "the enterprise that lives on"),
			cause(),
		),
	}
}

// mentorWindow repeats an assignment of the business, which alone decides.
func mentorWindow() *merge.Collection {
	return &merge.Collection{
		Name: "mentor_window", Scope: ScopeMentoring, Doc: "who may read here and when: the assignments of the business, under their ids", Grant: grantAssignment, Fields: fields(
			server("mentor_id", ref(""), "the person"),
			server("from_at", instant(), "first instant of the right"),
			server("to_at", instant(), "first instant after it; absent = open"),
			cause(),
		),
	}
}

// mentorNote is what mentors write for each other.
func mentorNote() *merge.Collection {
	mentors := []merge.Role{merge.Mentor}
	return &merge.Collection{
		Name: "mentor_note", Scope: ScopeMentoring, Doc: "private note; mentors of the business read it, its author alone changes it, owners and staff never see it",
		Create: mentors, Delete: mentors, OnDelete: merge.Keep, Allow: allowMentorNote, Fields: fields(
			once("about", objectRef(), mentors, "task, case, visit or other record of the business; absent = the business itself"),
			required(latest("text", text(1, 4000), mentors, "by its author")),
		),
	}
}

// queueItem is one thing that waits for a mentor.
func queueItem() *merge.Collection {
	mentors := []merge.Role{merge.Mentor}
	return &merge.Collection{
		Name: "queue_item", Scope: ScopeMentoring, Doc: "the mentors' queue: one item per object and reason; opened and closed by the server", Fields: fields(
			server("kind", enum(queueKinds()...), "why it waits"),
			server("object", objectRef(), "what waits, in the scope of the business"),
			server("title", text(0, 120), "what people call it"),
			server("since", instant(), "when its author made it wait"),
			server("closed_at", instant(), "it waits no longer; absent = it does"),
			latest("handled", truth(), mentors, "a mentor is done with it; emptied when it waits anew"),
			latest("snoozed_until", instant(), mentors, "show it again from then on; emptied when it waits anew"),
			latest("remark", text(0, 1000), mentors, "for the other mentors"),
			cause(),
		),
	}
}

// cause is the field in which a mirrored record keeps who spoke last.
func cause() merge.Field {
	return server("cause", text(1, 100), "scope and commit that said so last")
}
