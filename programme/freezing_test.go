package programme_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// frozen gives what the list that counts says of each application.
func (c *contest) frozen() map[string]string {
	c.Helper()
	told, out := c.publication(), map[string]string{}
	if merge.Null(told.Fields["total"]) {
		c.Fatalf("no list counts: %s", told.EncodeFields())
	}
	for _, st := range c.scope(domain.GeneralQueue, "job_step") {
		var some []struct{ File, Op string }
		if st.Text("job_id") != told.Text("job_id") {
			continue
		}
		c.unless(json.Unmarshal(st.Fields["input"], &some))
		for _, r := range some {
			if out[r.File] != "" {
				c.Errorf("application %s stands twice in the list", r.File)
			}
			out[r.File] = r.Op
		}
	}
	if total := int(told.Int("total")); len(out) != total {
		c.Errorf("%d applications stand in a list of %d", len(out), total)
	}
	return out
}

// hears wants whoever did not withdraw to have heard one result.
func (c *contest) hears(when string) {
	c.Helper()
	for _, f := range c.files(c.edition) {
		n := 0
		for _, e := range c.scope("business/"+f.Text("business_id"), "application_event") {
			if op := e.Text("op"); op == "hold" || op == "turn_down" || op == "offer" {
				n++
			}
		}
		state := c.application(f).Text("state")
		if state == domain.ApplicationSubmitted || n == 0 && state != domain.ApplicationWithdrawn || n > 2 || n == 2 && state == domain.ApplicationNotSelected {
			c.Errorf("%s: %s (%s) heard %d times", when, f.Text("number"), state, n)
		}
	}
	if got := c.states(); got[domain.ApplicationOffered] != 30 {
		c.Errorf("%s: %v", when, got)
	}
}

// TestOneListOfResultsCounts: a process dies at each call while it writes down who is told what;
// before others go on somebody withdraws, so that their list is another one. What the first had
// written is nobody's: one list counts, whole, and by it everybody hears, once.
func TestOneListOfResultsCounts(t *testing.T) {
	t.Parallel()
	c := open(t).contest(9)
	c.decided()
	c.prepared()
	c.clock.Set(publishAt())
	before, files := c.Engine.Store.(*storefault.Poor), c.files(c.edition)
	halves := 0
	for n := 1; ; n += between() {
		poor := before.Copy()
		died := c.process(storefault.NewFailing(poor, storefault.At(n, storefault.DieAfter), nil).Store()).PublishDue(t.Context())
		next := c.process(poor)
		c.Service.Engine = next.Engine
		_, broken := next.Engine.Repair(t.Context())
		c.unless(broken)
		half := c.publication()
		if died != nil && n%4 > 0 && half.Text("state") != "telling" { // long before
			continue
		}
		gone := files[n*53%len(files)]
		c.says(gone, "withdraw")
		_, broken = next.Engine.Work(t.Context())
		c.unless(broken)
		if merge.Null(half.Fields["total"]) && half.Text("state") == "telling" {
			halves++
			c.quiet(gone, n)
		}
		var both sync.WaitGroup
		for range 2 {
			p := c.process(poor)
			both.Go(func() {
				if err := p.PublishDue(context.Background()); err != nil {
					t.Errorf("call %d: %v", n, err)
				}
			})
		}
		both.Wait()
		list := c.frozen()
		for _, f := range files {
			if list[f.ID] == "" && f.ID != gone.ID {
				t.Errorf("call %d: nobody tells %s", n, f.Text("number"))
			}
		}
		if n%20 == 1 || died == nil {
			c.due()
			if who := c.in(domain.FileSelected)[0]; list[who.ID] == "offer" && who.ID != gone.ID {
				c.says(who, "decline")
			}
			c.due()
			c.hears(fmt.Sprint("call ", n))
		}
		if died == nil {
			break
		}
	}
	t.Logf("%d died in the middle", halves)
	if halves < 40/between() {
		t.Errorf("only %d died in the middle", halves)
	}
}

// quiet wants nobody to have heard of anything, but for one who withdrew.
func (c *contest) quiet(gone merge.Row, n int) {
	c.Helper()
	if got := c.scope("business/"+c.in(domain.FileSelected)[0].Text("business_id"), "application_event"); len(got) > 0 && got[0].Text("application_id") != gone.ID {
		c.Errorf("call %d: somebody heard before a list counts", n)
	}
}
