package sim

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store/mongo/scratch"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// recorded lists seeds that once broke a promise, one to a line with its steps.
//
//go:embed recorded.txt
var recorded string

// Batch says which seeds to run, and how.
type Batch struct {
	Seeds   int    // how many
	First   uint64 // the first one
	Steps   int    // of each; 0: by the seed
	SQLite  bool   // on the embedded store
	Mongo   string // address of a server to run on; if neither is said, the poor store
	Workers int    // how many at a time
	Trace   bool   // print every step
	Out     io.Writer
	Clock   clock.Clock
}

// Summary is what a batch came to.
type Summary struct {
	Seeds, Edits, Requests, Crashes, Restores int
	Verdicts                                  map[merge.Outcome]int
	Codes                                     map[string]int
	Points                                    *storefault.Points
	Took                                      time.Duration
}

// seedRun is one seed with its length.
type seedRun struct {
	seed  uint64
	steps int
}

// Many runs the seeds, and before them those that were recorded. It goes on
// after a broken promise and joins the errors.
func Many(ctx context.Context, b Batch) (Summary, error) {
	runs, err := recordedSeeds()
	if err != nil {
		return Summary{}, err
	}
	if b.Trace {
		runs = nil
	}
	for i := range uint64(b.Seeds) {
		runs = append(runs, seedRun{b.First + i, b.Steps})
	}
	dir, err := folder()
	if err != nil {
		return Summary{}, err
	}
	m := &many{Batch: b, dir: dir, stages: &Stages{}, sum: Summary{Verdicts: map[merge.Outcome]int{}, Codes: map[string]int{}, Points: &storefault.Points{}}}
	if b.Mongo != "" {
		if m.mongo, err = scratch.Connect(ctx, b.Mongo); err != nil {
			return Summary{}, errors.Join(err, os.RemoveAll(dir))
		}
	}
	began := b.Clock.Now()
	work := make(chan seedRun)
	var group sync.WaitGroup
	for range max(b.Workers, 1) {
		group.Go(func() {
			for r := range work {
				m.one(ctx, r)
			}
		})
	}
	for _, r := range runs {
		if ctx.Err() != nil {
			break
		}
		work <- r
	}
	close(work)
	group.Wait()
	m.sum.Took = b.Clock.Now().Sub(began)
	return m.sum, errors.Join(errors.Join(m.errs...), ctx.Err(), m.close())
}

func (m *many) close() error {
	errs := []error{m.stages.Close(), os.RemoveAll(m.dir)}
	if m.mongo != nil {
		errs = append(errs, m.mongo.Close())
	}
	return errors.Join(errs...)
}

// open makes the disk of a seed.
func (m *many) open(ctx context.Context) (Disk, error) {
	switch {
	case m.mongo != nil:
		return MongoDisk(ctx, m.mongo)
	case m.SQLite:
		return SQLiteDisk(ctx, m.dir)
	}
	return PoorDisk(), nil
}

// folder makes a folder for databases that nobody reads again: in memory, where
// there is a place for that, since nothing here pulls the plug.
func folder() (string, error) {
	const pattern = "lumbung-sim-"
	if dir, err := os.MkdirTemp("/dev/shm", pattern); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", pattern)
}

// recordedSeeds reads the list of seeds that must always run.
func recordedSeeds() ([]seedRun, error) {
	var out []seedRun
	lines := bufio.NewScanner(strings.NewReader(recorded))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		var r seedRun
		if _, err := fmt.Sscan(line, &r.seed, &r.steps); err != nil {
			return nil, fmt.Errorf("recorded.txt: %q: %w", line, err)
		}
		out = append(out, r)
	}
	return out, nil
}

type many struct {
	Batch
	dir    string
	stages *Stages
	mongo  *scratch.Server // nil without one
	mu     sync.Mutex
	sum    Summary
	errs   []error
}

// one runs one seed and adds it up.
func (m *many) one(ctx context.Context, r seedRun) {
	cfg := Config{Seed: r.seed, Steps: r.steps, Points: m.sum.Points, Stages: m.stages, Open: func() (Disk, error) { return m.open(ctx) }}
	if m.Trace {
		cfg.Trace = m.Out
	}
	report, err := Run(ctx, cfg)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum.Seeds++
	m.sum.Edits += report.Edits
	m.sum.Requests += report.Requests
	m.sum.Crashes += report.Crashes
	m.sum.Restores += report.Restores
	for c, n := range report.Codes {
		m.sum.Codes[c] += n
	}
	for o, n := range report.Verdicts {
		m.sum.Verdicts[o] += n
	}
	if err != nil && ctx.Err() == nil {
		m.errs = append(m.errs, err)
		fmt.Fprintf(m.Out, "BROKEN %v\n", err)
	}
}

// String is what a person reads after a batch.
func (s Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d seeds, %d edits, %d requests, %d server crashes, %d restores from backup\n", s.Seeds, s.Edits, s.Requests, s.Crashes, s.Restores)
	for _, o := range slices.Sorted(maps.Keys(s.Verdicts)) {
		fmt.Fprintf(&b, "  %-12s %d\n", o, s.Verdicts[o])
	}
	for _, c := range slices.Sorted(maps.Keys(s.Codes)) {
		fmt.Fprintf(&b, "    %-26s %d\n", c, s.Codes[c])
	}
	fmt.Fprintf(&b, "%d distinct points of the store at which something was made to fail\n", s.Points.Distinct())
	if s.Took > 0 {
		fmt.Fprintf(&b, "%.1f seeds a second", float64(s.Seeds)/s.Took.Seconds())
	}
	return b.String()
}
