package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/logging"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/trace"
)

// call is one request on its way through the handlers. It is never kept longer:
// its strings are copies, its body is not.
type call struct {
	*fiber.Ctx
	ctx   context.Context // ends at the deadline of the request
	id    string          // of the request, in every answer and log line
	route string          // template, such as /v1/businesses/{id}; never the path itself
	lang  message.Lang
	ip    netip.Addr
	who   auth.Identity
	fresh bool // a second factor was shown just now

	note noting
	body *body // nil if there is none, or it came from this process

	scopes []string // that it has to do with, for the log of slow ones
	long   bool     // it waits as it was asked to
}

type callKey struct{}

// call finds the call that the middleware began, or begins one.
func (s *Server) call(c *fiber.Ctx) *call {
	if x, ok := c.Locals(callKey{}).(*call); ok {
		return x
	}
	x := &call{Ctx: c, id: s.requestID(c), route: "none", lang: message.Pick(c.Get(fiber.HeaderAcceptLanguage)), ip: s.address(c)}
	x.ctx = logging.WithRequest(context.Background(), x.id)
	c.Locals(callKey{}, x)
	c.Set("X-Request-Id", x.id)
	secure(c)
	return x
}

// secure sets the headers that make a browser careful with any answer.
func secure(c *fiber.Ctx) {
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderCacheControl, "no-store")
}

// requestID is the trace id of a W3C traceparent header, or a new id.
func (s *Server) requestID(c *fiber.Ctx) string {
	parts := strings.Split(c.Get("traceparent"), "-")
	if len(parts) >= 4 && len(parts[0]) == 2 && len(parts[1]) == 32 && strings.Trim(parts[1], "0123456789abcdef") == "" && strings.Trim(parts[1], "0") != "" {
		return parts[1]
	}
	return strings.ReplaceAll(s.IDs.New(), "-", "")
}

// outer is around every request, also one that no route takes.
func (s *Server) outer(c *fiber.Ctx) error {
	received, unread := s.receive(c) // however long it takes to arrive: a phone may be slow
	if received != nil {
		defer received.done()
	}
	began := s.Clock.Now()
	x := s.call(c)
	x.body = received
	var stop context.CancelFunc
	x.ctx, stop = context.WithTimeout(x.ctx, s.Limits.Deadline)
	defer stop()
	var span *trace.Span
	if s.Traces != nil {
		x.ctx, span = s.Traces.Root(x.ctx, c.Method(), trace.Served, c.Get("traceparent"), x.id)
	}
	if s.draining.Load() || s.filling() {
		c.Response().Header.SetConnectionClose()
	}
	if err := s.guarded(x, unread); err != nil {
		if err := s.fail(x, err); err != nil {
			return err
		}
	}
	c.Vary(fiber.HeaderAcceptEncoding)
	status, took := c.Response().StatusCode(), s.Clock.Now().Sub(began)
	x.traced(span, status)
	if s.Tally != nil {
		s.Tally.Answered(c.Method(), x.route, status, took)
	}
	if took >= s.Limits.Slow && !x.long {
		s.Log.LogAttrs(x.ctx, slog.LevelWarn, "slow request", slog.String("route", x.route), slog.Duration("took", took), slog.Any("scopes", x.scopes))
	}
	s.Log.LogAttrs(x.ctx, slog.LevelInfo, logging.Frequent, slog.String("method", c.Method()), slog.String("route", x.route), slog.Int("status", status),
		slog.Int("bytes", len(c.Response().Body())), slog.Duration("took", took), slog.String("user", x.who.User))
	return nil
}

// traced ends the span of a request. A route is a template, and a method one of those
// that there are: what stands in an address or a header gets into no trace.
func (x *call) traced(span *trace.Span, status int) {
	if span == nil {
		return
	}
	if x.route == "none" {
		span.Rename("none")
	} else {
		span.Rename(x.Method() + " " + x.route)
		span.Say(trace.Method, x.Method())
	}
	span.Say(trace.Route, x.route)
	span.Count(trace.Status, status)
	if status >= fiber.StatusInternalServerError {
		span.Fail(strconv.Itoa(status))
	}
	span.End()
}

