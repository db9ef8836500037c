package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// caseFrom says in which states a screen offers an operation on a case. The table
// is written down here once more, so that the domain's own is held against it.
func caseFrom(op string) string {
	return map[string]string{
		"approve": "proposed", "file": "preparing", "start_assessment": "submitted_to_body", "findings": "assessment", "close_findings": "corrective_action",
		"issue": "submitted_to_body assessment", "reject": "submitted_to_body assessment",
		"cancel": "proposed preparing submitted_to_body assessment corrective_action",
		"give":   "preparing corrective_action", "accept": "preparing corrective_action", "return_document": "preparing corrective_action",
	}[op]
}

// paper is the id of the n-th file of a case.
func paper(n int) string { return id.Derive("file", strconv.Itoa(n)) }

// caseFields is what an operation says. A document that is given is a new file
// each time; what is said of documents is said of the first.
func caseFields(op string, label int) map[string]merge.Value {
	set := map[string]merge.Value{"op": merge.Str(op), "note": merge.Str("because")}
	switch op {
	case "approve":
		set["deadline_on"] = merge.Str("2022-06-17")
	case "start_assessment":
		set["assessed_on"], set["assessor"] = merge.Str("2022-05-20"), merge.Str("a body")
	case "findings":
		set["findings"], set["due_on"] = merge.Encode([]string{"dust"}), merge.Str("2022-06-10")
	case "issue":
		set["result"] = merge.Encode(map[string]any{"number": "n" + strconv.Itoa(label), "issued_on": "2022-06-01", "file_id": paper(0)})
	case "give":
		set["document"], set["file_id"] = merge.Str("brief"), merge.Str(paper(1+label))
	case "accept", "return_document":
		set["document"], set["file_id"] = merge.Str("brief"), merge.Str(paper(0))
	}
	return set
}

func caseEvent(op string) func(*Screen) merge.Mutation {
	return operation("case_event", "case_id", func(v *Screen) map[string]merge.Value { return caseFields(op, v.Label) })
}

// caseMoves gives moves of some phones, offered in the states of the table.
func caseMoves(who []int, ops ...string) (out []Move) {
	for _, op := range ops {
		out = append(out, Move{Name: op, Who: who, Make: caseEvent(op), Offered: func(v *Screen) bool {
			return slices.Contains(strings.Fields(caseFrom(op)), v.State)
		}})
	}
	return out
}

// adminMoves are an admin's, at the server. What ended is confirmed, or, before
// that, cancelled.
func adminMoves(ops ...string) (out []Move) {
	for _, op := range ops {
		out = append(out, Move{Name: op + " online", Who: []int{Admin}, Make: caseEvent(op), Online: true, Offered: func(v *Screen) bool {
			open := string(v.Row.Fields["confirmed"]) != "true"
			both := slices.Contains(v.Row.Strings("flags"), "needs_review")
			switch op {
			case "confirm_issue":
				return open && v.State == domain.CaseIssued
			case "confirm_reject":
				return open && (v.State == domain.CaseRejected || both)
			case "cancel":
				return open && v.State != domain.CaseCancelled
			}
			return slices.Contains(strings.Fields(caseFrom(op)), v.State)
		}})
	}
	return out
}

