package programme_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// planners are two services on one database, each with an engine of its own, that look at
// the calendar at once.
type planners struct {
	*office
	two   [2]*programme.Service
	wrote int
}

func (o *office) planners() *planners {
	p := &planners{office: o}
	for i := range p.two {
		p.begin(i)
	}
	o.Engine.Steps = o.Steps()
	return p
}

// begin starts one of them anew.
func (p *planners) begin(i int) {
	s := &programme.Service{People: p.auth, Clock: p.clock}
	s.Engine = &syncer.Engine{Store: p.Engine.Store, Schema: p.Engine.Schema, Clock: p.clock, IDs: p.ids, Log: slog.New(slog.DiscardHandler), Steps: s.Steps()}
	p.two[i] = s
}

// look is one look of both, and what follows from it.
func (p *planners) look() {
	p.Helper()
	var both sync.WaitGroup
	errs := make([]error, len(p.two))
	for i, s := range p.two {
		both.Go(func() {
			_, err := s.Remind(context.Background())
			_, announce := s.Announce(context.Background())
			errs[i] = errors.Join(err, announce)
		})
	}
	both.Wait()
	p.unless(errors.Join(errs...))
	p.work()
}

// until lets time pass to an instant, with a look every hour; one of the planners starts anew
// every day.
func (p *planners) until(at string) {
	p.Helper()
	end := moment(at)
	for next := p.clock.Now().Truncate(time.Hour).Add(time.Hour); !next.After(end); next = next.Add(time.Hour) {
		p.clock.Set(next)
		if next.Hour() == 12 {
			p.begin(next.Day() % 2)
		}
		p.look()
	}
	p.clock.Set(end)
}

func moment(s string) time.Time {
	t, err := time.Parse("2006-01-02T15:04Z07:00", s)
	if err != nil {
		panic(err)
	}
	return t
}

// inbox gives the items of some types in somebody's inbox.
func (p *planners) inbox(u store.User, kinds ...string) (out []merge.Row) {
	p.Helper()
	head, err := p.Engine.Store.Head(p.Context(), merge.UserScope(u.ID))
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	p.unless(err)
	page, err := p.Engine.Store.Changed(p.Context(), head.Scope, store.Position{}, head.Applied, 0, 1<<22)
	p.unless(err)
	for i := range page.Records {
		r := merge.Row{Key: page.Records[i].Key()}
		p.unless(json.Unmarshal(page.Records[i].Fields, &r.Fields))
		if r.Collection == "inbox" && slices.Contains(kinds, r.Text("type")) {
			out = append(out, r)
		}
	}
	return out
}

// told lists when somebody was told of some types, such as "N11 2022-06-10T01:00Z".
func (p *planners) told(u store.User, kinds ...string) (out []string) {
	p.Helper()
	for _, r := range p.inbox(u, kinds...) {
		at, err := merge.ParseInstant(r.Text("created_at"))
		p.unless(err)
		out = append(out, r.Text("type")+" "+at.Time().Format("2006-01-02T15:04Z"))
	}
	slices.Sort(out)
	return out
}

func (p *planners) want(what string, got []string, want ...string) {
	p.Helper()
	if !slices.Equal(got, want) {
		p.Errorf("%s: told %v, want %v", what, got, want)
	}
}

// rings wants that the newest item of a type is heard of, or not.
func (p *planners) rings(u store.User, kind string, want bool) {
	p.Helper()
	items := p.inbox(u, kind)
	if len(items) == 0 {
		p.Fatalf("no item %s", kind)
	}
	newest := slices.MaxFunc(items, func(a, b merge.Row) int { return instantOf(a, "created_at").Compare(instantOf(b, "created_at")) })
	_, rows, err := p.two[0].Ringing(p.Context(), u.ID, []string{newest.ID})
	p.unless(err)
	if (len(rows) == 1) != want {
		p.Errorf("%s rings: %t, want %t", kind, len(rows) == 1, want)
	}
}

