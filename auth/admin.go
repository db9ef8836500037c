package auth

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// How a person proved who they are, by the names of RFC 8176.
const (
	methodOTP      = "otp" // a one-time code: one that was sent, of an app, or from paper
	methodPassword = "pwd"
)

// Proved reports whether the session began with a password and a second factor. Without
// that nobody has the rights of an admin.
func (i Identity) Proved() bool {
	return slices.Contains(i.Methods, methodPassword) && slices.Contains(i.Methods, methodOTP)
}

// Fresh reports whether the proof is young enough for what must not be done by somebody
// who found a phone lying about.
func (s *Service) Fresh(who Identity) bool {
	return s.Clock.Now().Sub(who.AuthTime) <= s.Limits.StepUp
}

// PasswordRequest logs in with a password and a second factor.
type PasswordRequest struct {
	Phone    string // in any spelling
	Password string
	Code     string // of the authenticator app, or one from paper
	IP       netip.Addr
	Device   DeviceInfo
}

// LogIn logs a person in with a password and a second factor. Whichever of the three is
// wrong, the answer is the same, and costs one hash.
//
// Errors: Invalid "phone_…", "device_invalid", "password_wrong"; Invalid "factor_used" if
// all is right and the code was taken before; TooMany "rate_limited",
// "too_many_attempts"; Transient "overloaded"; Forbidden "account_suspended".
func (s *Service) LogIn(ctx context.Context, r PasswordRequest) (Login, error) {
	phone, err := domain.ParsePhone(r.Phone)
	if err != nil {
		return Login{}, err
	}
	if err := r.Device.check(); err != nil {
		return Login{}, err
	}
	if err := s.takeTry(ctx, r.IP); err != nil {
		return Login{}, err
	}
	u, c, budget, err := s.account(ctx, phone, r.Device.Install)
	if err != nil {
		return Login{}, err
	}
	stored, err := s.checkPassword(ctx, budget, c.Password, typed(r.Password))
	if err == nil {
		c, err = s.takeFactor(ctx, u.ID, r.Code, c.Password, stored)
	}
	if code := fault.CodeOf(err); code == "code_wrong" || code == "password_wrong" {
		s.tell(ctx, Event{Kind: PasswordRefused, User: u.ID, Reason: phone.Masked()})
		return Login{}, passwordWrong()
	}
	if err != nil {
		return Login{}, err
	}
	if err := s.refund(ctx, budget); err != nil {
		return Login{}, err
	}
	return s.beginProved(ctx, u, c, r.Device)
}

func passwordWrong() error {
	return refuse(fault.Invalid, "password_wrong", "phone, password or code is wrong")
}

// account finds who a number belongs to, what they prove themselves with, and which budget
// pays for a try. Nobody has an empty password.
//
// Somebody else's guesses must not keep the owner out, so an installation on which the
// person has been before has a budget of its own. It asks the same of the store for every
// number.
func (s *Service) account(ctx context.Context, phone domain.Phone, install string) (u store.User, c store.Credential, budget string, err error) {
	u, err = s.Store.UserByPhone(ctx, string(phone))
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return u, c, "", err
	}
	if c, err = s.credential(ctx, u.ID); err != nil {
		return u, c, "", err
	}
	budget = "password/" + string(phone)
	switch _, err = s.Store.Device(ctx, deviceID(u.ID, install)); {
	case err == nil:
		budget += "/" + install
	case !errors.Is(err, store.ErrAbsent):
		return u, c, "", err
	}
	return u, c, budget, nil
}

// checkPassword pays for one guess and makes it. It gives what should be stored from now
// on, which differs from what is if the cost of a hash has changed.
//
// Errors: Invalid "password_wrong", TooMany "too_many_attempts", Transient "overloaded".
func (s *Service) checkPassword(ctx context.Context, budget, stored, password string) (next string, err error) {
	right := false
	err = s.hashing(ctx, func() error {
		if err := s.chargePassword(ctx, budget); err != nil {
			return err
		}
		if right = s.is(stored, password); right && s.aged(stored) {
			next, err = s.newPHC(password)
			return err
		}
		next = stored
		return nil
	})
	if err == nil && !right {
		err = passwordWrong()
	}
	return next, err
}

// takeFactor uses a code, and stores next in the place of the password, unless that has
// changed since it was checked. Of any number of parallel calls with one code one
// succeeds.
//
// Errors: Invalid "code_wrong", "factor_used", "password_wrong".
func (s *Service) takeFactor(ctx context.Context, user, code, checked, next string) (store.Credential, error) {
	return s.editCredential(ctx, user, func(c *store.Credential) error {
		if c.Confirmed.IsZero() || c.Password != checked {
			return passwordWrong()
		}
		if next != checked {
			c.Password = next
		}
		return s.useFactor(c, code)
	})
}

// beginProved starts the session of somebody who proved both.
func (s *Service) beginProved(ctx context.Context, u store.User, c store.Credential, d DeviceInfo) (Login, error) {
	switch u.Status {
	case store.UserActive:
	case store.UserSuspended:
		return Login{}, accountSuspended()
	default:
		return Login{}, passwordWrong()
	}
	u, err := s.welcome(ctx, u)
	if err != nil {
		return Login{}, err
	}
	l, err := s.begin(ctx, u, d, start{id: s.IDs.New(), methods: []string{methodPassword, methodOTP}, proven: s.Clock.Now()})
	if err != nil {
		return Login{}, err
	}
	now, err := s.credential(ctx, u.ID)
	if err != nil {
		return Login{}, err
	}
	if now.Password != c.Password { // taken away while this went on: whoever did ended the sessions that there were
		return Login{}, errors.Join(passwordWrong(), s.RevokeSession(ctx, u.ID, l.Session, "factor_reset"))
	}
	return l, nil
}

