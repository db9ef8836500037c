package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/around"
	"github.com/lumbung-ikm/lumbung/trace"
)

// Run listens where the configuration says and works until ctx ends. Close
// afterwards.
func (a *App) Run(ctx context.Context) error {
	if err := a.startCheck(ctx); err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.Config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return a.Serve(ctx, ln)
}

// Serve answers requests at ln and does the background work until ctx ends,
// then stops in order: /readyz turns, after DrainDelay live streams end and the listener closes,
// requests under way get their answers, the workers end. It returns nil after a clean stop.
func (a *App) Serve(ctx context.Context, ln net.Listener) error {
	working, rest := context.WithCancel(context.WithoutCancel(ctx))
	defer rest()
	var workers sync.WaitGroup
	closeAdmin, err := a.serveAdmin(working)
	if err != nil {
		return err
	}
	defer closeAdmin()
	for _, w := range a.workers() {
		workers.Go(func() { a.supervise(working, w) })
	}
	defer a.record(ctx)() // last of all, with what the others leave
	served := make(chan error, 1)
	go func() { served <- a.API.Serve(ln) }()
	a.Log.LogAttrs(ctx, slog.LevelInfo, "serving", slog.String("address", ln.Addr().String()))
	var errs []error
	select {
	case <-ctx.Done():
		errs = append(errs, a.stop(ctx, served))
	case err := <-served:
		errs = append(errs, fmt.Errorf("serve: %w", err))
	}
	rest()
	workers.Wait()
	return errors.Join(errs...)
}

