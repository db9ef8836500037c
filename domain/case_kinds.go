package domain

import "slices"

// Expiry says how long what a case brings is good for.
type Expiry string

// The ways in which a result ends.
const (
	Expires      Expiry = "expires"       // valid_until is part of the result
	MayExpire    Expiry = "may_expire"    // valid_until, or no_expiry
	NeverExpires Expiry = "never_expires" // neither
)

// Step is a usual milestone of a kind, or a document that it asks for.
type Step struct {
	Code   string `json:"code"`
	ID     string `json:"id"` // title in Bahasa Indonesia
	EN     string `json:"en"`
	Needed bool   `json:"needed,omitempty"` // of a document: nothing is filed without it
}

// CaseKind is one kind of facilitation: what it is for, what it takes, and what
// comes out. The rules of the bodies change, so the table is data: milestones,
// documents and validity are what is usual, for an office to look over.
type CaseKind struct {
	Kind       string   `json:"kind"`
	ID         string   `json:"id"` // title in Bahasa Indonesia
	EN         string   `json:"en"`
	Subjects   []string `json:"subjects"`             // types of what it is about
	Categories []string `json:"categories,omitempty"` // lines it is for; none: all
	Funded     bool     `json:"funded,omitempty"`     // the programme pays, so an admin approves
	Milestones []Step   `json:"milestones"`
	Documents  []Step   `json:"documents"`
	Numbered   bool     `json:"numbered,omitempty"` // the result carries a number
	Valued     bool     `json:"valued,omitempty"`   // and a value in basis points
	Expiry     Expiry   `json:"expiry"`
	Validity   string   `json:"validity"` // note for people
}

// Types of what a case is about.
const (
	SubjectFacility = "facility"
	SubjectProduct  = "product"
	SubjectPerson   = "person"
	SubjectBrand    = "brand"
	SubjectBusiness = "business"
)

func subjectTypes() []string {
	return []string{SubjectFacility, SubjectProduct, SubjectPerson, SubjectBrand, SubjectBusiness}
}

// CaseKinds lists every kind, in the order in which people know them. The slice
// is the caller's.
func CaseKinds() []CaseKind { return slices.Concat(certificateKinds(), designKinds(), permitKinds()) }

// CaseKindOf finds a kind by its word.
func CaseKindOf(kind string) (CaseKind, bool) {
	all := CaseKinds()
	i := slices.IndexFunc(all, func(k CaseKind) bool { return k.Kind == kind })
	if i < 0 {
		return CaseKind{}, false
	}
	return all[i], true
}

func caseKindNames() []string {
	var out []string
	for _, k := range CaseKinds() {
		out = append(out, k.Kind)
	}
	return out
}

// Fits reports whether a business of a category may have such a case.
func (k CaseKind) Fits(category string) bool {
	return len(k.Categories) == 0 || slices.Contains(k.Categories, category)
}

// needed lists the documents without which nothing is filed.
func (k CaseKind) needed() []string {
	var out []string
	for _, d := range k.Documents {
		if d.Needed {
			out = append(out, d.Code)
		}
	}
	return out
}

func step(code, id, en string) Step { return Step{Code: code, ID: id, EN: en} }

func must(code, id, en string) Step { return Step{Code: code, ID: id, EN: en, Needed: true} }

// issue is the last milestone of most kinds.
func issueStep() Step { return step("issue", "Terbit", "Issued") }

func applicationStep() Step { return step("application", "Pengajuan", "Application") }

