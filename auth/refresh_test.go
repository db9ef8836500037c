package auth_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
)

func counter(t *testing.T, token string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.Split(token, ".")[2])
	must(t, err)
	return n
}

func TestALostAnswerIsHarmlessHoweverLate(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	lost, err := h.Refresh(t.Context(), l.Refresh)
	must(t, err)
	for range 3 { // the phone never got lost.Refresh and comes back each week
		h.clock.Advance(7 * day)
		again, err := h.Refresh(t.Context(), l.Refresh)
		must(t, err)
		if again.Refresh != lost.Refresh {
			t.Errorf("gave %q, want the newest token %q again", again.Refresh, lost.Refresh)
		}
		if _, err := h.Authenticate(t.Context(), again.Access); err != nil {
			t.Errorf("its access token: %v", err)
		}
	}
	h.clock.Advance(80 * day) // silent for long, but not since the last count
	next, err := h.Refresh(t.Context(), lost.Refresh)
	must(t, err)
	if counter(t, next.Refresh) != 3 {
		t.Errorf("counter %d, want 3", counter(t, next.Refresh))
	}
}

func TestACopiedTokenEndsTheSessionForGood(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	second, err := h.Refresh(t.Context(), l.Refresh)
	must(t, err)
	third, err := h.Refresh(t.Context(), second.Refresh)
	must(t, err)
	_, err = h.Refresh(t.Context(), l.Refresh)
	wantCode(t, err, fault.Unauthorized, "refresh_reused")
	wantKeepOutbox(t, err)
	for name, token := range map[string]string{"oldest": l.Refresh, "middle": second.Refresh, "newest": third.Refresh} {
		_, err := h.Refresh(t.Context(), token)
		if wantCode(t, err, fault.Unauthorized, "session_revoked"); t.Failed() {
			t.Fatalf("the %s token", name)
		}
		wantKeepOutbox(t, err)
	}
	_, err = h.Authenticate(t.Context(), third.Access)
	wantCode(t, err, fault.Unauthorized, "session_revoked")
	if h.events.count(auth.RefreshReused) != 1 {
		t.Error("the audit trail does not know")
	}
}

// broken refuses to store a revocation.
type broken struct{ store.Identity }

func (b broken) ReplaceSession(ctx context.Context, s store.Session) error {
	if !s.Revoked.IsZero() {
		return errors.New("disk is gone")
	}
	return b.Identity.ReplaceSession(ctx, s)
}

func TestTheftIsNotAnsweredBeforeTheEndIsStored(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	tokens := l.Tokens
	for range 2 {
		var err error
		tokens, err = h.Refresh(t.Context(), tokens.Refresh)
		must(t, err)
	}
	sound := h.Store
	h.Store = broken{sound}
	if _, err := h.Refresh(t.Context(), l.Refresh); fault.CodeOf(err) == "refresh_reused" || err == nil {
		t.Errorf("answered %v although nothing was stored", err)
	}
	h.Store = sound
	_, err := h.Refresh(t.Context(), l.Refresh)
	wantCode(t, err, fault.Unauthorized, "refresh_reused")
	s, err := sound.Session(t.Context(), l.Session)
	if err != nil || s.Revoked.IsZero() || s.Reason != "refresh_reused" {
		t.Errorf("stored session %+v, %v", s, err)
	}
}

func TestATokenAheadIsRefusedAndHarmsNothing(t *testing.T) {
	s := &storefault.MemoryIdentity{}
	h := houseOn(s, clock.At(start()))
	l := h.login(t, phone, 1)
	ahead, err := h.Refresh(t.Context(), l.Refresh)
	must(t, err)
	sess, err := s.Session(t.Context(), l.Session) // the store of before, back from a backup
	must(t, err)
	sess.Counter = 1
	must(t, s.ReplaceSession(t.Context(), sess))
	_, err = h.Refresh(t.Context(), ahead.Refresh)
	wantCode(t, err, fault.Unauthorized, "refresh_invalid")
	wantKeepOutbox(t, err)
	if _, err := h.Refresh(t.Context(), l.Refresh); err != nil {
		t.Errorf("the session suffered: %v", err)
	}
}

