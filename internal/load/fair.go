package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// FairPlan says who was away for how long. Every number must be above zero.
type FairPlan struct {
	Program string        // path of the program to serve with
	Phones  int           // that go about their day
	Rate    float64       // requests a second of all of them together, every other one a push
	Edits   int           // that each phone which comes back has typed
	Crowd   int           // phones that come back at once in the last part
	Time    time.Duration // how long the others are measured alone
	Log     io.Writer     // progress
}

// FairReport is what became of those who were not away.
type FairReport struct {
	Cores int        `json:"cores"`
	Apart bool       `json:"server_and_generator_on_cores_of_their_own"`
	Parts []FairPart `json:"parts"`
	RSS   int64      `json:"rss_bytes"` // the most
}

// FairPart is one part of the run.
type FairPart struct {
	Name    string  `json:"name"`
	Back    int     `json:"phones_that_came_back"`
	Push    Spread  `json:"others_push_ms"`
	Pull    Spread  `json:"others_pull_ms"`
	Asked   int     `json:"others_requests"`
	Refused int     `json:"others_refused"`
	Late    int     `json:"others_not_begun_in_time"` // the phone still waited for the answer before
	Took    float64 `json:"seconds"`
	Waits   int     `json:"told_to_wait"` // answers 429 and 503 to the phones that came back
	NoWord  int     `json:"told_without_retry_after"`
	Typed   int     `json:"sales_typed"` // by the phones that came back
	Missing int     `json:"sales_missing"`
}

// Fair measures phones that go about their day: alone, while one phone comes back
// that was away for long, while many do, and alone again. Every other one of these sends as the
// reference client does, one push after the other and at the time that it was told;
// the rest do as a broken app would, everything at once and again at once.
func Fair(ctx context.Context, p FairPlan) (r FairReport, err error) {
	folder, err := os.MkdirTemp("", "lumbung-load-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	tell := func(form string, args ...any) { fmt.Fprintf(p.Log, form+"\n", args...) }
	path := filepath.Join(folder, "l.db")
	everybody, err := gather(ctx, path, "", p.Phones+1+p.Crowd, 0, 0, tell)
	if err != nil {
		return r, fmt.Errorf("make phones: %w", err)
	}
	f := &fair{plan: p, clock: clock.Precise{}, others: everybody.fresh[:p.Phones]}
	one, many := everybody.fresh[p.Phones:p.Phones+1], everybody.fresh[p.Phones+1:]
	r.Cores = runtime.NumCPU()
	if r.Apart, err = apart(); err != nil {
		return r, err
	}
	s, err := launch(ctx, p.Program, path, "", false)
	if err != nil {
		return r, err
	}
	defer s.kill()
	f.wire, f.back = dial(s.address, 200), dial(s.address, 200)
	for _, part := range []struct {
		name string
		back []*phone
	}{{"alone", nil}, {"one phone comes back", one}, {"many phones come back", many}, {"alone again", nil}} {
		tell("%s", part.name)
		got, err := f.part(ctx, part.name, part.back)
		if err != nil {
			return r, fmt.Errorf("%s: %w", part.name, err)
		}
		r.Parts = append(r.Parts, got)
	}
	if r.RSS, err = s.peak(); err != nil {
		return r, err
	}
	return r, s.stop()
}

// fair is one run.
type fair struct {
	plan       FairPlan
	clock      clock.Clock
	others     []*phone
	wire, back *wire // of the others, and of those who come back

	mu         sync.Mutex
	push, pull []time.Duration
	wrong      error
}

func (f *fair) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = errors.Join(f.wrong, err)
}

// part measures the others until every phone that comes back has sent everything, and
// for the time of the plan if there is none.
func (f *fair) part(ctx context.Context, name string, back []*phone) (FairPart, error) {
	out := FairPart{Name: name, Back: len(back)}
	f.push, f.pull = nil, nil
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	began := f.clock.Now()
	var day, away sync.WaitGroup
	ended := make(chan struct{})
	day.Go(func() { f.day(ctx, ended, &out) })
	var told, noWord atomic.Int64
	for n, p := range back {
		away.Go(func() {
			if err := f.comeBack(ctx, p, n%2 == 0, &told, &noWord); err != nil {
				f.fail(err)
				stop()
			}
		})
	}
	if len(back) == 0 {
		select {
		case <-ctx.Done():
		case <-time.After(f.plan.Time):
		}
	}
	away.Wait()
	out.Took = f.clock.Now().Sub(began).Seconds()
	close(ended)
	day.Wait()
	if err := errors.Join(f.wrong, ctx.Err()); err != nil {
		return out, err
	}
	out.Push, out.Pull = spread(f.push), spread(f.pull)
	out.Waits, out.NoWord = int(told.Load()), int(noWord.Load())
	for _, p := range back {
		rows, err := f.sales(ctx, p)
		if err != nil {
			return out, err
		}
		out.Typed, out.Missing = out.Typed+int(p.n), out.Missing+astray(int(p.n), rows)
	}
	return out, nil
}

