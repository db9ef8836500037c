package domain

import "strings"

// Region is a code of the Ministry of Home Affairs: PP (province), PP.RR
// (regency or city), PP.RR.DD (district) or PP.RR.DD.VVVV (village). It is not
// the undotted code of the statistics office.
type Region string

// ParseRegion checks form and province of s and, inside the provinces whose
// regencies are listed, the regency.
//
// Errors: Invalid "region_invalid" (not a code), "region_unknown".
func ParseRegion(s string) (Region, error) {
	widths := [...]int{2, 2, 2, 4}
	parts := strings.Split(s, ".")
	if len(parts) > len(widths) {
		return "", noRegion()
	}
	for i, p := range parts {
		if len(p) != widths[i] || !digits(p) || strings.Trim(p, "0") == "" {
			return "", noRegion()
		}
	}
	if len(parts) > 1 && parts[1] == "70" {
		return "", noRegion() // regencies end at 69, cities begin at 71
	}
	r := Region(s)
	if _, known := provinceName(parts[0]); !known {
		return "", unknownRegion()
	}
	if r.Province() == "18" && len(parts) > 1 {
		if _, known := lampung(parts[1]); !known {
			return "", unknownRegion()
		}
	}
	return r, nil
}

func noRegion() error { return invalid("region_invalid", "not a region code such as 18.71") }

func unknownRegion() error {
	return invalid("region_unknown", "region code has the right form and is not on the list")
}

// Province is the province of r, such as 18.
func (r Region) Province() Region { return r.head(2) }

// Regency is the regency or city of r, such as 18.71; empty for a province.
func (r Region) Regency() Region { return r.head(5) }

func (r Region) head(n int) Region {
	if len(r) < n {
		return ""
	}
	return r[:n]
}

// City reports whether r lies in a city rather than a regency.
func (r Region) City() bool {
	return len(r) >= 5 && r[3] >= '7'
}

// Kinds of regions.
const (
	KindProvince = "province"
	KindRegency  = "regency"
	KindCity     = "city"
	KindDistrict = "district"
	KindVillage  = "village"
)

func regionKinds() []string {
	return []string{KindProvince, KindRegency, KindCity, KindDistrict, KindVillage}
}

// Kind is what r is: a province, a regency or a city, a district or a village.
func (r Region) Kind() string {
	switch {
	case len(r) <= 2:
		return KindProvince
	case len(r) <= 5 && r.City():
		return KindCity
	case len(r) <= 5:
		return KindRegency
	case len(r) <= 8:
		return KindDistrict
	}
	return KindVillage
}

// Within reports whether r is outer or lies in it.
func (r Region) Within(outer Region) bool {
	return outer != "" && (r == outer || strings.HasPrefix(string(r), string(outer)+"."))
}

// Name is the name of the regency or city of r where the list knows it, else
// that of its province, else empty. Names of regions are not translated.
func (r Region) Name() string {
	if r.Province() == "18" && len(r) >= 5 {
		name, _ := lampung(string(r[3:5]))
		return name
	}
	name, _ := provinceName(string(r.Province()))
	return name
}

// Zone is the time zone of r.
//
// Errors: Invalid "region_unknown".
func (r Region) Zone() (Zone, error) {
	p := string(r.Province())
	if _, known := provinceName(p); !known {
		return "", unknownRegion()
	}
	switch {
	case p >= "11" && p <= "36", p == "61", p == "62":
		return WIB, nil
	case p >= "51" && p <= "76":
		return WITA, nil
	}
	return WIT, nil
}

// CheckNIB checks the form of a business number: 13 digits.
//
// Errors: Invalid "nib_invalid".
func CheckNIB(s string) error {
	if len(s) != 13 || !digits(s) {
		return invalid("nib_invalid", "NIB is not 13 digits")
	}
	return nil
}

// CheckKBLI checks the form of a line of business: 5 digits.
//
// Errors: Invalid "kbli_invalid".
func CheckKBLI(s string) error {
	if len(s) != 5 || !digits(s) {
		return invalid("kbli_invalid", "KBLI is not 5 digits")
	}
	return nil
}
