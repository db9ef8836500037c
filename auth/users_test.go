package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
)

func TestARecycledNumberNeedsASecondFact(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	mentor, err := h.CreateUser(t.Context(), "+628117000009", []string{"mentor"})
	must(t, err)
	h.clock.Advance(89 * day)
	if _, err := h.Refresh(t.Context(), l.Refresh); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(89 * day)
	c := h.ask(t, phone, 2)
	if _, err := h.try(t, phone, c, h.box.code(c.ID), 2); err != nil {
		t.Errorf("89 days after the last refresh: %v", err)
	}
	h.clock.Advance(91 * day)
	c = h.ask(t, phone, 3)
	_, err = h.try(t, phone, c, h.box.code(c.ID), 3)
	wantCode(t, err, fault.Forbidden, "second_fact_required")
	wantKeepOutbox(t, err)
	if h.events.count(auth.SecondFactNeeded) != 1 {
		t.Error("nobody was told")
	}
	must(t, h.Attest(t.Context(), auth.Identity{User: mentor.ID}, l.User.ID, h.clock.Now().Add(day)))
	h.clock.Advance(10 * time.Minute)
	if in := h.login(t, phone, 3); in.User.ID != l.User.ID {
		t.Error("another user")
	}
	h.clock.Advance(91 * day)
	c = h.ask(t, phone, 4)
	_, err = h.try(t, phone, c, h.box.code(c.ID), 4)
	wantCode(t, err, fault.Forbidden, "second_fact_required")
	h.clock.Advance(10 * time.Minute)
	h.login(t, phone, 1) // a phone that the account knows
}

func TestOnlyAnotherMentorOrAdminVouches(t *testing.T) {
	h := newHouse()
	a, b := h.login(t, phone, 1).User, h.login(t, "+628117000002", 2).User
	m, err := h.CreateUser(t.Context(), "+628117000009", []string{"mentor"})
	must(t, err)
	wantCode(t, h.Attest(t.Context(), auth.Identity{User: a.ID}, b.ID, start()), fault.Forbidden, "forbidden")
	wantCode(t, h.Attest(t.Context(), auth.Identity{User: m.ID}, m.ID, start()), fault.Forbidden, "forbidden")
	wantCode(t, h.Attest(t.Context(), auth.Identity{User: m.ID}, "x", start()), fault.NotFound, "not_found")
	must(t, h.Suspend(t.Context(), m.ID))
	wantCode(t, h.Attest(t.Context(), auth.Identity{User: m.ID}, b.ID, start()), fault.Forbidden, "forbidden")
}

func TestASuspendedUserCannotLogIn(t *testing.T) {
	h := newHouse()
	u, err := h.CreateUser(t.Context(), phone, nil)
	must(t, err)
	c := h.ask(t, phone, 1)
	must(t, h.Suspend(t.Context(), u.ID))
	_, err = h.try(t, phone, c, h.box.code(c.ID), 1)
	wantCode(t, err, fault.Forbidden, "account_suspended")
}

func TestAnInvitedUserBecomesActiveAtLogin(t *testing.T) {
	h := newHouse()
	first, err := h.InviteByPhone(t.Context(), "0811 7000 001")
	must(t, err)
	again, err := h.InviteByPhone(t.Context(), phone)
	must(t, err)
	h.clock.Advance(200 * day)
	l := h.login(t, phone, 1)
	if first != again || l.User.ID != first || l.User.Status != store.UserActive {
		t.Errorf("invited %s and %s, logged in %+v", first, again, l.User)
	}
}

