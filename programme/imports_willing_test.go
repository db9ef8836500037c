package programme_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// onlyMarks is a curation that asks nothing of who registers: curators give marks.
const onlyMarks = `[{"no":1,"kind":"rubric","curators_per_file":1,"items":[{"code":"product","label_id":"Produk","weight_bp":10000,"max":100}]}]`

// agreeing is a list of one registrant whose row agrees to the curation.
func agreeing(phone, business string) []byte {
	return []byte("ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori;Persetujuan\nR1;2022-03-01 08:00;" + business + ";Ibu Kopi;" + phone + ";18.71;pangan;ya\n")
}

// says writes down what the owner says of the curation in the app.
func (a *applicant) says(granted bool) {
	a.o.Helper()
	a.o.clock.Set(a.o.clock.Now().Add(time.Minute))
	said := a.o.ids.New()
	_, err := a.o.Engine.Write(a.o.Context(), merge.UserScope(a.owner.ID), merge.ServerWrite{Name: "says." + said, Author: a.owner.ID, Role: merge.Self, Collection: "consent", ID: said, Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"user_id": merge.Str(a.owner.ID), "purpose": merge.Str("curation"), "granted": merge.Flag(granted), "text_version": merge.Str("2022-01-01")}})
	a.o.unless(err)
}

// silent is who has said no word about the curation, and has no business.
func (o *office) silent(n int) *applicant {
	o.Helper()
	a := &applicant{o: o, owner: o.person(n)}
	a.write(merge.UserScope(a.owner.ID), merge.Self, "user", a.owner.ID, map[string]merge.Value{"full_name": merge.Str("Ibu Kopi")})
	return a
}

// TestWhoSaidNoInTheAppIsNotBroughtIn, whatever a list says for them: the job tells of the row. Of a
// draft nothing is submitted, and what lies with its owner stays there.
func TestWhoSaidNoInTheAppIsNotBroughtIn(t *testing.T) {
	question := []string{"questions", `[{"code":"since","label_id":"Sejak kapan?","required":true}]`}
	tests := []struct {
		name   string
		change []string
		before func(*office, programme.Edition) *applicant
		state  string // of her application then; "" if there is none
		files  int
	}{
		{"without a business", nil, func(o *office, _ programme.Edition) *applicant { a := o.silent(5); a.says(false); return a }, "", 0},
		{"with a draft", nil, func(o *office, e programme.Edition) *applicant {
			a := o.applicant(5, e, "18.71")
			a.says(false)
			return a
		}, domain.ApplicationDraft, 0},
		{"whose submission came back", question, func(o *office, e programme.Edition) *applicant {
			a := o.applicant(5, e, "18.71")
			a.does("submit")
			o.work()
			a.says(false)
			return a
		}, domain.ApplicationReturned, 0},
		{"who withdrew", nil, func(o *office, e programme.Edition) *applicant {
			a := o.applicant(5, e, "18.71")
			a.does("withdraw")
			o.work()
			a.says(false)
			return a
		}, domain.ApplicationWithdrawn, 0},
		{"first, and then yes", nil, func(o *office, _ programme.Edition) *applicant {
			a := o.silent(5)
			a.says(false)
			a.says(true)
			return a
		}, "", 1},
		{"neither", nil, func(o *office, _ programme.Edition) *applicant { return o.silent(5) }, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e, admin := o.opened("lagawi-fest-2022", tt.change...), o.person(1, "admin")
			a := tt.before(o, e)
			o.work()
			j, _, err := o.Import(t.Context(), o.as(admin), e.ID, o.table(agreeing(a.owner.Phone, "Kopi 5")))
			o.unless(err)
			o.work()
			j, err = o.Job(t.Context(), o.as(admin), j.ID)
			o.unless(err)
			st := j.Steps[0]
			refused := len(st.Out) == 1 && st.Out[0].Line == 2 && st.Out[0].Field == domain.CheckConsent && st.Out[0].Code == "consent_required"
			if files := o.files(e); len(files) != tt.files || st.Rows != tt.files || st.Left != 1-tt.files || refused != (tt.files == 0) {
				t.Errorf("%d files, %+v", len(files), st)
			}
			if a.application != "" {
				if mine := a.mine(); mine.Text("state") != tt.state || mine.Text("external_ref") != "" {
					t.Errorf("hers: %s", mine.EncodeFields())
				}
			}
		})
	}
}

// TestANoBehindTheFileChangesNothing: wherever the work dies, who says no then has her file and
// hears her number, or has neither, and her draft back.
func TestANoBehindTheFileChangesNothing(t *testing.T) {
	o := open(t)
	before := storefault.NewPoor()
	o.Engine.Store = before
	e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
	a := o.applicant(10, e, "18.71")
	o.work()
	_, _, err := o.Import(t.Context(), o.as(admin), e.ID, o.table(agreeing(a.owner.Phone, "Kopi 10")))
	o.unless(err)
	seen := map[string]int{}
	for n, failed := 1, true; failed; n++ {
		poor := before.Copy()
		process := func(s store.Store) { o.Service.Engine = o.process(s).Engine }
		process(storefault.NewFailing(poor, storefault.At(n, storefault.DieAfter), nil).Store())
		_, err := o.Engine.Work(t.Context())
		if failed = err != nil; failed && !errors.Is(err, storefault.ErrCrashed) {
			t.Fatal(err)
		}
		process(poor)
		_, err = o.Engine.Repair(t.Context())
		o.unless(err)
		filed := len(o.files(e)) > 0
		a.says(false)
		o.work()
		mine, files := a.mine(), o.files(e)
		switch state := mine.Text("state"); {
		case len(files) == 1 && state == domain.ApplicationSubmitted && mine.Text("number") == files[0].Text("number"):
		case len(files) == 0 && !filed && (state == domain.ApplicationDraft || state == domain.ApplicationReturned && mine.Text("returned_for") == domain.ReturnNoConsent):
		default:
			t.Errorf("call %d: filed %t, %d files, %s", n, filed, len(files), mine.EncodeFields())
		}
		seen[mine.Text("state")]++
	}
	if len(seen) != 3 {
		t.Errorf("states %v", seen)
	}
}

