package outage_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
)

// Variables of the tests. A test program that runs where no compiler is takes the
// server from LUMBUNG_TEST_PROGRAM.
const (
	pepper     = "a pepper of a test, not of anything real"
	programVar = "LUMBUNG_TEST_PROGRAM"
)

// program is the path of the server.
var program = os.Getenv(programVar)

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	if !mongotest.Asked() || program != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "lumbung")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // of the system's temporary files
	program = filepath.Join(dir, "lumbung")
	build := exec.Command("go", "build", "-o", program, "github.com/lumbung-ikm/lumbung/cmd/lumbung")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// process is `lumbung serve`, started and killed as often as a test likes.
type process struct {
	*testing.T
	database, address string
	cmd               *exec.Cmd
	said              lines
}

// lines keep what a process wrote, for the report of a failure.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

// end is the last of what was written, and the last that was called an error.
func (l *lines) end() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.all.Bytes()
	var wrong [][]byte
	for line := range bytes.Lines(b) {
		if bytes.Contains(line, []byte("level=ERROR")) {
			wrong = append(wrong, line)
		}
	}
	wrong = wrong[max(0, len(wrong)-5):]
	return string(bytes.Join(wrong, nil)) + "...\n" + string(b[max(0, len(b)-3000):])
}

// serve starts the program on a database and waits until it is ready.
func serve(t *testing.T, database string) *process {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{T: t, database: database, address: ln.Addr().String()}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	p.start()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", p.address, p.said.end())
		}
	})
	return p
}

// start runs the program once more.
func (p *process) start() {
	p.Helper()
	p.cmd = exec.Command(program, "serve", "-listen", p.address, "-otp-sender", "none", "-log-level", "warn")
	p.cmd.Env = append(os.Environ(), "LUMBUNG_STORE="+p.database, "LUMBUNG_PEPPER="+pepper, "LUMBUNG_TEST_NUMBERS="+guessed+"="+code)
	p.cmd.Stderr = &p.said
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	if !within(p.T, 30*time.Second, func() bool { return p.status("/readyz") == http.StatusOK }) {
		p.Fatalf("%s does not get ready:\n%s", p.address, p.said.end())
	}
}

// kill ends the process as a crash does.
func (p *process) kill() {
	p.Helper()
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil {
		p.Errorf("kill: %v", err)
	}
	if err := p.cmd.Wait(); err == nil {
		p.Error("a killed process ended well")
	}
	p.cmd = nil
}

// status is what a path of the process answers, 0 if nothing.
func (p *process) status(path string) int { return statusOf("http://" + p.address + path) }

func statusOf(url string) int {
	c := http.Client{Timeout: 15 * time.Second}
	resp, err := c.Get(url)
	if err != nil {
		return 0
	}
	if err := resp.Body.Close(); err != nil {
		return 0
	}
	return resp.StatusCode
}

// within asks until it is so, for a while at most.
func within(t *testing.T, long time.Duration, so func() bool) bool {
	t.Helper()
	tick, late := time.NewTicker(25*time.Millisecond), time.After(long)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			return so()
		case <-t.Context().Done():
			return false
		}
	}
	return true
}

// pause waits for a moment in which others work.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
