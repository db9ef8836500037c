package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
)

// VerifyRequest answers a challenge.
type VerifyRequest struct {
	Challenge string
	Phone     string // in any spelling; the one that the code was asked for
	Code      string
	IP        netip.Addr
	Device    DeviceInfo
}

// Login is a session that has just begun.
type Login struct {
	Tokens
	User        store.User
	Session     string
	Device      string
	Incarnation string // fresh: the phone counts its mutations under it from 1
}

// Verify logs a person in who knows the code of a challenge. The first login of
// a number makes its user.
//
// Errors: Invalid "phone_…", "device_invalid", "challenge_unknown",
// "code_wrong", "code_expired", "code_used"; Conflict "in_progress" while a first
// answer of the same phone may be at work; TooMany "too_many_attempts",
// "rate_limited", "login_paused"; Forbidden "account_suspended",
// "second_fact_required" (the number may have a new owner: see Attest).
func (s *Service) Verify(ctx context.Context, r VerifyRequest) (Login, error) {
	phone, err := domain.ParsePhone(r.Phone)
	if err != nil {
		return Login{}, err
	}
	if err := r.Device.check(); err != nil {
		return Login{}, err
	}
	a := answer{challenge: r.Challenge, code: r.Code, phone: phone, purpose: PurposeLogin, ip: r.IP, install: r.Device.Install}
	if err := s.redeem(ctx, a); err != nil {
		return Login{}, err
	}
	u, err := s.arrive(ctx, phone, r.Device.Install)
	if err != nil {
		return Login{}, err
	}
	return s.begin(ctx, u, r.Device, start{id: sessionOf(r.Challenge), methods: []string{methodOTP}})
}

// sessionOf is the session that the code of a challenge gives: of all who answer with
// it, at once or again, one begins it.
func sessionOf(challenge string) string { return id.Derive("session", challenge) }

// Confirm proves a number again for another purpose than login, such as a
// change of the phone. It answers the number in E.164.
//
// Errors: those of Verify that are about the phone and the code.
func (s *Service) Confirm(ctx context.Context, r VerifyRequest, purpose Purpose) (domain.Phone, error) {
	phone, err := domain.ParsePhone(r.Phone)
	if err != nil {
		return "", err
	}
	return phone, s.redeem(ctx, answer{challenge: r.Challenge, code: r.Code, phone: phone, purpose: purpose, ip: r.IP})
}

// arrive gives the user of a proven number, ready to log in.
func (s *Service) arrive(ctx context.Context, phone domain.Phone, install string) (store.User, error) {
	u, _, err := s.userOf(ctx, string(phone), store.User{Status: store.UserActive})
	if err != nil {
		return u, err
	}
	if u.Status == store.UserSuspended {
		return u, accountSuspended()
	}
	if err := s.checkRecycled(ctx, u, install); err != nil {
		return u, err
	}
	return s.welcome(ctx, u)
}

// welcome makes sure that a user who has proved enough is active and has a profile.
func (s *Service) welcome(ctx context.Context, u store.User) (store.User, error) {
	if u.Profiled && u.Status == store.UserActive && u.Attested.IsZero() {
		return u, nil
	}
	if s.OnUser != nil && (!u.Profiled || u.Status != store.UserActive) {
		if err := s.OnUser(ctx, u); err != nil {
			return u, fmt.Errorf("welcome user: %w", err)
		}
	}
	u, err := s.editUser(ctx, u.ID, func(u *store.User) bool {
		u.Profiled, u.Attested, u.Attester = true, time.Time{}, ""
		if u.Status == store.UserInvited {
			u.Status = store.UserActive
		}
		return true
	})
	if err == nil && u.Status != store.UserActive { // suspended meanwhile
		err = accountSuspended()
	}
	return u, err
}

// checkRecycled refuses an account that was silent for long and appears on a
// phone it never used: operators give numbers to new owners.
//
// Errors: Forbidden "second_fact_required".
func (s *Service) checkRecycled(ctx context.Context, u store.User, install string) error {
	if u.Status == store.UserInvited || !u.Profiled {
		return nil // nobody was ever logged in
	}
	now := s.Clock.Now()
	if u.Attested.After(now) {
		return nil
	}
	_, err := s.Store.Device(ctx, deviceID(u.ID, install))
	if !errors.Is(err, store.ErrAbsent) {
		return err
	}
	last, err := s.lastSeen(ctx, u.ID)
	if err != nil {
		return err
	}
	if last.IsZero() || now.Sub(last) <= s.Limits.IdleAccount {
		return nil
	}
	s.tell(ctx, Event{Kind: SecondFactNeeded, User: u.ID})
	return keepOutbox(fault.Forbidden, "second_fact_required", "account was silent for long and the device is unknown")
}

// start is how a session begins.
type start struct {
	id      string
	methods []string
	proven  time.Time // zero if no second factor was shown
}

// begin registers the device and starts the session. Errors: Invalid "code_used" if
// that session has begun.
func (s *Service) begin(ctx context.Context, u store.User, info DeviceInfo, how start) (Login, error) {
	d, err := s.registerDevice(ctx, u.ID, how.id, info)
	if err != nil {
		return Login{}, err
	}
	incarnation, err := s.RegisterIncarnation(ctx, u.ID, d.ID)
	if err != nil {
		return Login{}, err
	}
	sess, key, err := s.newSession(ctx, u, d.ID, how)
	if err != nil {
		return Login{}, err
	}
	tokens, err := s.tokensFor(ctx, u, sess, key)
	if err != nil {
		return Login{}, err
	}
	s.tell(ctx, Event{Kind: LoggedIn, User: u.ID, Session: sess.ID, Device: d.ID, Roles: u.Roles})
	return Login{Tokens: tokens, User: u, Session: sess.ID, Device: d.ID, Incarnation: incarnation}, nil
}
