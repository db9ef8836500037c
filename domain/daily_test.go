package domain_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// try sends one edit and gives its verdict.
func (s *scene) try(p *mergetest.Phone, collection, id string, set map[string]merge.Value) merge.Verdict {
	s.t.Helper()
	return s.send(p, s.make(p, collection, id, set))[0].Verdict
}

func (s *scene) want(code string, v merge.Verdict) {
	s.t.Helper()
	if v.Code != code || (code == "") != (v.Outcome != merge.Rejected) {
		s.t.Errorf("%+v, want %q", v, code)
	}
}

func TestAVisitWantsATimeThatRunsForward(t *testing.T) {
	s := newScene(t)
	plan := texts("kind", "visit", "planned_at", "2022-04-05T02:00:00.000Z")
	s.want("", s.try(s.mentor, "visit", key("planned"), plan))
	s.want("", s.try(s.mentor, "visit", key("held"), texts("kind", "visit", "started_at", "2022-04-01T02:00:00.000Z", "ended_at", "2022-04-01T04:00:00.000Z")))
	s.want("required", s.try(s.mentor, "visit", key("never"), texts("kind", "visit")))
	s.want("time_reversed", s.try(s.mentor, "visit", key("back"), texts("kind", "visit", "started_at", "2022-04-01T04:00:00.000Z", "ended_at", "2022-04-01T02:00:00.000Z")))
	s.want("forbidden", s.try(s.owner, "visit", key("owner's"), plan))
	if r := s.Row("visit", key("planned")); r.Text("state") != domain.VisitPlanned {
		t.Errorf("state %q", r.Text("state"))
	}
}

func TestTheOwnersSideGivesFeedbackOnAVisit(t *testing.T) {
	s := newScene(t)
	v := key("v")
	s.want("", s.try(s.mentor, "visit", v, texts("kind", "visit", "planned_at", "2022-04-05T02:00:00.000Z")))
	edit := func(p *mergetest.Phone, set map[string]merge.Value) merge.Verdict {
		return s.edit(p, "visit", v, set).Verdict
	}
	s.want("", edit(s.owner, map[string]merge.Value{"owner_rating": merge.Num(int64(5)), "owner_feedback": merge.Str("Sangat membantu.")}))
	s.want("group_incomplete", edit(s.owner, map[string]merge.Value{"owner_rating": merge.Num(int64(5))}))
	for field, v := range map[string]merge.Value{"place_text": merge.Str("x"), "attendance": merge.Encode(map[string]any{"a": map[string]any{"present": true}})} {
		for _, p := range []*mergetest.Phone{s.owner, s.staff} {
			s.want("forbidden", edit(p, map[string]merge.Value{field: v}))
		}
	}
	s.want("forbidden", edit(s.staff, map[string]merge.Value{"owner_rating": merge.Num(int64(5)), "owner_feedback": merge.Str("x")}))
	s.want("forbidden", s.try(s.owner, "visit_event", key("cancel"), with(texts("visit_id", v, "op", "cancel", "note", "x"), map[string]merge.Value{"seen": merge.Encode([]string{})})))
	s.want("forbidden", edit(s.owner, texts("mentor_summary", "x")))
	s.want("forbidden", edit(s.mentor, map[string]merge.Value{"owner_rating": merge.Num(int64(1)), "owner_feedback": merge.Str("")}))
	s.want("", edit(s.mentor, map[string]merge.Value{"attendance": merge.Encode(map[string]any{"bu-rafika": map[string]any{"present": true, "name": "Bu Rafika"}})}))
}

