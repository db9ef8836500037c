package programme_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// takingPart lets n owners of a contest confirm, and gives their enrolments.
func (c *contest) takingPart(n int) []programme.Enrolled {
	c.Helper()
	c.decided()
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
	for _, f := range c.files(c.edition) {
		if n > 0 && c.application(f).Text("state") == domain.ApplicationOffered {
			c.says(f, "confirm")
			n--
		}
	}
	c.due()
	return c.enrolments(programme.EnrolmentFilter{}, c.admin, 100)
}

// enrolments reads a list to its end, some at a time.
func (c *contest) enrolments(f programme.EnrolmentFilter, who store.User, limit int) (out []programme.Enrolled) {
	c.Helper()
	for at, more := (store.Position{}), true; more; {
		var page []programme.Enrolled
		var err error
		page, at, more, err = c.Enrolments(c.Context(), c.as(who), c.edition.ID, at, limit, f)
		c.unless(err)
		if len(page) > limit || more && len(page) < limit {
			c.Errorf("a page of %d, more %t; at most %d", len(page), more, limit)
		}
		out = append(out, page...)
	}
	return out
}

// enrols has the admin operate on an enrolment as it is now, and wants the code, "" for none.
func (c *contest) enrols(e programme.Enrolled, op, reason, code string) programme.Outcome {
	c.Helper()
	r, err := c.Record(c.Context(), c.as(c.admin), e.Business, "enrolment", e.ID)
	c.unless(err)
	out, err := c.OperateEnrolment(c.Context(), c.as(c.admin), c.edition.ID, e.ID, r.Version, op, reason)
	if got := fault.CodeOf(err); err != nil && got != code || err == nil && code != "" {
		c.Errorf("%s: %v, want %q", op, err, code)
	}
	return out
}

// tasksOf are the tasks of a business by the code of the template.
func (c *contest) tasksOf(e programme.Enrolled) map[string]merge.Row {
	out := map[string]merge.Row{}
	for _, t := range c.scope("business/"+e.Business, "task") {
		out[t.Text("template_code")] = t
	}
	return out
}

