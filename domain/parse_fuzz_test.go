package domain_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
)

// FuzzParse: what the small types take is their one spelling, and every refusal
// has a code.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"2022-02-28", "2022-02-30", "18.71", "18.71.01", "18.71.01.1001", "99", "1.5", "0.001", "1.0005", "-1", "1e3", "Asia/Jakarta", "1234567890123", "10750", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		say := func(what, shown string, err error) {
			t.Helper()
			switch {
			case err != nil && fault.CodeOf(err) == "":
				t.Errorf("%s %q: %v", what, s, err)
			case err == nil && shown != s:
				t.Errorf("%s %q reads as %q", what, s, shown)
			}
		}
		d, err := domain.ParseDate(s)
		say("date", string(d), err)
		if err == nil && (d.AddDays(1).AddDays(-1) != d || d.DaysUntil(d.AddDays(40)) != 40) {
			t.Errorf("%s does not count", d)
		}
		r, err := domain.ParseRegion(s)
		say("region", string(r), err)
		if err == nil && (r.Name() == "" || !r.Within(r.Province())) {
			t.Errorf("%s has no name, or lies outside its province", r)
		}
		if q, err := domain.ParseQuantity(s); err == nil {
			if again, err := domain.ParseQuantity(q.String()); err != nil || again != q {
				t.Errorf("%q is %s, then %s, %v", s, q, again, err)
			}
		}
	})
}
