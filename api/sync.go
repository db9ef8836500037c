package api

import (
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
	"github.com/lumbung-ikm/lumbung/trace"
)

// exchange is one of the engine's three ways to answer a sync request.
type exchange func(context.Context, syncer.Caller, protocol.Request) (*protocol.Response, error)

func (s *Server) sync(x *call) error { return s.exchange(x, s.Engine.Sync, true) }
func (s *Server) push(x *call) error { return s.exchange(x, s.Engine.Push, true) }
func (s *Server) pull(x *call) error { return s.exchange(x, s.Engine.Pull, false) }

func (s *Server) exchange(x *call, do exchange, pushes bool) error {
	if len(x.Request().Body()) >= largeBody {
		if pushes {
			if err := s.meterLarge(x); err != nil {
				return err
			}
		}
		leave, err := s.lane.enter(x.ctx, x.who)
		if err != nil {
			return err
		}
		defer leave()
	}
	_, span := trace.Begin(x.ctx, "sync decode", trace.Internal)
	req, err := x.readSync()
	span.End()
	if err != nil {
		return err
	}
	if n := edits(req); pushes && n > 0 && n <= s.mutations() { // more is refused as a whole
		if err := s.meterEdits(x, n); err != nil {
			return err
		}
	}
	if req.App == "" {
		req.App = x.Get("X-App-Version")
	}
	for _, p := range req.Push {
		x.touched(p.Scope)
	}
	resp, err := do(x.ctx, syncer.Caller{User: x.who.User, Device: x.who.Device}, req)
	if err != nil {
		return err
	}
	for scope := range resp.Scopes {
		x.touched(scope)
	}
	if s.Waiting() > 0 {
		resp.PollIn *= 2 // the server is at its limit
	}
	s.contact(x.who.Device, req.Outbox, resp)
	s.notePush(x, req, resp)
	s.notePull(x, resp)
	s.noteRefused(x, resp)
	x.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	x.Status(fiber.StatusOK).Response().SetBodyRaw(resp.AppendJSON(make([]byte, 0, resp.Size())))
	return nil
}

// toldScopes is how many scopes of one request are told of at the most.
const toldScopes = 50

// touched notes a scope that a request has to do with, for the log of slow ones.
func (x *call) touched(scope string) {
	if len(x.scopes) < toldScopes && !slices.Contains(x.scopes, scope) {
		x.scopes = append(x.scopes, scope)
	}
}

// contact notes how the phone stands after this answer: what it had waiting,
// less what was decided just now.
func (s *Server) contact(device string, o *protocol.Outbox, resp *protocol.Response) {
	var oldest time.Time
	unsent := 0
	if o != nil {
		unsent = min(max(o.Count, 0), 1<<20)
		for _, v := range resp.Verdicts {
			if v.Verdict.Final() {
				unsent--
			}
		}
		unsent = max(unsent, 0)
		if t, err := time.Parse(time.RFC3339, o.Oldest); err == nil && unsent > 0 && t.Year() > 1970 && t.Year() < 9999 {
			oldest = t
		}
	}
	if s.Tally != nil && !oldest.IsZero() {
		s.Tally.Unsent(max(s.Clock.Now().Sub(oldest), 0))
	}
	s.Auth.Contact(device, oldest, unsent)
}
