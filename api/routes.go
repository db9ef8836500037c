package api

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/fault"
)

// route is one operation of openapi.yaml.
type route struct {
	method, path string // path as the specification writes it
	open         bool   // answered without proof of identity
	free         bool   // not metered: what machines of the operator ask
	once         bool   // needs an Idempotency-Key
	do           func(*call) error
}

// Operation names a route.
type Operation struct{ Method, Path string }

// Operations lists every route, as openapi.yaml writes them.
func (s *Server) Operations() []Operation {
	var out []Operation
	for _, r := range s.routes() {
		out = append(out, Operation{r.method, r.path})
	}
	return out
}

func (s *Server) routes() []route {
	return []route{
		{method: fiber.MethodPost, path: "/v1/sync", do: s.sync},
		{method: fiber.MethodPost, path: "/v1/sync/push", do: s.push},
		{method: fiber.MethodPost, path: "/v1/sync/pull", do: s.pull},
	}
}

// fiberPath writes "/v1/x/{id}" as "/v1/x/:id".
func fiberPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// inner is around every route: who asks, how often, and then the handler.
func (s *Server) inner(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		x := s.call(c)
		x.route = r.path
		if r.open {
			if !r.free {
				if err := s.meterIn(c, &s.addresses, x.ip.String()); err != nil {
					return err
				}
			}
			return r.do(x)
		}
		if err := s.identify(x); err != nil {
			return err
		}
		if err := s.meterIn(c, &s.users, x.who.User); err != nil {
			return err
		}
		if r.once {
			return s.once(x, r)
		}
		return r.do(x)
	}
}

// identify finds out who asks. A failed proof is charged to its address.
//
// Errors: those of auth.Authenticate, and Unauthorized "token_missing".
func (s *Server) identify(x *call) error {
	kind, token, _ := strings.Cut(x.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(kind, "Bearer") || token == "" {
		return s.failed(x, &fault.Error{Kind: fault.Unauthorized, Code: "token_missing", Text: "no bearer token", Info: map[string]any{"keep_outbox": true}})
	}
	who, err := s.Auth.Authenticate(x.ctx, token)
	if err != nil {
		return s.failed(x, err)
	}
	x.who = who
	return nil
}

// failed charges a forged proof to its address. Good proofs from there are not
// touched by it: a whole mobile network may be behind one address.
func (s *Server) failed(x *call, err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Unauthorized && f.Code == "token_invalid" {
		if limited := s.meterIn(x.Ctx, &s.failures, x.ip.String()); limited != nil {
			return limited
		}
	}
	return err
}

func notFound() error {
	return &fault.Error{Kind: fault.NotFound, Code: "not_found", Text: "absent, or not the caller's"}
}