// TestAPauseMovesThePlan: by its days, what is not done and nobody dated otherwise; the
// history says so.
func TestAPauseMovesThePlan(t *testing.T) {
	c := open(t).contest(3)
	e := c.takingPart(1)[0]
	before := c.tasksOf(e)
	if len(before) != 24 || before["ten_listings"].Text("title_en") != "List ten products" || len(before["ten_listings"].Strings("depends_on")) != 2 {
		t.Fatalf("%d tasks; %v", len(before), before["ten_listings"].Fields)
	}
	mentor := c.person(80, "mentor")
	_, err := c.Assign(t.Context(), c.as(c.admin), e.Business, programme.NewAssignment{Mentor: mentor.ID, Programme: c.edition.ID})
	c.unless(err)
	writes := func(author string, role merge.Role, collection, record string, create bool, set map[string]merge.Value) {
		t.Helper()
		c.wrote++
		_, err := c.Engine.Write(t.Context(), "business/"+e.Business, merge.ServerWrite{Name: fmt.Sprint("person.", c.wrote), Author: author, Role: role, Collection: collection, ID: record,
			Op: merge.Put, Create: create, Set: set})
		c.unless(err)
	}
	text := func(kv ...string) map[string]merge.Value {
		out := map[string]merge.Value{}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i]] = merge.Str(kv[i+1])
		}
		return out
	}
	c.clock.Set(time.Date(2022, 3, 25, 3, 0, 0, 0, time.UTC))
	writes(mentor.ID, merge.Mentor, "task", before["story"].ID, false, text("due_on", "2022-04-30"))
	writes(mentor.ID, merge.Mentor, "task_event", c.ids.New(), true, text("task_id", before["nib_check"].ID, "op", "verify"))
	writes(mentor.ID, merge.Mentor, "task", c.ids.New(), true, text("title", "Kunjungi toko", "origin", "mentor", "programme_id", c.edition.ID, "due_on", "2022-04-20", "template_code", "own"))
	c.clock.Set(time.Date(2022, 4, 4, 16, 30, 0, 0, time.UTC)) // half an hour before midnight
	c.enrols(e, "pause", "Pemilik sakit", "")
	c.clock.Set(time.Date(2022, 4, 18, 1, 0, 0, 0, time.UTC))
	c.enrols(e, "resume", "", "")
	after := c.tasksOf(e)
	for code, was := range before {
		want := domain.Date(was.Text("due_on")).AddDays(14)
		switch code {
		case "story":
			want = "2022-04-30"
		case "nib_check":
			want = domain.Date(was.Text("due_on"))
		}
		if got := domain.Date(after[code].Text("due_on")); got != want {
			t.Errorf("%s was due on %s, and is on %s; want %s", code, was.Text("due_on"), got, want)
		}
	}
	if got := after["own"].Text("due_on"); got != "2022-04-20" {
		t.Errorf("what the mentor added is due on %s", got)
	}
	if history := string(after["shop_opening"].Fields["due_dates"]); !slices.Equal(datesIn(history), []string{"2022-04-09", "2022-03-26"}) {
		t.Errorf("the history of a date: %s", history)
	}
	c.enrols(e, "pause", "Lagi", "")
	c.enrols(e, "resume", "", "")
	if got := c.tasksOf(e)["shop_opening"].Text("due_on"); got != "2022-04-09" {
		t.Errorf("a pause of no day moved a date to %s", got)
	}
	c.clock.Set(time.Date(2022, 4, 19, 1, 0, 0, 0, time.UTC))
	c.enrols(e, "pause", "Lagi", "")
	c.clock.Set(time.Date(2022, 4, 21, 1, 0, 0, 0, time.UTC))
	c.enrols(e, "resume", "", "")
	if got := c.tasksOf(e)["shop_opening"].Text("due_on"); got != "2022-04-11" {
		t.Errorf("the next pause moved it to %s", got)
	}
	load, err := c.Caseload(t.Context(), c.as(mentor), mentor.ID, "", 10)
	c.unless(err)
	if all := load.Businesses; len(all) != 1 || all[0].Progress.Enrolment != domain.EnrolmentActive || all[0].Adjustments[domain.AdjustAdded] != 1 || all[0].Adjustments[domain.AdjustDueMoved] != 23 {
		t.Errorf("the caseload: %+v", all)
	}
}

// datesIn lists the days of a history, newest first.
func datesIn(history string) (out []string) {
	for i := 0; i+10 <= len(history); i++ {
		if history[i:i+3] == "202" && history[i-1] == '"' && history[i+10] == '"' {
			out = append(out, history[i:i+10])
		}
	}
	return out
}

