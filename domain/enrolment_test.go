package domain_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// enrolled lets the business of a scene take part in its programme.
func enrolled(s *scene) {
	s.t.Helper()
	s.write("enrolment", key("enrolment"), texts("programme_id", key("programme"), "confirmed_at", merge.FormatInstant(start), "state", domain.EnrolmentActive))
}

// enrol carries out an operation on the enrolment, by an admin online.
func (s *scene) enrol(op, note string) merge.Answer {
	s.t.Helper()
	set := texts("enrolment_id", key("enrolment"), "programme_id", key("programme"), "op", op)
	if note != "" {
		set["note"] = merge.Str(note)
	}
	return s.writeAs(merge.Admin, s.admin, "enrolment_event", key(fmt.Sprint("enrol ", s.access)), set)
}

// enrolmentWays lead to each state of an enrolment.
func enrolmentWays() map[string][]string {
	return map[string][]string{domain.EnrolmentActive: nil, domain.EnrolmentPaused: {"pause"}, domain.EnrolmentCompleted: {"complete"}, domain.EnrolmentWithdrawn: {"withdraw"}}
}

// TestEveryOperationOnAnEnrolment holds the machine against a table of its own: every pair
// that is not in it is refused.
func TestEveryOperationOnAnEnrolment(t *testing.T) {
	allowed := map[string]string{"active pause": "paused", "active complete": "completed", "active withdraw": "withdrawn", "paused resume": "active", "paused withdraw": "withdrawn"}
	notices := map[string]string{"pause": domain.NoticeEnrolmentPaused, "resume": domain.NoticeEnrolmentResumed, "complete": domain.NoticeEnrolmentCompleted, "withdraw": domain.NoticeEnrolmentWithdrawn}
	if got := domain.EnrolmentOps(); len(got) != 4 {
		t.Fatalf("operations %v", got)
	}
	for from, way := range enrolmentWays() {
		for _, op := range append(domain.EnrolmentOps(), domain.EnrolmentDisqualify) {
			t.Run(from+" "+op, func(t *testing.T) {
				s := newScene(t)
				enrolled(s)
				for _, w := range way {
					s.must(s.enrol(w, "because"))
				}
				told := s.told(notices[op], s.owner.User)
				a := s.enrol(op, "Panen")
				to, ok := allowed[from+" "+op]
				code := "forbidden_transition"
				if op == domain.EnrolmentDisqualify {
					code = "forbidden" // the server's alone
				}
				r := s.Row("enrolment", key("enrolment"))
				switch {
				case !ok && (a.Outcome != merge.Rejected || a.Code != code || r.Text("state") != from):
					t.Errorf("%+v, and it is %s", a, r.Text("state"))
				case ok && (a.Outcome != merge.Applied || r.Text("state") != to || r.Text("state_reason") != "Panen" || r.Text("state_since") == ""):
					t.Errorf("%+v, and it says %s, %s since %s", a, r.Text("state"), r.Text("state_reason"), r.Text("state_since"))
				case ok && (s.told(notices[op], s.owner.User) != told+1 || s.told(notices[op], s.mentor.User) != told+1 || s.told(notices[op], s.staff.User) != 0):
					t.Errorf("owner %d, mentor %d, staff %d times told", s.told(notices[op], s.owner.User), s.told(notices[op], s.mentor.User), s.told(notices[op], s.staff.User))
				}
			})
		}
	}
}

// TestWhoOperatesOnAnEnrolment: admins, online, with a reason where one is wanted.
func TestWhoOperatesOnAnEnrolment(t *testing.T) {
	s := newScene(t)
	enrolled(s)
	for op, reason := range map[string]bool{"pause": true, "withdraw": true, "complete": false, "resume": false} {
		if domain.EnrolmentNeedsReason(op) != reason {
			t.Errorf("%s wants a reason: %t", op, !reason)
		}
	}
	for _, note := range []string{"", " \n"} {
		if a := s.enrol("pause", note); a.Code != "reason_required" && a.Code != "invalid_value" {
			t.Errorf("a pause without a reason: %+v", a)
		}
	}
	set := texts("enrolment_id", key("enrolment"), "programme_id", key("programme"), "op", "pause", "note", "x")
	if a := s.writeAs(merge.Mentor, s.mentor.User, "enrolment_event", key("m"), set); a.Code != "forbidden" {
		t.Errorf("a mentor online: %+v", a)
	}
	for _, p := range []*mergetest.Phone{s.owner, s.staff, s.mentor} {
		if a := s.send(p, s.make(p, "enrolment_event", key("phone "+p.User), with(set, map[string]merge.Value{"seen": merge.Value("[]")})))[0]; a.Code != "forbidden" {
			t.Errorf("a phone: %+v", a)
		}
	}
	if a := s.writeAs(merge.Admin, s.admin, "enrolment_event", key("other"), with(set, texts("programme_id", key("elsewhere")))); a.Code != "invalid_value" {
		t.Errorf("of another programme: %+v", a)
	}
	if got := s.Row("enrolment", key("enrolment")).Text("state"); got != domain.EnrolmentActive {
		t.Errorf("it is %s", got)
	}
}

