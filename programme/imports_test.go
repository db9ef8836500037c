package programme_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/report"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// table reads a file as the API does.
func (o *office) table(file []byte) programme.Table {
	return func() (programme.Rows, error) {
		t, err := report.ReadTable(o.Context(), bytes.NewReader(file), int64(len(file)), report.Options{})
		o.unless(err)
		return t.Rows(), nil
	}
}

func (o *office) csv(seed uint64) []byte {
	o.Helper()
	var b bytes.Buffer
	o.unless(fixture.Campaign(seed).WriteCSV(&b))
	return b.Bytes()
}

// clerk is an admin who looks things up, made at the first time.
func (o *office) clerk() store.User {
	o.Helper()
	u, err := o.auth.UserByPhone(o.Context(), "+628117000499")
	if err != nil {
		u = o.person(499, "admin")
	}
	return u
}

// files are the case files of a programme, by number.
func (o *office) files(e programme.Edition) []merge.Row {
	o.Helper()
	admin := o.clerk()
	var out []merge.Row
	var at store.Position
	for more := true; more; {
		page, next, again, err := o.Files(o.Context(), o.as(admin), e.ID, at, 100, func(merge.Row) bool { return true })
		o.unless(err)
		out, at, more = append(out, page...), next, again
	}
	slices.SortFunc(out, func(a, b merge.Row) int { return bytes.Compare([]byte(a.Text("number")), []byte(b.Text("number"))) })
	return out
}

// TestTheListOf486 is A1: what a dry run says is what an import brings, once, in the
// order of the list.
func TestTheListOf486(t *testing.T) {
	o := open(t)
	o.Engine.Store = storefault.NewPoor()
	e, admin := o.opened("lagawi-fest-2022", "stages", string(threeStages())), o.person(1, "admin")
	file, list := o.csv(1), fixture.Campaign(1)
	in, err := o.CheckImport(t.Context(), o.as(admin), e.ID, o.table(file))
	o.unless(err)
	if in.Read != 486 || in.Accepted != 478 || in.Refused != 8 || len(in.Rejected) != 8 {
		t.Fatalf("a dry run: %d read, %d, %d with %d mistakes", in.Read, in.Accepted, in.Refused, len(in.Rejected))
	}
	if n := len(o.files(e)); n > 0 {
		t.Fatalf("a dry run stored %d", n)
	}
	who := o.as(admin)
	job, _, err := o.Import(t.Context(), who, e.ID, o.table(file))
	o.unless(err)
	if job.Count(domain.StepWaiting) != 12 {
		t.Errorf("%d steps wait", job.Count(domain.StepWaiting))
	}
	o.work()
	job, err = o.Job(t.Context(), o.as(admin), job.ID)
	o.unless(err)
	rows := 0
	for _, st := range job.Steps {
		rows += st.Rows
	}
	if job.Count(domain.StepDone) != 12 || rows != 478 {
		t.Errorf("%d steps done, %d rows: %+v", job.Count(domain.StepDone), rows, job.Steps)
	}
	n := 0
	files := o.files(e)
	if len(files) != 478 {
		t.Fatalf("%d files", len(files))
	}
	for _, r := range list.Rows {
		if r.Refusal != "" {
			continue
		}
		f := files[n]
		n++
		if want := fmt.Sprintf("LGW22-%05d", n); f.Text("number") != want || f.Text("external_ref") != r.Registrant.Ref || f.Text("owner_phone") != string(r.Registrant.Phone) || f.Text("owner_email") != r.Registrant.Email {
			t.Fatalf("number %d: %s for %s, %s; want %s, %s", n, f.Text("number"), f.Text("external_ref"), f.Text("owner_phone"), r.Registrant.Ref, r.Registrant.Phone)
		}
		app, err := o.Record(t.Context(), o.as(admin), f.Text("business_id"), "application", f.ID)
		o.unless(err)
		if app.Text("number") != f.Text("number") || app.Text("state") != domain.ApplicationSubmitted {
			t.Fatalf("the application says %s, %s", app.Text("number"), app.Text("state"))
		}
	}
	// The same file again, and the same request again.
	in, err = o.CheckImport(t.Context(), o.as(admin), e.ID, o.table(file))
	o.unless(err)
	if in.Accepted != 0 || in.Unchanged != 478 || in.Refused != 8 {
		t.Errorf("again: %d new, %d unchanged, %d refused", in.Accepted, in.Unchanged, in.Refused)
	}
	again, _, err := o.Import(t.Context(), who, e.ID, o.table(file))
	if o.unless(err); again.ID != job.ID {
		t.Errorf("the request again is job %q", again.ID)
	}
	other, _, err := o.Import(t.Context(), o.as(admin), e.ID, o.table(file))
	o.work()
	if o.unless(err); other.ID != "" || len(o.files(e)) != 478 {
		t.Errorf("another request: job %q, %d files", other.ID, len(o.files(e)))
	}
}

