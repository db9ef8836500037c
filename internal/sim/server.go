package sim

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// server is one process of two on the same database.
type server struct {
	failing *storefault.Failing
	app     *app.App
	busy    bool // a request is inside
}

// testCode is the login code of everybody.
const testCode = "112233"

// boot starts a process. What its calls to the store will come to is drawn
// anew for every call.
func (w *world) boot(calm bool) *server {
	plan := storefault.Never
	if !calm {
		plan = w.fate
	}
	f := storefault.NewFailing(w.disk.Store(), plan, w.cfg.Points)
	cfg := config.Default()
	cfg.Pepper, cfg.TestNumbers = strings.Repeat("p", 40), w.numbers
	most := api.Rate{Max: 1 << 30, Per: time.Minute}
	a, err := app.New(w.ctx, cfg, app.Options{Clock: w.clock, Rand: w.noise, Store: f.Store(), Identity: w.identity, Schema: w.schema, Sync: syncer.Limits{Horizon: w.horizon()}, Auth: w.limits, Verified: w.verified, Within: time.Hour,
		Log: slog.New(w), HTTP: api.Limits{PerUser: most, PerDevice: most, EditsPerUser: most, EditsPerDevice: most, PerIP: most, Heavy: most, Deadline: time.Hour}}) // a slow store is no other story
	if err != nil {
		panic("sim: " + err.Error()) // nothing in it depends on the seed
	}
	return &server{failing: f, app: a}
}

// generous are the limits of login without those in time: the simulator's people
// log in more often than real ones.
func generous() *auth.Limits {
	l := auth.DefaultLimits()
	l.CoolDown, l.Sends, l.PerAddress, l.PerNet, l.PerInstall, l.TriesAddress, l.Spend = []time.Duration{0}, nil, nil, nil, nil, nil, nil
	l.PrefixFloor, l.BreakerFloor, l.ActiveDevices = 1<<30, 1<<30, 1<<30
	l.IdleAccount = 1000 * 24 * time.Hour
	return &l
}

// fate draws what becomes of one call: one in eighty kills the process, before
// or after it; some fail and live; into some, another phone's whole request to
// the other process is put.
func (w *world) fate(c storefault.Call) storefault.Fate {
	n := w.chance.IntN(640)
	w.injected = w.injected || n < 14
	switch {
	case n < 4:
		return storefault.DieBefore
	case n < 8:
		return storefault.DieAfter
	case n < 11:
		return storefault.Refuse
	case n < 14:
		return storefault.Lose
	case n < 24 && !w.nested && w.stocked:
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
	injected := w.injected
	defer func() { w.nested, w.injected = false, injected }()
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
	err := do(s.app.Engine)
	s.busy = false
	if s.failing.Dead() {
		w.replace(s)
	}
	return err
}

// serve carries an HTTP request to a process. An answer that says that the
// server is broken, where nothing was put in to break it, is a defect.
func (w *world) serve(s *server, r *http.Request) (*http.Response, error) {
	w.report.Requests++
	w.injected = false
	s.busy = true
	resp, err := s.app.RoundTrip(r)
	s.busy = false
	if s.failing.Dead() {
		w.replace(s)
	}
	if err == nil && resp.StatusCode >= 500 && !w.injected {
		body, _ := io.ReadAll(resp.Body)
		return nil, broken("no defect", "%s %s answers %d %s\n%s", r.Method, r.URL.Path, resp.StatusCode, body, w.complaint)
	}
	return resp, err
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

// horizon of the simulator's servers: short, so that phones sleep beyond it.
const horizon = 24 * time.Hour

// compact lets go of what lies behind the horizon. Mostly nobody has come by for
// days.
func (w *world) compact() error {
	if w.rng.IntN(3) > 0 {
		w.clock.Advance(time.Duration(24+w.rng.IntN(72)) * time.Hour)
	}
	w.failed(w.using(w.anyServer(), func(e *syncer.Engine) error {
		if _, err := e.Work(w.ctx); err != nil { // nothing goes where somebody waits
			return err
		}
		if err := w.setAside(e); err != nil {
			return err
		}
		n, err := e.Compact(w.ctx)
		w.trace("compact: %d entries", n)
		return err
	}))
	return nil
}

// setAside keeps what may be pruned now, so that the checks know the whole
// history.
func (w *world) setAside(e *syncer.Engine) error {
	scopes, err := e.Store.Scopes(w.ctx, "", 1000)
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		h, err := e.Store.Head(w.ctx, scope)
		if err != nil {
			return err
		}
		for seq := h.Pruned + 1; seq <= h.Applied; seq++ {
			at := place{h.Scope, generationAt(h, seq), seq}
			c, err := e.Store.Entry(w.ctx, at.scope, at.generation, at.seq)
			if err != nil {
				return err
			}
			w.aside[at] = c
		}
	}
	return nil
}

// place is where a commit lies.
type place struct {
	scope      string
	generation uint32
	seq        merge.Seq
}

// generationAt is the generation in which the time line of h has its entry seq.
func generationAt(h store.Head, seq merge.Seq) uint32 {
	count := h.Generation.Count
	for i := len(h.Forks) - 1; i >= 0 && seq <= h.Forks[i].Seq; i-- {
		count = h.Forks[i].Generation.Count
	}
	return count
}

// takeBackup copies the database while phones go on.
func (w *world) takeBackup() error {
	var copied Disk
	saved := w.clock.Now()
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
		w.failed(w.backup.Close())
	}
	w.backup, w.saved = copied, saved
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
	if err := w.disk.Close(); err != nil {
		return err
	}
	w.disk = again
	w.report.Restores++
	for _, s := range w.shops {
		for _, x := range s.windows {
			x.forgot = x.forgot || !x.told.Before(w.saved)
		}
	}
	w.trace("restore from backup")
	for i := range w.servers {
		w.servers[i] = w.boot(true)
	}
	if _, err := w.servers[0].app.Engine.Restored(w.ctx); err != nil {
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
