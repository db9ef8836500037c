package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// CrashPlan says how often the server is killed.
type CrashPlan struct {
	Program    string    // path of the program to serve with
	Failpoints string    // path of the same program, built with the tag failpoints
	Kills      int       // of the server; 0: none
	Cuts       int       // of the power; 0: none
	Troubles   bool      // also what a disk can do
	Mount      bool      // small file systems for that; otherwise, and where it is not permitted, calls of the system fail
	Only       string    // of the troubles, one; otherwise all
	Seed       uint64    // draws where and when
	Log        io.Writer // progress
}

// CrashReport is what came of it.
type CrashReport struct {
	Seed     uint64         `json:"seed"`
	Kills    int            `json:"kills"` // of the server, under load
	Where    map[string]int `json:"where"`
	Phones   int            `json:"phones_killed"`
	Backups  int            `json:"backups_killed"`
	Copies   int            `json:"copies_whole"` // backups that ended well although the server was killed
	Ready    Spread         `json:"ready_ms"`     // from a start after a kill
	Found    Found          `json:"found"`
	Power    *Power         `json:"power,omitempty"`
	Troubles []Trouble      `json:"troubles,omitempty"`
	planned  int
}

// crash is one run.
type crash struct {
	plan   CrashPlan
	town   *town
	dice   *rand.Rand
	ready  []time.Duration
	report *CrashReport
}

// Crash kills the server again and again while phones push and pull, kills some of the
// phones, and looks whether everything is there once. Then it spoils the disk.
func Crash(ctx context.Context, p CrashPlan) (r CrashReport, err error) {
	if _, err := exec.LookPath("strace"); err != nil {
		return r, fmt.Errorf("strace is wanted, to kill inside the database and to spoil the disk: %w", err)
	}
	r = CrashReport{Seed: p.Seed, Where: map[string]int{}, planned: p.Kills}
	if p.Kills > 0 {
		if err := inFolder(func(folder string) error { return killOften(ctx, p, folder, &r) }); err != nil {
			return r, err
		}
	}
	if p.Cuts > 0 {
		p.tell("recording what is written and flushed")
		if err := inFolder(func(folder string) error {
			power, err := cutPower(ctx, p, folder)
			r.Power = &power
			return err
		}); err != nil {
			return r, err
		}
	}
	if p.Troubles {
		r.Troubles, err = troubles(ctx, p)
	}
	return r, err
}

// inFolder does something in a folder that goes afterwards.
func inFolder(do func(folder string) error) (err error) {
	folder, err := os.MkdirTemp("", "lumbung-crash-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	return do(folder)
}

func (p CrashPlan) tell(form string, args ...any) { fmt.Fprintf(p.Log, form+"\n", args...) }

func killOften(ctx context.Context, p CrashPlan, folder string, r *CrashReport) error {
	p.tell("making people and enterprises")
	t, err := foundTown(ctx, p.Program, folder, folder)
	if err != nil {
		return err
	}
	c := &crash{plan: p, town: t, dice: rand.New(rand.NewPCG(p.Seed, 48)), report: r}
	rest, err := t.load(ctx)
	if err != nil {
		return err
	}
	err = c.kills(ctx)
	if err := errors.Join(err, rest()); err != nil {
		return err
	}
	p.tell("letting everybody send what waits")
	l, _, err := t.plain(ctx)
	if err != nil {
		return err
	}
	r.Found, err = t.settle(ctx, l)
	r.Ready = spread(c.ready)
	codes, _, others := t.refused.take()
	if len(others) > 0 {
		err = errors.Join(err, fmt.Errorf("answered beside 503: %q", others[:min(len(others), 5)]))
	}
	p.tell("answers without verdicts: %v", codes)
	return errors.Join(err, l.end())
}

// kills lives the lives of the server, each of which ends before its time.
func (c *crash) kills(ctx context.Context) error {
	for n := range c.plan.Kills {
		way := c.way(n)
		where, err := way(ctx)
		if err != nil {
			return fmt.Errorf("kill %d: %w", n+1, err)
		}
		c.report.Kills++
		c.report.Where[where]++
		c.plan.tell("%4d %s", n+1, where)
		if all := c.town.everyHandset(); c.dice.IntN(3) == 0 {
			h := all[c.dice.IntN(len(all))]
			if err := errors.Join(h.kill(), h.start(ctx)); err != nil {
				return err
			}
			c.report.Phones++
		}
	}
	return nil
}

// way is how the n-th life ends. Every way has its turn within 16; the first lives end
// in the compaction, which is done once one of them has lived through it.
func (c *crash) way(n int) func(context.Context) (string, error) {
	first := []string{"erase.before", "erase.after", "prune.before", "prune.after"}
	if n < len(first) && c.plan.Kills > 2*len(first) {
		return func(ctx context.Context) (string, error) { return c.atPoint(ctx, first[n], 1+n/3) }
	}
	points := []string{"append.after", "append.before", "done.before", "load.after", "begin.after", "changed.before", "done.after",
		"chain.after", "unfolded.after", "waiting.before", "complete.before", "head.after", "headsfor.before", "entry.after"}
	point := func(ctx context.Context) (string, error) {
		return c.atPoint(ctx, points[n/2%len(points)], 1+c.dice.IntN(40))
	}
	ways := []func(context.Context) (string, error){
		c.underLoad, point, c.atCall("fsync", "-wal"), point, c.whileStarting, point, c.atCall("pwrite64", "-wal"), point,
		c.whileCopying, c.underLoad, point, c.whileStopping, c.firstCalls, point, c.atCall("pwrite64", ""), point,
	}
	return ways[n%len(ways)]
}

// life starts a server and waits until the load has come back to it.
func (c *crash) life(ctx context.Context) (*life, error) {
	l, took, err := c.town.plain(ctx)
	if err != nil {
		return nil, err
	}
	c.ready = append(c.ready, took)
	return l, c.busy(ctx, l)
}

// busy waits until phones were told something, and then for a moment more.
func (c *crash) busy(ctx context.Context, l *life) error {
	if err := c.town.busy(ctx, l, 20*time.Second); err != nil {
		return err
	}
	pause(ctx, time.Duration(c.dice.IntN(250))*time.Millisecond)
	return nil
}

// underLoad: at any moment.
func (c *crash) underLoad(ctx context.Context) (string, error) {
	l, err := c.life(ctx)
	if err != nil {
		return "", err
	}
	return "at random, under load", l.end()
}

// whileStarting: before it serves, or just after.
func (c *crash) whileStarting(ctx context.Context) (string, error) {
	usual := 300 * time.Millisecond
	if len(c.ready) > 0 {
		usual = c.ready[len(c.ready)-1]
	}
	after := time.Duration(c.dice.Float64() * 1.1 * float64(usual))
	killed := make(chan error, 1)
	born := make(chan *life, 1)
	go func() {
		l, _, err := c.town.start(ctx, birth{program: c.plan.Program, env: []string{"LUMBUNG_LOG_LEVEL=info"}})
		born <- l
		killed <- err
	}()
	pause(ctx, after)
	pids, err := serversOn(c.town.path)
	if err != nil {
		return "", err
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return "", err
		}
	}
	l, err := <-born, <-killed
	if err != nil {
		return "", err
	}
	where := "while starting"
	if l.served.Load() {
		where = "just started"
	}
	return where, l.end()
}

