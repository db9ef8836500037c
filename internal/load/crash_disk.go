package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Trouble is one thing that a disk did to the server under load, and what came of it.
type Trouble struct {
	Name   string         `json:"name"`
	Codes  map[string]int `json:"codes"`                       // answers without verdicts, while it lasted
	Mute   int            `json:"refused_without_retry_after"` // of those
	Other  []string       `json:"answered_otherwise,omitempty"`
	Ready  string         `json:"readyz"`
	Reads  string         `json:"reads"`
	Log    string         `json:"log"` // the first line of the log that says what is wrong
	Start  string         `json:"start,omitempty"`
	Healed string         `json:"healed"` // how
	Found  Found          `json:"found"`
	code   string         // that was to be told
	quiet  bool           // nothing was
}

// trouble is what is done, and how it ends.
type trouble struct {
	name string
	code string // that phones and operators are told; "": the server is not running meanwhile
	// env is what the server is started with.
	env func(t *town) []string
	// small says that the database lies on a small file system of its own. Where none can
	// be mounted, calls of the system fail as instead says.
	small   bool
	instead string
	// begin spoils the disk of a server that runs. What it gives mends it.
	begin func(ctx context.Context, s *scene) (mend func() error, err error)
	// restart says that the trouble ends with a restart.
	restart bool
	// start, if set, spoils the disk of a server that is started; what it gives mends it.
	start func(ctx context.Context, s *scene) (b birth, mend func() error, err error)
	// quiet, if set, is a trouble of which phones hear nothing, and its end.
	quiet func(ctx context.Context, s *scene) error
}

// failing lets calls of the system of a running server fail.
func failing(what string) func(context.Context, *scene) (func() error, error) {
	return func(ctx context.Context, s *scene) (func() error, error) { return s.life.attach(ctx, what, "") }
}

// injected is the trouble where nothing can be mounted.
func (t trouble) injected() trouble {
	if t.name += " (calls fail)"; t.start != nil {
		t.start = startWithout(t.instead)
	} else {
		t.begin = failing(t.instead)
	}
	return t
}

// scene is a server under load.
type scene struct {
	*town
	life *life
	disk string // folder of the database
	said Trouble
}

// allTroubles are the troubles, in order.
func allTroubles() []trouble {
	return []trouble{
		{name: "bound of the file", code: "storage_full", env: bound, restart: true, begin: func(context.Context, *scene) (func() error, error) {
			return func() error { return nil }, nil // it grows into the bound
		}},
		{name: "limit of file sizes", code: "storage_failed", begin: limitFiles},
		{name: "full disk", code: "storage_full", small: true, instead: "pwrite64:error=ENOSPC", begin: fillDisk},
		{name: "writes are refused: read-only", code: "storage_failed", begin: failing("pwrite64:error=EROFS")},
		{name: "every fsync fails", code: "storage_failed", begin: failing("fsync,fdatasync:error=EIO")},
		{name: "now and then an fsync fails", code: "storage_failed", begin: failing("fsync,fdatasync:error=EIO:when=3+4")},
		{name: "fsync fails in every checkpoint", quiet: failCheckpoints},
		{name: "started on a read-only disk", small: true, instead: "pwrite64:error=EROFS", start: startReadOnly},
		{name: "fsync fails at the start", start: startWithout("fsync,fdatasync:error=EIO")},
		{name: "started on a full disk", code: "storage_full", small: true, instead: "pwrite64:error=ENOSPC", begin: startFull},
	}
}

