package domain_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
)

func TestParsePhone(t *testing.T) {
	const same = "+628117000001"
	tests := []struct {
		name string
		in   string
		want domain.Phone
		code string
	}{
		{"with hyphens", "0811-7000-001", same, ""},
		{"with country code and blanks", "62 811 7000 001", same, ""},
		{"with a trunk zero in brackets", "+62(0)8117000001", same, ""},
		{"with a trunk zero after the country code", "+62 0811 7000 001", same, ""},
		{"without the leading zero", "8117000001", same, ""},
		{"with an international prefix", "00628117000001", same, ""},
		{"with dots", "0811.7000.001", same, ""},
		{"with a no-break blank", "0811\u00a07000\u00a0001", same, ""},
		{"with the marks of a copied contact", "\u202a+62 811\u20117000\u2011001\u202c", same, ""},
		{"in Arabic-Indic digits", "٠٨١١٧٠٠٠٠٠١", same, ""},
		{"in Persian digits", "۰۸۱۱۷۰۰۰۰۰۱", same, ""},
		{"in full-width digits", "＋６２８１１７０００００１", same, ""},
		{"the shortest mobile number", "0811234567", "+62811234567", ""},
		{"the longest mobile number", "0812345678901", "+62812345678901", ""},
		{"eleven digits that lost their zero in a spreadsheet", "81234567890", "+6281234567890", ""},

		{"a landline of Lampung", "0721-480001", "", "phone_landline"},
		{"a landline of Jakarta", "021-5255509", "", "phone_landline"},
		{"a landline with country code", "+62 721 480001", "", "phone_landline"},
		{"a number of Singapore", "+6581234567", "", "phone_foreign"},
		{"a number of Japan that looks mobile", "+81 90 1234 5678", "", "phone_foreign"},
		{"a satellite number", "+881612345678", "", "phone_foreign"},
		{"a premium number of the United States", "0019005551234", "", "phone_foreign"},
		{"too short", "08117", "", "phone_too_short"},
		{"one digit too short", "081123456", "", "phone_too_short"},
		{"nothing after the country code", "+62", "", "phone_too_short"},
		{"one digit too long", "08123456789012", "", "phone_too_long"},
		{"a very long text", strings.Repeat("0", 65), "", "phone_too_long"},
		{"the range 84 does not exist", "08412345678", "", "phone_invalid"},
		{"toll-free 0800", "08001234567", "", "phone_invalid"},
		{"an emergency number", "110", "", "phone_invalid"},
		{"a number without prefix", "7000001", "", "phone_invalid"},
		{"scientific notation", "8.12E+10", "", "phone_scientific"},
		{"scientific notation with a comma", "8.117e10", "", "phone_scientific"},
		{"empty", "", "", "phone_invalid"},
		{"only a plus", "+", "", "phone_invalid"},
		{"two plus signs", "++628117000001", "", "phone_invalid"},
		{"a plus in the middle", "08+117000001", "", "phone_invalid"},
		{"words", "telepon saya", "", "phone_invalid"},
		{"an extension", "08117000001 x5", "", "phone_invalid"},
		{"two numbers", "08117000001/08117000002", "", "phone_invalid"},
		{"broken text", "0811\xff7000001", "", "phone_invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := domain.ParsePhone(tt.in)
			if code := codeOf(err); got != tt.want || code != tt.code {
				t.Errorf("ParsePhone(%q) = %q, %q; want %q, %q", tt.in, got, code, tt.want, tt.code)
			}
		})
	}
}

func TestEverySpellingGivesOnePhone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		national := rapid.StringMatching(`8[1-35-9][0-9]{7,10}`).Draw(t, "national")
		prefix := rapid.SampledFrom([]string{"0", "62", "+62", "0062", "", "+62 (0) ", "62-0"}).Draw(t, "prefix")
		gap := rapid.SampledFrom([]string{"", " ", "-", ".", "\u2011", "\u00a0"}).Draw(t, "gap")
		spelling := prefix + national[:3] + gap + national[3:6] + gap + national[6:]
		if got, err := domain.ParsePhone(spelling); got != domain.Phone("+62"+national) || err != nil {
			t.Fatalf("%q is %q, %v", spelling, got, err)
		}
	})
}

func TestMaskedKeepsThreeDigits(t *testing.T) {
	for p, want := range map[domain.Phone]string{"+628117000001": "***001", "": "***", "+62": "***"} {
		if got := p.Masked(); got != want {
			t.Errorf("%q masked %q, want %q", p, got, want)
		}
	}
	if s := fmt.Sprint(domain.Phone("+628117000001").Masked()); strings.Contains(s, "8117") {
		t.Errorf("masked number shows its head: %q", s)
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"0811-7000-001", "+62(0)8117000001", "8.12E+10", "+6581234567", "٠٨١١", "\xff"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^\+628[1-35-9][0-9]{7,10}$`)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := domain.ParsePhone(s)
		if err != nil {
			if p != "" || fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%q: %q, %v", s, p, err)
			}
			return
		}
		if !form.MatchString(string(p)) {
			t.Fatalf("%q became %q", s, p)
		}
		if again, err := domain.ParsePhone(string(p)); again != p || err != nil {
			t.Fatalf("%q reads back as %q, %v", p, again, err)
		}
	})
}
