package play

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/around"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Worker is one more process on the database of the world, as view lets it see that. It
// works when it is told to.
func (w *World) Worker(view store.Store) *programme.Service {
	e := &syncer.Engine{Store: view, Schema: w.Schema, Clock: w.Clock, IDs: id.Maker{Clock: w.Clock, Rand: rand.Reader}, Log: slog.New(slog.DiscardHandler)}
	s := &programme.Service{Engine: e, People: w.App.Programme.People, Clock: w.Clock, Bell: w.App.Push}
	e.Steps = s.Steps()
	return s
}

// Both lets the server and one more process do something at the same time. What one of
// them leaves for its next round because the other is at it is no error.
func (w *World) Both(ctx context.Context, do func(context.Context, *programme.Service) error) error {
	workers := []*programme.Service{w.App.Programme, w.Worker(w.App.Store)}
	errs := make([]error, len(workers))
	var both sync.WaitGroup
	for i, s := range workers {
		both.Go(func() { errs[i] = unlessPassing(do(ctx, s)) })
	}
	both.Wait()
	return errors.Join(errs...)
}

// unlessPassing leaves out of joined errors those that the next round mends.
func unlessPassing(err error) error {
	if all, several := err.(interface{ Unwrap() []error }); several {
		var left []error
		for _, one := range all.Unwrap() {
			left = append(left, unlessPassing(one))
		}
		return errors.Join(left...)
	}
	if fault.KindOf(err) == fault.Transient {
		return nil
	}
	return err
}

// announces looks at the hours of announcements.
func announces(ctx context.Context, s *programme.Service) error {
	_, err := s.Announce(ctx)
	return err
}

// works carries out the effects that wait.
func works(ctx context.Context, s *programme.Service) error {
	_, err := s.Engine.Work(ctx)
	return err
}

// errDead says that a process is no more.
var errDead = errors.New("play: the process has died")

// mortal is the store as a process sees it that dies behind so many inbox items. Nothing
// that it calls then is done.
type mortal struct {
	store.Store
	most  int64
	items atomic.Int64
	dead  atomic.Bool
}

// Insert implements store.Store. The item that it dies behind is in the log, and not yet
// where it is read.
func (m *mortal) Insert(ctx context.Context, c *store.Commit) error {
	err := m.Store.Insert(ctx, c)
	if err == nil && strings.HasPrefix(c.Scope, merge.UserScope("")) && m.items.Add(1) == m.most {
		m.dead.Store(true)
		return errDead
	}
	return err
}

// alive lets a call through while the process lives.
func (m *mortal) alive(ctx context.Context, _ around.Call, do func(context.Context) error) error {
	if m.dead.Load() {
		return errDead
	}
	return do(ctx)
}

// mortal is a Worker that dies behind so many inbox items, and its view of the store.
func (w *World) mortal(items int) (*programme.Service, *mortal) {
	m := &mortal{Store: w.App.Store, most: int64(items)}
	return w.Worker(around.Store(m, m.alive)), m
}

// shuffled gives phones in a drawn order: that in which what they have kept arrives.
func (w *World) shuffled(phones []*Phone) []*Phone {
	out := append([]*Phone{}, phones...)
	w.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