// troubles lets them happen, each to a town of its own.
func troubles(ctx context.Context, p CrashPlan) (out []Trouble, err error) {
	for _, tr := range allTroubles() {
		if p.Only != "" && p.Only != tr.name {
			continue
		}
		p.tell("%s", tr.name)
		if err := inFolder(func(folder string) error {
			disk := filepath.Join(folder, "disk")
			if err := os.Mkdir(disk, 0o700); err != nil {
				return err
			}
			if tr.small {
				free, err := mountSmall(ctx, disk)
				if err != nil || !p.Mount {
					p.tell("no small file system (%v): calls fail instead", err)
					tr = tr.injected()
				}
				defer free()
			}
			t, err := foundTown(ctx, p.Program, disk, folder)
			if err != nil {
				return err
			}
			s := &scene{town: t, disk: disk, said: Trouble{Name: tr.name, code: tr.code}}
			err = s.play(ctx, tr)
			out = append(out, s.said)
			return err
		}); err != nil {
			return out, fmt.Errorf("%s: %w", tr.name, err)
		}
	}
	if len(out) == 0 {
		return out, fmt.Errorf("there is no trouble %q", p.Only)
	}
	return out, nil
}

// play lets one trouble happen.
func (s *scene) play(ctx context.Context, tr trouble) (err error) {
	var env []string
	if tr.env != nil {
		env = tr.env(s.town)
	}
	if s.life, _, err = s.plain(ctx, env...); err != nil {
		return err
	}
	defer func() {
		if s.life != nil { // it may not have started again
			err = errors.Join(err, s.life.end())
		}
	}()
	rest, err := s.load(ctx)
	if err != nil {
		return err
	}
	if err := s.busy(ctx, s.life, 20*time.Second); err != nil {
		return errors.Join(err, rest())
	}
	switch {
	case tr.quiet != nil:
		s.said.quiet = true
		err = tr.quiet(ctx, s)
	case tr.start != nil:
		err = s.atStart(ctx, tr)
	default:
		err = s.whileItRuns(ctx, tr)
	}
	if err := errors.Join(err, rest()); err != nil {
		return err
	}
	s.said.Found, err = s.settle(ctx, s.life)
	return err
}

// whileItRuns spoils the disk of a server that runs, looks, and mends it.
func (s *scene) whileItRuns(ctx context.Context, tr trouble) error {
	s.refused.take()
	mend, err := tr.begin(ctx, s)
	if err != nil {
		return err
	}
	told := func() bool { return s.refused.count("503 "+tr.code) >= 5 }
	if !within(ctx, 40*time.Second, told) {
		codes, _, others := s.refused.take()
		return errors.Join(fmt.Errorf("nobody is told %s, but %v %q", tr.code, codes, others[:min(len(others), 3)]), mend())
	}
	s.look(ctx, tr)
	pause(ctx, time.Second)
	if err := mend(); err != nil {
		return fmt.Errorf("mend it: %w", err)
	}
	s.said.Healed = "by itself"
	if tr.restart {
		if s.said.Healed = "by a restart"; s.life.stop() != nil {
			return errors.New("the server does not stop in order")
		}
		if s.life, _, err = s.plain(ctx); err != nil {
			return err
		}
	}
	if err := s.town.busy(ctx, s.life, 30*time.Second); err != nil {
		return err
	}
	if !within(ctx, 10*time.Second, func() bool { n, _ := s.status(ctx, "/readyz"); return n == 200 }) {
		return errors.New("it works again, and is not ready")
	}
	s.said.Codes, s.said.Mute, s.said.Other = s.refused.take()
	return nil
}

// look notes what an operator and a reader see.
func (s *scene) look(ctx context.Context, tr trouble) {
	within(ctx, 5*time.Second, func() bool {
		n, text := s.status(ctx, "/readyz")
		s.said.Ready = fmt.Sprint(n)
		for _, code := range []string{tr.code, "unavailable"} {
			if strings.Contains(text, code) {
				s.said.Ready += " " + code
				break
			}
		}
		return s.said.Ready == "503 "+tr.code
	})
	w := dial(s.address, 1)
	defer w.client.CloseIdleConnections()
	asked := 0
	within(ctx, 3*time.Second, func() bool { // where trouble comes and goes, the server may be about to say so; and an enterprise may have sold nothing yet
		p := s.businesses[asked%len(s.businesses)].pushers[0]
		asked++
		rows, _, err := p.pull(w, "", "", saleRow)
		if s.said.Reads = "went on"; err != nil || rows == 0 {
			s.said.Reads = fmt.Sprintf("gave %d rows: %v", rows, err)
		}
		return s.said.Reads == "went on"
	})
	for _, line := range s.life.lines() {
		if strings.Contains(line, tr.code) {
			s.said.Log = line
			break
		}
	}
}

