package domain

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// allowCase holds a proposal against the table of kinds, and keeps dates and the
// result from whoever knows that they are fixed.
func allowCase(a merge.Attempt) *merge.Reject {
	if a.Create {
		return allowProposal(a)
	}
	if lacks(a, PermSubmitTasks) {
		return refuse("forbidden", "")
	}
	seen := seenEvents(a, a.Before.ID)
	state := CaseState(seen)
	kind, _ := CaseKindOf(a.Before.Text("kind"))
	switch {
	case !merge.Null(a.Set["deadline_on"]) && (state == CaseIssued || state == CaseRejected || state == CaseCancelled):
		return refuse("forbidden_transition", "set.deadline_on")
	case a.Set["result"] != nil && CaseConfirmed(seen):
		return refuse("immutable_field", "set.result")
	}
	return checkResult(kind, a.Set["result"])
}

// allowProposal asks whether the kind fits what the case is about.
func allowProposal(a merge.Attempt) *merge.Reject {
	kind, ok := CaseKindOf(merge.AsString(a.Set["kind"]))
	if !ok {
		return refuse("invalid_value", "set.kind")
	}
	subject := objectOf(a.Set["subject"])
	what, id, name := merge.AsString(subject["type"]), merge.AsString(subject["id"]), strings.TrimSpace(merge.AsString(subject["name"]))
	switch {
	case !slices.Contains(kind.Subjects, what):
		return refuse("case_subject_mismatch", "set.subject.type")
	case !kind.Fits(merge.AsString(a.Set["category"])):
		return refuse("case_category_mismatch", "set.category")
	case what == SubjectProduct && id == "", what != SubjectProduct && what != SubjectBusiness && id == "" && name == "":
		return refuse("case_subject_required", "set.subject.id")
	}
	if what == SubjectProduct {
		if _, ok := a.Row("product", id); !ok {
			return refuse("invalid_reference", "set.subject.id")
		}
	}
	if r := checkResult(kind, a.Set["result"]); r != nil {
		return r
	}
	return allowLink(a)
}

// allowLink lets a new case follow one that its author has seen issued, to renew
// it, or rejected, to try again.
func allowLink(a merge.Attempt) *merge.Reject {
	from := merge.AsString(a.Set["linked_from"])
	if from == "" {
		return nil
	}
	old, ok := a.Row("case", from)
	switch state := CaseState(seenEvents(a, from)); {
	case !ok:
		return refuse("invalid_reference", "set.linked_from")
	case old.Text("kind") != merge.AsString(a.Set["kind"]):
		return refuse("case_link_mismatch", "set.linked_from")
	case state != CaseIssued && state != CaseRejected:
		return refuse("forbidden_transition", "set.linked_from")
	}
	return nil
}

// seenEvents gives the operations on a case that the author of an edit had seen.
func seenEvents(a merge.Attempt, record string) []merge.Row {
	return slices.DeleteFunc(a.Operations("case_event", record), func(o merge.Row) bool { return !a.SawRow(o) })
}

// allowCaseEvent leaves giving documents to staff who may.
func allowCaseEvent(a merge.Attempt) *merge.Reject {
	if a.Create && lacks(a, PermSubmitTasks) {
		return refuse("forbidden", "set.op")
	}
	return nil
}

// judgeCase asks whether an operation is legal from the state its author saw,
// for the role its author had. After a restore the named state stands in for
// what is lost, unless the author had seen an end that is not; see judgeTask. What the
// programme pays for an admin approves, online: if that is lost it has to be said again, and
// no step is taken before. Documents are taken all the same.
func judgeCase(j merge.Judgement) *merge.Reject {
	state := CaseState(j.Seen)
	ended := state == CaseIssued || state == CaseRejected || state == CaseCancelled
	kind, _ := CaseKindOf(j.Parent.Text("kind"))
	document := slices.Contains([]string{"give", "accept", "return_document"}, merge.AsString(j.Set["op"]))
	if granted := !kind.Funded || document || has(j.Seen, "approve"); j.AfterRestore && !ended && granted {
		state = j.From
	}
	if r := caseMachine().legal(j, state); r != nil {
		return r
	}
	switch op := merge.AsString(j.Set["op"]); op {
	case "give", "accept", "return_document":
		return judgeDocument(j, op)
	case "cancel":
		return judgeCancel(j, kind, ended)
	case "confirm_issue", "confirm_reject":
		return judgeConfirm(j, strings.TrimPrefix(op, "confirm_"))
	default:
		return judgeStep(j, kind, op)
	}
}