// sales counts what a new phone of the same person gets, when it may: who was rude has
// no requests left for a while.
func (f *fair) sales(ctx context.Context, p *phone) (rows int, err error) {
	cursor := ""
	for more := true; more; {
		a, err := f.back.send("/v1/sync/pull", p.user.login.Access, "", body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: cursor, LimitBytes: 1 << 20}), true)
		switch {
		case err != nil:
			return rows, err
		case a.status == fasthttp.StatusTooManyRequests || a.status == fasthttp.StatusServiceUnavailable:
			if err := waitFor(ctx, a.after); err != nil {
				return rows, err
			}
			continue
		case a.status != fasthttp.StatusOK:
			return rows, fmt.Errorf("a pull was answered %d: %s", a.status, a.body[:min(len(a.body), 300)])
		}
		rows += bytes.Count(a.body, []byte(saleRow))
		if at := cursorOf(a.body); at != "" {
			cursor = at
		}
		more = bytes.Contains(a.body, []byte(`"more":true`))
	}
	return rows, nil
}

// waitFor waits so many seconds.
func waitFor(ctx context.Context, seconds string) error {
	n, err := strconv.Atoi(seconds)
	if err != nil {
		return fmt.Errorf("told to wait %q", seconds)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(n) * time.Second):
		return nil
	}
}

// day lets the others push and look at their rate, each one thing at a time.
func (f *fair) day(ctx context.Context, ended <-chan struct{}, out *FairPart) {
	busy := make([]sync.Mutex, len(f.others))
	var group sync.WaitGroup
	defer group.Wait()
	tick := time.NewTicker(time.Duration(float64(time.Second) / f.plan.Rate))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-tick.C:
		}
		at := n % len(f.others)
		if !busy[at].TryLock() {
			out.Late++
			continue
		}
		out.Asked++
		push := (n/len(f.others)+at)%2 == 0
		group.Go(func() {
			defer busy[at].Unlock()
			f.once(f.others[at], push, out)
		})
	}
}

// once lets one of the others push five sales, or look what is new.
func (f *fair) once(p *phone, push bool, out *FairPart) {
	text, path := body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: p.cursor}), "/v1/sync"
	if push {
		text, path = body(p.batch(crowdBatch)), "/v1/sync/push"
	}
	began := f.clock.Now()
	a, err := f.wire.send(path, p.user.login.Access, "", text, true)
	took := f.clock.Now().Sub(began)
	if err != nil {
		f.fail(err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case a.status != fasthttp.StatusOK:
		out.Refused++
		return
	case push:
		f.push = append(f.push, took)
		if n := countApplied(a.body); n != crowdBatch {
			f.wrong = errors.Join(f.wrong, fmt.Errorf("%d of %d were applied", n, crowdBatch))
		}
	default:
		f.pull = append(f.pull, took)
		if at := cursorOf(a.body); at != "" {
			p.cursor = at
		}
	}
}

// How phones that come back send: as the reference client, or as a broken app.
const (
	politeBatch = 500
	rudeBatch   = 1000
	rudeAtOnce  = 8
	rudePause   = 250 * time.Millisecond
)

