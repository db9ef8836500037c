package domain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
)

func TestParseNIK(t *testing.T) {
	for _, tt := range []struct {
		in string
		ok bool
	}{
		{"1871011708900001", true}, {"1871015708900001", true}, {" 18.7101-170890 0001", true}, {"9171012902000001", true},
		{"1871013102900001", false}, {"1871017102900001", false}, {"1871012902010001", false}, {"1871010013900001", false},
		{"1871011708900000", false}, {"9971011708900001", false}, {"1800011708900001", false}, {"1871001708900001", false},
		{"187101170890001", false}, {"18710117089000011", false}, {"1871011708900O01", false}, {"", false},
	} {
		n, err := domain.ParseNIK(tt.in, "2022-06-17")
		if (err == nil) != tt.ok {
			t.Errorf("%q: %v", tt.in, err)
		}
		if err != nil && fault.CodeOf(err) != "nik_invalid" {
			t.Errorf("%q: code %s", tt.in, fault.CodeOf(err))
		}
		if tt.ok && n.Last4() != "0001" {
			t.Errorf("%q shows %q", tt.in, n.Last4())
		}
	}
	if _, err := domain.ParseNIK("1871011808220001", "2022-06-17"); err != nil {
		t.Errorf("born in 1922: %v", err)
	}
	if n, _ := domain.ParseNIK("1871011708900001", "2022-06-17"); strings.Contains(fmt.Sprintf("%v %s %+v", n, n, struct{ N domain.NIK }{n}), "1708") {
		t.Error("a format verb shows the number")
	}
}
