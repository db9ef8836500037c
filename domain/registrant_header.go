package domain

import (
	"fmt"
	"slices"
	"strconv"
)

// Fields of a Registrant, as columns of a table.
const (
	fieldRef             = "external_ref"
	fieldRegisteredAt    = "registered_at"
	fieldBusiness        = "business_name"
	fieldOwner           = "owner_name"
	fieldPhone           = "phone"
	fieldNIB             = "nib"
	fieldRegion          = "region"
	fieldCategory        = "category"
	fieldOtherCategories = "other_categories"
	fieldAddress         = "address"
	fieldSize            = "size_class"
	fieldEmail           = "email"
	surveyPrefix         = "survey_"
	answersPrefix        = "answers." // of the programme's own questions
)

// RegistrantColumn is one column of a list of registrants.
type RegistrantColumn struct {
	Field     string   // such as "phone"
	Required  bool     // in the header and in every row
	Spellings []string // further headers for it; case, blanks and punctuation do not matter
}

// RegistrantColumns lists the columns that are read, in the order in which a
// template shows them. Every other column is ignored.
func RegistrantColumns() []RegistrantColumn {
	out := []RegistrantColumn{
		{fieldRef, true, []string{"ID", "ID registrasi", "ID pendaftaran", "No registrasi", "Nomor registrasi", "No. pendaftaran", "Nomor pendaftaran", "Kode registrasi", "Kode pendaftaran",
			"Registration ID", "External registration id", "External ID"}},
		{fieldRegisteredAt, true, []string{"Tanggal daftar", "Tanggal pendaftaran", "Tanggal registrasi", "Tgl daftar", "Tgl pendaftaran", "Waktu daftar", "Waktu pendaftaran", "Waktu registrasi",
			"Timestamp", "Registered", "Registration date", "Registration time", "Date registered"}},
		{fieldBusiness, true, []string{"Nama usaha", "Nama IKM", "Nama UMKM", "Nama perusahaan", "Usaha", "Business", "Company name", "Enterprise name"}},
		{fieldOwner, true, []string{"Nama pemilik", "Pemilik", "Nama pemilik usaha", "Nama pendaftar", "Nama lengkap", "Owner", "Full name", "Name of owner"}},
		{fieldPhone, true, []string{"Telepon", "Telp", "No telp", "No telepon", "Nomor telepon", "HP", "No HP", "Nomor HP", "No ponsel", "Nomor ponsel", "WhatsApp", "No WhatsApp", "Nomor WhatsApp",
			"No WA", "Nomor WA", "No HP/WA", "Phone number", "Mobile", "Mobile phone", "Mobile number"}},
		{fieldNIB, false, []string{"No NIB", "Nomor NIB", "Nomor induk berusaha", "NIB (13 digit)", "Business number", "Business identification number"}},
		{fieldRegion, true, []string{"Wilayah", "Kode wilayah", "Kabupaten", "Kabupaten/Kota", "Kab/Kota", "Kota", "Kota/Kabupaten", "Regency", "Regency/City", "City", "Region code"}},
		{fieldCategory, true, []string{"Kategori", "Kategori usaha", "Kategori produk", "Bidang usaha", "Jenis usaha", "Komoditas", "Komoditi", "Primary category", "Line of business"}},
		{fieldOtherCategories, false, []string{"Kategori lain", "Kategori lainnya", "Kategori tambahan", "Bidang usaha lain", "Further categories"}},
		{fieldAddress, false, []string{"Alamat", "Alamat usaha", "Alamat lengkap", "Business address"}},
		{fieldSize, false, []string{"Skala usaha", "Skala", "Ukuran usaha", "Kelas usaha", "Size", "Business size"}},
		{fieldEmail, false, []string{"Surel", "Alamat email", "Alamat surel", "Email address", "E-mail"}},
	}
	spellings := surveySpellings()
	for i, item := range SurveyItems() {
		n := strconv.Itoa(i + 1)
		out = append(out, RegistrantColumn{surveyPrefix + item, false, append(spellings[i], "Survei "+n, "Survey "+n, "Survei digital "+n, "S"+n, "Q"+n)})
	}
	checks := checkSpellings()
	for _, check := range RegistrantChecks() {
		out = append(out, RegistrantColumn{check, false, checks[check]})
	}
	return out
}

