package api

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/fault"
)

// A server that takes on more than it can do answers everybody late. So only so many
// requests are worked on at a time, a few wait for a moment, and the rest is told at
// once to come back: what a phone could not send stays on the phone. Who waits is
// called by class, and of a full line those of the lowest class are sent away first.
// Probes stand above all classes: they take no place (route.apart), and neither do those
// who only listen. Exports stand below all others, and have places of their own
// (exports.go).

// class is how much a request matters when not all can be answered.
type class int

const (
	keepSession class = iota // without it a phone can do nothing else
	bring                    // what people typed
	fetch                    // what they could read later
	export                   // what reads a whole programme or the whole country
	classes
)

// gate lets so many requests in at a time. Of a slow machine, as many as are good for a
// fast one would all be slow; so while some are sent away it looks how long the others
// take, and works on fewer at a time, down to a quarter, until they are quick enough.
type gate struct {
	most     int           // that wait
	patience time.Duration // how long one waits
	quick    time.Duration // that a request should take, once it is in; 0: does not look

	mu      sync.Mutex
	places  int              // at most that are in; of which
	free    int              // are free, and below zero so many too many are in
	full    int              // most places that there ever are
	lines   [classes][]*turn // in the order in which they came
	waiting int              // without exports

	own, ownMost int           // places of exports that are free, and exports that may wait
	ownPatience  time.Duration // how long one waits

	seen  int           // requests that left since it looked last
	took  time.Duration // of them together
	spare int           // sent away meanwhile
}

// turn is a request that waits. It is told once whether it may go on.
type turn struct{ told chan bool }

func newGate(most int, patience time.Duration) *gate {
	return &gate{free: most, places: most, full: most, most: most, patience: patience}
}

// enter waits for a place, which leave gives back.
//
// Errors: Transient "overloaded".
func (g *gate) enter(ctx context.Context, c class) error {
	t := g.line(c)
	if t == nil {
		return nil
	}
	if t.told == nil {
		return overloaded()
	}
	patience := g.patience
	if c == export {
		patience = g.ownPatience
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case ok := <-t.told:
		return admitted(ok)
	case <-timer.C:
	case <-ctx.Done():
	}
	if g.quit(c, t) {
		return overloaded()
	}
	return admitted(<-t.told) // it was told in this very moment
}

func admitted(ok bool) error {
	if ok {
		return nil
	}
	return overloaded()
}

// overloaded spreads those who are sent away over some seconds.
func overloaded() error {
	return &fault.Error{Kind: fault.Transient, Code: "overloaded", Text: "more requests than the server can answer", After: time.Second + rand.N(4*time.Second)}
}

// line takes a place at once (nil), or stands in line. A turn without a channel is
// sent away.
func (g *gate) line(c class) *turn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c == export {
		return g.lineExport()
	}
	if g.free > 0 {
		g.free--
		return nil
	}
	if g.waiting >= g.most && !g.sendAway(c) {
		g.spare++
		return &turn{}
	}
	t := &turn{make(chan bool, 1)}
	g.lines[c] = append(g.lines[c], t)
	g.waiting++
	return t
}

// sendAway makes room in a full line for one of a class: the newest of the lowest
// class goes, if that is lower.
func (g *gate) sendAway(c class) bool {
	for low := fetch; low > c; low-- {
		if n := len(g.lines[low]); n > 0 {
			g.lines[low][n-1].told <- false
			g.lines[low] = g.lines[low][:n-1]
			g.waiting--
			g.spare++
			return true
		}
	}
	return false
}

// quit takes a turn out of the line, unless it was told already.
func (g *gate) quit(c class, t *turn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := slices.Index(g.lines[c], t)
	if n < 0 {
		return false
	}
	g.lines[c] = slices.Delete(g.lines[c], n, n+1)
	if c != export {
		g.waiting--
		g.spare++
	}
	g.callExports()
	return true
}

// leave gives the place back, to the first of the highest class.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free++
	g.call()
}

// call lets in who waits, as far as there are places. The lock is held.
func (g *gate) call() {
	defer g.callExports()
	for c := range export {
		for g.free > 0 && len(g.lines[c]) > 0 {
			g.lines[c][0].told <- true
			g.lines[c] = slices.Delete(g.lines[c], 0, 1)
			g.waiting--
			g.free--
		}
	}
}

// leaveAfter is leave for one that was in for so long.
func (g *gate) leaveAfter(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free++
	if g.quick > 0 {
		g.seen++
		g.took += min(took, 4*g.quick) // one that waits for something else says little of the machine
		if g.seen >= g.full {
			g.look()
		}
	}
	g.call()
}

// look decides by the requests that left how many places there are. The lock is held.
func (g *gate) look() {
	mean := g.took / time.Duration(g.seen)
	old := g.places
	switch {
	case g.spare == 0:
		g.places = min(g.full, g.places+max(1, g.full/8))
	case mean > g.quick:
		g.places = max((g.full+3)/4, g.places-max(1, g.full/8))
	case mean < g.quick/2:
		g.places = min(g.full, g.places+1)
	}
	g.free += g.places - old
	g.seen, g.took, g.spare = 0, 0, 0
}

// queued is how many wait.
func (g *gate) queued() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting
}

// Waiting is how many requests wait for a place, exports left out.
func (s *Server) Waiting() int { return s.gate.queued() }

// WaitingLarge is how many large pushes wait for the lane.
func (s *Server) WaitingLarge() int { return s.lane.gate.queued() }

// WaitingToInflate is how many bodies wait to be inflated: those that are to be, without as
// many as are inflated at a time.
func (s *Server) WaitingToInflate() int { return max(0, int(s.inflating.Load())-cap(s.inflaters)) }

// WaitingToPack is how many answers wait to be packed.
func (s *Server) WaitingToPack() int { return int(s.packers.waiting.Load()) }

// classOf is the class of a request from an address that may have used up its budget of
// forged proofs: keeping a session is above what people typed only where sessions are real.
func (s *Server) classOf(x *call, r route) class {
	if r.bySession {
		if _, wait := s.failures.short(x.ip.String(), s.Clock.Now(), 1); wait > 0 {
			return fetch
		}
	}
	return r.class(x.Ctx)
}

// class says how much a request matters. Nothing of it has been inflated or parsed by
// then: a sync without edits is known by the word that is not in its body.
func (r route) class(c *fiber.Ctx) class {
	switch {
	case r.whole:
		return export
	case r.path == "/v1/auth/refresh":
		return keepSession
	case r.method == fiber.MethodGet, r.path == "/v1/sync/pull", r.path == "/v1/sync" && bringsNothing(c):
		return fetch
	}
	return bring
}

// bringsNothing reports whether a sync has no edits for certain. A packed body may have
// some, and so may one that has the word elsewhere.
func bringsNothing(c *fiber.Ctx) bool {
	encoding := encodingOf(c)
	return (encoding == "" || encoding == "identity") && !bytes.Contains(c.Request().Body(), []byte(`"push"`))
}
