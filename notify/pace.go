package notify

import (
	"sync"
	"time"
)

// pace lets pushes through at a rate that grows from nothing to its height whenever there
// was a rest, as providers want it.
type pace struct {
	mu    sync.Mutex
	began time.Time // of this stretch of work
	last  time.Time
	left  float64
}

// warmth is the share of the height at which a stretch begins.
const warmth = 0.05

// take takes up to want pushes, as many as may be sent now.
func (p *pace) take(now time.Time, l Limits, want int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.last) || now.Sub(p.last) > l.Ramp {
		p.began, p.last, p.left = now, now, float64(l.PerSecond)*warmth
	}
	height := 1.0
	if since := now.Sub(p.began); since < l.Ramp {
		height = max(warmth, float64(since)/float64(l.Ramp))
	}
	perSecond := float64(l.PerSecond) * height // and no more than a second's worth at once
	p.left = min(p.left+now.Sub(p.last).Seconds()*perSecond, max(1, perSecond))
	p.last = now
	n := min(want, int(p.left))
	p.left -= float64(n)
	return n
}

// back gives back what was not used.
func (p *pace) back(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left += float64(n)
}

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
	trialWait   = 2 * time.Second  // of the others, meanwhile
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

// shut reports until when a provider is left alone; zero if an attempt may be made. Where one
// is to show whether the provider works again, whoever asks first makes it.
func (g *gates) shut(provider string, now time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.at(provider)
	switch {
	case at.until.After(now):
		return at.until
	case at.fails < failsInARow:
		return time.Time{}
	case at.trial.After(now):
		return now.Add(trialWait)
	}
	at.trial = now.Add(trialWithin)
	return time.Time{}
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

// waker tells the dispatcher that there is something to look at.
type waker struct {
	once sync.Once
	c    chan struct{}
}

func (w *waker) ch() chan struct{} {
	w.once.Do(func() { w.c = make(chan struct{}, 1) })
	return w.c
}

func (w *waker) up() {
	select {
	case w.ch() <- struct{}{}:
	default:
	}
}
