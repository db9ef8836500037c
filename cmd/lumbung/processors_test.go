package main

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestProcessorsFollowFlushes(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	synctest.Test(t, func(t *testing.T) {
		runtime.GOMAXPROCS(1)
		var flushes atomic.Uint64
		end := tendProcessors(t.Context(), flushes.Load)
		for n, tt := range []struct {
			flushes uint64
			want    int
		}{{0, 1}, {19, 1}, {20, 2}, {300, 2}, {5, 2}, {4, 1}, {0, 1}, {10, 1}, {1000, 2}} {
			flushes.Add(tt.flushes)
			<-time.After(time.Second)
			synctest.Wait()
			if got := runtime.GOMAXPROCS(0); got != tt.want {
				t.Errorf("second %d: %d processors behind %d flushes, want %d", n, got, tt.flushes, tt.want)
			}
		}
		end()
	})
}