// guarded runs the checks and the route, and turns a panic into an error. A body that was
// not read says so here.
func (s *Server) guarded(x *call, unread error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.LogAttrs(x.ctx, slog.LevelError, "panic", slog.String("route", x.route), slog.String("problem", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
			err = &fault.Error{Kind: fault.Internal, Code: "internal", Text: "panic"}
		}
	}()
	if err := oneMeaning(x.Ctx); err != nil {
		return err
	}
	if s.cors(x.Ctx) {
		return nil
	}
	if err := s.crowded(x.Ctx); err != nil {
		return err
	}
	if unread != nil {
		return unread
	}
	if err := s.guardBody(x.Ctx); err != nil {
		return err
	}
	return x.Next()
}

// oneMeaning refuses a request that a proxy may have read otherwise: two lengths,
// two proofs of identity, two hosts.
func oneMeaning(c *fiber.Ctx) error {
	h := &c.Request().Header
	for _, name := range []string{fiber.HeaderAuthorization, fiber.HeaderContentType, fiber.HeaderHost, "Idempotency-Key", fiber.HeaderIfMatch} {
		if len(h.PeekAll(name)) > 1 {
			return badHeader(name)
		}
	}
	length, chunked := 0, false
	for line := range bytes.SplitSeq(h.RawHeaders(), []byte("\n")) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		switch strings.ToLower(string(bytes.TrimSpace(name))) {
		case "content-length":
			length++
		case "transfer-encoding":
			chunked = true
		}
	}
	if length > 1 || length == 1 && chunked {
		c.Response().Header.SetConnectionClose()
		return badHeader(fiber.HeaderContentLength)
	}
	return nil
}

func badHeader(name string) error {
	return &fault.Error{Kind: fault.Unreadable, Code: "header_invalid", Field: name, Text: "header says two things"}
}

// cors answers browsers from the pages of the exact list. It reports whether
// the request was a question of the browser itself.
func (s *Server) cors(c *fiber.Ctx) (answered bool) {
	origin := c.Get(fiber.HeaderOrigin)
	if len(s.Origins) > 0 {
		c.Vary(fiber.HeaderOrigin)
	}
	for _, o := range s.Origins {
		if o != origin || origin == "null" {
			continue
		}
		c.Set(fiber.HeaderAccessControlAllowOrigin, o)
		c.Set(fiber.HeaderAccessControlExposeHeaders, "ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Location")
		if c.Method() == fiber.MethodOptions && c.Get(fiber.HeaderAccessControlRequestMethod) != "" {
			c.Set(fiber.HeaderAccessControlAllowMethods, "GET, POST, PUT, PATCH, DELETE")
			c.Set(fiber.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, Idempotency-Key, If-Match, Accept-Language, X-App-Version, traceparent")
			c.Set(fiber.HeaderAccessControlMaxAge, "600")
			c.Status(fiber.StatusNoContent)
			return true
		}
	}
	return false
}

// address is who is on the other end: the peer, or behind proxies that are
// believed the right-most address that is none of theirs.
func (s *Server) address(c *fiber.Ctx) netip.Addr {
	peer, _ := netip.ParseAddr(c.Context().RemoteIP().String())
	peer = peer.Unmap()
	if !s.trusted(peer) {
		return peer
	}
	hops := strings.Split(c.Get(fiber.HeaderXForwardedFor), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if peer = hop.Unmap(); !s.trusted(peer) {
			break
		}
	}
	return peer
}

func (s *Server) trusted(a netip.Addr) bool {
	for _, p := range s.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// json answers v. Raw parts keep their very bytes.
func (x *call) json(status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	x.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	x.Status(status).Response().SetBodyRaw(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return nil
}

// none answers that all is well and there is nothing to say.
func (x *call) none() error {
	x.Status(fiber.StatusNoContent)
	return nil
}
