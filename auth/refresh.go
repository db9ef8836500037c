package auth

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
)

// Tokens are what a phone proves itself with.
type Tokens struct {
	Access  string
	Expires time.Time // of Access
	Refresh string
	Now     time.Time // of the server, so that the phone can correct its clock
}

// Refresh gives new tokens for a refresh token.
//
// The token counts. The newest one is replaced by the next; the one before it
// gives the newest again, without counting and however late, because then the
// phone never saw the last answer. An older one was copied: the session ends,
// for the thief and the owner alike, before the error is returned. One ahead of
// the count is refused and harms nothing.
//
// Errors, all with keep_outbox: Unauthorized "refresh_invalid",
// "refresh_reused", "session_revoked", "session_expired", "clock_skew" (this
// server's clock lies behind the login); Forbidden "account_suspended".
func (s *Service) Refresh(ctx context.Context, token string) (Tokens, error) {
	t, ok := parseRefresh(token)
	if !ok {
		return Tokens{}, refreshInvalid("not a refresh token")
	}
	for range rounds {
		sess, err := s.Store.Session(ctx, t.session)
		if errors.Is(err, store.ErrAbsent) {
			return Tokens{}, refreshInvalid("no such session")
		}
		if err != nil {
			return Tokens{}, fmt.Errorf("session: %w", err)
		}
		tokens, err := s.refresh(ctx, sess, t)
		if !errors.Is(err, store.ErrStale) {
			return tokens, err
		}
	}
	return Tokens{}, contended("session")
}

// usedGrain is how exact the last use of a session is known when no new token
// was needed.
const usedGrain = time.Hour

// refresh does one try against the session as it was read; ErrStale means that
// it changed since.
func (s *Service) refresh(ctx context.Context, sess store.Session, t refreshToken) (Tokens, error) {
	key, err := s.unseal("session/"+sess.ID, sess.Key)
	if err != nil {
		return Tokens{}, refreshInvalid("session key cannot be opened: " + err.Error())
	}
	if !hmac.Equal(t.mac, refreshMAC(key, sess.ID, t.counter)) {
		return Tokens{}, refreshInvalid("wrong mac")
	}
	u, err := s.mayContinue(ctx, sess)
	if err != nil {
		return Tokens{}, err
	}
	now := s.Clock.Now()
	switch {
	case t.counter > sess.Counter:
		return Tokens{}, refreshInvalid("counter is ahead")
	case t.counter < sess.Counter-1:
		return Tokens{}, s.kill(ctx, sess)
	case t.counter == sess.Counter:
		sess.Counter++
		sess.Used = now
		if err := s.Store.ReplaceSession(ctx, sess); err != nil {
			return Tokens{}, err
		}
	case now.Sub(sess.Used) > usedGrain:
		// One behind: the session lives, and that alone is noted. If it changed
		// meanwhile, the other call noted it.
		sess.Used = now
		if err := s.Store.ReplaceSession(ctx, sess); err != nil && !errors.Is(err, store.ErrStale) {
			return Tokens{}, err
		}
	}
	return s.tokensFor(ctx, u, sess, key)
}

// mayContinue checks everything about a session but its counter.
func (s *Service) mayContinue(ctx context.Context, sess store.Session) (store.User, error) {
	now := s.Clock.Now()
	switch {
	case !sess.Revoked.IsZero():
		return store.User{}, sessionRevoked()
	case sess.Created.After(now.Add(s.Limits.Leeway)):
		return store.User{}, keepOutbox(fault.Unauthorized, "clock_skew", "session was made in the future")
	}
	u, err := s.Store.User(ctx, sess.User)
	switch {
	case errors.Is(err, store.ErrAbsent), err == nil && u.Status == store.UserErased:
		return u, sessionRevoked()
	case err != nil:
		return u, fmt.Errorf("user: %w", err)
	case u.Status == store.UserSuspended:
		return u, accountSuspended()
	}
	d, err := s.Store.Device(ctx, sess.Device)
	switch {
	case errors.Is(err, store.ErrAbsent), err == nil && d.Status != store.DeviceActive:
		return u, sessionRevoked()
	case err != nil:
		return u, fmt.Errorf("device: %w", err)
	}
	if idle, ends := s.lasts(sess, u.Roles); !now.Before(idle) || !now.Before(ends) {
		return u, keepOutbox(fault.Unauthorized, "session_expired", "session has expired")
	}
	return u, nil
}

// kill ends a session whose refresh token was copied. The end is stored before
// the refusal is returned; if it cannot be stored the error is that one.
func (s *Service) kill(ctx context.Context, sess store.Session) error {
	if err := s.revoke(ctx, sess, "refresh_reused"); err != nil {
		return err
	}
	s.tell(ctx, Event{Kind: RefreshReused, User: sess.User, Session: sess.ID, Device: sess.Device})
	return keepOutbox(fault.Unauthorized, "refresh_reused", "an old refresh token was used again")
}

// tokensFor makes the tokens of the session as it is stored now.
func (s *Service) tokensFor(ctx context.Context, u store.User, sess store.Session, key []byte) (Tokens, error) {
	access, ends, err := s.access(ctx, u, sess)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{Access: access, Expires: ends, Refresh: refreshText(key, sess.ID, sess.Counter), Now: s.Clock.Now()}, nil
}

func refreshInvalid(text string) error {
	return keepOutbox(fault.Unauthorized, "refresh_invalid", text)
}

// refreshToken is v1.<session>.<counter>.<mac>, taken apart.
type refreshToken struct {
	session string
	counter int64
	mac     []byte
}

// SessionOf is the session that a refresh token says it is of, "" if it is none. It proves
// nothing: Refresh does.
func SessionOf(token string) string {
	t, _ := parseRefresh(token)
	return t.session
}

func refreshMAC(key []byte, session string, counter int64) []byte {
	return mac(key, session+"|"+strconv.FormatInt(counter, 10))
}

func refreshText(key []byte, session string, counter int64) string {
	return "v1." + session + "." + strconv.FormatInt(counter, 10) + "." +
		base64.RawURLEncoding.EncodeToString(refreshMAC(key, session, counter))
}

// parseRefresh reads the one canonical form of a refresh token.
func parseRefresh(text string) (refreshToken, bool) {
	if len(text) > 256 {
		return refreshToken{}, false
	}
	parts := strings.Split(text, ".")
	if len(parts) != 4 || parts[0] != "v1" || !id.Valid(parts[1]) {
		return refreshToken{}, false
	}
	n, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != parts[2] {
		return refreshToken{}, false
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(parts[3])
	if err != nil || base64.RawURLEncoding.EncodeToString(sum) != parts[3] { // the decoder passes over line ends
		return refreshToken{}, false
	}
	return refreshToken{session: parts[1], counter: n, mac: sum}, true
}