// TestAListIsHeldToTheRulesOfTheApp: who is of another province, or says no, is refused by line and
// column, unless the first stage judges it; the dry run says what the import does.
func TestAListIsHeldToTheRulesOfTheApp(t *testing.T) {
	const header = "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori;Persetujuan\n"
	const rows = "R1;2022-03-01 08:00;Kopi Toraja;Ibu Satu;081170000101;73.18;pangan;ya\n" +
		"R2;2022-03-01 08:00;Kain Bali;Ibu Dua;081170000102;51.71;fesyen;ya\n" +
		"R3;2022-03-01 08:00;Keripik Tiga;Ibu Tiga;081170000103;73.71;pangan;tidak\n" +
		"R4;2022-03-01 08:00;Sutra Empat;Ibu Empat;081170000104;73.71;fesyen;-\n"
	judges := func(items string) string {
		return `[{"no":1,"kind":"checklist","items":[` + items + `]},` + strings.Replace(onlyMarks[1:], `"no":1`, `"no":2`, 1)
	}
	const region, consent = `{"code":"in_region","label_id":"Domisili","required":true}`, `{"code":"consent","label_id":"Setuju","required":true}`
	outside, no := "3 Kabupaten/Kota region_not_covered", "4 Persetujuan consent_required"
	tests := []struct {
		name, stages string
		refused      []string
	}{
		{"nobody judges", onlyMarks, []string{outside, no}},
		{"the first stage judges both", judges(region + "," + consent), nil},
		{"it judges the region", judges(region), []string{no}},
		{"it judges the consent", judges(consent), []string{outside}},
		{"it notes the region, and lets everybody pass", judges(strings.Replace(region, "true", "false", 1)), []string{outside, no}},
		{"a later stage would", `[{"no":1,"kind":"checklist","items":[{"code":"own_production","label_id":"P","required":true}]},{"no":2,"kind":"checklist","items":[` + region + `]},` +
			strings.Replace(onlyMarks[1:], `"no":1`, `"no":3`, 1), []string{outside, no}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e := o.opened("sulsel-2022", "stages", tt.stages, "region_codes", `["73"]`, "number_prefix", `"SLS22"`)
			admin := o.person(1, "admin")
			dry, err := o.CheckImport(t.Context(), o.as(admin), e.ID, o.table([]byte(header+rows)))
			o.unless(err)
			_, in, err := o.Import(t.Context(), o.as(admin), e.ID, o.table([]byte(header+rows)))
			o.unless(err)
			o.work()
			told := func(in domain.Import) (out []string) {
				for _, w := range in.Rejected {
					out = append(out, strings.Join([]string{string(rune('0' + w.Line)), w.Column, w.Code}, " "))
				}
				return out
			}
			if !slices.Equal(told(dry), tt.refused) || !slices.Equal(told(in), tt.refused) || len(o.files(e)) != 4-len(tt.refused) {
				t.Errorf("the dry run %q, the import %q, %d files; want %q", told(dry), told(in), len(o.files(e)), tt.refused)
			}
		})
	}
}

// TestAStepOfBeforeIsHeldToTheRules that its programme has by now: nobody is brought in whom the
// first stage does not judge any more.
func TestAStepOfBeforeIsHeldToTheRules(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	j := o.imported(e, []registrant{{"A1", "08117009001", "", "Tenun Ani"}, {"B1", "08117009002", "", "Kopi Budi"}})[0]
	o.asBefore(j, `"phone":"+628117009002","region":"18.71"`, `"phone":"+628117009002","region":"51.71"`)
	o.work()
	j, err := o.Job(t.Context(), o.as(o.clerk()), j.ID)
	o.unless(err)
	if st := j.Steps[0]; len(o.files(e)) != 1 || st.Left != 1 || len(st.Out) != 1 || st.Out[0].Line != 3 || st.Out[0].Field != "region" || st.Out[0].Code != "region_not_covered" {
		t.Errorf("%d files, %+v", len(o.files(e)), st)
	}
}

// TestWhoWithdrewIsNotBroughtIn by a list, whose word is older; in the app they apply anew, and that
// is not an import's to take back.
func TestWhoWithdrewIsNotBroughtIn(t *testing.T) {
	o := open(t)
	e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
	a := o.applicant(10, e, "18.71")
	a.does("submit")
	o.work()
	a.does("withdraw")
	o.work()
	j, _, err := o.Import(t.Context(), o.as(admin), e.ID, o.table(agreeing(a.owner.Phone, "Kopi 10")))
	o.unless(err)
	o.work()
	j, err = o.Job(t.Context(), o.as(admin), j.ID)
	o.unless(err)
	if out := j.Steps[0].Out; len(out) != 1 || out[0].Code != "already_registered" || len(o.files(e)) != 1 || a.mine().Text("state") != domain.ApplicationWithdrawn {
		t.Errorf("%+v, %d files, %s", j.Steps[0], len(o.files(e)), a.mine().Text("state"))
	}
	anew := a.begins(2)
	anew.does("submit")
	o.work()
	if mine := anew.mine(); mine.Text("state") != domain.ApplicationSubmitted || mine.Text("number") == "" {
		t.Errorf("applied anew: %s %q", mine.Text("state"), mine.Text("number"))
	}
}
