package domain

import (
	"math/bits"
	"strconv"
	"strings"
	"unicode"
)

// ParseRupiah reads an amount as people in Indonesia write it: "1.250.000",
// "Rp 1.250.000,00", "1,25 jt", "500 rb", "5,23 M" (M is miliar, never
// million). A dot groups, a comma separates decimals, and "1.250" is one
// thousand two hundred fifty.
//
// English writing ("1,250,000", "1.25 juta") is accepted where it allows one
// reading only; echo is then true, and the caller shows the amount to its
// author for confirmation before using it.
//
// Errors: Invalid "amount_invalid" (not an amount), "amount_ambiguous" (two
// readings, such as "1,250"), "amount_fraction" (not whole rupiah),
// "amount_out_of_range" (beyond MaxRupiah).
func ParseRupiah(s string) (amount Rupiah, echo bool, err error) {
	if len(s) > 64 {
		return 0, false, noAmount()
	}
	s, negative := amountText(s)
	number, word := s, ""
	if i := strings.IndexFunc(s, unicode.IsLetter); i >= 0 {
		number, word = s[:i], s[i:]
	}
	places, ok := unitPlaces(word)
	if !ok {
		return 0, false, noAmount()
	}
	whole, frac, echo, err := splitNumber(strings.TrimSpace(number), word != "")
	if err != nil {
		return 0, false, err
	}
	frac = strings.TrimRight(frac, "0")
	if len(frac) > places {
		return 0, false, invalid("amount_fraction", "amount is not whole rupiah")
	}
	n, ok := pow10(whole+frac, places-len(frac))
	if !ok {
		return 0, false, tooMuch()
	}
	if negative {
		n = -n
	}
	return n, echo, nil
}

// amountText folds case, blanks and digits and takes off sign, currency and
// the ",-" that stands for ",00".
func amountText(s string) (text string, negative bool) {
	s = strings.ToLower(strings.TrimSpace(strings.Map(foldRune, s)))
	s, negative = strings.CutPrefix(s, "-")
	s = strings.TrimSpace(s)
	for _, currency := range [...]string{"rp.", "rp", "idr"} {
		if rest, ok := strings.CutPrefix(s, currency); ok {
			s = strings.TrimSpace(rest)
			break
		}
	}
	if rest, ok := strings.CutPrefix(s, "-"); ok && !negative {
		s, negative = strings.TrimSpace(rest), true
	}
	return strings.TrimSuffix(s, ",-"), negative
}

// foldRune turns every blank into a plain one, every minus and dash into a
// hyphen and every decimal digit in use in the country into ASCII.
func foldRune(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case r == '\u2212' || r >= '\u2010' && r <= '\u2015':
		return '-'
	case r == '\uff0b':
		return '+'
	case r >= '\u0660' && r <= '\u0669':
		return r - '\u0660' + '0'
	case r >= '\u06f0' && r <= '\u06f9':
		return r - '\u06f0' + '0'
	case r >= '\uff10' && r <= '\uff19':
		return r - '\uff10' + '0'
	}
	return r
}

// unitPlaces is the power of ten that word stands for.
func unitPlaces(word string) (places int, ok bool) {
	switch strings.TrimSuffix(word, ".") {
	case "":
		return 0, true
	case "rb", "ribu":
		return 3, true
	case "jt", "juta":
		return 6, true
	case "m", "miliar", "milyar":
		return 9, true
	case "t", "triliun", "trilyun":
		return 12, true
	}
	return 0, false
}

// splitNumber takes the separators out of s. It decides which of the two ways
// of writing s follows.
func splitNumber(s string, unit bool) (whole, frac string, echo bool, err error) {
	dots, commas := strings.Count(s, "."), strings.Count(s, ",")
	groups, decimal := ".", ","
	switch {
	case commas > 1 && dots <= 1, commas == 1 && dots == 1 && strings.Index(s, ",") < strings.Index(s, "."):
		groups, decimal, echo = ",", ".", true // 1,250,000 or 1,250.00
	case dots == 1 && commas == 0 && len(s)-strings.Index(s, ".") != len(".000"):
		groups, decimal, echo = ",", ".", true // 1.25 juta
	}
	whole, frac, point := strings.Cut(s, decimal)
	whole, ok := ungroup(whole, groups)
	if !ok || point && !digits(frac) {
		return "", "", false, noAmount()
	}
	if strings.HasPrefix(s, "0"+groups) || !unit && commas == 1 && dots == 0 && len(frac) == 3 {
		return "", "", false, invalid("amount_ambiguous", "a group of three after one separator has two readings")
	}
	return whole, frac, echo, nil
}

// ungroup joins groups of three digits.
func ungroup(s, separator string) (string, bool) {
	parts := strings.Split(s, separator)
	for i, p := range parts {
		if !digits(p) || len(parts) > 1 && (i == 0 && len(p) > 3 || i > 0 && len(p) != 3) {
			return "", false
		}
	}
	return strings.Join(parts, ""), true
}

// pow10 is the number in digits times ten to the power of n, unless it is
// beyond MaxRupiah.
func pow10(number string, n int) (Rupiah, bool) {
	number = strings.TrimLeft(number, "0")
	if number == "" {
		return 0, true
	}
	v, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0, false
	}
	for range n {
		var hi uint64
		if hi, v = bits.Mul64(v, 10); hi != 0 {
			return 0, false
		}
	}
	return Rupiah(v), v <= uint64(MaxRupiah)
}

func noAmount() error { return invalid("amount_invalid", "not an amount in rupiah") }
