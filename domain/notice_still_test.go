package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// standing is a type, who is rung for it, and the objects for which they are and are not.
type standing struct {
	in      []merge.Role     // nil: whoever has left, too
	so, not []map[string]any // fields of the object; so is empty if it is not asked about
	says    map[string]any   // parameters of the item
	other   []map[string]any // operations with which the objects of not are so all the same
	staff   map[string]any   // an object for which staff is not rung, though owners are
}

func states(all ...string) (out []map[string]any) {
	for _, s := range all {
		out = append(out, map[string]any{"state": s})
	}
	return out
}

func but(all []string, left ...string) []map[string]any {
	return states(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(left, s) })...)
}

// noticeStandings says of every type what a push that waited over a night asks.
func noticeStandings() map[string]standing {
	owner, mentor, house, both := []merge.Role{merge.Owner}, []merge.Role{merge.Mentor}, []merge.Role{merge.Owner, merge.Staff}, []merge.Role{merge.Owner, merge.Mentor}
	anybody := []merge.Role{merge.Owner, merge.Staff, merge.Mentor, merge.Admin}
	tasks := []string{domain.TaskProposed, domain.TaskAssigned, domain.TaskInProgress, domain.TaskBlocked, domain.TaskSubmitted, domain.TaskReturned, domain.TaskVerified, domain.TaskCancelled}
	cases := []string{domain.CaseProposed, domain.CasePreparing, domain.CaseSubmitted, domain.CaseAssessment, domain.CaseCorrective, domain.CaseIssued, domain.CaseRejected, domain.CaseCancelled}
	applications := []string{domain.ApplicationDraft, domain.ApplicationSubmitted, domain.ApplicationReturned, domain.ApplicationWithdrawn, domain.ApplicationOffered, domain.ApplicationReserve,
		domain.ApplicationNotSelected, domain.ApplicationConfirmed, domain.ApplicationDeclined, domain.ApplicationLapsed, domain.ApplicationDisqualified}
	enrolments := []string{domain.EnrolmentActive, domain.EnrolmentPaused, domain.EnrolmentCompleted, domain.EnrolmentWithdrawn}
	task := func(in []merge.Role, so ...string) standing {
		return standing{in: in, so: states(so...), not: but(tasks, so...)}
	}
	theirs := func(so ...string) standing {
		s := task(house, so...)
		for _, o := range s.so {
			o["assignee_id"] = "ani"
		}
		s.staff = map[string]any{"state": so[0], "assignee_id": "dewi"}
		return s
	}
	blocked := theirs(domain.TaskBlocked)
	blocked.in = anybody
	facilitation := func(in []merge.Role, so ...string) standing {
		return standing{in: in, so: states(so...), not: but(cases, so...)}
	}
	goesOn := []string{domain.CasePreparing, domain.CaseSubmitted, domain.CaseAssessment, domain.CaseCorrective}
	document := func(state, document string) map[string]any {
		return map[string]any{"state": state, "documents": []map[string]any{{"state": document}}}
	}
	enrolment := func(so string) standing {
		return standing{in: both, so: states(so), not: but(enrolments, so)}
	}
	const at, moved, over = "2022-06-15T03:00:00.000Z", "2022-06-15T05:00:00.000Z", "2022-06-13T03:00:00.000Z"
	window := func(in []merge.Role) standing {
		return standing{in: in, so: []map[string]any{{}, {"to_at": at}}, not: []map[string]any{{"to_at": over}}}
	}
	submitted := task(mentor, domain.TaskSubmitted)
	submitted.other = []map[string]any{{"id": "r", "op": "return"}, {"id": "s", "op": "submit"}}
	there := []map[string]any{{}}
	return map[string]standing{
		domain.NoticeResults: {}, domain.NoticeMentoringEnds: {}, domain.NoticeNewPhone: {}, domain.NoticePhoneRemoved: {}, domain.NoticeAccessEnded: {},
		domain.NoticeEditRefused: {}, domain.NoticeReviewApplied: {}, domain.NoticeReviewDismissed: {}, domain.NoticeAnnouncement: {}, domain.NoticeAcknowledge: {},
		domain.NoticeEditLost: {in: anybody},

		domain.NoticePlace:           {in: owner, so: states(domain.ApplicationOffered), not: but(applications, domain.ApplicationOffered)},
		domain.NoticeApplicationIn:   {in: owner, so: but(applications, domain.ApplicationDraft, domain.ApplicationWithdrawn), not: states(domain.ApplicationDraft, domain.ApplicationWithdrawn)},
		domain.NoticeApplicationBack: {in: owner, so: states(domain.ApplicationReturned), not: but(applications, domain.ApplicationReturned)},
		domain.NoticeLateScore:       {in: []merge.Role{merge.Admin}, so: []map[string]any{{"late": true}}, not: []map[string]any{{}, {"late": false}}},

		domain.NoticeEnrolmentPaused: enrolment(domain.EnrolmentPaused), domain.NoticeEnrolmentResumed: enrolment(domain.EnrolmentActive),
		domain.NoticeEnrolmentCompleted: enrolment(domain.EnrolmentCompleted), domain.NoticeEnrolmentWithdrawn: enrolment(domain.EnrolmentWithdrawn),

		domain.NoticeMentorChanged: window(owner), domain.NoticeMentoringBegins: window(nil),
		domain.NoticeMentorLeft: {in: owner, so: []map[string]any{{"to_at": at}, {"to_at": over}}, not: []map[string]any{{}}},

		domain.NoticeTaskAssigned:  theirs(domain.TaskAssigned, domain.TaskInProgress, domain.TaskBlocked, domain.TaskReturned),
		domain.NoticeTaskSubmitted: submitted, domain.NoticeTaskReturned: theirs(domain.TaskReturned), domain.NoticeTaskVerified: theirs(domain.TaskVerified),
		domain.NoticeTaskBlocked: blocked, domain.NoticeTaskProposed: task(mentor, domain.TaskProposed), domain.NoticeTaskCancelled: theirs(domain.TaskCancelled),
		domain.NoticeOperationAbsorbed: {in: anybody, so: there}, domain.NoticeSecondOpinion: task(mentor, domain.TaskVerified), domain.NoticeLateHandover: {in: mentor, so: there},

		domain.NoticeVisitPlanned: {in: both, says: map[string]any{"at": at}, so: []map[string]any{{"state": domain.VisitPlanned, "planned_at": at}}, not: []map[string]any{
			{"state": domain.VisitCancelled, "planned_at": at}, {"state": domain.VisitDone, "planned_at": at}, {"state": domain.VisitMissed, "planned_at": at}, {"state": domain.VisitPlanned, "planned_at": moved}}},
		domain.NoticeVisitCancelled: {in: both, so: states(domain.VisitCancelled), not: states(domain.VisitPlanned, domain.VisitDone, domain.VisitMissed)},

		domain.NoticeDocumentReturned: {in: owner, so: []map[string]any{document(domain.CasePreparing, domain.DocumentReturned)},
			not: []map[string]any{document(domain.CaseCancelled, domain.DocumentReturned), document(domain.CasePreparing, domain.DocumentGiven), {"state": domain.CasePreparing}}},
		domain.NoticeCaseResult:   {in: both, so: []map[string]any{{"confirmed": true}}, not: []map[string]any{{"state": domain.CaseIssued}}},
		domain.NoticeCaseProposed: facilitation(mentor, domain.CaseProposed), domain.NoticeCaseApproved: facilitation(owner, goesOn...),
		domain.NoticeCaseFindings: facilitation(owner, domain.CaseCorrective), domain.NoticeCaseCancelled: facilitation(owner, domain.CaseCancelled),
		domain.NoticeCaseAbsorbed: {in: anybody, so: there}, domain.NoticeCaseHandover: {in: mentor, so: there},

		domain.NoticeSaleFlagged: {in: anybody, so: []map[string]any{{"flags": []string{domain.FlagNeedsReview}}, {"rejected": true}, {"duplicate_of": "x"}, {"possible_duplicate": []string{"x"}}},
			not: []map[string]any{{}, {"flags": []string{domain.FlagBackdated}}}, other: []map[string]any{{"id": "a", "created_by": "ani", "outcome": domain.Superseded}}},
		domain.NoticeAdjustmentProposed: {in: mentor, so: []map[string]any{{"proposed": []string{"x"}}}, not: []map[string]any{{}, {"proposed": []string{}}}},
	}
}

