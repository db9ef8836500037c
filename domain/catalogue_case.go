package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

// document is the code of a document of a case.
func documentCode() merge.Type { return form(`^[a-z0-9_]{1,40}$`, 40) }

// certificate is what a case brings.
func certificate() merge.Type {
	return object(
		merge.Member{Name: "number", Type: text(1, 40)},
		merge.Member{Name: "issued_on", Type: date(), Required: true},
		merge.Member{Name: "valid_until", Type: date()},
		merge.Member{Name: "no_expiry", Type: truth()},
		merge.Member{Name: "value_bp", Type: whole(0, 10_000, "basis points")},
		merge.Member{Name: "file_id", Type: ref("attachment"), Required: true})
}

// documentStates is a list of the documents of a case, with their versions.
func documentStates() merge.Type {
	version := object(
		merge.Member{Name: "version", Type: whole(1, 200, ""), Required: true},
		merge.Member{Name: "file_id", Type: ref(""), Required: true},
		merge.Member{Name: "state", Type: enum(DocumentGiven, DocumentAccepted, DocumentReturned), Required: true})
	return list(object(
		merge.Member{Name: "code", Type: documentCode(), Required: true},
		merge.Member{Name: "state", Type: enum(documentStateNames()...), Required: true},
		merge.Member{Name: "versions", Type: list(version, 200), Required: true}), 40)
}

// scheduledSteps is a list of usual milestones with their days.
func scheduledSteps() merge.Type {
	return list(object(
		merge.Member{Name: "code", Type: documentCode(), Required: true},
		merge.Member{Name: "due_on", Type: date(), Required: true}), 20)
}

// facilitation is one facilitation or certification. Its state and its documents
// are the replay of its events.
func facilitation() *merge.Collection {
	const order, shared = "admin > mentor", "admin > mentor > owner = staff"
	people := everybody()
	done := merge.Field{Name: "done_at", Type: date(), Policy: merge.Earliest, Write: people, Doc: "the earliest day that anybody named"}
	proposers := []merge.Role{merge.Owner, merge.Mentor, merge.Admin}
	return &merge.Collection{
		Name: "case", Scope: ScopeBusiness, Doc: "facilitation or certification case; its create is the proposal, state and documents are replayed from its events; staff change it with submit_tasks, and propose none",
		Create: proposers, Allow: allowCase, Derive: deriveCase, React: reactCase, Tags: tagCase, Relate: relateNothing, Fields: fields(
			required(once("kind", enum(caseKindNames()...), people, "see the table of kinds")),
			required(once("subject", object(
				merge.Member{Name: "type", Type: enum(subjectTypes()...), Required: true},
				merge.Member{Name: "id", Type: ref("")},
				merge.Member{Name: "name", Type: text(1, 120)}), people, "what it is about: a product by its id, anybody and anything else by id or name; of a type that the kind allows")),
			once("category", enum(categories()...), people, "line of business that it is proposed for; needed where the kind is for some only"),
			once("linked_from", ref("case"), people, "the case that this one renews, or tries again after a rejection"),
			once("programme_id", ref(""), mentorSide(), ""),
			ranked("body", text(0, 200), shared, people, "certifier, laboratory or office"),
			merge.Field{Name: "milestones", Policy: merge.Each, Max: 20, Doc: "steps, by the codes of the kind or own ones", Item: fields(
				ranked("title", text(1, 120), shared, people, "of an own one"),
				ranked("due_on", date(), order, mentorSide(), "due at the end of this day in the business zone"),
				done,
				ranked("corrected_on", date(), order, mentorSide(), "the day that counts instead of done_at"),
				ranked("undone", truth(), order, mentorSide(), "it is not done after all, whatever the days say"),
				ranked("by", ref(""), shared, people, "who did it, as the phone says"))},
			ranked("external_ref", text(0, 40), shared, people, "number at the body"),
			written("results", ranked("result", certificate(), order, mentorSide(), "counts instead of what the issue names; fixed for who has seen the confirmation")),
			history("results", certificate(), "every one written, newest first"),
			ranked("cost_idr", rupiah(0, MaxAmount), order, mentorSide(), ""),
			ranked("funded_by", enum("self", "programme", "ministry", "region", "partner"), order, mentorSide(), ""),
			written("deadlines", ranked("deadline_on", date(), order, mentorSide(), "counts instead of what the approval names; fixed for who has seen the end")),
			history("deadlines", date(), "every date written, newest first"),
			server("state", enum(caseStates()...), "replayed"),
			server("confirmed", truth(), "an admin has confirmed the issue or the rejection; until then it waits for that"),
			server("documents", documentStates(), "replayed; those of the kind first"),
			server("deadline", date(), "the date that counts"),
			server("schedule", scheduledSteps(), "replayed; the usual steps of the kind between the approval and the deadline, each with the day that counts; absent until it is approved"),
			server("certificate", certificate(), "the result that counts; absent unless issued"),
			server("flags", list(text(1, 40), 10), "marks for a person: needs_review, documents_open, milestones_unordered"),
		),
	}
}

// caseEvent is one operation on a case.
func caseEvent() *merge.Collection {
	people := everybody()
	return &merge.Collection{
		Name: "case_event", Scope: ScopeBusiness, Doc: "operations on cases; staff give documents with submit_tasks", Create: people, Immutable: true,
		Parent: "case", ParentField: "case_id", Allow: allowCaseEvent, Judge: judgeCase, React: reactCaseEvent, Fields: fields(
			required(once("case_id", ref("case"), people, "")),
			required(once("op", enum(caseMachine().ops()...), people, "")),
			once("reason_code", form(`^[a-z0-9_]{1,40}$`, 40), people, "with reject, cancel and return_document: this or a note"),
			once("note", text(1, 2000), people, ""),
			once("evidence_ids", list(ref("attachment"), MaxEvidence), people, ""),
			once("document", documentCode(), people, "with give, accept and return_document"),
			once("file_id", ref("attachment"), people, "with those: the version that it names"),
			once("deadline_on", date(), mentorSide(), "with approve"),
			once("assessed_on", date(), mentorSide(), "with start_assessment: the day"),
			once("assessor", text(1, 120), mentorSide(), "with start_assessment: who assesses"),
			once("findings", list(text(1, 500), 20), mentorSide(), "with findings: what was found"),
			once("due_on", date(), mentorSide(), "with findings: to be mended by"),
			once("result", certificate(), mentorSide(), "with issue"),
		),
	}
}
