package domain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// do is one operation on the task of a test: who, what, and the names of the
// operations on the author's screen.
type do struct{ who, op, seen string }

// event is the content of an operation on task k.
func event(op string, seen ...string) map[string]merge.Value {
	return with(texts("task_id", key("k"), "op", op, "note", "because"), map[string]merge.Value{"seen": merge.Encode(append([]string{}, seen...))})
}

func newTask(s *scene, origin string) {
	s.t.Helper()
	set := texts("title", "Foto produk", "origin", origin)
	switch origin {
	case domain.OriginOwnerRequest:
		s.must(s.send(s.owner, s.make(s.owner, "task", key("k"), set))[0])
	case domain.OriginMentor:
		s.must(s.send(s.mentor, s.make(s.mentor, "task", key("k"), set))[0])
	default:
		s.write("task", key("k"), set)
	}
}

// act lets somebody operate on the task; admins do it online.
func (s *scene) act(d do, name string) merge.Answer {
	var seen []string
	for _, l := range d.seen {
		seen = append(seen, key(string(l)))
	}
	return s.push(d.who, key(name), event(d.op, seen...))
}

func (s *scene) push(who, record string, set map[string]merge.Value) merge.Answer {
	s.t.Helper()
	switch who {
	case "admin":
		return s.writeAs(merge.Admin, s.admin, "task_event", record, set)
	case "mentor online":
		return s.writeAs(merge.Mentor, s.mentor.User, "task_event", record, set)
	}
	p := map[string]*mergetest.Phone{"owner": s.owner, "staff": s.staff, "mentor": s.mentor, "mentor b": s.mentorB}[who]
	return s.send(p, s.make(p, "task_event", record, set))[0]
}

func (s *scene) state() string { return s.Row("task", key("k")).Text("state") }

func (s *scene) outcome(name string) string { return s.Row("task_event", key(name)).Text("outcome") }

func TestConcurrentOperationsOnATask(t *testing.T) {
	tests := []struct {
		name           string
		before         []do // a, b, … in order
		x, y           do
		state          string
		xWants, yWants string
		told           map[string]string // notice → person
	}{
		{"submit beside a check-off", nil, do{"owner", "submit", ""}, do{"mentor", "verify", ""}, "verified", "absorbed", "effective", nil},
		{"submit beside a cancel", nil, do{"owner", "submit", ""}, do{"admin", "cancel", ""}, "cancelled", "absorbed", "effective", map[string]string{"task_cancelled": "owner"}},
		{"check-off beside a cancel", nil, do{"mentor", "verify", ""}, do{"admin", "cancel", ""}, "verified", "effective", "superseded", map[string]string{"review": ""}},
		{"two mentors disagree", []do{{"owner", "submit", ""}}, do{"mentor", "verify", "a"}, do{"mentor b", "return", "a"}, "verified", "effective", "superseded", map[string]string{"second_opinion": "mentor"}},
		{"block beside submit", nil, do{"owner", "block", ""}, do{"staff", "submit", ""}, "submitted", "superseded", "effective", nil},
		{"start beside block", nil, do{"staff", "start", ""}, do{"owner", "block", ""}, "blocked", "absorbed", "effective", nil},
		{"unblock beside submit", []do{{"owner", "block", ""}}, do{"mentor", "unblock", "a"}, do{"owner", "submit", "a"}, "submitted", "absorbed", "effective", nil},
		{"refuse beside accept", nil, do{"mentor", "accept", ""}, do{"mentor b", "refuse", ""}, "cancelled", "absorbed", "effective", nil},
		{"a late submission beside a reopen", []do{{"mentor", "verify", ""}}, do{"admin", "reopen", "a"}, do{"owner", "submit", ""}, "submitted", "superseded", "effective", nil},
		{"two check-offs are one", nil, do{"mentor", "verify", ""}, do{"mentor b", "verify", ""}, "verified", "", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, xFirst := range []bool{true, false} {
				s := newScene(t)
				origin := domain.OriginTemplate
				if tt.x.op == "accept" {
					origin = domain.OriginOwnerRequest
				}
				newTask(s, origin)
				for i, d := range tt.before {
					s.must(s.act(d, letter(i)))
				}
				if xFirst {
					s.must(s.act(tt.x, "x"))
					s.must(s.act(tt.y, "y"))
				} else {
					s.must(s.act(tt.y, "y"))
					s.must(s.act(tt.x, "x"))
				}
				if s.state() != tt.state {
					t.Errorf("x first %t: %s, want %s", xFirst, s.state(), tt.state)
				}
				if x, y := s.outcome("x"), s.outcome("y"); tt.xWants != "" && (x != tt.xWants || y != tt.yWants) {
					t.Errorf("x first %t: x %s, y %s", xFirst, x, y)
				}
				for kind, who := range tt.told {
					reviews := slices.ContainsFunc(s.Effects, func(e merge.Effect) bool {
						return e.Collection == "review_item" && e.Scope == "decision/"+key("programme")
					})
					if kind == "review" && !reviews || kind != "review" && s.told(kind, key(who)) == 0 {
						t.Errorf("x first %t: no %s", xFirst, kind)
					}
				}
			}
		})
	}
}

