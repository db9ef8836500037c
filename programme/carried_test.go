package programme_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// process is one more process on a store.
func (c *contest) process(s store.Store) *programme.Service {
	p := &programme.Service{People: c.People, Clock: c.Clock}
	p.Engine = &syncer.Engine{Store: s, Schema: c.Engine.Schema, Clock: c.clock, IDs: c.ids, Log: c.Engine.Log, Steps: p.Steps()}
	return p
}

// in lists the files of a state.
func (c *contest) in(state string) []merge.Row {
	return slices.DeleteFunc(c.files(c.edition), func(f merge.Row) bool { return f.Text("state") != state })
}

// TestNothingIsToldOfADecisionThatIsHalfCarriedOut: the process dies while it writes the last
// stage into the files, at whichever call, and the instant comes before another one goes on.
func TestNothingIsToldOfADecisionThatIsHalfCarriedOut(t *testing.T) {
	c := open(t).contest(7)
	c.begun()
	c.scored()
	c.decide(3)
	_, err := c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, c.stage(3).Basis)
	c.unless(err)
	r, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, publishAt(), nil)
	c.unless(err)
	_, err = c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, r.Version)
	c.unless(err)
	c.clock.Set(publishAt())
	before := c.Engine.Store.(*storefault.Poor)
	for n := 0; n <= 30; n += 5 {
		poor := before.Copy()
		if n > 0 {
			if _, err := c.process(storefault.NewFailing(poor, storefault.At(n, storefault.DieAfter), nil).Store()).Engine.Work(t.Context()); err == nil {
				t.Logf("call %d: nobody died", n)
			}
		}
		p := c.process(poor)
		if err := p.Due(t.Context()); err != nil && fault.KindOf(err) != fault.Transient {
			t.Errorf("call %d: %v", n, err)
		}
		c.Service.Engine = p.Engine
		c.Service.Engine.Steps = c.Steps()
		c.due()
		if got := c.states(); got[domain.ApplicationOffered] != 30 || got[domain.ApplicationReserve] != 10 {
			t.Errorf("call %d: told %v", n, got)
		}
	}
}

// TestAStageWaitsForTheOneBefore: nobody decides on the part of its files that a process has
// brought there before it died.
func TestAStageWaitsForTheOneBefore(t *testing.T) {
	c := open(t).contest(7)
	_, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	c.work()
	_, err = c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 1, c.stage(1).Basis, "BA-1")
	c.unless(err)
	before, part := c.Engine.Store.(*storefault.Poor), 0
	for n := 2; n < 150; n += 4 {
		poor := before.Copy()
		if _, err := c.process(storefault.NewFailing(poor, storefault.At(n, storefault.DieAfter), nil).Store()).Engine.Work(t.Context()); err == nil {
			break
		}
		p := c.process(poor)
		two, err := p.Stage(t.Context(), c.as(c.admin), c.edition.ID, 2)
		if fault.KindOf(err) == fault.Transient && err != nil { // what the process left in the log is not folded yet
			_, err = p.Engine.Repair(t.Context())
			c.unless(err)
			two, err = p.Stage(t.Context(), c.as(c.admin), c.edition.ID, 2)
		}
		c.unless(err)
		if len(two.Outcomes) > 0 && len(two.Outcomes) < 212 {
			part++
		}
		if _, err := p.Decide(t.Context(), c.as(c.admin), c.edition.ID, 2, two.Basis, "BA-2"); err == nil && len(two.Outcomes) != 212 {
			t.Errorf("call %d: decided on %d of 212 files", n, len(two.Outcomes))
		}
	}
	if part == 0 {
		t.Error("nobody died in the middle")
	}
}

