package domain

import (
	"strings"
	"unicode"
)

// Phone is an Indonesian mobile number in E.164, such as +628117000001. It is
// the one key of a person; every spelling of a number gives the same Phone.
type Phone string

// The national number of a mobile phone begins with 8 and has 9 to 12 digits.
const (
	mobileMin = 9
	mobileMax = 12
)

// ParsePhone reads a mobile number in any of the usual spellings: with +62,
// 62, 0062, 0 or, after a spreadsheet ate the zero, with nothing in front;
// with blanks, dots, hyphens and brackets; in Arabic-Indic digits too.
//
// Errors: Invalid "phone_invalid" (no number, or no mobile range such as 84),
// "phone_scientific" (a spreadsheet wrote 8.12E+10, digits are lost),
// "phone_foreign", "phone_landline", "phone_too_short", "phone_too_long".
func ParsePhone(s string) (Phone, error) {
	if len(s) > 64 {
		return "", invalid("phone_too_long", "phone number has too many characters")
	}
	national, err := nationalNumber(s)
	if err != nil {
		return "", err
	}
	switch {
	case national == "":
		return "", invalid("phone_too_short", "phone number has no digits after the prefix")
	case national[0] != '8' && (national[0] < '2' || len(national) < 3):
		return "", invalid("phone_invalid", "phone number begins with a service prefix")
	case national[0] != '8':
		return "", invalid("phone_landline", "phone number belongs to a landline")
	case len(national) < mobileMin:
		return "", invalid("phone_too_short", "mobile number has fewer than 9 national digits")
	case len(national) > mobileMax:
		return "", invalid("phone_too_long", "mobile number has more than 12 national digits")
	case national[1] == '0' || national[1] == '4':
		return "", invalid("phone_invalid", "phone number lies in no mobile range")
	}
	return Phone("+62" + national), nil
}

// nationalNumber takes country code and trunk zero off.
func nationalNumber(s string) (string, error) {
	number, plus, err := phoneDigits(s)
	if err != nil {
		return "", err
	}
	if !plus {
		number, plus = strings.CutPrefix(number, "00")
	}
	switch {
	case number == "":
		return "", invalid("phone_invalid", "phone number has no digits")
	case plus && !strings.HasPrefix(number, "62"):
		return "", invalid("phone_foreign", "phone number is not Indonesian")
	case strings.HasPrefix(number, "62"):
		return strings.TrimPrefix(number[2:], "0"), nil
	case number[0] == '0':
		return number[1:], nil
	case number[0] == '8':
		return number, nil
	}
	return "", invalid("phone_invalid", "phone number has neither 0, 62 nor 8 in front")
}

// phoneDigits takes everything out of s that people put between digits.
func phoneDigits(s string) (number string, plus bool, err error) {
	var b strings.Builder
	for _, r := range s {
		switch r = foldRune(r); {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && b.Len() == 0 && !plus:
			plus = true
		case strings.ContainsRune(" .-()[]", r), unicode.Is(unicode.Cf, r):
			// separators, and the invisible marks of copied contacts
		case (r == 'e' || r == 'E') && b.Len() > 0 && strings.ContainsAny(s, "+0123456789"):
			return "", false, invalid("phone_scientific", "phone number is in scientific notation")
		default:
			return "", false, invalid("phone_invalid", "phone number holds a character that is not a digit")
		}
	}
	return b.String(), plus, nil
}

// Masked is p for logs and screens of others: the last three digits only.
func (p Phone) Masked() string {
	if len(p) < 6 {
		return "***"
	}
	return "***" + string(p[len(p)-3:])
}
