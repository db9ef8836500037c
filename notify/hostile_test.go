package notify_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"pgregory.net/rapid"
)

// TestEveryHourIsSomebodysNight: whatever hours somebody keeps, what is not urgent rings in a
// civil one if there is any, and within two days.
func TestEveryHourIsSomebodysNight(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := set(t)
		hour := func(name string) string {
			return fmt.Sprintf(`"%02d:%02d"`, rapid.IntRange(0, 23).Draw(rt, name), rapid.SampledFrom([]int{0, 1, 15, 29, 30, 31, 45, 59}).Draw(rt, name))
		}
		if rapid.Bool().Draw(rt, "from") {
			b.prefs["quiet_from"] = hour("from")
		}
		if rapid.Bool().Draw(rt, "to") {
			b.prefs["quiet_to"] = hour("to")
		}
		b.zone = rapid.SampledFrom([]domain.Zone{domain.WIB, domain.WITA, domain.WIT}).Draw(rt, "zone")
		b.at(b.zone, rapid.IntRange(13, 19).Draw(rt, "day"), rapid.IntRange(0, 23).Draw(rt, "hour"), rapid.IntRange(0, 59).Draw(rt, "minute"))
		b.phone("u1", "one")
		b.item("u1", "i1", rapid.SampledFrom([]string{domain.NoticeTaskReturned, domain.NoticeTaskDue, domain.NoticeSilentPhone}).Draw(rt, "kind"), "")
		if got := b.rounds(49*time.Hour, time.Minute); len(got) != 1 {
			rt.Errorf("%v: rang %d times, %v", b.prefs, len(got), b.states(""))
		}
	})
}

// TestAQuietDay has one minute a day in which phones may ring.
func TestAQuietDay(t *testing.T) {
	t.Parallel()
	for _, prefs := range []map[string]string{{"quiet_from": `"00:00"`, "quiet_to": `"23:59"`}, {"quiet_from": `"06:15"`}, {"quiet_from": `"12:00"`, "quiet_to": `"11:59"`}} {
		b := set(t)
		b.prefs = prefs
		b.at(domain.WIB, 14, 8, 0)
		b.phone("u1", "one")
		b.item("u1", "i1", domain.NoticeTaskReturned, "")
		if got := b.rounds(48*time.Hour, 10*time.Second); len(got) != 1 {
			t.Errorf("%v: rang %d times, %v", prefs, len(got), b.states(""))
		}
	}
}

// TestTwoAddressesAtOnceLeaveOne: an app that names the old and the new one in one moment is
// rung by one of them.
func TestTwoAddressesAtOnceLeaveOne(t *testing.T) {
	t.Parallel()
	for n := range 50 {
		b := set(t)
		b.Store = &late{Pushes: b.Store}
		var two sync.WaitGroup
		for _, token := range []string{"old", "new"} {
			two.Go(func() {
				if _, err := b.Register(t.Context(), "u1", "device", notify.Named{Provider: "fcm", Kind: "token", Value: token}); err != nil {
					t.Error(err)
				}
			})
		}
		two.Wait()
		all, err := b.Store.AddressesOf(t.Context(), "u1")
		if b.ok(err); len(all) != 1 {
			t.Fatalf("round %d: %d addresses are left", n, len(all))
		}
	}
}

// late is a store in which both have named their address before either looks what there is.
type late struct {
	store.Pushes
	once sync.WaitGroup
	set  sync.Once
}

func (l *late) InsertAddress(ctx context.Context, a store.Address) error {
	l.set.Do(func() { l.once.Add(2) })
	err := l.Pushes.InsertAddress(ctx, a)
	l.once.Done()
	l.once.Wait()
	return err
}

// TestOneSlowAddressTakesOneHand: whoever names a push service that answers late, and has
// much to hear, holds up nobody.
func TestOneSlowAddressTakesOneHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := set(t)
		b.Clock, b.Limits = clock.System{}, notify.DefaultLimits()
		b.Senders["webpush"] = slow{b}
		_, err := b.Register(t.Context(), "mallory", "m", notify.Named{Provider: "webpush", Kind: "subscription", Value: "m"})
		b.ok(err)
		for n := range 100 {
			b.item("mallory", fmt.Sprint("m", n), domain.NoticeTaskReturned, "")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Service.Run(ctx) }()
		<-time.After(70 * time.Second) // warm
		b.phone("r", "r")
		began := time.Now()
		b.item("r", "result", domain.NoticeResults, `{"programme":"p"}`)
		b.rings(1)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("a result rang after %s", took)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// rings waits until so many have rung.
func (b *bell) rings(n int) {
	for range 10_000 {
		b.mu.Lock()
		has := len(b.got)
		b.mu.Unlock()
		if has >= n {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	b.Fatalf("%d have not rung", n)
}

// slow is a provider that answers after ten seconds.
type slow struct{ *bell }

func (s slow) Send(ctx context.Context, to store.Address, _ notify.Push) error {
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
	}
	return &notify.Failure{Class: notify.Later, Code: "unavailable", Local: true, Cause: context.Canceled}
}

// TestWhatCannotGoHoldsUpNothing: behind thousands to a provider that is left alone, one to
// another goes at once; and behind hours of rest the rate grows anew.
func TestWhatCannotGoHoldsUpNothing(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.Limits = notify.DefaultLimits()
	b.away(2*time.Hour, unavailable(), "")
	b.crowd(5000)
	b.rounds(5*time.Minute, time.Second)
	other := &bell{T: t, clock: b.clock}
	b.Senders["webpush"] = other
	_, err := b.Register(t.Context(), "w", "w", notify.Named{Provider: "webpush", Kind: "subscription", Value: "w"})
	b.ok(err)
	b.item("w", "iw", domain.NoticeResults, `{"programme":"p"}`)
	if b.rounds(15*time.Second, time.Second); len(other.got) != 1 {
		t.Errorf("rang %d times within 15 s behind 5,000 that wait", len(other.got))
	}
	b.rounds(2*time.Hour-6*time.Minute, time.Second)
	for len(b.got) == 0 {
		b.rounds(time.Second, time.Second)
	}
	if first := len(b.rounds(5*time.Second, time.Second)); first > 60 {
		t.Errorf("%d in the first five seconds behind an outage", first)
	}
}

// TestAChangeBehindAHintIsHintedLater: not at once, and not never.
func TestAChangeBehindAHintIsHintedLater(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.phone("u1", "one")
	h := &notify.Hints{Push: b.Service, Every: 15 * time.Minute, Log: b.Log}
	for range 3 { // the second and the third are one
		h.Moved([]string{"u1"}, nil)
		b.ok(h.Flush(t.Context()))
		b.rounds(4*time.Minute, 10*time.Second)
	}
	b.rounds(time.Hour, 10*time.Second)
	if len(b.got) != 2 || b.got[1].at.Sub(b.got[0].at) < 15*time.Minute || b.got[1].at.Sub(b.got[0].at) > 16*time.Minute {
		t.Errorf("%d hints: %v", len(b.got), b.clocks())
	}
}

// TestACorrectionIsNoNewPush: planned again behind one, by a worker that died before it had
// noted the first, an announcement rings once.
func TestACorrectionIsNoNewPush(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.phone("u1", "one")
	b.also = map[string]string{"version": "1"}
	b.item("u1", "i1", domain.NoticeAnnouncement, "")
	b.rounds(time.Minute, time.Second)
	b.also["version"] = "2"
	b.item("u1", "i1", domain.NoticeAnnouncement, "")
	if b.rounds(time.Minute, time.Second); len(b.got) != 1 {
		t.Errorf("rang %d times", len(b.got))
	}
}
