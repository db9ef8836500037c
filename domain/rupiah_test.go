package domain_test

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
)

func TestRupiahIsWrittenInFullAndShort(t *testing.T) {
	tests := []struct {
		amount      domain.Rupiah
		full, short string
	}{
		{1_250_000, "Rp1.250.000", "Rp1,25 juta"},
		{210_900_000, "Rp210.900.000", "Rp210,9 juta"},
		{5_230_000_000, "Rp5.230.000.000", "Rp5,23 miliar"},
		{5_234_999_999, "Rp5.234.999.999", "Rp5,23 miliar"},
		{5_235_000_000, "Rp5.235.000.000", "Rp5,24 miliar"},
		{400_000_000_000_000, "Rp400.000.000.000.000", "Rp400 triliun"},
		{-75_000, "−Rp75.000", "−Rp75 ribu"},
		{0, "Rp0", "Rp0"},
		{999, "Rp999", "Rp999"},
		{1_000, "Rp1.000", "Rp1 ribu"},
		{1_005, "Rp1.005", "Rp1,01 ribu"},
		{1_004, "Rp1.004", "Rp1 ribu"},
		{999_994, "Rp999.994", "Rp999,99 ribu"},
		{999_995, "Rp999.995", "Rp1 juta"},
		{999_999_999, "Rp999.999.999", "Rp1 miliar"},
		{1_050_000, "Rp1.050.000", "Rp1,05 juta"},
		{domain.MaxRupiah, "Rp9.007.199.254.740.991", "Rp9.007,2 triliun"},
		{math.MinInt64, "−Rp9.223.372.036.854.775.808", "−Rp9.223.372,04 triliun"},
	}
	for _, tt := range tests {
		if got := tt.amount.Format(); got != tt.full {
			t.Errorf("%d in full %q, want %q", tt.amount, got, tt.full)
		}
		if got := tt.amount.Short(); got != tt.short {
			t.Errorf("%d short %q, want %q", tt.amount, got, tt.short)
		}
	}
}

