package syncer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
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

// TestFewFirstSyncsWait: beside one that reads, three wait; the fifth is sent away at once,
// for those who wait hold places that who brings edits needs too.
func TestFewFirstSyncsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &Engine{}
		x := &exchange{Engine: e, limits: Limits{FirstSyncs: 1}}
		over := make(chan struct{})
		ask := func() error {
			return x.inTurn(t.Context(), cursor{"box/a": place{}}, func() error { <-over; return nil })
		}
		for range 1 + firstWaiting {
			go func() {
				if err := ask(); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		var f *fault.Error
		if err := ask(); !errors.As(err, &f) || f.Code != "overloaded" || f.Kind != fault.Transient || f.After <= 0 {
			t.Errorf("the fifth: %v", err)
		}
		close(over)
		synctest.Wait()
		if err := ask(); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
