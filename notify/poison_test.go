package notify_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// internal is what a provider answers for reasons of its own.
func internal() notify.Failure {
	return notify.Failure{Class: notify.Later, Code: "internal", Ambiguous: true, Cause: context.Canceled}
}

// TestAPoisonedAddressShutsNoGate: alone for hours it fails again and again, with several
// pushes; whoever comes next rings at once.
func TestAPoisonedAddressShutsNoGate(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.Limits = notify.DefaultLimits()
	b.phone("bad", "bad")
	provider := b.away(1000*time.Hour, internal(), "bad")
	for n := range 5 {
		b.item("bad", fmt.Sprint("bad", n), domain.NoticeResults, `{"programme":"p"}`)
	}
	for i := range 30 {
		b.rounds(11*time.Minute, time.Second)
		u, from := fmt.Sprint("u", i), b.clock.Now()
		b.phone(u, "t"+u)
		b.item(u, fmt.Sprint("i", i), domain.NoticePlace, `{"programme":"p"}`)
		if got := b.rounds(2*time.Second, 500*time.Millisecond); len(got) != 1 || got[0].at.Sub(from) > time.Second {
			t.Fatalf("result %d, behind %d calls: %+v", i, provider.calls, got)
		}
	}
}

// TestAPoisonedPushDies behind so many attempts between which others were taken, and an admin
// may send it again; while nobody else's are taken it is only tried again.
func TestAPoisonedPushDies(t *testing.T) {
	t.Parallel()
	for _, others := range []bool{true, false} {
		b := set(t)
		b.Limits = notify.DefaultLimits()
		b.phone("bad", "bad")
		b.phone("good", "good")
		provider := b.away(1000*time.Hour, internal(), "bad")
		b.item("bad", "ibad", domain.NoticeResults, `{"programme":"p"}`)
		for n := range 40 {
			b.rounds(10*time.Minute, time.Second)
			if others {
				b.item("good", fmt.Sprint("i", n), domain.NoticePlace, `{"programme":"p"}`)
			}
		}
		dead, err := b.Deliveries(t.Context(), store.DeliveryDead, "", 10)
		b.ok(err)
		if !others {
			if len(dead) != 0 || provider.calls < 40 {
				t.Errorf("nobody else is rung: %d dead, %d calls", len(dead), provider.calls)
			}
			continue
		}
		if len(dead) != 1 || dead[0].Code != "internal" || dead[0].Attempts < b.Limits.Attempts || dead[0].Attempts > 5*b.Limits.Attempts {
			t.Fatalf("dead: %+v", dead)
		}
		calls := provider.calls
		_, err = b.Replay(t.Context(), dead[0].ID)
		b.ok(err)
		if b.rounds(time.Minute, time.Second); provider.calls-calls < 3 || b.states("")[store.DeliveryDead] != 0 {
			t.Errorf("sent again: %d calls, %v", provider.calls-calls, b.states(""))
		}
	}
}

// TestAnOutageOfMostKillsNoResult: a provider that takes one push in ten for six hours.
func TestAnOutageOfMostKillsNoResult(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.Limits = notify.DefaultLimits()
	provider := &mostly{bell: b, until: b.clock.Now().Add(6 * time.Hour)}
	b.Senders["fcm"] = provider
	b.crowd(300)
	b.rounds(7*time.Hour, time.Second)
	if s := b.states(""); s[store.DeliverySent] != 300 {
		t.Errorf("%v, %d calls", s, provider.calls)
	}
	if told := slices.MaxFunc(b.got, func(x, y sent) int { return x.at.Compare(y.at) }); told.at.Sub(noon()) > 7*time.Hour {
		t.Errorf("the last rang at %s", told.at)
	}
}

// mostly is a provider that fails nine times of ten until an instant.
type mostly struct {
	*bell
	until time.Time
	calls int
}

func (m *mostly) Send(ctx context.Context, to store.Address, p notify.Push) error {
	m.mu.Lock()
	m.calls++
	fails := m.calls%10 != 0 && m.clock.Now().Before(m.until)
	m.mu.Unlock()
	if fails {
		f := internal()
		return &f
	}
	return m.bell.Send(ctx, to, p)
}