func TestParseRupiah(t *testing.T) {
	tests := []struct {
		in   string
		want domain.Rupiah
		echo bool
		code string
	}{
		{"1.250.000", 1_250_000, false, ""},
		{"Rp 1.250.000", 1_250_000, false, ""},
		{"Rp1.250.000,00", 1_250_000, false, ""},
		{"Rp. 1.250.000,-", 1_250_000, false, ""},
		{"Rp\u00a01.250.000", 1_250_000, false, ""},
		{"1,25 jt", 1_250_000, false, ""},
		{"1,25 juta", 1_250_000, false, ""},
		{"500 rb", 500_000, false, ""},
		{"500rb", 500_000, false, ""},
		{"5,23 M", 5_230_000_000, false, ""},
		{"5,23 miliar", 5_230_000_000, false, ""},
		{"Rp5,23 Milyar", 5_230_000_000, false, ""},
		{"1 T", 1_000_000_000_000, false, ""},
		{"Rp 400 Triliun", 400_000_000_000_000, false, ""},
		{"1.250", 1250, false, ""},
		{"1.250 juta", 1_250_000_000, false, ""},
		{"1,250 juta", 1_250_000, false, ""},
		{"0,5 juta", 500_000, false, ""},
		{"1250000", 1_250_000, false, ""},
		{"1250000,00", 1_250_000, false, ""},
		{"−Rp75.000", -75_000, false, ""},
		{"-Rp75.000", -75_000, false, ""},
		{"Rp-75 ribu", -75_000, false, ""},
		{"٧٥٠٠٠", 75_000, false, ""},
		{"0", 0, false, ""},
		{"1,250,000", 1_250_000, true, ""},
		{"Rp 1,250,000.00", 1_250_000, true, ""},
		{"1,250.00", 1250, true, ""},
		{"1.25 juta", 1_250_000, true, ""},
		{"1250000.00", 1_250_000, true, ""},
		{"9.007.199.254.740.991", domain.MaxRupiah, false, ""},

		{"1,250", 0, false, "amount_ambiguous"},
		{"0.250 juta", 0, false, "amount_ambiguous"},
		{"1250000.5", 0, false, "amount_fraction"},
		{"1250000,5", 0, false, "amount_fraction"},
		{"1.250.000,50", 0, false, "amount_fraction"},
		{"1,2345 rb", 0, false, "amount_fraction"},
		{"1.25", 0, false, "amount_fraction"},
		{"9.007.199.254.740.992", 0, false, "amount_out_of_range"},
		{"10.000 T", 0, false, "amount_out_of_range"},
		{"99999999999999999999999", 0, false, "amount_out_of_range"},
		{"", 0, false, "amount_invalid"},
		{"Rp", 0, false, "amount_invalid"},
		{"--5", 0, false, "amount_invalid"},
		{"-Rp-5", 0, false, "amount_invalid"},
		{"1.25E+06", 0, false, "amount_invalid"},
		{"1.25.000", 0, false, "amount_invalid"},
		{"1250.000", 0, false, "amount_invalid"},
		{"1,250,00", 0, false, "amount_invalid"},
		{"1.250,000,000", 0, false, "amount_invalid"},
		{"1 250 000", 0, false, "amount_invalid"},
		{"5 million", 0, false, "amount_invalid"},
		{"juta", 0, false, "amount_invalid"},
		{"5 juta 3", 0, false, "amount_invalid"},
		{"NaN", 0, false, "amount_invalid"},
		{"1" + strings.Repeat("0", 80), 0, false, "amount_invalid"},
	}
	for _, tt := range tests {
		got, echo, err := domain.ParseRupiah(tt.in)
		if code := codeOf(err); code != tt.code || got != tt.want || echo != tt.echo {
			t.Errorf("%q is %d, echo %t, %q; want %d, echo %t, %q", tt.in, got, echo, code, tt.want, tt.echo, tt.code)
		}
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q is refused as kind %d", tt.in, fault.KindOf(err))
		}
	}
}

func TestWhatIsWrittenInFullReadsBackTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := domain.Rupiah(rapid.Int64Range(-int64(domain.MaxRupiah), int64(domain.MaxRupiah)).Draw(t, "amount"))
		for _, s := range []string{amount.Format(), amount.Format() + ",00", strconv.FormatInt(int64(amount), 10)} {
			got, echo, err := domain.ParseRupiah(s)
			if got != amount || echo || err != nil {
				t.Fatalf("%q reads as %d, echo %t, %v", s, got, echo, err)
			}
		}
	})
}

func TestWhatIsWrittenShortLiesWithinHalfAHundredth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := domain.Rupiah(rapid.Int64Range(0, 900_000_000_000_000).Draw(t, "amount"))
		got, _, err := domain.ParseRupiah(amount.Short())
		if err != nil {
			t.Fatalf("%q: %v", amount.Short(), err)
		}
		if gap := max(got-amount, amount-got); gap*200 > max(amount, 1) {
			t.Fatalf("%d is written %q, off by %d", amount, amount.Short(), gap)
		}
	})
}

func TestParseQuantity(t *testing.T) {
	tests := []struct {
		in   string
		want domain.Quantity
		text string
		code string
	}{
		{"1.250", 1250, "1.25", ""},
		{"1", 1000, "1", ""},
		{"0.5", 500, "0.5", ""},
		{"0.001", 1, "0.001", ""},
		{"0012", 12000, "12", ""},
		{"1000000000000", 1e15, "1000000000000", ""},
		{"1000000000000.001", 0, "", "quantity_out_of_range"},
		{"99999999999999999999", 0, "", "quantity_out_of_range"},
		{"0", 0, "", "quantity_out_of_range"},
		{"0.000", 0, "", "quantity_out_of_range"},
		{"-1", 0, "", "quantity_invalid"},
		{"1,5", 0, "", "quantity_invalid"},
		{"1.2345", 0, "", "quantity_invalid"},
		{"1.", 0, "", "quantity_invalid"},
		{".5", 0, "", "quantity_invalid"},
		{"", 0, "", "quantity_invalid"},
		{"1e3", 0, "", "quantity_invalid"},
		{"٣", 0, "", "quantity_invalid"},
	}
	for _, tt := range tests {
		got, err := domain.ParseQuantity(tt.in)
		if code := codeOf(err); got != tt.want || code != tt.code {
			t.Errorf("%q is %d, %q; want %d, %q", tt.in, got, code, tt.want, tt.code)
		}
		if err == nil && got.String() != tt.text {
			t.Errorf("%q is written %q, want %q", tt.in, got, tt.text)
		}
	}
}

