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
	until time.Time
	fails int           // attempts in a row that failed for the provider's reasons
	pause time.Duration // of the last time
	trial time.Time     // until when it is waited for what comes of the one attempt
}

// Bounds of a gate.
const (
	failsInARow = 20
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
	case at.until.After(now):
		return true
	case at.fails < failsInARow:
		return false
	case at.trial.After(now):
		return true
	}
	at.trial = now.Add(trialWithin)
	return false
}

// closed are the providers that are left alone now.
func (g *gates) closed(now time.Time) (out []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for provider, at := range g.of {
		if at.until.After(now) || at.fails >= failsInARow && at.trial.After(now) {
			out = append(out, provider)
		}
	}
	return out
}

// spare notes that an attempt was not made after all.
func (g *gates) spare(provider string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at(provider).trial = time.Time{}
}

// learn notes how an attempt ended. Of those that were under way when the gate was shut
// nothing is learned: they ran into the same trouble.
func (g *gates) learn(provider string, now time.Time, f *Failure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.at(provider)
	if f != nil && f.Local { // of one address: strangers must not be able to shut it for all
		at.trial = time.Time{}
		return
	}
	if at.until.After(now) {
		return
	}
	at.trial = time.Time{}
	switch {
	case f == nil || f.Class == Gone || f.Class == Refused: // the provider works
		at.fails, at.pause = 0, 0
		return
	case f.Class == SlowDown:
		at.until = now.Add(max(f.RetryAfter, time.Minute))
		return
	case f.Class == Broken:
		at.fails = failsInARow
	default:
		at.fails++
	}
	if at.fails >= failsInARow {
		at.pause = min(max(2*at.pause, firstPause), longPause)
		at.until = now.Add(max(at.pause, f.RetryAfter))
	}
}