// TestEveryPairOnAVisit holds the precedence done > missed > cancelled, in both
// orders of arrival, and that nothing but planning anew leads out of an end that
// was seen.
func TestEveryPairOnAVisit(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{"done", "missed", domain.VisitDone}, {"done", "cancel", domain.VisitDone}, {"missed", "cancel", domain.VisitMissed},
		{"done", "done", domain.VisitDone}, {"cancel", "cancel", domain.VisitCancelled},
	} {
		permutations(2, func(order []int) {
			s := newScene(t)
			v := key("v")
			s.want("", s.try(s.mentor, "visit", v, texts("kind", "visit", "planned_at", "2022-04-05T02:00:00.000Z")))
			act := func(p *mergetest.Phone, op string) merge.Item {
				return s.make(p, "visit_event", key(op+p.User), with(texts("visit_id", v, "op", op, "note", "hujan"), map[string]merge.Value{"seen": merge.Encode([]string{})}))
			}
			items := []merge.Item{act(s.mentor, tt.a), act(s.mentorB, tt.b)}
			phones := []*mergetest.Phone{s.mentor, s.mentorB}
			for _, i := range order {
				s.want("", s.send(phones[i], items[i])[0].Verdict)
			}
			if got := s.Row("visit", v).Text("state"); got != tt.want {
				t.Errorf("%s beside %s in order %v: %s, want %s", tt.a, tt.b, order, got, tt.want)
			}
			again := with(texts("visit_id", v, "op", "cancel", "note", "x"), map[string]merge.Value{"seen": merge.Encode([]string{items[0].Mutation.ID, items[1].Mutation.ID})})
			s.want("forbidden_transition", s.try(s.mentor, "visit_event", key("late"), again))
		})
	}
}

func TestTwoMentorsMayWriteDownOneVisit(t *testing.T) {
	s := newScene(t)
	held := texts("kind", "visit", "started_at", "2022-04-01T02:00:00.000Z", "ended_at", "2022-04-01T04:00:00.000Z")
	s.want("", s.try(s.mentor, "visit", key("a"), held))
	s.want("", s.try(s.mentorB, "visit", key("b"), held))
	s.want("", s.try(s.mentorB, "visit", key("another day"), with(held, texts("started_at", "2022-03-31T02:00:00.000Z"))))
	for id, want := range map[string][]string{"a": {key("b")}, "b": {key("a")}, "another day": nil} {
		if got := s.Row("visit", key(id)).Strings("possible_duplicate"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", id, got, want)
		}
	}
}

func TestAnOwnersTargetIsAProposal(t *testing.T) {
	s := newScene(t)
	month := with(texts("period", "month", "month", "2022-04", "metric", "total"), map[string]merge.Value{"value": merge.Num(int64(10_000_000))})
	s.want("", s.try(s.owner, "target", key("wish"), with(month, texts("origin", "owner_request"))))
	s.want("", s.try(s.mentor, "target", key("set"), with(month, texts("origin", "mentor"))))
	s.want("forbidden", s.try(s.owner, "target", key("x"), with(month, texts("origin", "mentor"))))
	s.want("forbidden", s.try(s.mentor, "target", key("y"), with(month, texts("origin", "owner_request"))))
	s.want("invalid_value", s.try(s.mentor, "target", key("z"), with(month, texts("origin", "mentor", "period", "programme"))))
	s.want("required", s.try(s.mentor, "target", key("z2"), with(month, texts("origin", "mentor", "period", "programme"), map[string]merge.Value{"month": nil})))
	s.want("forbidden", s.try(s.staff, "target", key("w"), with(month, texts("origin", "mentor"))))
	state := func(name string) string { return s.Row("target", key(name)).Text("state") }
	if state("wish") != "proposed" || state("set") != "active" {
		t.Errorf("%s, %s", state("wish"), state("set"))
	}
	edit := func(p *mergetest.Phone, name string, set map[string]merge.Value) merge.Verdict {
		return s.edit(p, "target", key(name), set).Verdict
	}
	s.want("forbidden", edit(s.owner, "set", map[string]merge.Value{"value": merge.Num(int64(1))}))
	agree := func(n int64) map[string]merge.Value {
		return map[string]merge.Value{"agreed_value": merge.Num(n)}
	}
	s.want("forbidden", edit(s.owner, "wish", agree(10_000_000)))
	s.want("", edit(s.owner, "wish", map[string]merge.Value{"value": merge.Num(int64(12_000_000))}))
	s.want("", edit(s.mentor, "wish", agree(10_000_000)))
	if state("wish") != "proposed" {
		t.Errorf("a mentor agreed to another number than the owner's: %s", state("wish"))
	}
	s.want("", edit(s.mentor, "wish", agree(12_000_000)))
	if got := s.Row("target", key("wish")).Text("duplicate_of"); state("wish") != "active" || got != key("set") {
		t.Errorf("what the mentor set counts before what the owner wished: %s, %q", state("wish"), got)
	}
	s.want("", edit(s.owner, "wish", map[string]merge.Value{"value": merge.Num(int64(1))}))
	if state("wish") != "proposed" {
		t.Errorf("the owner changed the number after the agreement: %s", state("wish"))
	}
	s.want("", edit(s.mentor, "wish", agree(0)))
	if state("wish") != "declined" {
		t.Errorf("declined: %s", state("wish"))
	}
	s.want("", edit(s.mentor, "set", map[string]merge.Value{"dropped": merge.Flag(true)}))
	s.want("", edit(s.mentor, "wish", agree(1)))
	if got := s.Row("target", key("wish")).Text("duplicate_of"); state("set") != "dropped" || state("wish") != "active" || got != "" {
		t.Errorf("the other one is dropped, and this one counts: %s, %q", state("wish"), got)
	}
}

