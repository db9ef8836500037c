package main

import (
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// msg is an OP_MSG that carries a command, and nothing else of it.
func msg(command string, flags uint32) message {
	body := append([]byte{0, 0, 0, 0, 2}, command+"\x00"...)
	m := make(message, headerSize+5, headerSize+5+len(body))
	binary.LittleEndian.PutUint32(m[12:], kindMsg)
	binary.LittleEndian.PutUint32(m[headerSize:], flags)
	m = append(m, body...)
	binary.LittleEndian.PutUint32(m, uint32(len(m)))
	return m
}

func TestWhatAMessageSays(t *testing.T) {
	if m := msg("update", moreToCome); m.command() != "update" || !m.unanswered() || !changes(m.command()) {
		t.Errorf("%q, unanswered %v", m.command(), m.unanswered())
	}
	if m := msg("find", 0); m.command() != "find" || m.unanswered() || changes(m.command()) {
		t.Errorf("%q, unanswered %v", m.command(), m.unanswered())
	}
	old := msg("update", moreToCome)
	binary.LittleEndian.PutUint32(old[12:], 2004) // OP_QUERY, of a first hello
	if old.command() != "" || old.unanswered() {
		t.Errorf("%q", old.command())
	}
	for _, size := range []uint32{0, headerSize - 1, maxMessage + 1} {
		broken := msg("find", 0)
		binary.LittleEndian.PutUint32(broken, size)
		if _, err := readMessage(strings.NewReader(string(broken))); err == nil {
			t.Errorf("a message of %d bytes was read", size)
		}
	}
}

// engine answers each question by itself, and remembers how many changes it had at
// once.
type engine struct {
	mu         sync.Mutex
	now, most  int
	questioned int
}

func (e *engine) serve(c net.Conn) error {
	for {
		m, err := readMessage(c)
		if err != nil {
			return err
		}
		e.note(1)
		runtime.Gosched() // long enough for another to come in between
		e.note(-1)
		if _, err := c.Write(m); err != nil {
			return err
		}
	}
}

func (e *engine) note(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now += n
	e.most = max(e.most, e.now)
	e.questioned += max(n, 0)
}

func TestOneChangeAtATime(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	back, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{}
	go func() {
		for {
			c, err := back.Accept()
			if err != nil {
				return
			}
			go func() { _ = errors.Join(e.serve(c), c.Close()) }()
		}
	}()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- newProxy(socket).serve(t.Context(), front) }()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c, err := net.Dial("tcp", front.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			for range 200 {
				if _, err := c.Write(msg("update", 0)); err != nil {
					t.Error(err)
					return
				}
				if m, err := readMessage(c); err != nil || m.command() != "update" {
					t.Errorf("%q, %v", m.command(), err)
					return
				}
			}
		})
	}
	all.Wait()
	_ = errors.Join(front.Close(), back.Close())
	if err := <-ended; err == nil {
		t.Error("the proxy served on without a socket")
	}
	if e.most != 1 || e.questioned != 8*200 {
		t.Errorf("%d changes at once, %d in all", e.most, e.questioned)
	}
}
