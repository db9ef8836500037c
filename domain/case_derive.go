package domain

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// deriveCase replays a case.
func deriveCase(v merge.View, r merge.Row) merge.Derived {
	ops := v.Operations("case_event", r.ID)
	kind, _ := CaseKindOf(r.Text("kind"))
	state := CaseState(ops)
	d := merge.Derived{Operations: caseMachine().derived("case_event", ops)}
	deadline := counting(r, ops, "deadline_on", "approve")
	d.Fields = map[string]merge.Value{"state": merge.Str(state), "confirmed": merge.Flag(CaseConfirmed(ops)), "documents": merge.Encode(CaseDocuments(kind, ops)),
		"deadline": deadline, "schedule": nil, "certificate": nil, "flags": wordsValue(caseFlags(kind, r, ops, state))}
	if state == CaseIssued {
		d.Fields["certificate"] = counting(r, ops, "result", "issue")
	}
	if steps := schedule(kind, r, ops, Date(merge.AsString(deadline))); steps != nil {
		d.Fields["schedule"] = merge.Encode(steps)
	}
	return d
}

// counting is the value that counts of a field that an operation names first: the
// field, if anybody wrote it, whenever that was; else what the earliest of the
// operations names. Who knows of neither overrules nobody.
func counting(r merge.Row, ops []merge.Row, field, op string) merge.Value {
	if !merge.Null(r.Fields[field]) {
		return r.Fields[field]
	}
	named := slices.DeleteFunc(slices.Clone(ops), func(o merge.Row) bool { return o.Text("op") != op })
	if len(named) == 0 {
		return nil
	}
	return slices.MinFunc(named, merge.EarlierOperation).Fields[field]
}

// caseFlags says what a person should look at: an issue and a rejection that
// nobody decided between, a document that changed after the case was filed, and
// milestones whose dates run backwards.
func caseFlags(kind CaseKind, r merge.Row, ops []merge.Row, state string) []string {
	var flags []string
	if state != CaseProposed && state != CasePreparing && state != CaseCancelled && documentsOpen(kind, ops) {
		flags = append(flags, "documents_open")
	}
	if unordered(kind, Milestones(r)) {
		flags = append(flags, "milestones_unordered")
	}
	if headsOf(ops, "issue") && headsOf(ops, "reject") && !CaseConfirmed(ops) {
		flags = append(flags, "needs_review")
	}
	return flags
}

// unordered reports whether a usual milestone is due before an earlier one.
func unordered(kind CaseKind, milestones map[string]Milestone) bool {
	var last Date
	for _, m := range kind.Milestones {
		due := milestones[m.Code].Due
		if due != "" && due < last {
			return true
		}
		last = max(last, due)
	}
	return false
}

// tagCase lets a product find the confirmed certificates that are about it.
func tagCase(r merge.Row) []string {
	subject := objectOf(r.Fields["subject"])
	if r.Text("state") != CaseIssued || string(r.Fields["confirmed"]) != "true" || merge.AsString(subject["type"]) != SubjectProduct {
		return nil
	}
	return []string{certTag(merge.AsString(subject["id"]))}
}

func tagProduct(r merge.Row) []string { return []string{certTag(r.ID)} }

func certTag(product string) string { return tag("cert", product) }

// relateNothing lets a change of a case reach the product that it is about.
func relateNothing(merge.View, merge.Row) map[string]merge.Value { return nil }

// relateProduct lists the cases that ended in a certificate of the product.
func relateProduct(v merge.View, r merge.Row) map[string]merge.Value {
	var certs []string
	for _, c := range v.Tagged(certTag(r.ID)) {
		if c.Collection == "case" && len(certs) < 20 {
			certs = append(certs, c.ID)
		}
	}
	return map[string]merge.Value{"certs": wordsValue(certs)}
}
