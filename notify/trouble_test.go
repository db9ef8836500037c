package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// away is a provider that fails until an instant: all, or one address.
type away struct {
	*bell
	until time.Time
	with  notify.Failure
	only  string // "" for all
	calls int
}

func (s *away) Send(ctx context.Context, to store.Address, p notify.Push) error {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	if s.clock.Now().Before(s.until) && (s.only == "" || s.only == to.Value) {
		f := s.with
		return &f
	}
	return s.bell.Send(ctx, to, p)
}

// away has the provider fail from now on, for a while.
func (b *bell) away(d time.Duration, with notify.Failure, only string) *away {
	s := &away{bell: b, until: b.clock.Now().Add(d), with: with, only: only}
	b.Senders["fcm"] = s
	return s
}

func unavailable() notify.Failure {
	return notify.Failure{Class: notify.Later, Code: "unavailable", Ambiguous: true, Cause: context.Canceled}
}

// crowd gives so many people a phone and a result.
func (b *bell) crowd(n int) {
	b.Helper()
	for i := range n {
		u := fmt.Sprint("u", i)
		b.phone(u, "t"+u)
		b.item(u, fmt.Sprint("i", i), domain.NoticeResults, `{"programme":"p"}`)
	}
}

// TestABlipCostsSeconds: a provider that fails for two seconds in the middle of 478 results
// keeps nobody waiting for more than two minutes.
func TestABlipCostsSeconds(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.Limits = notify.DefaultLimits()
	from := b.clock.Now()
	b.crowd(478)
	b.rounds(20*time.Second, 200*time.Millisecond)
	b.away(2*time.Second, unavailable(), "")
	b.rounds(10*time.Minute, 200*time.Millisecond)
	if n, last := len(b.got), b.got[len(b.got)-1].at.Sub(from); n != 478 || last > 2*time.Minute {
		t.Errorf("%d rang, the last after %s", n, last)
	}
}

// TestAProviderThatIsAwayIsTriedByOne: for hours few attempts are made, the figures say how
// long pushes wait, nothing dies, and when it is back everybody is rung soon.
func TestAProviderThatIsAwayIsTriedByOne(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.Limits = notify.DefaultLimits()
	const hours, people = 4, 200
	provider := b.away(hours*time.Hour, unavailable(), "")
	from := b.clock.Now()
	b.crowd(people)
	for range hours {
		b.rounds(time.Hour-time.Minute, time.Second)
		f, err := b.Figures(t.Context())
		b.ok(err)
		if l := f.Lanes[notify.LaneResults]; l.Open != people || !l.Oldest.Equal(from) || f.States[store.DeliveryPending]+f.States[store.DeliveryRetry] != people {
			t.Errorf("after %s: %d wait, the oldest since %s", b.clock.Now().Sub(from), l.Open, l.Oldest)
		}
		b.rounds(time.Minute, time.Second)
	}
	if most := people + hours*60; provider.calls > most {
		t.Errorf("%d attempts in %d hours, want %d at the most", provider.calls, hours, most)
	}
	b.rounds(3*time.Minute, time.Second)
	if n := len(b.got); n < people*9/10 {
		t.Errorf("back for three minutes, %d of %d have rung", n, people)
	}
	b.rounds(b.Limits.LastWait+b.Limits.LastWait/2, time.Second)
	if f, err := b.Figures(t.Context()); err != nil || f.Made.Taken != people || f.Made.Attempts != provider.calls || f.Made.Since.Before(from) {
		t.Errorf("%+v, %v; %d calls", f.Made, err, provider.calls)
	}
	if f, err := b.Figures(t.Context()); err != nil || f.States[store.DeliverySent] != 0 || f.States[store.DeliveryRetry] != 0 || f.Arrived[notify.LaneResults].Taken != people || f.Arrived[notify.LaneResults].P50 < hours*time.Hour || f.Arrived[notify.LaneUsual].Taken != 0 {
		t.Errorf("%+v, %v", f, err)
	}
	if s := b.states(""); s[store.DeliverySent] != people {
		t.Errorf("back for a quarter of an hour: %v", s)
	}
}

