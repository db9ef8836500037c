package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/fault"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// live opens a stream of events. What can be refused is refused here, with a
// status; then the connection leaves the HTTP library, whose buffers and
// goroutine a quiet stream must not keep.
func (s *Server) live(x *call) error {
	st := &stream{server: s, who: x.who, began: s.Clock.Now(), next: s.Clock.Now().Add(s.beat())}
	if err := s.streams.join(st, s.Limits); err != nil {
		return err
	}
	l, err := s.Engine.Listen(x.ctx, syncer.Caller{User: x.who.User}, x.Query("cursor"), st.poke)
	if err != nil {
		st.finish(fault.CodeOf(err))
		return err
	}
	if !st.hear(l) {
		l.Close()
		return draining()
	}
	x.Set(fiber.HeaderContentType, "text/event-stream")
	x.Set(fiber.HeaderCacheControl, "no-store, no-transform")
	x.Set("X-Accel-Buffering", "no") // nginx passes events on as they come
	x.Locals(streamKey{}, st)
	s.handOver(x, st)
	return nil
}

// handOver lets the stream have the connection when the middleware is done with
// the headers. HTTP/1.0, which proxies speak to their backends, knows no chunks:
// there the end of the connection is the end of the stream.
func (s *Server) handOver(x *call, st *stream) {
	ctx := x.Context()
	chunked := ctx.Request.Header.IsHTTP11()
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) {
		h := &ctx.Response.Header
		h.SetConnectionClose()
		h.SetContentLength(-1)
		if !chunked {
			h.Del(fiber.HeaderTransferEncoding)
		}
		if inner, ok := c.(interface{ UnsafeConn() net.Conn }); ok {
			c = inner.UnsafeConn() // the outer one holds a buffer for what the client never sends
		}
		st.start(c, bytes.Clone(h.Header()), chunked)
	})
}

// streamKey finds the stream that a handler opened.
type streamKey struct{}

// The bounds of a long poll, in seconds.
const (
	waitDefault = 20
	waitMost    = 20 // below the deadline of a request, and what proxies cut
)

// wait answers as soon as anything is newer than the cursor, or with nothing
// when the time is over.
func (s *Server) wait(x *call) error {
	most := waitDefault
	if text := x.Query("timeout_s"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > waitMost {
			return &fault.Error{Kind: fault.Unreadable, Code: "invalid_value", Field: "timeout_s", Text: "not a number of seconds"}
		}
		most = n
	}
	stopping, release, err := s.streams.admit(x.who.User, s.Limits)
	if err != nil {
		return err
	}
	defer release()
	woken := make(chan struct{}, 1)
	l, err := s.Engine.Listen(x.ctx, syncer.Caller{User: x.who.User}, x.Query("cursor"), func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return err
	}
	defer l.Close()
	timer := time.NewTimer(time.Duration(most) * time.Second)
	defer timer.Stop()
	for {
		if err := s.Auth.Still(x.who); err != nil {
			return err
		}
		news, err := l.Take()
		if err != nil {
			return err
		}
		if len(news) > 0 {
			return x.json(fiber.StatusOK, protocol.Waited{Now: s.now(), News: news})
		}
		select {
		case <-woken:
			continue
		case <-timer.C:
		case <-stopping:
		case <-x.ctx.Done():
		}
		return x.none()
	}
}

func (s *Server) now() string { return merge.FormatInstant(merge.Millis(s.Clock.Now().UnixMilli())) }

// beat is the pause before the next heartbeat of a stream. Jitter keeps ten
// thousand of them from beating together.
func (s *Server) beat() time.Duration {
	b := s.Limits.Heartbeat
	return b - time.Duration(rand.Int64N(int64(b)/4+1))
}

// event writes one event. The id says what the phone has heard; a server that
// is sent one back does not need it, because every stream begins by comparing
// the cursor with everything.
func event(b *bytes.Buffer, name, id string, data any) {
	if id != "" {
		fmt.Fprintf(b, "id: %s\n", id)
	}
	text, err := json.Marshal(data)
	if err != nil {
		panic("api: an event does not encode: " + err.Error()) // strings and numbers always do
	}
	fmt.Fprintf(b, "event: %s\ndata: %s\n\n", name, text)
}

func (s *Server) hello(b *bytes.Buffer) {
	fmt.Fprintf(b, "retry: %d\n", comeBack("").Milliseconds())
	event(b, "hello", "", protocol.Hello{Now: s.now(), Heartbeat: int((s.Limits.Heartbeat + time.Second - 1) / time.Second)})
}

func tell(b *bytes.Buffer, news []protocol.News) {
	for _, n := range news {
		id := n.Scope + "@"
		if !n.Gone {
			id += n.Generation + "/" + strconv.FormatUint(uint64(n.Seq), 10)
		}
		event(b, "scope", id, n)
	}
}

func bye(b *bytes.Buffer, reason string) {
	event(b, "bye", "", protocol.Bye{Reason: reason, Retry: comeBack(reason).Milliseconds()})
}

// comeBack is when a phone whose stream ended should open the next one, spread so
// that a restart does not bring everybody back at once.
func comeBack(reason string) time.Duration {
	least, most := 2*time.Second, 8*time.Second
	switch reason {
	case "token_expired", "token_invalid":
		least, most = 0, time.Second
	case "draining":
		least, most = 2*time.Second, 30*time.Second
	case "live_replaced", "session_revoked", "account_suspended", "live_too_many_scopes":
		least, most = time.Minute, 2*time.Minute
	}
	return least + time.Duration(rand.Int64N(int64(most-least)))
}
