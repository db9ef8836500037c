package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
)

// Whoever keeps a connection keeps a place in a table that ends, and most who do are idle:
// a phone syncs, and its connection stays for Limits.Idle. So once the table is filling,
// who was answered hangs up; it opens a new one at its next sync, minutes later. When it is
// full, all but probes are told to come back, by the server and not by the HTTP library,
// which says no more than that there is no place. Live streams have left the table.

// connReserve is how many connections beyond Limits.Conns are served all the same: those
// that are told, and probes. What is beyond it is turned away as it is accepted, unread.
const connReserve = 256

// connSlack is how many more the HTTP library would serve, so that it never turns anybody
// away itself: it does so without a word of when to come back, and a connection that has
// just ended may still hold a place there.
const connSlack = 256

// conns is how many connections are open, without live streams.
func (s *Server) conns() int { return int(s.app.Server().GetOpenConnectionsCount()) }

// filling reports whether three quarters of the table are taken.
func (s *Server) filling() bool { return 4*s.conns() >= 3*s.Limits.Conns }

// crowded refuses a request when the table is full.
//
// Errors: Transient "overloaded".
func (s *Server) crowded(c *fiber.Ctx) error {
	if s.conns() <= s.Limits.Conns {
		return nil
	}
	if path := c.Path(); path == "/healthz" || path == "/readyz" {
		return nil
	}
	c.Response().Header.SetConnectionClose() // it may have been filling only since
	return overloaded()
}

// full reports whether one more connection is not served. Connections are accepted one
// after the other, and the last one is counted by then.
func (s *Server) full() bool { return s.conns() >= s.Limits.Conns+connReserve }

// Of those who are turned away, or whose bodies are left unread, so many at a time are
// listened to for a moment, until they have read the answer: a connection that is closed
// with something unread in it is cut, and the answer with it.
const (
	hearAtOnce = 128
	hearFor    = time.Second
	hearAtMost = 64 << 10 // bytes
)

// turned is who was turned away. The zero value is ready.
type turned struct {
	count   atomic.Uint64 // since the start
	told    uint64        // of them, in the log; both read by the one goroutine that accepts
	at      time.Time     // when
	hearing atomic.Int64  // connections that are listened to
}

// TurnedAway is how many connections were refused since the start because there were too
// many.
func (s *Server) TurnedAway() uint64 { return s.turned.count.Load() }

// turnAway tells a connection to come back, and closes it. It does not block. The log says
// so once a second at the most.
func (s *Server) turnAway(c net.Conn) {
	n, now := s.turned.count.Add(1), s.Clock.Now()
	if since := now.Sub(s.turned.at); s.turned.told == 0 || since >= time.Second || since < 0 {
		s.Log.LogAttrs(context.Background(), slog.LevelWarn, "connections are turned away: there are too many", slog.Int("open", s.conns()), slog.Uint64("since_last", n-s.turned.told))
		s.turned.told, s.turned.at = n, now
	}
	answer, err := s.refusal()
	if err != nil {
		s.Log.LogAttrs(context.Background(), slog.LevelError, "refuse a connection", slog.Any("error", err))
		closeQuietly(c)
		return
	}
	if _, err := c.Write(answer); err != nil { // it fits into what the system keeps for a new connection
		closeQuietly(c)
		return
	}
	s.hearOut(c, hearAtMost)
}

// hearOut closes a connection that has its answer, and before that takes up to so many
// bytes of what the other end still says. It does not block.
func (s *Server) hearOut(c net.Conn, most int64) {
	half, ok := c.(interface{ CloseWrite() error })
	if s.turned.hearing.Add(1) > hearAtOnce || !ok || half.CloseWrite() != nil {
		s.turned.hearing.Add(-1)
		closeQuietly(c)
		return
	}
	go func() {
		defer s.turned.hearing.Add(-1)
		defer closeQuietly(c)
		late := time.AfterFunc(hearFor, func() { closeQuietly(c) })
		defer late.Stop()
		if _, err := io.CopyN(io.Discard, c, most); err != nil {
			return // it has gone, or did not wait, or had no more to say
		}
	}()
}

// refusal is a whole answer to whatever a connection was going to ask, in the language of
// most who ask.
func (s *Server) refusal() ([]byte, error) {
	x := &call{id: strings.ReplaceAll(s.IDs.New(), "-", ""), lang: message.ID}
	p := s.problem(x, asFault(overloaded()), StatusOf(fault.Transient))
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode problem: %w", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", p.Status, http.StatusText(p.Status))
	for _, h := range [][2]string{
		{fiber.HeaderContentType, "application/problem+json"}, {fiber.HeaderContentLength, strconv.Itoa(len(body))}, {fiber.HeaderContentLanguage, string(x.lang)},
		{fiber.HeaderRetryAfter, strconv.Itoa(p.RetryAfter)}, {fiber.HeaderConnection, "close"}, {fiber.HeaderCacheControl, "no-store"},
		{fiber.HeaderXContentTypeOptions, "nosniff"}, {"X-Request-Id", x.id},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes(), nil
}
