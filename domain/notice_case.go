package domain

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// reactCase tells people about a new state, and the admins of what only they
// decide. What a case came to is news once an admin has confirmed it.
func reactCase(c merge.Change) []merge.Effect { return append(tellCase(c), queueCase(c)...) }

func tellCase(c merge.Change) []merge.Effect {
	was, is := c.Before.Text("state"), c.After.Text("state")
	confirmed := string(c.After.Fields["confirmed"]) == "true" && string(c.Before.Fields["confirmed"]) != "true"
	top, _ := caseMachine().top(c.Operations("case_event", c.After.ID), "")
	owners, mentors, author := present(c, merge.Owner), present(c, merge.Mentor), top.Text("created_by")
	switch {
	case confirmed:
		return caseNotice(c, NoticeCaseResult, c.After, append(owners, mentors...))
	case was == is:
		return nil
	}
	switch is {
	case CaseProposed:
		out := caseNotice(c, NoticeCaseProposed, c.After, others(mentors, c.After.Text("created_by")))
		if kind, _ := CaseKindOf(c.After.Text("kind")); kind.Funded {
			out = append(out, caseReview(c, "case_funding", c.After, c.After))
		}
		return out
	case CasePreparing:
		return caseNotice(c, NoticeCaseApproved, c.After, others(owners, author))
	case CaseCorrective:
		return caseNotice(c, NoticeCaseFindings, c.After, others(owners, author))
	case CaseCancelled:
		return caseNotice(c, NoticeCaseCancelled, c.After, others(owners, author))
	case CaseIssued, CaseRejected:
		return []merge.Effect{caseReview(c, "case_confirmation", c.After, top)}
	}
	return nil
}

// caseNotice names the kind by its word; the phone has the titles.
func caseNotice(c merge.Change, notices string, r merge.Row, people []string) []merge.Effect {
	return notice(c, notices, r.Key, params{"kind": r.Text("kind")}, people)
}

// caseReview puts something before the admins, once per record that causes it.
func caseReview(c merge.Change, what string, r, cause merge.Row) merge.Effect {
	return merge.Effect{Scope: reviewScope(c, c.Access, ""), Collection: "review_item", ID: id.Derive("review", c.Scope(), what, cause.ID),
		Set: map[string]merge.Value{"what": merge.Str(what), "scope": merge.Str(c.Scope()), "author": merge.Str(cause.Text("created_by")),
			"object": merge.Encode(map[string]string{"collection": "case", "id": r.ID}), "at": cause.Fields["received_at"]}}
}

// reactCaseEvent looks at an operation whose outcome is new: an owner whose
// document comes back, an author who was overtaken, and admins who must settle a
// disagreement learn of it.
func reactCaseEvent(c merge.Change) []merge.Effect {
	r, ok := c.Row("case", c.After.Text("case_id"))
	if !ok || c.Before.Text("outcome") == c.After.Text("outcome") {
		return nil
	}
	var out []merge.Effect
	author := c.After.Text("created_by")
	if c.New && slices.Contains(c.After.Strings("review"), "late_handover") {
		out = append(out, caseNotice(c, NoticeCaseHandover, r, others(present(c, merge.Mentor), author))...)
	}
	if c.After.Text("outcome") != Effective {
		out = append(out, overtaken(c, r)...)
		return append(out, settle(c, r)...)
	}
	if c.After.Text("op") == "return_document" {
		out = append(out, caseNotice(c, NoticeDocumentReturned, r, others(present(c, merge.Owner), author))...)
	}
	return out
}

// overtaken tells an author that something nobody had told of went further.
func overtaken(c merge.Change, r merge.Row) []merge.Effect {
	lane := caseLane(c.After)
	ops := c.Operations("case_event", r.ID)
	if !slices.ContainsFunc(caseMachine().heads(ops, lane), func(o merge.Row) bool { return o.ID == c.After.ID }) {
		return nil
	}
	return caseNotice(c, NoticeCaseAbsorbed, r, []string{c.After.Text("created_by")})
}

// settle puts an issue beside a rejection before the admins, who have the paper;
// also one that nobody had told of when the other was confirmed.
func settle(c merge.Change, r merge.Row) []merge.Effect {
	against := map[string][]string{"reject": {"issue", "confirm_issue"}, "issue": {"confirm_reject"}, "confirm_reject": {"confirm_issue"}}[c.After.Text("op")]
	ops := c.Operations("case_event", r.ID)
	if !slices.ContainsFunc(ops, func(o merge.Row) bool {
		return slices.Contains(against, o.Text("op")) && concurrent(ops, o, c.After)
	}) {
		return nil
	}
	return []merge.Effect{caseReview(c, "issue_against_reject", r, c.After)}
}
