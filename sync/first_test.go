package syncer_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// stuck is a store whose reads of rows wait until they are let go.
type stuck struct {
	store.Store
	began chan struct{}
	end   chan struct{}
}

func (s *stuck) Changed(ctx context.Context, scope string, after store.Position, upTo, head merge.Seq, limit int) (store.Changes, error) {
	s.began <- struct{}{}
	<-s.end
	return s.Store.Changed(ctx, scope, after, upTo, head, limit)
}

// TestFewFirstSyncsWait: with one place for them, three wait and the fifth is sent away at
// once; and when the place is free again, everybody who waited is served.
func TestFewFirstSyncsWait(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	w.engine.Limits.FirstSyncs = 1
	slow := &stuck{w.engine.Store, make(chan struct{}), make(chan struct{})}
	w.engine.Store = slow
	var all sync.WaitGroup
	errs := make(chan error, 5)
	ask := func() {
		_, err := w.engine.Sync(t.Context(), syncer.Caller{User: "ani"}, request(w))
		errs <- err
	}
	all.Go(ask)
	<-slow.began
	for range 3 {
		all.Go(ask)
	}
	for w.engine.FirstSyncs() < 4 {
		<-time.After(time.Millisecond)
	}
	ask()
	var f *fault.Error
	if err := <-errs; !errors.As(err, &f) || f.Code != "overloaded" || f.Kind != fault.Transient || f.After <= 0 {
		t.Errorf("the fifth: %v", err)
	}
	go func() {
		for range slow.began {
		}
	}()
	close(slow.end)
	all.Wait()
	close(slow.began)
	for range 4 {
		if err := <-errs; err != nil {
			t.Errorf("who waited: %v", err)
		}
	}
}
