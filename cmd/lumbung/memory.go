package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// The collector of Go lets the heap grow to twice of what lives in it. When sixteen new
// phones come at once much lives for a moment, and twice of that is more than a small
// machine should lose to us. So there is a limit that makes it collect earlier, a little
// above what lives, as long as that is much; where little lives it changes nothing.

// leastMemory is the limit while little lives, in bytes of everything that Go holds. What
// SQLite holds comes on top.
const leastMemory = 72 << 20

// memoryLimitFor is the limit, in bytes, where so many bytes live.
func memoryLimitFor(live uint64) int64 {
	return max(leastMemory, int64(live)*3/2+16<<20)
}

// tendMemory sets the limit every second, until the function that it gives is called.
// Where the environment says GOMEMLIMIT, that counts.
func tendMemory(ctx context.Context) (end func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		old := debug.SetMemoryLimit(-1)
		defer debug.SetMemoryLimit(old)
		for tick := time.NewTicker(time.Second); ; {
			metrics.Read(sample)
			if sample[0].Value.Kind() == metrics.KindUint64 {
				debug.SetMemoryLimit(memoryLimitFor(sample[0].Value.Uint64()))
			}
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		stop()
		group.Wait()
	}
}