func TestFiftyParallelRefreshesMakeOneNewToken(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			h := houseOn(open(t), clock.At(start()))
			l := h.login(t, phone, 1)
			var mu sync.Mutex
			got := map[string]int{}
			parallel(50, func(int) {
				tokens, err := h.Refresh(t.Context(), l.Refresh)
				if err != nil {
					t.Errorf("refresh: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				got[tokens.Refresh]++
			})
			if len(got) != 1 {
				t.Errorf("new tokens %v, want one", got)
			}
			for token := range got {
				if counter(t, token) != 2 {
					t.Errorf("counter %d, want 2", counter(t, token))
				}
			}
		})
	}
}

func TestForgedRefreshTokensAreRefused(t *testing.T) {
	h := newHouse()
	l, other := h.login(t, phone, 1), h.login(t, "+628117000002", 2)
	p, q := strings.Split(l.Refresh, "."), strings.Split(other.Refresh, ".")
	join := func(parts ...string) string { return strings.Join(parts, ".") }
	tests := []struct{ name, token string }{
		{"nothing", ""},
		{"another version", join("v2", p[1], p[2], p[3])},
		{"another session", join("v1", q[1], p[2], p[3])},
		{"a session that is a query", join("v1", "' OR 1=1 --", p[2], p[3])},
		{"a greater counter", join("v1", p[1], "2", p[3])},
		{"a counter with a plus", join("v1", p[1], "+1", p[3])},
		{"a counter with a zero in front", join("v1", p[1], "01", p[3])},
		{"a huge counter", join("v1", p[1], "99999999999999999999", p[3])},
		{"counter nought", join("v1", p[1], "0", p[3])},
		{"no mac", join("v1", p[1], p[2], "")},
		{"a mac cut short", l.Refresh[:len(l.Refresh)-2]},
		{"a part behind", l.Refresh + ".x"},
		{"a blank behind", l.Refresh + " "},
		{"a huge token", l.Refresh + strings.Repeat("A", 1<<20)},
		{"an access token", l.Access},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.Refresh(t.Context(), tt.token)
			wantCode(t, err, fault.Unauthorized, "refresh_invalid")
			wantKeepOutbox(t, err)
		})
	}
	if _, err := h.Refresh(t.Context(), l.Refresh); err != nil {
		t.Errorf("the session suffered: %v", err)
	}
}

func TestASessionEndsAsItsRolesWant(t *testing.T) {
	tests := []struct {
		name     string
		roles    []string
		every    time.Duration // between refreshes
		until    time.Duration // still good then
		overdone time.Duration // over then
	}{
		{"an owner may be silent for 90 days", nil, 0, 90*day - time.Hour, 90 * day},
		{"an owner logs in once a year", nil, 60 * day, 364 * day, 365 * day},
		{"a mentor may be silent for 30 days", []string{"mentor"}, 0, 30*day - time.Hour, 30 * day},
		{"a mentor logs in twice a year", []string{"mentor"}, 20 * day, 179 * day, 180 * day},
		{"an admin may be silent for half a day", []string{"admin"}, 0, 11 * time.Hour, 12 * time.Hour},
		{"an admin logs in once a week", []string{"admin"}, 6 * time.Hour, 7*day - time.Hour, 7 * day},
		{"the strictest role counts", []string{"mentor", "admin"}, 0, 11 * time.Hour, 12 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, over := range []bool{false, true} {
				h := newHouse()
				_, err := h.CreateUser(t.Context(), phone, tt.roles)
				must(t, err)
				l := h.login(t, phone, 1)
				token, end := l.Refresh, tt.until
				if over {
					end = tt.overdone
				}
				for at := tt.every; at > 0 && at < end; at += tt.every {
					h.clock.Set(start().Add(at))
					tokens, err := h.Refresh(t.Context(), token)
					must(t, err)
					token = tokens.Refresh
				}
				h.clock.Set(start().Add(end))
				switch _, err := h.Refresh(t.Context(), token); {
				case over:
					wantCode(t, err, fault.Unauthorized, "session_expired")
					wantKeepOutbox(t, err)
				case err != nil:
					t.Errorf("after %s: %v", end, err)
				}
			}
		})
	}
}