// stop lets every request under way finish.
func (a *App) stop(ctx context.Context, served <-chan error) error {
	a.Log.LogAttrs(ctx, slog.LevelInfo, "stopping", slog.Duration("grace", a.Config.ShutdownGrace))
	a.API.Drain()
	if a.Config.DrainDelay > 0 {
		<-time.After(a.Config.DrainDelay)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(a.Config.ShutdownGrace, time.Second))
	defer cancel()
	if err := a.API.Stop(ctx); err != nil {
		return fmt.Errorf("requests were still under way: %w", err)
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RoundTrip answers a request in this process, without a socket. With it an App
// is the transport of an http.Client.
func (a *App) RoundTrip(r *http.Request) (*http.Response, error) { return a.API.RoundTrip(r) }

// worker is background work that goes on until its context ends.
type worker struct {
	name string
	run  func(ctx context.Context) error
}

func (a *App) workers() []worker {
	all := []worker{{"engine", a.runEngine}, {"repair", a.runRepair}, {"reference", a.runReference}, {"compaction", a.runCompaction}, {"reminders", a.runReminders}, {"programmes", a.runProgrammes}, {"announcements", a.runAnnouncements}, {"auth", a.Auth.Run}, {"windows", a.Engine.KeepWindows}, {"streams", a.API.Tend}, {"audit", a.Trail.Run}, {"pushes", a.Push.Run}}
	if shared, ok := a.Store.(store.Watcher); ok { // those who listen here hear of what was pushed there
		all = append(all, worker{"rates", a.API.ShareRates}, worker{"watch", func(ctx context.Context) error { return shared.Watch(ctx, a.Engine.Observe) }})
	}
	if a.Hints != nil {
		all = append(all, worker{"hints", a.Hints.Run})
	}
	return all
}

// record sends traces until what it gives is called, which waits until all are sent.
func (a *App) record(ctx context.Context) (end func()) {
	if a.traces == nil {
		return func() {}
	}
	recording, last := context.WithCancel(context.WithoutCancel(ctx))
	var sent sync.WaitGroup
	sent.Go(func() { a.supervise(recording, worker{"traces", a.traces.Run}) })
	return func() {
		last()
		sent.Wait()
	}
}

// compactEvery is how often what lies behind the horizon goes. With nothing to do
// a round reads two documents per scope.
const compactEvery = 6 * time.Hour

// runCompaction compacts at the start and then at every interval. Several
// processes may do so on one database.
func (a *App) runCompaction(ctx context.Context) error {
	tick := time.NewTicker(compactEvery)
	defer tick.Stop()
	for {
		n, err := a.Engine.Compact(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			a.Log.LogAttrs(ctx, slog.LevelWarn, "compaction", slog.Any("error", err))
		case n > 0:
			a.Log.LogAttrs(ctx, slog.LevelInfo, "compaction", slog.Int("entries", n))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// runReminders gives the reminders that are due: at the start, and as programme.Reminding
// says. Several processes may do so on one database.
func (a *App) runReminders(ctx context.Context) error {
	tick := time.NewTicker(a.Config.WorkersEvery)
	defer tick.Stop()
	looks := &programme.Reminding{Service: a.Programme}
	for {
		if _, err := looks.Look(ctx); err != nil && ctx.Err() == nil {
			a.Log.LogAttrs(ctx, slog.LevelWarn, "reminders", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// runAnnouncements sends announcements whose time has come, and lets them expire. Where
// none is due it reads one list at each look. Several processes may do so on one database.
func (a *App) runAnnouncements(ctx context.Context) error {
	tick := time.NewTicker(max(a.Config.WorkersEvery, calendarEvery))
	defer tick.Stop()
	for {
		if _, err := a.Programme.Announce(ctx); err != nil && ctx.Err() == nil {
			a.Log.LogAttrs(ctx, slog.LevelWarn, "announcements", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// calendarEvery is how often at most the calendars of the programmes are looked at.
const calendarEvery = 5 * time.Second

// runProgrammes does what the calendars of the programmes ask for. Several processes may
// do so on one database.
func (a *App) runProgrammes(ctx context.Context) error {
	tick := time.NewTicker(max(a.Config.WorkersEvery, calendarEvery))
	defer tick.Stop()
	for {
		if err := a.Programme.Due(ctx); err != nil && ctx.Err() == nil {
			a.Log.LogAttrs(ctx, slog.LevelWarn, "calendars of the programmes", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Backoff of a worker that failed.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = time.Minute
)

// supervise runs w and begins it anew when it fails, later each time, until ctx
// ends.
func (a *App) supervise(ctx context.Context, w worker) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		began := a.Clock.Now()
		err := guarded(ctx, w)
		if ctx.Err() != nil {
			return
		}
		a.Log.LogAttrs(ctx, slog.LevelError, "worker ended", slog.String("worker", w.name), slog.Any("error", err), slog.Duration("again_in", pause))
		if a.Clock.Now().Sub(began) > lastPause {
			pause = firstPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// guarded turns a panic into an error.
func guarded(ctx context.Context, w worker) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return w.run(ctx)
}

// overlap is how many rounds of the engine's work are under way at most.
const overlap = 3

// runEngine does the engine's work whenever a commit left some, and looks for
// what others left at every tick, also while an earlier round waits for a database
// that does not answer it: several rounds bear each other, like those of several
// processes.
func (a *App) runEngine(ctx context.Context) error {
	tick := time.NewTicker(a.Config.WorkersEvery)
	defer tick.Stop()
	ended := make(chan struct{}, overlap)
	var under sync.WaitGroup
	defer under.Wait()
	running, wanted, ticked := 0, true, false
	for {
		if wanted && running == 0 || ticked && running < overlap {
			running, wanted = running+1, false
			under.Go(func() { a.round(ctx, ended) })
		}
		ticked = false
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
			wanted = true
		case <-ended:
			running--
		case <-tick.C:
			ticked = true
		}
	}
}

// runRepair folds what dead processes left in the log, however much else there is to
// do: nobody sees such a commit until then.
func (a *App) runRepair(ctx context.Context) error {
	tick := time.NewTicker(a.Config.WorkersEvery)
	defer tick.Stop()
	for {
		repairing, span := a.traces.Root(ctx, "repair", trace.Internal, "", "")
		_, err := a.Engine.Repair(repairing)
		span.End()
		if err != nil && ctx.Err() == nil {
			a.Log.LogAttrs(ctx, slog.LevelWarn, "repair", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// round is one Step, whatever becomes of it.
func (a *App) round(ctx context.Context, ended chan<- struct{}) {
	ctx, span := a.traces.Root(ctx, "background work", trace.Internal, "", "")
	defer span.End()
	if err := guarded(ctx, worker{"engine", a.Step}); err != nil && ctx.Err() == nil {
		a.Log.LogAttrs(ctx, slog.LevelWarn, "background work", slog.Any("error", err))
	}
	ended <- struct{}{}
}

// runReference puts the reference lists of this program where phones read them,
// which holds nothing else up: at a first start they are a few hundred records.
// Several processes may do so on one database.
func (a *App) runReference(ctx context.Context) error {
	tick := time.NewTicker(a.Config.WorkersEvery)
	defer tick.Stop()
	for seeded := false; ; {
		if !seeded {
			err := a.Programme.Seed(ctx, domain.ReferenceLists())
			if seeded = err == nil; !seeded && ctx.Err() == nil {
				a.Log.LogAttrs(ctx, slog.LevelWarn, "reference lists", slog.Any("error", err))
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Step is one round of the engine's background work: repair, effects, and
// which backups are complete. A program without Serve calls it.
func (a *App) Step(ctx context.Context) error {
	_, err := a.Engine.Work(ctx)
	return errors.Join(err, a.Trail.Flush(ctx), a.Engine.LearnBackups(ctx)) // an effect that fails again and again keeps no phone from forgetting
}

// pulse remembers for a moment that the store answered, so that probes cost
// nothing.
type pulse struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

const (
	pulseLife   = time.Second             // how long an answer of the store is believed
	pulseWithin = 1500 * time.Millisecond // how long the store may take for it: less than the patience of whoever probes
)

// ready reports whether the store answers.
func (a *App) ready(ctx context.Context) error {
	a.pulse.mu.Lock()
	defer a.pulse.mu.Unlock()
	now := a.Clock.Now()
	if age := now.Sub(a.pulse.at); age >= 0 && age < pulseLife {
		return a.pulse.err
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), pulseWithin) // others wait for this answer too
	defer stop()
	// As a write, which is left behind if nothing answers: whoever probes must be told.
	err := a.bound(ctx, around.Write("Ping"), func(ctx context.Context) error { return errors.Join(a.Store.Ping(ctx), usable(ctx, a.Store)) })
	a.pulse.at, a.pulse.err = a.Clock.Now(), err
	return err
}