func TestQuantityTimesPriceRoundsHalfUp(t *testing.T) {
	tests := []struct {
		name  string
		q     domain.Quantity
		price domain.Rupiah
		want  domain.Rupiah
		code  string
	}{
		{"a whole product stays whole", 2000, 15_000, 30_000, ""},
		{"half a rupiah goes up", 500, 1, 1, ""},
		{"less than half goes down", 499, 1, 0, ""},
		{"a third of a kilo", 333, 10_000, 3330, ""},
		{"a negative half goes away from zero", -500, 1, -1, ""},
		{"the largest amount still fits", 1000, domain.MaxRupiah, domain.MaxRupiah, ""},
		{"one more does not", 1001, domain.MaxRupiah, 0, "amount_out_of_range"},
		{"an absurd product is refused, not wrapped", math.MaxInt64, math.MaxInt64, 0, "amount_out_of_range"},
		{"the least integer does not wrap", math.MinInt64, math.MinInt64, 0, "amount_out_of_range"},
	}
	for _, tt := range tests {
		got, err := tt.q.Times(tt.price)
		if code := codeOf(err); got != tt.want || code != tt.code {
			t.Errorf("%s: %d, %q; want %d, %q", tt.name, got, code, tt.want, tt.code)
		}
	}
}

func TestQuantityTimesPriceAgreesWithBigNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, price := rapid.Int64().Draw(t, "q"), rapid.Int64().Draw(t, "price")
		want := new(big.Int).Mul(big.NewInt(q), big.NewInt(price))
		sign := want.Sign()
		want.Abs(want).Add(want, big.NewInt(500)).Quo(want, big.NewInt(1000))
		fits := want.Cmp(big.NewInt(int64(domain.MaxRupiah))) <= 0
		got, err := domain.Quantity(q).Times(domain.Rupiah(price))
		if fits != (err == nil) || fits && int64(got) != int64(sign)*want.Int64() {
			t.Fatalf("%d x %d is %d, %v; want %s x %d", q, price, got, err, want, sign)
		}
	})
}

func TestPlusRefusesToWrap(t *testing.T) {
	if got, err := domain.Rupiah(-5).Plus(7); got != 2 || err != nil {
		t.Errorf("-5 + 7 is %d, %v", got, err)
	}
	for _, pair := range [][2]domain.Rupiah{{domain.MaxRupiah, 1}, {-domain.MaxRupiah, -1}, {math.MaxInt64, 1}, {math.MinInt64, math.MinInt64}} {
		if got, err := pair[0].Plus(pair[1]); codeOf(err) != "amount_out_of_range" {
			t.Errorf("%d + %d is %d, %v", pair[0], pair[1], got, err)
		}
	}
}

func FuzzParseRupiah(f *testing.F) {
	for _, s := range []string{"Rp 1.250.000,00", "1,25 jt", "5,23 M", "1,250,000", "−Rp75 ribu", "1.25E+06", "0.0,0", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		amount, _, err := domain.ParseRupiah(s)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if again, _, err := domain.ParseRupiah(amount.Format()); again != amount || err != nil {
			t.Fatalf("%q is %d, written back %d, %v", s, amount, again, err)
		}
	})
}

// codeOf is the code of err, or "" if there is none.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}
