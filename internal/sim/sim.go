// Package sim runs the whole system in one process: the real engine on a real
// store, phones that are the real client, virtual time, and one seeded
// scheduler that lets go wrong whatever can. After healing it asks for every
// promise by name. A seed that fails, fails again.
package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Disk is a database that outlives the processes that use it.
type Disk interface {
	Store() store.Store
	// Copy is a consistent copy, as a backup.
	Copy() (Disk, error)
	Close() error
}

// Config says what to run.
type Config struct {
	Seed  uint64
	Steps int // of the scheduler, before healing; 0 means 60
	// Open makes an empty database; Run closes it.
	Open func() (Disk, error)
	// Stages spares seeds the setting of the stage; nil sets it anew.
	Stages *Stages
	Trace  io.Writer // every step in words; may be nil
	// Away lets most phones stay away for 200 days in the middle of the run. Its
	// Stages are for such runs only.
	Away bool
	// Points collects the distinct points of the store at which something was
	// made to fail. May be nil.
	Points *storefault.Points
}

// Report says what happened.
type Report struct {
	Seed     uint64
	Edits    int
	Requests int
	Crashes  int
	Restores int
	Verdicts map[merge.Outcome]int
	Steps    map[string]int // by kind
	Codes    map[string]int // of verdicts, each time one was told
	Away     int            // phones that were away for 200 days
	Unsent   int            // of those, with edits that no server had seen
	Pruned   int            // entries that were gone from the logs when they came back
}

// Broken is a promise that did not hold.
type Broken struct {
	Seed    uint64
	Promise string // "I3 no-loss"
	What    string
}

// Error names the seed, so that the failure can be run again.
func (b *Broken) Error() string {
	return fmt.Sprintf("seed %d: %s broken: %s", b.Seed, b.Promise, b.What)
}

// world is one run.
type world struct {
	cfg       Config
	ctx       context.Context
	rng       *rand.Rand // of the scheduler
	chance    *rand.Rand // of what happens inside calls of the store
	clock     *clock.Fixed
	schema    *merge.Schema   // of the servers
	schemas   []*merge.Schema // of the apps, by version
	disk      Disk
	backup    Disk      // newest complete one; nil before the first
	saved     time.Time // when it was made
	servers   []*server
	people    []*person
	phones    []*phone
	shops     []*shop
	made      map[name]*edit // every edit that a phone kept
	nested    bool           // a request runs inside a call of another one
	stocked   bool           // the stage is set
	trash     []merge.Key    // what somebody deleted, and may want back
	numbers   map[string]string
	noise     io.Reader // randomness of the servers
	limits    *auth.Limits
	verified  *auth.Verified // proofs of identity that need no second signature, by any process
	identity  *storefault.MemoryIdentity
	injected  bool   // a fault was put into the request that runs now
	complaint string // last error that a server logged
	broke     error  // first error of a step that nobody put in
	healed    bool
	aside     map[place]*store.Commit // what was pruned
	copied    int                     // clones made so far
	installs  int                     // of the app, so far
	logins    uint64                  // so far
	report    Report
}

// GCPercent suits whoever runs many seeds: worlds are many and small, and none
// of them lives long.
const GCPercent = 1600

// SmallSteps is the length of a small schedule, with one business and a phone
// for each of its three people.
const SmallSteps = 20

// SizeOf is how many steps a seed has if nothing else is said: a small schedule,
// a longer one for every fourth seed and a long one for every twentieth.
func SizeOf(seed uint64) int {
	switch {
	case seed%20 == 0:
		return 200
	case seed%4 == 0:
		return 50
	}
	return SmallSteps
}

// Run plays one seed. A *Broken error names the promise that did not hold.
func Run(ctx context.Context, cfg Config) (_ Report, err error) {
	if cfg.Stages == nil {
		cfg.Stages = &Stages{}
		defer func() { err = errors.Join(err, cfg.Stages.Close()) }()
	}
	schemas, err := cfg.Stages.catalogues()
	if err != nil {
		return Report{}, err
	}
	w := newWorld(ctx, cfg, schemas)
	err = w.play()
	return w.report, w.blame(errors.Join(err, w.close()))
}

func (w *world) play() error {
	if err := w.begin(); err != nil {
		return err
	}
	for i := range w.cfg.Steps {
		if w.cfg.Away && i == w.cfg.Steps/2 {
			if err := w.leave(); err != nil {
				return err
			}
		}
		if err := w.step(); err != nil {
			return err
		}
	}
	if err := w.heal(); err != nil {
		return err
	}
	return w.check()
}

