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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// SpeedPlan says which workloads to run. Every number must be above zero.
type SpeedPlan struct {
	Program     string        // path of the program to serve with
	Store       string        // address of an empty MongoDB; empty: a file of its own
	Pepper      string        // with Store
	Devices     int           // phones that push new sales
	Phones      int           // phones that hold records; ten times as many at the larger size
	Records     int           // that each of them holds
	Connections int           // to the server
	Time        time.Duration // how long each workload goes on that has no end
	Larger      bool          // also at ten times the size
	Only        string        // names of workloads with commas between; empty: all
	Profile     string        // folder for a profile of each workload; empty: none
	Log         io.Writer     // progress
}

// DefaultSpeed is the plan by which figures are compared.
func DefaultSpeed() SpeedPlan {
	return SpeedPlan{Devices: 300, Phones: 13, Records: 10_000, Connections: 30, Time: 10 * time.Second, Larger: true}
}

// Workload is one measurement.
type Workload struct {
	Name      string  `json:"name"`
	What      string  `json:"what"`
	Stored    int     `json:"records_stored"` // in the database as it began
	Requests  int     `json:"requests"`
	Records   int     `json:"records"` // written, or read
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"requests_per_second"`
	RecordsPS float64 `json:"records_per_second"`
	Latency   Spread  `json:"latency_ms"`
	Sent      float64 `json:"bytes_sent_per_request"`
	Got       float64 `json:"bytes_received_per_request"`
	CPU       float64 `json:"server_cpu"` // cores in use
	Written   float64 `json:"bytes_to_disk_per_second"`
	RSS       int64   `json:"rss_bytes"`  // the most so far
	Disk      int64   `json:"disk_bytes"` // of the database, afterwards
}

// SpeedReport is everything that was measured in one run.
type SpeedReport struct {
	Cores     int                `json:"cores"`
	Apart     bool               `json:"server_and_generator_on_cores_of_their_own"`
	Store     string             `json:"store"`
	Limits    map[string]float64 `json:"limits"` // of the machine and the libraries, in the same run
	Workloads []Workload         `json:"workloads"`
	OpenedIn  float64            `json:"opened_in_s"` // the start of the server on the larger size
}

// Bounds of a run that no slow machine moves: bytes on the wire for 10,000 records,
// memory, and the start on a large database. What is asked when nothing is new may not
// become slower with ten times the data; a tenth is wanted, and two short stretches of one
// program differ by as much.
const (
	judgedRecords = 10_000
	mostGzip      = 700_000
	mostZstd      = 500_000
	mostSpeedRSS  = 150_000_000
	mostOpening   = 1.0 // s
	leastOfW3     = 0.75
)

// Verdict fails if a bound is not kept that does not depend on the speed of the machine. How
// fast it was is told and not judged.
func (r SpeedReport) Verdict() error {
	var errs []error
	bad := func(form string, args ...any) { errs = append(errs, fmt.Errorf(form, args...)) }
	nothingNew := map[string]float64{}
	for _, w := range r.Workloads {
		most := map[string]float64{"gzip": mostGzip, "zstd": mostZstd}[w.What[strings.LastIndexByte(w.What, ' ')+1:]]
		if w.Name == "W2" && most > 0 && w.Requests > 0 && w.Records >= judgedRecords*w.Requests && w.Got > most*float64(w.Records/w.Requests)/judgedRecords {
			bad("%s: %.0f bytes for %d records", w.What, w.Got, w.Records/w.Requests)
		}
		if w.RSS >= mostSpeedRSS {
			bad("%s %s: %d bytes of memory", w.Name, w.What, w.RSS)
		}
		if strings.HasPrefix(w.Name, "W3") {
			nothingNew[w.Name] = w.PerSecond
		}
	}
	if r.OpenedIn >= mostOpening {
		bad("ready %.2f s after the start", r.OpenedIn)
	}
	if small, large := nothingNew["W3"], nothingNew["W3 (W6)"]; small > 0 && large > 0 && large < leastOfW3*small {
		bad("nothing new: %.0f requests a second with ten times the data, %.0f without", large, small)
	}
	return errors.Join(errs...)
}

// workloadNames are the names that SpeedPlan.Only knows. W6 is W3 and W4 at the larger size.
var workloadNames = []string{"W1", "W2", "W3", "W4", "W5", "W6"}

// Check says whether Only names workloads that there are, and that this plan has.
func (p SpeedPlan) Check() error {
	if p.Only == "" {
		return nil
	}
	for _, name := range p.only() {
		if !slices.Contains(workloadNames, name) {
			return fmt.Errorf("there is no workload %q; there are %s", name, strings.Join(workloadNames, ", "))
		}
		if name == "W6" && !p.larger() {
			return errors.New("W6 is W3 and W4 at ten times the phones, which this plan leaves out: a file and -larger are needed")
		}
	}
	return nil
}

func (p SpeedPlan) only() []string {
	names := strings.Split(p.Only, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	return names
}

// larger reports whether the plan has the larger size: a database that was given is not
// empty after the first.
func (p SpeedPlan) larger() bool { return p.Larger && p.Store == "" }

// Speed runs the workloads against a process of its own.
//
// Errors: that of Check, before anything is made.
func Speed(ctx context.Context, p SpeedPlan) (r SpeedReport, err error) {
	if err := p.Check(); err != nil {
		return r, err
	}
	folder, err := os.MkdirTemp("", "lumbung-load-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	r = SpeedReport{Cores: runtime.NumCPU(), Store: "SQLite, a file"}
	if p.Store != "" {
		r.Store = "MongoDB"
	}
	sizes := []int{p.Phones}
	if p.larger() {
		sizes = append(sizes, 10*p.Phones)
	}
	for n, full := range sizes {
		t := &trial{plan: p, report: &r, folder: filepath.Join(folder, fmt.Sprint(n)), full: full, clock: clock.Precise{}}
		if err := t.run(ctx, n == 0); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (p SpeedPlan) wants(w workload) bool {
	name, size, _ := strings.Cut(w.name, " ")
	only := p.only()
	return p.Only == "" || slices.Contains(only, name) || size != "" && slices.Contains(only, strings.Trim(size, "()"))
}

// trial is the workloads at one size.
type trial struct {
	plan   SpeedPlan
	report *SpeedReport
	folder string
	full   int // phones that hold records
	clock  clock.Clock
	server *server
	fleet  *fleet
	stored int
}

func (t *trial) tell(form string, args ...any) { fmt.Fprintf(t.plan.Log, form+"\n", args...) }

func (t *trial) run(ctx context.Context, first bool) (err error) {
	if err := os.MkdirAll(t.folder, 0o700); err != nil {
		return err
	}
	storeAt := t.plan.Store
	if storeAt == "" {
		storeAt = filepath.Join(t.folder, "l.db")
	}
	devices := t.plan.Devices
	if t.fleet, err = gather(ctx, storeAt, t.plan.Pepper, devices, t.full, t.plan.Records, t.tell); err != nil {
		return fmt.Errorf("make phones: %w", err)
	}
	t.stored = t.full * t.plan.Records
	if t.report.Apart, err = apart(); err != nil {
		return err
	}
	if first {
		if t.report.Limits, err = limits(ctx, t.plan.Program, t.folder, t.fleet.fresh[0], t.plan.Connections, t.clock); err != nil {
			return fmt.Errorf("limits: %w", err)
		}
	}
	began := t.clock.Now()
	if t.server, err = launch(ctx, t.plan.Program, storeAt, t.plan.Pepper, true); err != nil {
		return err
	}
	defer t.server.kill()
	t.report.OpenedIn = t.clock.Now().Sub(began).Seconds()
	if err := t.ready(ctx); err != nil {
		return fmt.Errorf("first sync: %w", err)
	}
	for _, w := range t.workloads(first) {
		if !t.plan.wants(w) {
			continue
		}
		if err := t.measure(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return t.server.stop()
}

// workload is what the connections do. Each of them asks for its next request until
// there is none, or the time is over.
type workload struct {
	name, what  string
	connections int
	next        func(conn, n int) (do func(w *wire) (records int, err error)) // nil: it has done its part
	timed       bool
}

func (t *trial) workloads(first bool) []workload {
	return []workload{t.w1(), t.w2(1, ""), t.w2(16, ""), t.w2(1, "gzip"), t.w2(1, "zstd"), t.w2(16, "zstd"), t.w3(first), t.w4(first), t.w5()}
}

// w1 is 300 phones that come back from a day without a network.
func (t *trial) w1() workload {
	const batches, size = 20, 20
	per := len(t.fleet.fresh) / t.plan.Connections
	bodies := make([][][]byte, len(t.fleet.fresh))
	for n, p := range t.fleet.fresh {
		for range batches {
			bodies[n] = append(bodies[n], body(p.batch(size)))
		}
	}
	return workload{name: "W1", what: fmt.Sprintf("%d phones push %d batches of %d new sales", per*t.plan.Connections, batches, size), connections: t.plan.Connections,
		next: func(conn, n int) func(*wire) (int, error) {
			if n >= per*batches {
				return nil
			}
			at := conn*per + n%per
			return func(w *wire) (int, error) { return size, t.push(w, t.fleet.fresh[at], bodies[at][n/per], size) }
		}}
}

func (t *trial) push(w *wire, p *phone, text []byte, want int) error {
	answer, err := w.post("/v1/sync/push", p.user.login.Access, "", text, true)
	if err != nil {
		return err
	}
	if n := countApplied(answer); n != want {
		return fmt.Errorf("%d of %d were applied: %s", n, want, answer[:min(len(answer), 500)])
	}
	return nil
}

// w2 is new phones that pull everything that is theirs.
func (t *trial) w2(atOnce int, encoding string) workload {
	const rounds = 8
	what := fmt.Sprintf("%d new phones pull %d records each, %s", atOnce, t.plan.Records, or(encoding, "plain"))
	return workload{name: "W2", what: what, connections: atOnce, next: func(conn, n int) func(*wire) (int, error) {
		if n >= max(2, rounds/atOnce*2) {
			return nil
		}
		p := t.fleet.full[(conn+n)%len(t.fleet.full)]
		return func(w *wire) (int, error) { return p.pullAll(w, encoding, t.plan.Records) }
	}}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// w3 is phones that look whether there is something new.
func (t *trial) w3(first bool) workload {
	all := t.fleet.full
	texts := make([][]byte, len(all))
	for n, p := range all {
		texts[n] = body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: p.cursor})
	}
	return workload{name: "W3" + larger(first), what: "nothing new", connections: t.plan.Connections, timed: true, next: func(conn, n int) func(*wire) (int, error) {
		at := (conn + n*t.plan.Connections) % len(all)
		return func(w *wire) (int, error) {
			_, err := w.post("/v1/sync", all[at].user.login.Access, "", texts[at], false)
			return 0, err
		}
	}}
}

func larger(first bool) string {
	if first {
		return ""
	}
	return " (W6)"
}

// w4 is phones of which 20 records have changed.
func (t *trial) w4(first bool) workload {
	all := t.fleet.full
	texts := make([][]byte, len(all))
	for n, p := range all {
		texts[n] = body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: p.behind})
	}
	return workload{name: "W4" + larger(first), what: fmt.Sprintf("20 of %d records changed", t.plan.Records), connections: t.plan.Connections, timed: true, next: func(conn, n int) func(*wire) (int, error) {
		at := (conn + n*t.plan.Connections) % len(all)
		return func(w *wire) (int, error) {
			_, err := w.post("/v1/sync", all[at].user.login.Access, "", texts[at], false)
			return 20, err
		}
	}}
}

// w5 is a day's mixture: nine look, one pushes 5 records.
func (t *trial) w5() workload {
	look := t.w3(true)
	each := make([]sync.Mutex, len(t.fleet.fresh))
	return workload{name: "W5", what: "90 % nothing new, 10 % pushes of 5 records", connections: t.plan.Connections, timed: true, next: func(conn, n int) func(*wire) (int, error) {
		if n%10 != conn%10 {
			return look.next(conn, n)
		}
		at := (conn + n/10*t.plan.Connections) % len(t.fleet.fresh)
		return func(w *wire) (int, error) {
			each[at].Lock() // a phone does one thing after the other
			defer each[at].Unlock()
			p := t.fleet.fresh[at]
			return 5, t.push(w, p, body(p.batch(5)), 5)
		}
	}}
}

// ready lets the phones that hold records sync, changes 20 of each, and syncs again.
func (t *trial) ready(ctx context.Context) error {
	w := dial(t.server.address, 1)
	if err := t.settle(ctx, w); err != nil {
		return err
	}
	for _, p := range t.fleet.full {
		p.behind = p.cursor
		if err := t.push(w, p, body(p.batch(20)), 20); err != nil {
			return err
		}
	}
	return t.settle(ctx, w)
}

// settle lets the phones that hold records sync until nothing comes any more, also of
// what the server still does behind its answers.
func (t *trial) settle(ctx context.Context, w *wire) error {
	for quiet := 0; quiet < 3; quiet++ {
		for _, p := range t.fleet.full {
			rows, err := p.catchUp(w)
			if err != nil {
				return err
			}
			if rows > 0 {
				quiet = 0
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
	return nil
}

// measure runs one workload.
func (t *trial) measure(ctx context.Context, load workload) (err error) {
	t.tell("%s: %s", load.name, load.what)
	w := dial(t.server.address, load.connections)
	if _, err := w.post("/v1/sync", t.fleet.full[0].user.login.Access, "", body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: t.fleet.full[0].cursor}), false); err != nil {
		return err
	}
	w.sent.Store(0)
	w.got.Store(0)
	before, err := t.server.cpu()
	if err != nil {
		return err
	}
	wrote, err := t.server.written()
	if err != nil {
		return err
	}
	profiled := t.profile(ctx, load)
	var mu sync.Mutex
	var all []time.Duration
	var failed []error
	var records atomic.Int64
	var broken atomic.Bool
	var group sync.WaitGroup
	began := t.clock.Now()
	for conn := range load.connections {
		group.Go(func() {
			var mine []time.Duration
			var wrong error
			for n := 0; wrong == nil && !broken.Load() && ctx.Err() == nil; n++ {
				do := load.next(conn, n)
				from := t.clock.Now()
				if do == nil || load.timed && from.Sub(began) > t.plan.Time {
					break
				}
				var some int
				some, wrong = do(w)
				mine = append(mine, t.clock.Now().Sub(from))
				records.Add(int64(some))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			if wrong != nil {
				broken.Store(true)
				failed = append(failed, wrong)
			}
		})
	}
	group.Wait()
	took := t.clock.Now().Sub(began).Seconds()
	profiled()
	if err := errors.Join(append(failed, ctx.Err())...); err != nil {
		return err
	}
	after, err := t.server.cpu()
	if err != nil {
		return err
	}
	m := Workload{Name: load.name, What: load.what, Stored: t.stored, Requests: len(all), Records: int(records.Load()), Seconds: took, PerSecond: float64(len(all)) / took,
		RecordsPS: float64(records.Load()) / took, Latency: spread(all), Sent: float64(w.sent.Load()) / float64(len(all)), Got: float64(w.got.Load()) / float64(len(all)), CPU: (after - before) / took}
	if m.RSS, err = t.server.peak(); err == nil {
		m.Disk, err = size(t.folder)
	}
	if now, bad := t.server.written(); bad == nil {
		m.Written = float64(now-wrote) / took
	} else {
		err = errors.Join(err, bad)
	}
	t.report.Workloads = append(t.report.Workloads, m)
	return err
}

// countApplied counts the verdicts "applied".
func countApplied(answer []byte) int { return bytes.Count(answer, []byte(`"verdict":"applied"`)) }

// pullAll is the first sync of a new phone.
func (p *phone) pullAll(w *wire, encoding string, want int) (int, error) {
	rows, _, err := p.pull(w, encoding, "", anyRow)
	if err == nil && rows < want {
		err = fmt.Errorf("%d rows came of %d", rows, want)
	}
	return want, err
}

func size(folder string) (n int64, err error) {
	err = filepath.Walk(folder, func(_ string, i os.FileInfo, err error) error {
		if err == nil && i.Mode().IsRegular() {
			n += i.Size()
		}
		return err
	})
	return n, err
}

// Print writes the report as a table.
func (r SpeedReport) Print(w io.Writer) {
	fmt.Fprintf(w, "%s; %d cores, server and generator on cores of their own: %v\n\n", r.Store, r.Cores, r.Apart)
	names := make([]string, 0, len(r.Limits))
	for name := range r.Limits {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "  limit: %-52s %10.0f /s\n", name, r.Limits[name])
	}
	fmt.Fprintf(w, "\n  %-8s %-52s %9s %9s %10s %7s %7s %7s %9s %6s %8s %8s %8s\n", "", "", "stored", "req/s", "records/s", "p50 ms", "p95", "p99", "B/answer", "CPU", "wr MiB/s", "RSS MiB", "disk MiB")
	for _, m := range r.Workloads {
		fmt.Fprintf(w, "  %-8s %-52s %9d %9.0f %10.0f %7.1f %7.1f %7.1f %9.0f %6.2f %8.1f %8.1f %8.1f\n", m.Name, m.What, m.Stored, m.PerSecond, m.RecordsPS,
			m.Latency.P50, m.Latency.P95, m.Latency.P99, m.Got, m.CPU, m.Written/(1<<20), float64(m.RSS)/(1<<20), float64(m.Disk)/(1<<20))
	}
	fmt.Fprintf(w, "\n  the server opened the larger database in %.2f s\n", r.OpenedIn)
}