func TestProgressOfATarget(t *testing.T) {
	at := func(day, channel string, version merge.Seq, amount int64) merge.Row {
		return merge.Row{Key: merge.Key{Collection: "sales", ID: key(day + channel)}, Version: version,
			Fields: with(sale(), texts("sold_on", day, "channel", channel), map[string]merge.Value{"amount_idr": merge.Num(amount)})}
	}
	totals := domain.Totals([]merge.Row{at("2022-03-31", "store", 1, 1), at("2022-04-01", "store", 1, 600), at("2022-04-30", "own_site", 0, 399), at("2022-05-01", "store", 1, 5)}, nil)
	target := func(metric string, value int64) merge.Row {
		return merge.Row{Fields: with(texts("period", "month", "month", "2022-04", "metric", metric), map[string]merge.Value{"value": merge.Num(value)})}
	}
	for _, tt := range []struct {
		target merge.Row
		want   domain.Progress
	}{
		{target("total", 1000), domain.Progress{From: "2022-04-01", To: "2022-04-30", Value: 1000, Done: 999, Unsent: 399, Percent: 99}},
		{target("online", 399), domain.Progress{From: "2022-04-01", To: "2022-04-30", Value: 399, Done: 399, Unsent: 399, Percent: 100}},
		{target("orders", 3), domain.Progress{From: "2022-04-01", To: "2022-04-30", Value: 3, Done: 2, Unsent: 1, Percent: 66}},
	} {
		if got := domain.TargetProgress(tt.target, totals); got != tt.want {
			t.Errorf("%+v, want %+v", got, tt.want)
		}
	}
}

func TestAMentionInTheMediaIsHiddenByItsAuthor(t *testing.T) {
	s := newScene(t)
	news := texts("outlet", "Lampung Post", "published_on", "2022-04-01", "kind", "newspaper", "url", "https://lampungpost.id/rafins")
	s.want("", s.try(s.mentor, "publicity", key("p"), news))
	s.want("forbidden", s.try(s.owner, "publicity", key("q"), news))
	hide := map[string]merge.Value{"hidden": merge.Flag(true)}
	s.want("forbidden", s.edit(s.mentorB, "publicity", key("p"), hide).Verdict)
	s.want("immutable_field", s.edit(s.mentor, "publicity", key("p"), texts("outlet", "Radar Lampung")).Verdict)
	s.want("", s.edit(s.mentor, "publicity", key("p"), hide).Verdict)
}

