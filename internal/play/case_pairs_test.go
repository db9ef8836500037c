package play_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// cased gives a stage with a case of a kind, led by mentor A through operations
// that everybody has seen.
func cased(kind string, subject map[string]any, ops ...string) func(*duo) {
	return func(d *duo) {
		d.Helper()
		d.kept = []string{d.photo(d.a), d.photo(d.owner), d.photo(d.owner)}
		set := map[string]any{"kind": kind, "subject": subject}
		d.record = d.write(d.owner, "case", "", set)
		d.everybody()
		for _, op := range ops {
			d.steps(d.a, op)
		}
		d.everybody()
		d.tag = d.read("case", d.record).Etag
	}
}

// numbered is the case of a business number, which asks for no documents.
func numbered(ops ...string) func(*duo) {
	return cased("nib", map[string]any{"type": "business"}, ops...)
}

// steps keeps operations on the case, one after the other.
func (d *duo) steps(p *play.Phone, ops ...string) {
	d.Helper()
	for _, op := range ops {
		set := map[string]any{"case_id": d.record, "op": op, "note": "catatan " + op}
		switch op {
		case "approve":
			set["deadline_on"] = "2022-06-17"
		case "start_assessment":
			set["assessed_on"], set["assessor"] = "2022-05-20", "Petugas OSS"
		case "findings":
			set["findings"], set["due_on"] = []string{"alamat tidak sama"}, "2022-06-10"
		case "issue":
			set["result"] = map[string]any{"number": "9120001234567", "issued_on": "2022-06-01", "file_id": d.kept[0]}
		case "give", "accept":
			set["document"], set["file_id"] = "form", d.kept[1]
		case "replace":
			set["op"], set["document"], set["file_id"] = "give", "form", d.kept[2]
		}
		d.write(p, "case_event", "", set)
	}
}

// goes is an act of one phone without a network: operations on the case.
func goes(name string, by func(*duo) *play.Phone, ops ...string) act {
	return act{name: name, by: by, keep: func(d *duo) { d.steps(by(d), ops...) }}
}

// ends is the admin's cancel of the case, on an old screen; whoever learns that it
// has come to an end meanwhile leaves it.
func ends() act {
	return act{name: "the admin cancels", arrive: func(d *duo) {
		err := d.desk.Send(d.Context(), http.MethodPost, "/v1/businesses/"+d.business()+"/cases/"+d.record+"/events", d.tag, map[string]any{"op": "cancel", "note": "usaha tutup"}, nil)
		if err != nil && fault.CodeOf(err) != "stale_version" {
			d.Error(err)
		}
	}}
}

// stands wants a state of the case, on the server and on every phone.
func (d *duo) stands(state string, confirmed bool) {
	d.Helper()
	row := d.held("case", d.record)
	if row.Text("state") != state || (string(row.Fields["confirmed"]) == "true") != confirmed {
		d.Errorf("the case is %s, confirmed %s; want %s, %t", row.Text("state"), row.Fields["confirmed"], state, confirmed)
	}
	d.settled(d.owner, d.tablet, d.staff, d.a, d.b)
}

// stays is a check of nothing but the state.
func stays(state string) func(*duo, []int) {
	return func(d *duo, _ []int) { d.stands(state, false) }
}

// moves is a change of the deadline, without a network.
func moves(by func(*duo) *play.Phone, name, day string) act {
	return act{name: name, by: by, keep: func(d *duo) { d.write(by(d), "case", d.record, map[string]any{"deadline_on": day}) }}
}

// done is a milestone, without a network.
func done(by func(*duo) *play.Phone, name, day string) act {
	return act{name: name, by: by, keep: func(d *duo) {
		d.write(by(d), "case", d.record, map[string]any{"milestones": map[string]any{"application": map[string]any{"done_at": day}}})
	}}
}

