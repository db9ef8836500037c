package domain_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
)

func TestParseRegion(t *testing.T) {
	tests := []struct {
		in, code string
	}{
		{"18", ""}, {"18.71", ""}, {"18.13", ""}, {"18.71.04", ""}, {"18.71.04.1001", ""}, {"31.74", ""}, {"96", ""},
		{"18.14", "region_unknown"}, {"18.73", "region_unknown"}, {"97", "region_unknown"}, {"20.01", "region_unknown"},
		{"18.70", "region_invalid"}, {"31.70", "region_invalid"}, {"18.00", "region_invalid"}, {"00", "region_invalid"},
		{"1871", "region_invalid"}, {"18.7", "region_invalid"}, {"18.", "region_invalid"}, {"", "region_invalid"},
		{"18.71.04.100", "region_invalid"}, {"18.71.04.1001.1", "region_invalid"}, {"18-71", "region_invalid"}, {"١٨", "region_invalid"},
	}
	for _, tt := range tests {
		got, err := domain.ParseRegion(tt.in)
		if codeOf(err) != tt.code || err == nil && string(got) != tt.in {
			t.Errorf("%q is %q, %v; want %q", tt.in, got, err, tt.code)
		}
	}
}

func TestRegionsKnowTheirPlace(t *testing.T) {
	tests := []struct {
		in                domain.Region
		province, regency domain.Region
		city              bool
		name              string
		zone              domain.Zone
	}{
		{"18", "18", "", false, "Lampung", domain.WIB},
		{"18.71", "18", "18.71", true, "Bandar Lampung", domain.WIB},
		{"18.09.01.2003", "18", "18.09", false, "Pesawaran", domain.WIB},
		{"31.74", "31", "31.74", true, "DKI Jakarta", domain.WIB},
		{"61.71", "61", "61.71", true, "Kalimantan Barat", domain.WIB},
		{"62", "62", "", false, "Kalimantan Tengah", domain.WIB},
		{"63", "63", "", false, "Kalimantan Selatan", domain.WITA},
		{"51", "51", "", false, "Bali", domain.WITA},
		{"73.71", "73", "73.71", true, "Sulawesi Selatan", domain.WITA},
		{"82", "82", "", false, "Maluku Utara", domain.WIT},
		{"91.71", "91", "91.71", true, "Papua", domain.WIT},
		{"96", "96", "", false, "Papua Barat Daya", domain.WIT},
	}
	for _, tt := range tests {
		zone, err := tt.in.Zone()
		if err != nil || zone != tt.zone || tt.in.Province() != tt.province || tt.in.Regency() != tt.regency || tt.in.City() != tt.city || tt.in.Name() != tt.name {
			t.Errorf("%s is %q in %s, %s, city %t, zone %s, %v", tt.in, tt.in.Name(), tt.in.Province(), tt.in.Regency(), tt.in.City(), zone, err)
		}
	}
	if _, err := domain.Region("99").Zone(); codeOf(err) != "region_unknown" {
		t.Errorf("an unknown province has a zone: %v", err)
	}
}

func TestWithinLooksAtWholeParts(t *testing.T) {
	tests := []struct {
		inner, outer domain.Region
		want         bool
	}{
		{"18.71.04", "18", true}, {"18.71", "18.71", true}, {"18", "18.71", false}, {"18.71", "18.7", false}, {"19.71", "18", false}, {"18.71", "", false},
	}
	for _, tt := range tests {
		if got := tt.inner.Within(tt.outer); got != tt.want {
			t.Errorf("%s within %q: %t", tt.inner, tt.outer, got)
		}
	}
}

func TestListsAreWholeAndReadable(t *testing.T) {
	provinces, regencies := domain.Provinces(), domain.LampungRegencies()
	if len(provinces) != 38 || len(regencies) != 15 {
		t.Errorf("%d provinces, %d regencies and cities of Lampung", len(provinces), len(regencies))
	}
	for _, list := range [][]domain.NamedRegion{provinces, regencies} {
		if !slices.IsSortedFunc(list, func(a, b domain.NamedRegion) int { return slices.Compare([]byte(a.Code), []byte(b.Code)) }) {
			t.Error("a list is not in the order of its codes")
		}
		for _, r := range list {
			if got, err := domain.ParseRegion(string(r.Code)); err != nil || got.Name() != r.Name {
				t.Errorf("%s %s reads back as %q, %v", r.Code, r.Name, got.Name(), err)
			}
		}
	}
}

func TestIdentifiersHaveTheirForm(t *testing.T) {
	for s, code := range map[string]string{"1234567890123": "", "123456789012": "nib_invalid", "12345678901234": "nib_invalid", "123456789012a": "nib_invalid", "": "nib_invalid"} {
		if got := codeOf(domain.CheckNIB(s)); got != code {
			t.Errorf("NIB %q: %q", s, got)
		}
	}
	for s, code := range map[string]string{"10710": "", "1071": "kbli_invalid", "1071a": "kbli_invalid", "": "kbli_invalid"} {
		if got := codeOf(domain.CheckKBLI(s)); got != code {
			t.Errorf("KBLI %q: %q", s, got)
		}
	}
}
