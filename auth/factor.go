package auth

import (
	"context"
	"crypto/hmac"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// The second factor is a code of six digits that an app on the phone makes from a secret
// and the time (TOTP, RFC 6238). Every app knows this one form of it.
const (
	stepLength    = 30 * time.Second
	stepsAside    = 1  // that the clock of the phone may be wrong
	recoveryCodes = 10 // to keep on paper
	recoverySize  = 10 // bytes of one
)

func totpForm() totp.ValidateOpts {
	return totp.ValidateOpts{Period: uint(stepLength / time.Second), Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
}

// FactorCode is what an authenticator app with that secret shows at an instant: for
// people in a play.
func FactorCode(secret string, at time.Time) (string, error) {
	return totp.GenerateCodeCustom(secret, at, totpForm())
}

// stepOf is the newest step around an instant that has this code. ok is false if none
// has.
func stepOf(secret, code string, now time.Time) (step int64, ok bool, err error) {
	for n := int64(-stepsAside); n <= stepsAside; n++ {
		at := now.Add(time.Duration(n) * stepLength)
		want, err := FactorCode(secret, at)
		if err != nil {
			return 0, false, fmt.Errorf("code of a step: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = at.Unix()/int64(stepLength/time.Second), true
		}
	}
	return step, ok, nil
}

// useFactor marks a code of the app, or one from paper, as used in c, which is not stored
// yet.
//
// Errors: Invalid "code_wrong"; Invalid "factor_used" for one that was taken before, or
// is older than one that was.
func (s *Service) useFactor(c *store.Credential, code string) error {
	code = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code))
	if len(code) == otp.DigitsSix.Length() {
		return s.useStep(c, code)
	}
	digest, err := s.keyed("recovery", c.User, code)
	if err != nil {
		return err
	}
	for i := range c.Recovery {
		r := &c.Recovery[i]
		switch {
		case !hmac.Equal(r.Digest, digest):
		case !r.Used.IsZero():
			return factorUsed()
		default:
			r.Used = s.Clock.Now()
			return nil
		}
	}
	return codeWrong()
}

func (s *Service) useStep(c *store.Credential, code string) error {
	if len(c.Secret) == 0 {
		return codeWrong()
	}
	secret, err := s.unseal("totp/"+c.User, c.Secret)
	if err != nil {
		return err
	}
	step, ok, err := stepOf(string(secret), code, s.Clock.Now())
	switch {
	case err != nil:
		return err
	case !ok:
		return codeWrong()
	case step <= c.Step:
		return factorUsed()
	}
	c.Step = step
	return nil
}

func codeWrong() error { return refuse(fault.Invalid, "code_wrong", "code is wrong") }
func factorUsed() error {
	return refuse(fault.Invalid, "factor_used", "code of the second factor was used")
}

// secondFactorRequired refuses somebody who has the right, and has not shown enough for it.
func secondFactorRequired() error {
	return refuse(fault.Forbidden, "second_factor_required", "session did not prove a password and a second factor")
}

// newFactor gives c a fresh secret and fresh codes for paper. What is returned is shown
// once and stored nowhere.
func (s *Service) newFactor(c *store.Credential, account string) (key *otp.Key, paper []string, err error) {
	form := totpForm()
	key, err = totp.Generate(totp.GenerateOpts{Issuer: "Lumbung", AccountName: account, Period: form.Period, Digits: form.Digits, Algorithm: form.Algorithm, Rand: s.Rand})
	if err != nil {
		return nil, nil, fmt.Errorf("draw a second factor: %w", err)
	}
	if c.Secret, err = s.seal("totp/"+c.User, []byte(key.Secret())); err != nil {
		return nil, nil, err
	}
	c.Step, c.Recovery = 0, nil
	for range recoveryCodes {
		raw := make([]byte, recoverySize)
		if _, err := io.ReadFull(s.Rand, raw); err != nil {
			return nil, nil, fmt.Errorf("draw a recovery code: %w", err)
		}
		code := base32.StdEncoding.EncodeToString(raw)
		digest, err := s.keyed("recovery", c.User, code)
		if err != nil {
			return nil, nil, err
		}
		c.Recovery = append(c.Recovery, store.RecoveryCode{Digest: digest})
		paper = append(paper, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
	}
	return key, paper, nil
}

// credential reads what a user proves themselves with; the zero value if there is nothing.
func (s *Service) credential(ctx context.Context, user string) (store.Credential, error) {
	c, err := s.Store.Credential(ctx, user)
	if errors.Is(err, store.ErrAbsent) {
		return store.Credential{User: user}, nil
	}
	if err != nil {
		return c, fmt.Errorf("credential: %w", err)
	}
	return c, nil
}

// editCredential changes what a user proves themselves with by edit, which may be called
// again when somebody else was faster; its error leaves everything as it is.
func (s *Service) editCredential(ctx context.Context, user string, edit func(*store.Credential) error) (store.Credential, error) {
	for range rounds {
		c, err := s.credential(ctx, user)
		if err != nil {
			return c, err
		}
		if err := edit(&c); err != nil {
			return c, err
		}
		if c.Rev == 0 {
			err = s.Store.InsertCredential(ctx, c)
		} else {
			err = s.Store.ReplaceCredential(ctx, c)
		}
		if err == nil {
			c.Rev++
			return c, nil
		}
		if !errors.Is(err, store.ErrTaken) && !errors.Is(err, store.ErrStale) {
			return c, fmt.Errorf("store credential: %w", err)
		}
	}
	return store.Credential{}, contended("credential")
}
