package notify_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/notify"
)

// TestAProviderThatFailsIsLeftAlone, and asked again by few; others are not touched.
func TestAProviderThatFailsIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := set(t)
	calls := 0
	b.Senders["webpush"] = counted{b, &calls}
	for n := range 200 {
		user := fmt.Sprint("u", n)
		_, err := b.Register(t.Context(), user, user, notify.Named{Provider: "webpush", Kind: "subscription", Value: user})
		b.ok(err)
		b.item(user, fmt.Sprint("i", n), domain.NoticeResults, `{"programme":"p"}`)
	}
	b.phone("f", "f")
	b.item("f", "if", domain.NoticeResults, `{"programme":"p"}`)
	b.rounds(20*time.Second, 100*time.Millisecond)
	if calls > 20+b.Limits.Workers || len(b.got) != 1 {
		t.Errorf("%d calls of a provider that fails, %d sent by another", calls, len(b.got))
	}
}

// TestASlowProviderHoldsUpNobodyElse: while it answers nobody of those who wait for an
// announcement, a result is sent at once; and a stop waits for those who are at work.
func TestASlowProviderHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := set(t)
		b.Clock = clock.System{}
		until := make(chan struct{})
		b.Senders["webpush"] = blocked{b, until}
		for n := range 200 {
			user := fmt.Sprint("u", n)
			_, err := b.Register(t.Context(), user, user, notify.Named{Provider: "webpush", Kind: "subscription", Value: user})
			b.ok(err)
			b.item(user, fmt.Sprint("i", n), domain.NoticeAnnouncement, "")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Service.Run(ctx) }()
		<-time.After(5 * time.Second)
		b.phone("r", "r")
		b.item("r", "result", domain.NoticeResults, `{"programme":"p"}`)
		<-time.After(time.Second)
		synctest.Wait()
		b.mu.Lock()
		n := len(b.got)
		b.mu.Unlock()
		if n != 1 {
			t.Errorf("%d sent", n)
		}
		stop()
		close(until)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestTheRateIsReached by who waits for it, and what several processes share is not used up
// by one that has nothing to send.
func TestTheRateIsReached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := set(t)
		b.Clock = clock.System{}
		counters := &storefault.MemoryIdentity{}
		b.Limits.PerSecond, b.Limits.Ramp, b.Counters = 100, time.Second, counters
		idle := &notify.Service{Store: &storefault.MemoryIdentity{}, Inbox: b, Clock: b.Clock, Rand: rand.Reader, Log: b.Log, Limits: b.Limits, Counters: counters, Senders: b.Senders}
		for n := range 1500 {
			user := fmt.Sprint("u", n)
			b.phone(user, "token of "+user)
			b.item(user, fmt.Sprint("i", n), domain.NoticeAnnouncement, "")
		}
		ctx, stop := context.WithCancel(t.Context())
		var both sync.WaitGroup
		for _, s := range []*notify.Service{b.Service, idle} {
			both.Go(func() {
				if err := s.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		<-time.After(10 * time.Second)
		synctest.Wait()
		b.mu.Lock()
		n := len(b.got)
		b.mu.Unlock()
		if n < 850 || n > 1100 {
			t.Errorf("%d in ten seconds", n)
		}
		stop()
		both.Wait()
	})
}

// TestAResultGoesBeforeABulk: what comes into an earlier lane is sent next, although
// thousands wait in a later one; and the rate grows from nothing.
func TestAResultGoesBeforeABulk(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.Limits.PerSecond, b.Limits.Ramp = 20, time.Minute
	for n := range 2000 {
		user := fmt.Sprint("u", n)
		b.phone(user, "token of "+user)
		b.item(user, fmt.Sprint("i", n), domain.NoticeAnnouncement, "")
	}
	first := b.rounds(10*time.Second, 100*time.Millisecond)
	if n := len(first); n < 8 || n > 30 {
		t.Errorf("%d in the first ten seconds", n)
	}
	b.rounds(time.Minute, 100*time.Millisecond)
	before := len(b.got)
	if n := len(b.rounds(5*time.Second, 100*time.Millisecond)); n < 90 || n > 110 {
		t.Errorf("%d in five seconds, once warm", n)
	}
	b.phone("r", "token of r")
	b.item("r", "result", domain.NoticeResults, `{"programme":"p"}`)
	asked := b.clock.Now()
	b.rounds(2*time.Second, 100*time.Millisecond)
	i := slices.IndexFunc(b.got, func(s sent) bool { return s.to == "token of r" })
	if i < before || b.got[i].at.Sub(asked) > 200*time.Millisecond {
		t.Errorf("the result was push %d, at %v", i, b.got[i].at.Sub(asked))
	}
}