func instantOf(r merge.Row, field string) time.Time {
	at, err := merge.ParseInstant(r.Text(field))
	if err != nil {
		return time.Time{}
	}
	return at.Time()
}

// writes is a write of somebody in a scope.
func (p *planners) writes(scope string, who store.User, role merge.Role, collection, record string, create bool, set map[string]merge.Value) {
	p.Helper()
	p.wrote++
	_, err := p.Engine.Write(p.Context(), scope, merge.ServerWrite{Name: fmt.Sprint("person.", p.wrote), Author: who.ID, Role: role, Collection: collection, ID: record, Op: merge.Put, Create: create, Set: set})
	p.unless(err)
	p.work()
}

func fieldsOf(kv ...string) map[string]merge.Value {
	out := map[string]merge.Value{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i]] = merge.Str(kv[i+1])
	}
	return out
}

// branch is a business of an owner in a region.
func (p *planners) branch(owner store.User, region string) string {
	p.Helper()
	b, err := p.CreateBusiness(p.Context(), p.as(owner), programme.NewBusiness{ID: p.ids.New(), Name: "Cabang " + region, RegionCode: region, PrimaryCategory: "food_beverage"})
	p.unless(err)
	return "business/" + b.ID
}

// regions are one of each zone.
func regions() map[domain.Zone]string {
	return map[domain.Zone]string{domain.WIB: "18.71", domain.WITA: "73.71", domain.WIT: "91.71"}
}

// TestTheVectorsOfADeadline of the catalogue, in three zones, by two planners that start
// anew now and then; a task that is done is not reminded of.
func TestTheVectorsOfADeadline(t *testing.T) {
	for zone, want := range map[domain.Zone][]string{
		domain.WIB:  {"N11 2022-06-10T01:00Z", "N11 2022-06-14T01:00Z", "N11 2022-06-16T01:00Z", "N11 2022-06-17T01:00Z", "N12 2022-06-18T01:00Z"},
		domain.WITA: {"N11 2022-06-10T00:00Z", "N11 2022-06-14T00:00Z", "N11 2022-06-16T00:00Z", "N11 2022-06-17T00:00Z", "N12 2022-06-18T00:00Z"},
		domain.WIT:  {"N11 2022-06-09T23:00Z", "N11 2022-06-13T23:00Z", "N11 2022-06-15T23:00Z", "N11 2022-06-16T23:00Z", "N12 2022-06-17T23:00Z"},
	} {
		t.Run(zone.Abbreviation(), func(t *testing.T) {
			t.Parallel()
			p := open(t).planners()
			owner := p.person(1)
			scope := p.branch(owner, regions()[zone])
			task, done := p.ids.New(), p.ids.New()
			for _, id := range []string{task, done} {
				p.writes(scope, owner, merge.Mentor, "task", id, true, fieldsOf("title", "Foto produk", "origin", "mentor", "due_on", "2022-06-17"))
			}
			p.writes(scope, owner, merge.Mentor, "task_event", p.ids.New(), true, fieldsOf("task_id", done, "op", "verify"))
			p.clock.Set(moment("2022-06-09T20:00Z"))
			p.until("2022-06-19T03:00Z")
			p.want("owner", p.told(owner, domain.NoticeTaskDue, domain.NoticeTaskOverdue), want...)
			p.rings(owner, domain.NoticeTaskOverdue, true)
			p.writes(scope, owner, merge.Mentor, "task_event", p.ids.New(), true, fieldsOf("task_id", task, "op", "verify"))
			p.rings(owner, domain.NoticeTaskOverdue, false)
		})
	}
}