// atStart kills the server, and starts it on a spoilt disk: it has to end with a word on
// what is wrong. Then the disk is mended and the server started once more.
func (s *scene) atStart(ctx context.Context, tr trouble) error {
	if err := s.life.end(); err != nil {
		return err
	}
	b, mend, err := tr.start(ctx, s)
	if err != nil {
		return err
	}
	b.program = s.program
	l, _, err := s.start(ctx, b)
	if err != nil {
		return errors.Join(err, mend())
	}
	if l.served.Load() || !l.dead(ctx, 10*time.Second) {
		return errors.Join(errors.New("the server starts on a disk that does not work"), l.end(), mend())
	}
	l.waited = true
	if err := l.cmd.Wait(); err == nil || !l.cmd.ProcessState.Exited() {
		return errors.Join(fmt.Errorf("the server ended with %v", err), mend())
	}
	s.said.Start = strings.Join(l.lines(), " / ")
	if err := mend(); err != nil {
		return err
	}
	if s.life, _, err = s.plain(ctx); err != nil {
		return err
	}
	s.said.Healed = "by a restart"
	return s.town.busy(ctx, s.life, 20*time.Second)
}

// failCheckpoints lets the log ahead of the file grow until it is to be carried into the
// file, whose flushes fail then. Edits go on: they are in the log.
func failCheckpoints(ctx context.Context, s *scene) error {
	const most = 33_000_000 // more than the 8000 pages at which it is carried
	grown := func(size int64) error {
		if within(ctx, 2*time.Minute, func() bool {
			info, err := os.Stat(s.path + "-wal")
			return err == nil && info.Size() >= size
		}) {
			return nil
		}
		return fmt.Errorf("the log ahead of the file does not grow to %d bytes", size)
	}
	if err := grown(most * 9 / 10); err != nil {
		return err
	}
	mend, err := s.life.attach(ctx, "fsync,fdatasync:error=EIO", s.path)
	if err != nil {
		return err
	}
	s.refused.take()
	err = grown(most + 400_000)
	if err := errors.Join(err, mend()); err != nil {
		return err
	}
	s.said.Codes, s.said.Mute, s.said.Other = s.refused.take()
	s.said.Healed = "by itself"
	return s.town.busy(ctx, s.life, 30*time.Second)
}

// bound lets the file grow by a MiB or two.
func bound(t *town) []string {
	size := int64(0)
	for _, end := range []string{"", "-wal"} {
		if info, err := os.Stat(t.path + end); err == nil {
			size += info.Size()
		}
	}
	return []string{fmt.Sprintf("LUMBUNG_STORE_MAX_MIB=%d", size>>20+2)}
}

// limitFiles sets the limit of the running process on the size of a file to what the log
// ahead of the file has, and takes it away again.
func limitFiles(ctx context.Context, s *scene) (func() error, error) {
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		return nil, err
	}
	limit := func(most string) error {
		out, err := exec.CommandContext(ctx, "prlimit", "--pid", fmt.Sprint(s.life.cmd.Process.Pid), "--fsize="+most+":unlimited").CombinedOutput()
		if err != nil {
			return fmt.Errorf("prlimit: %w: %s", err, out)
		}
		return nil
	}
	return func() error { return limit("unlimited") }, limit(fmt.Sprint(info.Size() + 50_000))
}

// mountSmall mounts a small file system. Where that is not permitted, it fails, and there
// is nothing to free.
func mountSmall(ctx context.Context, at string) (free func(), err error) {
	if out, err := exec.CommandContext(ctx, "mount", "-t", "tmpfs", "-o", "size=48m", "lumbung", at).CombinedOutput(); err != nil {
		return func() {}, fmt.Errorf("mount a small file system: %w: %s", err, out)
	}
	return func() {
		if err := exec.CommandContext(context.WithoutCancel(ctx), "umount", "-l", at).Run(); err != nil {
			return // the folder stays, and with it a few MB of memory
		}
	}, nil
}

