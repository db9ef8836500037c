package domain

import (
	_ "embed"
	"strings"
)

// NamedRegion is one entry of the list of regions.
type NamedRegion struct {
	Code    Region
	Name    string
	Aliases []string
	Since   Date // first day of a province that was split off; empty for most
}

//go:embed regions.txt
var regionText string

// regionList is the list in the order of the codes. It is the one source of what
// the rules know and of what phones are shown.
var regionList = readRegions(regionText)

//go:embed regencies.txt
var regencyText string

// regencyList are the regencies and cities of the other provinces: for lists that name
// them, and not for phones, which would load five hundred names to use fifteen.
var regencyList = readRegions(regencyText)

func readRegions(text string) (out []NamedRegion) {
	for line := range strings.Lines(text) {
		parts := append(strings.Split(strings.TrimSpace(line), ";"), "", "", "")
		if parts[0] == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r := NamedRegion{Code: Region(parts[0]), Name: parts[1], Since: Date(parts[3])}
		if parts[2] != "" {
			r.Aliases = strings.Split(parts[2], "|")
		}
		out = append(out, r)
	}
	return out
}

// NamedRegencies lists every regency and city of the country by code.
func NamedRegencies() (out []NamedRegion) {
	for _, p := range Provinces() {
		out = append(out, regenciesOf(p.Code)...)
	}
	return out
}

// regenciesOf are the regencies and cities of a province, by code.
func regenciesOf(province Region) (out []NamedRegion) {
	for _, r := range append(regionsOf(string(province)+".", 5), regencyList...) {
		if r.Code.Province() == province {
			out = append(out, r)
		}
	}
	return out
}

func regionsOf(within string, length int) (out []NamedRegion) {
	for _, r := range regionList {
		if len(r.Code) == length && strings.HasPrefix(string(r.Code), within) {
			out = append(out, r)
		}
	}
	return out
}

// Provinces lists the 38 provinces by code. A new one is added to the list; the
// codes of those it was taken from stay valid.
func Provinces() []NamedRegion { return regionsOf("", 2) }

// LampungRegencies lists the 13 regencies and 2 cities of Lampung by code.
func LampungRegencies() []NamedRegion { return regionsOf("18.", 5) }

// LampungDistricts lists the 229 districts of Lampung by code.
func LampungDistricts() []NamedRegion { return regionsOf("18.", 8) }

func provinceName(code string) (string, bool) { return nameOf(Region(code)) }

func lampung(regency string) (string, bool) { return nameOf(Region("18." + regency)) }

func nameOf(code Region) (string, bool) {
	for _, r := range regionList {
		if r.Code == code {
			return r.Name, true
		}
	}
	return "", false
}