// TestADraftOfTwoPlanners: what is submitted is reminded of no more, and its owner is told
// the number once, with the day of the results.
func TestADraftOfTwoPlanners(t *testing.T) {
	t.Parallel()
	o := open(t)
	e := o.opened("lagawi-fest-2022", "phases", `[{"code":"registration","starts_on":"2022-02-27","ends_on":"2022-03-06"},{"code":"curation","starts_on":"2022-03-07","ends_on":"2022-03-14"},{"code":"publication","starts_on":"2022-03-17","ends_on":"2022-03-17"}]`)
	p := o.planners()
	a, forgets := o.applicant(1, e, "18.71"), o.applicant(2, e, "18.71")
	p.work()
	p.until("2022-03-05T04:00Z")
	p.rings(a.owner, domain.NoticeRegistrationCloses, true)
	a.does("submit")
	p.work()
	p.rings(a.owner, domain.NoticeRegistrationCloses, false)
	p.until("2022-03-07T04:00Z")
	p.want("who submits", p.told(a.owner, domain.NoticeRegistrationCloses), "N05 2022-03-03T01:00Z", "N05 2022-03-05T01:00Z")
	p.want("who forgets", p.told(forgets.owner, domain.NoticeRegistrationCloses), "N05 2022-03-03T01:00Z", "N05 2022-03-05T01:00Z", "N05 2022-03-06T01:00Z")
	p.rings(forgets.owner, domain.NoticeRegistrationCloses, false) // it is closed
	in := p.inbox(a.owner, domain.NoticeApplicationIn)
	if len(in) != 1 || string(in[0].Fields["params"]) != `{"number":"LGW22-00001","on":"2022-03-17"}` || p.inbox(forgets.owner, domain.NoticeApplicationIn) != nil {
		t.Errorf("received: %v", in)
	}
	for range 2 { // carried out again
		p.unless(p.two[1].Steps()[domain.StepTellApplication](t.Context(), merge.Effect{Scope: "business/" + a.business, Collection: "application", ID: a.application}))
	}
	if got := p.inbox(a.owner, domain.NoticeApplicationIn); len(got) != 1 {
		t.Errorf("%d items", len(got))
	}
}

// TestAReturnSaysUntilWhen, while people may register; each return is told of once, and no
// more once it was answered.
func TestAReturnSaysUntilWhen(t *testing.T) {
	t.Parallel()
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	p := o.planners()
	a := o.applicant(1, e, "73.71") // outside of its provinces
	a.does("submit")
	p.work()
	back := p.inbox(a.owner, domain.NoticeApplicationBack)
	if len(back) != 1 || string(back[0].Fields["params"]) != `{"until":"2022-03-06T16:59:00.000Z"}` {
		t.Fatalf("returned: %v", back)
	}
	p.rings(a.owner, domain.NoticeApplicationBack, true)
	p.unless(p.two[1].Steps()[domain.StepTellApplication](t.Context(), merge.Effect{Scope: "business/" + a.business, Collection: "application", ID: a.application}))
	a.does("withdraw")
	p.rings(a.owner, domain.NoticeApplicationBack, false)
	late := o.applicant(2, e, "18.71")
	p.clock.Set(moment("2022-03-06T17:00Z"))
	late.does("submit")
	p.work()
	if got := p.inbox(late.owner, domain.NoticeApplicationBack); len(got) != 1 || got[0].Fields["params"] != nil {
		t.Errorf("too late: %v", got)
	}
	if got := p.inbox(a.owner, domain.NoticeApplicationBack, domain.NoticeApplicationIn); len(got) != 1 {
		t.Errorf("%d items", len(got))
	}
}

// TestAnOfferOfTwoPlanners: reminded of the day before and on the day, until it is answered.
func TestAnOfferOfTwoPlanners(t *testing.T) {
	t.Parallel()
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	p := o.planners()
	a, silent := o.applicant(1, e, "18.71"), o.applicant(2, e, "18.71")
	for _, who := range []*applicant{a, silent} {
		who.does("submit")
		p.work()
		p.clock.Set(moment("2022-03-17T03:00Z"))
		set := fieldsOf("application_id", who.application, "op", "offer", "confirm_by", "2022-03-20T17:00:00.000Z")
		p.writes("business/"+who.business, store.User{}, merge.System, "application_event", p.ids.New(), true, set)
		p.clock.Set(moment("2022-03-06T03:00Z"))
	}
	p.clock.Set(moment("2022-03-17T04:00Z"))
	p.until("2022-03-19T02:00Z")
	p.rings(a.owner, domain.NoticeConfirm, true)
	a.does("confirm")
	p.rings(a.owner, domain.NoticeConfirm, false)
	p.until("2022-03-21T02:00Z")
	p.want("who confirms", p.told(a.owner, domain.NoticeConfirm), "N07 2022-03-19T01:00Z")
	p.want("who does not", p.told(silent.owner, domain.NoticeConfirm), "N07 2022-03-19T01:00Z", "N07 2022-03-20T01:00Z")
	p.rings(silent.owner, domain.NoticeConfirm, false) // it has lapsed
}

