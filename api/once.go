package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// claimLife is how long a first request may work before another one with the
// same key takes its place. It is far above the deadline of a request; what the
// first one did all the same is found again, because its writes are named after
// the key.
const claimLife = 2 * time.Minute

// giveUpWithin is how long a request that failed may take to say so.
const giveUpWithin = 2 * time.Second

// keptHeaders are the headers that belong to a stored answer.
func keptHeaders() []string {
	return []string{fiber.HeaderContentType, fiber.HeaderETag, fiber.HeaderLocation}
}

// once answers a request with an idempotency key: the first time by doing it,
// later from what was stored. Only success is stored, so that a mistake may be
// mended under the same key.
//
// Errors: Unreadable "idempotency_required", Invalid "idempotency_reused",
// Conflict "in_progress".
func (s *Server) once(x *call, r route) error {
	key := x.Get("Idempotency-Key")
	if !keyOK(key) {
		return &fault.Error{Kind: fault.Unreadable, Code: "idempotency_required", Field: "Idempotency-Key", Text: "want 8 to 128 visible characters"}
	}
	asked := x.query()
	if tag := x.Get(fiber.HeaderIfMatch); tag != "" { // of another version it is another request
		asked = slices.Concat(asked, []byte("\n"+tag+"\n"))
	}
	sum := sha256.Sum256(slices.Concat(asked, x.Request().Body()))
	claim := store.Reply{Key: x.who.User + "\n" + r.method + " " + x.Path() + "\n" + key, BodyHash: sum[:]}
	for _, role := range []string{auth.RoleAdmin, auth.RoleRegional} {
		// What an admin was answered is not for a session that would be refused, nor for
		// somebody who is none any more: a token of before is void by then.
		if x.who.Proved() && x.who.Has(role) {
			claim.Key += "\nproved " + role
		}
	}
	claim, done, err := s.claim(x, claim)
	if err != nil || done {
		return err
	}
	if err := r.do(x); err != nil {
		return s.giveUp(x, claim, err)
	}
	claim.Status, claim.Body, claim.Header = x.Response().StatusCode(), bytes.Clone(x.Response().Body()), map[string]string{}
	for _, h := range keptHeaders() {
		if v := x.GetRespHeader(h); v != "" {
			claim.Header[h] = v
		}
	}
	claim.Expires = s.Clock.Now().Add(s.Limits.KeepKeys)
	if err := s.Replies.ReplaceReply(x.ctx, claim); err != nil && !errors.Is(err, store.ErrStale) {
		return fmt.Errorf("keep reply: %w", err)
	}
	return nil
}

// giveUp lets go of a claim, so that the next request with its key need not wait
// until it is void, also if the time of this one is over. Should it be another's by
// now, both do the same, under the same names.
func (s *Server) giveUp(x *call, c store.Reply, why error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(x.ctx), giveUpWithin)
	defer stop()
	return errors.Join(why, s.Replies.DropReply(ctx, c.Key, c.Rev))
}

// claim takes the key, or answers from what was stored under it.
func (s *Server) claim(x *call, c store.Reply) (store.Reply, bool, error) {
	now := s.Clock.Now()
	c.Expires = now.Add(claimLife)
	for range 10 {
		err := s.Replies.InsertReply(x.ctx, c)
		if err == nil {
			c.Rev = 1
			return c, false, nil
		}
		if !errors.Is(err, store.ErrTaken) { // it may be there all the same
			c.Rev = 1
			return c, false, s.giveUp(x, c, fmt.Errorf("claim key: %w", err))
		}
		old, err := s.Replies.Reply(x.ctx, c.Key)
		if errors.Is(err, store.ErrAbsent) {
			continue
		}
		if err != nil {
			return c, false, fmt.Errorf("read reply: %w", err)
		}
		switch {
		case !old.Expires.After(now):
			if err := s.Replies.DropReply(x.ctx, old.Key, old.Rev); err != nil {
				return c, false, fmt.Errorf("drop reply: %w", err)
			}
			continue
		case !bytes.Equal(old.BodyHash, c.BodyHash):
			return c, false, &fault.Error{Kind: fault.Invalid, Code: "idempotency_reused", Field: "Idempotency-Key", Text: "key was used with another body, query or version"}
		case old.Status == 0:
			return c, false, &fault.Error{Kind: fault.Conflict, Code: "in_progress", Text: "first request is at work", After: time.Second}
		}
		for h, v := range old.Header {
			x.Set(h, v)
		}
		x.Set("Idempotent-Replayed", "true")
		x.Status(old.Status).Response().SetBodyRaw(old.Body)
		return old, true, nil
	}
	return c, false, &fault.Error{Kind: fault.Transient, Code: "busy", Text: "key changes hands", After: time.Second}
}

// writeName is the name under which a request writes: the same for each
// repetition of it, and different for everything else. A request with a key is repeated by its
// person, also behind another login: where the process died behind its commit nothing else
// knows that it was done.
func (x *call) writeName() string {
	sum := sha256.Sum256([]byte(x.Method() + " " + x.Path() + string(x.query()) + "\n" + x.Get("Idempotency-Key") + "\n" + x.Get(fiber.HeaderIfMatch) + "\n" + string(x.Request().Body())))
	by := x.who.Session
	if x.Get("Idempotency-Key") != "" {
		by = x.who.User
	}
	return "rest." + by + "." + hex.EncodeToString(sum[:16])
}

// query is what a request asks for beside its path and its body, as it was sent; nothing if it asks for
// nothing, so that keys and names of requests without one stay what they were.
func (x *call) query() []byte {
	if q := x.Request().URI().QueryString(); len(q) > 0 {
		return slices.Concat([]byte("?"), q, []byte("\n"))
	}
	return nil
}

func keyOK(key string) bool {
	if len(key) < 8 || len(key) > 128 {
		return false
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}
