package auth_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store/around"
)

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
	_, err := h.CreateUser(t.Context(), "+628117000099", []string{auth.RoleAdmin}) // the last one must stay
	must(t, err)
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
