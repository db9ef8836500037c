package auth_test

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

const password = "tujuh kapal di teluk"

// authenticator is the app that shows an admin's codes.
type authenticator struct {
	h      house
	secret string
	paper  []string
	shown  time.Time // the step of the newest code
}

// at is the code of an instant.
func (a *authenticator) at(t testing.TB, at time.Time) string {
	t.Helper()
	code, err := auth.FactorCode(a.secret, at)
	must(t, err)
	return code
}

// twice reports whether another step around the present one has the code of an instant.
func (a *authenticator) twice(t testing.TB, at time.Time) bool {
	t.Helper()
	for n := -1; n <= 1; n++ {
		other := a.h.clock.Now().Add(time.Duration(n) * 30 * time.Second)
		if !other.Equal(at) && a.at(t, other) == a.at(t, at) {
			return true
		}
	}
	return false
}

// next is a code that was not shown before; the clock moves for it if need be.
func (a *authenticator) next(t testing.TB) string {
	t.Helper()
	for !a.h.clock.Now().Truncate(30 * time.Second).After(a.shown) {
		a.h.clock.Advance(30 * time.Second)
	}
	a.shown = a.h.clock.Now().Truncate(30 * time.Second)
	return a.at(t, a.shown)
}

// equip makes an admin who has set up a password and a second factor.
func (h house) equip(t testing.TB, phone string) (store.User, *authenticator) {
	t.Helper()
	u, err := h.CreateUser(t.Context(), phone, []string{auth.RoleAdmin})
	must(t, err)
	return u, h.setUp(t, u)
}

func (h house) setUp(t testing.TB, u store.User) *authenticator {
	t.Helper()
	token, _, err := h.ResetFactor(t.Context(), u.ID)
	must(t, err)
	set, err := h.SetUp(t.Context(), auth.SetupRequest{Token: token, Password: password})
	must(t, err)
	a := &authenticator{h: h, secret: set.Secret, paper: set.Recovery}
	must(t, h.ConfirmSetup(t.Context(), token, a.next(t), netip.Addr{}))
	return a
}

func (h house) password(t testing.TB, phone, password, code string, install int) (auth.Login, error) {
	return h.LogIn(t.Context(), auth.PasswordRequest{Phone: phone, Password: password, Code: code, Device: device(install)})
}

// who reads an access token.
func (h house) who(t testing.TB, access string) auth.Identity {
	t.Helper()
	who, err := h.Authenticate(t.Context(), access)
	must(t, err)
	return who
}

func afterOf(err error) time.Duration {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.After
	}
	return 0
}

// untiring takes away what slows guesses down.
func (h house) untiring() {
	h.Limits.PasswordTries, h.Limits.SlowDown, h.Limits.HashLine = []auth.Limit{{Max: 1 << 20, Window: time.Hour}}, nil, 1000
	h.Limits.FactorTries, h.Limits.TriesAddress = h.Limits.PasswordTries, h.Limits.PasswordTries
}

func TestTheFirstAdminSetsUpAndLogsIn(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			h := houseOn(open(t), clock.At(start()))
			ctx := t.Context()
			u, err := h.CreateUser(ctx, phone, []string{auth.RoleAdmin})
			must(t, err)
			token, expires, err := h.ResetFactor(ctx, u.ID)
			must(t, err)
			if !expires.Equal(start().Add(day)) {
				t.Errorf("the token is good until %v", expires)
			}
			wantCode(t, h.ConfirmSetup(ctx, token, "000000", addr(1)), fault.Invalid, "code_wrong")
			_, err = h.SetUp(ctx, auth.SetupRequest{Token: token, Password: "short"})
			wantCode(t, err, fault.Invalid, "password_weak")
			first, err := h.SetUp(ctx, auth.SetupRequest{Token: token, Password: password, IP: addr(1)})
			must(t, err)
			set, err := h.SetUp(ctx, auth.SetupRequest{Token: token, Password: password, IP: addr(1)}) // the answer was lost
			must(t, err)
			if set.Secret == first.Secret || len(set.Recovery) != 10 || !strings.HasPrefix(set.URI, "otpauth://totp/Lumbung:"+phone+"?") || !strings.Contains(set.URI, "secret="+set.Secret) {
				t.Errorf("set up %+v after %+v", set, first)
			}
			app, old := &authenticator{h: h, secret: set.Secret}, &authenticator{h: h, secret: first.Secret}
			_, err = h.password(t, phone, password, app.next(t), 1)
			wantCode(t, err, fault.Invalid, "password_wrong") // not confirmed yet
			wantCode(t, h.ConfirmSetup(ctx, token, old.next(t), addr(1)), fault.Invalid, "code_wrong")
			wantCode(t, h.ConfirmSetup(ctx, token, set.Recovery[0], addr(1)), fault.Invalid, "code_wrong") // the app must work
			confirm := app.at(t, h.clock.Now())
			must(t, h.ConfirmSetup(ctx, token, confirm, addr(1)))
			_, err = h.password(t, phone, password, confirm, 1)
			wantCode(t, err, fault.Invalid, "factor_used")
			l, err := h.password(t, phone, password, app.next(t), 1)
			must(t, err)
			who := h.who(t, l.Access)
			if !who.Proved() || !slices.Equal(who.Methods, []string{"pwd", "otp"}) || !who.AuthTime.Equal(h.clock.Now().Truncate(time.Second)) || who.User != u.ID {
				t.Errorf("logged in as %+v", who)
			}
			wantCode(t, h.ConfirmSetup(ctx, token, app.next(t), addr(1)), fault.Invalid, "setup_token_invalid")
			_, err = h.SetUp(ctx, auth.SetupRequest{Token: token, Password: password})
			wantCode(t, err, fault.Invalid, "setup_token_invalid")
		})
	}
}

