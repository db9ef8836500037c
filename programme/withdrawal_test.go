package programme_test

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// publication is what stands of the publication now.
func (c *contest) publication() programme.Published {
	c.Helper()
	p, err := c.Publication(c.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	return p
}

// laterOn is an instant behind everything that was written so far.
func laterOn() time.Time { return time.Date(2022, 6, 17, 3, 0, 0, 0, time.UTC) }

// approved has the results told at an instant.
func (c *contest) approved(at time.Time) programme.Published {
	c.Helper()
	r, err := c.PreparePublication(c.Context(), c.as(c.admin), c.edition.ID, at, programme.Feedback{"selected": "Selamat!"})
	c.unless(err)
	if r.Text("reason") != "" || r.Text("withdrawn_by") != "" || r.Text("state") != "prepared" {
		c.Errorf("prepared: %s", r.EncodeFields())
	}
	r, err = c.ApprovePublication(c.Context(), c.as(c.other), c.edition.ID, r.Version)
	c.unless(err)
	return r
}

// untold wants nobody to have heard of a result, and no job to be there that would tell it.
func (c *contest) untold(when string) {
	c.Helper()
	if got, want := c.states(), map[string]int{"submitted": 478}; !maps.Equal(got, want) {
		c.Errorf("%s: %v, want %v", when, got, want)
	}
	for _, j := range c.scope(domain.GeneralQueue, "job") {
		if j.Text("kind") == domain.JobPublish {
			c.Errorf("%s: there is a job that tells the results", when)
		}
	}
}

// TestAPublicationIsTakenBackInTime: until its instant, with a reason and by an admin; the
// approval is void, and what is prepared and approved anew is told at its own instant.
func TestAPublicationIsTakenBackInTime(t *testing.T) {
	c := open(t).contest(31)
	c.decided()
	withdraw := func(v programme.Version, reason string) error {
		_, err := c.WithdrawPublication(t.Context(), c.as(c.other), c.edition.ID, v, reason)
		return err
	}
	refused := func(err error, code string) {
		t.Helper()
		if fault.CodeOf(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	refused(withdraw(programme.Version{}, "Belum ada"), "not_found")
	was := c.approved(laterOn())
	refused(withdraw(programme.Version{Generation: was.Version.Generation, Seq: 1}, "Salah"), "stale_version")
	refused(withdraw(was.Version, " "), "required")
	refused(withdraw(was.Version, strings.Repeat("x", 301)), "invalid_value")
	_, err := c.WithdrawPublication(t.Context(), c.as(c.person(77)), c.edition.ID, was.Version, "Saya tidak lolos")
	refused(err, "forbidden")
	c.unless(withdraw(was.Version, "Berita acara belum ditandatangani"))
	now := c.publication()
	if now.Text("state") != "withdrawn" || now.Text("approved_by") != "" || now.Text("withdrawn_by") != c.other.ID || now.Text("reason") == "" {
		t.Errorf("taken back: %s", now.EncodeFields())
	}
	refused(withdraw(was.Version, "Sekali lagi"), "stale_version")
	refused(withdraw(now.Version, "Sekali lagi"), "forbidden_transition")
	_, err = c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, now.Version)
	refused(err, "stage_not_ready")
	c.clock.Set(laterOn())
	c.due()
	c.untold("at the instant that was taken back")
	again := c.approved(laterOn().Add(time.Hour))
	c.clock.Set(laterOn().Add(time.Hour))
	refused(withdraw(again.Version, "Terlambat"), "publication_begun") // its instant is reached, and nobody has looked yet
	c.due()
	if got, want := c.states(), map[string]int{"offered": 30, "reserve": 10, "not_selected": 438}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	refused(withdraw(c.publication().Version, "Terlambat"), "publication_begun")
}

// TestWithdrawingAndPublishingExcludeEachOther: one commit decides. A process whose clock is
// ahead publishes and dies at each of its first calls, before and after it is done, while an
// admin withdraws by a clock that is not there yet; one that lives is overtaken before each of
// its calls, and overtakes before each of the admin's; and both do so at once. Either nobody
// hears of anything, also when others go on, or everybody does.
func TestWithdrawingAndPublishingExcludeEachOther(t *testing.T) {
	c := open(t).contest(32)
	c.decided()
	seen := c.approved(laterOn()).Version
	c.work()
	before, engine := c.Engine.Store.(*storefault.Poor), c.Engine
	ahead := clock.At(laterOn())
	process := func(s store.Store, at *clock.Fixed) *programme.Service {
		p := &programme.Service{People: c.People, Clock: at}
		p.Engine = &syncer.Engine{Store: s, Schema: engine.Schema, Clock: at, IDs: c.ids, Log: engine.Log, Steps: p.Steps()}
		return p
	}
	outcomes := map[bool]int{}
	ends := func(what string, poor *storefault.Poor, err error) {
		t.Helper()
		next := process(poor, ahead)
		c.Service.Engine = next.Engine
		_, broken := next.Engine.Repair(t.Context())
		c.unless(broken)
		for range 2 {
			c.unless(next.PublishDue(t.Context()))
		}
		p := c.publication()
		withdrawn := err == nil
		outcomes[withdrawn]++
		switch code := fault.CodeOf(err); {
		case withdrawn && p.Text("state") != "withdrawn", !withdrawn && (p.Text("state") != "telling" || merge.Null(p.Fields["total"])):
			t.Errorf("%s: %v, and then it is %s", what, err, p.EncodeFields())
		case !withdrawn && code != "publication_begun" && code != "stale_version":
			t.Errorf("%s: %v", what, err)
		}
		if withdrawn {
			c.untold(what)
		} else if outcomes[false] == 1 { // all of it once
			_, err := next.Engine.Work(t.Context())
			c.unless(err)
			c.unless(next.Told(t.Context()))
			if got, want := c.states(), map[string]int{"offered": 30, "reserve": 10, "not_selected": 438}; !maps.Equal(got, want) || c.publication().Text("state") != "told" {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
	}
	for _, fate := range []storefault.Fate{storefault.DieBefore, storefault.DieAfter} {
		for n := 1; n < 32; n++ {
			poor := before.Copy()
			dying := process(storefault.NewFailing(poor, storefault.At(n, fate), nil).Store(), ahead)
			_ = dying.PublishDue(t.Context()) // it dies somewhere in here
			_, err := process(poor, c.clock).WithdrawPublication(t.Context(), c.as(c.other), c.edition.ID, seen, "Tunggu dulu")
			ends("a publisher that died", poor, err)
		}
	}
	for n := 1; n < 32; n++ { // in between two calls of a publisher that lives
		poor, err := before.Copy(), error(nil)
		between := func(call storefault.Call) storefault.Fate {
			if call.N == n {
				_, err = process(poor, c.clock).WithdrawPublication(t.Context(), c.as(c.other), c.edition.ID, seen, "Tunggu dulu")
			}
			return storefault.Live
		}
		c.unless(process(storefault.NewFailing(poor, between, nil).Store(), ahead).PublishDue(t.Context()))
		ends("in between", poor, err)
	}
	for n := 1; n < 32; n++ { // and a publisher in between two calls of the admin
		poor := before.Copy()
		between := func(call storefault.Call) storefault.Fate {
			if call.N == n {
				c.unless(process(poor, ahead).PublishDue(t.Context()))
			}
			return storefault.Live
		}
		_, err := process(storefault.NewFailing(poor, between, nil).Store(), c.clock).WithdrawPublication(t.Context(), c.as(c.other), c.edition.ID, seen, "Tunggu dulu")
		ends("overtaken", poor, err)
	}
	for range 8 {
		poor := before.Copy()
		var both sync.WaitGroup
		both.Go(func() { _ = process(poor, ahead).PublishDue(context.Background()) })
		_, err := process(poor, c.clock).WithdrawPublication(t.Context(), c.as(c.other), c.edition.ID, seen, "Tunggu dulu")
		both.Wait()
		ends("at once", poor, err)
	}
	if outcomes[true] == 0 || outcomes[false] == 0 {
		t.Errorf("only one of the two was seen: %v", outcomes)
	}
}
