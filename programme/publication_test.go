package programme_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// decided brings the contest to where its results are decided and nobody knows of them.
func (c *contest) decided() {
	c.Helper()
	c.begun()
	c.selected()
}

// selected has the last stage scored and decided.
func (c *contest) selected() {
	c.Helper()
	c.scored()
	c.decide(3)
	_, err := c.Approve(c.Context(), c.as(c.other), c.edition.ID, 3, c.stage(3).Basis)
	c.unless(err)
	c.work()
}

// scored has every sheet of the last stage filled in.
func (c *contest) scored() {
	c.Helper()
	c.scoredIn(3)
}

// scoredIn has every sheet of a stage filled in: a ranking without equals, in which the earlier
// number is better.
func (c *contest) scoredIn(stage int) {
	c.Helper()
	_, err := c.Share(c.Context(), c.as(c.admin), c.edition.ID, stage, nil)
	c.unless(err)
	c.work()
	files := c.files(c.edition)
	for n := range c.curators {
		for _, d := range c.panel(n) {
			if int(d.Int("stage")) != stage {
				continue
			}
			points := all(50)
			var no int
			i := slices.IndexFunc(files, func(f merge.Row) bool { return f.ID == d.Text("application_id") })
			_, err := fmt.Sscanf(files[i].Text("number"), "LGW22-%d", &no)
			c.unless(err)
			points["quality"], points["uniqueness"], points["packaging"] = 100-no/8, 100-no/8, 100-no/8
			c.scoreIn(n, stage, d.Text("application_id"), points, nil)
		}
	}
	c.work()
}

// publishAt is the instant of the story, 10:00 WIB.
func publishAt() time.Time { return time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC) }

// prepared has the results told at that instant.
func (c *contest) prepared() {
	c.Helper()
	r, err := c.PreparePublication(c.Context(), c.as(c.admin), c.edition.ID, publishAt(), programme.Feedback{"selected": "Selamat!", "reserve": "Cadangan.", "not_selected": "Belum kali ini.", "eliminated": "Belum kali ini."})
	c.unless(err)
	_, err = c.ApprovePublication(c.Context(), c.as(c.other), c.edition.ID, r.Version)
	c.unless(err)
	c.work()
}

// due lets the calendar be looked at and what follows be done, until nothing is left.
func (c *contest) due() {
	c.Helper()
	c.work()
	c.unless(c.Due(c.Context()))
	c.work()
	c.unless(c.Due(c.Context()))
	c.work()
}

// owners' words.
func (c *contest) says(f merge.Row, op string) {
	c.Helper()
	c.wrote++
	_, err := c.Engine.Write(c.Context(), "business/"+f.Text("business_id"), merge.ServerWrite{Name: fmt.Sprint("owner.", c.wrote), Author: f.Text("owner_id"), Role: merge.Owner,
		Collection: "application_event", ID: c.ids.New(), Op: merge.Put, Create: true, Set: map[string]merge.Value{"application_id": merge.Str(f.ID), "op": merge.Str(op)}})
	c.unless(err)
}

// states counts the applications by state, as their owners see them.
func (c *contest) states() map[string]int {
	c.Helper()
	out := map[string]int{}
	for _, f := range c.files(c.edition) {
		out[c.application(f).Text("state")]++
	}
	return out
}

func (c *contest) application(f merge.Row) merge.Row {
	c.Helper()
	r, err := c.Record(c.Context(), c.as(c.admin), f.Text("business_id"), "application", f.ID)
	c.unless(err)
	return r.Row
}

