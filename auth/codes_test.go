package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
)

func TestTheFirstRightCodeMakesTheUser(t *testing.T) {
	h := newHouse()
	var welcomed []store.User
	h.OnUser = func(_ context.Context, u store.User) error {
		welcomed = append(welcomed, u)
		return nil
	}
	first, second := h.login(t, "0811-7000-001", 1), h.login(t, phone, 1)
	if first.User.ID != second.User.ID || first.User.Phone != phone || first.User.Status != store.UserActive {
		t.Errorf("users %+v and %+v", first.User, second.User)
	}
	if first.Device != second.Device || first.Incarnation == second.Incarnation || first.Session == second.Session {
		t.Errorf("the second login gave %+v after %+v", second, first)
	}
	if len(welcomed) != 1 {
		t.Errorf("welcomed %d times, want once", len(welcomed))
	}
}

// TestAPhoneIsToldOfBeforeItComesIn, and before it goes; and neither happens where that cannot
// be told.
func TestAPhoneIsToldOfBeforeItComesIn(t *testing.T) {
	h := newHouse()
	var told []string
	var fails error
	h.OnDevice = func(_ context.Context, d store.Device, session string) error {
		told = append(told, strings.TrimSpace(fmt.Sprint(d.Status, " ", d.ID, " ", session)))
		return fails
	}
	first := h.login(t, phone, 1)
	h.login(t, phone, 1) // it is in already
	if err := h.RevokeDevice(t.Context(), first.User.ID, first.Device, store.DeviceLost); err != nil {
		t.Fatal(err)
	}
	if err := h.RevokeDevice(t.Context(), first.User.ID, first.Device, store.DeviceRevoked); err != nil { // it is out already
		t.Fatal(err)
	}
	again := h.login(t, phone, 1)
	if want := []string{"active " + first.Device + " " + first.Session, "lost " + first.Device, "active " + again.Device + " " + again.Session}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	fails = errors.New("the disk is full")
	c := h.ask(t, phone, 2)
	if _, err := h.try(t, phone, c, h.box.code(c.ID), 2); !errors.Is(err, fails) {
		t.Errorf("an untold login: %v", err)
	}
	if err := h.RevokeDevice(t.Context(), first.User.ID, first.Device, store.DeviceLost); !errors.Is(err, fails) {
		t.Errorf("an untold end: %v", err)
	}
	if all, err := h.Devices(t.Context(), first.User.ID); err != nil || len(all) != 1 || all[0].Status != store.DeviceActive {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestAUserIsWelcomedAgainUntilItWorked(t *testing.T) {
	h := newHouse()
	calls := 0
	h.OnUser = func(context.Context, store.User) error {
		if calls++; calls == 1 {
			return errors.New("no engine")
		}
		return nil
	}
	c := h.ask(t, phone, 1)
	if _, err := h.try(t, phone, c, h.box.code(c.ID), 1); err == nil {
		t.Error("login succeeded without a profile")
	}
	h.clock.Advance(5 * time.Minute)
	h.login(t, phone, 1)
	if calls != 2 {
		t.Errorf("welcomed %d times, want 2", calls)
	}
}

func TestACodeIsWorthNothingOutsideItsChallenge(t *testing.T) {
	h := newHouse()
	c := h.ask(t, phone, 1)
	code := h.box.code(c.ID)
	other := h.ask(t, "+628117000002", 1)
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		t.Errorf("code %q, want six digits", code)
	}
	tests := []struct {
		name, challenge, phone, code, want string
	}{
		{"an invented challenge", "0190aaaa-0000-7000-8000-000000000000", phone, code, "challenge_unknown"},
		{"the challenge of another number", other.ID, phone, code, "challenge_unknown"},
		{"another number on the challenge", c.ID, "+628117000002", code, "challenge_unknown"},
		{"another code", c.ID, phone, wrong(code), "code_wrong"},
		{"an empty code", c.ID, phone, "", "code_wrong"},
		{"a code with a blank", c.ID, phone, code + " ", "code_wrong"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.try(t, tt.phone, auth.Challenge{ID: tt.challenge}, tt.code, 1)
			wantCode(t, err, fault.Invalid, tt.want)
		})
	}
	t.Run("another purpose", func(t *testing.T) {
		_, err := h.Confirm(t.Context(), auth.VerifyRequest{Challenge: c.ID, Phone: phone, Code: code}, auth.PurposeStepUp)
		wantCode(t, err, fault.Invalid, "challenge_unknown")
	})
	if _, err := h.try(t, phone, c, code, 1); err != nil {
		t.Errorf("the right code after all that: %v", err)
	}
	_, err := h.try(t, phone, c, code, 1)
	wantCode(t, err, fault.Conflict, "in_progress")
	h.clock.Advance(time.Second)
	_, err = h.try(t, phone, c, code, 1)
	wantCode(t, err, fault.Invalid, "code_used")
}