// taskSteps say how a task gets to where each operation is legal, and who makes it there:
// a person with a phone, or somebody online.
func taskSteps() map[string]struct {
	origin, who string
	before      []do
} {
	type step = struct {
		origin, who string
		before      []do
	}
	submitted := []do{{"owner", "submit", ""}}
	return map[string]step{
		"start": {domain.OriginTemplate, "owner", nil}, "submit": {domain.OriginTemplate, "owner", nil}, "block": {domain.OriginTemplate, "mentor", nil},
		"unblock": {domain.OriginTemplate, "owner", []do{{"owner", "block", ""}}}, "verify": {domain.OriginTemplate, "mentor", submitted},
		"return": {domain.OriginTemplate, "mentor", submitted}, "cancel": {domain.OriginMentor, "mentor", nil},
		"accept": {domain.OriginOwnerRequest, "mentor", nil}, "refuse": {domain.OriginOwnerRequest, "mentor", nil},
		"reopen": {domain.OriginTemplate, "mentor online", []do{{"mentor", "verify", ""}}},
	}
}

// TestTasksStopWhileAProgrammePauses: every operation on tasks, by what happened to the
// enrolment and what of that the phone had heard when the operation was made. What nobody
// could know refuses nothing.
func TestTasksStopWhileAProgrammePauses(t *testing.T) {
	tests := []struct {
		name         string
		ops          []string // on the enrolment, an hour apart from one on
		heard, made  merge.Millis
		phone, there bool // is the operation taken: from a phone, and online
	}{
		{"it takes part", nil, 0, 1, true, true},
		{"it pauses, and the phone knows", []string{"pause"}, 2, 3, false, false},
		{"it pauses, and the phone does not", []string{"pause"}, 0, 3, true, false},
		{"it was made before, and arrives behind", []string{"pause"}, 0, 0, true, false},
		{"it goes on, and the phone knows both", []string{"pause", "resume"}, 3, 4, true, true},
		{"it goes on behind what the phone did knowing of the pause", []string{"pause", "resume"}, 1, 1, false, true},
		{"it goes on before, and the phone knows of the pause alone", []string{"pause", "resume"}, 1, 5, true, true},
		{"it goes on, and the phone knows of neither", []string{"pause", "resume"}, 0, 1, true, true},
		{"it pauses again, and the phone knows of the first time", []string{"pause", "resume", "pause"}, 2, 6, true, false},
		{"it pauses again, and the phone knows", []string{"pause", "resume", "pause"}, 4, 6, false, false},
		{"it is completed", []string{"complete"}, 3, 4, true, true},
		{"it ended", []string{"withdraw"}, 3, 4, true, true},
		{"it ended in a pause", []string{"pause", "withdraw"}, 3, 4, true, true},
		{"it ended in a pause that the phone knows of", []string{"pause", "withdraw"}, 1, 5, true, true},
	}
	const hour = merge.Millis(3600_000)
	steps := taskSteps()
	for _, tt := range tests {
		for op, step := range steps {
			t.Run(tt.name+", "+op, func(t *testing.T) {
				s := newScene(t)
				enrolled(s)
				s.write("task", key("k"), texts("title", "Foto produk", "origin", step.origin, "programme_id", key("programme")))
				if step.origin == domain.OriginMentor {
					s.must(s.send(s.mentor, s.make(s.mentor, "task", key("own"), texts("title", "Foto produk", "origin", step.origin, "programme_id", key("programme"))))[0])
				}
				var seen []string
				for i, d := range step.before {
					s.must(s.act(d, letter(i)))
					seen = append(seen, key(letter(i)))
				}
				began := s.now + hour/2
				for i, enrol := range tt.ops {
					s.now = began + merge.Millis(i)*hour
					s.must(s.enrol(enrol, "because"))
				}
				s.now = began + 10*hour
				set := event(op, seen...)
				if step.origin == domain.OriginMentor {
					set["task_id"] = merge.Str(key("own"))
				}
				want, a := tt.phone, merge.Answer{}
				if step.who == "mentor online" {
					want = tt.there
					a = s.push(step.who, key("x"), set)
				} else {
					p := map[string]*mergetest.Phone{"owner": s.owner, "mentor": s.mentor}[step.who]
					made := began - hour/2 + tt.made*hour
					r := merge.Reading{Wall: made, Mono: int64(made), Boot: "b", Server: began - hour/2 + tt.heard*hour}
					a = s.send(p, p.Item(s.Name, merge.Mutation{Collection: "task_event", ID: key("x"), At: r, Set: set}))[0]
				}
				if got := a.Outcome == merge.Applied; got != want || !want && a.Code != "enrolment_paused" {
					t.Errorf("taken %t, want %t: %+v", got, want, a)
				}
			})
		}
	}
	c, _ := domain.MustCatalogue().Collection("task_event")
	f, _ := c.Field("op")
	for _, op := range f.Type.Enum {
		if _, ok := steps[op]; !ok {
			t.Errorf("%s is not in the table", op)
		}
	}
}

