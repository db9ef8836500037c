package programme_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// asBefore has a step that waits say what a version of before, whose rules were others, has
// written into it.
func (o *office) asBefore(j programme.Job, from, to string) {
	o.Helper()
	k := merge.Key{Collection: "job_step", ID: domain.NumberedStep(j.ID, 1)}
	row := merge.Row{}
	for _, r := range o.scope(domain.GeneralQueue, k.Collection) {
		if r.Key == k {
			row = r
		}
	}
	input := bytes.ReplaceAll(row.Fields["input"], []byte(from), []byte(to))
	if bytes.Equal(input, row.Fields["input"]) {
		o.Fatalf("the step does not say %s: %s", from, input)
	}
	_, err := o.Engine.Write(o.Context(), domain.GeneralQueue, merge.ServerWrite{Name: "before " + from + " " + to, Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put,
		Set: map[string]merge.Value{"input": input}})
	o.unless(err)
}

// TestOneRowIsRefusedAndTheOthersAreBroughtIn, and no number is given for nothing.
func TestOneRowIsRefusedAndTheOthersAreBroughtIn(t *testing.T) {
	tests := []struct {
		name, from, to string
		said           domain.RowError
	}{
		{"a phone that no rule takes any more", "+628117009002", "+62217009002", domain.RowError{Line: 3, Field: "phone", Code: "phone_landline"}},
		{"a business that the catalogue does not take", `"Kopi Budi"`, `"K"`, domain.RowError{Line: 3, Field: "business_name", Code: "invalid_value"}},
		{"a step of before, which kept no lines", `"line":3,"nib":"","owner_name":"Ibu Tenun","phone":"+628117009002"`, `"nib":"","owner_name":"Ibu Tenun","phone":"+62217009002"`,
			domain.RowError{Field: "phone", Code: "phone_landline"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e := o.opened("lagawi-fest-2022")
			j := o.imported(e, []registrant{{"A1", "08117009001", "", "Tenun Ani"}, {"B1", "08117009002", "", "Kopi Budi"}, {"C1", "08117009003", "", "Kriya Cici"}})[0]
			o.asBefore(j, tt.from, tt.to)
			o.work()
			files := o.files(e)
			o.singly("one is refused", files)
			j, err := o.Job(t.Context(), o.as(o.clerk()), j.ID)
			o.unless(err)
			st := j.Steps[0]
			if len(files) != 2 || st.State != domain.StepDone || st.Rows != 2 || st.Left != 1 || len(st.Out) != 1 {
				t.Fatalf("%d files, %+v", len(files), st)
			}
			if got := st.Out[0]; got.Line != tt.said.Line || got.Field != tt.said.Field || got.Code != tt.said.Code {
				t.Errorf("it is told of %+v", got)
			}
		})
	}
}

// TestAMergerAtEveryCallOfAStep: a draft or a business that goes elsewhere in that moment fails
// no step; who stood in the list has one file.
func TestAMergerAtEveryCallOfAStep(t *testing.T) {
	o := open(t)
	before := storefault.NewPoor()
	o.Engine.Store = before
	e := o.opened("lagawi-fest-2022")
	a := o.applicant(10, e, "18.71")
	bare := o.person(11)
	into := func(owner store.User, name string) string {
		b, err := o.CreateBusiness(t.Context(), o.as(owner), programme.NewBusiness{ID: o.ids.New(), Name: name, RegionCode: "18.71"})
		o.unless(err)
		return b.ID
	}
	plain := into(bare, "Tenun Bela")
	ends := map[string]string{a.business: into(a.owner, "Kopi Baru"), plain: into(bare, "Tenun Baru")}
	o.work()
	j := o.imported(e, []registrant{ofApplicant(a, "A1", ""), {"B1", bare.Phone, "", "Tenun Bela"}, {"C1", "08117009003", "", "Kriya Cici"}})[0]
	for old, survivor := range ends {
		for n, whole := 1, false; !whole; n += 1 + n/30 {
			poor := before.Copy()
			o.Service.Engine = o.process(poor).Engine
			whole = true
			merges := func(call storefault.Call) storefault.Fate {
				if call.N == n {
					whole = false
					_, err := o.process(poor).Merge(t.Context(), o.as(o.clerk()), old, survivor)
					o.unless(err)
				}
				return storefault.Live
			}
			if err := o.carryOut(o.process(storefault.NewFailing(poor, merges, nil).Store()), j, 1); err != nil {
				o.unless(err, "busy")
			}
			o.work()
			files := o.files(e)
			o.singly(fmt.Sprint("at call ", n), files)
			now, err := o.Job(t.Context(), o.as(o.clerk()), j.ID)
			if o.unless(err); len(files) != 3 || now.Steps[0].State != domain.StepDone || now.Steps[0].Rows != 3 {
				t.Fatalf("at call %d: %d files, %+v", n, len(files), now.Steps)
			}
		}
	}
}

// TestWhatIsLeftWhenTheStageIsDecided: of a step that had filed nothing it is told how many rows
// are left; one that had filed some, and was refused others, brings those.
func TestWhatIsLeftWhenTheStageIsDecided(t *testing.T) {
	list := []registrant{{"A1", "08117999001", "", "Tenun Ani"}, {"B1", "08117999002", "", "Kopi Budi"}, {"C1", "08117999003", "", "Kriya Cici"}}
	for _, filed := range []bool{false, true} {
		t.Run(fmt.Sprint("filed before: ", filed), func(t *testing.T) {
			c := open(t).contest(7)
			_, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
			c.unless(err)
			j := c.imported(c.edition, list)[0]
			if filed { // and it dies before it says so
				c.asBefore(j, "+628117999002", "+62217999002")
				disk := c.Engine.Store
				dies := func(call storefault.Call) storefault.Fate {
					if call.Method == "Insert" && len(c.files(c.edition)) > fixture.Accepted {
						return storefault.DieBefore
					}
					return storefault.Live
				}
				if err := c.carryOut(c.process(storefault.NewFailing(disk, dies, nil).Store()), j, 1); !errors.Is(err, storefault.ErrCrashed) {
					t.Fatal(err)
				}
				c.asBefore(j, "+62217999002", "+628117999002")
				_, err = c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
				c.unless(err)
			}
			_, err = c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 1, c.stage(1).Basis, "BA-01")
			c.unless(err)
			c.work()
			j, err = c.Job(t.Context(), c.as(c.clerk()), j.ID)
			c.unless(err)
			st := j.Steps[0]
			if !filed && (st.State != domain.StepFailed || st.Code != "import_closed" || st.Rows != 0 || st.Left != 3 || len(c.files(c.edition)) != fixture.Accepted) {
				t.Errorf("nothing was filed: %+v", st)
			}
			if filed && (st.State != domain.StepDone || st.Rows != 2 || st.Left != 1 || len(st.Out) != 1 || st.Out[0].Line != 3 || st.Out[0].Code != "import_closed" || len(c.files(c.edition)) != fixture.Accepted+2) {
				t.Errorf("some were filed: %+v", st)
			}
		})
	}
}
