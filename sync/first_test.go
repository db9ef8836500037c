package syncer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhoWaitsForAFirstSyncIsCounted: while one is read, one waits, and one gives up.
func TestWhoWaitsForAFirstSyncIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &Engine{}
		x := &exchange{Engine: e, limits: Limits{FirstSyncs: 1}}
		over := make(chan struct{})
		enter := func(ctx context.Context, complete bool, want error) {
			go func() {
				err := x.inTurn(ctx, cursor{"box/a": place{Complete: complete}}, func() error { <-over; return nil })
				if !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			}()
			synctest.Wait()
		}
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		for n, want := range []int{0, 0, 1, 2} {
			switch n {
			case 0:
				enter(t.Context(), true, nil) // has everything
			case 3:
				enter(short, false, context.DeadlineExceeded)
			default:
				enter(t.Context(), false, nil)
			}
			if got := e.FirstSyncs(); got != want {
				t.Errorf("%d came: %d wait, want %d", n+1, got, want)
			}
		}
		<-short.Done()
		synctest.Wait()
		if got := e.FirstSyncs(); got != 1 {
			t.Errorf("one gave up: %d wait, want 1", got)
		}
		close(over)
		synctest.Wait()
		if got := e.FirstSyncs(); got != 0 {
			t.Errorf("all went: %d wait", got)
		}
	})
}