// certificateKinds are those in which a body examines something.
func certificateKinds() []CaseKind {
	food := []string{"food_beverage"}
	return []CaseKind{
		{Kind: "haccp", ID: "Sertifikasi HACCP", EN: "HACCP certificate", Subjects: []string{SubjectFacility}, Categories: food, Funded: true,
			Milestones: []Step{step("gap_check", "Pemeriksaan awal", "Gap check"), step("documents", "Dokumen", "Documents"), step("internal_audit", "Audit internal", "Internal audit"),
				applicationStep(), step("audit", "Audit", "Audit"), step("corrective_action", "Tindakan perbaikan", "Corrective action"), issueStep()},
			Documents: []Step{must("haccp_plan", "Rencana HACCP", "HACCP plan"), must("layout", "Denah sarana", "Layout of the premises"),
				must("internal_audit", "Laporan audit internal", "Report of the internal audit"), step("training", "Sertifikat pelatihan", "Training certificate")},
			Numbered: true, Expiry: Expires, Validity: "surveillance yearly, end as on the certificate"},
		{Kind: "skkni", ID: "Sertifikasi kompetensi SKKNI", EN: "Certificate of competence (SKKNI)", Subjects: []string{SubjectPerson},
			Milestones: []Step{step("scheme", "Pilih skema", "Pick a scheme"), step("training", "Pelatihan", "Training"), step("assessment", "Hari asesmen", "Assessment day"), step("result", "Hasil", "Result")},
			Documents:  []Step{must("form", "Formulir asesmen", "Assessment form"), must("portfolio", "Portofolio", "Portfolio")},
			Numbered:   true, Expiry: Expires, Validity: "three years usual"},
		{Kind: "tkdn", ID: "Sertifikat TKDN", EN: "Local content certificate (TKDN)", Subjects: []string{SubjectProduct},
			Milestones: []Step{step("account", "Akun sistem industri", "Account in the industry system"), step("costs", "Data biaya", "Cost data"),
				step("self_assessment", "Penilaian mandiri", "Self-assessment"), applicationStep(), issueStep()},
			Documents: []Step{must("costs", "Rincian biaya produksi", "Production costs"), must("self_assessment", "Penilaian mandiri", "Self-assessment")},
			Numbered:  true, Valued: true, Expiry: Expires, Validity: "at least 25 percent; end as on the certificate"},
		{Kind: "test_report", ID: "Laporan hasil uji", EN: "Test report", Subjects: []string{SubjectProduct}, Categories: []string{"food_beverage", "toys", "machinery"}, Funded: true,
			Milestones: []Step{step("sent", "Contoh dikirim", "Sample sent"), step("received", "Diterima laboratorium", "Received by the laboratory"), step("tested", "Diuji", "Tested"), step("report", "Laporan", "Report")},
			Documents:  []Step{must("request", "Permohonan uji", "Test request")}, Numbered: true, Expiry: NeverExpires, Validity: "the date of the report matters"},
		{Kind: "sni", ID: "Sertifikasi SNI", EN: "National standard (SNI)", Subjects: []string{SubjectProduct}, Categories: []string{"toys", "machinery"}, Funded: true,
			Milestones: []Step{applicationStep(), step("test", "Pengujian", "Testing"), step("audit", "Audit", "Audit"), issueStep()},
			Documents:  []Step{must("application", "Permohonan", "Application"), must("test_report", "Laporan hasil uji", "Test report"), step("brand", "Bukti merek", "Proof of the brand")},
			Numbered:   true, Expiry: Expires, Validity: "three to four years by scheme"},
	}
}

// designKinds are those in which something is made.
func designKinds() []CaseKind {
	drafts := []Step{step("brief", "Arahan", "Brief"), step("draft", "Rancangan pertama", "First draft"), step("revision", "Perbaikan", "Revision"),
		step("approval", "Persetujuan pemilik", "Owner's approval"), step("print_file", "Berkas cetak", "Print file")}
	brief := []Step{must("brief", "Arahan rancangan", "Design brief"), step("photos", "Foto produk", "Product photos")}
	return []CaseKind{
		{Kind: "packaging_design", ID: "Rancangan kemasan", EN: "Packaging design", Subjects: []string{SubjectProduct, SubjectBrand}, Milestones: drafts, Documents: brief,
			Expiry: NeverExpires, Validity: "none"},
		{Kind: "brand_design", ID: "Rancangan merek", EN: "Brand design", Subjects: []string{SubjectBrand, SubjectBusiness}, Milestones: slices.Clone(drafts), Documents: slices.Clone(brief),
			Expiry: NeverExpires, Validity: "none"},
		{Kind: "packaging_clinic", ID: "Klinik kemasan", EN: "Packaging clinic", Subjects: []string{SubjectProduct, SubjectBrand, SubjectBusiness}, Funded: true,
			Milestones: []Step{step("consultation", "Konsultasi", "Consultation"), step("sample", "Contoh kemasan", "Sample"), step("delivery", "Penyerahan", "Delivery")},
			Documents:  []Step{must("form", "Formulir klinik", "Clinic form")}, Expiry: NeverExpires, Validity: "none"},
		{Kind: "machine_restructuring", ID: "Restrukturisasi mesin", EN: "Machine restructuring", Subjects: []string{SubjectBusiness, SubjectFacility}, Funded: true,
			Milestones: []Step{applicationStep(), step("verification", "Verifikasi lapangan", "Verification on site"), step("purchase", "Pembelian", "Purchase"), step("refund", "Penggantian", "Refund")},
			Documents: []Step{must("offer", "Penawaran harga mesin", "Offer for the machine"), must("invoice", "Faktur", "Invoice"),
				must("photos", "Foto mesin", "Photos of the machine")}, Numbered: true, Expiry: NeverExpires, Validity: "a part of the price is paid back once"},
	}
}

