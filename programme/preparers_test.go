package programme_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
)

// TestNobodyApprovesBesideWhoIsNoAdminAnyMore: where two have to want it, one whose rights are
// gone is none of them. Another admin prepares it anew.
func TestNobodyApprovesBesideWhoIsNoAdminAnyMore(t *testing.T) {
	t.Parallel()
	c := open(t).contest(3)
	c.begun()
	c.scored()
	third := c.person(3, "admin")
	first := c.admin
	gone := map[string]func() error{
		"suspended":     func() error { return c.auth.Suspend(t.Context(), first.ID) },
		"without roles": func() error { return c.auth.SetRoles(t.Context(), first.ID, []string{"mentor"}) },
	}
	back := func() {
		c.unless(c.auth.Restore(t.Context(), first.ID))
		c.unless(c.auth.SetRoles(t.Context(), first.ID, []string{"admin"}))
	}
	before := c.Engine.Store.(*storefault.Poor)
	for name, goes := range gone {
		c.Service.Engine = c.process(before.Copy()).Engine
		c.decide(3)
		approves := func() error {
			_, err := c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, c.seenBy(3))
			return err
		}
		c.unless(goes())
		if err := approves(); codeOf(err) != "approval_closed" {
			t.Errorf("%s: the decision: %v", name, err)
		}
		c.admin = third
		c.decide(3)
		c.unless(approves())
		c.work()

		back()
		c.admin = first
		seen, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, publishAt(), nil)
		c.unless(err)
		c.unless(goes())
		if _, err := c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, seen.Version); codeOf(err) != "approval_closed" {
			t.Errorf("%s: the publication: %v", name, err)
		}
		seen, err = c.PreparePublication(t.Context(), c.as(third), c.edition.ID, publishAt(), nil)
		c.unless(err)
		_, err = c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, seen.Version)
		c.unless(err)
		back()
	}
}

// seenBy is what the second admin sees of a stage before they approve it.
func (c *contest) seenBy(no int) string {
	c.Helper()
	v, err := c.Stage(c.Context(), c.as(c.other), c.edition.ID, no)
	c.unless(err)
	return v.Basis
}
