package auth

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
)

// ResetFactor takes away the password and the second factor of somebody with a role, ends
// every session, and gives a token with which both are set anew: for the first admin, and
// for a lost phone. Older tokens are void.
//
// Errors: NotFound "not_found"; Conflict "conflict" for somebody who has no role or is not active.
func (s *Service) ResetFactor(ctx context.Context, user string) (token string, expires time.Time, err error) {
	u, err := s.User(ctx, user)
	if err != nil {
		return "", expires, err
	}
	if len(u.Roles) == 0 || u.Status != store.UserActive {
		return "", expires, refuse(fault.Conflict, "conflict", "only active people with a role log in with a password")
	}
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.Rand, raw); err != nil {
		return "", expires, fmt.Errorf("draw a token: %w", err)
	}
	secret := base64.RawURLEncoding.EncodeToString(raw)
	digest, err := s.keyed("setup", user, secret)
	if err != nil {
		return "", expires, err
	}
	expires = s.Clock.Now().Add(s.Limits.SetupLife)
	if _, err := s.editCredential(ctx, user, func(c *store.Credential) error {
		*c = store.Credential{User: user, Setup: digest, SetupExpires: expires, Rev: c.Rev}
		return nil
	}); err != nil {
		return "", expires, err
	}
	s.tell(ctx, Event{Kind: FactorReset, User: user})
	return "s1." + user + "." + secret, expires, s.RevokeSessions(ctx, user, "factor_reset")
}

// SetupRequest sets a password with the token of ResetFactor.
type SetupRequest struct {
	Token    string
	Password string
	IP       netip.Addr
}

// Setup is what somebody needs to log in besides the password. None of it can be asked
// for again.
type Setup struct {
	URI      string   // otpauth://…, for the picture that an authenticator app reads
	Secret   string   // the same, to type in
	Recovery []string // codes to keep on paper, each good for once
}

// SetUp sets the password and gives a new second factor. Neither is good for anything
// before ConfirmSetup; until then it may be repeated, and gives another factor.
//
// Errors: Invalid "setup_token_invalid", "password_weak"; TooMany "rate_limited";
// Transient "overloaded".
func (s *Service) SetUp(ctx context.Context, r SetupRequest) (Setup, error) {
	u, digest, err := s.setupOf(ctx, r.Token, r.IP)
	if err != nil {
		return Setup{}, err
	}
	password, err := chosen(r.Password, u.Phone)
	if err != nil {
		return Setup{}, err
	}
	var hash string
	if err := s.hashing(ctx, func() (err error) {
		hash, err = s.newPHC(password)
		return err
	}); err != nil {
		return Setup{}, err
	}
	var out Setup
	_, err = s.editCredential(ctx, u.ID, func(c *store.Credential) error {
		if err := s.opens(c, digest); err != nil {
			return err
		}
		key, paper, err := s.newFactor(c, u.Phone)
		if err != nil {
			return err
		}
		c.Password, c.Changed = hash, s.Clock.Now()
		out = Setup{URI: key.URL(), Secret: key.Secret(), Recovery: paper}
		return nil
	})
	if err != nil {
		return Setup{}, err
	}
	return out, nil
}

// ConfirmSetup ends a set-up with a first code of the app, which is used by that. The
// token is void afterwards.
//
// Errors: Invalid "setup_token_invalid", "code_wrong"; TooMany "rate_limited",
// "too_many_attempts".
func (s *Service) ConfirmSetup(ctx context.Context, token, code string, ip netip.Addr) error {
	u, digest, err := s.setupOf(ctx, token, ip)
	if err != nil {
		return err
	}
	budget := "setup/" + u.ID
	if err := s.chargeFactor(ctx, budget); err != nil {
		return err
	}
	if _, err := s.editCredential(ctx, u.ID, func(c *store.Credential) error {
		if err := s.opens(c, digest); err != nil {
			return err
		}
		if err := s.useStep(c, code); err != nil {
			return err
		}
		c.Confirmed, c.Setup, c.SetupExpires = s.Clock.Now(), nil, time.Time{}
		return nil
	}); err != nil {
		return err
	}
	s.tell(ctx, Event{Kind: FactorSet, User: u.ID})
	return s.refund(ctx, budget)
}

func setupTokenInvalid() error {
	return refuse(fault.Invalid, "setup_token_invalid", "token is unknown, used or too old")
}

// setupOf gives whose token it is, and its digest. That it is the right one opens says.
func (s *Service) setupOf(ctx context.Context, token string, ip netip.Addr) (u store.User, digest []byte, err error) {
	if err := s.takeTry(ctx, ip); err != nil {
		return u, nil, err
	}
	parts := strings.Split(token, ".")
	if len(token) > 200 || len(parts) != 3 || parts[0] != "s1" || !id.Valid(parts[1]) {
		return u, nil, setupTokenInvalid()
	}
	if digest, err = s.keyed("setup", parts[1], parts[2]); err != nil {
		return u, nil, err
	}
	c, err := s.credential(ctx, parts[1])
	if err != nil {
		return u, nil, err
	}
	if err := s.opens(&c, digest); err != nil {
		return u, nil, err
	}
	if u, err = s.User(ctx, c.User); err != nil {
		return u, nil, err
	}
	if u.Status != store.UserActive {
		return u, nil, setupTokenInvalid()
	}
	return u, digest, nil
}

// opens refuses a token that is not the one that may set c.
func (s *Service) opens(c *store.Credential, digest []byte) error {
	if len(c.Setup) == 0 || !hmac.Equal(c.Setup, digest) || !s.Clock.Now().Before(c.SetupExpires) {
		return setupTokenInvalid()
	}
	return nil
}
