package play_test

import (
	"testing"
	"time"
)

// TestASyncCutAnywhere pushes edits and fetches those of others, in small
// pages, and loses the answers behind some byte of them. The next sync makes
// everything good.
func TestASyncCutAnywhere(t *testing.T) {
	t.Parallel()
	s := set(t)
	for n := range 4 {
		s.sell(s.staff, 1_000+n)
	}
	s.sync(s.staff)
	s.owner.PageBytes = 700
	s.price(s.owner, 16_000)
	sale := s.sell(s.owner, 10_000)
	s.sell(s.owner, 11_000)
	before, err := s.owner.Save()
	s.ok(err)
	c := cut(s.owner, "/v1/sync")
	s.sync(s.owner) // how many bytes there are
	total, want := c.total(), encode(t, s.sales())
	if total < 1000 || len(s.sales()) != 6 {
		t.Fatalf("%d bytes of answers, sales %s", total, want)
	}
	places := c.places()
	for _, after := range places {
		s.ok(s.owner.Load(before))
		c.at(after)
		c.failed(t, s.owner.Sync(t.Context()))
		c.after = -1
		s.sync(s.owner)
		if n := s.waiting(s.owner); n != 0 {
			t.Fatalf("cut after %d bytes: %d edits wait", after, n)
		}
		if row, ok, err := s.owner.Row(s.scope, "sales", sale); err != nil || !ok || row.Int("counted_idr") != 10_000 {
			t.Fatalf("cut after %d bytes: the sale is %v", after, row.Fields)
		}
	}
	t.Logf("cut at %d places of %d", len(places), total)
	if got := encode(t, s.sales()); got != want {
		t.Errorf("sales %s, want %s", got, want)
	}
	s.settled(s.owner)
}

// TestAFirstSyncCutAnywhere begins a phone from nothing, in small pages.
func TestAFirstSyncCutAnywhere(t *testing.T) {
	t.Parallel()
	s := set(t)
	p := s.enter(s.owner.Who, "new")
	p.PageBytes = 900
	before, err := p.Save()
	s.ok(err)
	c := cut(p, "/v1/sync")
	s.sync(p)
	total := c.total()
	places := c.places()
	for _, after := range places {
		s.ok(p.Load(before))
		c.at(after)
		c.failed(t, p.Sync(t.Context()))
		c.after = -1
		s.sync(p)
		if alike, err := s.w.Alike(t.Context(), s.scope, p); err != nil || !alike {
			t.Fatalf("cut after %d bytes: phone and server differ, %v", after, err)
		}
	}
	t.Logf("cut at %d places of %d", len(places), total)
}

// TestALoginCutAnywhere asks for another code and gets in.
func TestALoginCutAnywhere(t *testing.T) {
	t.Parallel()
	s := set(t)
	s.price(s.owner, 16_000)
	c := cut(s.owner, "/v1/auth/")
	s.ok(s.owner.Login(t.Context()))
	total := c.total()
	places := c.places()
	for _, after := range places {
		c.at(after)
		c.failed(t, s.owner.Login(t.Context()))
		c.after = -1
		if n := s.waiting(s.owner); n != 1 {
			t.Fatalf("cut after %d bytes: %d edits wait, want 1", after, n)
		}
		s.w.Clock.Advance(time.Minute)
		s.ok(s.owner.Login(t.Context()))
	}
	t.Logf("cut at %d places of %d", len(places), total)
	s.sync(s.owner)
	if got := s.held("product", s.product).Int("price_idr"); got != 16_000 {
		t.Errorf("price %d", got)
	}
	s.settled(s.owner)
}

// TestARefreshCutAnywhere never logs anybody out.
func TestARefreshCutAnywhere(t *testing.T) {
	t.Parallel()
	s := set(t)
	c := cut(s.owner, "/v1/auth/refresh")
	s.w.Clock.Advance(16 * time.Minute)
	s.sync(s.owner)
	total := c.total()
	if total < 100 {
		t.Fatalf("a refresh of %d bytes", total)
	}
	places := c.places()
	for _, after := range places {
		s.w.Clock.Advance(16 * time.Minute)
		s.price(s.owner, 15_000+after)
		c.at(after)
		c.failed(t, s.owner.Sync(t.Context()))
		c.after = -1
		s.sync(s.owner)
		if n := s.waiting(s.owner); n != 0 {
			t.Fatalf("cut after %d bytes: %d edits wait", after, n)
		}
	}
	t.Logf("cut at %d places of %d", len(places), total)
	s.settled(s.owner)
}

// TestLostRefreshAnswersNeverLogOut loses every other answer of a year of
// refreshes on end.
func TestLostRefreshAnswersNeverLogOut(t *testing.T) {
	t.Parallel()
	s := set(t)
	c := cut(s.owner, "/v1/auth/refresh")
	for day := range size(300) {
		s.w.Clock.Advance(24 * time.Hour)
		for range day % 4 {
			c.after = 0
			if err := s.owner.Sync(t.Context()); err == nil {
				t.Fatal("the answer was lost, and nothing is wrong")
			}
		}
		c.after = -1
		if err := s.owner.Sync(t.Context()); err != nil {
			t.Fatalf("day %d: %v", day, err)
		}
	}
}
