package domain

import (
	"cmp"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// States of a case. Near, due and expired are no states: screens work them out
// from the dates.
const (
	CaseProposed   = "proposed"
	CasePreparing  = "preparing"
	CaseSubmitted  = "submitted_to_body"
	CaseAssessment = "assessment"
	CaseCorrective = "corrective_action"
	CaseIssued     = "issued"   // final, once an admin confirms it
	CaseRejected   = "rejected" // final, once an admin confirms it
	CaseCancelled  = "cancelled"
)

func caseStates() []string {
	return []string{CaseProposed, CasePreparing, CaseSubmitted, CaseAssessment, CaseCorrective, CaseIssued, CaseRejected, CaseCancelled}
}

// caseMachine is the machine of cases. What is done with one version of one
// document competes with nothing but that.
func caseMachine() machine {
	return machine{rules: caseTable(), lane: caseLane, prefer: preferDocument}
}

// caseTable lists the operations, highest precedence first; those on documents,
// which leave the state alone, come last.
func caseTable() []opRule {
	judges, helpers, admin := []merge.Role{merge.Mentor, merge.Admin}, everybody(), []merge.Role{merge.Admin}
	ended, atBody, open := []string{CaseIssued, CaseRejected}, []string{CaseSubmitted, CaseAssessment}, []string{CasePreparing, CaseCorrective}
	return []opRule{
		{op: "confirm_issue", from: ended, to: CaseIssued, who: admin, online: true, overrule: true},
		{op: "confirm_reject", from: ended, to: CaseRejected, who: admin, online: true, overrule: true},
		{op: "issue", from: atBody, to: CaseIssued, who: judges, overrule: true},
		{op: "reject", from: atBody, to: CaseRejected, who: judges, reason: true, overrule: true},
		{op: "cancel", from: slices.DeleteFunc(caseStates(), func(s string) bool { return s == CaseCancelled }), to: CaseCancelled, who: judges, reason: true, overrule: true},
		{op: "findings", from: []string{CaseAssessment}, to: CaseCorrective, who: judges, overrule: true},
		{op: "close_findings", from: []string{CaseCorrective}, to: CaseAssessment, who: judges},
		{op: "start_assessment", from: []string{CaseSubmitted}, to: CaseAssessment, who: judges},
		{op: "file", from: []string{CasePreparing}, to: CaseSubmitted, who: judges},
		{op: "approve", from: []string{CaseProposed}, to: CasePreparing, who: judges},
		{op: "give", from: open, who: helpers},
		{op: "accept", from: open, who: judges},
		{op: "return_document", from: open, who: judges, reason: true, overrule: true},
	}
}

// caseLane is "" for what moves the state.
func caseLane(o merge.Row) string {
	switch o.Text("op") {
	case "give":
		return tag("give", o.Text("document"), o.Text("file_id"))
	case "accept", "return_document":
		return tag("verdict", o.Text("document"), o.Text("file_id"))
	}
	return ""
}

// preferDocument orders what is said of one version of a document: an admin's
// word before a mentor's, the later one before the earlier. A version that was
// given twice was given first.
func preferDocument(a, b merge.Row) int {
	if a.Text("op") == "give" {
		return merge.EarlierOperation(a, b)
	}
	ranks := merge.Rank("admin > mentor > owner = staff")
	return cmp.Or(cmp.Compare(ranks[merge.Role(b.Text("role"))], ranks[merge.Role(a.Text("role"))]), merge.EarlierOperation(b, a))
}

// CaseState replays operations on a case: the state is the highest precedence
// among those that no other has seen. Order and repetition do not matter.
func CaseState(operations []merge.Row) string { return caseMachine().state(operations, CaseProposed) }

// CaseConfirmed reports whether an admin has confirmed how the case ended.
func CaseConfirmed(operations []merge.Row) bool {
	top, _ := caseMachine().top(operations, "")
	return confirms(top)
}

func confirms(o merge.Row) bool {
	return o.Text("op") == "confirm_issue" || o.Text("op") == "confirm_reject"
}

// headsOf reports whether an operation of that name is among the heads.
func headsOf(operations []merge.Row, op string) bool {
	return slices.ContainsFunc(caseMachine().heads(operations, ""), func(o merge.Row) bool { return o.Text("op") == op })
}

// has reports whether an operation of that name is among them.
func has(operations []merge.Row, op string) bool {
	return slices.ContainsFunc(operations, func(o merge.Row) bool { return o.Text("op") == op })
}
