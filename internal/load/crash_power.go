package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
)

// Power is what was left of the database after cuts of the power. A kill does not show
// them: what the system was given it keeps. So the writes and flushes of a server under
// load are recorded, and for points in the record the files are made anew as a disk may
// have them: all that was flushed, and of the rest something, or torn.
type Power struct {
	Cuts     int      `json:"cuts"`
	Writes   int      `json:"writes"`
	Flushes  int      `json:"flushes"`
	Failed   int      `json:"flushes_failed"`
	Held     int      `json:"verdicts_held"` // over all cuts: given before the cut
	Missing  int      `json:"missing"`       // of those
	Unsound  int      `json:"unsound"`       // databases that doctor did not like
	Left     int      `json:"writes_left_out"`
	Torn     int      `json:"writes_torn"`
	Examples []string `json:"examples,omitempty"`
}

// step is one call of the system on a file of the database.
type step struct {
	file   string // "" is the file, "-wal" the log ahead of it
	call   string
	at     int64  // offset of a write, size of a truncation
	data   []byte // of a write
	began  time.Time
	ended  time.Time
	number int  // in the record
	lost   bool // a flush of it failed: the system believes it to be on disk, and does not write it again
}

// cutPower records a server under load, in two lives, and cuts.
func cutPower(ctx context.Context, p CrashPlan, folder string) (r Power, err error) {
	t, err := foundTown(ctx, p.Program, folder, folder)
	if err != nil {
		return r, err
	}
	before, err := os.ReadFile(t.path)
	if err != nil {
		return r, err
	}
	record := filepath.Join(folder, "record")
	if err := t.recorded(ctx, record); err != nil {
		return r, err
	}
	steps, err := readRecord(record, t.path)
	if err != nil {
		return r, err
	}
	if len(steps) == 0 {
		return r, errors.New("the record is empty")
	}
	for _, s := range steps {
		switch s.call {
		case "write":
			r.Writes++
		case "flush":
			r.Flushes++
		case "fail":
			r.Failed++
		}
	}
	dice := rand.New(rand.NewPCG(p.Seed, 5))
	for range p.Cuts {
		if err := t.cut(ctx, dice, before, steps, &r); err != nil {
			return r, err
		}
		r.Cuts++
	}
	return r, nil
}

// recorded lets a server live twice under load, killed in between and stopped at the end.
// In its first life flushes fail after a while, until the end: what the kill leaves is a
// commit of which the system shows all and the disk may have nothing.
func (t *town) recorded(ctx context.Context, record string) error {
	for life := range 2 {
		tamper := "fsync,fdatasync:error=EIO:when=15+" // of each thread: behind those of a start
		if life > 0 {
			tamper = "fsync:delay_enter=0"
		}
		l, _, err := t.start(ctx, birth{program: t.program, wrap: []string{"strace", "-f", "-qq", "-A", "-o", record, "-ttt", "-T", "-y", "-xx", "-s", "1100000",
			"-e", "trace=pwrite64,write,fsync,fdatasync,ftruncate,unlink,unlinkat", "-e", "inject=" + tamper, "-P", t.path, "-P", t.path + "-wal"}})
		if err != nil {
			return err
		}
		rest, err := t.load(ctx)
		if err != nil {
			return err
		}
		err = t.busy(ctx, l, 20*time.Second)
		if pause(ctx, time.Second); life == 0 && !within(ctx, 20*time.Second, func() bool { return t.refused.count("503 storage_failed") >= 20 }) {
			err = errors.Join(err, errors.New("no flush fails"))
		}
		if err := errors.Join(err, rest()); err != nil {
			return err
		}
		pids, err := serversOn(t.path)
		if err != nil || len(pids) != 1 {
			return errors.Join(fmt.Errorf("there are %d servers: %s", len(pids), strings.Join(l.lines(), "\n")), err)
		}
		if err := syscall.Kill(pids[0], []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM}[life]); err != nil { // and not the tracer: it writes the record to its end
			return err
		}
		if !l.dead(ctx, 20*time.Second) {
			return errors.Join(errors.New("the server does not stop"), l.end())
		}
		l.waited = true
		if err := l.cmd.Wait(); err != nil && life > 0 {
			return fmt.Errorf("a stop in order: %w", err)
		}
	}
	return nil
}