func surveySpellings() [10][]string {
	return [...][]string{
		{"Perangkat", "Gawai", "Device"}, {"Internet", "Akses internet"}, {"Jualan lewat chat", "Penjualan lewat chat", "Chat selling"},
		{"Media sosial", "Social media"}, {"Lokapasar", "Marketplace"}, {"Iklan", "Iklan digital", "Ads"}, {"Foto produk", "Product photo", "Photo"},
		{"Kemasan", "Informasi kemasan", "Info kemasan/label", "Packaging info"}, {"Pembayaran digital", "Digital payment"}, {"Pembukuan", "Bookkeeping"},
	}
}

func checkSpellings() map[string][]string {
	return map[string][]string{
		CheckOwnProduction: {"Produksi sendiri", "Memproduksi sendiri", "Own production"},
		CheckNIBWilling:    {"Bersedia mengurus NIB", "Bersedia membuat NIB", "Bersedia NIB", "Willing to get NIB"},
		CheckMarketable:    {"Produk siap jual", "Produk siap pasar", "Marketable product"},
		CheckConsent:       {"Persetujuan", "Setuju", "Persetujuan data pribadi", "Consent"},
		CheckAssisted:      {"Sudah didampingi tahun ini", "Pernah didampingi tahun ini", "Didampingi tahun ini", "Assisted this year"},
	}
}

// column is one column of a file that is read.
type column struct {
	at       int    // index of the cell; -1: the file does not have it
	header   string // as the file spells it
	field    string
	needed   bool
	question Question // of the programme that it answers; zero: none
}

// said is what errors call c.
func (c column) said() string {
	if c.header != "" {
		return c.header
	}
	return c.field
}

func (c column) wrong(line int, code string, params map[string]any) RowError {
	filled := map[string]any{"field": c.said()}
	for name, v := range params {
		filled[name] = v
	}
	return RowError{Line: line, Column: c.said(), Field: c.field, Code: code, Params: filled}
}

// knownColumns are the columns that a list may have, and which of them a folded heading means.
// A question of the programme is known by its code and its labels, unless another column has that
// heading already; what two questions are called means neither.
func knownColumns(questions []Question) (found []column, spellings map[string]int) {
	spellings = map[string]int{}
	for i, c := range RegistrantColumns() {
		found = append(found, column{at: -1, field: c.Field, needed: c.Required})
		for _, s := range append(c.Spellings, c.Field) {
			spellings[foldWord(s)] = i
		}
	}
	builtIn, codes := len(found), map[string]bool{}
	for _, q := range questions {
		codes[foldWord(q.Code)] = true
	}
	for _, q := range questions {
		i := slices.IndexFunc(found[:builtIn], func(c column) bool { return c.field == q.Code && slices.Contains(RegistrantChecks(), q.Code) })
		if i < 0 {
			i = len(found)
			found = append(found, column{at: -1, field: answersPrefix + q.Code})
		}
		found[i].question = q
		for n, s := range []string{q.Code, q.LabelID, q.LabelEN} {
			s = foldWord(s)
			has, taken := spellings[s]
			switch {
			case s == "", taken && has < builtIn, n > 0 && codes[s] && s != foldWord(q.Code):
			case taken && has != i:
				spellings[s] = -1
			default:
				spellings[s] = i
			}
		}
	}
	return found, spellings
}

// unasked warns of each required question that none of the columns of a list answers.
func unasked(line int, columns []column) (out []RowError) {
	for _, c := range columns {
		if c.question.Required && c.at < 0 {
			c.header, c.field = c.question.LabelID, answersPrefix+c.question.Code
			out = append(out, c.wrong(line, "question_missing", nil))
		}
	}
	return out
}

// readHeader finds the columns in the first row of a file. What it does not know it
// gives by name.
func readHeader(row TableRow, questions []Question) (found []column, ignored []string, wrong []RowError) {
	found, spellings := knownColumns(questions)
	for at, cell := range row.Cells {
		name, code := cleanText(cell.Text)
		i, known := spellings[foldWord(name)]
		known = known && i >= 0
		switch {
		case cell.Code != "" || code != "":
			wrong = append(wrong, RowError{Line: row.Line, Column: fmt.Sprint(at + 1), Code: firstCode(cell.Code, code), Params: map[string]any{"field": at + 1, "limit": MaxCell}})
		case !known && name != "":
			ignored = append(ignored, name)
		case known && found[i].at >= 0:
			wrong = append(wrong, column{header: name, field: found[i].field}.wrong(row.Line, "column_twice", nil))
		case known:
			found[i].at, found[i].header = at, name
		}
	}
	for _, c := range found {
		if c.needed && c.at < 0 {
			wrong = append(wrong, c.wrong(row.Line, "column_missing", nil))
		}
	}
	return found, ignored, wrong
}

func firstCode(codes ...string) string {
	for _, c := range codes {
		if c != "" {
			return c
		}
	}
	return ""
}