// TestWhatRests: by the task and the enrolments of its business.
func TestWhatRests(t *testing.T) {
	enrolment := func(name, programme, state string) merge.Row {
		return merge.Row{Key: merge.Key{Collection: "enrolment", ID: key(name)}, Fields: texts("programme_id", programme, "state", state)}
	}
	planned := merge.Row{Key: merge.Key{Collection: "task", ID: domain.PlanTaskID(key("first"), "story")}, Fields: texts("programme_id", "p", "origin", "template", "template_code", "story")}
	own := merge.Row{Key: merge.Key{Collection: "task", ID: key("own")}, Fields: texts("programme_id", "p", "origin", "mentor")}
	loose := merge.Row{Key: merge.Key{Collection: "task", ID: key("loose")}, Fields: texts("origin", "mentor")}
	tests := []struct {
		name                       string
		enrolments                 []merge.Row
		wantPlanned, wantOwn, none string
	}{
		{"nothing", nil, "", "", ""},
		{"active", []merge.Row{enrolment("first", "p", "active")}, "", "", ""},
		{"paused", []merge.Row{enrolment("first", "p", "paused")}, "paused", "paused", ""},
		{"completed", []merge.Row{enrolment("first", "p", "completed")}, "completed", "", ""},
		{"withdrawn", []merge.Row{enrolment("first", "p", "withdrawn")}, "withdrawn", "", ""},
		{"of another programme", []merge.Row{enrolment("first", "q", "paused")}, "", "", ""},
		{"ended, and taken part in anew", []merge.Row{enrolment("first", "p", "withdrawn"), enrolment("second", "p", "active")}, "withdrawn", "", ""},
		{"the same the other way round", []merge.Row{enrolment("second", "p", "active"), enrolment("first", "p", "withdrawn")}, "withdrawn", "", ""},
		{"the other one pauses", []merge.Row{enrolment("first", "p", "active"), enrolment("second", "p", "paused")}, "", "", ""},
		{"deleted", []merge.Row{{Key: merge.Key{Collection: "enrolment", ID: key("first")}, Deleted: true, Fields: texts("programme_id", "p", "state", "paused")}}, "", "", ""},
	}
	for _, tt := range tests {
		a, b, c := domain.TaskRests(tt.enrolments, planned), domain.TaskRests(tt.enrolments, own), domain.TaskRests(tt.enrolments, loose)
		if a != tt.wantPlanned || b != tt.wantOwn || c != tt.none {
			t.Errorf("%s: planned %q, own %q, loose %q", tt.name, a, b, c)
		}
	}
}

// TestWhatRestsIsNotDue: nobody is reminded of it, and it is neither near nor overdue nor
// late.
func TestWhatRestsIsNotDue(t *testing.T) {
	for state, quiet := range map[string]bool{domain.EnrolmentActive: false, domain.EnrolmentPaused: true, domain.EnrolmentCompleted: true, domain.EnrolmentWithdrawn: true} {
		rows := append(remindable("task", texts("state", domain.TaskAssigned, "title", "Foto produk", "due_on", "2022-06-17", "programme_id", "p", "origin", "template")),
			merge.Row{Key: merge.Key{Collection: "enrolment", ID: key("e")}, Fields: texts("programme_id", "p", "state", state)})
		for _, day := range []domain.Date{"2022-06-16", "2022-06-20"} {
			if got := dues(rows, day); (len(got) == 0) != quiet {
				t.Errorf("%s, on %s: %v", state, day, got)
			}
		}
		if got := rung(t, rows, "2022-06-17T00:05Z"); (len(got) == 0) != quiet {
			t.Errorf("%s: %v", state, got)
		}
		late := append(slices.Clone(rows), merge.Row{Key: merge.Key{Collection: "task_event", ID: key("s")}, Fields: texts("task_id", key("r"), "op", "submit", "created_at", "2022-06-18T00:00:00.000Z")})
		late[1].Fields = with(late[1].Fields, texts("state", domain.TaskSubmitted))
		if got := dues(late, "2022-06-20"); (len(got) == 0) != quiet {
			t.Errorf("%s, submitted late: %v", state, got)
		}
	}
}