// TestAnImportedOwnerFindsTheBusiness at the first login, with the application in it; and
// one who has a business of that name already gets no second one.
func TestAnImportedOwnerFindsTheBusiness(t *testing.T) {
	o := open(t)
	e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
	ani := o.person(20)
	hers, err := o.CreateBusiness(t.Context(), o.as(ani), programme.NewBusiness{ID: o.ids.New(), Name: "Keripik  ANI", RegionCode: "18.71"})
	o.unless(err)
	list := "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n" +
		"A1;2022-03-01 08:00;Keripik Ani;Ani;" + ani.Phone + ";18.71;pangan\n" +
		"A2;2022-03-01 09:00;Tenun Budi;Budi;08117009999;18.72;fesyen\n"
	_, in, err := o.Import(t.Context(), o.as(admin), e.ID, o.table([]byte(list)))
	o.unless(err)
	if in.Accepted != 2 {
		t.Fatalf("%d accepted: %+v %+v", in.Accepted, in.Header, in.Rejected)
	}
	o.work()
	mine, err := o.Businesses(t.Context(), o.as(ani))
	o.unless(err)
	if len(mine) != 1 || mine[0].ID != hers.ID {
		t.Errorf("Ani has %d businesses", len(mine))
	}
	budi, err := o.auth.InviteByPhone(t.Context(), "08117009999")
	o.unless(err)
	his, err := o.Businesses(t.Context(), programme.Caller{User: budi})
	o.unless(err)
	if len(his) != 1 || his[0].Text("name") != "Tenun Budi" || !slices.Contains(his[0].Roles, merge.Owner) {
		t.Fatalf("Budi has %+v", his)
	}
	app, err := o.Record(t.Context(), programme.Caller{User: budi}, his[0].ID, "application", domain.ApplicationID(his[0].ID, e.ID, 1))
	if o.unless(err); app.Text("number") != "LGW22-00002" || app.Text("external_ref") != "A2" {
		t.Errorf("%s %s", app.Text("number"), app.Text("external_ref"))
	}
}

func TestWhoImportsAndWhen(t *testing.T) {
	o := open(t)
	admin, mentor := o.person(1, "admin"), o.person(2, "mentor")
	draft, err := o.CreateProgramme(t.Context(), o.as(admin), "a-b-c", plan(t))
	o.unless(err)
	list := o.csv(2)
	if _, err := o.CheckImport(t.Context(), o.as(mentor), draft.ID, o.table(list)); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a mentor: %v", err)
	}
	if _, _, err := o.Import(t.Context(), o.as(admin), draft.ID, o.table(list)); fault.CodeOf(err) != "import_closed" {
		t.Errorf("into a draft: %v", err)
	}
	if _, _, err := o.Import(t.Context(), o.as(admin), o.ids.New(), o.table(list)); fault.KindOf(err) != fault.NotFound {
		t.Errorf("into nothing: %v", err)
	}
}

// TestAnImportSurvivesEveryCrash: wherever the work dies, what was brought in is there
// once afterwards, with numbers that have no gap.
func TestAnImportSurvivesEveryCrash(t *testing.T) {
	o := open(t)
	before := storefault.NewPoor()
	o.Engine.Store = before
	e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
	list := "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n"
	for n := range 3 {
		list += fmt.Sprintf("A%d;2022-03-01 08:0%d;Tenun %d;Budi;0811700999%d;18.72;fesyen\n", n, n, n, n)
	}
	_, _, err := o.Import(t.Context(), o.as(admin), e.ID, o.table([]byte(list)))
	o.unless(err)
	engine := o.Engine
	for _, fate := range []storefault.Fate{storefault.DieAfter, storefault.DieBefore} {
		for n, failed := 1, true; failed; n++ {
			poor := before.Copy()
			process := func(s store.Store) {
				o.Service.Engine = &syncer.Engine{Store: s, Schema: engine.Schema, Clock: o.clock, IDs: o.ids, Log: engine.Log, Steps: o.Steps()}
			}
			process(storefault.NewFailing(poor, storefault.At(n, fate), nil).Store())
			_, err := o.Engine.Work(t.Context())
			failed = err != nil
			process(poor)
			o.work()
			var all []string
			for _, f := range o.files(e) {
				app, err := o.Record(t.Context(), o.as(admin), f.Text("business_id"), "application", f.ID)
				o.unless(err)
				if app.Text("number") != f.Text("number") {
					t.Fatalf("call %d: %q and %q", n, app.Text("number"), f.Text("number"))
				}
				all = append(all, f.Text("number")+" "+f.Text("external_ref"))
			}
			if want := []string{"LGW22-00001 A0", "LGW22-00002 A1", "LGW22-00003 A2"}; !slices.Equal(all, want) {
				t.Fatalf("call %d (%v): %v", n, err, all)
			}
			if !failed && n < 20 {
				t.Errorf("ended after %d calls", n)
			}
		}
	}
}