// TestResultsAreToldAtTheirInstantToAll is A3: nothing before, one notice each afterwards,
// whoever was selected; and what owners answer fills the thirty places.
func TestResultsAreToldAtTheirInstantToAll(t *testing.T) {
	c := open(t).contest(5)
	c.decided()
	c.prepared()
	before := map[string]merge.Seq{}
	for _, f := range c.files(c.edition) {
		head, err := c.Engine.Store.Head(t.Context(), "business/"+f.Text("business_id"))
		c.unless(err)
		before[f.ID] = head.Applied
	}
	c.clock.Set(publishAt().Add(-time.Second))
	c.due()
	for _, f := range c.files(c.edition) {
		head, err := c.Engine.Store.Head(t.Context(), "business/"+f.Text("business_id"))
		if c.unless(err); head.Applied != before[f.ID] {
			t.Fatalf("%s heard of something a second early", f.Text("number"))
		}
	}
	c.clock.Set(publishAt())
	c.due()
	if got, want := c.states(), map[string]int{"offered": 30, "reserve": 10, "not_selected": 438}; !maps.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	notices := map[string]int{}
	for _, f := range c.files(c.edition) {
		items := c.scope(merge.UserScope(f.Text("owner_id")), "inbox")
		if len(items) != 1 || items[0].Text("type") != domain.NoticeResults {
			t.Fatalf("%s has %d notices", f.Text("number"), len(items))
		}
		notices[string(items[0].Fields["params"])+items[0].Text("deep_link")]++
		if c.application(f).Text("feedback") == "" {
			t.Errorf("%s without words", f.Text("number"))
		}
	}
	if len(notices) != 1 {
		t.Errorf("notices differ: %v", notices)
	}
	var offered []merge.Row
	for _, f := range c.files(c.edition) {
		a := c.application(f)
		if a.Text("state") == domain.ApplicationOffered {
			offered = append(offered, f)
		}
		want := int64(0)
		if a.Text("state") == domain.ApplicationReserve {
			want = f.Int("rank") - 30
		}
		if got := a.Int("reserve_no"); got != want || want < 0 {
			t.Errorf("rank %d is %s with number %d of the reserve", f.Int("rank"), a.Text("state"), got)
		}
	}
	for _, f := range offered[1:] {
		c.says(f, "confirm")
	}
	c.says(offered[0], "decline")
	c.due()
	if got := c.states(); got["confirmed"] != 29 || got["declined"] != 1 || got["offered"] != 1 || got["reserve"] != 9 {
		t.Fatalf("after the answers: %v", got)
	}
	for _, f := range c.files(c.edition) {
		if c.application(f).Text("state") == domain.ApplicationOffered {
			if f.Text("state") != domain.FileReserve {
				t.Errorf("a place went to %s", f.Text("state"))
			}
			if items := c.scope(merge.UserScope(f.Text("owner_id")), "inbox"); !slices.ContainsFunc(items, func(r merge.Row) bool { return r.Text("type") == domain.NoticePlace }) {
				t.Error("and nobody told them")
			}
			c.says(f, "confirm")
		}
	}
	c.due()
	active, tasks := 0, 0
	for _, f := range c.files(c.edition) {
		tasks += len(c.scope("business/"+f.Text("business_id"), "task"))
		for _, e := range c.scope("business/"+f.Text("business_id"), "enrolment") {
			if e.Text("state") == "active" && e.Text("application_id") == f.ID {
				active++
			}
		}
	}
	if active != 30 || tasks != 720 || c.states()["reserve"] != 9 {
		t.Errorf("%d take part, %d tasks; %v", active, tasks, c.states())
	}
}

// TestWhoDoesNotAnswerLosesThePlace at the end of the third day, to the next of the reserve.
func TestWhoDoesNotAnswerLosesThePlace(t *testing.T) {
	c := open(t).contest(6)
	c.decided()
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
	c.clock.Set(time.Date(2022, 3, 20, 16, 59, 59, 0, time.UTC))
	c.due()
	if got := c.states(); got["offered"] != 30 || got["lapsed"] != 0 {
		t.Fatalf("a second early: %v", got)
	}
	c.clock.Set(time.Date(2022, 3, 20, 17, 0, 0, 0, time.UTC))
	c.due()
	if got := c.states(); got["lapsed"] != 30 || got["offered"] != 10 || got["reserve"] != 0 {
		t.Errorf("at the end of the third day: %v", got)
	}
}

