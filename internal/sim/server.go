package sim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// server is one process of two on the same database.
type server struct {
	failing *storefault.Failing
	engine  *syncer.Engine
	busy    bool // a request is inside
}

// boot starts a process. What its calls to the store will come to is drawn
// anew for every call.
func (w *world) boot(calm bool) *server {
	plan := storefault.Never
	if !calm {
		plan = w.fate
	}
	f := storefault.NewFailing(w.disk.Store(), plan, w.cfg.Points)
	s := &server{failing: f}
	s.engine = &syncer.Engine{Store: f.Store(), Schema: w.schema, Clock: w.clock, IDs: id.Maker{Clock: w.clock, Rand: w},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	return s
}

// fate draws what becomes of one call: one in eighty kills the process, before
// or after it; some fail and live; into some, another phone's whole request to
// the other process is put.
func (w *world) fate(c storefault.Call) storefault.Fate {
	switch n := w.chance.IntN(640); {
	case n < 4:
		return storefault.DieBefore
	case n < 8:
		return storefault.DieAfter
	case n < 11:
		return storefault.Refuse
	case n < 14:
		return storefault.Lose
	case n < 24 && !w.nested:
		w.nest()
	}
	return storefault.Live
}

// nest lets an idle phone talk to an idle process while a call of another
// process hangs.
func (w *world) nest() {
	var idle []*phone
	for _, p := range w.phones {
		if !p.busy {
			idle = append(idle, p)
		}
	}
	var other *server
	for _, s := range w.servers {
		if !s.busy {
			other = s
		}
	}
	if len(idle) == 0 || other == nil {
		return
	}
	w.nested = true
	defer func() { w.nested = false }()
	p := idle[w.chance.IntN(len(idle))]
	w.trace("  meanwhile %s", p)
	w.failed(w.talk(p, other, perfect))
}

// failed looks at an error of a step that may fail without breaking anything.
// What is no passing fault is kept for the end of the step.
func (w *world) failed(err error) {
	if err != nil && !w.passing(err) && w.broke == nil {
		w.broke = err
	}
}

// passing reports whether an error is one of those that were put in.
func (w *world) passing(err error) bool {
	return errors.Is(err, storefault.ErrCrashed) || fault.KindOf(err) == fault.Transient
}

// using lets a process do something; if it dies of it, it is started again.
func (w *world) using(s *server, do func(*syncer.Engine) error) error {
	s.busy = true
	err := do(s.engine)
	s.busy = false
	if s.failing.Dead() {
		w.replace(s)
	}
	return err
}

// serve carries a request to a process, over the wire's own bytes.
func (w *world) serve(s *server, p *phone, body []byte) ([]byte, error) {
	w.report.Requests++
	var req protocol.Request
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, err
	}
	var resp *protocol.Response
	err := w.using(s, func(e *syncer.Engine) (err error) {
		resp, err = e.Sync(w.ctx, syncer.Caller{User: p.person.id}, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(resp)
}

// replace starts a process again after it died.
func (w *world) replace(dead *server) {
	w.report.Crashes++
	w.trace("  server dies and starts again")
	for i, s := range w.servers {
		if s == dead {
			w.servers[i] = w.boot(false)
		}
	}
}

func (w *world) restart() error {
	s := w.servers[w.rng.IntN(len(w.servers))]
	s.failing.Kill()
	w.replace(s)
	return nil
}

func (w *world) anyServer() *server { return w.servers[w.rng.IntN(len(w.servers))] }

// work lets a process carry out effects and finish what a crash left.
func (w *world) work() error {
	w.failed(w.using(w.anyServer(), func(e *syncer.Engine) error {
		_, err := e.Work(w.ctx)
		return err
	}))
	return nil
}

// prune removes old log entries where nothing waits for them. Entries younger
// than a day stay: somebody may be stalled on them.
func (w *world) prune() error {
	shop := w.shops[w.rng.IntN(len(w.shops))]
	keep := merge.Seq(1 + w.rng.IntN(3))
	w.failed(w.using(w.anyServer(), func(e *syncer.Engine) error {
		head, err := e.Store.Head(w.ctx, shop.scope)
		if err != nil || len(head.Todo) > 0 || head.Applied <= keep {
			return err
		}
		upTo := head.Applied - keep
		if young, err := w.youngerThanADay(e, shop.scope, head.Generation.Count, upTo); err != nil || young {
			return err
		}
		w.trace("prune %s up to %d", shop.name, upTo)
		w.pruned = true
		return e.Store.Prune(w.ctx, shop.scope, upTo)
	}))
	return nil
}

func (w *world) youngerThanADay(e *syncer.Engine, scope string, generation uint32, seq merge.Seq) (bool, error) {
	c, err := e.Store.Entry(w.ctx, scope, generation, seq)
	if errors.Is(err, store.ErrAbsent) {
		return true, nil // it is not there: nothing to prune
	}
	if err != nil {
		return false, err
	}
	return merge.Millis(w.clock.Now().UnixMilli())-c.Time < merge.Millis(24*time.Hour/time.Millisecond), nil
}

// takeBackup copies the database while phones go on.
func (w *world) takeBackup() error {
	var copied Disk
	err := w.using(w.anyServer(), func(e *syncer.Engine) error {
		return e.Backup(w.ctx, func(context.Context) (err error) {
			copied, err = w.disk.Copy()
			return err
		})
	})
	if err != nil {
		if copied != nil {
			err = errors.Join(err, copied.Close())
		}
		w.failed(err)
		return nil
	}
	w.trace("backup complete")
	if w.backup != nil {
		w.backup.Close()
	}
	w.backup = copied
	return nil
}

// restore puts the newest backup in the place of the database, as after a fire.
func (w *world) restore() error {
	if w.backup == nil || w.report.Restores >= 2 {
		return nil
	}
	again, err := w.backup.Copy()
	if err != nil {
		return err
	}
	if w.disk != w.cfg.Disk {
		w.disk.Close()
	}
	w.disk = again
	w.report.Restores++
	w.trace("restore from backup")
	for i := range w.servers {
		w.servers[i] = w.boot(true)
	}
	if _, err := w.servers[0].engine.Restored(w.ctx); err != nil {
		return err
	}
	for i := range w.servers {
		w.servers[i] = w.boot(false)
	}
	for _, p := range w.phones {
		p.verdicts = map[name]protocol.Verdict{} // stability is not promised across a restore
	}
	return nil
}
