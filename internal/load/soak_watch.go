package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SoakSample is what a server was at a moment, seen from outside.
type SoakSample struct {
	At          float64 `json:"at_s"` // of load
	Goroutines  int     `json:"goroutines"`
	Heap        int64   `json:"heap_bytes"`  // alive, just collected
	RSS         int64   `json:"rss_bytes"`   //
	Files       int     `json:"open_files"`  // of the process
	Connections int     `json:"connections"` // to the database
	Busy        int     `json:"busy"`        // of them
	WAL         int64   `json:"wal_bytes"`
	File        int64   `json:"database_bytes"`
	Edits       int64   `json:"edits"`                // answered so far
	Held        int64   `json:"held_bytes,omitempty"` // size of a copy: what the database holds; at a rest only
}

// watch takes samples until ctx ends.
func (s *soak) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	before, began := s.report.Seconds, s.clock.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		one, err := s.sample(context.WithoutCancel(ctx))
		if err != nil {
			s.wrong("look: %v", err)
			continue
		}
		one.At = before + s.clock.Now().Sub(began).Seconds()
		s.mu.Lock()
		s.report.Samples = append(s.report.Samples, one)
		s.mu.Unlock()
	}
}

// sample looks once.
func (s *soak) sample(ctx context.Context) (one SoakSample, err error) {
	heap, err := ask(ctx, "http://"+s.server.admin+"/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return one, err
	}
	if one.Heap, err = numberBehind(heap, "# HeapAlloc = "); err != nil {
		return one, err
	}
	running, err := s.goroutines(ctx) // the metric counts those that collect metrics too, sometimes
	if err != nil {
		return one, err
	}
	n, err := numberBehind(running, "goroutine profile: total ")
	if err != nil {
		return one, err
	}
	one.Goroutines = int(n)
	figures, err := ask(ctx, "http://"+s.server.admin+"/metrics")
	if err != nil {
		return one, err
	}
	for name, to := range map[string]*int{"lumbung_store_connections": &one.Connections, "lumbung_store_busy_connections": &one.Busy} {
		if *to, err = figure(figures, name); err != nil {
			return one, err
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.server.cmd.Process.Pid))
	if err != nil {
		return one, err
	}
	one.Files, one.Edits = len(files), s.edits.Load()
	if one.RSS, err = s.server.rss(); err != nil {
		return one, err
	}
	for end, to := range map[string]*int64{"": &one.File, "-wal": &one.WAL} {
		info, err := os.Stat(s.path + end)
		if err != nil {
			return one, err
		}
		*to = info.Size()
	}
	return one, nil
}

// goroutines is the profile of what the server does.
func (s *soak) goroutines(ctx context.Context) ([]byte, error) {
	return ask(ctx, "http://"+s.server.admin+"/debug/pprof/goroutine?debug=1")
}

// numberBehind is the number behind some words of a profile.
func numberBehind(profile []byte, words string) (int64, error) {
	m := regexp.MustCompile(regexp.QuoteMeta(words) + `(\d+)`).FindSubmatch(profile)
	if m == nil {
		return 0, fmt.Errorf("a profile does not tell %q", words)
	}
	return strconv.ParseInt(string(m[1]), 10, 64)
}

// figure is a metric without labels.
func figure(figures []byte, name string) (int, error) {
	lines := bufio.NewScanner(bytes.NewReader(figures))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			f, err := strconv.ParseFloat(value, 64)
			return int(f), err
		}
	}
	return 0, fmt.Errorf("there is no figure %s", name)
}

func ask(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // or the server would have one more connection than its phones need
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s was answered %s", url, resp.Status)
	}
	return text, err
}

// What a rest waits for: the HTTP library keeps a goroutine up to twenty seconds after
// its connection was closed, in case another one comes.
const (
	restAtLeast = 3 * time.Second
	restAtMost  = 30 * time.Second
	restSame    = 12 // looks, a second apart, with the same number of goroutines
)

// rest takes a sample when nobody asks for anything any more: all connections of the
// generator are closed by now, so that goroutines and files are those that the server
// needs for itself, or has lost. It ends when there are no more goroutines than at the
// first rest, or when their number does not change any more.
func (s *soak) rest(ctx context.Context) error {
	http.DefaultClient.CloseIdleConnections()
	began := s.clock.Now()
	var one SoakSample
	var err error
	for same, last := 0, -1; ; {
		pause(ctx, time.Second)
		if err := ctx.Err(); err != nil {
			return err
		}
		if one, err = s.sample(ctx); err != nil {
			return err
		}
		if one.Goroutines == last {
			same++
		} else {
			same, last = 0, one.Goroutines
		}
		passed := s.clock.Now().Sub(began)
		few := len(s.report.Resting) > 0 && one.Goroutines <= s.report.Resting[0].Goroutines && one.Files <= s.report.Resting[0].Files+moreFiles/2
		if passed > restAtMost || passed > restAtLeast && (few || same >= restSame && passed > restAtMost*4/5) {
			break
		}
	}
	if one.Held, err = s.backup(ctx); err != nil {
		return err
	}
	one.At = s.report.Seconds
	s.report.Resting = append(s.report.Resting, one)
	s.tell("at rest: %d goroutines, %.1f MiB of heap, %.1f MiB in memory, %d files, %d of %d connections busy, WAL %.1f MiB, %d edits", one.Goroutines,
		mib(one.Heap), mib(one.RSS), one.Files, one.Busy, one.Connections, mib(one.WAL), one.Edits)
	if first := s.report.Resting[0]; one.Goroutines > first.Goroutines+moreGoroutines {
		return s.stuck(ctx)
	}
	return nil
}

