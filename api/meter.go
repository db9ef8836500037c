package api

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/fault"
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
// reach, nothing is taken, and wait says when it will.
func (m *meter) take(who string, now time.Time, n float64) (left int, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	most, perSecond := float64(m.rate.Max), float64(m.rate.Max)/m.rate.Per.Seconds()
	b := m.of(who, now)
	b.left = min(most, b.left+max(0, now.Sub(b.at).Seconds())*perSecond)
	b.at = now
	if b.left < n {
		wait = time.Duration((n - b.left) / perSecond * float64(time.Second))
		wait = max(wait, time.Millisecond)
	} else {
		b.left -= n
		m.heed(who, &b.use, now, int64(n))
	}
	if len(m.young) >= meterHalf || m.young == nil {
		m.young, m.old = map[string]budget{}, m.young
	}
	m.young[who] = b
	return max(0, int(b.left)), wait
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
	window := strconv.Itoa(int(m.rate.Per.Seconds()))
	c.Set("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%s`, m.name, m.rate.Max, window))
	reset := int((time.Duration(float64(m.rate.Max-left)/float64(m.rate.Max)*float64(m.rate.Per)) + time.Second - 1) / time.Second)
	c.Set("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, m.name, left, reset))
	if wait > 0 {
		return &fault.Error{Kind: fault.TooMany, Code: "rate_limited", Text: "over the rate of one " + m.name, After: wait}
	}
	return nil
}
