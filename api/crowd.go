package api

import "github.com/gofiber/fiber/v2"

// Whoever keeps a connection keeps a place in a table that ends, and most who do are idle:
// a phone syncs, and its connection stays for Limits.Idle. So once the table is filling,
// who was answered hangs up; it opens a new one at its next sync, minutes later. When it is
// full, all but probes are told to come back, by the server and not by the HTTP library,
// which says no more than that there is no place. Live streams have left the table.

// connReserve is how many connections beyond Limits.Conns are served all the same: those
// that are told, and probes. What is beyond it the HTTP library turns away.
const connReserve = 256

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
