package auth_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/fault"
)

// TestVectorsOfOthers holds hashes and codes against those of the reference programs.
func TestVectorsOfOthers(t *testing.T) {
	const stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc" // phc-winner-argon2, src/test.c
	h := newHouse()
	if !auth.IsPassword(h.Service, stored, "password") || auth.IsPassword(h.Service, stored, "passwore") {
		t.Error("not the argon2id of its authors")
	}
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037"} { // RFC 6238, appendix B, the last six digits
		if got, err := auth.FactorCode("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", time.Unix(at, 0)); err != nil || got != want {
			t.Errorf("code at %d: %s, %v, want %s", at, got, err, want)
		}
	}
}

func TestStoredPasswordsAreReadInOneSpelling(t *testing.T) {
	const good = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if cost, ok := auth.ReadPHC(good); !ok || cost != (auth.Argon{Memory: 64, Passes: 1, Threads: 1}) {
		t.Fatalf("%+v %t", cost, ok)
	}
	for _, bad := range []string{"", "$", good + "$", good[1:], strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=064", 1), strings.Replace(good, "m=64", "m=4294967295", 1), strings.Replace(good, "t=1", "t=0", 1), strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "t=1", "t=100000", 1), strings.Replace(good, "p=1", "p=1 ", 1), good[:len(good)-1], strings.Replace(good, "PPc", "PPd", 1)} {
		if _, ok := auth.ReadPHC(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
	h := newHouse()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.String().Draw(t, "password")
		stored, err := auth.NewPHC(h.Service, p)
		if cost, ok := auth.ReadPHC(stored); err != nil || !ok || cost != h.Limits.Argon {
			t.Errorf("%q, %v is not read", stored, err)
		}
		if !auth.IsPassword(h.Service, stored, p) || auth.IsPassword(h.Service, stored, p+"x") {
			t.Errorf("%q does not tell %q from another", stored, p)
		}
	})
}

func TestWhichPasswordsMayBeChosen(t *testing.T) {
	for _, tt := range []struct {
		password string
		ok       bool
	}{
		{"tujuh kapal di teluk", true},
		{"kopi susu gula aren", true},
		{"Xk29-vvQ.pp1", true},
		{"sebelaskata", false}, // eleven
		{strings.Repeat("aku mau ", 16), true},
		{strings.Repeat("aku mau ", 16) + "!", false},     // 129
		{"ééèèêêëëéùéà", true},                            // twelve, whatever their bytes
		{"password12345", false},                          //
		{"PasswordPassword", false},                       //
		{"Lumbung2022!!", false},                          //
		{"admin lumbung 1", false},                        //
		{"123456789012", false},                           //
		{"abcdefghijklm", false},                          //
		{"987654321098", false},                           //
		{"aaaaaaaaaaaaaaaa", false},                       //
		{"ababababababab", false},                         //
		{"qwertyuiopasdfghjkl", false},                    //
		{"08117000001 punya saya", false},                 // the number
		{"mereka 1700-0001", false},                       // a part of it
		{"1q2w3e4r5t6y", false},                           //
		{"bismillah 1 2 3", false},                        //
		{"sembilan puluh ember air", true},                //
		{"\xff\xfe\xfd not a text at all, really", false}, //
	} {
		_, err := auth.Chosen(tt.password, phone)
		if (err == nil) != tt.ok {
			t.Errorf("%q: %v, want %t", tt.password, err, tt.ok)
		}
		if err != nil {
			wantCode(t, err, fault.Invalid, "password_weak")
		}
	}
	rapid.Check(t, func(t *rapid.T) { // nothing is asked about which characters are in it, only that they are many and drawn by chance
		p := rapid.StringOfN(rapid.RuneFrom([]rune("abcdefghijklmnopqrstuvwxyz")), 40, 60, -1).Draw(t, "letters")
		kinds := map[rune]bool{}
		for _, r := range p {
			kinds[r] = true
		}
		if _, err := auth.Chosen(p, phone); err != nil && len(kinds) > 12 {
			t.Errorf("%q: %v", p, err)
		}
	})
}

// TestPasswordsHashedAtOnceAreBounded fills the places and the line; who comes then is
// sent away at once, and pays for no guess.
func TestPasswordsHashedAtOnceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		h.Limits.Hashes, h.Limits.HashLine, h.Limits.SlowDown = 2, 3, nil
		h.equip(t, phone)
		done := make(chan struct{})
		errs := make([]error, 5)
		for i := range 2 {
			go func() { errs[i] = auth.HashWhile(t.Context(), h.Service, func() { <-done }) }()
		}
		synctest.Wait()
		for i := range 3 {
			go func() { _, errs[2+i] = h.password(t, phone, "not the password", "000000", 1) }()
		}
		synctest.Wait()
		if working, waiting := h.Hashing(); working != 2 || waiting != 3 {
			t.Errorf("%d hash and %d wait, want 2 and 3", working, waiting)
		}
		for range 20 {
			_, err := h.password(t, phone, "not the password", "000000", 1)
			wantCode(t, err, fault.Transient, "overloaded")
			if after := afterOf(err); after < time.Second {
				t.Errorf("come back after %v", after)
			}
		}
		close(done)
		synctest.Wait()
		for _, err := range errs[:2] {
			must(t, err)
		}
		for _, err := range errs[2:] {
			wantCode(t, err, fault.Invalid, "password_wrong")
		}
		if _, most := auth.Hashed(h.Service); most != 2 {
			t.Errorf("%d at once", most)
		}
		if working, waiting := h.Hashing(); working != 0 || waiting != 0 {
			t.Errorf("%d hash and %d wait afterwards", working, waiting)
		}
	})
}

// TestManyPasswordsAtOnceNeverPassTheBound does the same with real hashes.
func TestManyPasswordsAtOnceNeverPassTheBound(t *testing.T) {
	h := newHouse()
	h.Limits.Hashes, h.Limits.HashLine, h.Limits.SlowDown, h.Limits.Argon.Memory = 3, 100, nil, 1<<10
	h.Limits.PasswordTries = []auth.Limit{{Max: 1000, Window: time.Hour}}
	h.equip(t, phone)
	parallel(40, func(i int) {
		_, err := h.password(t, phone, "not the password", "000000", i)
		wantCode(t, err, fault.Invalid, "password_wrong")
	})
	if done, most := auth.Hashed(h.Service); most > 3 || most < 1 || done != 41 { // and the one that set it
		t.Errorf("%d hashes, %d at once", done, most)
	}
}

func TestAPasswordIsHashedAnewWhenItsCostChanges(t *testing.T) {
	h := newHouse()
	u, app := h.equip(t, phone)
	before, err := h.Store.Credential(t.Context(), u.ID)
	must(t, err)
	h.Limits.Argon = auth.Argon{Memory: 128, Passes: 2, Threads: 1}
	for range 2 {
		_, err := h.password(t, phone, password, app.next(t), 1)
		must(t, err)
	}
	after, err := h.Store.Credential(t.Context(), u.ID)
	must(t, err)
	if cost, ok := auth.ReadPHC(after.Password); !ok || cost != h.Limits.Argon || after.Password == before.Password {
		t.Errorf("%s became %s", before.Password, after.Password)
	}
}