// newWorld makes a world in which nothing has happened yet.
func newWorld(ctx context.Context, cfg Config, schemas []*merge.Schema) *world {
	w := &world{cfg: cfg, ctx: ctx, schema: schemas[newest-1], schemas: schemas, clock: clock.At(time.Date(2022, 3, 20, 1, 0, 0, 0, time.UTC)),
		rng: rand.New(rand.NewPCG(cfg.Seed, 1)), chance: rand.New(rand.NewPCG(cfg.Seed, 2)), made: map[name]*edit{},
		numbers: map[string]string{}, noise: rand.NewChaCha8([32]byte{byte(cfg.Seed), byte(cfg.Seed >> 8), byte(cfg.Seed >> 16), byte(cfg.Seed >> 24)}),
		limits: generous(), aside: map[place]*store.Commit{}, verified: &auth.Verified{}, identity: &storefault.MemoryIdentity{},
		report: Report{Seed: cfg.Seed, Verdicts: map[merge.Outcome]int{}, Steps: map[string]int{}, Codes: map[string]int{}}}
	if w.cfg.Steps == 0 {
		w.cfg.Steps = SizeOf(cfg.Seed)
	}
	return w
}

// begin puts the world on the stage. The stage is the same for every seed,
// whichever runs first, so that a seed that fails alone fails in company too.
func (w *world) begin() error {
	stages := w.cfg.Stages
	ready, err := stages.set(w)
	if err == nil && !ready {
		if err = stages.build(w); err == nil {
			_, err = stages.set(w)
		}
	}
	if err != nil {
		return err
	}
	w.stocked = true
	w.servers = []*server{w.boot(false), w.boot(false)}
	return nil
}

// blame puts the seed into the error.
func (w *world) blame(err error) error {
	if b, ok := errors.AsType[*Broken](err); ok {
		b.Seed = w.cfg.Seed
		return b
	}
	if err != nil {
		return fmt.Errorf("seed %d: %w", w.cfg.Seed, err)
	}
	return nil
}

func (w *world) close() error {
	var errs []error
	for _, d := range []Disk{w.disk, w.backup} {
		if d != nil {
			errs = append(errs, d.Close())
		}
	}
	return errors.Join(errs...)
}

func broken(promise, format string, args ...any) error {
	return &Broken{Promise: promise, What: fmt.Sprintf(format, args...)}
}

func (w *world) trace(format string, args ...any) {
	if w.cfg.Trace != nil {
		fmt.Fprintf(w.cfg.Trace, "%s  %s\n", w.clock.Now().Format("01-02 15:04:05"), fmt.Sprintf(format, args...))
	}
}

// Enabled, Handle, WithAttrs and WithGroup make the world the log of its servers:
// it keeps the last error, for the report of a defect.
func (w *world) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

// Handle implements slog.Handler.
func (w *world) Handle(_ context.Context, r slog.Record) error {
	w.complaint = r.Message
	r.Attrs(func(a slog.Attr) bool {
		w.complaint += " " + a.String()
		return true
	})
	return nil
}

// WithAttrs implements slog.Handler.
func (w *world) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements slog.Handler.
func (w *world) WithGroup(string) slog.Handler { return w }

// Read makes the world's randomness a source of ids.
func (w *world) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(w.rng.Uint32())
	}
	return len(p), nil
}

// action is one kind of step and how often it is taken.
type action struct {
	name   string
	weight int
	do     func(*world) error
}

func actions() []action {
	return []action{
		{"edit", 600, (*world).edit},
		{"exchange", 340, (*world).exchange},
		{"time passes", 100, (*world).passTime},
		{"late answer", 30, (*world).lateAnswer},
		{"admin", 50, (*world).admin},
		{"app crash", 15, (*world).appCrash},
		{"reboot", 15, (*world).reboot},
		{"wrong clock", 10, (*world).wrongClock},
		{"reinstall", 8, (*world).reinstall},
		{"clone", 8, (*world).clone},
		{"work", 30, (*world).work},
		{"backup", 20, (*world).takeBackup},
		{"restore", 12, (*world).restore},
		{"compact", 60, (*world).compact},
		{"update app", 12, (*world).update},
		{"server restart", 10, (*world).restart},
	}
}

func (w *world) step() error {
	all := actions()
	total := 0
	for _, a := range all {
		total += a.weight
	}
	at := w.rng.IntN(total)
	w.clock.Advance(time.Duration(1+w.rng.IntN(5000)) * time.Millisecond) // no two taps of a finger at once
	for _, a := range all {
		if at -= a.weight; at < 0 {
			w.report.Steps[a.name]++
			if err := a.do(w); err != nil {
				return err
			}
			return w.broke
		}
	}
	return nil
}

// passTime moves the true time: mostly minutes, sometimes days.
func (w *world) passTime() error {
	d := time.Duration(1+w.rng.IntN(90)) * time.Minute
	if w.rng.IntN(6) == 0 {
		d = time.Duration(1+w.rng.IntN(9)) * 24 * time.Hour
	}
	w.clock.Advance(d)
	w.trace("%s pass", d)
	return nil
}

// String is one line about a run.
func (r Report) String() string {
	var v []string
	for _, o := range slices.Sorted(maps.Keys(r.Verdicts)) {
		v = append(v, fmt.Sprintf("%d %s", r.Verdicts[o], o))
	}
	return fmt.Sprintf("seed %d: %d edits, %d requests, %d crashes, %d restores: %s", r.Seed, r.Edits, r.Requests, r.Crashes, r.Restores, strings.Join(v, ", "))
}