// TestAnOutageKillsNoResult: however long it lasts, for one alone too, which no gate is shut
// for.
func TestAnOutageKillsNoResult(t *testing.T) {
	t.Parallel()
	for _, lasts := range []time.Duration{15 * time.Minute, time.Hour, 24 * time.Hour} {
		b := set(t)
		b.phone("u1", "one")
		b.away(lasts, unavailable(), "")
		from := b.clock.Now()
		b.item("u1", "i1", domain.NoticePlace, `{"programme":"p"}`)
		got := b.rounds(lasts+2*time.Hour, 5*time.Second)
		if len(got) != 1 || got[0].at.Sub(from) > lasts+b.Limits.LastWait+time.Minute {
			t.Errorf("away for %s: %+v, %v", lasts, got, b.states(""))
		}
	}
}

// TestOneAddressShutsNoGate: the key of browsers or iPhones is refused, for whoever has one.
func TestOneAddressShutsNoGate(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.phone("bad", "bad")
	b.away(1000*time.Hour, notify.Failure{Class: notify.Broken, Code: "third_party_auth_error", Local: true, Cause: context.Canceled}, "bad")
	b.item("bad", "ibad", domain.NoticeResults, `{"programme":"p"}`)
	for i := range 50 {
		b.rounds(7*time.Second, 500*time.Millisecond)
		u, from := fmt.Sprint("u", i), b.clock.Now()
		b.phone(u, "t"+u)
		b.item(u, fmt.Sprint("i", i), domain.NoticeResults, `{"programme":"p"}`)
		if got := b.rounds(time.Second, 500*time.Millisecond); len(got) != 1 || got[0].at.Sub(from) > time.Second {
			t.Fatalf("result %d: %+v", i, got)
		}
	}
}

// TestNoResultIsLostWithAPhone: two wait for a phone that is gone by the morning, one of them
// of a kind that nobody is written to about; and whoever sends dies at any of its calls.
func TestNoResultIsLostWithAPhone(t *testing.T) {
	t.Parallel()
	gone := notify.Failure{Class: notify.Gone, Code: "unregistered", Cause: context.Canceled}
	for dies := range 12 {
		b, p, _ := written(t, 10)
		b.Limits.Workers = 1
		b.prefs["results_whatsapp"] = "true"
		b.phone("siti", "gone")
		b.clock.Advance(12 * time.Hour) // 22:00 WIB
		for i, kind := range []string{domain.NoticeTaskReturned, domain.NoticeResults, domain.NoticePlace} {
			b.item("siti", fmt.Sprint("i", i), kind, `{"programme":"p"}`)
		}
		b.away(100*time.Hour, gone, "")
		in := b.Inbox
		b.Inbox = &dead{Inbox: in, at: dies}
		for range 12 * 60 {
			if _, err := b.Round(t.Context()); err != nil && !errors.Is(err, errKilled) {
				t.Fatal(err)
			} else if err != nil {
				b.Inbox = in
			}
			b.clock.Advance(time.Minute)
		}
		got := p.sent()
		slices.Sort(got)
		if want := []string{"whatsapp +628117000123 N06", "whatsapp +628117000123 N08"}; !slices.Equal(got, want) {
			t.Errorf("killed at call %d: sent %q, %v", dies, got, b.outcomes())
		}
	}
}

var errKilled = errors.New("killed")

// dead is an inbox at the n-th call of which a process dies.
type dead struct {
	notify.Inbox
	at int
}

func (d *dead) Ringing(ctx context.Context, user string, items []string) (notify.Recipient, []merge.Row, error) {
	if d.at--; d.at == 0 {
		return notify.Recipient{}, nil, errKilled
	}
	return d.Inbox.Ringing(ctx, user, items)
}

// TestAnAddressThatNobodyNamesIsForgotten: it rings no more after two months, and is not kept
// after nine.
func TestAnAddressThatNobodyNamesIsForgotten(t *testing.T) {
	t.Parallel()
	b := set(t)
	a := b.phone("u1", "one")
	sweep := func() {
		_, err := b.Store.(store.Identity).Sweep(t.Context(), b.clock.Now())
		b.ok(err)
	}
	b.clock.Advance(b.Limits.Forget - time.Hour)
	b.phone("u1", "one") // named again
	b.clock.Advance(b.Limits.Forget - time.Hour)
	sweep()
	_, err := b.Store.Address(t.Context(), a.Key)
	b.ok(err)
	b.clock.Advance(2 * time.Hour)
	sweep()
	if _, err := b.Store.Address(t.Context(), a.Key); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("kept: %v", err)
	}
}
