package api_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/store"
)

// counted counts what sharing rates costs a database.
type counted struct {
	store.Counters
	calls atomic.Int64
	down  atomic.Bool
}

var errDown = errors.New("the database is away")

func (c *counted) Add(ctx context.Context, key string, n int64, expires time.Time) error {
	if c.calls.Add(1); c.down.Load() {
		return errDown
	}
	return c.Counters.Add(ctx, key, n, expires)
}

func (c *counted) Totals(ctx context.Context, keys []string) ([]int64, error) {
	if c.calls.Add(1); c.down.Load() {
		return nil, errDown
	}
	return c.Counters.Totals(ctx, keys)
}

// pair is one person with two processes on one database, each of which lets 80
// requests a minute through.
type pair struct {
	*testing.T
	here, there *house
	at          [2]person
	counters    *counted
}

func openPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{T: t, counters: &counted{}}
	rate := api.Rate{Max: 80, Per: time.Minute}
	p.here = open(t, func(o *api.Parts) {
		p.counters.Counters = o.Auth.Store
		o.Counters, o.Limits.PerUser = p.counters, rate
	})
	p.there = &house{Server: api.New(p.here.parts), parts: p.here.parts, clock: p.here.clock, box: p.here.box, ids: p.here.ids, log: p.here.log}
	p.at[0] = p.here.login(t, "+628117000001")
	p.at[1] = person{p.there, p.at[0].Login}
	return p
}

// ask asks n times at one of the two and counts what got through.
func (p *pair) ask(at, n int) (through int) {
	p.Helper()
	for range n {
		switch resp, body := p.at[at].do(p.T, "GET", "/v1/me", ""); resp.StatusCode {
		case 200:
			through++
		case 429:
			if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || after < 1 || after > 121 {
				p.Errorf("come back after %q", resp.Header.Get("Retry-After"))
			}
		default:
			p.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	return through
}

func (p *pair) settle() {
	p.Helper()
	for _, h := range []*house{p.here, p.there, p.here} {
		if err := h.Settle(p.Context()); err != nil && !p.counters.down.Load() {
			p.Fatal(err)
		}
	}
}

func TestTwoProcessesShareARate(t *testing.T) {
	p := openPair(t)
	through := 0
	for range 20 { // both at once, as a proxy deals requests out
		through += p.ask(0, 5) + p.ask(1, 5)
		p.settle()
	}
	if through < 80 || through > 90 {
		t.Errorf("%d of 200 got through, want 80, and at most what lies between two settlements", through)
	}
	p.here.clock.Advance(30 * time.Second)
	through = 0
	for range 20 {
		through += p.ask(0, 5) + p.ask(1, 5)
		p.settle()
	}
	if through > 60 {
		t.Errorf("half a minute later %d got through, want about 40", through)
	}
	p.here.clock.Advance(5 * time.Minute)
	if got := p.ask(1, 60); got != 60 {
		t.Errorf("after five quiet minutes %d of 60 got through", got)
	}
}

func TestWhoAsksLittleCostsTheDatabaseNothing(t *testing.T) {
	p := openPair(t)
	for range 10 {
		if got := p.ask(0, 9) + p.ask(1, 9); got != 18 {
			t.Errorf("%d of 18 got through", got)
		}
		p.settle()
		p.here.clock.Advance(time.Minute)
	}
	if n := p.counters.calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestADatabaseThatIsAwayLeavesEachProcessItsRate(t *testing.T) {
	p := openPair(t)
	p.counters.down.Store(true)
	first := p.ask(0, 50)
	p.settle()
	if second := p.ask(0, 50); first+second != 80 {
		t.Errorf("%d got through", first+second)
	}
	p.counters.down.Store(false)
	p.ask(1, 20)
	p.settle()
	p.settle()
	if got := p.ask(1, 50); got != 0 {
		t.Errorf("%d got through elsewhere once it was back", got)
	}
}
