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

// gates say until when nothing is sent to a provider.
type gates struct {
	mu sync.Mutex
	of map[string]*gate
}

type gate struct {
	until time.Time
	fails int           // attempts in a row that failed for the provider's reasons
	pause time.Duration // of the last time
}

// Bounds of a gate.
const (
	failsInARow = 20
	firstPause  = 30 * time.Second
	longPause   = 10 * time.Minute
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

// shut reports until when a provider is left alone; zero if it is not.
func (g *gates) shut(provider string, now time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := g.at(provider); at.until.After(now) {
		return at.until
	}
	return time.Time{}
}

// learn notes how an attempt ended.
func (g *gates) learn(provider string, now time.Time, f *Failure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.at(provider)
	switch {
	case f != nil && f.Local: // of one address: strangers must not be able to shut it for all
		return
	case f == nil || f.Class == Gone || f.Class == Refused: // the provider works
		at.fails, at.pause = 0, 0
		return
	case f.Class == SlowDown:
		at.close(now, max(f.RetryAfter, time.Minute))
		return
	case f.Class == Broken:
		at.fails = failsInARow
	default:
		at.fails++
	}
	if at.fails >= failsInARow {
		at.pause = min(max(2*at.pause, firstPause), longPause)
		at.close(now, max(at.pause, f.RetryAfter))
		at.fails = failsInARow - 1 // one more opens it no longer
	}
}

func (a *gate) close(now time.Time, d time.Duration) {
	if until := now.Add(d); until.After(a.until) {
		a.until = until
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