// TestDaysOfAPause: by the days of the business, not by hours.
func TestDaysOfAPause(t *testing.T) {
	pause := merge.Row{Key: merge.Key{Collection: "enrolment_event", ID: key("a")}, Fields: texts("op", "pause", "created_at", "2022-04-11T16:30:00.000Z")}
	resume := merge.Row{Key: merge.Key{Collection: "enrolment_event", ID: key("b")}, Fields: with(texts("op", "resume", "created_at", "2022-04-14T00:00:00.000Z"),
		map[string]merge.Value{"seen": merge.Encode([]string{key("a")})})}
	tests := []struct {
		ops  []merge.Row
		now  string
		zone domain.Zone
		want int
	}{
		{nil, "2022-04-20T00:00Z", domain.WIB, 0}, {[]merge.Row{pause}, "2022-04-11T16:59Z", domain.WIB, 0}, {[]merge.Row{pause}, "2022-04-11T17:00Z", domain.WIB, 1},
		{[]merge.Row{pause}, "2022-04-12T15:59Z", domain.WITA, 0}, {[]merge.Row{pause}, "2022-04-25T10:00Z", domain.WIB, 14}, {[]merge.Row{pause, resume}, "2022-04-25T10:00Z", domain.WIB, 0},
	}
	for _, tt := range tests {
		if got := domain.PauseDays(tt.ops, merge.Millis(utc(tt.now).UnixMilli()), tt.zone); got != tt.want {
			t.Errorf("%d operations, %s %s: %d days, want %d", len(tt.ops), tt.now, tt.zone, got, tt.want)
		}
	}
}

// TestAMentorsDateCountsBesideThePause: the server's move of a date is the weakest writer.
func TestAMentorsDateCountsBesideThePause(t *testing.T) {
	s := newScene(t)
	s.write("task", key("k"), texts("title", "Foto produk", "origin", domain.OriginTemplate, "due_on", "2022-05-01"))
	base := &merge.Base{Generation: s.Generation, Version: s.Applied}
	made := s.tick()
	move := merge.ServerWrite{Name: "resume.x", Collection: "task", ID: key("k"), Op: merge.Put, Set: texts("due_on", "2022-05-15")}
	s.must(s.Commit(s.tick(), []*merge.Part{{Writes: []merge.ServerWrite{move}}}).Answers[0][0][0])
	if got := s.Row("task", key("k")).Text("due_on"); got != "2022-05-15" {
		t.Fatalf("it is due on %s", got)
	}
	s.must(s.send(s.mentor, s.mentor.Item(s.Name, merge.Mutation{Collection: "task", ID: key("k"), At: at(made), Base: base, Set: texts("due_on", "2022-05-07")}))[0])
	if got := s.Row("task", key("k")).Text("due_on"); got != "2022-05-07" {
		t.Errorf("the mentor wrote 7 May without having seen the move, and it is due on %s", got)
	}
}

// TestTheTitleOfATask: English for who reads it, until somebody writes another one.
func TestTheTitleOfATask(t *testing.T) {
	planned := texts("title", "Foto tiga produk", "title_id", "Foto tiga produk", "title_en", "Photos of three products")
	tests := []struct {
		fields map[string]merge.Value
		lang   message.Lang
		want   string
	}{
		{planned, message.ID, "Foto tiga produk"}, {planned, message.EN, "Photos of three products"}, {with(planned, texts("title", "Foto lima produk")), message.EN, "Foto lima produk"},
		{texts("title", "Foto"), message.EN, "Foto"}, {with(planned, map[string]merge.Value{"title_en": nil}), message.EN, "Foto tiga produk"},
	}
	for _, tt := range tests {
		if got := domain.TaskTitle(merge.Row{Fields: tt.fields}, tt.lang); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.lang, got, tt.want)
		}
	}
}
