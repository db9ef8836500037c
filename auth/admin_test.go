package auth_test

import (
	"context"
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
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/around"
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

// TestGuessesSlowDownAndKeepNobodyOut: strangers use up what there is for strangers. An
// installation that was here before, and a session that is, are not touched by it.
func TestGuessesSlowDownAndKeepNobodyOut(t *testing.T) {
	h := newHouse()
	_, app := h.equip(t, phone)
	_, err := h.password(t, phone, password, app.next(t), 1)
	must(t, err)
	var waits []time.Duration
	for tries := 0; tries < 12; {
		switch _, err := h.password(t, phone, "not the password", "000000", 2+tries); {
		case fault.CodeOf(err) == "password_wrong":
			tries++
			waits = append(waits, 0)
		case fault.CodeOf(err) == "too_many_attempts":
			waits[len(waits)-1] += afterOf(err)
			h.clock.Advance(afterOf(err))
		default:
			t.Fatal(err)
		}
	}
	if !slices.IsSorted(waits[:9]) || waits[0] != 0 || waits[8] < time.Minute || waits[9] < 30*time.Minute {
		t.Errorf("waits %v", waits)
	}
	code := app.next(t)
	must(t, untilRefused(h, t, 99))
	_, err = h.password(t, phone, password, code, 99) // whoever knows everything waits too, on a new phone
	wantCode(t, err, fault.TooMany, "too_many_attempts")
	l, err := h.password(t, phone, password, code, 1) // and not on the old one
	must(t, err)
	code = app.next(t)
	must(t, untilRefused(h, t, 99))
	_, err = h.StepUp(t.Context(), h.who(t, l.Access), code)
	must(t, err)
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

func TestTriesOfAnAddressAreBounded(t *testing.T) {
	h := newHouse()
	for n := range 1500 {
		_, err := h.SetUp(t.Context(), auth.SetupRequest{Token: "s1.x.y", Password: password, IP: addr(1)})
		wantCode(t, err, fault.Invalid, "setup_token_invalid")
		if t.Failed() {
			t.Fatalf("at try %d", n)
		}
	}
	for _, try := range []func() error{
		func() error {
			_, err := h.LogIn(t.Context(), auth.PasswordRequest{Phone: phone, Password: password, Code: "000000", IP: addr(1), Device: device(1)})
			return err
		},
		func() error {
			_, err := h.SetUp(t.Context(), auth.SetupRequest{Token: "s1.x.y", Password: password, IP: addr(1)})
			return err
		},
		func() error { return h.ConfirmSetup(t.Context(), "s1.x.y", "000000", addr(1)) },
	} {
		wantCode(t, try(), fault.TooMany, "rate_limited")
	}
	_, err := h.SetUp(t.Context(), auth.SetupRequest{Token: "s1.x.y", Password: password, IP: addr(2)})
	wantCode(t, err, fault.Invalid, "setup_token_invalid")
}

// TestOnlyASecondFactorMakesAProofYoung: a refresh does not.
func TestOnlyASecondFactorMakesAProofYoung(t *testing.T) {
	h := newHouse()
	_, app := h.equip(t, phone)
	l, err := h.password(t, phone, password, app.next(t), 1)
	must(t, err)
	proved := h.clock.Now()
	for _, wait := range []time.Duration{14 * time.Minute, 16 * time.Minute, 3 * time.Hour} {
		h.clock.Advance(wait)
		l.Tokens, err = h.Refresh(t.Context(), l.Refresh)
		must(t, err)
		if who := h.who(t, l.Access); !who.AuthTime.Equal(proved.Truncate(time.Second)) || !who.Proved() || h.Fresh(who) != (h.clock.Now().Sub(proved) <= 15*time.Minute) {
			t.Errorf("after %v: %+v", h.clock.Now().Sub(proved), who)
		}
	}
	code := app.next(t)
	fresh, err := h.StepUp(t.Context(), h.who(t, l.Access), code)
	must(t, err)
	who := h.who(t, fresh.Access)
	if !h.Fresh(who) || !who.AuthTime.Equal(h.clock.Now().Truncate(time.Second)) || fresh.Refresh != l.Refresh {
		t.Errorf("stepped up as %+v", who)
	}
	_, err = h.StepUp(t.Context(), who, code)
	wantCode(t, err, fault.Invalid, "factor_used")
	_, err = h.StepUp(t.Context(), who, wrong(app.at(t, h.clock.Now())))
	wantCode(t, err, fault.Invalid, "code_wrong")
	again, err := h.Refresh(t.Context(), fresh.Refresh)
	must(t, err)
	if later := h.who(t, again.Access); !later.AuthTime.Equal(who.AuthTime) {
		t.Errorf("a refresh lost the proof: %v, want %v", later.AuthTime, who.AuthTime)
	}
	who.AuthTime = h.clock.Now().Add(-15 * time.Minute)
	if !h.Fresh(who) {
		t.Error("fifteen minutes are too long")
	}
	if who.AuthTime = who.AuthTime.Add(-time.Millisecond); h.Fresh(who) {
		t.Error("fifteen minutes are not enough")
	}
}

func TestGuessesOfAStepUpAreBounded(t *testing.T) {
	h := newHouse()
	_, app := h.equip(t, phone)
	l, err := h.password(t, phone, password, app.next(t), 1)
	must(t, err)
	who := h.who(t, l.Access)
	for range 5 {
		_, err := h.StepUp(t.Context(), who, wrong(app.at(t, h.clock.Now())))
		wantCode(t, err, fault.Invalid, "code_wrong")
	}
	_, err = h.StepUp(t.Context(), who, app.next(t))
	wantCode(t, err, fault.TooMany, "too_many_attempts")
	if afterOf(err) > 15*time.Minute {
		t.Errorf("wait %v", afterOf(err))
	}
	h.clock.Advance(afterOf(err))
	_, err = h.StepUp(t.Context(), who, app.next(t))
	must(t, err)
}

// TestALoginByCodeOfAnAdminProvesNothing: nor can it be made to.
func TestALoginByCodeOfAnAdminProvesNothing(t *testing.T) {
	h := newHouse()
	u, app := h.equip(t, phone)
	other, err := h.CreateUser(t.Context(), "+628117000002", []string{auth.RoleMentor})
	must(t, err)
	by := h.login(t, phone, 1)
	who := h.who(t, by.Access)
	if who.Proved() {
		t.Errorf("proved by a code: %+v", who)
	}
	_, err = h.StepUp(t.Context(), who, app.next(t))
	wantCode(t, err, fault.Forbidden, "second_factor_required")
	wantCode(t, h.ChangePassword(t.Context(), who, password, "delapan perahu di dermaga", app.next(t)), fault.Forbidden, "second_factor_required")
	wantCode(t, h.Attest(t.Context(), who, other.ID, start()), fault.Forbidden, "second_factor_required")
	must(t, h.SetRoles(t.Context(), u.ID, []string{auth.RoleAdmin, auth.RoleMentor}))
	must(t, h.Attest(t.Context(), who, other.ID, start())) // as a mentor
	must(t, h.SetRoles(t.Context(), u.ID, []string{auth.RoleAdmin}))
	l, err := h.password(t, phone, password, app.next(t), 2)
	must(t, err)
	must(t, h.Attest(t.Context(), h.who(t, l.Access), other.ID, start()))
}

func TestALostPhoneEndsEverything(t *testing.T) {
	h := newHouse()
	u, app := h.equip(t, phone)
	l, err := h.password(t, phone, password, app.next(t), 1)
	must(t, err)
	by := h.login(t, phone, 2)
	again := h.setUp(t, u)
	for _, gone := range []auth.Login{l, by} {
		_, err = h.Authenticate(t.Context(), gone.Access)
		wantCode(t, err, fault.Unauthorized, "session_revoked")
		_, err = h.Refresh(t.Context(), gone.Refresh)
		wantCode(t, err, fault.Unauthorized, "session_revoked")
	}
	_, err = h.password(t, phone, password, app.next(t), 1)
	wantCode(t, err, fault.Invalid, "password_wrong")
	_, err = h.password(t, phone, password, app.paper[0], 1)
	wantCode(t, err, fault.Invalid, "password_wrong")
	_, err = h.password(t, phone, password, again.next(t), 1)
	must(t, err)
}

// TestAResetInTheMiddleOfALogin takes the factor away just before the session of a login
// is stored that has proved everything: it must not outlive that.
func TestAResetInTheMiddleOfALogin(t *testing.T) {
	memory := &storefault.MemoryIdentity{}
	h := houseOn(memory, clock.At(start()))
	u, app := h.equip(t, phone)
	thief := houseOn(around.Identity(memory, func(ctx context.Context, c around.Call, do func(context.Context) error) error {
		if c.Method == "InsertSession" {
			if _, _, err := h.ResetFactor(ctx, u.ID); err != nil {
				return err
			}
		}
		return do(ctx)
	}), h.clock)
	_, err := thief.password(t, phone, password, app.next(t), 1)
	wantCode(t, err, fault.Invalid, "password_wrong")
	if all, err := h.Sessions(t.Context(), u.ID); err != nil || len(all) != 0 {
		t.Errorf("%d sessions live, %v", len(all), err)
	}
}

// TestAPasswordThatChangesInTheMiddleOfALogin is changed when it has been checked, and
// before the code is taken.
func TestAPasswordThatChangesInTheMiddleOfALogin(t *testing.T) {
	memory := &storefault.MemoryIdentity{}
	h := houseOn(memory, clock.At(start()))
	_, app := h.equip(t, phone)
	l, err := h.password(t, phone, password, app.next(t), 1)
	must(t, err)
	mine, late := app.next(t), app.next(t)
	reads := 0
	thief := houseOn(around.Identity(memory, func(ctx context.Context, c around.Call, do func(context.Context) error) error {
		if c.Method == "Credential" {
			if reads++; reads == 2 {
				if err := h.ChangePassword(ctx, h.who(t, l.Access), password, "delapan perahu di dermaga", mine); err != nil {
					return err
				}
			}
		}
		return do(ctx)
	}), h.clock)
	_, err = thief.password(t, phone, password, late, 2)
	wantCode(t, err, fault.Invalid, "password_wrong")
	if reads != 2 {
		t.Errorf("%d reads", reads)
	}
	_, err = h.password(t, phone, "delapan perahu di dermaga", late, 1)
	must(t, err)
}

func TestAPasswordIsChangedByWhoKnowsItAndHasTheFactor(t *testing.T) {
	h := newHouse()
	h.untiring()
	const next = "delapan perahu di dermaga"
	_, app := h.equip(t, phone)
	l, err := h.password(t, phone, password, app.next(t), 1)
	must(t, err)
	other, err := h.password(t, phone, password, app.next(t), 2)
	must(t, err)
	who, ctx := h.who(t, l.Access), t.Context()
	code := app.next(t)
	wantCode(t, h.ChangePassword(ctx, who, password, "lumbung123456", code), fault.Invalid, "password_weak")
	wantCode(t, h.ChangePassword(ctx, who, "not the password", next, code), fault.Invalid, "password_wrong")
	wantCode(t, h.ChangePassword(ctx, who, password, next, wrong(code)), fault.Invalid, "code_wrong")
	must(t, h.ChangePassword(ctx, who, password, next, code))
	wantCode(t, h.ChangePassword(ctx, who, next, password, code), fault.Invalid, "factor_used")
	h.who(t, l.Access)
	_, err = h.Authenticate(ctx, other.Access)
	wantCode(t, err, fault.Unauthorized, "session_revoked")
	_, err = h.password(t, phone, password, app.next(t), 3)
	wantCode(t, err, fault.Invalid, "password_wrong")
	_, err = h.password(t, phone, next, app.next(t), 3)
	must(t, err)
}

func TestTheSameLettersAreTheSamePassword(t *testing.T) {
	h := newHouse()
	u, err := h.CreateUser(t.Context(), phone, []string{auth.RoleAdmin})
	must(t, err)
	token, _, err := h.ResetFactor(t.Context(), u.ID)
	must(t, err)
	set, err := h.SetUp(t.Context(), auth.SetupRequest{Token: token, Password: "café di teluk betung"}) // é as one rune
	must(t, err)
	app := &authenticator{h: h, secret: set.Secret}
	must(t, h.ConfirmSetup(t.Context(), token, app.next(t), netip.Addr{}))
	_, err = h.password(t, phone, "cafe\u0301 di teluk betung", app.next(t), 1)
	must(t, err)
}

func TestSuspendedAndErasedAdminsDoNotLogIn(t *testing.T) {
	h := newHouse()
	u, app := h.equip(t, phone)
	l, err := h.password(t, phone, password, app.next(t), 1)
	must(t, err)
	must(t, h.Suspend(t.Context(), u.ID))
	_, err = h.Authenticate(t.Context(), l.Access)
	wantCode(t, err, fault.Forbidden, "account_suspended")
	_, err = h.password(t, phone, password, app.next(t), 1)
	wantCode(t, err, fault.Forbidden, "account_suspended")
	_, err = h.password(t, phone, "not the password", app.next(t), 1) // that is only for who knows the password
	wantCode(t, err, fault.Invalid, "password_wrong")
	must(t, h.Restore(t.Context(), u.ID))
	must(t, h.Erase(t.Context(), u.ID))
	c, err := h.Store.Credential(t.Context(), u.ID)
	must(t, err)
	if c.Password != "" || c.Secret != nil || c.Recovery != nil {
		t.Errorf("erased, and still there: %+v", c)
	}
	_, err = h.password(t, phone, password, app.next(t), 1)
	wantCode(t, err, fault.Invalid, "password_wrong")
}