func TestASetUpTokenIsForOneDayAndOnePerson(t *testing.T) {
	h := newHouse()
	ctx := t.Context()
	u, err := h.CreateUser(ctx, phone, []string{auth.RoleAdmin})
	must(t, err)
	other, err := h.CreateUser(ctx, "+628117000002", []string{auth.RoleAdmin})
	must(t, err)
	token, _, err := h.ResetFactor(ctx, u.ID)
	must(t, err)
	newer, _, err := h.ResetFactor(ctx, u.ID)
	must(t, err)
	secret := newer[strings.LastIndex(newer, ".")+1:]
	for name, bad := range map[string]string{"an older one": token, "another person's": "s1." + other.ID + "." + secret, "nobody's": "s1.018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60." + secret,
		"none": "", "rubbish": "s1.x.y", "a cut one": newer[:len(newer)-1], "a longer one": newer + "A", "of another version": "s2" + newer[2:], "a very long one": newer + strings.Repeat("A", 300)} {
		if _, err := h.SetUp(ctx, auth.SetupRequest{Token: bad, Password: password}); fault.CodeOf(err) != "setup_token_invalid" {
			t.Errorf("%s: %v", name, err)
		}
	}
	done, _ := auth.Hashed(h.Service)
	if done != 0 {
		t.Errorf("%d passwords were hashed for bad tokens", done)
	}
	h.clock.Advance(day - time.Millisecond)
	_, err = h.SetUp(ctx, auth.SetupRequest{Token: newer, Password: password})
	must(t, err)
	h.clock.Advance(time.Millisecond)
	_, err = h.SetUp(ctx, auth.SetupRequest{Token: newer, Password: password})
	wantCode(t, err, fault.Invalid, "setup_token_invalid")
	nobody, err := h.CreateUser(ctx, "+628117000003", nil)
	must(t, err)
	_, _, err = h.ResetFactor(ctx, nobody.ID)
	wantCode(t, err, fault.Conflict, "conflict")
	_, _, err = h.ResetFactor(ctx, "x")
	wantCode(t, err, fault.NotFound, "not_found")
}

// TestWhateverIsWrongAnswersTheSame: a stranger learns nothing from the answer, and each
// costs one hash.
func TestWhateverIsWrongAnswersTheSame(t *testing.T) {
	h := newHouse()
	h.untiring()
	_, app := h.equip(t, phone)
	pending, err := h.CreateUser(t.Context(), "+628117000002", []string{auth.RoleAdmin})
	must(t, err)
	token, _, err := h.ResetFactor(t.Context(), pending.ID)
	must(t, err)
	_, err = h.SetUp(t.Context(), auth.SetupRequest{Token: token, Password: password})
	must(t, err)
	_, err = h.CreateUser(t.Context(), "+628117000003", nil)
	must(t, err)
	right := app.next(t)
	var want error
	for _, tt := range []struct{ name, phone, password, code string }{
		{"a wrong password", phone, "tujuh kapal di telaga", right},
		{"a wrong code", phone, password, wrong(right)},
		{"both wrong", phone, "tujuh kapal di telaga", wrong(right)},
		{"a code from an hour ago", phone, password, app.at(t, h.clock.Now().Add(-time.Hour))},
		{"a code that is none", phone, password, "abc"},
		{"somebody unknown", "+628117000099", password, right},
		{"somebody without a password", "+628117000003", password, right},
		{"somebody who has not confirmed", "+628117000002", password, right},
		{"a password without end", phone, strings.Repeat("x", 500), right},
	} {
		before, _ := auth.Hashed(h.Service)
		_, err := h.password(t, tt.phone, tt.password, tt.code, 1)
		wantCode(t, err, fault.Invalid, "password_wrong")
		if want == nil {
			want = err
		}
		if !reflect.DeepEqual(err, want) {
			t.Errorf("%s is answered %+v, the first was %+v", tt.name, err, want)
		}
		if after, _ := auth.Hashed(h.Service); after != before+1 {
			t.Errorf("%s costs %d hashes", tt.name, after-before)
		}
	}
	_, err = h.password(t, phone, password, right, 1) // and none of it used the code up
	must(t, err)
}

