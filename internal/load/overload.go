package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// OverloadPlan says how much too much is offered. Every number must be above zero.
type OverloadPlan struct {
	Program string        // path of the program to serve with
	Phones  int           // that push and look; each does one thing at a time
	Times   float64       // how many times what the server can do is offered
	Time    time.Duration // for how long
	Within  time.Duration // the bound on 99 of 100 that are accepted
	Log     io.Writer     // progress
}

// OverloadReport is what came of it.
type OverloadReport struct {
	Cores     int     `json:"cores"`
	Apart     bool    `json:"server_and_generator_on_cores_of_their_own"`
	Capacity  float64 `json:"capacity_per_second"` // of the same mixture, over 30 connections
	Offered   float64 `json:"offered_per_second"`
	Answered  float64 `json:"answered_per_second"`
	Accepted  Spread  `json:"accepted_ms"`
	Within    float64 `json:"bound_on_p99_ms"`
	Pushes    Share   `json:"pushes"`
	Looks     Share   `json:"looks"`
	Refused   int     `json:"refused"`
	Refusal   Spread  `json:"refused_ms"`
	NoWord    int     `json:"refused_without_retry_after"`
	Wrong     int     `json:"answered_otherwise"` // neither 200 nor a refusal
	Probes    Spread  `json:"probes_ms"`          // of /healthz and /readyz, during the load
	Probed    int     `json:"probed"`
	Unwell    int     `json:"probes_not_answered_200"`
	RSS       int64   `json:"rss_bytes"` // the most
	Typed     int     `json:"sales_typed"`
	Missing   int     `json:"sales_missing"`  // afterwards, when every phone has sent what was refused
	Converged float64 `json:"converged_in_s"` // after the end of the load
}

// Share is how many of a kind were offered, and how many of them were accepted.
type Share struct {
	Offered  int `json:"offered"`
	Accepted int `json:"accepted"`
}

func (s *Share) count(accepted bool) {
	s.Offered++
	if accepted {
		s.Accepted++
	}
}

// of is the accepted part, 0 to 1.
func (s Share) of() float64 { return float64(s.Accepted) / float64(max(s.Offered, 1)) }

