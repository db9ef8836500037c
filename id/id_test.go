package id_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/id"
)

func TestNewSortsByTimeAndIsValid(t *testing.T) {
	c := clock.At(time.UnixMilli(1_650_000_000_000))
	m := id.Maker{Clock: c, Rand: rand.Reader}
	a := m.New()
	c.Advance(time.Millisecond)
	b := m.New()
	if !id.Valid(a) || !id.Valid(b) {
		t.Fatalf("%q or %q is not valid", a, b)
	}
	if a >= b {
		t.Errorf("%q does not sort before %q", a, b)
	}
	if want := "018029de-3400-7"; !strings.HasPrefix(a, want) && a[14] != '7' {
		t.Errorf("%q carries no version 7", a)
	}
}

func TestDeriveTellsPartsApart(t *testing.T) {
	a, b := id.Derive("ab", "c"), id.Derive("a", "bc")
	if a == b {
		t.Error("different parts gave one id")
	}
	if a != id.Derive("ab", "c") {
		t.Error("equal parts gave two ids")
	}
	if !id.Valid(a) || a[14] != '8' {
		t.Errorf("%q is no UUIDv8", a)
	}
}

func TestValid(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want bool
	}{
		{"version 7", "018029de-3400-7abc-8abc-0123456789ab", true},
		{"version 8", "018029de-3400-8abc-babc-0123456789ab", true},
		{"version 4 is refused", "018029de-3400-4abc-8abc-0123456789ab", false},
		{"upper case is refused", "018029DE-3400-7abc-8abc-0123456789ab", false},
		{"wrong variant is refused", "018029de-3400-7abc-cabc-0123456789ab", false},
		{"braces are refused", "{18029de-3400-7abc-8abc-0123456789a}", false},
		{"a hyphen out of place is refused", "018029de3-400-7abc-8abc-0123456789ab", false},
		{"empty is refused", "", false},
	}
	for _, tt := range tests {
		if got := id.Valid(tt.in); got != tt.want {
			t.Errorf("%s: Valid(%q) = %t", tt.name, tt.in, got)
		}
	}
}