// Cases gives the games of the case machine. All three phones are mentors', but
// where documents are given.
func Cases(schema *merge.Schema) []*Game {
	mentors := []int{0, 1, 2}
	number, design := startCase("nib", "business", 1), startCase("packaging_design", "brand", 5)
	games := []*Game{
		{Name: "case, proposed", Moves: caseMoves(mentors, "approve", "file", "start_assessment", "cancel"), Law: Taken, Start: number()},
		{Name: "case, at the body", Few: map[string][]int{"start_assessment": {0}, "findings": {0}, "close_findings": {1}, "issue": {1}, "reject": {2}, "cancel": {0, 2}}, Moves: caseMoves(mentors, "start_assessment", "findings", "close_findings", "issue", "reject", "cancel"), Law: both(Taken, disputed), Start: number("approve", "file")},
		{Name: "case, restored", Few: map[string][]int{"issue": {0}, "reject": {2}}, Moves: caseMoves(mentors, "issue", "reject"), Law: Taken, Start: number("approve", "file"), Restores: true},
		{Name: "case, an admin confirms", Moves: append(caseMoves(mentors, "findings", "issue", "reject"), adminMoves("confirm_issue", "confirm_reject", "cancel")...),
			Law: both(Taken, settled), Start: number("approve", "file", "start_assessment")},
		{Name: "case, documents", Moves: append(caseMoves([]int{0}, "give"), caseMoves([]int{1, 2}, "accept", "return_document")...), Law: both(Taken, versions), Start: design("approve", "give 0")},
		{Name: "case, documents restored", Few: map[string][]int{"give": {0}, "accept": {1}}, Moves: append(caseMoves([]int{0}, "give"), caseMoves([]int{1, 2}, "accept")...), Law: Taken, Start: design("approve", "give 0"), Restores: true},
		{Name: "case, filed with its documents", Moves: append(caseMoves([]int{0}, "give"), caseMoves([]int{1, 2}, "accept", "file")...), Law: filed, Start: design("approve", "give 0")},
	}
	for _, g := range games {
		g.Schema, g.Scope, g.Parent, g.Alike = schema, "business/"+id.Derive("business"), "case", [Phones]int{}
		g.Loss, g.Step, g.Show = Kept, staysConfirmed, showMachine("case", "case_event")
		g.Access = [Phones]merge.Grant{{ID: "1", User: "u1", Role: merge.Mentor}, {ID: "2", User: "u2", Role: merge.Mentor}, {ID: "3", User: "u3", Role: merge.Mentor}}
		if strings.Contains(g.Name, "documents") {
			g.Access[0].Role, g.Alike = merge.Owner, [Phones]int{0, 1, 1}
		}
	}
	return games
}

// startCase makes a case with files to name, and leads it through operations that
// everybody has seen. "give 0" gives the first file.
func startCase(kind, subject string, papers int) func(ops ...string) func(*mergetest.Scope) {
	return func(ops ...string) func(*mergetest.Scope) {
		return func(s *mergetest.Scope) {
			for n := range papers {
				createAs(s, "u3", "attachment", paper(n), map[string]merge.Value{"sha256": merge.Str(strings.Repeat(strconv.Itoa(n), 64)), "bytes": merge.Num(1), "mime": merge.Str("application/pdf")})
			}
			create(s, "u3", "case", map[string]merge.Value{"kind": merge.Str(kind), "subject": merge.Encode(map[string]string{"type": subject, "name": "thing"})})
			seen := []string{}
			for n, words := range ops {
				op, first, _ := strings.Cut(words, " ")
				set := caseFields(op, n)
				if first != "" {
					set["file_id"] = merge.Str(paper(0))
				}
				set["case_id"], set["seen"] = merge.Str(record()), merge.Encode(seen)
				event := id.Derive("start", strconv.Itoa(n))
				createAs(s, "u3", "case_event", event, set)
				seen = []string{event}
			}
		}
	}
}

// staysConfirmed is I5: what an admin confirmed is the end.
func staysConfirmed(before, after *mergetest.Scope) string {
	was, is := before.Row("case", record()), after.Row("case", record())
	if string(was.Fields["confirmed"]) == "true" && (string(is.Fields["confirmed"]) != "true" || was.Text("state") != is.Text("state")) {
		return "I5 monotone: confirmed as " + was.Text("state") + ", then " + is.Text("state")
	}
	return ""
}