func TestAnOwnerConfirmsWhatAMentorWroteForThem(t *testing.T) {
	s := newScene(t)
	s.want("", s.try(s.mentor, "sales", key("m"), with(sale(), map[string]merge.Value{"on_behalf": merge.Flag(true)})))
	s.want("", s.try(s.owner, "sales", key("o"), sale()))
	confirmed := func(name string) string { return string(s.Row("sales", key(name)).Fields["behalf_confirmed"]) }
	if confirmed("m") != "false" || confirmed("o") != "" {
		t.Errorf("before: %q, %q", confirmed("m"), confirmed("o"))
	}
	confirm := func(p *mergetest.Phone, name, entry string) merge.Verdict {
		return s.try(p, "sale_adjustment", key(name), adjust(key(entry), "confirm", nil, map[string]merge.Value{"reason_code": nil}))
	}
	s.want("forbidden", confirm(s.mentor, "c1", "m"))
	s.want("forbidden_transition", confirm(s.owner, "c2", "o"))
	s.want("", confirm(s.owner, "c3", "m"))
	s.want("", confirm(s.owner, "c4", "m"))
	r := s.Row("sales", key("m"))
	if confirmed("m") != "true" || r.Int("counted_idr") != 1_250_000 || r.Text("state") != domain.SaleRecorded || len(r.Strings("flags")) != 0 {
		t.Errorf("after: %s", r.EncodeFields())
	}
}

// own is a person's own scope with two phones.
func own(t *testing.T) (s *scene, a, b *mergetest.Phone) {
	s = &scene{Scope: mergetest.New(domain.MustCatalogue(), "user/"+key("me")), t: t, now: start}
	s.Self, s.Codec = key("me"), true
	s.write("user", key("me"), texts("phone", "+628117000001"))
	phone := func(name string) *mergetest.Phone {
		return &mergetest.Phone{User: key("me"), Device: name, Incarnation: name}
	}
	return s, phone("a"), phone("b")
}

// TestTheNewestWordPerPurposeRules sends what two phones said in every order.
func TestTheNewestWordPerPurposeRules(t *testing.T) {
	permutations(3, func(order []int) {
		s, a, b := own(t)
		word := func(p *mergetest.Phone, name, purpose string, granted bool, seen ...string) merge.Item {
			if seen == nil {
				seen = []string{}
			}
			return s.make(p, "consent", key(name), with(texts("user_id", key("me"), "purpose", purpose, "text_version", "2022-02-01"),
				map[string]merge.Value{"granted": merge.Flag(granted), "seen": merge.Encode(seen)}))
		}
		items := []merge.Item{word(a, "yes", "publicity", true), word(b, "no", "publicity", false), word(a, "other", "sales_monitoring", true)}
		phones := []*mergetest.Phone{a, b, a}
		for _, i := range order {
			s.want("", s.send(phones[i], items[i])[0].Verdict)
		}
		agrees := func(purpose string) bool { return domain.Consented(s.Row("user", key("me")), purpose) }
		if agrees("publicity") || !agrees("sales_monitoring") || agrees("curation") {
			t.Errorf("order %v: %s", order, s.Row("user", key("me")).EncodeFields())
		}
		s.want("", s.send(b, word(b, "yes again", "publicity", true, key("yes"), key("no")))[0].Verdict)
		if !agrees("publicity") {
			t.Errorf("order %v: a yes by somebody who saw both does not rule", order)
		}
	})
}