// serversOn finds the processes that this one has started to serve a database.
func serversOn(path string) (pids []int, err error) {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	for _, at := range all {
		text, err := os.ReadFile(at)
		if err != nil {
			continue // it has ended
		}
		words := strings.Split(string(text), "\x00")
		if len(words) < 2 || !slices.Contains(words, "serve") || !slices.Contains(words, path) || words[0] == "strace" {
			continue
		}
		pid := 0
		if _, err := fmt.Sscanf(at, "/proc/%d/cmdline", &pid); err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// atPoint: by its own hand, beside a call of the store.
func (c *crash) atPoint(ctx context.Context, point string, count int) (string, error) {
	switch name, _, _ := strings.Cut(point, "."); name {
	case "unfolded", "waiting", "chain", "entry":
		count = 1 + count%3
	}
	name := fmt.Sprintf("%s:%d", point, count)
	l, took, err := c.town.start(ctx, birth{program: c.plan.Failpoints, env: []string{"LUMBUNG_FAILPOINT=" + name, "LUMBUNG_WORKERS_EVERY=1s"}})
	if err != nil {
		return "", err
	}
	if l.served.Load() {
		c.ready = append(c.ready, took)
	}
	if copier := strings.HasPrefix(point, "begin") || strings.HasPrefix(point, "complete"); copier {
		c.report.Backups++
		where, err := c.copierDies(ctx, name)
		if err != nil {
			return "", err
		}
		return where, l.end()
	}
	where := "at " + point
	if !l.dead(ctx, 6*time.Second) {
		where = "at random, under load (" + point + " was not reached)"
	}
	return where, l.end()
}

// copierDies lets a backup die at a point of its own.
func (c *crash) copierDies(ctx context.Context, point string) (string, error) {
	cmd := c.copier(ctx, c.plan.Failpoints, "doomed.db")
	name, _, _ := strings.Cut(point, ":")
	cmd.Env = append(os.Environ(), "LUMBUNG_FAILPOINT="+name+":1")
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.Exited() {
		return "", fmt.Errorf("a backup that was to die at %s ended with %v: %s", point, err, out)
	}
	return "at random, beside a backup that died at " + name, nil
}

func (c *crash) copier(ctx context.Context, program, file string) *exec.Cmd {
	return exec.CommandContext(ctx, program, "backup", "-public-url", publicURL, "-store", c.town.path, filepath.Join(c.town.folder, file))
}

// whileCopying: beside a backup, which is killed too or has to end well.
func (c *crash) whileCopying(ctx context.Context) (string, error) {
	l, err := c.life(ctx)
	if err != nil {
		return "", err
	}
	cmd := c.copier(ctx, c.plan.Program, "copy.db")
	if err := cmd.Start(); err != nil {
		return "", errors.Join(err, l.end())
	}
	pause(ctx, time.Duration(c.dice.IntN(400))*time.Millisecond)
	if err := l.end(); err != nil {
		return "", err
	}
	if c.dice.IntN(2) == 0 {
		if err := cmd.Process.Kill(); err != nil {
			return "", err
		}
		_ = cmd.Wait() // killed, or just done
		c.report.Backups++
		return "at random, with a backup that was killed", nil
	}
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("a backup, while the server was killed: %w", err)
	}
	out, err := exec.CommandContext(ctx, c.plan.Program, "doctor", "-public-url", publicURL, "-store", filepath.Join(c.town.folder, "copy.db")).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("a copy is not whole: %w: %s", err, out)
	}
	c.report.Copies++
	return "at random, beside a backup", nil
}

