package sim

import (
	"errors"
	"time"

	syncer "github.com/lumbung-ikm/lumbung/sync"
)

// Absence is how long phones stay away in a run with Config.Away: longer than the
// horizon, which is then that of production.
const (
	Absence     = 200 * 24 * time.Hour
	longHorizon = 180 * 24 * time.Hour
)

// horizon of the servers of this world.
func (w *world) horizon() time.Duration {
	if w.cfg.Away {
		return longHorizon
	}
	return horizon
}

// leave lets all but two phones go where there is no network, with edits that
// nobody has seen, and goes on at home for 200 days: people edit and sync, the
// server carries out effects and lets go of what lies behind the horizon. Then
// they come back, all at once: every session has ended meanwhile, every app is
// three versions old, and is updated after its first sync.
func (w *world) leave() error {
	for range 4 * len(w.phones) {
		if err := w.edit(); err != nil {
			return err
		}
		w.clock.Advance(time.Duration(1+w.rng.IntN(600)) * time.Second)
	}
	const home = 2
	gone := w.phones[home:]
	w.phones = w.phones[:home:home]
	for _, p := range w.phones {
		p.version = newest
		p.open()
	}
	if err := w.meanwhile(); err != nil {
		return err
	}
	w.phones = append(w.phones, gone...)
	for _, p := range gone {
		w.report.Away++
		if unsent, err := p.Unsent(); err != nil || len(unsent) > 0 {
			w.report.Unsent++
		}
		w.trace("%s comes back with an app of version %d", p, p.version)
		w.failed(w.talk(p, w.anyServer(), w.sky()))
		if w.broke != nil {
			return w.broke
		}
		p.version = newest
		p.open()
	}
	return nil
}

// meanwhile is what happens to those who stay.
func (w *world) meanwhile() error {
	until := w.clock.Now().Add(Absence)
	for day := 0; w.clock.Now().Before(until); day++ {
		w.clock.Advance(5 * 24 * time.Hour)
		for _, do := range []func() error{w.edit, w.exchange, w.exchange, w.work} {
			if err := do(); err != nil {
				return err
			}
		}
		if day%8 != 0 {
			continue
		}
		if err := w.compact(); err != nil {
			return err
		}
	}
	return w.quietly(func(e *syncer.Engine) error {
		if _, err := e.Work(w.ctx); err != nil {
			return err
		}
		if err := w.setAside(e); err != nil {
			return err
		}
		_, err := e.Compact(w.ctx)
		n, more := w.pruned()
		w.report.Pruned = n
		return errors.Join(err, more)
	})
}

// quietly lets a process that nothing happens to do something: in 200 days there
// is a night without a crash.
func (w *world) quietly(do func(*syncer.Engine) error) error {
	s := w.boot(true)
	return do(s.app.Engine)
}

// pruned counts what compaction has let go of.
func (w *world) pruned() (n int, err error) {
	scopes, err := w.scopes()
	for _, scope := range scopes {
		h, err := w.disk.Store().Head(w.ctx, scope)
		if err != nil {
			return n, err
		}
		n += int(h.Pruned)
	}
	return n, err
}
