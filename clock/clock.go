// Package clock is the only place where the house asks for the time.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time. It has one method so that a test, the simulator and
// the system can each bring their own.
type Clock interface {
	// Now is the current instant in UTC, cut to whole milliseconds, the
	// finest unit that the wire and the stores keep.
	Now() time.Time
}

// System is the clock of the machine.
type System struct{}

// Now is the machine's time.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// Precise is the clock of the machine for measuring: with its monotonic reading,
// which no correction of the time moves, and not cut.
type Precise struct{}

// Now is the machine's time.
func (Precise) Now() time.Time { return time.Now() }

// Fixed is a clock that moves only when it is told to. It is safe for
// concurrent use. The zero value stands at the zero time.
type Fixed struct {
	mu sync.Mutex
	at time.Time
}

// At gives a clock that stands at t.
func At(t time.Time) *Fixed {
	c := &Fixed{}
	c.Set(t)
	return c
}

// Now is the instant that was set last.
func (c *Fixed) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Set moves the clock to t, forwards or backwards.
func (c *Fixed) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t.UTC().Truncate(time.Millisecond)
}

// Advance moves the clock by d and gives the new instant.
func (c *Fixed) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}
