package programme_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
)

// eachTwice wants every file of the last stage to be with two curators, of two institutions.
func (c *contest) eachTwice(when string) {
	c.Helper()
	given := c.given()
	for _, f := range c.scope(domain.DecisionScope(c.edition.ID), "case_file") {
		if who := given[f.ID]; f.Int("stage") == 3 && (len(who) != 2 || who[0] == who[1]) {
			c.Fatalf("%s: file %s is with %v", when, f.Text("number"), who)
		}
	}
	if len(given) == 0 {
		c.Fatalf("%s: nothing is shared", when)
	}
}

// TestTwoAdminsShareAtOnce: another curator came in between, whom one of them does not know of yet.
// No file is with three, however far the one has come when the other one shares.
func TestTwoAdminsShareAtOnce(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"HeadsFor", "Insert"} {
		t.Run(before, func(t *testing.T) {
			t.Parallel()
			c := open(t).contest(5)
			c.begun()
			seen := false
			slow := c.process(storefault.NewFailing(c.Engine.Store, func(call storefault.Call) storefault.Fate {
				if call.Method == before && !seen {
					seen = true
					_, err := c.AddCurator(t.Context(), c.as(c.admin), c.edition.ID, programme.NewCurator{Phone: "+628117000777", Institution: "Universitas Lampung"})
					c.unless(err)
					_, err = c.Share(t.Context(), c.as(c.other), c.edition.ID, 3, nil)
					c.unless(err)
				}
				return storefault.Live
			}, nil).Store())
			_, err := slow.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
			c.unless(err)
			if !seen {
				t.Fatal("nobody came in between")
			}
			c.eachTwice("with one between")
		})
	}
}

// TestAdminsShareTogether: two processes share in the same moment.
func TestAdminsShareTogether(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	c.begun()
	var two sync.WaitGroup
	told := make([]error, 4)
	for i := range told {
		p, who := c.process(c.Engine.Store), c.as(c.admin)
		two.Go(func() { _, told[i] = p.Share(t.Context(), who, c.edition.ID, 3, nil) })
	}
	two.Wait()
	if slices.ContainsFunc(told, func(err error) bool { return err != nil }) {
		t.Errorf("%v", told)
	}
	c.eachTwice("together")
}