// fillDisk leaves the small file system with nothing, so far as it can.
func fillDisk(_ context.Context, s *scene) (func() error, error) {
	filler := filepath.Join(s.disk, "filler")
	f, err := os.Create(filler)
	if err != nil {
		return nil, err
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	return func() error { return os.Remove(filler) }, f.Close()
}

// startFull kills the server, fills the disk and starts the server again: it answers who
// reads.
func startFull(ctx context.Context, s *scene) (mend func() error, err error) {
	if err := s.life.end(); err != nil {
		return nil, err
	}
	if mend, err = fillDisk(ctx, s); err != nil {
		return nil, err
	}
	s.life, _, err = s.plain(ctx)
	return mend, err
}

// startReadOnly makes the small file system read-only. No server runs.
func startReadOnly(ctx context.Context, s *scene) (b birth, mend func() error, err error) {
	remount := func(how string) error {
		out, err := exec.CommandContext(ctx, "mount", "-o", "remount,"+how, s.disk).CombinedOutput()
		if err != nil {
			return fmt.Errorf("remount: %w: %s", err, out)
		}
		return nil
	}
	return b, func() error { return remount("rw") }, remount("ro")
}

// startWithout starts a server whose calls of the system fail from the first on.
func startWithout(what string) func(context.Context, *scene) (birth, func() error, error) {
	return func(context.Context, *scene) (birth, func() error, error) {
		return birth{wrap: inject(what, "")}, func() error { return nil }, nil
	}
}

// Verdict fails if something was lost, if somebody was not told what is wrong and when to
// come back, or if the server did not come back.
func (t Trouble) Verdict() error {
	var errs []error
	wrong := func(form string, args ...any) { errs = append(errs, fmt.Errorf(t.Name+": "+form, args...)) }
	if err := t.Found.Verdict(); err != nil {
		wrong("%w", err)
	}
	if t.Mute > 0 || len(t.Other) > 0 {
		wrong("%d refused without Retry-After, %d answered otherwise: %q", t.Mute, len(t.Other), t.Other[:min(len(t.Other), 3)])
	}
	if t.Healed == "" {
		wrong("it did not heal")
	}
	if t.quiet {
		if len(t.Codes) > 0 {
			wrong("phones were told %v", t.Codes)
		}
		return errors.Join(errs...)
	}
	if t.code == "" {
		if !strings.Contains(t.Start, "storage_") {
			wrong("the start says %q", t.Start)
		}
		return errors.Join(errs...)
	}
	if t.Reads != "went on" {
		wrong("reads %s", t.Reads)
	}
	if t.Codes["503 "+t.code] == 0 || t.Log == "" {
		wrong("phones were told %v, the log says %q", t.Codes, t.Log)
	}
	return errors.Join(errs...)
}

// Print writes what came of a trouble.
func (t Trouble) Print(w io.Writer) {
	fmt.Fprintf(w, "%s\n", t.Name)
	switch {
	case t.quiet:
		fmt.Fprintf(w, "  phones are told      nothing: %v\n", len(t.Codes) == 0)
	case t.code == "":
		fmt.Fprintf(w, "  the start says       %s\n", t.Start)
	default:
		var told []string
		for _, code := range slices.Sorted(maps.Keys(t.Codes)) {
			told = append(told, fmt.Sprintf("%d × %s", t.Codes[code], code))
		}
		fmt.Fprintf(w, "  phones are told      %s, %d without Retry-After, %d otherwise; /readyz %s; reads %s\n", strings.Join(told, ", "), t.Mute, len(t.Other), t.Ready, t.Reads)
		fmt.Fprintf(w, "  the log says         %s\n", t.Log)
	}
	fmt.Fprintf(w, "  it healed            %s\n", t.Healed)
	t.Found.Print(w)
}
