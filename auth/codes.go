package auth

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// Purpose is what a code is good for. A code asked for one purpose is worth
// nothing for another.
type Purpose string

// The purposes of codes.
const (
	PurposeLogin  Purpose = "login"
	PurposeStepUp Purpose = "step_up"
	PurposePhone  Purpose = "change_phone"
)

// CodeRequest asks for a one-time code.
type CodeRequest struct {
	Phone   string // in any spelling
	Purpose Purpose
	IP      netip.Addr
	Install string // installation id of the app; may be empty
}

// Challenge is a code that may be on its way. It says nothing about whether the
// number is known, suspended or over its limits.
type Challenge struct {
	ID      string
	Expires time.Time     // the code is good until then
	Resend  time.Duration // before that, another request sends nothing
}

// RequestCode makes a code and has it sent. An installation that asks again
// before Resend gets the same challenge again, so that a lost answer costs
// nothing. A number that is over its own limits or suspended gets a challenge
// like any other, but no code.
//
// Errors: Invalid "phone_…", "invalid_value" (purpose); TooMany "rate_limited"
// (address or installation), "login_paused" (everybody).
func (s *Service) RequestCode(ctx context.Context, r CodeRequest) (Challenge, error) {
	phone, err := domain.ParsePhone(r.Phone)
	if err != nil {
		return Challenge{}, err
	}
	if r.Purpose != PurposeLogin && r.Purpose != PurposeStepUp && r.Purpose != PurposePhone {
		return Challenge{}, &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "purpose", Text: "no purpose of codes"}
	}
	if len(r.Install) > 64 {
		return Challenge{}, &fault.Error{Kind: fault.Invalid, Code: "device_invalid", Field: "install_id", Text: "too long"}
	}
	if again, ok, err := s.repeat(ctx, phone, r); err != nil || ok {
		return again, err
	}
	if err := s.takeSource(ctx, r.IP, r.Install); err != nil {
		return Challenge{}, err
	}
	if err := s.checkSpend(ctx); err != nil {
		return Challenge{}, err
	}
	resend, send, err := s.maySend(ctx, phone)
	if err != nil {
		return Challenge{}, err
	}
	return s.issue(ctx, phone, r, resend, send)
}

// repeat finds the living challenge of an installation that asks again before
// its time.
func (s *Service) repeat(ctx context.Context, phone domain.Phone, r CodeRequest) (Challenge, bool, error) {
	if r.Install == "" {
		return Challenge{}, false, nil
	}
	c, err := s.Store.LatestChallenge(ctx, string(phone), string(r.Purpose), r.Install)
	if errors.Is(err, store.ErrAbsent) {
		return Challenge{}, false, nil
	}
	now := s.Clock.Now()
	if err != nil || !c.Consumed.IsZero() || c.Attempts >= s.Limits.CodeAttempts || !c.Resend.After(now) || !c.Expires.After(now) {
		return Challenge{}, false, err
	}
	return Challenge{ID: c.ID, Expires: c.Expires, Resend: c.Resend.Sub(now)}, true, nil
}

// maySend tells whether a code may go to phone, and when the next one may. It
// asks the same of the store for every number.
func (s *Service) maySend(ctx context.Context, phone domain.Phone) (resend time.Duration, send bool, err error) {
	resend, send = s.coolDown(1), true
	if _, test := s.TestNumbers[phone]; !test {
		if resend, send, err = s.takeSend(ctx, phone); err != nil {
			return resend, false, err
		}
	}
	u, err := s.Store.UserByPhone(ctx, string(phone))
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return resend, false, err
	}
	pumped, err := s.pumped(ctx, phone)
	return resend, send && !pumped && u.Status != store.UserSuspended, err
}