// comeBack sends everything that a phone has typed until each sale is answered.
func (f *fair) comeBack(ctx context.Context, p *phone, rude bool, told, noWord *atomic.Int64) error {
	size, atOnce := politeBatch, 1
	if rude {
		size, atOnce = rudeBatch, rudeAtOnce
	}
	var batches [][]byte
	var of []int
	for left := f.plan.Edits; left > 0; left -= size {
		of = append(of, min(size, left))
		push := p.batch(min(size, left))
		if rude { // what is sent at once has no order, so that each is of an installation of its own
			push.Push[0].Incarnation = "rude-" + strconv.Itoa(len(batches))
		}
		batches = append(batches, body(push))
	}
	return each(ctx, len(batches), atOnce, func(n int) error {
		for {
			a, err := f.back.send("/v1/sync/push", p.user.login.Access, "", batches[n], true)
			if err != nil {
				return err
			}
			switch a.status {
			case fasthttp.StatusOK:
				if got := countApplied(a.body); got != of[n] {
					return fmt.Errorf("%d of %d were applied", got, of[n])
				}
				return nil
			case fasthttp.StatusTooManyRequests, fasthttp.StatusServiceUnavailable:
			default:
				return fmt.Errorf("a push was answered %d: %s", a.status, a.body[:min(len(a.body), 300)])
			}
			told.Add(1)
			pause := rudePause
			after, err := strconv.Atoi(a.after)
			if err != nil || after <= 0 {
				noWord.Add(1)
			} else if !rude {
				pause = time.Duration(after) * time.Second
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
		}
	})
}

// Bounds of a fair server: what the slowest push and the slowest look of a hundred may
// take while others come back, in ms, or so many times what they take alone if that is
// more, since the machine may have other work.
const (
	fairPush  = 250
	fairPull  = 150
	fairTimes = 3

	fairRefused = 0.01 // of the others' requests, or as many as alone
)

// alone gives the largest of the parts in which nobody came back.
func (r FairReport) alone() (push, pull float64, refused float64) {
	for _, p := range r.Parts {
		if p.Back == 0 {
			push, pull, refused = max(push, p.Push.P99), max(pull, p.Pull.P99), max(refused, float64(p.Refused)/float64(max(1, p.Asked)))
		}
	}
	return push, pull, max(refused, fairRefused)
}

// Verdict fails if the others were turned away or kept waiting more than when they are
// alone, if somebody was not told when to come back, or if a sale is missing or there
// twice.
func (r FairReport) Verdict() error {
	var errs []error
	push, pull, refused := r.alone()
	for _, p := range r.Parts {
		if p.Asked == 0 || float64(p.Refused) > refused*float64(p.Asked) {
			errs = append(errs, fmt.Errorf("%s: %d of %d requests of others refused", p.Name, p.Refused, p.Asked))
		}
		if p.Push.P99 >= max(fairPush, fairTimes*push) || p.Pull.P99 >= max(fairPull, fairTimes*pull) {
			errs = append(errs, fmt.Errorf("%s: p99 of others' pushes %.1f ms, of their pulls %.1f ms", p.Name, p.Push.P99, p.Pull.P99))
		}
		if p.NoWord > 0 {
			errs = append(errs, fmt.Errorf("%s: %d told to wait without a word for how long", p.Name, p.NoWord))
		}
		if p.Missing != 0 || p.Back > 0 && p.Typed == 0 {
			errs = append(errs, fmt.Errorf("%s: %d of %d sales missing", p.Name, p.Missing, p.Typed))
		}
	}
	if len(r.Parts) == 0 {
		errs = append(errs, errors.New("nothing was measured"))
	}
	return errors.Join(errs...)
}

// Print writes the report as a table.
func (r FairReport) Print(w io.Writer) {
	fmt.Fprintf(w, "%d cores, server and generator on cores of their own: %v; %.1f MiB of memory at the most\n", r.Cores, r.Apart, float64(r.RSS)/(1<<20))
	for _, p := range r.Parts {
		fmt.Fprintf(w, "%s (%d), %.1f s\n", p.Name, p.Back, p.Took)
		fmt.Fprintf(w, "  others push      p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms\n", p.Push.P50, p.Push.P95, p.Push.P99, p.Push.Max)
		fmt.Fprintf(w, "  others look      p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms\n", p.Pull.P50, p.Pull.P95, p.Pull.P99, p.Pull.Max)
		fmt.Fprintf(w, "  others asked     %d times, %d refused, %d not begun in time\n", p.Asked, p.Refused, p.Late)
		if p.Back > 0 {
			fmt.Fprintf(w, "  who came back    %d sales typed, %d missing; told to wait %d times, %d of them without Retry-After\n", p.Typed, p.Missing, p.Waits, p.NoWord)
		}
	}
}