// TestEveryConcurrentPairOfACase are the pairs that the rules of cases name and
// the neighbours in its precedence, each in every order of arrival.
func TestEveryConcurrentPairOfACase(t *testing.T) {
	atBody := []string{"approve", "file"}
	assessed := append(slices.Clone(atBody), "start_assessment")
	person := map[string]any{"type": "person", "name": "Dimas"}
	playPairs(t, []pair{
		{name: "issue beside reject: issued and unconfirmed, with a review item, until an admin settles with the paper", before: numbered(assessed...),
			acts: []act{goes("mentor A syncs", mentorA, "issue"), goes("mentor B syncs", mentorB, "reject")},
			check: func(d *duo, order []int) {
				d.stands(domain.CaseIssued, false)
				if flags := d.held("case", d.record).Strings("flags"); !slices.Contains(flags, "needs_review") || d.reviews("issue_against_reject") != 1 {
					d.Errorf("flags %v, %d review items", flags, d.reviews("issue_against_reject"))
				}
				d.outcome("case_event", "mentor B reject", domain.Superseded)
				if d.told(d.b, domain.NoticeCaseAbsorbed) != 1 || d.told(d.owner, domain.NoticeCaseResult) != 0 {
					d.Errorf("mentor B told %d times, the owner %d times", d.told(d.b, domain.NoticeCaseAbsorbed), d.told(d.owner, domain.NoticeCaseResult))
				}
				op, want := "confirm_issue", domain.CaseIssued
				if order[0] == 1 {
					op, want = "confirm_reject", domain.CaseRejected
				}
				if code := d.decide("cases", "case", d.record, d.read("case", d.record).Etag, map[string]any{"op": op}); code != "" {
					d.Errorf("%s: %s", op, code)
				}
				d.everybody()
				d.stands(want, true)
				if d.told(d.owner, domain.NoticeCaseResult) != 1 || d.told(d.a, domain.NoticeCaseResult) != 1 {
					d.Errorf("of the result the owner was told %d times, mentor A %d times", d.told(d.owner, domain.NoticeCaseResult), d.told(d.a, domain.NoticeCaseResult))
				}
			}},
		{name: "document accepted beside a file that the owner replaces: the acceptance stays on version 1, version 2 is given", before: cased("skkni", person, "approve", "give"),
			acts: []act{goes("the mentor syncs", mentorA, "accept"), goes("the owner syncs", owner, "replace")},
			check: func(d *duo, _ []int) {
				d.stands(domain.CasePreparing, false)
				var all []domain.Document
				d.ok(json.Unmarshal(d.held("case", d.record).Fields["documents"], &all))
				want := domain.Document{Code: "form", State: domain.DocumentGiven, Versions: []domain.DocumentVersion{{Version: 1, File: d.kept[1], State: domain.DocumentAccepted}, {Version: 2, File: d.kept[2], State: domain.DocumentGiven}}}
				if got := all[0]; got.Code != want.Code || got.State != want.State || !slices.Equal(got.Versions, want.Versions) {
					d.Errorf("%+v, want %+v", got, want)
				}
			}},
		{name: "milestone done twice: the earliest date is kept", before: numbered("approve"),
			acts: []act{done(owner, "the owner syncs", "2022-04-12"), done(mentorA, "the mentor syncs", "2022-04-10"), done(tablet, "the tablet syncs", "2022-04-11")},
			check: func(d *duo, _ []int) {
				if got := string(d.held("case", d.record).Fields["milestones"]); got != `{"application":{"done_at":"2022-04-10"}}` {
					d.Errorf("milestones %s", got)
				}
				d.settled(d.owner, d.tablet, d.a)
			}},
		{name: "deadline moved by two mentors: the later edit counts, and is reminded of once", before: numbered("approve"),
			acts: []act{moves(mentorA, "mentor A syncs", "2022-06-20"), moves(mentorB, "mentor B syncs", "2022-06-24")},
			check: func(d *duo, _ []int) {
				if got := d.held("case", d.record).Text("deadline"); got != "2022-06-24" {
					d.Errorf("deadline %s", got)
				}
				d.w.At(time.June, 17, 8, 5) // a week before the date that counts, three days before the other
				for range 2 {
					_, err := d.w.App.Programme.Remind(d.Context())
					d.ok(err)
				}
				if got := d.reminded(d.owner); !slices.Equal(got, []string{"2022-06-24"}) {
					d.Errorf("reminded of %v", got)
				}
			}},
		{name: "reject beside cancel: rejected", before: numbered(assessed...), acts: []act{goes("the mentor syncs", mentorA, "reject"), ends()}, check: stays(domain.CaseRejected)},
		{name: "issue beside cancel: issued", before: numbered(assessed...), acts: []act{goes("the mentor syncs", mentorA, "issue"), ends()}, check: stays(domain.CaseIssued)},
		{name: "cancel beside findings: cancelled", before: numbered(assessed...), acts: []act{goes("mentor A syncs", mentorA, "findings"), goes("mentor B syncs", mentorB, "cancel")},
			check: func(d *duo, _ []int) {
				d.stands(domain.CaseCancelled, false)
				if d.told(d.owner, domain.NoticeCaseCancelled) != 1 || d.told(d.a, domain.NoticeCaseAbsorbed) != 1 {
					d.Errorf("owner told %d times, mentor A %d times", d.told(d.owner, domain.NoticeCaseCancelled), d.told(d.a, domain.NoticeCaseAbsorbed))
				}
			}},
		{name: "findings beside closed findings of before: corrective action", before: numbered(assessed...),
			acts: []act{goes("mentor A syncs", mentorA, "findings", "close_findings"), goes("mentor B syncs", mentorB, "findings")}, check: stays(domain.CaseCorrective)},
		{name: "closed findings beside the start of the assessment: assessment", before: numbered(atBody...),
			acts: []act{goes("mentor A syncs", mentorA, "start_assessment", "findings", "close_findings"), goes("mentor B syncs", mentorB, "start_assessment")}, check: stays(domain.CaseAssessment)},
		{name: "the start of the assessment beside filing: assessment", before: numbered("approve"),
			acts: []act{goes("mentor A syncs", mentorA, "file", "start_assessment"), goes("mentor B syncs", mentorB, "file")}, check: stays(domain.CaseAssessment)},
		{name: "filing beside approval: filed", before: numbered(),
			acts: []act{goes("mentor A syncs", mentorA, "approve", "file"), goes("mentor B syncs", mentorB, "approve")},
			check: func(d *duo, _ []int) {
				d.stands(domain.CaseSubmitted, false)
				if got := d.held("case", d.record).Text("deadline"); got != "2022-06-17" {
					d.Errorf("deadline %q", got)
				}
			}},
		{name: "the confirmation beside a mentor who changes the result: what the admin confirmed stays", before: numbered(append(slices.Clone(assessed), "issue")...),
			acts: []act{{name: "the admin confirms", arrive: func(d *duo) {
				if code := d.decide("cases", "case", d.record, d.tag, map[string]any{"op": "confirm_issue"}); code != "" {
					d.Error(code)
				}
			}}, {name: "mentor B syncs", by: mentorB, keep: func(d *duo) {
				d.write(d.b, "case", d.record, map[string]any{"result": map[string]any{"number": "0000000000000", "issued_on": "2022-06-02", "file_id": d.kept[0]}})
			}}},
			check: func(d *duo, order []int) {
				d.stands(domain.CaseIssued, true)
				var cert struct {
					Number string `json:"number"`
				}
				d.ok(json.Unmarshal(d.held("case", d.record).Fields["certificate"], &cert))
				want := "9120001234567"
				if came(order, 1, 0) { // the admin's screen was stale, and they looked again
					want = "0000000000000"
				}
				if cert.Number != want {
					d.Errorf("the confirmed number is %s, want %s", cert.Number, want)
				}
			}},
	})
}

// reminded lists the deadlines of cases that somebody was reminded of.
func (d *duo) reminded(p *play.Phone) (due []string) {
	d.Helper()
	rows, err := d.w.Rows(d.Context(), merge.UserScope(p.Who.User), "inbox")
	d.ok(err)
	for _, r := range rows {
		var says struct{ Step, Due string }
		d.ok(json.Unmarshal(r.Fields["params"], &says))
		if r.Text("type") == domain.NoticeCaseDue && says.Step == "" {
			due = append(due, says.Due)
		}
	}
	return due
}