// takeSend uses one of the codes that may go to phone in a day, unless the last
// one is too fresh. The lock of the tally is the cool-down.
func (s *Service) takeSend(ctx context.Context, phone domain.Phone) (resend time.Duration, ok bool, err error) {
	err = s.tally(ctx, "send/"+string(phone), func(t *store.Tally) bool {
		now := s.Clock.Now()
		if resend = t.Locked.Sub(now); resend > 0 {
			return false
		}
		t.Locked = time.Time{}
		if wait(*t, s.Limits.Sends, now) > 0 {
			resend = s.coolDown(len(s.Limits.CoolDown))
			return false
		}
		mark(t, s.Limits.Sends, now)
		resend, ok = s.coolDown(len(t.Marks)), true
		t.Locked = now.Add(resend)
		return true
	})
	return resend, ok, err
}

// coolDown is the wait after the nth code of a day.
func (s *Service) coolDown(n int) time.Duration {
	all := s.Limits.CoolDown
	if len(all) == 0 {
		return 0
	}
	return all[min(max(n, 1), len(all))-1]
}

// issue stores the challenge; without send it is one that no code solves.
func (s *Service) issue(ctx context.Context, phone domain.Phone, r CodeRequest, resend time.Duration, send bool) (Challenge, error) {
	now := s.Clock.Now()
	c := store.Challenge{ID: s.IDs.New(), Phone: string(phone), Purpose: string(r.Purpose), Install: r.Install,
		Created: now, Resend: now.Add(resend), Expires: now.Add(s.Limits.CodeLife)}
	if send {
		if err := s.arm(&c); err != nil {
			return Challenge{}, err
		}
	}
	if err := s.Store.InsertChallenge(ctx, c); err != nil {
		return Challenge{}, fmt.Errorf("insert challenge: %w", err)
	}
	if len(c.Sealed) > 0 {
		select {
		case s.woken() <- struct{}{}:
		default:
		}
	}
	return Challenge{ID: c.ID, Expires: c.Expires, Resend: resend}, nil
}

// arm gives c a code: a fresh one to be sent, or the fixed one of a test number.
// It asks nothing of the store, or the time of an answer would tell.
func (s *Service) arm(c *store.Challenge) error {
	code, test := s.TestNumbers[domain.Phone(c.Phone)]
	var err error
	if !test {
		if code, err = s.sixDigits(); err != nil {
			return err
		}
		if c.Sealed, err = s.seal("code/"+c.ID, []byte(code)); err != nil {
			return err
		}
	}
	c.Digest, err = s.digest(c.ID, c.Phone, c.Purpose, code)
	return err
}

// sixDigits draws a code, every one of the million equally likely.
func (s *Service) sixDigits() (string, error) {
	const million, fair = 1_000_000, 1<<32 - 1<<32%1_000_000
	for {
		var b [4]byte
		if _, err := io.ReadFull(s.Rand, b[:]); err != nil {
			return "", fmt.Errorf("draw a code: %w", err)
		}
		if n := binary.BigEndian.Uint32(b[:]); n < fair {
			return fmt.Sprintf("%06d", n%million), nil
		}
	}
}

// answer is what a person typed in.
type answer struct {
	challenge, code string
	phone           domain.Phone
	purpose         Purpose
	ip              netip.Addr
	install         string // that may repeat an answer whose login came to nothing; "" for none
}

// redeem uses up the challenge if the code is right. Of any number of parallel
// calls one succeeds; only the installation that asked for the code may repeat it
// for a while: whoever does something with it must bear that.
//
// Errors: Invalid "challenge_unknown", "code_wrong", "code_expired",
// "code_used"; TooMany "too_many_attempts", "login_paused", "rate_limited".
func (s *Service) redeem(ctx context.Context, a answer) error {
	if err := s.takeTry(ctx, a.ip); err != nil {
		return err
	}
	if err := s.checkBreaker(ctx); err != nil {
		return err
	}
	charged := false
	for range rounds {
		c, err := s.living(ctx, a)
		if err != nil {
			return err
		}
		if !charged { // before the guess is looked at, or parallel guesses would be free
			if err := s.chargeGuess(ctx, a.phone); err != nil {
				return err
			}
			charged = true
		}
		right, err := s.spend(ctx, c, a)
		if errors.Is(err, store.ErrStale) {
			continue // somebody else guessed: look again
		}
		if err != nil {
			return err
		}
		return s.settle(ctx, a.phone, right)
	}
	return contended("challenge")
}