// StepUp makes the proof of a session young again with a code of the second factor. The
// refresh token is that of the session as it is.
//
// Errors: Forbidden "second_factor_required" if the session did not begin with both;
// Invalid "code_wrong", "factor_used"; TooMany "too_many_attempts"; those of Refresh about
// the session.
func (s *Service) StepUp(ctx context.Context, who Identity, code string) (Tokens, error) {
	if !who.Proved() {
		return Tokens{}, secondFactorRequired()
	}
	budget := "factor/" + who.Session
	if err := s.chargeFactor(ctx, budget); err != nil {
		return Tokens{}, err
	}
	if _, err := s.editCredential(ctx, who.User, func(c *store.Credential) error {
		if c.Confirmed.IsZero() {
			return codeWrong()
		}
		return s.useFactor(c, code)
	}); err != nil {
		return Tokens{}, err
	}
	if err := s.refund(ctx, budget); err != nil {
		return Tokens{}, err
	}
	return s.renewProof(ctx, who)
}

// renewProof notes that the second factor of a session was shown now.
func (s *Service) renewProof(ctx context.Context, who Identity) (Tokens, error) {
	for range rounds {
		sess, err := s.Store.Session(ctx, who.Session)
		if errors.Is(err, store.ErrAbsent) {
			return Tokens{}, sessionRevoked()
		}
		if err != nil {
			return Tokens{}, err
		}
		u, err := s.mayContinue(ctx, sess)
		if err != nil {
			return Tokens{}, err
		}
		key, err := s.unseal("session/"+sess.ID, sess.Key)
		if err != nil {
			return Tokens{}, err
		}
		sess.Proven = s.Clock.Now()
		if err = s.Store.ReplaceSession(ctx, sess); err == nil {
			s.tell(ctx, Event{Kind: SteppedUp, User: u.ID, Session: sess.ID, Device: sess.Device})
			return s.tokensFor(ctx, u, sess, key)
		}
		if !errors.Is(err, store.ErrStale) {
			return Tokens{}, err
		}
	}
	return Tokens{}, contended("session")
}

// ChangePassword replaces the password of somebody who knows the old one and has the
// second factor at hand. It ends every other session.
//
// Errors: Forbidden "second_factor_required" if the session did not begin with both;
// Invalid "password_weak", "password_wrong", "code_wrong", "factor_used"; TooMany
// "too_many_attempts"; Transient "overloaded".
func (s *Service) ChangePassword(ctx context.Context, who Identity, old, password, code string) error {
	if !who.Proved() {
		return secondFactorRequired()
	}
	u, err := s.User(ctx, who.User)
	if err != nil {
		return err
	}
	if password, err = chosen(password, u.Phone); err != nil {
		return err
	}
	c, err := s.credential(ctx, u.ID)
	if err != nil {
		return err
	}
	budget := "factor/" + who.Session
	if _, err := s.checkPassword(ctx, budget, c.Password, typed(old)); err != nil {
		return err
	}
	next := ""
	if err := s.hashing(ctx, func() (err error) {
		next, err = s.newPHC(password)
		return err
	}); err != nil {
		return err
	}
	if _, err := s.takeFactor(ctx, u.ID, code, c.Password, next); err != nil {
		return err
	}
	s.tell(ctx, Event{Kind: PasswordChanged, User: u.ID, Session: who.Session})
	if err := s.refund(ctx, budget); err != nil {
		return err
	}
	return s.revokeWhere(ctx, u.ID, "password_changed", func(x store.Session) bool { return x.ID != who.Session })
}

// takeTry charges a try to log in, or to set up, to its address.
//
// Errors: TooMany "rate_limited".
func (s *Service) takeTry(ctx context.Context, ip netip.Addr) error {
	if !ip.IsValid() {
		return nil
	}
	after, err := s.take(ctx, "try/"+address(ip), s.Limits.TriesAddress)
	if err == nil && after > 0 {
		err = tooMany("rate_limited", after)
	}
	return err
}

// chargePassword takes one guess from a budget, and makes the next one wait the longer,
// the more there were.
//
// Errors: TooMany "too_many_attempts".
func (s *Service) chargePassword(ctx context.Context, budget string) error {
	var after time.Duration
	err := s.tally(ctx, budget, func(t *store.Tally) bool {
		now := s.Clock.Now()
		if after = wait(*t, s.Limits.PasswordTries, now); after > 0 {
			return false
		}
		mark(t, s.Limits.PasswordTries, now)
		n := 0
		for _, m := range t.Marks {
			n += m.N
		}
		t.Locked = now.Add(s.slowDown(n))
		return true
	})
	if err == nil && after > 0 {
		err = tooMany("too_many_attempts", after)
	}
	return err
}

// slowDown is the wait after the nth guess.
func (s *Service) slowDown(n int) time.Duration {
	all := s.Limits.SlowDown
	if len(all) == 0 {
		return 0
	}
	return all[min(max(n, 1), len(all))-1]
}

// chargeFactor takes one guess at a code from a budget.
//
// Errors: TooMany "too_many_attempts".
func (s *Service) chargeFactor(ctx context.Context, budget string) error {
	after, err := s.take(ctx, budget, s.Limits.FactorTries)
	if err == nil && after > 0 {
		err = tooMany("too_many_attempts", after)
	}
	return err
}

// refund gives back a guess that was right.
func (s *Service) refund(ctx context.Context, budget string) error {
	return s.tally(ctx, budget, func(t *store.Tally) bool {
		unmark(t)
		t.Locked = time.Time{}
		return true
	})
}