func TestUsersAreMadeOnce(t *testing.T) {
	h := newHouse()
	u, err := h.CreateUser(t.Context(), phone, []string{"mentor", "admin", "mentor"})
	must(t, err)
	if strings.Join(u.Roles, " ") != "admin mentor" {
		t.Errorf("roles %q", u.Roles)
	}
	_, err = h.CreateUser(t.Context(), "0811-7000-001", nil)
	wantCode(t, err, fault.Conflict, "conflict")
	_, err = h.CreateUser(t.Context(), "+628117000002", []string{"root"})
	wantCode(t, err, fault.Invalid, "invalid_value")
	wantCode(t, h.SetRoles(t.Context(), u.ID, []string{"root"}), fault.Invalid, "invalid_value")
	wantCode(t, h.SetRoles(t.Context(), "x", nil), fault.NotFound, "not_found")
	ids := make([]string, 20)
	parallel(20, func(i int) {
		var err error
		if ids[i], err = h.InviteByPhone(t.Context(), "+628117000003"); err != nil {
			t.Errorf("invite: %v", err)
		}
	})
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("one phone became users %s and %s", ids[0], id)
		}
	}
}

func TestAnErasedPhoneStartsAnew(t *testing.T) {
	h := newHouse()
	old := h.login(t, phone, 1)
	must(t, h.Erase(t.Context(), old.User.ID))
	u, err := h.User(t.Context(), old.User.ID)
	if err != nil || u.Phone != "" || u.Status != store.UserErased {
		t.Errorf("erased user %+v, %v", u, err)
	}
	if fresh := h.login(t, phone, 1); fresh.User.ID == old.User.ID || fresh.Device == old.Device {
		t.Error("the new owner of the number got the old account")
	}
}

func TestASixthDeviceEndsTheOneSilentForLongest(t *testing.T) {
	h := newHouse()
	var all []auth.Login
	for i := range 6 {
		if i == 5 {
			h.Contact(all[0].Device, time.Time{}, 0) // the oldest one was just heard of
		}
		all = append(all, h.login(t, phone, i))
		h.clock.Advance(day)
	}
	_, err := h.Refresh(t.Context(), all[1].Refresh)
	wantCode(t, err, fault.Unauthorized, "session_revoked")
	for _, i := range []int{0, 2, 3, 4, 5} {
		if _, err := h.Refresh(t.Context(), all[i].Refresh); err != nil {
			t.Errorf("device %d: %v", i, err)
		}
	}
	h.clock.Advance(time.Hour)
	back := h.login(t, phone, 1) // it may come back
	if back.Device != all[1].Device {
		t.Error("the same phone became another device")
	}
}

func TestSessionsAreListedAndEndedByTheirOwnerOnly(t *testing.T) {
	h := newHouse()
	a, b, stranger := h.login(t, phone, 1), h.login(t, phone, 2), h.login(t, "+628117000002", 3)
	list, err := h.Sessions(t.Context(), a.User.ID)
	if err != nil || len(list) != 2 || list[0].ID != b.Session || list[1].Device.ID != a.Device || list[0].Device.Model != "A03" {
		t.Errorf("sessions %+v, %v", list, err)
	}
	wantCode(t, h.RevokeSession(t.Context(), stranger.User.ID, a.Session, "x"), fault.NotFound, "not_found")
	wantCode(t, h.RevokeDevice(t.Context(), stranger.User.ID, a.Device, store.DeviceLost), fault.NotFound, "not_found")
	must(t, h.RevokeSession(t.Context(), a.User.ID, a.Session, "logout"))
	must(t, h.RevokeSession(t.Context(), a.User.ID, a.Session, "again"))
	again := h.login(t, phone, 2) // replaces the session of the same phone
	list, err = h.Sessions(t.Context(), a.User.ID)
	if err != nil || len(list) != 1 || list[0].ID != again.Session {
		t.Errorf("sessions %+v, %v, want the newest alone", list, err)
	}
	s, err := h.Store.Session(t.Context(), a.Session)
	if err != nil || s.Reason != "logout" {
		t.Errorf("reason %q, %v, want the first one", s.Reason, err)
	}
}

