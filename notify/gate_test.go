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
)

// counting is a store that counts what is written to its queue.
type counting struct {
	store.Pushes
	mu     sync.Mutex
	writes int
}

func (c *counting) ReplaceDelivery(ctx context.Context, d store.Delivery) error {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.Pushes.ReplaceDelivery(ctx, d)
}

func (c *counting) since() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.writes
	c.writes = 0
	return n
}

// TestAShutGateWritesNothing of what waits behind it: two writes for each attempt that is let
// through, however many wait; other providers and letters go on meanwhile.
func TestAShutGateWritesNothing(t *testing.T) {
	t.Parallel()
	const waiting, minutes = 2000, 10
	b, post, _ := written(t, 10)
	b.Limits = notify.DefaultLimits()
	b.prefs["results_whatsapp"] = "true"
	c := &counting{Pushes: b.Store}
	b.Store = c
	provider := b.away(minutes*time.Minute, unavailable(), "")
	b.crowd(waiting)
	for provider.calls < 20 {
		b.rounds(time.Second, time.Second)
	}
	b.rounds(10*time.Second, time.Second) // what was under way has ended
	c.since()
	calls := provider.calls
	b.rounds((minutes-2)*time.Minute, time.Second)
	if made, n := provider.calls-calls, c.since(); made == 0 || n > 2*made {
		t.Errorf("%d writes for %d attempts while %d waited for %d minutes", n, made, waiting, minutes-2)
	}
	other := &bell{T: t, clock: b.clock}
	b.Senders["webpush"] = other
	_, err := b.Register(t.Context(), "w", "w", notify.Named{Provider: "webpush", Kind: "subscription", Value: "w"})
	b.ok(err)
	b.item("w", "iw", domain.NoticeResults, `{"programme":"p"}`)
	b.item("siti", "is", domain.NoticeResults, `{"programme":"p"}`)
	if b.rounds(2*time.Second, time.Second); len(other.got) != 1 || len(post.sent()) != 1 {
		t.Errorf("within two seconds %d rang elsewhere, %d were written to", len(other.got), len(post.sent()))
	}
	b.rounds(5*time.Minute, time.Second)
	if len(b.got) < waiting*9/10 {
		t.Errorf("back for three minutes, %d of %d have rung", len(b.got), waiting)
	}
}

// TestAResultFindsAHand at a provider that answers late, while it is busy with an
// announcement and with reminders; nothing is put off for that.
func TestAResultFindsAHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := set(t)
		b.Clock, b.Limits = clock.System{}, notify.DefaultLimits()
		b.Limits.PerSecond, b.Limits.Ramp = 100_000, time.Second
		c := &counting{Pushes: b.Store}
		b.Store = c
		late := &held{bell: b, until: make(chan struct{}), began: map[string]time.Time{}}
		b.Senders["fcm"], b.Senders["webpush"] = late, b
		for n := range 100 {
			user := fmt.Sprint("u", n)
			b.phone(user, user)
			b.item(user, fmt.Sprint("i", n), []string{domain.NoticeAnnouncement, domain.NoticeTaskReturned}[n%2], "")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Service.Run(ctx) }()
		<-time.After(5 * time.Second)
		under := late.count()
		if c.since() != under {
			t.Errorf("%d are under way, and others were put off", under)
		}
		asked := time.Now()
		for n := range 3 {
			user := fmt.Sprint("r", n)
			b.phone(user, user)
			b.item(user, "result of "+user, domain.NoticeResults, `{"programme":"p"}`)
		}
		<-time.After(10 * time.Second)
		for n := range 3 {
			if at, ok := late.at(fmt.Sprint("r", n)); !ok || at.Sub(asked) > 100*time.Millisecond {
				t.Errorf("result %d: under way %t, after %s; %d others", n, ok, at.Sub(asked), under)
			}
		}
		stop()
		close(late.until)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// held is a provider that answers when it is let, and knows who is under way.
type held struct {
	*bell
	until chan struct{}
	began map[string]time.Time
}

func (h *held) Send(ctx context.Context, to store.Address, _ notify.Push) error {
	h.mu.Lock()
	h.began[to.Value] = time.Now()
	h.mu.Unlock()
	<-h.until
	return nil
}

func (h *held) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.began)
}

func (h *held) at(value string) (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.began[value]
	return at, ok
}

// TestAClockThatIsPutBackShutsNobodyOut: a provider is left alone as long as it asked for, or as it seemed to
// be of use, and not for the hours by which the clock of the server was wrong.
func TestAClockThatIsPutBackShutsNobodyOut(t *testing.T) {
	t.Parallel()
	slow := &notify.Failure{Class: notify.SlowDown, Code: "quota_exceeded", Cause: context.Canceled}
	broken := &notify.Failure{Class: notify.Broken, Code: "unauthenticated", Cause: context.Canceled}
	for _, tt := range []struct {
		name  string
		fails []error
		back  time.Duration
		waits time.Duration // at least
		most  time.Duration
	}{
		{"a rest", []error{slow}, 0, 58 * time.Second, 2 * time.Minute},
		{"a rest, and two hours", []error{slow}, 2 * time.Hour, 0, 0},
		{"a rest, and some seconds, as of who looked at the clock before", []error{slow}, 10 * time.Second, time.Minute, 2 * time.Minute},
		{"a set-up that is broken, and two hours", []error{broken}, 2 * time.Hour, 0, 0},
		{"one that is still broken, and two hours", []error{broken, broken}, 2 * time.Hour, time.Second, 2 * time.Minute},
	} {
		b := set(t)
		b.phone("siti", "token")
		b.item("siti", "i0", "N15", "")
		b.fails = tt.fails
		b.round()
		b.clock.Advance(time.Second)
		b.round()
		b.clock.Set(b.clock.Now().Add(-tt.back))
		b.phone("budi", "other")
		b.item("budi", "i1", "N06", `{"programme":"p"}`)
		from := b.clock.Now()
		got := b.rounds(30*time.Minute, time.Second)
		if len(got) == 0 || got[0].at.Sub(from) < tt.waits || got[0].at.Sub(from) > tt.most {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

// TestAnOutageBehindAClockThatWasPutBack gives no push up: what the provider took before, by a clock that was ahead, it did not
// take since.
func TestAnOutageBehindAClockThatWasPutBack(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{0, 2 * time.Hour} {
		b := set(t)
		b.phone("a", "one")
		b.phone("siti", "two")
		b.item("a", "i0", domain.NoticeResults, `{"programme":"p"}`)
		b.round() // taken
		b.clock.Set(b.clock.Now().Add(time.Second - back))
		for range 1000 {
			b.fails = append(b.fails, &notify.Failure{Class: notify.Later, Code: "unavailable", Cause: errBreaks})
		}
		b.item("siti", "i1", domain.NoticeResults, `{"programme":"p"}`)
		b.rounds(90*time.Minute, time.Second)
		b.fails = nil
		if got := b.rounds(time.Hour, time.Second); len(got) != 1 {
			t.Errorf("put back by %s: rang %d times: %v", back, len(got), b.outcomes())
		}
	}
}