// judgeDocument wants the document and the version that it speaks of.
func judgeDocument(j merge.Judgement, op string) *merge.Reject {
	document, file := merge.AsString(j.Set["document"]), merge.AsString(j.Set["file_id"])
	switch {
	case document == "":
		return refuse("required", "set.document")
	case file == "":
		return refuse("required", "set.file_id")
	case op == "give" || j.AfterRestore:
		return nil
	}
	if !slices.ContainsFunc(j.Seen, func(o merge.Row) bool {
		return o.Text("op") == "give" && o.Text("document") == document && o.Text("file_id") == file
	}) {
		return refuse("document_unknown", "set.file_id")
	}
	return nil
}

// judgeCancel leaves what the programme pays for, and what has an end that waits
// for its confirmation, to admins. A confirmed end stays.
func judgeCancel(j merge.Judgement, kind CaseKind, ended bool) *merge.Reject {
	switch {
	case ended && CaseConfirmed(j.Seen):
		return refuse("forbidden_transition", "set.op")
	case (ended || kind.Funded) && j.Role != merge.Admin:
		return refuse("admin_required", "set.op")
	}
	return nil
}

// judgeConfirm wants an issue or a rejection that the admin has seen and nobody
// has confirmed.
func judgeConfirm(j merge.Judgement, what string) *merge.Reject {
	if CaseConfirmed(j.Seen) || !has(j.Seen, what) {
		return refuse("forbidden_transition", "set.op")
	}
	return nil
}

// judgeStep holds the conditions of the other operations.
func judgeStep(j merge.Judgement, kind CaseKind, op string) *merge.Reject {
	switch op {
	case "approve":
		switch {
		case kind.Funded && j.Role != merge.Admin:
			return refuse("admin_required", "set.op")
		case merge.AsString(j.Set["deadline_on"]) == "":
			return refuse("deadline_required", "set.deadline_on")
		}
	case "file":
		if !j.AfterRestore && documentsOpen(kind, j.Seen) {
			return refuse("documents_missing", "set.op")
		}
	case "start_assessment":
		return wants(j.Set, "assessed_on", "assessor")
	case "findings":
		return wants(j.Set, "findings", "due_on")
	case "issue":
		if r := wants(j.Set, "result"); r != nil {
			return r
		}
		return checkResult(kind, j.Set["result"])
	}
	return nil
}

// wants refuses an operation that lacks what its kind must say.
func wants(set map[string]merge.Value, names ...string) *merge.Reject {
	for _, name := range names {
		if v := set[name]; merge.Null(v) || string(v) == "[]" {
			return refuse("required", "set."+name)
		}
	}
	return nil
}

// checkResult holds a result against what the kind brings. None is fine.
func checkResult(kind CaseKind, v merge.Value) *merge.Reject {
	var r struct {
		Number   string `json:"number"`
		Issued   Date   `json:"issued_on"`
		Until    Date   `json:"valid_until"`
		NoExpiry bool   `json:"no_expiry"`
		Value    *int   `json:"value_bp"`
	}
	if merge.Null(v) || json.Unmarshal(v, &r) != nil {
		return nil
	}
	switch {
	case kind.Numbered && strings.TrimSpace(r.Number) == "":
		return refuse("required", "set.result.number")
	case kind.Valued != (r.Value != nil):
		return refuse("result_value_mismatch", "set.result.value_bp")
	case r.Until != "" && r.Until <= r.Issued, r.Until != "" && r.NoExpiry:
		return refuse("result_validity", "set.result.valid_until")
	case kind.Expiry == Expires && r.Until == "", kind.Expiry == MayExpire && r.Until == "" && !r.NoExpiry, kind.Expiry == NeverExpires && r.Until != "":
		return refuse("result_validity", "set.result.valid_until")
	}
	return nil
}