// readRecord reads what the tracer wrote: lines such as
//
//	812 1764145000.123456 pwrite64(5</l.db-wal>, "\x37…", 32, 0) = 32 <0.000012>
//
// of which one may be split in two where another thread comes between.
func readRecord(record, path string) (steps []step, err error) {
	f, err := os.Open(record)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	head := regexp.MustCompile(`^(\d+) +(\d+\.\d+) (.*)$`)
	resumed := regexp.MustCompile(`^<\.\.\. \w+ resumed>`)
	open := map[string]string{} // by thread, the first half
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		m := head.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		thread, stamp, text := m[1], m[2], m[3]
		if first, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
			open[thread] = stamp + " " + first
			continue
		}
		if at := resumed.FindStringIndex(text); at != nil {
			first, rest, _ := strings.Cut(open[thread], " ")
			stamp, text = first, rest+text[at[1]:]
			delete(open, thread)
		}
		s, ok, err := readStep(stamp, text, path)
		if err != nil {
			return nil, err
		}
		if ok {
			s.number = len(steps)
			steps = append(steps, s)
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return a.began.Compare(b.began) })
	return lose(steps), lines.Err()
}

// lose marks what a failed flush has lost: what was written and not flushed when it began.
func lose(steps []step) []step {
	pending := map[string][]int{}
	for n, s := range steps {
		if s.call != "flush" && s.call != "fail" {
			pending[s.file] = append(pending[s.file], n)
			continue
		}
		var left []int
		for _, m := range pending[s.file] {
			if steps[m].ended.After(s.began) {
				left = append(left, m)
			} else if s.call == "fail" {
				steps[m].lost = true
			}
		}
		pending[s.file] = left
	}
	return steps
}

// readStep reads one call; those that failed and those on other files are none.
func readStep(stamp, text, path string) (s step, ok bool, err error) {
	m := regexp.MustCompile(`^(\w+)\((.*)\) += (-?\d+).*<(\d+\.\d+)>$`).FindStringSubmatch(text)
	if m == nil {
		return s, false, nil
	}
	failed := strings.HasPrefix(m[3], "-")
	if s.began, err = stampOf(stamp); err != nil {
		return s, false, err
	}
	took, err := strconv.ParseFloat(m[4], 64)
	if err != nil {
		return s, false, err
	}
	s.ended = s.began.Add(time.Duration(took * float64(time.Second)))
	args := strings.Split(m[2], ", ")
	name := unhex(args[0])
	if m[1] == "unlinkat" && len(args) > 1 {
		name = unhex(args[1])
	}
	switch {
	case strings.Contains(name, path+"-wal"):
		s.file = "-wal"
	case !strings.Contains(name, path):
		return s, false, nil
	}
	if flush := strings.HasSuffix(m[1], "sync"); failed && !flush {
		return s, false, nil
	}
	switch m[1] {
	case "fsync", "fdatasync":
		if s.call = "flush"; failed {
			s.call = "fail"
		}
	case "unlink", "unlinkat":
		s.call = "remove"
	case "ftruncate":
		s.call = "cut"
		s.at, err = strconv.ParseInt(args[1], 10, 64)
	case "pwrite64":
		s.call, s.data = "write", []byte(unhex(strings.Trim(args[1], `"`)))
		if s.at, err = strconv.ParseInt(args[3], 10, 64); err != nil {
			return s, false, err
		}
		n, bad := strconv.Atoi(m[3])
		if bad != nil || n > len(s.data) {
			return s, false, fmt.Errorf("the record has %d bytes of a write of %s", len(s.data), m[3])
		}
		s.data = s.data[:n] // a kill can cut a write short
	default:
		err = fmt.Errorf("the record has a %s, which nobody knows", m[1])
	}
	return s, err == nil, err
}

func stampOf(text string) (time.Time, error) {
	whole, part, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	micros, err := strconv.ParseInt(part, 10, 64)
	return time.Unix(seconds, micros*1000), err
}

// unhex reads a text in which bytes are written as \x2f.
func unhex(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		if strings.HasPrefix(text, `\x`) && len(text) >= 4 {
			if b, err := strconv.ParseUint(text[2:4], 16, 8); err == nil {
				out.WriteByte(byte(b))
				text = text[4:]
				continue
			}
		}
		out.WriteByte(text[0])
		text = text[1:]
	}
	return out.String()
}