// TestWhatAnAdminDoesToAnEnrolment: who may, what is refused, and what a request said twice
// comes to.
func TestWhatAnAdminDoesToAnEnrolment(t *testing.T) {
	c := open(t).contest(4)
	all := c.takingPart(3)
	if len(all) != 3 {
		t.Fatalf("%d take part", len(all))
	}
	e, owner, lampung, bali := all[0], c.person(90), c.person(91), c.person(92)
	for _, u := range []store.User{lampung, bali} {
		_, err := c.auth.ChangeRights(t.Context(), u.ID, roles("regional_admin", map[string]string{lampung.ID: "18", bali.ID: "51"}[u.ID]))
		c.unless(err)
	}
	for who, code := range map[string]string{owner.ID: "forbidden", lampung.ID: "forbidden"} {
		_, err := c.OperateEnrolment(t.Context(), programme.Caller{User: who, Name: "x", Proved: true}, c.edition.ID, e.ID, e.Record.Version, "pause", "x")
		if fault.CodeOf(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	for _, tt := range []struct{ programme, enrolment, op, reason, code string }{
		{c.edition.ID, c.ids.New(), "pause", "x", "not_found"}, {c.ids.New(), e.ID, "pause", "x", "not_found"}, {c.edition.ID, "x", "pause", "x", "not_found"},
		{c.edition.ID, e.ID, "pause", " ", "reason_required"}, {c.edition.ID, e.ID, "withdraw", "", "reason_required"}, {c.edition.ID, e.ID, "disqualify", "x", "invalid_value"},
		{c.edition.ID, e.ID, "resume", "", "forbidden_transition"},
	} {
		if _, err := c.OperateEnrolment(t.Context(), c.as(c.admin), tt.programme, tt.enrolment, e.Record.Version, tt.op, tt.reason); fault.CodeOf(err) != tt.code {
			t.Errorf("%s %q: %v, want %s", tt.op, tt.reason, err, tt.code)
		}
	}
	again := c.as(c.admin)
	first, err := c.OperateEnrolment(t.Context(), again, c.edition.ID, e.ID, e.Record.Version, "pause", "Pemilik sakit")
	c.unless(err)
	second, err := c.OperateEnrolment(t.Context(), again, c.edition.ID, e.ID, e.Record.Version, "pause", "Pemilik sakit")
	if err != nil || second.ID != first.ID || len(c.scope("business/"+e.Business, "enrolment_event")) != 1 {
		t.Errorf("said twice: %v, %s and %s", err, first.ID, second.ID)
	}
	if _, err := c.OperateEnrolment(t.Context(), c.as(c.other), c.edition.ID, e.ID, e.Record.Version, "withdraw", "x"); fault.CodeOf(err) != "stale_version" {
		t.Errorf("by who had not seen it: %v", err)
	}
	c.enrols(e, "complete", "", "forbidden_transition")
	c.enrols(all[1], "complete", "", "")
	c.enrols(all[2], "withdraw", "Pindah usaha", "")
	if r := c.scope("business/"+e.Business, "enrolment_event")[0]; r.Text("created_by") != c.admin.ID || r.Text("note") != "Pemilik sakit" || r.Text("created_at") == "" {
		t.Errorf("the history: %v", r.Fields)
	}
	for _, tt := range []struct {
		who  store.User
		f    programme.EnrolmentFilter
		want int
	}{
		{c.admin, programme.EnrolmentFilter{}, 3}, {c.admin, programme.EnrolmentFilter{State: "paused"}, 1}, {c.admin, programme.EnrolmentFilter{State: "active"}, 0},
		{c.admin, programme.EnrolmentFilter{State: "completed", Province: "18"}, 1}, {c.admin, programme.EnrolmentFilter{Province: "51"}, 0},
		{lampung, programme.EnrolmentFilter{}, 3}, {bali, programme.EnrolmentFilter{}, 0}, {lampung, programme.EnrolmentFilter{State: "withdrawn"}, 1},
	} {
		for _, limit := range []int{1, 2, 50} {
			if got := c.enrolments(tt.f, tt.who, limit); len(got) != tt.want {
				t.Errorf("%+v by %d: %d, want %d", tt.f, limit, len(got), tt.want)
			}
		}
	}
	if _, _, _, err := c.Enrolments(t.Context(), c.as(owner), c.edition.ID, store.Position{}, 5, programme.EnrolmentFilter{}); fault.CodeOf(err) != "forbidden" {
		t.Errorf("an owner reads who takes part: %v", err)
	}
	c.audiences(map[string]int{"paused": 1, "completed": 1, "withdrawn": 1, "active": 0})
}

// audiences wants so many businesses in the audience of each state of an enrolment.
func (c *contest) audiences(want map[string]int) {
	c.Helper()
	for state, n := range want {
		a, err := c.CreateAnnouncement(c.Context(), c.as(c.admin), map[string]merge.Value{"title_id": merge.Str("Kabar"), "body_id": merge.Str("Isi"),
			"audience": merge.Encode(map[string]any{"programme_id": c.edition.ID, "enrolment_states": []string{state}})})
		c.unless(err)
		p, err := c.PreviewAnnouncement(c.Context(), c.as(c.admin), a.ID)
		c.unless(err)
		if p.Businesses != n {
			c.Errorf("%d businesses are %s, want %d", p.Businesses, state, n)
		}
	}
}

// TestATemplateIsForSomeKinds of programmes: one of another kind may not name it, whether it
// is made or changed.
func TestATemplateIsForSomeKinds(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	items := merge.Encode(domain.BBI90())
	made := func(code string, kinds ...string) string {
		fields := map[string]merge.Value{"name": merge.Str("Rencana"), "items": items}
		if kinds != nil {
			fields["kinds"] = merge.Encode(kinds)
		}
		r, err := o.CreateTemplate(t.Context(), o.as(admin), code, 1, fields)
		o.unless(err)
		return r.ID
	}
	all, some := made("for-all"), made("for-some", "workshop", "follow_on")
	if _, err := o.CreateTemplate(t.Context(), o.as(admin), "for-none", 1, map[string]merge.Value{"name": merge.Str("x"), "items": items, "kinds": merge.Encode([]string{"party"})}); fault.CodeOf(err) != "invalid_value" {
		t.Errorf("a kind that there is not: %v", err)
	}
	for i, tt := range []struct{ kind, template, code string }{{"campaign", all, ""}, {"workshop", all, ""}, {"workshop", some, ""}, {"campaign", some, "template_kind"}} {
		fields := map[string]merge.Value{"name": merge.Str("Program"), "kind": merge.Str(tt.kind), "region_codes": merge.Value(`["18"]`)}
		named := map[string]merge.Value{"plan_template_id": merge.Str(tt.template)}
		e, err := o.CreateProgramme(t.Context(), o.as(admin), fmt.Sprint("later-", i), fields)
		o.unless(err)
		if _, err := o.ChangeProgramme(t.Context(), o.as(admin), e.ID, e.Version, named); fault.CodeOf(err) != tt.code && err != nil || err == nil && tt.code != "" {
			t.Errorf("a %s that is changed: %v, want %q", tt.kind, err, tt.code)
		}
		fields["plan_template_id"] = named["plan_template_id"]
		if _, err := o.CreateProgramme(t.Context(), o.as(admin), fmt.Sprint("at-once-", i), fields); fault.CodeOf(err) != tt.code && err != nil || err == nil && tt.code != "" {
			t.Errorf("a %s: %v, want %q", tt.kind, err, tt.code)
		}
	}
}

// meddling is a store beside which somebody writes just after the tasks of a plan were read.
type meddling struct {
	store.Store
	write func()
}

// Load keeps the promise of store.Store.
func (m *meddling) Load(ctx context.Context, scope string, want store.Want) (store.Loaded, error) {
	got, err := m.Store.Load(ctx, scope, want)
	if write := m.write; write != nil && len(want.Keys) > 20 && want.Keys[0].Collection == "task" {
		m.write = nil
		write()
	}
	return got, err
}

// TestADateThatIsWrittenBesideTheResumptionStays: the mentor writes it between what the
// resumption reads and what it commits.
func TestADateThatIsWrittenBesideTheResumptionStays(t *testing.T) {
	c := open(t).contest(8)
	e := c.takingPart(1)[0]
	before := c.tasksOf(e)
	c.clock.Set(time.Date(2022, 4, 4, 3, 0, 0, 0, time.UTC))
	c.enrols(e, "pause", "Panen", "")
	c.clock.Set(time.Date(2022, 4, 6, 3, 0, 0, 0, time.UTC))
	m := &meddling{Store: c.Engine.Store}
	m.write = func() {
		_, err := c.Engine.Write(t.Context(), "business/"+e.Business, merge.ServerWrite{Name: "mentor", Author: c.ids.New(), Role: merge.Mentor, Collection: "task", ID: before["story"].ID, Op: merge.Put,
			Set: map[string]merge.Value{"due_on": merge.Str("2022-04-30")}})
		c.unless(err)
	}
	c.Engine.Store = m
	c.enrols(e, "resume", "", "")
	if m.write != nil {
		t.Fatal("nobody wrote beside it")
	}
	after := c.tasksOf(e)
	if got := after["story"].Text("due_on"); got != "2022-04-30" {
		t.Errorf("the mentor's date became %s", got)
	}
	if was, is := domain.Date(before["packaging"].Text("due_on")), domain.Date(after["packaging"].Text("due_on")); is != was.AddDays(2) {
		t.Errorf("packaging was due on %s, and is on %s", was, is)
	}
}
