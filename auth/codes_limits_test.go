package auth_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/fault"
)

func TestSendingCoolsDownAndEndsAfterFiveADay(t *testing.T) {
	h := newHouse()
	var waits []time.Duration
	for range 7 {
		c := h.ask(t, phone, 1)
		waits = append(waits, c.Resend)
		h.clock.Advance(c.Resend)
	}
	if h.box.len() != 5 {
		t.Errorf("%d codes were sent, want 5", h.box.len())
	}
	if want := "[1m0s 2m0s 5m0s 5m0s 5m0s 5m0s 5m0s]"; fmt.Sprint(waits) != want {
		t.Errorf("waits %v, want %s", waits, want)
	}
}

func TestSourcesAreLimited(t *testing.T) {
	tests := []struct {
		name    string
		request func(i int) auth.CodeRequest
		allowed int
	}{
		{"one address", func(int) auth.CodeRequest { return auth.CodeRequest{IP: addr(1)} }, 750},
		{"one neighbourhood", func(i int) auth.CodeRequest { return auth.CodeRequest{IP: addr(i % 250)} }, 1000},
		{"one installation", func(int) auth.CodeRequest { return auth.CodeRequest{Install: device(1).Install} }, 10},
		{"one installation on many addresses", func(i int) auth.CodeRequest {
			return auth.CodeRequest{IP: addr(i * 300), Install: device(1).Install}
		}, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse()
			allowed := 0
			var last error
			for i := range tt.allowed + 5 {
				r := tt.request(i)
				r.Phone, r.Purpose = fmt.Sprintf("+6281%09d", 100000000+i*2000000), auth.PurposeLogin
				if _, last = h.RequestCode(t.Context(), r); last == nil {
					allowed++
				}
			}
			wantCode(t, last, fault.TooMany, "rate_limited")
			if allowed != tt.allowed {
				t.Errorf("%d requests were allowed, want %d", allowed, tt.allowed)
			}
		})
	}
}

// TestAHallOfPhonesLogsIn: five hundred behind one address, of which every fifth person
// mistypes the code and every tenth asks for another, are in within an hour.
func TestAHallOfPhonesLogsIn(t *testing.T) {
	h := newHouse()
	hall, began := addr(1), h.clock.Now()
	ask := func(phone string, n int) auth.Challenge {
		t.Helper()
		c, err := h.RequestCode(t.Context(), auth.CodeRequest{Phone: phone, Purpose: auth.PurposeLogin, IP: hall, Install: device(n).Install})
		if err != nil {
			t.Fatalf("phone %d asks for a code after %v: %v", n, h.clock.Now().Sub(began), err)
		}
		if _, err := h.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c
	}
	try := func(phone string, c auth.Challenge, code string, n int) error {
		_, err := h.Verify(t.Context(), auth.VerifyRequest{Challenge: c.ID, Phone: phone, Code: code, Device: device(n), IP: hall})
		return err
	}
	type waiting struct {
		phone string
		n     int
	}
	var again []waiting
	for n := range 500 {
		phone := fmt.Sprintf("+62811%07d", 1000000+n)
		c := ask(phone, n)
		if n%10 == 0 {
			again = append(again, waiting{phone, n})
			h.clock.Advance(6 * time.Second)
			continue
		}
		if n%5 == 1 {
			wantCode(t, try(phone, c, "00000", n), fault.Invalid, "code_wrong")
		}
		if err := try(phone, c, h.box.code(c.ID), n); err != nil {
			t.Fatalf("phone %d after %v: %v", n, h.clock.Now().Sub(began), err)
		}
		h.clock.Advance(6 * time.Second)
	}
	for _, w := range again {
		c := ask(w.phone, w.n)
		if err := try(w.phone, c, h.box.code(c.ID), w.n); err != nil {
			t.Fatalf("phone %d after %v: %v", w.n, h.clock.Now().Sub(began), err)
		}
		h.clock.Advance(time.Second)
	}
	if took := h.clock.Now().Sub(began); took > time.Hour {
		t.Errorf("the hall took %v", took)
	}
}

