package auth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// denials are the sessions and users whose tokens are void although they have
// not expired. An entry goes when the last such token is over, so the set stays
// as small as a quarter of an hour's revocations.
type denials struct {
	mu       sync.RWMutex
	loaded   bool
	sessions map[string]time.Time // session to the instant when it may be forgotten
	users    map[string]denial
}

type denial struct {
	ver    int64 // tokens below it are void
	status store.UserStatus
	until  time.Time
}

// check refuses the tokens that are void.
func (d *denials) check(who Identity) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if _, revoked := d.sessions[who.Session]; revoked {
		return sessionRevoked()
	}
	if u, changed := d.users[who.User]; changed && who.Ver < u.ver {
		switch u.status {
		case store.UserSuspended:
			return accountSuspended()
		case store.UserErased:
			return sessionRevoked()
		}
		return tokenInvalid() // rights changed: a refresh brings a new token
	}
	return nil
}

func sessionRevoked() error {
	return keepOutbox(fault.Unauthorized, "session_revoked", "session was revoked")
}

func accountSuspended() error {
	return keepOutbox(fault.Forbidden, "account_suspended", "account is suspended")
}

// horizon is how long a revocation matters: the life of a token, and a margin
// for the clocks of several servers.
func (s *Service) horizon() time.Duration { return s.Limits.Access + s.Limits.Leeway + 5*time.Minute }

func (s *Service) denySession(sess string) {
	s.denied.mu.Lock()
	defer s.denied.mu.Unlock()
	s.denied.addSession(sess, s.Clock.Now().Add(s.horizon()))
}

func (s *Service) denyUser(u store.User) {
	s.denied.mu.Lock()
	defer s.denied.mu.Unlock()
	s.denied.addUser(u, s.Clock.Now().Add(s.horizon()))
}

func (d *denials) addSession(sess string, until time.Time) {
	if d.sessions == nil {
		d.sessions = map[string]time.Time{}
	}
	if until.After(d.sessions[sess]) {
		d.sessions[sess] = until
	}
}

func (d *denials) addUser(u store.User, until time.Time) {
	if d.users == nil {
		d.users = map[string]denial{}
	}
	if old := d.users[u.ID]; u.Ver >= old.ver {
		d.users[u.ID] = denial{ver: u.Ver, status: u.Status, until: until}
	}
}

// Poll learns what other processes revoked. Run calls it every PollEvery.
func (s *Service) Poll(ctx context.Context) error {
	now := s.Clock.Now()
	since := now.Add(-s.horizon())
	sessions, err := s.Store.SessionsRevoked(ctx, since)
	if err != nil {
		return fmt.Errorf("revoked sessions: %w", err)
	}
	users, err := s.Store.UsersChanged(ctx, since)
	if err != nil {
		return fmt.Errorf("changed users: %w", err)
	}
	d := &s.denied
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sess := range sessions {
		d.addSession(sess.ID, sess.Revoked.Add(s.horizon()))
	}
	for _, u := range users {
		d.addUser(u, u.Changed.Add(s.horizon()))
	}
	for k, until := range d.sessions {
		if until.Before(now) {
			delete(d.sessions, k)
		}
	}
	for k, u := range d.users {
		if u.until.Before(now) {
			delete(d.users, k)
		}
	}
	d.loaded = true
	return nil
}

// firstPoll polls if nothing did yet.
func (s *Service) firstPoll(ctx context.Context) error {
	s.denied.mu.RLock()
	loaded := s.denied.loaded
	s.denied.mu.RUnlock()
	if loaded {
		return nil
	}
	return s.Poll(ctx)
}