// TestACodeWhoseLoginCameToNothing may be repeated by the phone that asked for it,
// for two minutes, and gives one session.
func TestACodeWhoseLoginCameToNothing(t *testing.T) {
	tests := []struct {
		name    string
		install int
		later   time.Duration
		code    string // of the answer; "" is a login
	}{
		{"the same phone, at once", 1, 0, "in_progress"},
		{"the same phone, a second later", 1, time.Second, ""},
		{"the same phone, too late", 1, 2 * time.Minute, "code_used"},
		{"another phone", 2, time.Second, "code_used"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse()
			broken := true
			h.OnUser = func(context.Context, store.User) error {
				if broken {
					return errors.New("no engine")
				}
				return nil
			}
			c := h.ask(t, phone, 1)
			code := h.box.code(c.ID)
			if _, err := h.try(t, phone, c, code, 1); err == nil {
				t.Fatal("login succeeded without a profile")
			}
			broken = false
			h.clock.Advance(tt.later)
			if _, err := h.try(t, phone, c, wrong(code), tt.install); err == nil {
				t.Fatal("a wrong code was repeated well")
			}
			_, err := h.try(t, phone, c, code, tt.install)
			if tt.code != "" {
				if fault.CodeOf(err) != tt.code {
					t.Fatalf("%v, want %s", err, tt.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			h.clock.Advance(time.Second)
			_, err = h.try(t, phone, c, code, tt.install)
			wantCode(t, err, fault.Invalid, "code_used")
		})
	}
}

// stalling is an identity whose first sessions wait before they are written.
type stalling struct {
	store.Identity
	before func()
}

func (s *stalling) InsertSession(ctx context.Context, sess store.Session) error {
	if do := s.before; do != nil {
		s.before = nil
		do()
	}
	return s.Identity.InsertSession(ctx, sess)
}

// TestARepeatedCodeGivesOneSession lets a login stall before its session is written
// while its phone, which heard nothing, repeats the code.
func TestARepeatedCodeGivesOneSession(t *testing.T) {
	s := &stalling{Identity: &storefault.MemoryIdentity{}}
	h := houseOn(s, newHouse().clock)
	c := h.ask(t, phone, 1)
	code := h.box.code(c.ID)
	var again auth.Login
	s.before = func() {
		h.clock.Advance(time.Second)
		var err error
		if again, err = h.try(t, phone, c, code, 1); err != nil {
			t.Fatal(err)
		}
		_, err = h.try(t, phone, c, code, 1)
		wantCode(t, err, fault.Invalid, "code_used")
	}
	_, err := h.try(t, phone, c, code, 1)
	wantCode(t, err, fault.Invalid, "code_used")
	all, err := s.SessionsOf(t.Context(), again.User.ID)
	if err != nil || len(all) != 1 || all[0].ID != again.Session || !all[0].Revoked.IsZero() {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestACodeEndsAfterFiveMinutesAndFiveGuesses(t *testing.T) {
	h := newHouse()
	c := h.ask(t, phone, 1)
	h.clock.Advance(5 * time.Minute)
	_, err := h.try(t, phone, c, h.box.code(c.ID), 1)
	wantCode(t, err, fault.Invalid, "code_expired")

	c = h.ask(t, phone, 1)
	for range 5 {
		_, err := h.try(t, phone, c, wrong(h.box.code(c.ID)), 1)
		wantCode(t, err, fault.Invalid, "code_wrong")
	}
	_, err = h.try(t, phone, c, h.box.code(c.ID), 1)
	wantCode(t, err, fault.Invalid, "code_expired")
}

func TestOfAHundredParallelAnswersOneSucceeds(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			h := houseOn(open(t), newHouse().clock)
			c := h.ask(t, phone, 1)
			code := h.box.code(c.ID)
			var won atomic.Int32
			parallel(100, func(int) {
				_, err := h.try(t, phone, c, code, 1)
				switch fault.CodeOf(err) {
				case "code_used", "too_many_attempts", "in_progress":
				case "internal":
					if err != nil {
						t.Errorf("unexpected answer: %v", err)
					}
					won.Add(1)
				default:
					t.Errorf("unexpected answer: %v", err)
				}
			})
			if won.Load() != 1 {
				t.Errorf("%d answers won, want 1", won.Load())
			}
		})
	}
}

func TestGuessesCountOverAllCodesOfANumber(t *testing.T) {
	h := newHouse()
	h.Limits.Sends = []auth.Limit{{Max: 100, Window: day}}
	guesses, hourly := 0, 0
	var last error
	for i := range 50 { // five hours
		c := h.ask(t, phone, i)
		_, last = h.try(t, phone, c, wrong(h.box.code(c.ID)), 1)
		if fault.CodeOf(last) == "code_wrong" {
			guesses++
		}
		if h.clock.Now().Sub(start()) < time.Hour {
			hourly = guesses
		}
		h.clock.Advance(6 * time.Minute)
	}
	wantCode(t, last, fault.TooMany, "too_many_attempts")
	if hourly != 10 || guesses != 20 {
		t.Errorf("%d guesses in the first hour and %d in all, want 10 and 20", hourly, guesses)
	}
	if h.events.count(auth.PhoneLocked) != 1 {
		t.Errorf("locked %d times, want once", h.events.count(auth.PhoneLocked))
	}
	c := h.ask(t, phone, 51)
	_, err := h.try(t, phone, c, h.box.code(c.ID), 51)
	wantCode(t, err, fault.TooMany, "too_many_attempts")
	h.clock.Advance(day)
	h.login(t, phone, 1)
}

func TestParallelGuessesCostAsMuchAsOneAfterTheOther(t *testing.T) {
	h := newHouse()
	c := h.ask(t, phone, 1)
	var wrongs atomic.Int32
	parallel(60, func(int) {
		if _, err := h.try(t, phone, c, wrong(h.box.code(c.ID)), 1); fault.CodeOf(err) == "code_wrong" {
			wrongs.Add(1)
		}
	})
	if wrongs.Load() > 5 {
		t.Errorf("%d guesses at one code were looked at, want at most 5", wrongs.Load())
	}
}

func TestAskingAgainTooEarlyGivesTheSameChallenge(t *testing.T) {
	h := newHouse()
	first := h.ask(t, phone, 1)
	h.clock.Advance(20 * time.Second)
	again, stranger := h.ask(t, phone, 1), h.ask(t, phone, 2)
	if again.ID != first.ID || again.Resend != 40*time.Second || h.box.len() != 1 {
		t.Errorf("second request gave %+v after %+v, %d codes", again, first, h.box.len())
	}
	if stranger.ID == first.ID {
		t.Error("another installation was told the challenge")
	}
	if _, err := h.try(t, phone, first, h.box.code(first.ID), 1); err != nil {
		t.Errorf("the code of the first request: %v", err)
	}
}

func TestKnownUnknownAndBlockedNumbersGetTheSameAnswer(t *testing.T) {
	h := newHouse()
	known := h.login(t, "+628117000002", 1)
	suspended := h.login(t, "+628117000003", 1)
	must(t, h.Suspend(t.Context(), suspended.User.ID))
	h.clock.Advance(25 * time.Hour)
	sent := h.box.len()
	for _, p := range []string{known.User.Phone, suspended.User.Phone, "+628117000004"} {
		c := h.ask(t, p, 9)
		if c.ID == "" || c.Resend != time.Minute || !c.Expires.Equal(h.clock.Now().Add(5*time.Minute)) {
			t.Errorf("%s: challenge %+v", p, c)
		}
		_, err := h.try(t, p, c, "12345", 9)
		wantCode(t, err, fault.Invalid, "code_wrong")
	}
	if h.box.len() != sent+2 {
		t.Errorf("%d codes were sent, want 2: none to the suspended number", h.box.len()-sent)
	}
}

func TestASendIsRepeatedUnderOneKeyUntilItIsFinal(t *testing.T) {
	h := newHouse()
	h.box.fail = &fault.Error{Kind: fault.Transient, Code: "unavailable"}
	c, err := h.RequestCode(t.Context(), auth.CodeRequest{Phone: phone, Purpose: auth.PurposeLogin})
	must(t, err)
	if _, err := h.Deliver(t.Context()); err == nil {
		t.Error("a failed send is not told")
	}
	n, err := h.Deliver(t.Context())
	if n != 0 || err != nil {
		t.Errorf("sent again at once: %d, %v", n, err)
	}
	h.box.fail = nil
	h.clock.Advance(30 * time.Second)
	for range 3 {
		if _, err := h.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.box.got) != 2 || h.box.got[0] != h.box.got[1] || h.box.got[0].Key != c.ID {
		t.Errorf("sends %+v, want the same twice", h.box.got)
	}
}

func TestATestNumberHasItsFixedCodeAndIsNeverSent(t *testing.T) {
	h := newHouse()
	h.TestNumbers = map[domain.Phone]string{phone: "424242"}
	for i := range 8 {
		c := h.ask(t, phone, i)
		if _, err := h.try(t, phone, c, "424242", i); err != nil {
			t.Fatal(err)
		}
	}
	if h.box.len() != 0 {
		t.Error("a code was sent to a test number")
	}
}

func TestTheDevelopmentSenderPrintsTheCode(t *testing.T) {
	var out bytes.Buffer
	l := auth.LogSender{Log: slog.New(slog.NewTextHandler(&out, nil))}
	must(t, l.Send(t.Context(), auth.Message{Phone: phone, Code: "123456"}))
	if !strings.Contains(out.String(), "123456") {
		t.Errorf("log %q does not show the code", out.String())
	}
}

func TestARequestThatCannotBeReadSendsNothing(t *testing.T) {
	h := newHouse()
	tests := []struct {
		name string
		r    auth.CodeRequest
		code string
	}{
		{"no number", auth.CodeRequest{Purpose: auth.PurposeLogin}, "phone_invalid"},
		{"a foreign number", auth.CodeRequest{Phone: "+6581234567", Purpose: auth.PurposeLogin}, "phone_foreign"},
		{"no purpose", auth.CodeRequest{Phone: phone}, "invalid_value"},
		{"a huge installation", auth.CodeRequest{Phone: phone, Purpose: auth.PurposeLogin, Install: strings.Repeat("a", 65)}, "device_invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.RequestCode(t.Context(), tt.r)
			wantCode(t, err, fault.Invalid, tt.code)
		})
	}
	_, err := h.Verify(t.Context(), auth.VerifyRequest{Phone: phone, Device: auth.DeviceInfo{Install: "../../etc"}})
	wantCode(t, err, fault.Invalid, "device_invalid")
}
