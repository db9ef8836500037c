package notify

import (
	"slices"
	"sync"
	"time"
)

// Effort is what the attempts of this process came to.
type Effort struct {
	Since    time.Time // of the first one; zero if none was made
	Attempts int
	Taken    int           // by a provider
	P50, P99 time.Duration // that a provider took, of the last thousand
}

// effort counts attempts.
type effort struct {
	mu   sync.Mutex
	is   Effort
	took []time.Duration // the newest at next-1
	next int
}

// lastTook is how many attempts the percentiles are of.
const lastTook = 1000

func (e *effort) count(from time.Time, took time.Duration, taken bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.is.Attempts++; e.is.Since.IsZero() {
		e.is.Since = from
	}
	if taken {
		e.is.Taken++
	}
	if len(e.took) < lastTook {
		e.took = append(e.took, took)
		return
	}
	e.took[e.next] = took
	e.next = (e.next + 1) % lastTook
}

func (e *effort) figures() Effort {
	e.mu.Lock()
	defer e.mu.Unlock()
	out, all := e.is, slices.Sorted(slices.Values(e.took))
	if n := len(all); n > 0 {
		out.P50, out.P99 = all[n/2], all[min(n*99/100, n-1)]
	}
	return out
}