// TestOneCodeGivesOneLogin sends a code fifty times at once, then again.
func TestOneCodeGivesOneLogin(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			h := houseOn(open(t), clock.At(start()))
			h.untiring()
			u, app := h.equip(t, phone)
			for round, code := range []string{app.next(t), app.paper[0]} {
				var in atomic.Int32
				parallel(50, func(i int) {
					_, err := h.password(t, phone, password, code, 100*round+i)
					if err == nil {
						in.Add(1)
						return
					}
					wantCode(t, err, fault.Invalid, "factor_used")
				})
				if in.Load() != 1 {
					t.Errorf("%d logins with one code", in.Load())
				}
				_, err := h.password(t, phone, password, code, 1)
				wantCode(t, err, fault.Invalid, "factor_used")
			}
			if all, err := h.Sessions(t.Context(), u.ID); err != nil || len(all) != 2 {
				t.Errorf("%d sessions, %v", len(all), err)
			}
		})
	}
}

// TestAStepIsNeverTakenAgain draws codes around the present one: one is taken if it is
// newer than all before and at most one step from now.
func TestAStepIsNeverTakenAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHouse()
		h.untiring()
		_, app := h.equip(t, phone)
		step := func(at time.Time) int64 { return at.Unix() / 30 }
		newest := step(app.shown)
		for range rapid.IntRange(1, 12).Draw(rt, "tries") {
			h.clock.Advance(time.Duration(rapid.IntRange(0, 70).Draw(rt, "seconds")) * time.Second)
			aside := rapid.IntRange(-3, 3).Draw(rt, "aside")
			at := h.clock.Now().Add(time.Duration(aside) * 30 * time.Second)
			if app.twice(t, at) {
				continue // two steps have one code, by chance
			}
			_, err := h.password(t, phone, password, app.at(t, at), 1)
			switch near := aside >= -1 && aside <= 1; {
			case near && step(at) > newest:
				if err != nil {
					rt.Fatalf("step %d after %d: %v", step(at), newest, err)
				}
				newest = step(at)
			case near && fault.CodeOf(err) != "factor_used", !near && fault.CodeOf(err) != "password_wrong":
				rt.Fatalf("step %d after %d, %d aside: %v", step(at), newest, aside, err)
			}
		}
	})
}

func TestRecoveryCodesWorkOnceInEverySpelling(t *testing.T) {
	h := newHouse()
	h.untiring()
	_, app := h.equip(t, phone)
	spell := []func(string) string{strings.ToLower, func(s string) string { return strings.ReplaceAll(s, "-", "") }, func(s string) string { return strings.ReplaceAll(s, "-", " ") }}
	seen := map[string]bool{}
	for i, code := range app.paper {
		if seen[code] || len(code) != 19 {
			t.Errorf("code %q", code)
		}
		seen[code] = true
		_, err := h.password(t, phone, password, spell[i%len(spell)](code), 1)
		must(t, err)
		_, err = h.password(t, phone, password, code, 1)
		wantCode(t, err, fault.Invalid, "factor_used")
	}
	_, err := h.password(t, phone, password, "AAAA-AAAA-AAAA-AAAA", 1)
	wantCode(t, err, fault.Invalid, "password_wrong")
	_, err = h.password(t, phone, password, app.next(t), 1) // codes of the app go on
	must(t, err)
}

// TestNothingStoredOpensAnything looks for what was shown in what is stored.
func TestNothingStoredOpensAnything(t *testing.T) {
	h := newHouse()
	u, app := h.equip(t, phone)
	c, err := h.Store.Credential(t.Context(), u.ID)
	must(t, err)
	stored := c.Password + string(c.Secret)
	for _, r := range c.Recovery {
		stored += string(r.Digest)
	}
	for _, secret := range append(app.paper, app.secret, password) {
		if strings.Contains(stored, secret) || strings.Contains(stored, strings.ReplaceAll(secret, "-", "")) {
			t.Errorf("%q is stored as it is", secret)
		}
	}
	c.User = "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60" // what is another's does not open
	must(t, h.Store.InsertUser(t.Context(), store.User{ID: c.User, Phone: "+628117000002", Status: store.UserActive, Roles: []string{auth.RoleAdmin}}))
	must(t, h.Store.InsertCredential(t.Context(), c))
	if _, err := h.password(t, "+628117000002", password, app.next(t), 1); err == nil {
		t.Error("the second factor of one person opens the account of another")
	}
}

// untilRefused guesses until guesses are refused.
func untilRefused(h house, t *testing.T, install int) error {
	for range 100 {
		_, err := h.password(t, phone, "not the password", "000000", install)
		if fault.CodeOf(err) == "too_many_attempts" {
			return nil
		}
		if fault.CodeOf(err) != "password_wrong" {
			return err
		}
	}
	return errors.New("guesses without end")
}
