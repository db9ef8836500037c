// Package load puts the real program under the load of many phones, for a stated
// time and no longer, and measures it from outside: the server is another
// process, with its database on disk, and everything goes through sockets.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
)

// Plan says what to do. Every number must be above zero.
type Plan struct {
	Program string        // path of the program to serve with
	Streams int           // live streams, each of a user of its own
	Shared  int           // users of one enterprise: every push to it is an event on as many streams
	Rate    int           // pushes per second
	Time    time.Duration // how long to push
	Log     io.Writer     // progress
}

// Report is what was measured.
type Report struct {
	Cores      int     `json:"cores"`
	Streams    int     `json:"streams"`
	Shared     int     `json:"users_per_enterprise"`
	Rate       float64 `json:"pushes_per_second"`
	Pushes     int     `json:"pushes"`
	Events     int     `json:"events"`
	Missing    int     `json:"events_missing"`
	Again      int     `json:"pushes_sent_again"` // after a 503
	OpenedIn   float64 `json:"opened_in_s"`
	RSSBefore  int64   `json:"rss_before_bytes"`
	RSSOpen    int64   `json:"rss_open_bytes"`
	RSSAfter   int64   `json:"rss_after_load_bytes"`
	PerStream  float64 `json:"rss_per_stream_kib"`
	HeapBefore int64   `json:"heap_before_mib"` // live at the last collection
	HeapOpen   int64   `json:"heap_open_mib"`
	Sent       Spread  `json:"sent_to_event_ms"`  // from the first byte of the push, commit and all
	Acked      Spread  `json:"acked_to_event_ms"` // from its answer; 0 for an event that came first
	Push       Spread  `json:"push_ms"`
	StopIn     float64 `json:"stop_s"`
	StopClean  bool    `json:"stop_clean"` // exit status 0, and every stream had its last event
}

// Spread sums durations up, in milliseconds.
type Spread struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func spread(all []time.Duration) (s Spread) {
	if len(all) == 0 {
		return s
	}
	slices.Sort(all)
	at := func(p float64) float64 {
		return float64(all[min(int(p*float64(len(all))), len(all)-1)].Microseconds()) / 1000
	}
	return Spread{at(0.5), at(0.95), at(0.99), at(1)}
}

