package programme_test

import (
	"fmt"
	"maps"
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

// TestProgrammesRunBesideEachOther: one in Lampung, one in South Sulawesi, where the clocks
// are an hour ahead, and one over two provinces of Java, with people who are in two of
// them. Each has its own days, numbers, files, curators and results; nothing crosses.
func TestProgrammesRunBesideEachOther(t *testing.T) {
	o := open(t)
	o.Engine.Store = storefault.NewPoor()
	admin, other := o.person(1, "admin"), o.person(2, "admin")
	const stages = `[{"no":1,"kind":"checklist","items":[{"code":"x","label_id":"x"}]},{"no":2,"kind":"checklist","items":[{"code":"x","label_id":"x"}]},
		{"no":3,"kind":"rubric","curators_per_file":1,"items":[{"code":"product","label_id":"Produk","weight_bp":10000,"max":100}]}]`
	places := []struct {
		code, prefix, regions, region string
		zone                          domain.Zone
	}{{"lampung-22", "LPG", `["18"]`, "18.71", domain.WIB}, {"sulsel-22", "SSL", `["73"]`, "73.71", domain.WITA}, {"jateng-diy-22", "JDY", `["33","34"]`, "34.71", domain.WIB}}
	var all []*contest
	for n, p := range places {
		c := &contest{office: o, admin: admin, other: other}
		c.edition = o.opened(p.code, "region_codes", p.regions, "number_prefix", `"`+p.prefix+`"`, "stages", stages, "quota", "1", "reserve_size", "1")
		list := "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n"
		for k := range 3 { // the first person is in every programme, with a business in each place
			phone := "08117200000"
			if k > 0 {
				phone = fmt.Sprintf("081172000%d%d", n+1, k)
			}
			list += fmt.Sprintf("R%d;2022-03-06 23:59:59;Usaha %s %d;Ibu;%s;%s;pangan\n", k, p.prefix, k, phone, p.region)
		}
		_, in, err := o.Import(t.Context(), o.as(admin), c.edition.ID, o.table([]byte(list)))
		if o.unless(err); in.Accepted != 3 {
			t.Fatalf("%s: %d accepted: %+v", p.code, in.Accepted, in.Rejected)
		}
		head, _, _ := strings.Cut(list, "\n")
		late := fmt.Sprintf("%s\nR9;2022-03-07 00:00:00;Usaha Baru;Ibu;081172999%d9;%s;pangan\n", head, n, p.region)
		check, err := o.CheckImport(t.Context(), o.as(admin), c.edition.ID, o.table([]byte(late)))
		if o.unless(err); len(check.Rejected) != 1 || check.Rejected[0].Code != "window_closed" {
			t.Errorf("%s: a second late, by its own clock: %+v", p.code, check)
		}
		all = append(all, c)
	}
	o.work()
	o.clock.Set(time.Date(2022, 3, 7, 1, 0, 0, 0, time.UTC))
	for n, c := range all {
		c.curators = []store.User{o.person(60 + n)}
		e, err := o.Programme(t.Context(), o.as(admin), c.edition.ID)
		o.unless(err)
		c.edition, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeCurating)
		o.unless(err)
		_, err = o.AddCurator(t.Context(), o.as(admin), c.edition.ID, programme.NewCurator{Phone: c.curators[0].Phone, Institution: "BI"})
		o.unless(err)
		n, err := o.Begin(t.Context(), o.as(admin), c.edition.ID)
		if o.unless(err); n != 3 {
			t.Fatalf("%d files of %s begin", n, c.edition.Text("code"))
		}
		c.decide(1)
		c.decide(2)
		_, err = o.Share(t.Context(), o.as(admin), c.edition.ID, 3, nil)
		o.unless(err)
		o.work()
		for k, d := range c.panel(0) {
			if !strings.HasPrefix(d.Text("number"), places[slices.Index(all, c)].prefix) {
				t.Errorf("a curator of %s has the file %s", c.edition.Text("code"), d.Text("number"))
			}
			c.score(0, d.Text("application_id"), map[string]int{"product": 90 - 10*k}, nil)
		}
		o.work()
		c.decide(3)
		_, err = o.Approve(t.Context(), o.as(other), c.edition.ID, 3, c.stage(3).Basis)
		o.unless(err)
		o.work()
		r, err := o.PreparePublication(t.Context(), o.as(admin), c.edition.ID, domain.Date("2022-03-17").At(10, 0, places[slices.Index(all, c)].zone), nil)
		o.unless(err)
		_, err = o.ApprovePublication(t.Context(), o.as(other), c.edition.ID, r.Version)
		o.unless(err)
	}
	untold, told := map[string]int{"submitted": 3}, map[string]int{"offered": 1, "reserve": 1, "not_selected": 1}
	for _, step := range []struct {
		at   time.Time
		want []map[string]int
	}{{time.Date(2022, 3, 17, 1, 59, 59, 0, time.UTC), []map[string]int{untold, untold, untold}}, {time.Date(2022, 3, 17, 2, 0, 0, 0, time.UTC), []map[string]int{untold, told, untold}},
		{time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC), []map[string]int{told, told, told}}} {
		o.clock.Set(step.at)
		all[0].due()
		for n, c := range all {
			if got := c.states(); !maps.Equal(got, step.want[n]) {
				t.Errorf("%s at %v: %v, want %v", c.edition.Text("code"), step.at, got, step.want[n])
			}
		}
	}
	for n, c := range all {
		files := o.files(c.edition)
		for k, f := range files {
			if want := fmt.Sprintf("%s-%05d", places[n].prefix, k+1); f.Text("number") != want || f.Text("region_code") != places[n].region {
				t.Errorf("%s of %s among the files of %s", f.Text("number"), f.Text("region_code"), c.edition.Text("code"))
			}
		}
		if len(files) != 3 {
			t.Errorf("%d files of %s", len(files), c.edition.Text("code"))
		}
	}
	ibu, err := o.auth.InviteByPhone(t.Context(), "08117200000")
	o.unless(err)
	mine, err := o.Businesses(t.Context(), programme.Caller{User: ibu})
	if o.unless(err); len(mine) != 3 {
		t.Errorf("the person of three programmes has %d businesses", len(mine))
	}
	if items := all[0].scope(merge.UserScope(ibu), "inbox"); len(items) != 3 {
		t.Errorf("and heard %d times", len(items))
	}
}