// TestTheBoundsOfAnAddressFollowOneAnother: an address never has more than its network, nor
// a span more than the day, and others are left alone.
func TestTheBoundsOfAnAddressFollowOneAnother(t *testing.T) {
	plain := auth.DefaultLimits()
	for _, tt := range []struct {
		codes            auth.Limit
		address, network []auth.Limit
	}{
		{auth.Limit{Max: 750, Window: time.Hour}, []auth.Limit{{Max: 750, Window: time.Hour}, {Max: 2250, Window: day}}, []auth.Limit{{Max: 1000, Window: time.Hour}, {Max: 3000, Window: day}}},
		{auth.Limit{Max: 10, Window: 10 * time.Minute}, []auth.Limit{{Max: 10, Window: 10 * time.Minute}, {Max: 180, Window: day}}, []auth.Limit{{Max: 13, Window: 10 * time.Minute}, {Max: 240, Window: day}}},
		{auth.Limit{Max: 1, Window: time.Hour}, []auth.Limit{{Max: 1, Window: time.Hour}, {Max: 3, Window: day}}, []auth.Limit{{Max: 1, Window: time.Hour}, {Max: 4, Window: day}}},
	} {
		l := plain.OfAddress(tt.codes, auth.Limit{Max: 7, Window: time.Hour})
		if !slices.Equal(l.PerAddress, tt.address) || !slices.Equal(l.PerNet, tt.network) || !slices.Equal(l.TriesAddress, []auth.Limit{{Max: 7, Window: time.Hour}}) {
			t.Errorf("%v: %v %v %v", tt.codes, l.PerAddress, l.PerNet, l.TriesAddress)
		}
		if !slices.Equal(l.Spend, plain.Spend) || !slices.Equal(l.Sends, plain.Sends) || !slices.Equal(l.PerInstall, plain.PerInstall) {
			t.Error("what others may do has changed")
		}
	}
	many := plain.OfAddress(auth.Limit{Max: math.MaxInt, Window: 10 * time.Minute}, auth.Limit{Max: 1, Window: time.Hour})
	for _, l := range append(many.PerAddress, many.PerNet...) {
		if l.Max <= 0 {
			t.Errorf("a bound that is not reached became %d", l.Max)
		}
	}
}

func TestEverybodyTogetherIsLimitedInSpending(t *testing.T) {
	h := newHouse()
	h.Limits.Spend = []auth.Limit{{Max: 3, Window: time.Hour}}
	for i := range 3 {
		h.ask(t, fmt.Sprintf("+62811700000%d", i), i)
	}
	_, err := h.RequestCode(t.Context(), auth.CodeRequest{Phone: "+628117000009", Purpose: auth.PurposeLogin})
	wantCode(t, err, fault.TooMany, "login_paused")
	h.clock.Advance(time.Hour)
	h.ask(t, "+628117000009", 9)
}

func TestGuessingOverManyNumbersPausesLogin(t *testing.T) {
	h := newHouse()
	h.Limits.BreakerFloor = 20
	in := h.login(t, phone, 1)
	for i := range 20 {
		p := fmt.Sprintf("+6281%09d", 100000000+i*2000000)
		c := h.ask(t, p, i)
		_, err := h.try(t, p, c, wrong(h.box.code(c.ID)), i)
		wantCode(t, err, fault.Invalid, "code_wrong")
	}
	c := h.ask(t, "+628117000002", 50)
	_, err := h.try(t, "+628117000002", c, h.box.code(c.ID), 50)
	wantCode(t, err, fault.TooMany, "login_paused")
	if _, err := h.Refresh(t.Context(), in.Refresh); err != nil {
		t.Errorf("a living session suffers: %v", err)
	}
	h.clock.Advance(20 * time.Minute)
	h.login(t, "+628117000002", 51)
}

func TestAPumpedPrefixGetsNoMoreCodes(t *testing.T) {
	h := newHouse()
	for i := range 30 {
		h.ask(t, fmt.Sprintf("+628117%06d", i), i)
	}
	h.clock.Advance(6 * time.Minute)
	h.ask(t, "+628117999999", 99)
	h.ask(t, "+628129999999", 99)
	if h.box.len() != 31 {
		t.Errorf("%d codes were sent, want 31: the pumped prefix none, another one", h.box.len())
	}
	h.clock.Advance(time.Hour)
	h.ask(t, "+628117999998", 99)
	if h.box.len() != 32 {
		t.Error("the prefix is closed for ever")
	}
}