func rowWith(id string, fields map[string]any) merge.Row {
	r := merge.Row{Key: merge.Key{ID: id}, Fields: map[string]merge.Value{}}
	for name, v := range fields {
		r.Fields[name] = merge.Encode(v)
	}
	return r
}

// TestAPushOfTheNightIsAboutTheMorning: of every type is decided whom it still concerns, and
// as long as what.
func TestAPushOfTheNightIsAboutTheMorning(t *testing.T) {
	now := merge.Millis(time.Date(2022, 6, 14, 23, 30, 0, 0, time.UTC).UnixMilli())
	held := func(role merge.Role) []merge.Grant { return []merge.Grant{{User: "ani", Role: role}} }
	all := noticeStandings()
	for _, row := range domain.NoticeTypes() {
		if row.While.Words == "" {
			t.Errorf("%s says nothing of when it rings", row.ID)
		}
		want, ok := all[row.ID]
		if ok == domain.Reminds(row.ID) {
			t.Errorf("%s: the table says so (%t), the calendar does (%t)", row.ID, ok, domain.Reminds(row.ID))
		}
		if domain.Reminds(row.ID) {
			continue
		}
		if !slices.Equal(row.In, want.in) || row.AsksSender() != (want.in != nil || want.so != nil) {
			t.Errorf("%s is for %v", row.ID, row.In)
		}
		asks := func(role merge.Role, object merge.Row, ops ...map[string]any) bool {
			return row.StillSo(domain.Standing{Item: rowWith("i", map[string]any{"type": row.ID, "params": want.says}), User: "ani", Access: held(role), Object: object, Now: now,
				Operations: func(string) (out []merge.Row) {
					for _, o := range ops {
						out = append(out, rowWith(o["id"].(string), o))
					}
					return out
				}})
		}
		good := merge.Row{}
		if len(want.so) > 0 {
			good = rowWith("o", want.so[0])
		}
		for _, role := range []merge.Role{merge.Owner, merge.Staff, merge.Mentor, merge.Admin, merge.Curator} {
			if got := asks(role, good); got != (want.in == nil || slices.Contains(want.in, role)) {
				t.Errorf("%s of who is %s rings: %t", row.ID, role, got)
			}
		}
		role := merge.Mentor
		if len(want.in) > 0 {
			role = want.in[0]
		}
		for _, o := range want.so {
			if !asks(role, rowWith("o", o)) {
				t.Errorf("%s does not ring of %v", row.ID, o)
			}
		}
		for _, o := range want.not {
			if asks(role, rowWith("o", o)) {
				t.Errorf("%s rings of %v", row.ID, o)
			}
		}
		if got := asks(role, merge.Row{}); got != (len(want.so) == 0) {
			t.Errorf("%s without its object rings: %t", row.ID, got)
		}
		if want.staff != nil && (asks(merge.Staff, rowWith("o", want.staff)) || !asks(merge.Owner, rowWith("o", want.staff))) {
			t.Errorf("%s rings for staff who does not do it", row.ID)
		}
		if want.other != nil && !asks(role, rowWith("o", map[string]any{"state": domain.TaskReturned}), want.other...) {
			t.Errorf("%s does not ring beside %v", row.ID, want.other)
		}
		ended := domain.Standing{Item: rowWith("i", map[string]any{"type": row.ID, "params": want.says}), User: "ani", Object: good, Now: now,
			Access: []merge.Grant{{User: "ani", Role: role, To: now}, {User: "dewi", Role: role}, {User: "ani", Role: role, From: now + 1}}}
		if got := row.StillSo(ended); got != (want.in == nil) {
			t.Errorf("%s of whose window ended rings: %t", row.ID, got)
		}
	}
}

// TestAVisitThatIsOverIsNoNews: it is still planned, and nobody has said what became of it.
func TestAVisitThatIsOverIsNoNews(t *testing.T) {
	row, _ := domain.NoticeTypeOf(domain.NoticeVisitPlanned)
	begins := merge.Millis(time.Date(2022, 6, 14, 23, 0, 0, 0, time.UTC).UnixMilli())
	at := merge.FormatInstant(begins)
	for now, want := range map[merge.Millis]bool{begins - 1: true, begins: false, begins + 1: false} {
		if got := row.StillSo(domain.Standing{Item: rowWith("i", map[string]any{"params": map[string]any{"at": at}}), User: "ani", Access: []merge.Grant{{User: "ani", Role: merge.Owner}},
			Object: rowWith("o", map[string]any{"state": domain.VisitPlanned, "planned_at": at}), Now: now}); got != want {
			t.Errorf("%d ms from its hour it rings: %t", now-begins, got)
		}
	}
}