func TestTwoPhonesMakeOnePreference(t *testing.T) {
	s, a, b := own(t)
	id := domain.PreferenceID(key("me"))
	first := s.make(a, "preference", id, map[string]merge.Value{"tasks_push": merge.Flag(false)})
	second := s.make(b, "preference", id, with(texts("quiet_from", "20:00", "quiet_to", "07:00")))
	s.want("", s.send(b, second)[0].Verdict)
	s.want("", s.send(a, first)[0].Verdict)
	r := s.Row("preference", id)
	if string(r.Fields["tasks_push"]) != "false" || r.Text("quiet_to") != "07:00" {
		t.Errorf("%s", r.EncodeFields())
	}
	s.want("invalid_value", s.try(a, "preference", key("another"), map[string]merge.Value{"digest": merge.Flag(true)}))
	s.want("invalid_value", s.edit(a, "preference", id, texts("quiet_from", "25:00", "quiet_to", "07:00")).Verdict)
}

// TestAWorkshopIsOneVisitPerBusiness: the parts know each other by their session.
func TestAWorkshopIsOneVisitPerBusiness(t *testing.T) {
	s := newScene(t)
	workshop := texts("kind", "workshop", "planned_at", "2022-04-05T02:00:00.000Z", "session_id", key("session"))
	s.want("", s.try(s.mentor, "visit", key("w"), workshop))
	s.want("required", s.try(s.mentor, "visit", key("x"), with(workshop, map[string]merge.Value{"session_id": nil})))
	s.want("invalid_value", s.try(s.mentor, "visit", key("y"), with(workshop, texts("kind", "visit"))))
	came := map[string]any{}
	for i := range 45 {
		came[fmt.Sprintf("peserta-%d", i)] = map[string]any{"name": fmt.Sprintf("Peserta %d", i), "present": i%2 == 0}
	}
	s.want("", s.edit(s.mentor, "visit", key("w"), map[string]merge.Value{"attendance": merge.Encode(came)}).Verdict)
	s.want("", s.try(s.mentorB, "visit", key("again"), workshop))
	if got := s.Row("visit", key("w")).Strings("possible_duplicate"); !slices.Equal(got, []string{key("again")}) {
		t.Errorf("the session was written down twice: %v", got)
	}
	s.want("", s.try(s.mentorB, "visit", key("another"), with(workshop, texts("session_id", key("another session")))))
	if got := s.Row("visit", key("another")).Strings("possible_duplicate"); got != nil {
		t.Errorf("another session of the day: %v", got)
	}
}

func TestAMissedVisitIsPlannedAgain(t *testing.T) {
	s := newScene(t)
	v := key("v")
	s.want("", s.try(s.mentor, "visit", v, texts("kind", "visit", "planned_at", "2022-04-05T02:00:00.000Z")))
	act := func(op string, seen ...string) merge.Verdict {
		return s.try(s.mentor, "visit_event", key(op), with(texts("visit_id", v, "op", op, "note", "x"), map[string]merge.Value{"seen": merge.Encode(append([]string{}, seen...))}))
	}
	s.want("forbidden_transition", act("plan_again"))
	s.want("", act("missed"))
	s.want("", act("plan_again", key("missed")))
	if got := s.Row("visit", v).Text("state"); got != domain.VisitPlanned {
		t.Errorf("planned again: %s", got)
	}
	s.want("", act("done", key("plan_again")))
	if got := s.Row("visit", v).Text("state"); got != domain.VisitDone {
		t.Errorf("done: %s", got)
	}
}

func TestNothingIsWrittenDownBeforeItHappened(t *testing.T) {
	s := newScene(t)
	news := texts("outlet", "Lampung Post", "kind", "newspaper")
	s.want("", s.try(s.mentor, "publicity", key("today"), with(news, texts("published_on", "2022-04-02"))))
	s.want("date_in_future", s.try(s.mentor, "publicity", key("later"), with(news, texts("published_on", "2022-04-04"))))
	s.want("", s.edit(s.owner, "business", key("b"), map[string]merge.Value{"founded_year": merge.Num(int64(2022))}).Verdict)
	s.want("invalid_value", s.edit(s.owner, "business", key("b"), map[string]merge.Value{"founded_year": merge.Num(int64(2023))}).Verdict)
}
