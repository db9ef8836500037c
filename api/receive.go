package api

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/fault"
)

// A body is read before anybody knows who sends it, and phones send slowly: if what they
// have sent so far lay in memory without a bound, a few thousand connections would fill it.
// So all bodies together have a budget. A request that is no larger than most stays below
// it; only what is longer takes from it, as it arrives and not as it is announced, until
// the request has its answer.

// smallBody is how much of a body is not counted. A push of 100 sales fits.
const smallBody = 32 << 10

// bodies are those that are being read, or whose requests are worked on.
type bodies struct {
	held    atomic.Int64  // bytes that are counted
	refused atomic.Uint64 // since the start, because there was no room
}

// take asks for so many bytes more than what is held now, of most.
func (b *bodies) take(n, most int64) bool {
	if b.held.Add(n) <= most {
		return true
	}
	b.held.Add(-n)
	b.refused.Add(1)
	return false
}

// BodyBytes is how many bytes of long bodies are held.
func (s *Server) BodyBytes() int { return int(s.bodies.held.Load()) }

// BodiesRefused is how many requests were refused since the start because all bodies
// together were too much.
func (s *Server) BodiesRefused() uint64 { return s.bodies.refused.Load() }

// body is one that was read.
type body struct {
	server *Server
	room   *[]byte
	held   int64
}

// rooms are those that bodies were read into, to be used again.
var rooms = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// done gives back what a body held. Nothing of it may be used afterwards.
func (b *body) done() {
	b.server.bodies.held.Add(-b.held)
	*b.room = (*b.room)[:0]
	rooms.Put(b.room)
}

// instead keeps a copy of text where the body was.
func (b *body) instead(text []byte) []byte {
	if b == nil {
		return bytes.Clone(text)
	}
	*b.room = append((*b.room)[:0], text...)
	return *b.room
}

// receive reads the body of a request, and gives it to whoever answers it until done is
// called. One that is too long by its header is not read. After an error the connection
// does not go on: nobody knows where the next request would begin.
//
// Errors: TooLarge "body_too_large"; Transient "overloaded", "timeout"; Unreadable
// "body_unreadable".
func (s *Server) receive(c *fiber.Ctx) (*body, error) {
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		return nil, nil // it has none, or was handed over in this process
	}
	b := &body{server: s, room: rooms.Get().(*[]byte)}
	if err := b.read(stream, c.Request().Header.ContentLength(), s.mostBody(&c.Request().Header)); err != nil {
		b.done()
		c.Response().Header.SetConnectionClose()
		if h, ok := c.Context().Conn().(*hearing); ok {
			h.unread.Store(true)
		}
		return nil, err
	}
	c.Request().SetBodyRaw(*b.room)
	return b, nil
}

// read reads all of a stream, of a length that was announced or is negative, into the room.
func (b *body) read(from io.Reader, length, most int) error {
	if length > most {
		return tooLarge()
	}
	for counted := 0; ; {
		have := len(*b.room)
		if have > most {
			return tooLarge()
		}
		if have == counted {
			var err error
			if counted, err = b.grow(length, most); err != nil {
				return err
			}
		}
		n, err := from.Read((*b.room)[have:counted])
		*b.room = (*b.room)[:have+n]
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return notReceived(err)
		}
	}
}

// grow makes room for four times as much, if so much may come, and gives how much there is. It
// counts what is used of a room, which may be that of a longer body before.
func (b *body) grow(length, most int) (int, error) {
	have := len(*b.room)
	want := min(max(4*have, 8<<10), most+1)
	if length >= 0 {
		want = min(want, length+1)
	}
	if more := int64(want) - smallBody - b.held; more > 0 {
		if !b.server.bodies.take(more, int64(b.server.Limits.Bodies)) {
			return 0, overloaded()
		}
		b.held += more
	}
	if cap(*b.room) < want {
		next := make([]byte, have, want)
		copy(next, *b.room)
		*b.room = next
	}
	return want, nil
}

// notReceived names why a body did not arrive.
func notReceived(err error) error {
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return &fault.Error{Kind: fault.Transient, Code: "timeout", Text: "request did not arrive in time", Cause: fiber.ErrRequestTimeout}
	}
	return &fault.Error{Kind: fault.Unreadable, Code: "body_unreadable", Text: "body does not arrive whole", Cause: err}
}

// mostBody is how much of a body is read at all. A packed one that is longer than what may
// come out of it is refused, as a plain one is; tables may be longer.
func (s *Server) mostBody(h *fasthttp.RequestHeader) int {
	encoding := strings.ToLower(strings.TrimSpace(string(h.Peek(fiber.HeaderContentEncoding))))
	if (encoding == "" || encoding == "identity") && bringsTable(string(h.RequestURI())) {
		return s.Limits.Raw
	}
	return s.Limits.Body
}

// announced lets a request that says itself that its body is too long be answered with the
// second byte of it: the HTTP library reads up to 8 KiB before it asks anybody.
func (s *Server) announced(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if h.ContentLength() > s.mostBody(h) {
		return fasthttp.RequestConfig{MaxRequestBodySize: 1}
	}
	return fasthttp.RequestConfig{}
}

// bringsTable reports whether an address is one that takes tables. They may be longer than
// other bodies; only admins get further than that.
func bringsTable(address string) bool {
	path, _, _ := strings.Cut(address, "?")
	rest, ok := strings.CutPrefix(path, "/v1/programmes/")
	_, rest, _ = strings.Cut(rest, "/")
	return ok && ("/"+rest == importPath || "/"+rest == importPath+"/check")
}
