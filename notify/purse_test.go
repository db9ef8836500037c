package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// breaks are counters of which some calls fail, by their number, before or behind what they do.
type breaks struct {
	store.Counters
	calls  int
	fails  func(call int) bool // nil: none does
	behind bool
}

var errBreaks = errors.New("no answer")

func (c *breaks) call(ctx context.Context, do func() error) error {
	c.calls++
	broken := c.fails != nil && c.fails(c.calls)
	if broken && !c.behind {
		return errBreaks
	}
	if err := errors.Join(ctx.Err(), do()); err != nil || !broken {
		return err
	}
	return errBreaks
}

func (c *breaks) Add(ctx context.Context, key string, n int64, keep time.Time) error {
	return c.call(ctx, func() error { return c.Counters.Add(ctx, key, n, keep) })
}

func (c *breaks) Totals(ctx context.Context, keys []string) (out []int64, err error) {
	err = c.call(ctx, func() (err error) {
		out, err = c.Counters.Totals(ctx, keys)
		return err
	})
	return out, err
}

// TestAPurseWhoseCountersFail for a while, whichever call of theirs is the first, whether or not what failed was done, while
// a service takes no message, or takes it: the bound of the day is never passed, and an outage costs no more than two
// messages of it, however often is tried meanwhile.
func TestAPurseWhoseCountersFail(t *testing.T) {
	t.Parallel()
	const perDay, tries, lost = 10, 30, 2
	for _, behind := range []bool{false, true} {
		for _, taken := range []bool{false, true} {
			for from := 1; from <= 6; from++ {
				for _, length := range []int{1, 2, 3, 4, 50} {
					b := set(t)
					c := &breaks{Counters: b.Store.(store.Counters), behind: behind, fails: func(call int) bool { return call >= from && call < from+length }}
					p := &post{people: map[string]notify.Contact{}}
					purse := &notify.Purse{Name: "codes", PerDay: perDay, Counters: c, Clock: b.clock, Log: slog.New(slog.DiscardHandler)}
					paid := notify.Paid{Messenger: p, Purse: purse}
					send := func(id string) string {
						if f := notify.FailureOf(paid.Send(t.Context(), notify.Message{ID: id, Channel: "whatsapp", To: "+628117000123", Template: "N06"})); f != nil {
							return f.Code
						}
						return ""
					}
					for n := range tries {
						if !taken {
							p.fails = []error{&notify.Failure{Class: notify.Later, Code: "unavailable", Cause: errBreaks}}
						}
						send(fmt.Sprint("try ", n))
					}
					c.fails, p.fails = nil, nil
					last := ""
					for n := range perDay + 1 {
						last = send(fmt.Sprint("then ", n))
					}
					if n := len(p.got); n > perDay || n < perDay-lost || last != "message_cap" {
						t.Errorf("done %t, taken %t, calls %d to %d: %d messages of %d, and then %q", behind, taken, from, from+length-1, n, perDay, last)
					}
				}
			}
		}
	}
}
