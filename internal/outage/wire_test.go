package outage_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
)

// loser is a wire to MongoDB that loses the answers to some writes: the server has
// done them, and the connection breaks before it can say so.
type loser struct {
	ln net.Listener
	to string

	mu    sync.Mutex
	armed bool
	skip  int // writes whose answers still arrive
	lose  int // and how many after that do not
	lost  int
}

// behind puts a wire between an empty database and whoever opens the address.
func behind(t *testing.T) (address, direct string, wire *loser) {
	t.Helper()
	direct = mongotest.Address(t)
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wire = &loser{ln: ln, to: u.Host}
	var all sync.WaitGroup
	all.Go(func() { wire.accept(&all) })
	t.Cleanup(func() {
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	})
	u.Host = ln.Addr().String()
	return u.String(), direct, wire
}

// arm loses the answers to lose writes after skip others.
func (w *loser) arm(skip, lose int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed, w.skip, w.lose, w.lost = true, skip, lose, 0
}

// disarm lets everything through again and tells how many answers were lost.
func (w *loser) disarm() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	return w.lost
}

// loses decides on the answer to a write.
func (w *loser) loses() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.armed:
		return false
	case w.skip > 0:
		w.skip--
		return false
	case w.lost < w.lose:
		w.lost++
		return true
	}
	return false
}

func (w *loser) accept(all *sync.WaitGroup) {
	for {
		c, err := w.ln.Accept()
		if err != nil {
			return // closed
		}
		all.Go(func() { w.carry(c) })
	}
}

// carry carries messages in both directions until one side or the test ends it.
func (w *loser) carry(client net.Conn) {
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		_ = client.Close()
		return
	}
	doomed := make(chan uint32, 16) // requests whose answers get lost
	var both sync.WaitGroup
	both.Go(func() {
		_ = messages(client, server, func(m []byte) bool {
			if isWrite(m) && w.loses() {
				doomed <- binary.LittleEndian.Uint32(m[4:])
			}
			return true
		})
		_ = server.Close()
	})
	both.Go(func() {
		_ = messages(server, client, func(m []byte) bool {
			select {
			case n := <-doomed:
				if n == binary.LittleEndian.Uint32(m[8:]) {
					return false
				}
				doomed <- n
			default:
			}
			return true
		})
		if tcp, ok := client.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, as from a router that has forgotten
		}
		_ = client.Close()
		_ = server.Close()
	})
	both.Wait()
}

// messages carries messages of MongoDB's protocol while pass says so.
func messages(from io.Reader, to io.Writer, pass func([]byte) bool) error {
	for {
		var size [4]byte
		if _, err := io.ReadFull(from, size[:]); err != nil {
			return err
		}
		n := binary.LittleEndian.Uint32(size[:])
		if n < 16 || n > 64<<20 {
			return errors.New("no message")
		}
		m := make([]byte, n)
		copy(m, size[:])
		if _, err := io.ReadFull(from, m[4:]); err != nil {
			return err
		}
		if !pass(m) {
			return nil
		}
		if _, err := to.Write(m); err != nil {
			return err
		}
	}
}

// isWrite reports whether a message is a command that writes. Its name is the first
// key of the document in the first section.
func isWrite(m []byte) bool {
	const opMsg, head, firstKey = 2013, 16, 16 + 4 + 1 + 4 + 1
	if len(m) < firstKey || binary.LittleEndian.Uint32(m[12:]) != opMsg || m[head+4] != 0 {
		return false
	}
	name, _, ok := bytes.Cut(m[firstKey:], []byte{0})
	return ok && slices.Contains([]string{"insert", "update", "delete", "findAndModify"}, string(name))
}
