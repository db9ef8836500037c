package domain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
)

// regionNamed reads a name as a list of a programme in some provinces would.
func regionNamed(t *testing.T, name string, provinces ...domain.Region) (domain.Region, []string) {
	t.Helper()
	rules := lagawi()
	rules.Provinces = provinces
	in, err := domain.ReadRegistrants(table(listRow(2, "region", name)), rules, domain.Known{})
	if err != nil || in.Header != nil {
		t.Fatal(err, in.Header)
	}
	if len(in.Registrants) == 0 {
		return "", said(in.Rejected)
	}
	return in.Registrants[0].Region, said(in.Rejected)
}

// TestListsNameRegenciesOfEveryProvince: there are 514 in 38 provinces, and a name that two
// of them have needs its kind.
func TestListsNameRegenciesOfEveryProvince(t *testing.T) {
	all := domain.NamedRegencies()
	codes, in := map[domain.Region]bool{}, map[domain.Region]int{}
	for _, r := range all {
		codes[r.Code] = true
		in[r.Code.Province()]++
		if _, err := domain.ParseRegion(string(r.Code)); err != nil || r.Name == "" {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if len(codes) != 514 || len(all) != 514 || len(in) != 38 {
		t.Errorf("%d codes of %d in %d provinces", len(codes), len(all), len(in))
	}
	for _, r := range all {
		kind := "Kabupaten "
		if r.Code.City() {
			kind = "KOTA "
		}
		if got, wrong := regionNamed(t, kind+r.Name, r.Code.Province()); got != r.Code || wrong != nil {
			t.Errorf("%s%s is %q, %v; want %s", kind, r.Name, got, wrong, r.Code)
		}
	}
}

func TestRegionsByName(t *testing.T) {
	for _, tt := range []struct {
		name      string
		provinces []domain.Region
		want      domain.Region
		code      string
	}{
		{"Kota Makassar", []domain.Region{"73"}, "73.71", ""},
		{"makassar", []domain.Region{"73"}, "73.71", ""},
		{"Kab. Pangkep", []domain.Region{"73"}, "73.10", ""},
		{"Solo", []domain.Region{"33", "34"}, "33.72", ""},
		{"Jogja", []domain.Region{"33", "34"}, "34.71", ""},
		{"Kab. Magelang", []domain.Region{"33", "34"}, "33.08", ""},
		{"Kotamadya Magelang", []domain.Region{"33", "34"}, "33.71", ""},
		{"Magelang", []domain.Region{"33", "34"}, "", "region_ambiguous"},
		{"Kabupaten/Kota Magelang", []domain.Region{"33", "34"}, "", "region_ambiguous"},
		{"Kota Makassar", []domain.Region{"18"}, "", "region_unknown"},
		{"Bandar Lampung", []domain.Region{"73"}, "", "region_unknown"},
		{"Kabupaten Banjar", []domain.Region{"32", "63"}, "63.03", ""},
		{"Banjar", []domain.Region{"32", "63"}, "", "region_ambiguous"},
	} {
		got, wrong := regionNamed(t, tt.name, tt.provinces...)
		if got != tt.want || (tt.code == "") != (wrong == nil) || tt.code != "" && !slices.ContainsFunc(wrong, func(s string) bool { return strings.HasSuffix(s, ":"+tt.code) }) {
			t.Errorf("%s in %v is %q, %v; want %q, %s", tt.name, tt.provinces, got, wrong, tt.want, tt.code)
		}
	}
}