// TestASubmissionThatCrossesAReturn: the owner takes up new evidence while the
// mentor sends the earlier submission back.
func TestASubmissionThatCrossesAReturn(t *testing.T) {
	for _, returnFirst := range []bool{true, false} {
		s := newScene(t)
		newTask(s, domain.OriginTemplate)
		s.must(s.act(do{"owner", "submit", ""}, "a"))
		s.must(s.act(do{"mentor", "return", "a"}, "b"))
		again, back := do{"owner", "submit", "b"}, do{"mentor b", "return", "a"}
		if returnFirst {
			s.must(s.act(back, "y"))
			s.must(s.act(again, "x"))
		} else {
			s.must(s.act(again, "x"))
			s.must(s.act(back, "y"))
		}
		if s.state() != domain.TaskReturned || s.outcome("x") != domain.Absorbed {
			t.Errorf("return first %t: %s, x %s", returnFirst, s.state(), s.outcome("x"))
		}
		if s.told("operation_absorbed", s.owner.User) == 0 || s.told("N13", s.mentor.User) == 0 {
			t.Errorf("return first %t: owner or mentor was not told", returnFirst)
		}
	}
}

func TestWhoMayDoWhatToATask(t *testing.T) {
	tests := []struct {
		name   string
		origin string
		before []do
		d      do
		code   string // "" = taken
	}{
		{"an owner starts", domain.OriginTemplate, nil, do{"owner", "start", ""}, ""},
		{"staff start", domain.OriginTemplate, nil, do{"staff", "start", ""}, ""},
		{"a mentor does not start", domain.OriginTemplate, nil, do{"mentor", "start", ""}, "forbidden"},
		{"staff do not block", domain.OriginTemplate, nil, do{"staff", "block", ""}, "forbidden"},
		{"an owner does not verify", domain.OriginTemplate, nil, do{"owner", "verify", ""}, "forbidden"},
		{"nobody starts a proposal", domain.OriginOwnerRequest, nil, do{"owner", "start", ""}, "forbidden_transition"},
		{"a mentor accepts a proposal", domain.OriginOwnerRequest, nil, do{"mentor", "accept", ""}, ""},
		{"an owner does not accept the own proposal", domain.OriginOwnerRequest, nil, do{"owner", "accept", ""}, "forbidden"},
		{"a mentor checks off without a submission", domain.OriginTemplate, nil, do{"mentor", "verify", ""}, ""},
		{"a mentor cancels an own task", domain.OriginMentor, nil, do{"mentor", "cancel", ""}, ""},
		{"not somebody else's", domain.OriginMentor, nil, do{"mentor b", "cancel", ""}, "forbidden"},
		{"nor one of the plan", domain.OriginTemplate, nil, do{"mentor", "cancel", ""}, "forbidden"},
		{"an admin cancels any", domain.OriginTemplate, nil, do{"admin", "cancel", ""}, ""},
		{"nobody submits what is verified", domain.OriginTemplate, []do{{"mentor", "verify", ""}}, do{"owner", "submit", "a"}, "forbidden_transition"},
		{"one who has not seen the check-off may", domain.OriginTemplate, []do{{"mentor", "verify", ""}}, do{"owner", "submit", ""}, ""},
		{"a reopen needs a connection", domain.OriginTemplate, []do{{"mentor", "verify", ""}}, do{"mentor", "reopen", "a"}, "online_only"},
		{"a mentor reopens the own check-off", domain.OriginTemplate, []do{{"mentor", "verify", ""}}, do{"mentor online", "reopen", "a"}, ""},
		{"not another's", domain.OriginTemplate, []do{{"mentor b", "verify", ""}}, do{"mentor online", "reopen", "a"}, "forbidden"},
		{"an admin reopens what is cancelled", domain.OriginTemplate, []do{{"admin", "cancel", ""}}, do{"admin", "reopen", "a"}, ""},
		{"unblock wants a block", domain.OriginTemplate, nil, do{"owner", "unblock", ""}, "forbidden_transition"},
		{"return wants a submission", domain.OriginTemplate, nil, do{"mentor", "return", ""}, "forbidden_transition"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			newTask(s, tt.origin)
			for i, d := range tt.before {
				s.must(s.act(d, letter(i)))
			}
			if a := s.act(tt.d, "x"); a.Code != tt.code {
				t.Errorf("%+v, want %q", a, tt.code)
			}
		})
	}
}

