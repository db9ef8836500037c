package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// breaks are counters of which some calls fail, by their number.
type breaks struct {
	store.Counters
	calls int
	fails map[int]bool
}

var errBreaks = errors.New("no answer")

func (c *breaks) broken(ctx context.Context) error {
	if c.calls++; c.fails[c.calls] {
		return errBreaks
	}
	return ctx.Err()
}

func (c *breaks) Add(ctx context.Context, key string, n int64, keep time.Time) error {
	if err := c.broken(ctx); err != nil {
		return err
	}
	return c.Counters.Add(ctx, key, n, keep)
}

func (c *breaks) Totals(ctx context.Context, keys []string) ([]int64, error) {
	if err := c.broken(ctx); err != nil {
		return nil, err
	}
	return c.Counters.Totals(ctx, keys)
}

// TestAPurseLosesNothing, whichever calls of its counters fail while a message is tried that the service
// does not take: what went out of it comes back, at once or with the next message.
func TestAPurseLosesNothing(t *testing.T) {
	t.Parallel()
	const perDay = 3
	for from := 1; from <= 6; from++ {
		for length := 1; length <= 4; length++ {
			b := set(t)
			c := &breaks{Counters: b.Store.(store.Counters), fails: map[int]bool{}}
			for n := range length {
				c.fails[from+n] = true
			}
			p := &post{people: map[string]notify.Contact{}, fails: []error{&notify.Failure{Class: notify.Later, Code: "unavailable", Cause: errBreaks}}}
			purse := &notify.Purse{Name: "codes", PerDay: perDay, Counters: c, Clock: b.clock, Log: slog.New(slog.DiscardHandler)}
			paid := notify.Paid{Messenger: p, Purse: purse}
			send := func(id string) error {
				return paid.Send(t.Context(), notify.Message{ID: id, Channel: "whatsapp", To: "+628117000123", Template: "N06"})
			}
			if send("never taken") == nil {
				t.Fatalf("calls %d to %d: it was taken", from, from+length-1)
			}
			c.fails, p.fails = nil, nil
			for _, id := range []string{"a", "b", "c"} {
				if err := send(id); err != nil {
					t.Errorf("calls %d to %d: %s: %v", from, from+length-1, id, err)
				}
			}
			if spent, err := purse.Spent(t.Context()); spent != perDay || err != nil {
				t.Errorf("calls %d to %d: spent %d, %v", from, from+length-1, spent, err)
			}
			if f := notify.FailureOf(send("d")); f == nil || f.Code != "message_cap" {
				t.Errorf("calls %d to %d: behind the bound: %v", from, from+length-1, f)
			}
		}
	}
}

// TestAPurseOwesForItsDayAlone: what could not go back into it makes the next day's no larger.
func TestAPurseOwesForItsDayAlone(t *testing.T) {
	t.Parallel()
	b := set(t)
	c := &breaks{Counters: b.Store.(store.Counters), fails: map[int]bool{3: true, 4: true}}
	p := &post{people: map[string]notify.Contact{}}
	purse := &notify.Purse{Name: "codes", PerDay: 1, Counters: c, Clock: b.clock, Log: slog.New(slog.DiscardHandler)}
	paid := notify.Paid{Messenger: p, Purse: purse}
	for i, want := range []string{"counters_unavailable", "sent", "message_cap"} {
		code := "sent"
		if f := notify.FailureOf(paid.Send(t.Context(), notify.Message{ID: string(rune('a' + i)), Channel: "whatsapp", To: "+628117000123", Template: "N06"})); f != nil {
			code = f.Code
		}
		if code != want {
			t.Errorf("message %d: %s, want %s", i, code, want)
		}
		if i == 0 {
			b.clock.Advance(24 * time.Hour)
		}
	}
}