// TestAWithdrawalBeforeThePublicationLeavesThePlaceToTheNext, and the owner hears of no
// result.
func TestAWithdrawalBeforeThePublicationLeavesThePlaceToTheNext(t *testing.T) {
	c := open(t).contest(7)
	c.decided()
	c.prepared()
	files := c.files(c.edition)
	at := slices.IndexFunc(files, func(f merge.Row) bool { return f.Text("state") == domain.FileSelected })
	c.says(files[at], "withdraw")
	c.work()
	c.clock.Set(publishAt())
	c.due()
	if got, want := c.states(), map[string]int{"offered": 30, "reserve": 10, "not_selected": 437, "withdrawn": 1}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestWhoPublishesAndWhen(t *testing.T) {
	c := open(t).contest(8)
	if _, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, publishAt(), nil); fault.CodeOf(err) != "stage_not_ready" {
		t.Errorf("before it is decided: %v", err)
	}
	c.decided()
	if _, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, c.clock.Now().Add(-time.Second), nil); fault.CodeOf(err) != "invalid_value" {
		t.Errorf("in the past: %v", err)
	}
	for name, words := range map[string]programme.Feedback{"no result of that name": {"best": "Selamat!"}, "an escape": {domain.FileSelected: "Selamat!\x1b[2J"}, "too many of them": {domain.FileReserve: strings.Repeat("x", 2001)}} {
		if _, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, publishAt(), words); fault.CodeOf(err) != "invalid_value" {
			t.Errorf("words that nobody could be told, %s: %v", name, err)
		}
	}
	if _, err := c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, programme.Version{}); fault.CodeOf(err) != "stage_not_ready" {
		t.Errorf("without anything prepared: %v", err)
	}
	r, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, publishAt(), nil)
	c.unless(err)
	if _, err := c.ApprovePublication(t.Context(), c.as(c.admin), c.edition.ID, r.Version); fault.CodeOf(err) != "same_person" {
		t.Errorf("by the same: %v", err)
	}
	again, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, publishAt().Add(time.Hour), nil)
	c.unless(err)
	if _, err := c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, r.Version); fault.CodeOf(err) != "stale_version" {
		t.Errorf("what was prepared before: %v", err)
	}
	_, err = c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, again.Version)
	c.unless(err)
	if _, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, publishAt(), nil); fault.CodeOf(err) != "publication_approved" {
		t.Errorf("once approved: %v", err)
	}
}

// TestAPublicationSurvivesCrashesAndTwoWorkers: at many calls of the store the process
// dies, and two others go on at once; everybody hears once.
func TestAPublicationSurvivesCrashesAndTwoWorkers(t *testing.T) {
	c := open(t).contest(9)
	c.decided()
	c.prepared()
	c.clock.Set(publishAt())
	before := c.Engine.Store.(*storefault.Poor)
	engine, files := c.Engine, c.files(c.edition)
	process := func(s store.Store) *programme.Service {
		p := &programme.Service{People: c.People, Clock: c.Clock}
		p.Engine = &syncer.Engine{Store: s, Schema: engine.Schema, Clock: c.clock, IDs: c.ids, Log: engine.Log, Steps: p.Steps()}
		return p
	}
	for n := 1; n < 6000; n += 797 {
		poor := before.Copy()
		dying := process(storefault.NewFailing(poor, storefault.At(n, storefault.DieAfter), nil).Store())
		_ = dying.Due(t.Context()) // it dies somewhere in here
		_, _ = dying.Engine.Work(t.Context())
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				p := process(poor)
				for range 3 {
					_ = p.Due(context.Background())
					_, _ = p.Engine.Work(context.Background())
				}
			})
		}
		both.Wait()
		c.Service.Engine = process(poor).Engine
		c.Service.Engine.Steps = c.Steps()
		c.due()
		if got, want := c.states(), map[string]int{"offered": 30, "reserve": 10, "not_selected": 438}; !maps.Equal(got, want) {
			t.Fatalf("call %d: %v, want %v", n, got, want)
		}
		for _, f := range files {
			events := c.scope("business/"+f.Text("business_id"), "application_event")
			if items := c.scope(merge.UserScope(f.Text("owner_id")), "inbox"); len(events) != 1 || len(items) != 1 {
				t.Fatalf("call %d: %s heard %d times, %d notices", n, f.Text("number"), len(events), len(items))
			}
		}
	}
}

// TestTheOrderOfTellingSaysNothing: who is selected does not stand first, or together.
func TestTheOrderOfTellingSaysNothing(t *testing.T) {
	c := open(t).contest(10)
	c.decided()
	c.prepared()
	c.clock.Set(publishAt())
	c.unless(c.Due(t.Context()))
	var order bytes.Buffer
	for _, st := range c.scope(domain.GeneralQueue, "job_step") {
		if st.Text("kind") == domain.JobPublish {
			order.Write(st.Fields["input"])
		}
	}
	offers, halves := 0, bytes.Count(order.Bytes()[:order.Len()/2], []byte(`"offer"`))
	offers = bytes.Count(order.Bytes(), []byte(`"offer"`))
	if offers != 30 || halves < 5 || halves > 25 {
		t.Errorf("%d offers, %d in the first half", offers, halves)
	}
}

