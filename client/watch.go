package client

import (
	"context"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
)

// Listener is told how syncing goes while the app is open. Its methods are called
// on a thread of the phone's own; they must not call Stop or Close.
type Listener interface {
	// Synced is called after each sync that came to its end: what is on the screen
	// may have changed.
	Synced()
	// Failed is called after one that did not; text begins with a code, as every
	// error does. The phone tries again by itself.
	Failed(text string)
}

// Watch is a phone that syncs by itself.
type Watch struct {
	stop context.CancelFunc
	done chan struct{}
}

// watchPause is how long a watching phone waits when nothing wakes it and no server has
// said when to ask again.
const watchPause = 15 * time.Minute

// Watch syncs now and keeps on doing so until Stop, Close or Cancel: at once when
// the server says that something moved, by a live stream or, in networks that
// hold streams back, by asking; after each Nudge; and when the server wants to
// be asked again, which is about every quarter of an hour.
// Start it when the app comes to the front, and stop it when it goes: a stream
// holds the radio awake.
func (p *Phone) Watch(l Listener) *Watch {
	if p.opened == nil {
		if l != nil {
			go l.Failed(p.fault(errNotOpen()).Error())
		}
		return &Watch{}
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &Watch{stop: stop, done: make(chan struct{})}
	p.mu.Lock()
	if p.closed { // there is nothing to talk about any more
		p.mu.Unlock()
		stop()
		return &Watch{}
	}
	if p.calls == nil {
		p.calls = map[*context.CancelFunc]bool{}
	}
	p.calls[&w.stop] = true
	p.watch.Add(1)
	p.mu.Unlock()
	wake := p.waker()
	live := &replica.Live{HTTP: p.in().server}
	report := func(err error) {
		switch {
		case l == nil:
		case err != nil:
			l.Failed(p.fault(err).Error())
		default:
			l.Synced()
		}
	}
	var both sync.WaitGroup
	both.Go(func() { p.quiet(live.Run(ctx, wake), report) })
	both.Go(func() { p.quiet(p.in().inner.Run(ctx, wake, watchPause, report), report) })
	go func() {
		both.Wait()
		p.mu.Lock()
		delete(p.calls, &w.stop)
		p.mu.Unlock()
		close(w.done)
		p.watch.Done()
	}()
	return w
}

// quiet reports what ended a worker for another reason than a stop.
func (p *Phone) quiet(err error, report func(error)) {
	if err != nil {
		report(err)
	}
}

// Stop ends it, and returns when nothing of it talks to the network or to the
// listener any more.
func (w *Watch) Stop() {
	if w.stop == nil {
		return
	}
	w.stop()
	<-w.done
}

// Nudge has a watching phone sync at once, such as after Save, or when the
// network came back. Without a watch nothing happens.
func (p *Phone) Nudge() {
	select {
	case p.waker() <- struct{}{}:
	default:
	}
}

// waker is the channel that wakes a watching phone; it holds one wake.
func (p *Phone) waker() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wake == nil {
		p.wake = make(chan struct{}, 1)
	}
	return p.wake
}
