package domain

import (
	"slices"
	"strconv"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// maxPlanItems is how many tasks a template has at most.
const maxPlanItems = 200

// PlanItem is a task of a template.
type PlanItem struct {
	Code      string    `json:"code"`
	TitleID   string    `json:"title_id"`
	TitleEN   string    `json:"title_en,omitempty"`
	Track     string    `json:"track"`
	Mode      string    `json:"mode,omitempty"`
	Offset    int       `json:"offset_days"`   // from the first day that is monitored
	Duration  int       `json:"duration_days"` // due on its last day
	Evidence  *Evidence `json:"evidence_required,omitempty"`
	AppliesTo []string  `json:"applies_to,omitempty"` // categories; empty: all
	DependsOn []string  `json:"depends_on,omitempty"` // codes
}

// Evidence is the least that a submission brings.
type Evidence struct {
	PhotosMin int  `json:"photos_min,omitempty"`
	File      bool `json:"file,omitempty"`
	Note      bool `json:"note,omitempty"`
}

// PlanTemplateID is the id of a version of a template; versions are never changed.
func PlanTemplateID(code string, version int) string {
	return id.Derive("plan_template", code, strconv.Itoa(version))
}

// planTemplate is a list of tasks that every business of a programme gets.
func planTemplate() *merge.Collection {
	item := object(
		merge.Member{Name: "code", Type: form(`^[a-z0-9_]{1,40}$`, 40), Required: true},
		merge.Member{Name: "title_id", Type: text(1, 120), Required: true},
		merge.Member{Name: "title_en", Type: text(1, 120)},
		merge.Member{Name: "track", Type: enum(tracks()...), Required: true},
		merge.Member{Name: "mode", Type: enum("online", "on_site")},
		merge.Member{Name: "offset_days", Type: whole(0, 1000, "days"), Required: true},
		merge.Member{Name: "duration_days", Type: whole(1, 1000, "days"), Required: true},
		merge.Member{Name: "evidence_required", Type: object(
			merge.Member{Name: "photos_min", Type: whole(0, 20, "photos")},
			merge.Member{Name: "file", Type: truth()},
			merge.Member{Name: "note", Type: truth()})},
		merge.Member{Name: "applies_to", Type: list(enum(categories()...), 10)},
		merge.Member{Name: "depends_on", Type: list(text(1, 40), 20)})
	return &merge.Collection{
		Name: "plan_template", Scope: ScopeProgrammes, Doc: "tasks that every business of a programme gets; a version is never changed", Fields: fields(
			server("code", form(`^[a-z0-9-]{3,40}$`, 40), ""),
			server("template_version", whole(1, 1000, ""), ""),
			server("name", text(2, 120), ""),
			server("items", list(item, maxPlanItems), ""),
		),
	}
}

// businessPlan is what a business got of a template.
func businessPlan() *merge.Collection {
	return &merge.Collection{
		Name: "plan", Scope: ScopeBusiness, Doc: "the plan of a business that takes part in a programme; its tasks are tasks like others; made by the server", Fields: fields(
			server("enrolment_id", ref("enrolment"), ""),
			server("programme_id", ref(""), ""),
			server("template_id", ref(""), "version of the template that it was made from"),
			server("tasks", list(ref("task"), maxPlanItems), ""),
		),
	}
}

// PlanID is the id of the plan of an enrolment, and PlanTaskID that of a task of it.
func PlanID(enrolment string) string { return id.Derive("plan", enrolment) }

// PlanTaskID is the id of the task that an item of a template becomes.
func PlanTaskID(enrolment, code string) string { return id.Derive("plan_task", enrolment, code) }

// PlanItems reads the items of a template.
func PlanItems(template merge.Row) []PlanItem {
	var all []PlanItem
	decode(template.Fields["items"], &all)
	return all
}

// Suits reports whether an item is for a business of the categories.
func (i PlanItem) Suits(categories []string) bool {
	return len(i.AppliesTo) == 0 || slices.ContainsFunc(categories, func(c string) bool { return slices.Contains(i.AppliesTo, c) })
}

// Task is what an item becomes in a programme that begins on a day.
func (i PlanItem) Task(programme string, begins Date) map[string]merge.Value {
	set := map[string]merge.Value{"title": merge.Str(i.TitleID), "track": merge.Str(i.Track), "origin": merge.Str(OriginTemplate), "template_code": merge.Str(i.Code),
		"programme_id": merge.Str(programme)}
	if i.Mode != "" {
		set["mode"] = merge.Str(i.Mode)
	}
	if due := begins.AddDays(i.Offset + i.Duration - 1); due != "" {
		set["due_on"] = merge.Str(string(due))
	}
	if i.Evidence != nil {
		set["evidence_required"] = merge.Encode(i.Evidence)
	}
	return set
}

// BBI90 is the plan of ninety days of a Gernas BBI campaign: 24 tasks.
func BBI90() []PlanItem {
	photos := func(n int) *Evidence { return &Evidence{PhotosMin: n} }
	note, file := &Evidence{Note: true}, &Evidence{File: true}
	return []PlanItem{
		{"shop_opening", "Buka toko di marketplace", "Open a shop on a marketplace", "digital", "online", 0, 7, note, nil, nil},
		{"product_photos", "Foto tiga produk", "Photos of three products", "digital", "on_site", 3, 7, photos(3), nil, nil},
		{"ten_listings", "Tayangkan sepuluh produk", "List ten products", "digital", "online", 7, 14, note, nil, []string{"shop_opening", "product_photos"}},
		{"chat_templates", "Siapkan balasan chat", "Prepare answers for chats", "digital", "online", 14, 7, note, nil, nil},
		{"order_handling", "Latih alur pesanan", "Practise handling orders", "digital", "on_site", 14, 10, note, nil, []string{"shop_opening"}},
		{"ad_trial", "Coba iklan pertama", "Try a first advertisement", "digital", "online", 21, 14, note, nil, []string{"ten_listings"}},
		{"live_selling", "Jualan langsung lewat video", "Sell live by video", "digital", "online", 28, 14, photos(1), nil, []string{"ten_listings"}},
		{"landing_page", "Masuk laman kampanye", "Be on the campaign's landing page", "digital", "online", 30, 14, note, nil, nil},
		{"virtual_expo", "Ikut pameran virtual", "Take part in the virtual expo", "digital", "online", 45, 21, photos(1), nil, nil},
		{"esmartikm_profile", "Lengkapi profil e-Smart IKM", "Complete the e-Smart IKM profile", "digital", "online", 7, 14, note, nil, nil},
		{"production_check", "Periksa ruang produksi", "Check where it is produced", "quality", "on_site", 7, 14, photos(2), nil, nil},
		{"hygiene", "Terapkan cara produksi yang baik", "Apply good manufacturing practice", "quality", "on_site", 14, 30, photos(2), nil, []string{"production_check"}},
		{"packaging", "Perbaiki kemasan", "Improve the packaging", "quality", "on_site", 14, 30, photos(2), nil, nil},
		{"labelling", "Lengkapi label", "Complete the label", "quality", "on_site", 21, 30, photos(1), nil, []string{"packaging"}},
		{"product_test", "Uji contoh produk", "Test a sample", "quality", "on_site", 30, 40, file, nil, nil},
		{"capacity_plan", "Susun rencana kapasitas", "Plan the capacity", "quality", "on_site", 40, 30, note, nil, nil},
		{"nib_check", "Pastikan NIB dan KBLI", "Make sure of NIB and KBLI", "facilitation", "online", 0, 14, note, nil, nil},
		{"brand_check", "Periksa merek", "Check the brand", "facilitation", "online", 14, 30, note, nil, nil},
		{"certificate_choice", "Pilih sertifikasi", "Choose a certification", "facilitation", "on_site", 21, 21, note, nil, nil},
		{"certificate_file", "Siapkan berkas sertifikasi", "Prepare the papers for it", "facilitation", "on_site", 42, 40, file, nil, []string{"certificate_choice"}},
		{"bookkeeping", "Mulai pembukuan", "Begin bookkeeping", "business", "on_site", 3, 14, photos(1), nil, nil},
		{"price_calculation", "Hitung harga pokok", "Work out the cost price", "business", "on_site", 14, 21, note, nil, []string{"bookkeeping"}},
		{"sales_target", "Tetapkan target penjualan", "Set a sales target", "business", "on_site", 7, 14, note, nil, nil},
		{"story", "Tulis cerita usaha untuk media", "Write the story of the business for the media", "publicity", "online", 30, 30, note, nil, nil},
	}
}