// Overload offers a server more than it can do, lets every phone send again what was
// refused, and looks whether everything is there once.
func Overload(ctx context.Context, p OverloadPlan) (r OverloadReport, err error) {
	folder, err := os.MkdirTemp("", "lumbung-load-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	tell := func(form string, args ...any) { fmt.Fprintf(p.Log, form+"\n", args...) }
	path := filepath.Join(folder, "l.db")
	o := &overload{plan: p, clock: clock.Precise{}, report: &r}
	if o.fleet, err = gather(ctx, path, "", p.Phones, 0, 0, tell); err != nil {
		return r, fmt.Errorf("make phones: %w", err)
	}
	for range o.fleet.fresh {
		o.crowds = append(o.crowds, &crowd{look: body(protocol.Request{App: "1.4.2", Clock: clockNow()})})
	}
	r.Cores, r.Within = runtime.NumCPU(), float64(p.Within.Microseconds())/1000
	if r.Apart, err = apart(); err != nil {
		return r, err
	}
	if o.server, err = launch(ctx, p.Program, path, "", true); err != nil {
		return r, err
	}
	defer o.server.kill()
	o.wire = dial(o.server.address, maxAtOnce)
	tell("measuring what the server can do")
	if r.Capacity, err = o.capacity(ctx); err != nil {
		return r, err
	}
	tell("offering %.0f requests a second for %v", p.Times*r.Capacity, p.Time)
	ended := make(chan struct{})
	var prober sync.WaitGroup
	prober.Go(func() { o.probe(ended) })
	err = o.offer(ctx, p.Times*r.Capacity)
	close(ended)
	prober.Wait()
	if err != nil {
		return r, err
	}
	if r.RSS, err = o.server.peak(); err != nil {
		return r, err
	}
	tell("letting every phone send what was refused")
	began := o.clock.Now()
	shed := [2]Share{r.Pushes, r.Looks} // what comes now is no load
	if err := o.converge(ctx); err != nil {
		return r, err
	}
	r.Pushes, r.Looks = shed[0], shed[1]
	r.Converged = o.clock.Now().Sub(began).Seconds()
	return r, o.server.stop()
}

// maxAtOnce is how many requests are under way at the most: more are not begun, as if
// the network had no room.
const maxAtOnce = 1500

// overload is one run.
type overload struct {
	plan   OverloadPlan
	clock  clock.Clock
	server *server
	fleet  *fleet
	crowds []*crowd // of each phone
	wire   *wire
	report *OverloadReport

	mu       sync.Mutex
	accepted []time.Duration
	refused  []time.Duration
}

// crowd is what a phone is about: what it could not send waits, in order.
type crowd struct {
	mu    sync.Mutex
	queue [][]byte
	look  []byte // a first sync of a page
}

// size of a push, and how many requests are one.
const (
	crowdBatch = 5
	crowdEvery = 2
)

// once lets a phone do one thing: push what waits, or look. It gives whether it was
// accepted.
func (o *overload) once(p *phone, c *crowd, push bool) (bool, error) {
	text, path, encoding := c.look, "/v1/sync", []string{"", "gzip", "zstd"}[p.draw.IntN(3)]
	if push {
		encoding = ""
		if len(c.queue) == 0 {
			c.queue = append(c.queue, body(p.batch(crowdBatch)))
		}
		text, path = c.queue[0], "/v1/sync/push"
	}
	began := o.clock.Now()
	a, err := o.wire.send(path, p.user.login.Access, encoding, text, true)
	took := o.clock.Now().Sub(began)
	if err != nil {
		return false, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	kind := &o.report.Looks
	if push {
		kind = &o.report.Pushes
	}
	kind.count(a.status == fasthttp.StatusOK)
	switch a.status {
	case fasthttp.StatusOK:
		o.accepted = append(o.accepted, took)
		if push {
			if n := countApplied(a.body); n != crowdBatch {
				return false, fmt.Errorf("%d of %d were applied: %s", n, crowdBatch, a.body[:min(len(a.body), 300)])
			}
			c.queue = c.queue[1:]
		}
		return true, nil
	case fasthttp.StatusTooManyRequests, fasthttp.StatusServiceUnavailable:
		o.refused = append(o.refused, took)
		if after, err := strconv.Atoi(a.after); err != nil || after <= 0 {
			o.report.NoWord++
		}
		return false, nil
	}
	o.report.Wrong++
	return false, nil
}

// capacity is how many requests a second 30 connections get answered.
func (o *overload) capacity(ctx context.Context) (float64, error) {
	const connections, long = 30, 5 * time.Second
	began := o.clock.Now()
	crowds := o.crowds
	var wrong error
	var mu sync.Mutex
	var group sync.WaitGroup
	for conn := range connections {
		group.Go(func() {
			for n := 0; o.clock.Now().Sub(began) < long && ctx.Err() == nil; n++ {
				at := (conn + n*connections) % len(o.fleet.fresh)
				crowds[at].mu.Lock()
				_, err := o.once(o.fleet.fresh[at], crowds[at], n%crowdEvery == 0)
				crowds[at].mu.Unlock()
				if err != nil {
					mu.Lock()
					wrong = errors.Join(wrong, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	group.Wait()
	n := len(o.accepted)
	o.accepted, o.refused, o.report.Pushes, o.report.Looks = nil, nil, Share{}, Share{}
	return float64(n) / o.clock.Now().Sub(began).Seconds(), errors.Join(wrong, ctx.Err())
}

// offer begins requests at a rate, whatever becomes of those before, each of a phone
// that is not at it.
func (o *overload) offer(ctx context.Context, rate float64) error {
	crowds := o.crowds
	began := o.clock.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	slots := make(chan struct{}, maxAtOnce)
	var wrong error
	var group sync.WaitGroup
	begun, next := 0, 0
	for {
		select {
		case <-ctx.Done():
			group.Wait()
			return ctx.Err()
		case <-tick.C:
		}
		passed := o.clock.Now().Sub(began)
		if passed > o.plan.Time {
			group.Wait()
			o.sum(begun, o.clock.Now().Sub(began).Seconds())
			return wrong
		}
		for ; begun < int(rate*passed.Seconds()); begun++ {
			select {
			case slots <- struct{}{}:
			default:
				continue // it counts as offered: a network that is full turns away too
			}
			at := next % len(crowds)
			next++
			push := (next/len(crowds))%crowdEvery == 0
			if !crowds[at].mu.TryLock() {
				<-slots
				continue
			}
			group.Go(func() {
				defer func() { <-slots }()
				defer crowds[at].mu.Unlock()
				if _, err := o.once(o.fleet.fresh[at], crowds[at], push); err != nil {
					o.mu.Lock()
					wrong = errors.Join(wrong, err)
					o.mu.Unlock()
				}
			})
		}
	}
}

// probe asks whether the server lives and is ready, as those do who would restart it, on
// connections of its own.
func (o *overload) probe(ended <-chan struct{}) {
	w := dial(o.server.address, 2)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var took []time.Duration
	for {
		select {
		case <-ended:
			o.report.Probes = spread(took)
			return
		case <-tick.C:
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			began := o.clock.Now()
			a, err := w.get(path, "")
			took = append(took, o.clock.Now().Sub(began))
			o.report.Probed++
			if err != nil || a.status != fasthttp.StatusOK {
				o.report.Unwell++
			}
		}
	}
}

// sum notes what came of a load.
func (o *overload) sum(begun int, took float64) {
	o.report.Offered, o.report.Answered = float64(begun)/took, float64(len(o.accepted))/took
	o.report.Accepted, o.report.Refused, o.report.Refusal = spread(o.accepted), len(o.refused), spread(o.refused)
}

// converge sends what waits until it is accepted, and counts what every enterprise has.
func (o *overload) converge(ctx context.Context) error {
	if err := each(ctx, len(o.fleet.fresh), 30, func(n int) error {
		for c := o.crowds[n]; len(c.queue) > 0; {
			if _, err := o.once(o.fleet.fresh[n], c, true); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	o.report.Typed = 0
	for _, p := range o.fleet.fresh {
		o.report.Typed += int(p.n)
		rows, _, err := p.pull(o.wire, "", "", saleRow)
		if err != nil {
			return err
		}
		o.report.Missing += astray(int(p.n), rows)
	}
	return nil
}

// astray is how many of an enterprise are missing, or there too often.
func astray(typed, rows int) int { return max(typed-rows, rows-typed) }

// Verdict fails if a bound is not kept: Within for 99 of 100 that are accepted, pushes
// before looks, a word on when to come back for everybody else, probes that are answered well and within a
// second, 300 MB of memory, and no sale missing or there twice.
func (r OverloadReport) Verdict() error {
	var errs []error
	if r.Accepted.P99 >= r.Within {
		errs = append(errs, fmt.Errorf("p99 of what was accepted %.1f ms", r.Accepted.P99))
	}
	if r.Pushes.Offered == 0 || r.Pushes.of() < r.Looks.of() {
		errs = append(errs, fmt.Errorf("of %d pushes %d were accepted, of %d looks %d: what people typed comes first", r.Pushes.Offered, r.Pushes.Accepted, r.Looks.Offered, r.Looks.Accepted))
	}
	if r.Refused == 0 || r.NoWord > 0 || r.Wrong > 0 {
		errs = append(errs, fmt.Errorf("%d refused, %d of them without a word, %d answered otherwise", r.Refused, r.NoWord, r.Wrong))
	}
	if r.Probed == 0 || r.Unwell > 0 || r.Probes.Max >= 1000 {
		errs = append(errs, fmt.Errorf("%d of %d probes not answered 200, the slowest in %.1f ms", r.Unwell, r.Probed, r.Probes.Max))
	}
	if r.RSS >= 300_000_000 {
		errs = append(errs, fmt.Errorf("%d bytes of memory", r.RSS))
	}
	if r.Typed == 0 || r.Missing != 0 {
		errs = append(errs, fmt.Errorf("%d of %d sales missing", r.Missing, r.Typed))
	}
	return errors.Join(errs...)
}

// Print writes the report as a table.
func (r OverloadReport) Print(w io.Writer) {
	fmt.Fprintf(w, "%d cores, server and generator on cores of their own: %v\n", r.Cores, r.Apart)
	fmt.Fprintf(w, "  the server can do    %8.0f requests/s, every other one a push of %d sales\n", r.Capacity, crowdBatch)
	fmt.Fprintf(w, "  offered              %8.0f requests/s\n", r.Offered)
	fmt.Fprintf(w, "  accepted             %8.0f requests/s, p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms\n", r.Answered, r.Accepted.P50, r.Accepted.P95, r.Accepted.P99, r.Accepted.Max)
	fmt.Fprintf(w, "  of pushes            %8d of %d, of looks %d of %d\n", r.Pushes.Accepted, r.Pushes.Offered, r.Looks.Accepted, r.Looks.Offered)
	fmt.Fprintf(w, "  refused              %8d, p50 %.1f  p99 %.1f ms, %d without Retry-After, %d answered otherwise\n", r.Refused, r.Refusal.P50, r.Refusal.P99, r.NoWord, r.Wrong)
	fmt.Fprintf(w, "  probes               %8d of /healthz and /readyz, %d not answered 200; p50 %.1f  p99 %.1f  max %.1f ms\n", r.Probed, r.Unwell, r.Probes.P50, r.Probes.P99, r.Probes.Max)
	fmt.Fprintf(w, "  memory of the server %8.1f MiB at the most\n", float64(r.RSS)/(1<<20))
	fmt.Fprintf(w, "  afterwards           %8d sales typed, %d missing, after %.1f s\n", r.Typed, r.Missing, r.Converged)
}
