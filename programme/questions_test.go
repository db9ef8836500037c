package programme_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAListAnswersTheQuestionsOfItsProgramme, so that an item of the checklist which only a
// question answers is met by who was brought in.
func TestAListAnswersTheQuestionsOfItsProgramme(t *testing.T) {
	o := open(t)
	e := o.opened("ekspor-2022", "stages", string(stagesWith("export", "product")), "questions", `[{"code":"export","label_id":"Sudah ekspor?","kind":"yes_no","required":true},
		{"code":"workers","label_id":"Tenaga kerja","label_en":"Workers","kind":"number"},{"code":"size","label_id":"Ukuran","kind":"choice","choices":["Kecil sekali","besar"]},{"code":"story","label_id":"Kisah"}]`)
	admin := o.person(1, "admin")
	list := "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori;Produksi Sendiri;SUDAH EKSPOR;workers;ukuran;Kisah\n" +
		"R1;2022-03-01 08:00;Kopi Satu;Ibu Satu;081170000101;18.71;pangan;ya;Ya;1.250.000;KECIL  sekali;Sejak 2014\n" +
		"R2;2022-03-01 08:00;Kopi Dua;Ibu Dua;081170000102;18.71;pangan;-;belum;-;-;-\n"
	_, in, err := o.Import(t.Context(), o.as(admin), e.ID, o.table([]byte(list)))
	if o.unless(err); in.Accepted != 2 || len(in.Ignored) > 0 {
		t.Fatalf("accepted %d, ignored %q, %v", in.Accepted, in.Ignored, in.Rejected)
	}
	o.work()
	want := map[string]string{"R1": `{"export":{"value":"yes"},"own_production":{"value":"yes"},"size":{"value":"Kecil sekali"},"story":{"value":"Sejak 2014"},"workers":{"value":"1250000"}}`, "R2": `{"export":{"value":"no"}}`}
	for _, f := range o.files(e) {
		mine := (&applicant{o: o}).row("business/"+f.Text("business_id"), "application", f.ID)
		if ref := f.Text("external_ref"); string(f.Fields["answers"]) != want[ref] || string(mine.Fields["answers"]) != want[ref] {
			t.Errorf("%s: the file says %s, the application %s", ref, f.Fields["answers"], mine.Fields["answers"])
		}
	}
	o.clock.Set(time.Date(2022, 3, 7, 1, 0, 0, 0, time.UTC))
	e, err = o.Programme(t.Context(), o.as(admin), e.ID)
	o.unless(err)
	e, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeCurating)
	o.unless(err)
	_, err = o.Begin(t.Context(), o.as(admin), e.ID)
	o.unless(err)
	if v, err := o.Stage(t.Context(), o.as(admin), e.ID, 1); err != nil || v.Count("passed") != 1 {
		t.Errorf("%v, %+v", err, v.Outcomes)
	}
}

// TestAnAnswerOfAnotherKindGoesBack to its owner, with the questions that it is about; what else was
// typed stays, and what is mended counts.
func TestAnAnswerOfAnotherKindGoesBack(t *testing.T) {
	const questions = `[{"code":"workers","label_id":"Tenaga kerja","kind":"number","required":true},{"code":"size","label_id":"Ukuran","kind":"choice","choices":["a","b"],"required":true},
		{"code":"export","label_id":"Ekspor?","kind":"yes_no"},{"code":"story","label_id":"Kisah","kind":"text"},{"code":"since","label_id":"Sejak kapan?"}]`
	tests := []struct {
		name, answers string
		incomplete    string
	}{
		{"a word for a number, and a choice that is none", `{"size":{"value":"zzz"},"story":{"value":"Sejak 2014"},"workers":{"value":"banyak"}}`, `["workers","size"]`},
		{"one is missing", `{"size":{"value":"a"}}`, `["workers"]`},
		{"neither yes nor no, which nobody had to say", `{"export":{"value":"mungkin"},"size":{"value":"a"},"workers":{"value":"12"}}`, `["export"]`},
		{"all right", `{"export":{"value":"no"},"since":{"value":"?"},"size":{"value":"b"},"workers":{"value":"1.250"}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e := o.opened("jenis", "questions", questions)
			a := o.applicant(5, e, "18.71")
			types := func(answers string) {
				a.write("business/"+a.business, merge.Owner, "application", a.application, map[string]merge.Value{"answers": merge.Value(answers)})
				a.does("submit")
				o.work()
			}
			types(tt.answers)
			mine := a.mine()
			if back := tt.incomplete != ""; mine.Text("returned_for") != map[bool]string{true: domain.ReturnIncomplete}[back] || (mine.Text("number") == "") != back || string(mine.Fields["incomplete"]) != tt.incomplete ||
				string(mine.Fields["answers"]) != tt.answers {
				t.Fatalf("%s", mine.EncodeFields())
			}
			if tt.incomplete == "" {
				return
			}
			types(`{"export":{"value":"yes"},"size":{"value":"a"},"workers":{"value":"3"}}`)
			if mine = a.mine(); mine.Text("state") != domain.ApplicationSubmitted || mine.Text("number") == "" || !merge.Null(mine.Fields["incomplete"]) {
				t.Errorf("mended: %s", mine.EncodeFields())
			}
		})
	}
}

// TestQuestionsAreHeldAgainstThemselves when a programme is made, with the field that is wrong.
func TestQuestionsAreHeldAgainstThemselves(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	_, err := o.CreateProgramme(t.Context(), o.as(admin), "tanya", plan(t, "questions", `[{"code":"export","label_id":"A","kind":"yes_no"},{"code":"export","label_id":"B","kind":"choice"}]`))
	var got []string
	for _, m := range mistakesIn(err) {
		got = append(got, m.Field+" "+m.Code)
	}
	if want := []string{"questions[1].code code_repeated", "questions[1].choices required"}; !slices.Equal(got, want) {
		t.Errorf("%v says %q", err, got)
	}
}

func mistakesIn(err error) []fault.Mistake {
	f, _ := errors.AsType[*fault.Error](err)
	if f == nil {
		return nil
	}
	return f.More
}
