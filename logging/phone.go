package logging

import (
	"strings"
	"unicode"
)

// maskPhones cuts every phone number in s to its last three digits. What looks
// like one but is not is cut too: a log can spare it.
func maskPhones(s string) string {
	var b strings.Builder
	from := 0
	for _, at := range uuid.FindAllStringIndex(s, -1) {
		b.WriteString(maskBetween(s[from:at[0]]))
		b.WriteString(s[at[0]:at[1]])
		from = at[1]
	}
	b.WriteString(maskBetween(s[from:]))
	return b.String()
}

func maskBetween(s string) string {
	runes := []rune(s)
	var b strings.Builder
	for i := 0; i < len(runes); {
		if begins(runes, i) {
			if digits, end := number(runes, i); phoneLike(runes[i] == '+' || runes[i] == '＋', digits) {
				b.WriteString(lastThree(digits))
				i = end
				continue
			}
		}
		b.WriteRune(runes[i])
		i++
	}
	return b.String()
}

// begins reports whether a number may begin at i: at a plus, or at a digit
// that follows no other digit, unless that one is the end of a %20.
func begins(runes []rune, i int) bool {
	if runes[i] == '+' || runes[i] == '＋' {
		return true
	}
	if _, ok := digit(runes[i]); !ok {
		return false
	}
	if i == 0 || escape(runes, i-3) {
		return true
	}
	_, glued := digit(runes[i-1])
	return !glued
}

// number gives the digits from i on, over everything that people put between
// them, and the index behind the last one.
func number(runes []rune, i int) (digits string, end int) {
	var b strings.Builder
	for end = i; i < len(runes); i++ {
		if d, ok := digit(runes[i]); ok {
			b.WriteByte(d)
			end = i + 1
		} else if escape(runes, i) {
			i += 2
		} else if !between(runes[i]) {
			break
		}
	}
	return b.String(), end
}

// phoneLike reports whether digits could be a number as it is dialled.
func phoneLike(plus bool, digits string) bool {
	switch {
	case plus:
		return len(digits) >= 8
	case strings.HasPrefix(digits, "0"), strings.HasPrefix(digits, "8"):
		return len(digits) >= 9
	}
	return strings.HasPrefix(digits, "62") && len(digits) >= 10
}

// escape reports whether the three runes from i on are a URL escape.
func escape(runes []rune, i int) bool {
	return i >= 0 && i+2 < len(runes) && runes[i] == '%' && hex(runes[i+1]) && hex(runes[i+2])
}

func hex(r rune) bool { return r < 128 && unicode.Is(unicode.ASCII_Hex_Digit, r) }

// between reports whether people write r between the digits of a number.
func between(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune(".-()[]+＋\u2212", r) || r >= '\u2010' && r <= '\u2015' || unicode.Is(unicode.Cf, r)
}

// digit is r as an ASCII digit.
func digit(r rune) (byte, bool) {
	for _, zero := range [...]rune{'0', '\u0660', '\u06f0', '\uff10'} {
		if r >= zero && r <= zero+9 {
			return '0' + byte(r-zero), true
		}
	}
	return 0, false
}

// lastThree is the last three digits of s; none if there are so few of them that
// three would give it away.
func lastThree(s string) string {
	var digits []byte
	for _, r := range s {
		if d, ok := digit(r); ok {
			digits = append(digits, d)
		}
	}
	if len(digits) < 6 {
		return "***"
	}
	return "***" + string(digits[len(digits)-3:])
}
