package notify_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// stalls is an inbox whose first answer comes behind something else.
type stalls struct {
	*bell
	meanwhile func(context.Context) error
}

func (s *stalls) Ringing(ctx context.Context, user string, items []string) (notify.Recipient, []merge.Row, error) {
	if do := s.meanwhile; do != nil {
		s.meanwhile = nil
		if err := do(ctx); err != nil {
			return notify.Recipient{}, nil, err
		}
	}
	return s.bell.Ringing(ctx, user, items)
}

// TestWhoMayLoseTheLeaseSendsNothing: what an attempt reads before it sends takes long, and another
// process comes by. Whoever could not end within the lease leaves it to that one.
func TestWhoMayLoseTheLeaseSendsNothing(t *testing.T) {
	t.Parallel()
	l := notify.DefaultLimits()
	for name, stall := range map[string]time.Duration{
		"no time":                             0,
		"as long as there is time to send":    l.Lease - l.Timeout - time.Second,
		"so long that sending might outlast":  l.Lease - l.Timeout + time.Second,
		"to the end of the lease":             l.Lease,
		"longer than the lease":               l.Lease + time.Second,
		"long enough for a sweep of the next": 3 * l.Lease,
	} {
		for _, hint := range []bool{false, true} {
			b := set(t)
			b.phone("u1", "one")
			if hint {
				h := &notify.Hints{Push: b.Service, Every: 15 * time.Minute, Log: b.Log}
				h.Moved([]string{"u1"}, nil)
				b.ok(h.Flush(t.Context()))
			} else {
				b.item("u1", "i1", domain.NoticeResults, `{"programme":"p"}`)
			}
			other := &notify.Service{Store: b.Store, Inbox: b, Clock: b.clock, Rand: rand.Reader, Log: b.Log, Limits: b.Limits, Senders: b.Senders}
			takes := func(context.Context) error {
				b.clock.Advance(stall)
				_, err := other.Round(t.Context())
				return err
			}
			mine := b.Store
			if b.Inbox = (&stalls{b, takes}); hint {
				b.Store = &meanwhile{Identity: b.Store.(store.Identity), at: 1, do: func() { b.ok(takes(t.Context())) }}
			}
			_, err := b.Round(t.Context())
			b.ok(err)
			b.Store = mine
			if sent := len(b.got); sent > 1 || stall >= l.Lease && sent != 1 {
				t.Errorf("%s, hint %t: sent %d times", name, hint, sent)
			}
			b.rounds(2*l.Lease, time.Second)
			if s := b.states(""); len(b.got) != 1 || s[store.DeliverySent] != 1 {
				t.Errorf("%s, hint %t: sent %d times at last, %v", name, hint, len(b.got), s)
			}
		}
	}
}

// TestAnInboxThatNeverAnswersIsLeft while there is time for an attempt, and somebody else makes it.
func TestAnInboxThatNeverAnswersIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := set(t)
		b.phone("u1", "one")
		b.item("u1", "i1", domain.NoticeResults, `{"programme":"p"}`)
		b.Inbox = &stalls{b, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), b.Limits.Lease-b.Limits.Timeout+time.Second)
		defer cancel()
		if _, err := b.Round(ctx); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("%v, and there is no time left to send: %v", err, ctx.Err())
		}
		b.clock.Advance(b.Limits.Lease)
		b.rounds(time.Minute, time.Second)
		if len(b.got) != 1 {
			t.Errorf("sent %d times", len(b.got))
		}
	})
}