func TestAnIncarnationBelongsToOneUserOnOneDevice(t *testing.T) {
	h := newHouse()
	a, b := h.login(t, phone, 1), h.login(t, "+628117000002", 1)
	if a.Device == b.Device {
		t.Error("two users of one phone share a device")
	}
	i, err := h.Incarnation(t.Context(), a.Incarnation)
	if err != nil || i.User != a.User.ID || i.Device != a.Device {
		t.Errorf("incarnation %+v, %v", i, err)
	}
	const own = "x0123456789abcdef"
	must(t, h.ClaimIncarnation(t.Context(), a.User.ID, a.Device, own))
	must(t, h.ClaimIncarnation(t.Context(), a.User.ID, a.Device, own))
	wantCode(t, h.ClaimIncarnation(t.Context(), b.User.ID, b.Device, own), fault.Conflict, "owner_mismatch")
	wantCode(t, h.ClaimIncarnation(t.Context(), b.User.ID, a.Device, own+"1"), fault.NotFound, "not_found")
	wantCode(t, h.ClaimIncarnation(t.Context(), a.User.ID, a.Device, "x7"), fault.Invalid, "device_invalid")
	_, err = h.Incarnation(t.Context(), "none")
	wantCode(t, err, fault.NotFound, "not_found")
	devices, err := h.Devices(t.Context(), a.User.ID)
	if err != nil || len(devices) != 1 || devices[0].Incarnation != own {
		t.Errorf("devices %+v, %v", devices, err)
	}
}

// slow counts writes of health figures and can refuse them.
type slow struct {
	store.Identity
	batches [][]store.Contact
	fail    error
}

func (s *slow) SaveContacts(ctx context.Context, c []store.Contact) error {
	if s.fail != nil {
		return s.fail
	}
	s.batches = append(s.batches, c)
	return s.Identity.SaveContacts(ctx, c)
}

func TestHealthIsWrittenOnceAMinuteAndAtTheEnd(t *testing.T) {
	s := &slow{Identity: &storefault.MemoryIdentity{}}
	h := houseOn(s, clock.At(start()))
	l := h.login(t, phone, 1)
	oldest := h.clock.Now().Add(-3 * day)
	for i := range 120 {
		h.Contact(l.Device, oldest, i)
		must(t, auth.FlushDue(t.Context(), h.Service))
		h.clock.Advance(time.Second)
	}
	if len(s.batches) != 2 {
		t.Errorf("%d writes in two minutes, want 2", len(s.batches))
	}
	health, err := h.Health(t.Context(), l.User.ID)
	if err != nil || len(health) != 1 || health[0].Contact.Unsent != 119 || !health[0].Contact.OldestUnsent.Equal(oldest) {
		t.Errorf("health %+v, %v", health, err)
	}
	s.fail = errors.New("disk is gone")
	if err := h.Flush(t.Context()); err == nil {
		t.Error("a failed write is not told")
	}
	s.fail = nil
	must(t, h.Flush(t.Context()))
	must(t, h.Flush(t.Context()))
	if n := len(s.batches); n != 3 || s.batches[2][0].Unsent != 119 {
		t.Errorf("%d writes, want the last figures once", n)
	}
	elsewhere, err := houseOn(s, h.clock).Health(t.Context(), l.User.ID)
	if err != nil || elsewhere[0].Contact.Unsent != 119 {
		t.Errorf("health in another process %+v, %v", elsewhere, err)
	}
}

func TestRunSendsAtOnceAndLearnsOfRevocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &storefault.MemoryIdentity{}
		here, there := houseOn(s, clock.At(time.Now())), houseOn(s, clock.At(time.Now()))
		here.Clock, there.Clock = clock.System{}, clock.System{}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- here.Run(ctx) }()
		synctest.Wait()
		c, err := here.RequestCode(ctx, auth.CodeRequest{Phone: phone, Purpose: auth.PurposeLogin})
		must(t, err)
		synctest.Wait()
		if here.box.code(c.ID) == "" {
			t.Fatal("the code was not sent at once")
		}
		l, err := there.try(t, phone, c, here.box.code(c.ID), 1)
		must(t, err)
		if _, err := here.Authenticate(ctx, l.Access); err != nil {
			t.Fatal(err)
		}
		must(t, there.RevokeSession(ctx, l.User.ID, l.Session, "logout"))
		timer := time.NewTimer(here.Limits.PollEvery + time.Millisecond)
		<-timer.C
		synctest.Wait()
		_, err = here.Authenticate(ctx, l.Access)
		wantCode(t, err, fault.Unauthorized, "session_revoked")
		stop()
		must(t, <-done)
	})
}
