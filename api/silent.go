package api

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// silence is how long a stop waits for the first byte of a connection that has
// said nothing yet. Pools open such connections ahead of need, and the HTTP
// library below would wait for them as long as for a slow request.
const silence = time.Second

// silent holds the connections that have said nothing yet. The zero value is
// ready.
type silent struct {
	mu    sync.Mutex
	conns map[*hearing]bool
}

// hangUp closes those who still say nothing.
func (s *silent) hangUp() {
	s.mu.Lock()
	left := s.conns
	s.conns = nil
	s.mu.Unlock()
	for c := range left {
		if c.Conn.Close() != nil {
			continue // it closed itself meanwhile
		}
	}
}

func (s *silent) note(c *hearing, quiet bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !quiet {
		delete(s.conns, c)
		return
	}
	if s.conns == nil {
		s.conns = map[*hearing]bool{}
	}
	s.conns[c] = true
}

// ears notes every connection that it accepts, and accepts none beyond the table. It may be
// closed more than once.
type ears struct {
	net.Listener
	server *Server
	once   sync.Once
	closed error // what closing it said
}

func (e *ears) Close() error {
	e.once.Do(func() { e.closed = e.Listener.Close() })
	return e.closed
}

func (e *ears) Accept() (net.Conn, error) {
	for {
		c, err := e.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if e.server.full() {
			e.server.turnAway(c)
			continue
		}
		h := &hearing{Conn: c, server: e.server, silent: &e.server.silent}
		e.server.silent.note(h, true)
		return h, nil
	}
}

// hearing is a connection until its first byte, and after it.
type hearing struct {
	net.Conn
	server *Server
	silent *silent
	heard  bool        // read by the one goroutine that serves the connection
	unread atomic.Bool // a body was left in it, whose sender is to hear the answer all the same
}

func (h *hearing) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if n > 0 && !h.heard {
		h.heard = true
		h.silent.note(h, false)
	}
	return n, err
}

func (h *hearing) Close() error {
	h.silent.note(h, false)
	if h.unread.Swap(false) {
		h.server.hearOut(h.Conn, int64(h.server.Limits.Raw))
		return nil
	}
	return h.Conn.Close()
}
