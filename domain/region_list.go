package domain

// NamedRegion is one entry of the list of regions.
type NamedRegion struct {
	Code Region
	Name string
}

// Provinces lists the 38 provinces by code, as of 2022. A new one is added
// here; the codes of those it was taken from stay valid.
func Provinces() []NamedRegion {
	return []NamedRegion{
		{"11", "Aceh"},
		{"12", "Sumatera Utara"},
		{"13", "Sumatera Barat"},
		{"14", "Riau"},
		{"15", "Jambi"},
		{"16", "Sumatera Selatan"},
		{"17", "Bengkulu"},
		{"18", "Lampung"},
		{"19", "Kepulauan Bangka Belitung"},
		{"21", "Kepulauan Riau"},
		{"31", "DKI Jakarta"},
		{"32", "Jawa Barat"},
		{"33", "Jawa Tengah"},
		{"34", "DI Yogyakarta"},
		{"35", "Jawa Timur"},
		{"36", "Banten"},
		{"51", "Bali"},
		{"52", "Nusa Tenggara Barat"},
		{"53", "Nusa Tenggara Timur"},
		{"61", "Kalimantan Barat"},
		{"62", "Kalimantan Tengah"},
		{"63", "Kalimantan Selatan"},
		{"64", "Kalimantan Timur"},
		{"65", "Kalimantan Utara"},
		{"71", "Sulawesi Utara"},
		{"72", "Sulawesi Tengah"},
		{"73", "Sulawesi Selatan"},
		{"74", "Sulawesi Tenggara"},
		{"75", "Gorontalo"},
		{"76", "Sulawesi Barat"},
		{"81", "Maluku"},
		{"82", "Maluku Utara"},
		{"91", "Papua"},
		{"92", "Papua Barat"},
		{"93", "Papua Selatan"},
		{"94", "Papua Tengah"},
		{"95", "Papua Pegunungan"},
		{"96", "Papua Barat Daya"},
	}
}

// LampungRegencies lists the 13 regencies and 2 cities of Lampung by code.
func LampungRegencies() []NamedRegion {
	return []NamedRegion{
		{"18.01", "Lampung Selatan"},
		{"18.02", "Lampung Tengah"},
		{"18.03", "Lampung Utara"},
		{"18.04", "Lampung Barat"},
		{"18.05", "Tulang Bawang"},
		{"18.06", "Tanggamus"},
		{"18.07", "Lampung Timur"},
		{"18.08", "Way Kanan"},
		{"18.09", "Pesawaran"},
		{"18.10", "Pringsewu"},
		{"18.11", "Mesuji"},
		{"18.12", "Tulang Bawang Barat"},
		{"18.13", "Pesisir Barat"},
		{"18.71", "Bandar Lampung"},
		{"18.72", "Metro"},
	}
}

func provinceName(code string) (string, bool) { return nameIn(Provinces(), Region(code)) }

func lampung(regency string) (string, bool) {
	return nameIn(LampungRegencies(), Region("18."+regency))
}

func nameIn(list []NamedRegion, code Region) (string, bool) {
	for _, r := range list {
		if r.Code == code {
			return r.Name, true
		}
	}
	return "", false
}
