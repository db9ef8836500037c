package domain

import (
	"strings"
	"time"
)

// NIK is the number of a person's identity card. It reveals birthday, sex and
// origin by itself, so it is asked for only where a facilitation body demands
// it, and never travels in sync, pushes, logs, addresses or ordinary exports.
// Its structure can be checked, not whose it is.
type NIK string

// ParseNIK reads 16 digits, with blanks, dots or hyphens between them: a province
// that exists, a regency and a district, a birthday (women's days count from 41)
// that exists and lies not ahead of today, and a serial above zero. The century is
// not in the number: a birthday is good if it exists in one of the last two.
//
// Errors: Invalid "nik_invalid".
func ParseNIK(s string, today Date) (NIK, error) {
	plain := strings.NewReplacer(" ", "", ".", "", "-", "").Replace(strings.TrimSpace(s))
	if len(plain) != 16 || !digits(plain) {
		return "", invalid("nik_invalid", "not 16 digits")
	}
	if _, err := ParseRegion(plain[:2]); err != nil || plain[2:4] == "00" || plain[4:6] == "00" || plain[12:] == "0000" {
		return "", invalid("nik_invalid", "no such region or serial")
	}
	if !bornWithin(plain[6:12], today) {
		return "", invalid("nik_invalid", "no birthday")
	}
	return NIK(plain), nil
}

// bornWithin reports whether ddmmyy, with 40 added to the days of women, is a day
// of this century or the last, up to today.
func bornWithin(ddmmyy string, today Date) bool {
	first := ddmmyy[0]
	if first >= '4' {
		first -= 4
	}
	for _, century := range []string{"19", "20"} {
		day := century + ddmmyy[4:6] + "-" + ddmmyy[2:4] + "-" + string(first) + ddmmyy[1:2]
		if _, err := time.Parse(time.DateOnly, day); err == nil && Date(day) <= today {
			return true
		}
	}
	return false
}

// Last4 is what may be shown of n: its serial.
func (n NIK) Last4() string {
	if len(n) != 16 {
		return ""
	}
	return string(n[12:])
}

// String hides n, so that no log and no format verb shows it.
func (n NIK) String() string { return "************" + n.Last4() }