// atCall: inside the database, as it is about to flush or to write to one of its files.
// The call is not made.
func (c *crash) atCall(call, file string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		l, err := c.life(ctx)
		if err != nil {
			return "", err
		}
		release, err := l.attach(ctx, fmt.Sprintf("%s:signal=KILL:when=%d", call, 1+c.dice.IntN(map[string]int{"fsync": 12, "pwrite64": 100}[call])), c.town.path+file)
		if err != nil {
			return "", errors.Join(err, l.end())
		}
		where := fmt.Sprintf("before %s of %s", call, named(file))
		if !l.dead(ctx, 3*time.Second) {
			where = "at random, under load (a call of the system was not reached)"
		}
		return where, errors.Join(release(), l.end())
	}
}

// named is what a file of the database is to people.
func named(file string) string {
	if file == "-wal" {
		return "the log ahead of the file"
	}
	return "the file"
}

// firstCalls: inside the database, while it is opened after the death before.
func (c *crash) firstCalls(ctx context.Context) (string, error) {
	file := c.town.path + "-wal"
	l, _, err := c.town.start(ctx, birth{program: c.plan.Program, wrap: inject(fmt.Sprintf("pwrite64:signal=KILL:when=%d", 1+c.dice.IntN(3)), file)})
	if err != nil {
		return "", err
	}
	where := "before pwrite64 of the log ahead of the file, while starting"
	if l.served.Load() {
		where = "before pwrite64 of the log ahead of the file"
	}
	if !l.dead(ctx, 3*time.Second) {
		where = "at random, under load (a call of the system was not reached)"
	}
	return where, l.end()
}

// whileStopping: as it carries what lies ahead of the file into it.
func (c *crash) whileStopping(ctx context.Context) (string, error) {
	l, err := c.life(ctx)
	if err != nil {
		return "", err
	}
	release, err := l.attach(ctx, fmt.Sprintf("pwrite64:signal=KILL:when=%d", 1+c.dice.IntN(30)), c.town.path)
	if err != nil {
		return "", errors.Join(err, l.end())
	}
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return "", errors.Join(err, l.end())
	}
	if !l.dead(ctx, 10*time.Second) {
		return "", errors.Join(errors.New("the server does not stop"), l.end())
	}
	if err := release(); err != nil {
		return "", err
	}
	l.waited = true
	l.read.Wait()
	if err := l.cmd.Wait(); l.cmd.ProcessState.Exited() {
		return "stopped in order", err
	}
	return "before pwrite64 of the file, while stopping", nil
}

// Verdict fails if anything is missing, doubled or strange, if a phone differs, or if
// fewer kills took place than were planned.
func (r CrashReport) Verdict() error {
	var errs []error
	if r.planned > 0 {
		errs = append(errs, r.Found.Verdict())
		if r.Kills != r.planned {
			errs = append(errs, fmt.Errorf("%d kills of %d", r.Kills, r.planned))
		}
	}
	if r.Power != nil {
		errs = append(errs, r.Power.Verdict())
	}
	for _, t := range r.Troubles {
		errs = append(errs, t.Verdict())
	}
	return errors.Join(errs...)
}

// Print writes the report as a table.
func (r CrashReport) Print(w io.Writer) {
	if r.planned > 0 {
		fmt.Fprintf(w, "%d kills of the server under load, %d of phones, %d of backups (%d copies whole), seed %d\n", r.Kills, r.Phones, r.Backups, r.Copies, r.Seed)
		for _, where := range slices.Sorted(maps.Keys(r.Where)) {
			fmt.Fprintf(w, "  %5d  %s\n", r.Where[where], where)
		}
		fmt.Fprintf(w, "  ready again after    p50 %.0f  p99 %.0f  max %.0f ms\n", r.Ready.P50, r.Ready.P99, r.Ready.Max)
		r.Found.Print(w)
	}
	if r.Power != nil {
		r.Power.Print(w)
	}
	for _, t := range r.Troubles {
		t.Print(w)
	}
}

// Print writes what was found as a line.
func (f Found) Print(w io.Writer) {
	fmt.Fprintf(w, "  %d edits typed, %d verdicts told, %d missing, %d doubled, %d nobody's; %d real phones, %d apart; doctor %v\n",
		f.Typed, f.Told, f.Missing, f.Doubled, f.Strange, f.Phones, f.Apart, f.Sound)
	for _, e := range f.Examples {
		fmt.Fprintf(w, "    %s\n", e)
	}
}