// An installation may repeat an answer whose login the server could not finish,
// because its database did not answer or it died: not in the same second, for the
// first one may still be at work, and not for long.
const (
	repeatAfter  = time.Second
	repeatWithin = 2 * time.Minute
)

// repeats reports whether a is such a repetition of the answer that used c.
func (s *Service) repeats(a answer, c store.Challenge) bool {
	return a.install != "" && a.install == c.Install && s.Clock.Now().Sub(c.Consumed) < repeatWithin
}

func codeUsed() error { return refuse(fault.Invalid, "code_used", "code was used") }

// living gives the challenge that a answers, if it can still be answered.
func (s *Service) living(ctx context.Context, a answer) (store.Challenge, error) {
	c, err := s.Store.Challenge(ctx, a.challenge)
	switch {
	case errors.Is(err, store.ErrAbsent), err == nil && (c.Phone != string(a.phone) || c.Purpose != string(a.purpose)):
		return c, refuse(fault.Invalid, "challenge_unknown", "no such challenge for this phone and purpose")
	case err != nil:
		return c, fmt.Errorf("challenge: %w", err)
	case !c.Consumed.IsZero() && !s.repeats(a, c):
		return c, codeUsed()
	case !c.Consumed.IsZero() && s.Clock.Now().Sub(c.Consumed) < repeatAfter:
		return c, &fault.Error{Kind: fault.Conflict, Code: "in_progress", Text: "the first answer is at work", After: repeatAfter}
	case !c.Expires.After(s.Clock.Now()), c.Attempts >= s.Limits.CodeAttempts:
		return c, refuse(fault.Invalid, "code_expired", "code is too old or was guessed at too often")
	}
	return c, nil
}

// spend uses one attempt at c, and c itself if the code is right.
func (s *Service) spend(ctx context.Context, c store.Challenge, a answer) (right bool, err error) {
	want, err := s.digest(c.ID, c.Phone, c.Purpose, a.code)
	if err != nil {
		return false, err
	}
	right = hmac.Equal(want, c.Digest)
	c.Attempts++
	if right && c.Consumed.IsZero() {
		c.Consumed, c.Sealed = s.Clock.Now(), nil
	}
	return right, s.Store.ReplaceChallenge(ctx, c)
}

// chargeGuess takes one guess from the budget that phone has over all its
// codes. When the widest limit is used up the phone is locked.
func (s *Service) chargeGuess(ctx context.Context, phone domain.Phone) error {
	var after time.Duration
	locked := false
	err := s.tally(ctx, "guess/"+string(phone), func(t *store.Tally) bool {
		now, limits := s.Clock.Now(), s.Limits.Guesses
		locked = false
		if after = wait(*t, limits, now); after == 0 {
			mark(t, limits, now)
			return true
		}
		if len(limits) > 0 && !t.Locked.After(now) && waitOne(t.Marks, limits[len(limits)-1], now) > 0 {
			after, locked = s.Limits.Lock, true
			t.Locked = now.Add(after)
			t.Expires = t.Locked
		}
		return locked
	})
	if err != nil || after == 0 {
		return err
	}
	if locked {
		s.tell(ctx, Event{Kind: PhoneLocked, Reason: phone.Masked()})
	}
	return tooMany("too_many_attempts", after)
}

// settle books how a guess ended.
//
// Errors: Invalid "code_wrong".
func (s *Service) settle(ctx context.Context, phone domain.Phone, right bool) error {
	if err := s.countGuess(ctx, phone, right); err != nil {
		return err
	}
	if !right {
		return codeWrong()
	}
	return s.tally(ctx, "guess/"+string(phone), func(t *store.Tally) bool {
		unmark(t)
		return true
	})
}
