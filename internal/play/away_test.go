package play_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAPhoneThatWasAwayForLong types a season's sales without a network. When it is
// back the server takes so many at a time and says when to send the rest: a colleague
// is answered meanwhile, and in the end everything is there once, in the order in which
// it was typed.
func TestAPhoneThatWasAwayForLong(t *testing.T) {
	t.Parallel()
	const typed = 5000
	s := set(t, func(o *play.Options) { o.EditsPerDevice = api.Rate{Max: 1200, Per: time.Minute} })
	want := map[string]int64{}
	for n := range typed {
		want[s.quickly(s.owner, 500*(n+1))] = int64(500 * (n + 1))
	}
	s.w.Clock.Advance(200 * 24 * time.Hour)
	began, told := s.w.Clock.Now(), 0
	s.ok(s.owner.Login(t.Context())) // no session outlives that
	for err := s.owner.Sync(t.Context()); err != nil; err = s.owner.Sync(t.Context()) {
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.TooMany || f.Code != "rate_limited" || f.After <= 0 || f.After > time.Minute {
			t.Fatalf("told %v", err)
		}
		told++
		colleague := s.sell(s.staff, 1_000_000+told)
		want[colleague] = int64(1_000_000 + told)
		s.relogin(s.staff)
		s.w.Clock.Advance(f.After)
	}
	if took := s.w.Clock.Now().Sub(began); told == 0 || took > 10*time.Minute {
		t.Errorf("told %d times to wait, through after %v", told, took)
	}
	s.sync(s.owner, s.staff)
	got := s.sales()
	if len(got) != len(want) {
		t.Errorf("%d sales are there, %d were typed", len(got), len(want))
	}
	for id, amount := range want {
		if got[id] != amount {
			t.Fatalf("sale %s is Rp%d, Rp%d was typed", id, got[id], amount)
		}
	}
	s.settled(s.owner, s.staff)
}

// quickly keeps a sale while no time passes.
func (s *scene) quickly(p *play.Phone, amount int) string {
	s.Helper()
	set := map[string]merge.Value{"sold_on": merge.Str("2022-04-02"), "channel": merge.Str("store"), "payment": merge.Str("cash"), "granularity": merge.Str("single"), "amount_idr": merge.Num(amount)}
	id, err := p.Do(replica.Edit{Scope: s.scope, Collection: "sales", Set: set})
	s.ok(err)
	return id
}

// relogin syncs a phone whose session may be over.
func (s *scene) relogin(p *play.Phone) {
	s.Helper()
	err := p.Sync(s.Context())
	if fault.KindOf(err) == fault.Unauthorized {
		s.ok(p.Login(s.Context()))
		err = p.Sync(s.Context())
	}
	s.ok(err)
}
