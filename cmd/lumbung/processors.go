package main

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// On one core a flush to the disk holds the only processor of Go's runtime until that
// notices, which takes up to ten milliseconds: a quarter of what the core can do. A second
// processor mends it, but whoever only reads waits longer then, because the system gives
// each of the two the core for milliseconds at a time. So there are two while something is
// flushed, and one while nothing is.

// Flushes a second from which there are two processors, and below which there is one.
const (
	manyFlushes = 20
	fewFlushes  = 5
)

// processorsFor is how many processors of the runtime a server on one core wants at so many
// flushes a second, if it has now so many.
func processorsFor(flushes uint64, now int) int {
	switch {
	case flushes >= manyFlushes:
		return 2
	case flushes < fewFlushes:
		return 1
	}
	return now
}

// tendProcessors looks every second, until the function that it gives is called.
func tendProcessors(ctx context.Context, flushes func() uint64) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for last, now := flushes(), 1; ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			sum := flushes()
			if next := processorsFor(sum-last, now); next != now {
				now = next
				runtime.GOMAXPROCS(now)
			}
			last = sum
		}
	})
	return func() {
		stop()
		group.Wait()
	}
}