// TestARoleGivenLaterShortensTheSession, whoever asks: a refresh, whoever rings its phone, and its user.
func TestARoleGivenLaterShortensTheSession(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	must(t, h.SetRoles(t.Context(), l.User.ID, []string{"admin"}))
	must(t, h.LoggedInOn(t.Context(), l.User.ID, l.Device))
	before, err := h.Sessions(t.Context(), l.User.ID)
	must(t, err)
	if len(before) != 1 || !before[0].Ends.Equal(before[0].Created.Add(h.Limits.Admin.Absolute)) {
		t.Errorf("listed %+v", before)
	}
	h.clock.Advance(13 * time.Hour)
	_, err = h.Refresh(t.Context(), l.Refresh)
	wantCode(t, err, fault.Unauthorized, "session_expired")
	wantCode(t, h.LoggedInOn(t.Context(), l.User.ID, l.Device), fault.Unauthorized, "session_revoked")
	after, err := h.Sessions(t.Context(), l.User.ID)
	must(t, err)
	if len(after) != 0 {
		t.Errorf("listed %+v", after)
	}
}

func TestRefreshIsRefusedOnceAccessIs(t *testing.T) {
	tests := []struct {
		name string
		do   func(h house, l auth.Login) error
		kind fault.Kind
		code string
	}{
		{"a session revoked", func(h house, l auth.Login) error {
			return h.RevokeSession(context.Background(), l.User.ID, l.Session, "logout")
		}, fault.Unauthorized, "session_revoked"},
		{"a device revoked", func(h house, l auth.Login) error {
			return h.RevokeDevice(context.Background(), l.User.ID, l.Device, store.DeviceRevoked)
		}, fault.Unauthorized, "session_revoked"},
		{"a user suspended", func(h house, l auth.Login) error { return h.Suspend(context.Background(), l.User.ID) },
			fault.Forbidden, "account_suspended"},
		{"a user erased", func(h house, l auth.Login) error { return h.Erase(context.Background(), l.User.ID) },
			fault.Unauthorized, "session_revoked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse()
			l := h.login(t, phone, 1)
			must(t, tt.do(h, l))
			_, err := h.Refresh(t.Context(), l.Refresh)
			wantCode(t, err, tt.kind, tt.code)
			wantKeepOutbox(t, err)
		})
	}
}

func TestARestoredUserGoesOnWithoutLogin(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	must(t, h.Suspend(t.Context(), l.User.ID))
	must(t, h.Restore(t.Context(), l.User.ID))
	tokens, err := h.Refresh(t.Context(), l.Refresh)
	must(t, err)
	if _, err := h.Authenticate(t.Context(), tokens.Access); err != nil {
		t.Error(err)
	}
}

// A phone that loses any answers, but always tries with the newest token that
// it has, is never logged out.
func TestLossOfAnswersNeverEndsASession(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse()
		token := h.login(t, phone, 1).Refresh
		for range rapid.IntRange(1, 20).Draw(r, "refreshes") {
			h.clock.Advance(time.Duration(rapid.IntRange(0, 100).Draw(r, "hours")) * time.Hour)
			tokens, err := h.Refresh(t.Context(), token)
			if err != nil {
				r.Fatalf("refresh: %v", err)
			}
			if rapid.Bool().Draw(r, "arrives") {
				token = tokens.Refresh
			}
		}
	})
}
