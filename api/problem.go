package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
)

// StatusOf is the only place where a kind of error becomes a status.
func StatusOf(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Unreadable:
		return http.StatusBadRequest
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Stale:
		return http.StatusPreconditionFailed
	case fault.MissingGuard:
		return http.StatusPreconditionRequired
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Outdated:
		return http.StatusUpgradeRequired
	case fault.Transient:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// asFault makes a fault of any error that reaches the edge: the router's own
// refusals, a deadline, and everything that has no name.
func asFault(err error) *fault.Error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if e, ok := errors.AsType[*fiber.Error](err); ok {
		return ofRouter(e)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &fault.Error{Kind: fault.Transient, Code: "timeout", Text: "request took too long", Cause: err}
	}
	return &fault.Error{Kind: fault.Internal, Code: "internal", Text: "unnamed", Cause: err}
}

// ofRouter names what the router and the connection refuse by themselves. Their
// statuses have no kind of their own, so status keeps them.
func ofRouter(e *fiber.Error) *fault.Error {
	switch e.Code {
	case http.StatusNotFound:
		return &fault.Error{Kind: fault.NotFound, Code: "route_not_found", Text: "no such route"}
	case http.StatusMethodNotAllowed:
		return &fault.Error{Kind: fault.NotFound, Code: "method_not_allowed", Text: "no such method", Cause: e}
	case http.StatusRequestEntityTooLarge:
		return &fault.Error{Kind: fault.TooLarge, Code: "body_too_large", Text: "body is over the limit of the connection"}
	case http.StatusRequestHeaderFieldsTooLarge:
		return &fault.Error{Kind: fault.Unreadable, Code: "header_too_large", Text: "header lines are over the limit", Cause: e}
	case http.StatusRequestTimeout:
		return &fault.Error{Kind: fault.Transient, Code: "timeout", Text: "request did not arrive in time", Cause: e}
	case http.StatusBadRequest:
		return &fault.Error{Kind: fault.Unreadable, Code: "body_unreadable", Text: "request does not parse", Cause: e}
	}
	return &fault.Error{Kind: fault.Internal, Code: "internal", Text: "router", Cause: e}
}

// statusFor is the status of f; the router's own refusals keep theirs.
func statusFor(f *fault.Error) int {
	if e, ok := errors.AsType[*fiber.Error](f.Cause); ok && f.Kind != fault.Internal {
		return e.Code
	}
	return StatusOf(f.Kind)
}

// fail writes err as problem details and logs what is ours to mend.
func (s *Server) fail(x *call, err error) error {
	f := asFault(err)
	status := statusFor(f)
	if status >= http.StatusInternalServerError && f.Code != "overloaded" && f.Code != "database_damaged" { // the line of the request says so; more would be more load, and the damage was told of once
		level := slog.LevelError
		if f.Kind == fault.Transient {
			level = slog.LevelWarn
		}
		s.Log.LogAttrs(x.ctx, level, "request failed", slog.String("route", x.route), slog.Int("status", status), slog.Any("error", err))
	}
	if f.After <= 0 && (f.Kind == fault.TooMany || f.Kind == fault.Transient) {
		f = &fault.Error{Kind: f.Kind, Code: f.Code, Text: f.Text, Field: f.Field, After: time.Second, Info: f.Info, Cause: f.Cause}
	}
	p := s.problem(x, f, status)
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode problem: %w", err)
	}
	if p.RetryAfter > 0 {
		x.Set(fiber.HeaderRetryAfter, strconv.Itoa(p.RetryAfter))
	}
	if status == http.StatusUnauthorized {
		x.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="lumbung", error="`+p.Code+`"`)
	}
	x.Set(fiber.HeaderContentType, "application/problem+json")
	x.Set(fiber.HeaderContentLanguage, string(x.lang))
	x.Status(status).Response().SetBodyRaw(body)
	return nil
}

func (s *Server) problem(x *call, f *fault.Error, status int) wire.Problem {
	code := f.Code
	if !message.Known(code) {
		code = "internal"
	}
	text := message.Text(code, x.lang, s.params(f, x.lang))
	p := wire.Problem{Type: "urn:lumbung:problem:" + code, Title: text.Title, Detail: text.Detail, Status: status, Code: code,
		RequestId: x.id, Info: f.Info}
	if f.Kind == fault.TooLarge && p.Info == nil {
		p.Info = s.sizes()
	}
	if f.Field != "" {
		p.Fields = []wire.FieldProblem{{Field: f.Field, Code: code, Message: text.String()}}
	}
	if len(f.More) > 1 {
		p.Fields = nil
		for _, m := range f.More[:min(len(f.More), mostMistakes)] {
			said := message.Text(m.Code, x.lang, s.params(&fault.Error{Field: m.Field, Info: m.Info()}, x.lang))
			p.Fields = append(p.Fields, wire.FieldProblem{Field: m.Field, Code: m.Code, Message: said.String()})
		}
	}
	if f.After > 0 {
		p.RetryAfter = int((f.After + time.Second - 1) / time.Second)
	}
	return p
}

// mostMistakes is how many mistakes of one input are told of at once.
const mostMistakes = 50

// sizes are the limits that a client needs to halve a batch that is too large.
func (s *Server) sizes() map[string]any {
	return map[string]any{"max_bytes": s.Limits.Body, "max_mutations": s.mutations()}
}

func (s *Server) mutations() int {
	if n := s.Engine.Limits.Mutations; n > 0 {
		return n
	}
	return 1000
}

// params fills the sentences of the catalogue.
func (s *Server) params(f *fault.Error, lang message.Lang) map[string]any {
	p := map[string]any{"field": f.Field, "limit": strconv.Itoa(s.Limits.Body>>10) + " KiB"}
	if f.After > 0 {
		p["after"] = message.Wait(f.After, lang)
	}
	if n, ok := f.Info["max_mutations"]; ok {
		p["limit"] = n
	}
	if known, ok := f.Info["known"]; ok {
		p["known"] = known
	}
	for _, fact := range []string{"min_version", "min_length"} {
		if v, ok := f.Info[fact]; ok {
			p["min"] = v
		}
	}
	return p
}

// lastResort answers what never reached the middleware: a request whose header
// or body the connection itself refused.
func (s *Server) lastResort(c *fiber.Ctx, err error) error {
	x := s.call(c)
	c.Response().Header.SetConnectionClose()
	return s.fail(x, err)
}
