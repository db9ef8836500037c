package notify

import (
	"sync"
	"time"
)

// gates keep pushes back from providers that do not work. A gate is shut for a while, then
// one attempt is let through, and what comes of it opens the gate or shuts it for longer.
type gates struct {
	mu sync.Mutex
	of map[string]*gate
}

type gate struct {
	rest    Rest
	broken  bool            // nothing goes until somebody mends the set-up
	failing map[string]bool // addresses at which it failed for its own reasons since it took a push last
	took    time.Time       // when that was
	pause   time.Duration   // of the last time
	trial   Rest            // in which it is waited for what comes of the one attempt
}

// Rest is a time in which somebody is left alone.
type Rest struct{ From, Until time.Time }

// putBack is how much earlier than its beginning an instant lies at least that shows that the clock was put
// back. Less is who looked at the clock a moment before somebody else did.
const putBack = time.Minute

// Left is how much of the rest is left at an instant; 0 far before its beginning: a clock that was put back
// would else make it longer by as much.
func (r Rest) Left(now time.Time) time.Duration {
	if now.Before(r.From.Add(-putBack)) {
		return 0
	}
	return max(r.Until.Sub(now), 0)
}

// fails reports whether a provider fails everybody: one address, of which it may have an
// opinion of its own, does not count twice.
func (g *gate) fails() bool { return g.broken || len(g.failing) >= failsInARow }

// Bounds of a gate.
const (
	failsInARow = 20 // addresses
	firstPause  = 5 * time.Second
	longPause   = 2 * time.Minute
	trialWithin = 20 * time.Second // an attempt ends before
)

func (g *gates) at(provider string) *gate {
	if g.of == nil {
		g.of = map[string]*gate{}
	}
	if g.of[provider] == nil {
		g.of[provider] = &gate{}
	}
	return g.of[provider]
}

// shut reports whether a provider is left alone. Where one attempt is to show whether it works
// again, whoever asks first makes it.
func (g *gates) shut(provider string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.at(provider)
	switch {
	case at.rest.Left(now) > 0:
		return true
	case !at.fails():
		return false
	case at.trial.Left(now) > 0:
		return true
	}
	at.trial = Rest{now, now.Add(trialWithin)}
	return false
}

// closed are the providers that are left alone now.
func (g *gates) closed(now time.Time) (out []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for provider, at := range g.of {
		if at.rest.Left(now) > 0 || at.fails() && at.trial.Left(now) > 0 {
			out = append(out, provider)
		}
	}
	return out
}

// spare notes that an attempt was not made after all.
func (g *gates) spare(provider string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at(provider).trial = Rest{}
}

// learn notes how an attempt ended. Of those that were under way when the gate was shut
// nothing is learned: they ran into the same trouble.
func (g *gates) learn(provider, address string, now time.Time, f *Failure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.at(provider)
	if f != nil && f.Local { // of one address: strangers must not be able to shut it for all
		at.trial = Rest{}
		return
	}
	if at.rest.Left(now) > 0 {
		return
	}
	at.trial = Rest{}
	switch {
	case f == nil || f.Class == Gone || f.Class == Refused: // the provider works
		at.broken, at.failing, at.pause, at.took = false, nil, 0, now
		return
	case f.Class == SlowDown:
		at.rest = Rest{now, now.Add(max(f.RetryAfter, time.Minute))}
		return
	case f.Class == Broken:
		at.broken = true
	case at.failing == nil:
		at.failing = map[string]bool{address: true}
	case len(at.failing) < failsInARow:
		at.failing[address] = true
	}
	if at.fails() {
		at.pause = min(max(2*at.pause, firstPause), longPause)
		at.rest = Rest{now, now.Add(max(at.pause, f.RetryAfter))}
	}
}

// takesOthers reports whether a provider that has failed at an address took a push behind an
// instant, and has failed nobody else since. What it took before the clock was put back says nothing.
func (g *gates) takesOthers(provider, address string, behind, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.at(provider)
	if at.took.After(now.Add(putBack)) {
		at.took = time.Time{}
	}
	return at.took.After(behind) && !at.broken && len(at.failing) == 1 && at.failing[address]
}

// failsOthers reports whether a provider has failed at other addresses since it took a push last.
func (g *gates) failsOthers(provider, address string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.at(provider)
	return at.broken || len(at.failing) > 1 || len(at.failing) == 1 && !at.failing[address]
}