// TestARegionalAdminHearsOfNoResultEarly: what they read of the files of their province is
// the same to the byte before and after everything is decided, in the same order, and no
// filter tells more; from the instant on they see what was decided.
func TestARegionalAdminHearsOfNoResultEarly(t *testing.T) {
	c := open(t).contest(11)
	lampung := c.person(90)
	_, err := c.auth.ChangeRights(t.Context(), lampung.ID, roles("regional_admin", "18"))
	c.unless(err)
	read := func(keep func(merge.Row) bool) string {
		var out bytes.Buffer
		var at store.Position
		for more := true; more; {
			page, next, again, err := c.Files(t.Context(), c.as(lampung), c.edition.ID, at, 77, keep)
			c.unless(err)
			for _, r := range page {
				out.Write(merge.Encode(r))
			}
			at, more = next, again
		}
		return out.String()
	}
	everything := func(merge.Row) bool { return true }
	selected := func(r merge.Row) bool { return r.Text("state") == domain.FileSelected || r.Fields["rank"] != nil }
	before := read(everything)
	c.decided()
	c.prepared()
	if after := read(everything); after != before || len(before) < 100_000 {
		t.Errorf("%d bytes before, %d after everything was decided", len(before), len(after))
	}
	if got := read(selected); got != "" {
		t.Errorf("a filter tells: %.300s", got)
	}
	c.clock.Set(publishAt())
	c.due()
	if got := read(selected); got == "" {
		t.Error("once it is told they still see nothing")
	}
}

// TestAllOffersOfAPublicationHaveOneDeadline: also where the telling goes over midnight, or begins
// late; who is offered a place that came free has theirs from then, and so has who is told days
// later, because a server stood still.
func TestAllOffersOfAPublicationHaveOneDeadline(t *testing.T) {
	c := open(t).contest(5)
	c.decided()
	c.prepared()
	before := c.Engine.Store.(*storefault.Poor)
	deadlines := func() map[string]int {
		got := map[string]int{}
		for _, f := range c.files(c.edition) {
			if a := c.application(f); a.Text("state") == domain.ApplicationOffered {
				got[a.Text("confirm_by")]++
			}
		}
		return got
	}
	for name, tt := range map[string]struct {
		begins, goes time.Time // the telling begins; and goes on from its tenth step
		want         []string
	}{
		"over midnight": {time.Date(2022, 3, 17, 16, 59, 59, 0, time.UTC), time.Date(2022, 3, 17, 17, 0, 30, 0, time.UTC), []string{"2022-03-20T17:00:00.000Z"}},
		"begun late":    {time.Date(2022, 3, 18, 16, 59, 59, 0, time.UTC), time.Date(2022, 3, 18, 17, 0, 30, 0, time.UTC), []string{"2022-03-21T17:00:00.000Z"}},
		"days later":    {time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC), time.Date(2022, 3, 21, 3, 0, 0, 0, time.UTC), []string{"2022-03-20T17:00:00.000Z", "2022-03-24T17:00:00.000Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.Service.Engine = c.process(before.Copy()).Engine
			c.Service.Engine.Steps = c.Steps()
			c.clock.Set(tt.begins)
			c.unless(c.Due(t.Context()))
			c.unless(c.Steps()[domain.StepTell](t.Context(), merge.Effect{Scope: domain.DecisionScope(c.edition.ID), Collection: "publication", ID: c.publication().ID}))
			steps := slices.DeleteFunc(c.scope(domain.GeneralQueue, "job_step"), func(st merge.Row) bool { return st.Text("kind") != domain.JobPublish })
			for n, st := range steps {
				if n == 9 {
					c.clock.Set(tt.goes)
				}
				c.unless(c.Steps()[domain.JobPublish](t.Context(), merge.Effect{Scope: domain.GeneralQueue, Collection: "job_step", ID: st.ID}))
			}
			if got := deadlines(); !slices.Equal(slices.Sorted(maps.Keys(got)), tt.want) {
				t.Errorf("until %v, want %v", got, tt.want)
			}
		})
	}
	c.clock.Set(time.Date(2022, 3, 19, 3, 0, 0, 0, time.UTC))
	c.Service.Engine = c.process(before.Copy()).Engine
	c.Service.Engine.Steps = c.Steps()
	c.due()
	c.clock.Set(time.Date(2022, 3, 20, 3, 0, 0, 0, time.UTC))
	c.says(c.in(domain.FileSelected)[0], "decline")
	c.due()
	if got, want := deadlines(), map[string]int{"2022-03-22T17:00:00.000Z": 29, "2022-03-23T17:00:00.000Z": 1}; !maps.Equal(got, want) {
		t.Errorf("promoted: %v, want %v", got, want)
	}
}