// TestAVisitOfTwoPlanners, in three zones; one that is moved or called off is told of as it
// stands, also if that comes to be known late.
func TestAVisitOfTwoPlanners(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	owner, mentor, admin := p.person(1), p.person(2, "mentor"), p.person(3, "admin")
	visits := map[domain.Zone][3]string{} // that stays, that is moved, that is called off
	scopes := map[domain.Zone]string{}
	for zone, region := range regions() {
		scope := p.branch(owner, region)
		_, err := p.Assign(t.Context(), p.as(admin), scope[len("business/"):], programme.NewAssignment{Mentor: mentor.ID})
		p.unless(err)
		three := [3]string{p.ids.New(), p.ids.New(), p.ids.New()}
		for _, v := range three {
			p.writes(scope, mentor, merge.Mentor, "visit", v, true, fieldsOf("kind", "visit", "planned_at", "2022-06-17T03:00:00.000Z"))
		}
		visits[zone], scopes[zone] = three, scope
	}
	p.clock.Set(moment("2022-06-15T12:30Z"))
	for zone, three := range visits {
		p.writes(scopes[zone], mentor, merge.Mentor, "visit", three[1], false, fieldsOf("planned_at", "2022-06-20T03:00:00.000Z"))
		p.writes(scopes[zone], mentor, merge.Mentor, "visit_event", p.ids.New(), true, fieldsOf("visit_id", three[2], "op", "cancel", "reason_code", "rain"))
	}
	p.until("2022-06-20T06:00Z")
	want := []string{}
	for _, day := range []string{"2022-06-16", "2022-06-19"} {
		for _, hour := range []string{"08", "09", "10"} {
			want = append(want, "visit_tomorrow "+day+"T"+hour+":00Z")
		}
	}
	for _, u := range []store.User{owner, mentor} {
		p.want(u.Phone, p.told(u, domain.NoticeVisitTomorrow), want...)
	}
}

// TestALookIsForWhoseHourItIs: between hours a business is left alone, and one of another zone
// too; whatever was due in the half day before is given when its own hour strikes.
func TestALookIsForWhoseHourItIs(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	for n, zone := range []domain.Zone{domain.WIB, domain.WIT} {
		owner := p.person(1 + n)
		p.writes(p.branch(owner, regions()[zone]), owner, merge.Mentor, "task", p.ids.New(), true, fieldsOf("title", "Foto produk", "origin", "mentor", "due_on", "2022-06-17"))
	}
	for _, tt := range []struct {
		since, now string
		want       int
	}{
		{"2022-06-16T12:01Z", "2022-06-16T22:59Z", 0},
		{"2022-06-16T22:59Z", "2022-06-16T23:00Z", 1}, // 8:00 WIT
		{"2022-06-16T23:00Z", "2022-06-17T00:59Z", 0},
		{"2022-06-17T01:00Z", "2022-06-17T08:30Z", 0}, // 17:00 WIT; that of 8:00 WIB was missed
		{"2022-06-17T09:00Z", "2022-06-17T10:00Z", 1}, // 17:00 WIB
		{"2022-06-17T09:00Z", "2022-06-17T10:00Z", 0},
	} {
		p.clock.Set(moment(tt.now))
		got, err := p.RemindSince(t.Context(), moment(tt.since))
		if err != nil || got != tt.want {
			t.Errorf("%s to %s: %d, %v; want %d", tt.since, tt.now, got, err, tt.want)
		}
	}
}