// TestAPlaceThatComesFreeWhileResultsAreToldIsFilled, whoever else answers or does not.
func TestAPlaceThatComesFreeWhileResultsAreToldIsFilled(t *testing.T) {
	t.Parallel()
	for seed := uint64(7); seed < 11; seed++ {
		c := open(t).contest(seed)
		c.decided()
		c.prepared()
		f := c.in(domain.FileSelected)[int(seed)%30]
		c.clock.Set(publishAt())
		c.unless(c.Due(t.Context())) // the results are frozen
		c.says(f, "withdraw")
		c.due()
		if got := c.states(); got[domain.ApplicationOffered] != 30 || got[domain.ApplicationReserve] != 9 {
			t.Errorf("seed %d: %v", seed, got)
		}
	}
}

// TestAnAudienceFollowsMergers: by the programme, and named.
func TestAnAudienceFollowsMergers(t *testing.T) {
	c := open(t).contest(7)
	c.decided()
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
	f := c.in(domain.FileSelected)[3]
	var all []programme.Announcement
	for _, audience := range []string{`{"programme_id":"` + c.edition.ID + `","roles":["owner"],"enrolment_states":["offered"]}`, `{"business_ids":["` + f.Text("business_id") + `"],"roles":["owner"]}`} {
		a, err := c.CreateAnnouncement(t.Context(), programme.Caller{User: c.admin.ID, Name: fmt.Sprint("write ", len(all)), Proved: true, Fresh: true}, map[string]merge.Value{"title_id": merge.Str("Briefing"), "body_id": merge.Str("Datang"), "audience": merge.Value(audience)})
		c.unless(err)
		all = append(all, a)
	}
	look := func() (people []int) {
		for _, a := range all {
			p, err := c.PreviewAnnouncement(t.Context(), c.as(c.admin), a.ID)
			c.unless(err)
			people = append(people, p.People)
		}
		return people
	}
	before := look()
	other, err := c.CreateBusiness(t.Context(), programme.Caller{User: f.Text("owner_id"), Name: "one more"}, programme.NewBusiness{ID: c.ids.New(), Name: "Lain", RegionCode: "18.71", PrimaryCategory: "food_beverage"})
	c.unless(err)
	c.work()
	_, err = c.Merge(t.Context(), c.as(c.admin), f.Text("business_id"), other.ID)
	c.unless(err)
	c.due()
	if after := look(); !slices.Equal(before, []int{30, 1}) || !slices.Equal(after, before) {
		t.Errorf("%v people before, %v afterwards", before, after)
	}
}

// TestAnUnclearOfferIsPutBeforeAdmins: two phones that said different things, and an answer
// that came behind the end of the offer.
func TestAnUnclearOfferIsPutBeforeAdmins(t *testing.T) {
	c := open(t).contest(7)
	c.decided()
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
	all := c.in(domain.FileSelected)
	say := func(f merge.Row, name, op string) {
		offer := slices.DeleteFunc(c.scope("business/"+f.Text("business_id"), "application_event"), func(e merge.Row) bool { return e.Text("op") != "offer" })
		_, err := c.Engine.Write(t.Context(), "business/"+f.Text("business_id"), merge.ServerWrite{Name: name, Author: f.Text("owner_id"), Role: merge.Owner, Collection: "application_event",
			ID: c.ids.New(), Op: merge.Put, Create: true, Set: map[string]merge.Value{"application_id": merge.Str(f.ID), "op": merge.Str(op), "seen": merge.Encode([]string{offer[0].ID})}})
		c.unless(err)
	}
	say(all[0], "phone 1", "confirm")
	say(all[0], "phone 2", "decline")
	c.due()
	c.clock.Set(publishAt().AddDate(0, 0, 5))
	c.due()
	say(all[1], "phone 3", "confirm")
	c.due()
	about := map[string]int{}
	for _, r := range c.scope(domain.DecisionScope(c.edition.ID), "review_item") {
		if r.Text("what") == "offer_unclear" {
			about[domain.NoticeObject(r).ID]++
		}
	}
	if len(about) != 2 || about[all[0].ID] != 1 || about[all[1].ID] != 1 {
		t.Errorf("before the admins: %v", about)
	}
}
