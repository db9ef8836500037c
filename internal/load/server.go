package load

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// enoughFiles raises the limit of open files to what is needed.
func enoughFiles(n int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if l.Cur >= uint64(n) {
		return nil
	}
	if l.Max < uint64(n) {
		return fmt.Errorf("this needs %d open files, and the limit (ulimit -Hn) is %d", n, l.Max)
	}
	l.Cur = l.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}

// server is the program in a process of its own.
type server struct {
	cmd     *exec.Cmd
	address string
	admin   string       // of the listener for operators; empty: none
	live    atomic.Int64 // MiB of heap that the last collection found alive
	read    sync.WaitGroup
	waited  bool
	served  atomic.Bool       // it has said that it serves
	hear    func(line string) // is told every line of the log; nil: nobody
}

// free is an address that nobody listens on.
func free() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// start runs the program on the database and waits until it serves.
func start(ctx context.Context, program, path string) (*server, error) {
	at, err := free()
	if err != nil {
		return nil, err
	}
	s := &server{address: at}
	s.cmd = exec.CommandContext(ctx, program, "serve", "-listen", s.address, "-public-url", publicURL, "-store", path, "-otp-sender", "none")
	s.cmd.Env = append(os.Environ(), "GODEBUG=gctrace=1")
	return s, s.run(ctx, s.cmd.Start)
}

// launch is start for a server that has a core to itself, and a listener for operators.
// Where everybody is some thirteen people the rates of one are wide. with are further
// settings, as variables.
func launch(ctx context.Context, program, storeAt, pepper string, wide bool, with ...string) (*server, error) {
	at, err := free()
	if err != nil {
		return nil, err
	}
	admin, err := free()
	if err != nil {
		return nil, err
	}
	s := &server{address: at, admin: admin}
	s.cmd = exec.CommandContext(ctx, program, "serve", "-listen", s.address, "-admin-listen", s.admin, "-public-url", publicURL, "-otp-sender", "none")
	if wide {
		s.cmd.Args = append(s.cmd.Args, "-rate-per-user", "10000000/1s", "-rate-per-device", "10000000/1s",
			"-rate-edits-per-user", "1000000000/1s", "-rate-edits-per-device", "1000000000/1s")
	}
	s.cmd.Env = append(append(os.Environ(), "LUMBUNG_STORE="+storeAt, "LUMBUNG_PEPPER="+pepper), with...)
	return s, s.run(ctx, func() error { return startOnFirst(s.cmd) })
}

// run starts the command and returns when it serves.
func (s *server) run(ctx context.Context, start func() error) error {
	out, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := start(); err != nil {
		return fmt.Errorf("start %s: %w", s.cmd.Path, err)
	}
	ready := make(chan struct{})
	s.read.Go(func() {
		s.follow(bufio.NewScanner(out), ready)
	})
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		s.kill()
		return ctx.Err()
	}
}

// follow reads the log of the server, which is also how it is heard to be ready,
// and the traces of its collector.
func (s *server) follow(lines *bufio.Scanner, ready chan struct{}) {
	collected := regexp.MustCompile(`^gc \d+ .* \d+->\d+->(\d+) MB`)
	serving := false
	for lines.Scan() {
		text := lines.Text()
		if s.hear != nil {
			s.hear(text)
		}
		if m := collected.FindStringSubmatch(text); m != nil {
			if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
				s.live.Store(n)
			}
		}
		if !serving && strings.Contains(text, "msg=serving") {
			serving = true
			s.served.Store(true)
			close(ready)
		}
	}
	if !serving {
		close(ready) // it ended; whoever talks to it will see
	}
}

func (s *server) heap() int64 { return s.live.Load() }

// rss is the memory of the process that lies in RAM, in bytes.
func (s *server) rss() (int64, error) { return s.memory("VmRSS") }

// peak is the most that ever did.
func (s *server) peak() (int64, error) { return s.memory("VmHWM") }

// cpu is the processor time of the process, in seconds.
func (s *server) cpu() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const user, system, perSecond = 11, 12, 100
	if len(fields) <= system {
		return 0, fmt.Errorf("the kernel does not tell the time of %d", s.cmd.Process.Pid)
	}
	u, err := strconv.ParseFloat(fields[user], 64)
	if err != nil {
		return 0, err
	}
	k, err := strconv.ParseFloat(fields[system], 64)
	return (u + k) / perSecond, err
}

// written is how much the process had the kernel bring to the disk so far, in bytes.
func (s *server) written() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`write_bytes: (\d+)`).FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("the kernel does not tell what %d wrote", s.cmd.Process.Pid)
	}
	return strconv.ParseInt(string(m[1]), 10, 64)
}

func (s *server) memory(name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("the kernel does not tell the memory of %d", s.cmd.Process.Pid)
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10, err
}

// stop asks the server to end and waits for it.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	s.read.Wait()
	s.waited = true
	return s.cmd.Wait()
}

// kill ends the server if nothing else did.
func (s *server) kill() {
	if s.waited {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil {
		return // it has ended
	}
	s.read.Wait()
	s.waited = true
	if err := s.cmd.Wait(); err != nil {
		return // it was killed
	}
}