// Live opens the streams, pushes, counts and stops the server.
func Live(ctx context.Context, p Plan) (r Report, err error) {
	if p.Streams <= 0 || p.Shared <= 0 || p.Rate <= 0 || p.Time <= 0 {
		return r, errors.New("a plan has numbers above zero")
	}
	if err := enoughFiles(p.Streams + 500); err != nil {
		return r, err
	}
	folder, err := os.MkdirTemp("", "lumbung-load-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	r = Report{Cores: runtime.NumCPU(), Streams: p.Streams, Shared: p.Shared, Rate: float64(p.Rate)}
	path := filepath.Join(folder, "l.db")
	fmt.Fprintf(p.Log, "making %d users\n", p.Streams)
	people, err := settle(ctx, path, p)
	if err != nil {
		return r, fmt.Errorf("make users: %w", err)
	}
	server, err := start(ctx, p.Program, path)
	if err != nil {
		return r, err
	}
	defer server.kill()
	run := &run{plan: p, server: server, people: people, clock: clock.Precise{}}
	return r, run.measure(ctx, &r)
}

// run is one load on its way.
type run struct {
	plan    Plan
	server  *server
	people  *people
	clock   clock.Clock
	readers sync.WaitGroup
}

func (m *run) measure(ctx context.Context, r *Report) error {
	warm, err := m.push(ctx, 2*time.Second) // before the baseline, so that it holds what any traffic needs
	if err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	if r.RSSBefore, err = m.server.rss(); err != nil {
		return err
	}
	r.HeapBefore = m.server.heap()
	fmt.Fprintf(m.plan.Log, "%d pushes to warm up; opening %d streams\n", len(warm), m.plan.Streams)
	began := m.clock.Now()
	if err := m.open(ctx); err != nil {
		return fmt.Errorf("open streams: %w", err)
	}
	r.OpenedIn = m.clock.Now().Sub(began).Seconds()
	if r.RSSOpen, err = m.server.rss(); err != nil {
		return err
	}
	r.HeapOpen = m.server.heap()
	fmt.Fprintf(m.plan.Log, "pushing %d times a second for %v\n", m.plan.Rate, m.plan.Time)
	began = m.clock.Now()
	pushes, err := m.push(ctx, m.plan.Time)
	if err != nil {
		return fmt.Errorf("push: %w", err)
	}
	r.Rate = float64(len(pushes)) / m.clock.Now().Sub(began).Seconds()
	if r.RSSAfter, err = m.server.rss(); err != nil {
		return err
	}
	r.PerStream = float64(max(r.RSSOpen, r.RSSAfter)-r.RSSBefore) / float64(m.plan.Streams) / 1024
	fmt.Fprintln(m.plan.Log, "stopping the server")
	began = m.clock.Now()
	stopped := m.server.stop()
	r.StopIn = m.clock.Now().Sub(began).Seconds()
	m.readers.Wait()
	m.judge(pushes, r)
	r.StopClean = stopped == nil && m.people.farewells() == m.plan.Streams
	return stopped
}

// judge finds the events of each push.
func (m *run) judge(pushes []pushed, r *Report) {
	var sent, acked, push []time.Duration
	for _, p := range pushes {
		push = append(push, p.answered.Sub(p.began))
		r.Again += p.again
		for _, u := range m.people.of(p.business) {
			at, heard := u.heard(p)
			if !heard {
				r.Missing++
				continue
			}
			r.Events++
			sent = append(sent, at.Sub(p.began))
			acked = append(acked, max(0, at.Sub(p.answered)))
		}
	}
	r.Pushes = len(pushes)
	r.Sent, r.Acked, r.Push = spread(sent), spread(acked), spread(push)
}

// Verdict fails if a number is above its bound: 40 KiB of memory a stream, 250 ms
// from the answer of a push to its event for 99 of 100, a clean stop, and no event
// missing. What the commit itself takes is the disk's, and told beside it.
func (r Report) Verdict() error {
	var errs []error
	if r.Events == 0 || r.Missing > 0 {
		errs = append(errs, fmt.Errorf("%d events, %d missing", r.Events, r.Missing))
	}
	if r.PerStream >= 40 {
		errs = append(errs, fmt.Errorf("%.1f KiB a stream", r.PerStream))
	}
	if r.Acked.P99 >= 250 {
		errs = append(errs, fmt.Errorf("p99 %.1f ms", r.Acked.P99))
	}
	if !r.StopClean {
		errs = append(errs, errors.New("the stop was not clean"))
	}
	return errors.Join(errs...)
}

// Print writes the report as a table.
func (r Report) Print(w io.Writer) {
	mib := func(n int64) float64 { return float64(n) / (1 << 20) }
	fmt.Fprintf(w, "%d live streams on %d cores, shared with the generator\n", r.Streams, r.Cores)
	fmt.Fprintf(w, "  opened in            %8.1f s\n", r.OpenedIn)
	fmt.Fprintf(w, "  memory of the server %8.1f MiB before, %.1f open, %.1f after the load\n", mib(r.RSSBefore), mib(r.RSSOpen), mib(r.RSSAfter))
	fmt.Fprintf(w, "  live heap            %8d MiB before, %d open\n", r.HeapBefore, r.HeapOpen)
	fmt.Fprintf(w, "  memory per stream    %8.1f KiB\n", r.PerStream)
	fmt.Fprintf(w, "  pushes               %8d at %.1f a second, %d sent again, %d events, %d missing\n", r.Pushes, r.Rate, r.Again, r.Events, r.Missing)
	for _, row := range []struct {
		name string
		s    Spread
	}{{"push sent → event", r.Sent}, {"push answered → event", r.Acked}, {"push", r.Push}} {
		fmt.Fprintf(w, "  %-22s p50 %7.1f  p95 %7.1f  p99 %7.1f  max %7.1f ms\n", row.name, row.s.P50, row.s.P95, row.s.P99, row.s.Max)
	}
	fmt.Fprintf(w, "  stop                 %8.2f s, clean: %v\n", r.StopIn, r.StopClean)
}
