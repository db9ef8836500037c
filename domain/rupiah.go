package domain

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
)

// Rupiah is an amount in whole rupiah. The payment practice of the country
// knows no smaller unit, so there is none here.
type Rupiah int64

// MaxRupiah is the largest amount that is read or computed, in both
// directions: the largest integer that every JSON reader keeps exactly.
const MaxRupiah Rupiah = 1<<53 - 1

const minus = "\u2212"

// Format writes the full amount: Rp1.250.000. A negative amount carries the
// minus sign U+2212 in front of the currency.
func (r Rupiah) Format() string {
	return r.sign() + "Rp" + grouped(r.abs())
}

// Short writes the amount in its largest unit, with at most two decimals,
// rounded half away from zero and without trailing zeros: Rp1,25 juta. Amounts
// below one thousand are written in full.
func (r Rupiah) Short() string {
	units := [...]struct {
		size uint64
		word string
	}{{1e3, "ribu"}, {1e6, "juta"}, {1e9, "miliar"}, {1e12, "triliun"}}
	abs := r.abs()
	if abs < units[0].size {
		return r.Format()
	}
	n := 0
	for n+1 < len(units) && hundredths(abs, units[n].size) >= 1000*100 {
		n++
	}
	h := hundredths(abs, units[n].size)
	s := r.sign() + "Rp" + grouped(h/100)
	if cents := h % 100; cents != 0 {
		s += "," + strings.TrimSuffix(string([]byte{'0' + byte(cents/10), '0' + byte(cents%10)}), "0")
	}
	return s + " " + units[n].word
}

// hundredths is abs in hundredths of size, rounded half up.
func hundredths(abs, size uint64) uint64 {
	return abs/size*100 + (abs%size*100+size/2)/size
}

func (r Rupiah) sign() string {
	if r < 0 {
		return minus
	}
	return ""
}

func (r Rupiah) abs() uint64 {
	if r < 0 {
		return -uint64(r)
	}
	return uint64(r)
}

// grouped writes n with a dot before every third digit from the right.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "." + s[i:]
	}
	return s
}

// Quantity is an amount of goods in thousandths of a unit: 1500 is one and a
// half.
type Quantity int64

// maxQuantity is one million million units.
const maxQuantity Quantity = 1e15

// ParseQuantity reads a quantity as it travels in JSON: digits with at most
// three decimals after a point, such as "1.250". It is greater than zero.
//
// Errors: Invalid "quantity_invalid", "quantity_out_of_range".
func ParseQuantity(s string) (Quantity, error) {
	whole, frac, point := strings.Cut(s, ".")
	if !digits(whole) || point && (!digits(frac) || len(frac) > 3) {
		return 0, invalid("quantity_invalid", "quantity is not a decimal with up to three places")
	}
	if len(strings.TrimLeft(whole, "0")) > 13 {
		return 0, invalid("quantity_out_of_range", "quantity is too large")
	}
	n, err := strconv.ParseInt(strings.TrimLeft(whole, "0")+(frac + "000")[:3], 10, 64)
	if err != nil {
		return 0, invalid("quantity_invalid", "quantity is not a number")
	}
	if n <= 0 || Quantity(n) > maxQuantity {
		return 0, invalid("quantity_out_of_range", "quantity is not above zero or too large")
	}
	return Quantity(n), nil
}

// String writes q as it travels in JSON, without trailing zeros.
func (q Quantity) String() string {
	sign, abs := "", uint64(q)
	if q < 0 {
		sign, abs = "-", -uint64(q)
	}
	s := sign + strconv.FormatUint(abs/1000, 10)
	if frac := abs % 1000; frac != 0 {
		s += "." + strings.TrimRight(strconv.FormatUint(1000+frac, 10)[1:], "0")
	}
	return s
}

// Times is q at the given price for one unit, in whole rupiah, rounded half
// up (away from zero for a negative result).
//
// Errors: Invalid "amount_out_of_range".
func (q Quantity) Times(price Rupiah) (Rupiah, error) {
	negative := (q < 0) != (price < 0)
	hi, lo := bits.Mul64(Rupiah(q).abs(), price.abs())
	lo, carry := bits.Add64(lo, 500, 0)
	hi += carry
	if hi >= 1000 {
		return 0, tooMuch()
	}
	n, _ := bits.Div64(hi, lo, 1000)
	if n > uint64(MaxRupiah) {
		return 0, tooMuch()
	}
	if negative {
		return -Rupiah(n), nil
	}
	return Rupiah(n), nil
}

// Plus is the sum of r and s.
//
// Errors: Invalid "amount_out_of_range".
func (r Rupiah) Plus(s Rupiah) (Rupiah, error) {
	if r.abs() > uint64(MaxRupiah) || s.abs() > uint64(MaxRupiah) || (r+s).abs() > uint64(MaxRupiah) {
		return 0, tooMuch()
	}
	return r + s, nil
}

func tooMuch() error { return invalid("amount_out_of_range", "amount is beyond 2^53-1 rupiah") }

// invalid is an error of the input with the given code.
func invalid(code, text string) error {
	return &fault.Error{Kind: fault.Invalid, Code: code, Text: text}
}

// digits reports whether s is one or more ASCII digits and nothing else.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
