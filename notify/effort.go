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

// Arrival is what became of the pushes of a lane, as far as this process sent them.
type Arrival struct {
	Taken    int           // by a provider
	P50, P99 time.Duration // from when one was due until it was taken, of the last thousand
}

// Receipts count what phones have noted about announcements, by this process.
type Receipts struct{ Delivered, Read, Acknowledged int }

// effort counts attempts.
type effort struct {
	mu     sync.Mutex
	is     Effort
	took   recent
	taken  map[string]int // by lane
	waited map[string]*recent
}

// recent are the last thousand of some durations.
type recent struct {
	all  []time.Duration // the newest at next-1
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
	e.took.note(took)
}

// arrived counts a push that was taken.
func (e *effort) arrived(lane string, waited time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waited == nil {
		e.taken, e.waited = map[string]int{}, map[string]*recent{}
	}
	if e.waited[lane] == nil {
		e.waited[lane] = &recent{}
	}
	e.taken[lane]++
	e.waited[lane].note(waited)
}

func (r *recent) note(d time.Duration) {
	if len(r.all) < lastTook {
		r.all = append(r.all, d)
		return
	}
	r.all[r.next] = d
	r.next = (r.next + 1) % lastTook
}

// percentiles are 0 where there is nothing.
func (r *recent) percentiles() (p50, p99 time.Duration) {
	all := slices.Sorted(slices.Values(r.all))
	if n := len(all); n > 0 {
		p50, p99 = all[n/2], all[min(n*99/100, n-1)]
	}
	return p50, p99
}

func (e *effort) figures() Effort {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.is
	out.P50, out.P99 = e.took.percentiles()
	return out
}

func (e *effort) arrivals() map[string]Arrival {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]Arrival{}
	for lane, r := range e.waited {
		p50, p99 := r.percentiles()
		out[lane] = Arrival{e.taken[lane], p50, p99}
	}
	return out
}
