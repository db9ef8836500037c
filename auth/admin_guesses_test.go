package auth_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/fault"
)

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

func TestTriesOfAnAddressAreBounded(t *testing.T) {
	h := newHouse()
	for n := range h.Limits.TriesAddress[0].Max {
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