// permitKinds are those in which an office enters something in a register.
func permitKinds() []CaseKind {
	food := []string{"food_beverage"}
	return []CaseKind{
		{Kind: "brand_registration", ID: "Pendaftaran merek", EN: "Brand registration", Subjects: []string{SubjectBrand},
			Milestones: []Step{step("search", "Penelusuran nama", "Name search"), applicationStep(), step("examination", "Pemeriksaan", "Examination"), step("certificate", "Sertifikat", "Certificate")},
			Documents:  []Step{must("label", "Etiket merek", "Label of the brand"), must("signature", "Tanda tangan pemohon", "Applicant's signature"), step("recommendation", "Rekomendasi dinas", "Recommendation of the office")},
			Numbered:   true, Expiry: Expires, Validity: "ten years"},
		{Kind: "halal", ID: "Sertifikat halal", EN: "Halal certificate", Subjects: []string{SubjectProduct}, Categories: food,
			Milestones: []Step{step("nib", "NIB", "Business number"), step("materials", "Daftar bahan", "List of materials"), step("check", "Pemeriksaan pendamping", "Companion's check"),
				step("fatwa", "Fatwa", "Fatwa"), issueStep()},
			Documents: []Step{must("materials", "Daftar bahan", "List of materials"), must("process", "Proses produksi", "Production process"), step("statement", "Pernyataan pelaku usaha", "Owner's statement")},
			Numbered:  true, Expiry: MayExpire, Validity: "while composition and process stay the same"},
		{Kind: "pirt", ID: "SPP-IRT", EN: "Home food permit (P-IRT)", Subjects: []string{SubjectProduct}, Categories: food,
			Milestones: []Step{step("training", "Penyuluhan keamanan pangan", "Food safety training"), applicationStep(), issueStep()},
			Documents:  []Step{must("label", "Rancangan label", "Draft of the label"), must("training", "Sertifikat penyuluhan", "Training certificate")},
			Numbered:   true, Expiry: Expires, Validity: "five years by the older rule"},
		{Kind: "bpom", ID: "Izin edar BPOM", EN: "Marketing permit (BPOM)", Subjects: []string{SubjectProduct}, Categories: food,
			Milestones: []Step{step("audit", "Pemeriksaan sarana", "Inspection of the premises"), step("test", "Pengujian", "Testing"), applicationStep(), issueStep()},
			Documents:  []Step{must("label", "Rancangan label", "Draft of the label"), must("test_report", "Laporan hasil uji", "Test report"), must("process", "Proses produksi", "Production process")},
			Numbered:   true, Expiry: Expires, Validity: "five years usual"},
		{Kind: "nib", ID: "Nomor Induk Berusaha", EN: "Business number (NIB)", Subjects: []string{SubjectBusiness},
			Milestones: []Step{step("account", "Akun OSS", "Account in the licence system"), applicationStep(), issueStep()},
			Documents:  []Step{}, Numbered: true, Expiry: NeverExpires, Validity: "while the business runs"},
	}
}