// stuck notes what the goroutines do that should not be there.
func (s *soak) stuck(ctx context.Context) error {
	text, err := s.goroutines(ctx)
	if err != nil {
		return err
	}
	s.report.StuckAt = string(text[:min(len(text), 4000)])
	return nil
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// What may be more at a later rest than at the first one, and why.
const (
	// The server has workers that wake at their own times, and the library one
	// goroutine for each connection that is just ending.
	moreGoroutines = 6
	// A connection that has just ended keeps its file for a moment: 29 to 36 at the rests of
	// twenty minutes.
	moreFiles = 10
	// Tables of the server fill up to their bounds (heads, edits answered lately, rates):
	// some hundred bytes for each person, phone and scope. What is lost with each request
	// passes this in a few minutes: at 150 a second 1 KiB each is 9 MiB a minute.
	moreHeap = 12 << 20
	// Go gives memory back late, and more of it is garbage on a busy machine.
	moreRSS = 48 << 20
	// journal_size_limit is 64 MiB; a copy that is being made holds the log up meanwhile.
	mostWAL     = 64<<20 + 1<<20
	mostWALLoad = 192 << 20
	// An edit may need so much more in the database than one did in the first half.
	moreHeldPerEdit = 1.25
)

// Verdict fails if something grew that should not: at the rests, where nothing is asked
// for, against the first of them, which lies behind a warm-up; and over the second half of
// the samples under load.
func (r SoakReport) Verdict() error {
	var errs []error
	bad := func(form string, args ...any) { errs = append(errs, fmt.Errorf(form, args...)) }
	if len(r.Wrong) > 0 {
		bad("wrong answers: %s", strings.Join(r.Wrong, "; "))
	}
	if r.Typed == 0 || r.Missing != 0 || r.Extra != 0 {
		bad("of %d sales %d are missing, and %d are there that nobody typed", r.Typed, r.Missing, r.Extra)
	}
	if r.GaveWay == 0 {
		bad("no edit met another one")
	}
	for _, a := range soakActs() {
		if r.Done[a.name] == 0 {
			bad("nobody did %q", a.name)
		}
	}
	if len(r.Resting) < 2 {
		return errors.Join(append(errs, errors.New("fewer than two rests"))...)
	}
	first, last := r.Resting[0], r.Resting[len(r.Resting)-1]
	if d := last.Goroutines - first.Goroutines; d > moreGoroutines {
		bad("%d more goroutines at the last rest than at the first", d)
	}
	if d := last.Files - first.Files; d > moreFiles {
		bad("%d more open files at the last rest than at the first", d)
	}
	if last.Busy > 0 || last.Connections > first.Connections+1 {
		bad("%d connections to the database at the last rest, %d busy; %d at the first", last.Connections, last.Busy, first.Connections)
	}
	if d := last.Heap - first.Heap; d > moreHeap {
		bad("%.1f MiB more heap at the last rest than at the first", mib(d))
	}
	if d := last.RSS - first.RSS; d > moreRSS {
		bad("%.1f MiB more memory at the last rest than at the first", mib(d))
	}
	errs = append(errs, r.database(), r.underLoad())
	return errors.Join(errs...)
}

// database judges the files.
func (r SoakReport) database() error {
	var errs []error
	for _, s := range r.Resting {
		if s.WAL > mostWAL {
			errs = append(errs, fmt.Errorf("a WAL of %.1f MiB at rest", mib(s.WAL)))
		}
	}
	for _, s := range r.Samples {
		if s.WAL > mostWALLoad {
			errs = append(errs, fmt.Errorf("a WAL of %.1f MiB under load", mib(s.WAL)))
			break
		}
	}
	first, last := r.Resting[0], r.Resting[len(r.Resting)-1]
	if len(r.Resting) > 2 {
		middle := r.Resting[len(r.Resting)/2]
		early, late := perEdit(first, middle), perEdit(middle, last)
		if early <= 0 || late > early*moreHeldPerEdit {
			errs = append(errs, fmt.Errorf("an edit needs %.0f bytes of the database, and needed %.0f at first", late, early))
		}
	}
	if spare := last.File - last.Held; spare > last.Held/2+mostWAL {
		errs = append(errs, fmt.Errorf("the database has %.1f MiB and holds %.1f", mib(last.File), mib(last.Held)))
	}
	return errors.Join(errs...)
}

// perEdit is what the database needs for an edit.
func perEdit(a, b SoakSample) float64 {
	if b.Edits <= a.Edits {
		return 0
	}
	return float64(b.Held-a.Held) / float64(b.Edits-a.Edits)
}

// enoughSamples is how many of a quarter a median is worth something of.
const enoughSamples = 15

// underLoad compares the last quarter of the samples with the second one: the first
// warms up. A median passes over what one backup or one big answer does.
func (r SoakReport) underLoad() error {
	q := len(r.Samples) / 4
	if q < enoughSamples {
		return nil // one large answer would decide: the rests say enough of a short run
	}
	var errs []error
	early, late := r.Samples[q:2*q], r.Samples[len(r.Samples)-q:]
	for _, f := range []struct {
		name string
		of   func(SoakSample) float64
		more float64
	}{
		{"goroutines", func(s SoakSample) float64 { return float64(s.Goroutines) }, 2 * soakConnections},
		{"open files", func(s SoakSample) float64 { return float64(s.Files) }, 2 * soakConnections},
		{"MiB of heap", func(s SoakSample) float64 { return mib(s.Heap) }, mib(moreHeap)},
		{"MiB of memory", func(s SoakSample) float64 { return mib(s.RSS) }, mib(moreRSS)},
	} {
		if d := median(late, f.of) - median(early, f.of); d > f.more {
			errs = append(errs, fmt.Errorf("%.1f more %s under load in the last quarter than in the second", d, f.name))
		}
	}
	return errors.Join(errs...)
}

func median(all []SoakSample, of func(SoakSample) float64) float64 {
	var v []float64
	for _, s := range all {
		v = append(v, of(s))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// Print writes the report as a table.
func (r SoakReport) Print(w io.Writer) {
	total := 0
	for _, n := range r.Done {
		total += n
	}
	fmt.Fprintf(w, "%.0f s of mixed load on %d cores, shared with the generator: %d things, %.0f a second, %d told to come back\n", r.Seconds, r.Cores, total, float64(total)/max(r.Seconds, 1), r.Again)
	for _, a := range append(soakActs(), act{name: "backup"}, act{name: "busy"}) {
		fmt.Fprintf(w, "  %-13s %8d\n", a.name, r.Done[a.name])
	}
	fmt.Fprintf(w, "  answers: p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms\n", r.Latency.P50, r.Latency.P95, r.Latency.P99, r.Latency.Max)
	row := func(name string, s SoakSample) {
		fmt.Fprintf(w, "  %-12s %7.0f %10d %9.1f %8.1f %6d %6d/%d %8.1f %9.1f %9.1f %9d\n", name, s.At, s.Goroutines, mib(s.Heap), mib(s.RSS), s.Files, s.Busy, s.Connections, mib(s.WAL), mib(s.File), mib(s.Held), s.Edits)
	}
	fmt.Fprintf(w, "  %-12s %7s %10s %9s %8s %6s %8s %8s %9s %9s %9s\n", "", "s", "goroutines", "heap MiB", "RSS MiB", "files", "conns", "WAL MiB", "file MiB", "held MiB", "edits")
	for n, s := range r.Resting {
		row(fmt.Sprintf("at rest %d", n+1), s)
	}
	if q := len(r.Samples) / 4; q > 0 {
		for name, part := range map[string][]SoakSample{"load, early": r.Samples[q : 2*q], "load, late": r.Samples[len(r.Samples)-q:]} {
			row(name, middleOf(part))
		}
	}
	fmt.Fprintf(w, "  afterwards   %d sales typed, %d missing, %d too many; %d values gave way to another; stopped in %.1f s\n", r.Typed, r.Missing, r.Extra, r.GaveWay, r.StopIn)
	if r.StuckAt != "" {
		fmt.Fprintf(w, "goroutines at rest:\n%s\n", r.StuckAt)
	}
}

// middleOf is the median of each figure.
func middleOf(all []SoakSample) SoakSample {
	whole := func(of func(SoakSample) int64) int64 {
		return int64(median(all, func(s SoakSample) float64 { return float64(of(s)) }))
	}
	return SoakSample{At: all[len(all)/2].At, Goroutines: int(whole(func(s SoakSample) int64 { return int64(s.Goroutines) })), Heap: whole(func(s SoakSample) int64 { return s.Heap }),
		RSS: whole(func(s SoakSample) int64 { return s.RSS }), Files: int(whole(func(s SoakSample) int64 { return int64(s.Files) })),
		Connections: int(whole(func(s SoakSample) int64 { return int64(s.Connections) })), Busy: int(whole(func(s SoakSample) int64 { return int64(s.Busy) })),
		WAL: whole(func(s SoakSample) int64 { return s.WAL }), File: whole(func(s SoakSample) int64 { return s.File }), Edits: whole(func(s SoakSample) int64 { return s.Edits })}
}