// cut makes the files as a disk may have them when the power goes at a moment of the
// record, and looks at them.
func (t *town) cut(ctx context.Context, dice *rand.Rand, before []byte, steps []step, r *Power) error {
	point := steps[dice.IntN(len(steps))]
	if near := madeGood(steps); len(near) > 0 && dice.IntN(2) == 0 {
		point = steps[min(near[dice.IntN(len(near))]+dice.IntN(60), len(steps)-1)]
	}
	at := point.ended.Add(-time.Duration(dice.Int64N(int64(max(point.ended.Sub(point.began), 1)))))
	left := onDisk(dice, before, steps, at, r)
	return inFolder(func(folder string) error {
		path := filepath.Join(folder, "l.db")
		for file, data := range left {
			if err := os.WriteFile(path+file, data, 0o600); err != nil {
				return err
			}
		}
		if out, err := exec.CommandContext(ctx, t.program, "doctor", "-public-url", publicURL, "-store", path).CombinedOutput(); err != nil {
			r.Unsound++
			r.Examples = append(r.Examples, fmt.Sprintf("a cut at step %d: %s", point.number, out))
			return nil
		}
		return t.remembers(ctx, path, at, r)
	})
}

// madeGood are the places in which a process makes good what the one before it left: its
// first flushes, of whatever file.
func madeGood(steps []step) (near []int) {
	for n, s := range steps {
		switch s.call {
		case "fail":
			near = nil
		case "flush":
			if len(near) < 4 {
				near = append(near, n)
			}
		}
	}
	return near
}

// remembers holds a database against the verdicts that pushers were given before a moment.
func (t *town) remembers(ctx context.Context, path string, at time.Time, r *Power) (err error) {
	db, err := app.OpenDatabase(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, m := range t.businesses {
		var f Found
		lines, _, err := logOf(ctx, db, m.scope, &f)
		if err != nil {
			return err
		}
		for _, p := range m.pushers {
			for _, s := range p.typed {
				if s.told == "" || !s.heard.Before(at) {
					continue
				}
				r.Held++
				answered(s.name, s.seq, s.told, lines, &f)
			}
		}
		r.Missing += f.Missing + f.Doubled
		r.Examples = append(r.Examples, f.Examples[:min(len(f.Examples), 2)]...)
	}
	return nil
}

// onDisk is what the files hold: what was written before the last flush of each that had
// ended, and of what was begun since each write with even chance, one in four of those
// torn at a sector.
func onDisk(dice *rand.Rand, before []byte, steps []step, at time.Time, r *Power) map[string][]byte {
	flushed := map[string]time.Time{}
	for _, s := range steps {
		if s.call == "flush" && !s.ended.After(at) {
			flushed[s.file] = s.began
		}
	}
	left := map[string][]byte{"": slices.Clone(before)}
	for _, s := range steps {
		if s.began.After(at) {
			break
		}
		sure := !s.lost && !s.ended.After(flushed[s.file])
		if !sure && dice.IntN(2) == 0 {
			r.Left++
			continue
		}
		switch s.call {
		case "write":
			data := s.data
			if !sure && dice.IntN(4) == 0 && len(data) > sector {
				data = data[:sector*(1+dice.IntN((len(data)-1)/sector))]
				r.Torn++
			}
			have := left[s.file]
			if grow := int(s.at) + len(data) - len(have); grow > 0 {
				have = append(have, make([]byte, grow)...)
			}
			copy(have[s.at:], data)
			left[s.file] = have
		case "cut":
			if have := left[s.file]; int(s.at) < len(have) {
				left[s.file] = have[:s.at]
			}
		case "remove":
			delete(left, s.file)
		}
	}
	maps.DeleteFunc(left, func(_ string, data []byte) bool { return data == nil })
	return left
}

// sector is what a disk writes whole, in bytes.
const sector = 512

// Verdict fails if a verdict was given that a cut of the power takes back.
func (r Power) Verdict() error {
	if r.Cuts == 0 || r.Failed == 0 || r.Held == 0 || r.Left == 0 || r.Torn == 0 {
		return fmt.Errorf("%d cuts, %d flushes failed, %d verdicts held, %d writes left out, %d torn: nothing was shown", r.Cuts, r.Failed, r.Held, r.Left, r.Torn)
	}
	if r.Missing > 0 || r.Unsound > 0 {
		return fmt.Errorf("after %d cuts of the power %d verdicts are missing, %d databases unsound: %q", r.Cuts, r.Missing, r.Unsound, r.Examples[:min(len(r.Examples), 5)])
	}
	return nil
}

// Print writes what came of the cuts.
func (r Power) Print(w io.Writer) {
	fmt.Fprintf(w, "%d cuts of the power in a record of %d writes and %d flushes, of which %d failed; %d writes left out, %d torn\n", r.Cuts, r.Writes, r.Flushes+r.Failed, r.Failed, r.Left, r.Torn)
	fmt.Fprintf(w, "  %d verdicts held against what was left, %d missing; %d databases unsound\n", r.Held, r.Missing, r.Unsound)
}