func TestConditionsOfATask(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginTemplate)
	bare := event("block")
	delete(bare, "note")
	if a := s.push("owner", key("x"), bare); a.Code != "reason_required" {
		t.Errorf("a block without a reason: %+v", a)
	}
	if a := s.edit(s.mentor, "task", key("k"), texts("due_on", "2022-04-01")); a.Code != "due_before_created" {
		t.Errorf("due before it was made: %+v", a)
	}
	s.must(s.edit(s.mentor, "task", key("k"), texts("due_on", "2022-06-17")))
	s.must(s.edit(s.mentor, "task", key("k"), texts("due_on", "2022-06-20")))
	if got := string(s.Row("task", key("k")).Fields["due_dates"]); strings.Index(got, "06-20") > strings.Index(got, "06-17") || !strings.Contains(got, s.mentor.User) {
		t.Errorf("due dates %s", got)
	}
	s.must(s.act(do{"mentor", "verify", ""}, "a"))
	s.now += 8 * oneDay
	if a := s.act(do{"mentor online", "reopen", "a"}, "y"); a.Code != "forbidden" {
		t.Errorf("a reopen after a week: %+v", a)
	}
	if a := s.send(s.owner, s.make(s.owner, "task", key("own"), texts("title", "x", "origin", "mentor")))[0]; a.Code != "forbidden" {
		t.Errorf("an owner in the mentor's name: %+v", a)
	}
	if a := s.edit(s.owner, "task", key("k"), texts("title", "Lain")); !slices.Contains(a.Ignored, "title") || s.Row("task", key("k")).Text("title") != "Foto produk" {
		t.Errorf("an owner renames a task of the plan: %+v", a)
	}
}

// TestTheDueDateOfAnEndedTaskStays for who knows of the end.
func TestTheDueDateOfAnEndedTaskStays(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginTemplate)
	unaware := s.change(s.mentorB, "task", key("k"), texts("due_on", "2022-06-17"))
	unaware.Mutation.At.Server = s.Time
	s.must(s.act(do{"mentor", "verify", ""}, "v"))
	s.must(s.send(s.mentorB, unaware)[0])
	if a := s.edit(s.mentor, "task", key("k"), texts("due_on", "2022-06-18")); a.Code != "forbidden_transition" {
		t.Errorf("%+v", a)
	}
}

func photo(s *scene, p *mergetest.Phone, name string) string {
	s.t.Helper()
	sum := "0000000000000000000000000000000000000000000000000000000000000000"
	s.must(s.send(p, s.make(p, "attachment", key(name), with(texts("sha256", sum, "mime", "image/jpeg"), map[string]merge.Value{"bytes": merge.Num(1000)})))[0])
	return key(name)
}

func TestASubmissionNeedsItsEvidence(t *testing.T) {
	s := newScene(t)
	s.write("task", key("k"), with(texts("title", "Foto produk", "origin", "template"),
		map[string]merge.Value{"evidence_required": merge.Encode(map[string]any{"photos_min": 2, "note": true})}))
	one, two := photo(s, s.owner, "p1"), photo(s, s.owner, "p2")
	set := func(ids ...string) map[string]merge.Value {
		return with(event("submit"), map[string]merge.Value{"evidence_ids": merge.Encode(ids)})
	}
	if a := s.push("owner", key("x"), set(one)); a.Code != "evidence_missing" {
		t.Errorf("one photo of two: %+v", a)
	}
	s.must(s.push("owner", key("y"), set(one, two)))
	if got := s.Row("task", key("k")).Strings("evidence"); len(got) != 2 {
		t.Errorf("evidence %v", got)
	}
}