// disputed says that a person is asked to look at an issue and a rejection that
// nobody who saw one went on from, and at nothing else.
func disputed(h *History) string {
	all := make([]int, len(h.Edits))
	for l := range all {
		all[l] = l
	}
	heads := h.unseen(all, all)
	among := func(name string) bool {
		return slices.ContainsFunc(heads, func(l int) bool { return h.Game.Moves[h.Edits[l].Move].Name == name })
	}
	want := among("issue") && among("reject")
	r := h.Scope.Row("case", record())
	if got := slices.Contains(r.Strings("flags"), "needs_review"); got != want || want && r.Text("state") != domain.CaseIssued {
		return fmt.Sprintf("for review %t, want %t, as %s", got, want, r.Text("state"))
	}
	return ""
}

// settled says that a confirmation is what the case is, whatever nobody had told
// of by then.
func settled(h *History) string {
	r := h.Scope.Row("case", record())
	issues, rejects := h.made("confirm_issue online"), h.made("confirm_reject online")
	want := map[bool]string{true: domain.CaseIssued, false: domain.CaseRejected}[len(issues) > 0]
	switch confirmed := string(r.Fields["confirmed"]) == "true"; {
	case confirmed != (len(issues)+len(rejects) > 0):
		return fmt.Sprintf("confirmed %t by %v and %v", confirmed, issues, rejects)
	case confirmed && r.Text("state") != want:
		return "confirmed, and " + r.Text("state")
	case (r.Fields["certificate"] != nil) != (r.Text("state") == domain.CaseIssued):
		return fmt.Sprintf("%s with the certificate %s", r.Text("state"), r.Fields["certificate"])
	}
	return ""
}

// brief reads the document of that name of a case.
func brief(h *History) domain.Document {
	var all []domain.Document
	if decode(h.Scope.Row("case", record()).Fields["documents"], &all) {
		for _, d := range all {
			if d.Code == "brief" {
				return d
			}
		}
	}
	return domain.Document{}
}

// versions says that every file is a version and that what was said of the first
// stays with it: the latest word that no other word has seen.
func versions(h *History) string {
	d, gives := brief(h), h.made("give")
	if len(d.Versions) != 1+len(gives) || d.Versions[0].File != paper(0) {
		return fmt.Sprintf("%d files given, versions %+v", 1+len(gives), d.Versions)
	}
	words := h.made("accept", "return_document")
	want := domain.DocumentGiven
	if last := h.unseen(words, words); len(last) > 0 {
		want = map[string]string{"accept": domain.DocumentAccepted, "return_document": domain.DocumentReturned}[h.Game.Moves[h.Edits[slices.Max(last)].Move].Name]
	}
	if got := d.Versions[0].State; got != want {
		return fmt.Sprintf("version 1 is %s, want %s", got, want)
	}
	for _, v := range d.Versions[1:] {
		if v.State != domain.DocumentGiven {
			return fmt.Sprintf("version %d, of which nobody spoke, is %s", v.Version, v.State)
		}
	}
	return ""
}

// filed says that a filing is taken if its author had seen the newest file on the
// screen accepted, whatever was given meanwhile, and that nothing else is refused.
func filed(h *History) string {
	for l := range h.Edits {
		e, code := &h.Edits[l], ""
		if h.Game.Moves[e.Move].Name == "file" {
			saw := func(name string) bool {
				return slices.ContainsFunc(h.seenBefore(l), func(o int) bool { return h.Game.Moves[h.Edits[o].Move].Name == name })
			}
			if !saw("accept") || saw("give") {
				code = "documents_missing"
			}
		}
		if e.Code != code && !dependsOnRefused(h, l) {
			return fmt.Sprintf("edit %d: %q, want %q", l, e.Code, code)
		}
	}
	return ""
}

// seenBefore gives the accepted edits that an edit builds on, those that they had
// seen among them.
func (h *History) seenBefore(l int) (out []int) {
	for _, o := range h.covers(l) {
		if h.Edits[o].Outcome != merge.Rejected && !slices.Contains(out, o) {
			out = append(append(out, o), h.seenBefore(o)...)
		}
	}
	return out
}
