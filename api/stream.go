package api

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	syncer "github.com/lumbung-ikm/lumbung/sync"
)

// stream is one live stream. While it is quiet it is this struct, its listener
// and a socket: no goroutine, no buffer, no timer. Whoever has something for it
// calls poke, and one goroutine writes until there is nothing left.
type stream struct {
	server   *Server
	who      auth.Identity
	listener *syncer.Listener
	began    time.Time

	mu      sync.Mutex
	conn    net.Conn // nil until the handler has returned
	preface []byte   // headers and hello, written first
	chunked bool
	busy    bool      // a goroutine is writing
	news    bool      // there is something to write that the goroutine has not looked at
	beat    bool      // a heartbeat is due
	last    string    // the reason of the farewell that is due, or ""
	over    bool      // closed
	next    time.Time // heartbeat
	told    int       // events
	counted bool      // in the number of its user's streams; under the lock of streams
}

// poke makes the stream write what it has. It never waits.
func (st *stream) poke() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.writeOn()
}

// writeOn starts the writer, unless one is at it. Under the lock.
func (st *stream) writeOn() {
	st.news = true
	if st.conn == nil || st.busy || st.over {
		return
	}
	st.busy = true
	go st.write()
}

// hear gives the stream what it tells from. It is false if the stream ended before
// it began.
func (st *stream) hear(l *syncer.Listener) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.over {
		st.listener = l
	}
	return !st.over
}

// start gives the stream its connection. The header may be empty.
func (st *stream) start(c net.Conn, header []byte, chunked bool) {
	var b bytes.Buffer
	st.server.hello(&b)
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.over { // it waited too long
		closeQuietly(c)
		return
	}
	st.chunked, st.preface = chunked, append(header, framed(b.Bytes(), chunked)...)
	st.conn = c
	st.writeOn()
}

// end makes the stream say why it ends, and end. A later reason changes nothing.
func (st *stream) end(reason string) {
	st.mu.Lock()
	if st.last == "" {
		st.last = reason
	}
	st.writeOn()
	st.mu.Unlock()
}

// cut closes the stream without a word.
func (st *stream) cut() {
	st.mu.Lock()
	c, busy := st.conn, st.busy
	st.mu.Unlock()
	if c != nil {
		closeQuietly(c) // the writer sees it and finishes
	}
	if !busy {
		st.finish("cut")
	}
}

// look is what the stream is asked every second: whether its reader may still
// hear, and whether it was quiet for long.
func (st *stream) look(now time.Time) {
	if err := st.server.Auth.Still(st.who); err != nil {
		st.end(fault.CodeOf(err))
		return
	}
	st.mu.Lock()
	lost := st.conn == nil && now.Sub(st.began) > handOverTime
	if due := !now.Before(st.next); due && !st.over {
		st.next, st.beat = now.Add(st.server.beat()), true
		st.writeOn()
	}
	st.mu.Unlock()
	if lost {
		st.finish("lost")
	}
}

// handOverTime is how long a stream waits for its connection. It comes at once,
// or the HTTP library has lost it.
const handOverTime = 10 * time.Second

// write is the goroutine of a stream that has something to say.
func (st *stream) write() {
	for {
		st.mu.Lock()
		if !st.news || st.over {
			st.busy = false
			st.mu.Unlock()
			return
		}
		preface, beat, last := st.preface, st.beat, st.last
		st.preface, st.news, st.beat = nil, false, false
		st.mu.Unlock()

		text, last := st.compose(beat, last)
		out := preface
		if len(text) > 0 {
			out = append(out, framed(text, st.chunked)...)
		}
		if last != "" && st.chunked {
			out = append(out, "0\r\n\r\n"...)
		}
		if err := st.send(out); err != nil {
			last = "unread"
		}
		if last != "" {
			st.finish(last)
			return
		}
	}
}

// compose is the next piece of the stream. Nothing is told to somebody whose
// proof is void by now.
func (st *stream) compose(beat bool, last string) ([]byte, string) {
	var b bytes.Buffer
	if err := st.server.Auth.Still(st.who); err != nil {
		last = fault.CodeOf(err)
	} else if news, err := st.listener.Take(); err != nil {
		last = fault.CodeOf(err)
	} else {
		tell(&b, news)
		st.told += len(news)
	}
	switch {
	case last != "":
		bye(&b, last)
	case beat && b.Len() == 0:
		b.WriteString(":\n\n")
	}
	return b.Bytes(), last
}

// framed makes one chunk of text, if the stream is in chunks.
func framed(text []byte, chunked bool) []byte {
	if !chunked {
		return text
	}
	out := strconv.AppendInt(make([]byte, 0, len(text)+12), int64(len(text)), 16)
	out = append(append(out, "\r\n"...), text...)
	return append(out, "\r\n"...)
}

// send writes within the time that a reader has. Sockets go by the clock of the
// machine.
func (st *stream) send(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	if err := st.conn.SetWriteDeadline(clock.System{}.Now().Add(st.server.Limits.Stall)); err != nil {
		return err
	}
	_, err := st.conn.Write(out)
	return err
}

// finish closes everything, once.
func (st *stream) finish(reason string) {
	st.mu.Lock()
	was, c, l := st.over, st.conn, st.listener
	st.over, st.busy = true, false
	st.mu.Unlock()
	if was {
		return
	}
	if c != nil {
		closeQuietly(c)
	}
	if l != nil {
		l.Close()
	}
	s := st.server
	s.streams.leave(st)
	s.Log.LogAttrs(context.Background(), slog.LevelInfo, "stream ended", slog.String("reason", reason), slog.Int("events", st.told),
		slog.Duration("took", s.Clock.Now().Sub(st.began)), slog.String("user", st.who.User))
}

// closeQuietly closes a connection that the other side may have closed already:
// then there is nothing to do about it.
func closeQuietly(c net.Conn) {
	if err := c.Close(); err != nil {
		return
	}
}
