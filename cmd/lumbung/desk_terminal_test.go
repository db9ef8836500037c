//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lumbung-ikm/lumbung/internal/desk"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// keyboard is a terminal of the system: what is typed into it, and what it shows.
type keyboard struct {
	t     *testing.T
	hand  *os.File // types and sees
	slave *os.File // what a program has
	shown chan string
	seen  string
	read  int // how much of it a test has waited for
}

func openKeyboard(t *testing.T) *keyboard {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	hand := os.NewFile(uintptr(fd), "/dev/ptmx")
	var no int
	if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
		no, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", no), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := &keyboard{t: t, hand: hand, slave: slave, shown: make(chan string, 10_000)}
	go func() {
		defer close(k.shown)
		b := make([]byte, 4096)
		for {
			n, err := hand.Read(b)
			if n > 0 {
				k.shown <- string(b[:n])
			}
			if err != nil {
				return // its other end is closed
			}
		}
	}()
	t.Cleanup(func() {
		if err := slave.Close(); err != nil {
			t.Error(err)
		}
		for range k.shown { // ends with the slave
		}
		if err := hand.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

// waits reads until the terminal shows a text behind what was waited for before.
func (k *keyboard) waits(text string, ended chan error) {
	k.t.Helper()
	for {
		if at := strings.Index(k.seen[k.read:], text); at >= 0 {
			k.read += at + len(text)
			return
		}
		select {
		case s := <-k.shown:
			k.seen += s
		case err := <-ended:
			k.t.Fatalf("the command has ended before %q: %v\n%q", text, err, k.seen)
		}
	}
}

func (k *keyboard) types(line string) {
	k.t.Helper()
	if _, err := io.WriteString(k.hand, line+"\n"); err != nil {
		k.t.Fatal(err)
	}
}

// TestAtATerminalAPasswordIsNotShown, a code may be mistyped, and a bar is drawn.
func TestAtATerminalAPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	b.plan()
	c, k := b.hire("+628117000011"), openKeyboard(t)
	ended := c.start(t.Context(), k.slave, k.slave, k.slave, "login", "--server", b.url, "--phone", c.phone)
	k.waits("Kata sandi: ", ended)
	k.types(play.Password)
	k.waits("autentikator: ", ended)
	k.types(c.code())
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	b.w.Clock.Advance(16 * 60e9)
	ended = c.start(t.Context(), k.slave, k.slave, k.slave, "import", "--programme", codeOfProgramme, b.text("daftar.csv", three()))
	k.waits("(ya/tidak) ", ended)
	k.types("ya")
	k.waits("kode baru", ended)
	k.types("000000")
	k.waits("(code_wrong)", ended)
	k.waits("kode baru", ended)
	k.types(c.code())
	if err := b.until(ended); err != nil {
		t.Fatal(err)
	}
	k.waits("Selesai: ", make(chan error))
	if strings.Contains(k.seen, play.Password) {
		t.Error("the password is on the screen")
	}
	wants(t, k.seen, "\r\x1b[K[", strings.Repeat("█", 30)+"] 1 dari 1 langkah")
}

// TestWhoGoesAwayFromAPasswordSeesWhatTheyType afterwards.
func TestWhoGoesAwayFromAPasswordSeesWhatTheyType(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	c, k := b.hire("+628117000011"), openKeyboard(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := c.start(ctx, k.slave, k.slave, &bytes.Buffer{}, "login", "--server", b.url, "--phone", c.phone)
	echo := func() bool {
		state, err := unix.IoctlGetTermios(int(k.slave.Fd()), unix.TCGETS)
		b.ok(err)
		return state.Lflag&unix.ECHO != 0
	}
	for echo() { // until it asks
		select {
		case err := <-ended:
			t.Fatal(err)
		default:
		}
	}
	stop()
	if err := <-ended; err == nil || statusOf(err) != desk.StatusStopped {
		t.Errorf("%v", err)
	}
	if !echo() {
		t.Error("the terminal shows nothing any more")
	}
	k.types("") // for the read that nobody waits for
}
