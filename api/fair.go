package api

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// A phone that was away for two hundred days comes back with 50,000 edits, and nobody
// else should notice. Three things see to that here: edits have a budget, of a device
// and of an account, so that such a phone is through in minutes and not at once; a
// device has one large push under way, and an account two; and large pushes of
// everybody go through a lane in which few are worked on at a time, so that small ones
// always find a processor. Behind it the engine lets others into a scope between two
// commits of one push, and the store lets small writes pass large ones. Decision 52.

// largeBody is the size from which a sync request is large, in bytes after inflating:
// about a hundred edits.
const (
	largeBody  = 32 << 10
	largeEdits = 100
)

// How many large pushes are under way, and wait.
const (
	lanePerDevice  = 1
	lanePerAccount = 2
	laneShare      = 8               // of the places of the gate, one in so many may wait for the lane
	lanePatience   = 2 * time.Second // how long one waits
	laneRest       = time.Second     // the longest that a place rests
)

// lane is where large requests are worked on. A place rests for as long as it was
// worked at, so that at most half of the time of a disk or a processor is theirs.
type lane struct {
	gate  *gate // its only class is bring
	clock clock.Clock

	mu    sync.Mutex
	under map[string]int // large requests of a device or account that are there or wait
}

func newLane(atOnce, waiting int, c clock.Clock) *lane {
	g := newGate(atOnce, lanePatience)
	g.most = waiting
	return &lane{gate: g, clock: c, under: map[string]int{}}
}

// enter waits for a place, which is given back by leave.
//
// Errors: TooMany "rate_limited" if the device or the account has its share there;
// Transient "overloaded".
func (l *lane) enter(ctx context.Context, who auth.Identity) (leave func(), err error) {
	if !l.begin(who) {
		return nil, &fault.Error{Kind: fault.TooMany, Code: "rate_limited", Text: "a large push of this device or account is under way", After: time.Second}
	}
	if err := l.gate.enter(ctx, bring); err != nil {
		l.end(who)
		return nil, err
	}
	began := l.clock.Now()
	return func() {
		l.end(who)
		if rest := min(l.clock.Now().Sub(began), laneRest); rest > 0 {
			time.AfterFunc(rest, l.gate.leave)
			return
		}
		l.gate.leave()
	}, nil
}

func (l *lane) begin(who auth.Identity) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	device, account := "device/"+who.Device, "user/"+who.User
	if l.under[device] >= lanePerDevice || l.under[account] >= lanePerAccount {
		return false
	}
	l.under[device]++
	l.under[account]++
	return true
}

func (l *lane) end(who auth.Identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range []string{"device/" + who.Device, "user/" + who.User} {
		if l.under[name]--; l.under[name] == 0 {
			delete(l.under, name)
		}
	}
}

// meterPerson charges a request to its device and its account, and tells of the one
// that has less left.
//
// Errors: TooMany "rate_limited".
func (s *Server) meterPerson(x *call) error {
	now := s.Clock.Now()
	left, wait := s.phones.take(x.who.Device, now, 1)
	if wait > 0 {
		tellRate(x.Ctx, &s.phones, left)
		return overRate(&s.phones, wait)
	}
	ofUser, wait := s.users.take(x.who.User, now, 1)
	if wait > 0 || ofUser < left {
		tellRate(x.Ctx, &s.users, ofUser)
	} else {
		tellRate(x.Ctx, &s.phones, left)
	}
	if wait > 0 {
		return overRate(&s.users, wait)
	}
	return nil
}

// meterEdits charges the edits of a push to its device and its account.
//
// Errors: TooMany "rate_limited"; then nothing is charged.
func (s *Server) meterEdits(x *call, n int) error {
	now := s.Clock.Now()
	left, wait := s.deviceEdits.take(x.who.Device, now, float64(n))
	if wait > 0 {
		tellRate(x.Ctx, &s.deviceEdits, left)
		return overRate(&s.deviceEdits, wait)
	}
	ofUser, wait := s.userEdits.take(x.who.User, now, float64(n))
	if wait > 0 {
		s.deviceEdits.giveBack(x.who.Device, now, float64(n))
		tellRate(x.Ctx, &s.userEdits, ofUser)
		return overRate(&s.userEdits, wait)
	}
	if ofUser < left {
		tellRate(x.Ctx, &s.userEdits, ofUser)
	} else {
		tellRate(x.Ctx, &s.deviceEdits, left)
	}
	return nil
}

// meterLarge refuses a large push unread where there is no budget for it.
//
// Errors: TooMany "rate_limited".
func (s *Server) meterLarge(x *call) error {
	now := s.Clock.Now()
	for _, b := range []struct {
		m   *meter
		who string
	}{{&s.deviceEdits, x.who.Device}, {&s.userEdits, x.who.User}} {
		if left, wait := b.m.short(b.who, now, largeEdits); wait > 0 {
			tellRate(x.Ctx, b.m, left)
			return overRate(b.m, wait)
		}
	}
	return nil
}

// tellRate says in the headers what is left of a budget, beside what they say already.
func tellRate(c *fiber.Ctx, m *meter, left int) {
	reset := int((time.Duration(float64(m.rate.Max-left)/float64(m.rate.Max)*float64(m.rate.Per)) + time.Second - 1) / time.Second)
	c.Append("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%s`, m.name, m.rate.Max, strconv.Itoa(int(m.rate.Per.Seconds()))))
	c.Append("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, m.name, left, reset))
}

func overRate(m *meter, wait time.Duration) error {
	return &fault.Error{Kind: fault.TooMany, Code: "rate_limited", Text: "over the rate of one " + m.name, After: wait}
}

// edits counts what a sync request pushes.
func edits(r protocol.Request) (n int) {
	for _, p := range r.Push {
		n += len(p.Mutations)
	}
	return n
}
