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
