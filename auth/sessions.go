package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// Session is a login as its owner may see it.
type Session struct {
	ID      string
	Device  store.Device
	Created time.Time
	Used    time.Time // last refresh
	Ends    time.Time // at the latest
}

// newSession starts a session and ends every older one of the same device,
// whose tokens the app has just overwritten. Errors: Invalid "code_used" if that
// session is there.
func (s *Service) newSession(ctx context.Context, u store.User, device string, how start) (store.Session, []byte, error) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(s.Rand, key); err != nil {
		return store.Session{}, nil, fmt.Errorf("draw a session key: %w", err)
	}
	now, span := s.Clock.Now(), s.Limits.span(u.Roles)
	sess := store.Session{ID: how.id, User: u.ID, Device: device, Counter: 1, Methods: how.methods,
		Proven: how.proven, Created: now, Used: now, Idle: span.Idle, Ends: now.Add(span.Absolute)}
	var err error
	if sess.Key, err = s.seal("session/"+sess.ID, key); err != nil {
		return store.Session{}, nil, err
	}
	older, err := s.Store.SessionsOf(ctx, u.ID)
	if err != nil {
		return store.Session{}, nil, fmt.Errorf("sessions: %w", err)
	}
	if err := s.Store.InsertSession(ctx, sess); errors.Is(err, store.ErrTaken) {
		return store.Session{}, nil, codeUsed()
	} else if err != nil {
		return store.Session{}, nil, fmt.Errorf("insert session: %w", err)
	}
	for _, o := range older {
		if o.Device == device && o.Revoked.IsZero() {
			if err := s.RevokeSession(ctx, u.ID, o.ID, "replaced"); err != nil {
				return store.Session{}, nil, err
			}
		}
	}
	return sess, key, nil
}

// revoke ends a session as it was read, durably and then in this process. A
// session that ended before keeps its first reason.
func (s *Service) revoke(ctx context.Context, sess store.Session, reason string) error {
	if !sess.Revoked.IsZero() {
		return s.left(ctx, sess) // whoever ended it may have died in between
	}
	if s.OnEnd != nil {
		if err := s.OnEnd(ctx, sess.User, sess.Device); err != nil {
			return fmt.Errorf("end of a session: %w", err)
		}
	}
	sess.Revoked, sess.Reason = s.Clock.Now(), reason
	if err := s.Store.ReplaceSession(ctx, sess); err != nil {
		return err
	}
	s.denySession(sess.ID)
	s.tell(ctx, Event{Kind: SessionRevoked, User: sess.User, Session: sess.ID, Device: sess.Device, Reason: reason})
	return s.left(ctx, sess)
}

// left tells of a device on which nobody is logged in any more.
func (s *Service) left(ctx context.Context, sess store.Session) error {
	if s.OnEnd == nil {
		return nil
	}
	err := s.LoggedInOn(ctx, sess.User, sess.Device)
	if fault.CodeOf(err) != "session_revoked" {
		return err
	}
	if err := s.OnEnd(ctx, sess.User, sess.Device); err != nil {
		return fmt.Errorf("end of a session: %w", err)
	}
	return nil
}

// Sessions gives the living sessions of a user, newest first.
func (s *Service) Sessions(ctx context.Context, user string) ([]Session, error) {
	all, err := s.lasting(ctx, user, func(store.Session) bool { return true })
	if err != nil {
		return nil, err
	}
	devices, err := s.Store.DevicesOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("devices: %w", err)
	}
	byID := map[string]store.Device{}
	for _, d := range devices {
		byID[d.ID] = d
	}
	var out []Session
	for _, x := range all {
		out = append(out, Session{ID: x.ID, Device: byID[x.Device], Created: x.Created, Used: x.Used, Ends: x.Ends})
	}
	return out, nil
}

// lasts says until when a session lives if nobody uses it, and at the latest. The roles of its user may have
// become stricter since login.
func (s *Service) lasts(x store.Session, roles []string) (idle, ends time.Time) {
	span := s.Limits.span(roles)
	idle, ends = x.Used.Add(min(x.Idle, span.Idle)), x.Created.Add(span.Absolute)
	if x.Ends.Before(ends) {
		ends = x.Ends
	}
	return idle, ends
}

// lasting gives those sessions of a user which pass that were neither ended nor ran out by the roles of now.
// It reads the user if there is any.
func (s *Service) lasting(ctx context.Context, user string, pass func(store.Session) bool) ([]store.Session, error) {
	all, err := s.Store.SessionsOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	all = slices.DeleteFunc(all, func(x store.Session) bool { return !x.Revoked.IsZero() || !pass(x) })
	if len(all) == 0 {
		return nil, nil
	}
	u, err := s.Store.User(ctx, user)
	switch {
	case errors.Is(err, store.ErrAbsent), err == nil && u.Status == store.UserErased:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("user: %w", err)
	}
	now := s.Clock.Now()
	out := all[:0]
	for _, x := range all {
		idle, ends := s.lasts(x, u.Roles)
		if x.Ends = ends; now.Before(idle) && now.Before(ends) {
			out = append(out, x)
		}
	}
	return out, nil
}

// LoggedInOn makes sure that a user has a living session on a device: one that was neither ended
// nor left alone for too long, by the roles that the user has now.
//
// Errors: Unauthorized "session_revoked".
func (s *Service) LoggedInOn(ctx context.Context, user, device string) error {
	some, err := s.lasting(ctx, user, func(x store.Session) bool { return x.Device == device })
	if err != nil {
		return err
	}
	if len(some) == 0 {
		return sessionRevoked()
	}
	return nil
}

// RevokeSession ends one session of the user, which is also how a phone logs
// out. Ending it twice is no error.
//
// Errors: NotFound "not_found", also for a session of somebody else.
func (s *Service) RevokeSession(ctx context.Context, user, session, reason string) error {
	for range rounds {
		sess, err := s.Store.Session(ctx, session)
		if errors.Is(err, store.ErrAbsent) || err == nil && sess.User != user {
			return refuse(fault.NotFound, "not_found", "no such session of this user")
		}
		if err != nil {
			return fmt.Errorf("session: %w", err)
		}
		if err = s.revoke(ctx, sess, reason); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return contended("session")
}

// RevokeSessions ends every session of the user.
func (s *Service) RevokeSessions(ctx context.Context, user, reason string) error {
	return s.revokeWhere(ctx, user, reason, func(store.Session) bool { return true })
}

func (s *Service) revokeWhere(ctx context.Context, user, reason string, pass func(store.Session) bool) error {
	all, err := s.Store.SessionsOf(ctx, user)
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	for _, sess := range all {
		if !pass(sess) || !sess.Revoked.IsZero() {
			continue
		}
		if err := s.RevokeSession(ctx, user, sess.ID, reason); err != nil {
			return err
		}
	}
	return nil
}
