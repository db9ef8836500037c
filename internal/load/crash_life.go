package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
)

// life is one process of the server on the database of a town, in a group of its own,
// with the tracer in it that may sit between it and the system.
type life struct {
	*server
	gone chan struct{} // closed when nobody of the group can write to the log any more
	mu   sync.Mutex
	log  []string // warnings and errors, and what is no line of the log
}

// birth is how a server is started.
type birth struct {
	program string
	env     []string
	wrap    []string // a command that starts the program, such as a tracer; nil: none
}

// start runs the server of a town and returns when it serves or has ended.
func (t *town) start(ctx context.Context, b birth) (*life, time.Duration, error) {
	args := append(append([]string(nil), b.wrap...), b.program, "serve", "-listen", t.address, "-public-url", publicURL, "-store", t.path, "-otp-sender", "none",
		"-rate-per-user", "10000000/1s", "-rate-per-device", "10000000/1s", "-rate-edits-per-user", "1000000000/1s", "-rate-edits-per-device", "1000000000/1s", "-rate-per-address", "10000000/1s")
	l := &life{server: &server{address: t.address}, gone: make(chan struct{})}
	l.hear = l.note
	l.cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	l.cmd.Env = append(os.Environ(), b.env...)
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	l.cmd.Cancel = func() error { return syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL) }
	began := clock.Precise{}.Now()
	if err := l.run(ctx, l.cmd.Start); err != nil {
		return nil, 0, err
	}
	go func() {
		l.read.Wait()
		close(l.gone)
	}()
	return l, clock.Precise{}.Now().Sub(began), nil
}

// plain starts the server as an operator does, and fails if it does not serve.
func (t *town) plain(ctx context.Context, env ...string) (*life, time.Duration, error) {
	l, took, err := t.start(ctx, birth{program: t.program, env: env})
	if err == nil && !l.served.Load() {
		err = fmt.Errorf("the server does not start: %s", strings.Join(l.lines(), "\n"))
		return nil, took, errors.Join(err, l.end())
	}
	return l, took, err
}

// busy waits until phones are told something again.
func (t *town) busy(ctx context.Context, l *life, long time.Duration) error {
	want := t.told.Load() + 20
	if within(ctx, long, func() bool { return t.told.Load() >= want || l.isGone() }) {
		return nil
	}
	codes, _, others := t.refused.take()
	lines := l.lines()
	return fmt.Errorf("nobody is told anything any more, but %v %q: %s", codes, others[:min(len(others), 3)], strings.Join(lines[max(0, len(lines)-5):], "\n"))
}

// note keeps what an operator would look at.
func (l *life) note(line string) {
	if strings.Contains(line, "level=INFO") {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.log) < 10_000 {
		l.log = append(l.log, line)
	}
}

func (l *life) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.log...)
}

// strike kills the whole group.
func (l *life) strike() error { return syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL) }

// dead waits until the process is gone, for a while at most.
func (l *life) dead(ctx context.Context, long time.Duration) bool {
	late, stop := context.WithTimeout(ctx, long)
	defer stop()
	select {
	case <-l.gone:
		return true
	case <-late.Done():
		return false
	}
}

// end kills what is left of the process and waits for it. It fails if the server had
// ended by itself, which is never asked of it.
func (l *life) end() error {
	if l.waited {
		return nil
	}
	if err := l.strike(); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	l.read.Wait()
	l.waited = true
	if err := l.cmd.Wait(); l.cmd.ProcessState.Exited() {
		return fmt.Errorf("the server has ended by itself: %w\n%s", err, strings.Join(l.lines(), "\n"))
	}
	return nil
}

// status is what a path is answered, with the body; 0 if nothing.
func (t *town) status(ctx context.Context, path string) (int, string) {
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.address+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text := make([]byte, 2000)
	n, err := resp.Body.Read(text)
	if n == 0 && err != nil {
		return resp.StatusCode, err.Error()
	}
	return resp.StatusCode, string(text[:n])
}

// inject is the command that tampers with calls of the system on a file: what is such as
// "fsync:signal=KILL:when=3". The tracer follows every thread.
func inject(what, file string) []string {
	name, _, _ := strings.Cut(what, ":")
	args := []string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + name, "-e", "inject=" + what}
	if file != "" {
		args = append(args, "-P", file)
	}
	return args
}

// attach lets a tracer tamper with the running server. What it gives lets go of it.
func (l *life) attach(ctx context.Context, what, file string) (release func() error, err error) {
	args := append(inject(what, file), "-p", fmt.Sprint(l.cmd.Process.Pid))
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("attach a tracer: %w", err)
	}
	if !within(ctx, 5*time.Second, func() bool { return l.traced() || l.isGone() }) {
		return nil, fmt.Errorf("the tracer does not get hold of the server: %s", said.String())
	}
	return func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // it ends by the signal, or with the server
			close(ended)
		}()
		select {
		case <-ended:
			return nil
		case <-time.After(3 * time.Second): // now and then it waits for ever for a thread that has died under it
		}
		err := cmd.Process.Kill()
		<-ended
		return err
	}, nil
}

func (l *life) isGone() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// traced reports whether somebody traces the process.
func (l *life) traced() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.cmd.Process.Pid))
	return err == nil && !strings.Contains(string(text), "TracerPid:\t0\n")
}
