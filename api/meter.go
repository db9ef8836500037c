package api

import (
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Rate allows Max requests in any stretch of about Per: the budget refills
// evenly.
type Rate struct {
	Max int
	Per time.Duration
}

// meter keeps a budget per name. It forgets names that were silent for a whole
// refill, in two halves like every bounded table of the house.
type meter struct {
	name       string
	rate       Rate
	mu         *sync.Mutex
	young, old map[string]budget
	loud       map[string]struct{} // names whose use other processes should hear of; nil: there are none
}

// budget is what a name has left, as of an instant.
type budget struct {
	left float64
	at   time.Time
	use
}

const meterHalf = 50_000

func newMeter(name string, r Rate) meter { return meter{name: name, rate: r, mu: &sync.Mutex{}} }

// take uses n requests of who's budget and tells what is left. If the budget does not
// reach, nothing is taken, and wait says when it will. What is more than a whole budget
// passes when it is full, and is owed.
func (m *meter) take(who string, now time.Time, n float64) (left int, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.filled(who, now)
	if wait = m.until(b, n); wait == 0 {
		b.left -= n
		m.heed(who, &b.use, now, int64(n))
	}
	m.keep(who, b)
	return max(0, int(b.left)), wait
}

// short is take for who only asks whether the budget reaches.
func (m *meter) short(who string, now time.Time, n float64) (left int, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.filled(who, now)
	return max(0, int(b.left)), m.until(b, n)
}

// giveBack undoes a take of just now.
func (m *meter) giveBack(who string, now time.Time, n float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.filled(who, now)
	b.left = min(float64(m.rate.Max), b.left+n)
	if m.loud != nil && m.window(now) == b.window {
		b.mine -= int64(n)
	}
	m.keep(who, b)
}

// filled is a budget with what came in since it was used.
func (m *meter) filled(who string, now time.Time) budget {
	b := m.of(who, now)
	b.left = min(float64(m.rate.Max), b.left+max(0, now.Sub(b.at).Seconds())*m.perSecond())
	b.at = now
	return b
}

// until is when a budget reaches for n, 0 if it does.
func (m *meter) until(b budget, n float64) time.Duration {
	if n = min(n, float64(m.rate.Max)); b.left >= n {
		return 0
	}
	return max(time.Duration((n-b.left)/m.perSecond()*float64(time.Second)), time.Millisecond)
}

func (m *meter) perSecond() float64 { return float64(m.rate.Max) / m.rate.Per.Seconds() }

// keep stores a budget; the lock is held.
func (m *meter) keep(who string, b budget) {
	if len(m.young) >= meterHalf || m.young == nil {
		m.young, m.old = map[string]budget{}, m.young
	}
	m.young[who] = b
}

// of is the budget of a name; a new one is full.
func (m *meter) of(who string, now time.Time) budget {
	if b, ok := m.young[who]; ok {
		return b
	}
	if b, ok := m.old[who]; ok {
		return b
	}
	return budget{left: float64(m.rate.Max), at: now}
}

// meterIn charges a request and says so in the headers.
//
// Errors: TooMany "rate_limited".
func (s *Server) meterIn(c *fiber.Ctx, m *meter, who string) error {
	left, wait := m.take(who, s.Clock.Now(), 1)
	tellRate(c, m, left)
	if wait > 0 {
		return overRate(m, wait)
	}
	return nil
}