// TestCheckOffAtAVisitAndReassignment is story A8.
func TestCheckOffAtAVisitAndReassignment(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginTemplate)
	s.write("task", key("k2"), texts("title", "Label", "origin", "template"))
	var ids []string
	for _, n := range []string{"m1", "m2"} {
		ids = append(ids, photo(s, s.mentor, n))
	}
	verify := s.make(s.mentor, "task_event", key("v"), with(event("verify"), map[string]merge.Value{"evidence_ids": merge.Encode(ids)}))
	ids = nil
	for _, n := range []string{"o1", "o2", "o3"} {
		ids = append(ids, photo(s, s.owner, n))
	}
	s.must(s.push("owner", key("s"), with(event("submit"), map[string]merge.Value{"evidence_ids": merge.Encode(ids)})))
	s.now += oneDay // the admin moves the business to the other mentor
	s.write("assignment", key("window mentor"), map[string]merge.Value{"to_at": s.now.Value()})
	s.now += oneDay
	late := s.make(s.mentor, "task_event", key("v2"), with(event("verify"), texts("task_id", key("k2"))))
	s.now += 2 * oneDay
	answers := s.send(s.mentor, verify, late)
	s.must(answers[0])
	row := s.Row("task", key("k"))
	if row.Text("state") != domain.TaskVerified || len(row.Strings("evidence")) != 5 || s.outcome("s") != domain.Absorbed || string(row.Fields["verified_offline"]) != "true" || row.Text("verified_by") != s.mentor.User {
		t.Errorf("%s, submission %s", row.EncodeFields(), s.outcome("s"))
	}
	if got := s.Row("task_event", key("v")).Strings("review"); !slices.Contains(got, "late_handover") || s.told("late_handover", s.mentorB.User) != 1 {
		t.Errorf("review %v", got)
	}
	if answers[1].Code != "not_assigned" {
		t.Errorf("after the handover: %+v", answers[1])
	}
	last := s.Effects[len(s.Effects)-1]
	for _, e := range s.Effects {
		if e.Collection == "review_item" {
			last = e
		}
	}
	if last.Collection != "review_item" || last.Scope != "decision/"+key("programme") || merge.AsString(last.Set["author"]) != s.mentor.User {
		t.Errorf("the admin has not got it: %+v", last)
	}
}

// TestAfterARestoreAnEndStaysAnEnd: the named state does not count against an
// end that is known, for nothing that a phone does leads out of it.
func TestAfterARestoreAnEndStaysAnEnd(t *testing.T) {
	for _, end := range []string{"verify", "cancel"} {
		s := newScene(t)
		s.must(s.send(s.mentor, s.make(s.mentor, "task", key("k"), texts("title", "Foto produk", "origin", domain.OriginMentor)))[0])
		s.must(s.act(do{"mentor", end, ""}, "end"))
		was := s.state()
		late := s.make(s.owner, "task_event", key("x"), with(event("submit", key("end"), key("lost")), texts("from", "blocked")))
		s.Raise(s.tick())
		if a := s.send(s.owner, late)[0]; a.Code != "forbidden_transition" || s.state() != was {
			t.Errorf("after %s: %+v, %s", end, a, s.state())
		}
	}
}

// TestAfterARestoreTheNamedStateCounts: what the author had seen is lost with
// the backup's last hours, so the operation is judged by the state it names.
func TestAfterARestoreTheNamedStateCounts(t *testing.T) {
	for from, code := range map[string]string{domain.TaskBlocked: "", domain.TaskAssigned: "forbidden_transition", "nonsense": "forbidden_transition"} {
		s := newScene(t)
		newTask(s, domain.OriginTemplate)
		late := with(event("unblock", key("lost")), texts("from", from))
		before := s.make(s.owner, "task_event", key("x"), late)
		s.Raise(s.tick())
		if a := s.send(s.owner, before)[0]; a.Code != code {
			t.Errorf("from %s: %+v", from, a)
		}
		if code == "" && (s.state() != domain.TaskInProgress || !slices.Contains(s.Row("task_event", key("x")).Strings("review"), "after_restore")) {
			t.Errorf("from %s: %s", from, s.state())
		}
	}
}
