package programme_test

import (
	"bytes"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
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
	_, err := o.Engine.Write(o.Context(), domain.GeneralQueue, merge.ServerWrite{Name: "before " + from, Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put,
		Set: map[string]merge.Value{"input": input}})
	o.unless(err)
}

// TestOneRowIsRefusedAndTheOthersAreBroughtIn, and no number is given for nothing.
func TestOneRowIsRefusedAndTheOthersAreBroughtIn(t *testing.T) {
	tests := []struct{ name, from, to string }{
		{"a phone that no rule takes any more", "+628117009002", "+62217009002"},
		{"a business that the catalogue does not take", `"Kopi Budi"`, `"K"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
			j, _, err := o.Import(t.Context(), o.as(admin), e.ID, o.table(rowsAsCSV(registrant{"A1", "08117009001", "", "Tenun Ani"}, registrant{"B1", "08117009002", "", "Kopi Budi"},
				registrant{"C1", "08117009003", "", "Kriya Cici"})))
			o.unless(err)
			o.asBefore(j, tt.from, tt.to)
			o.work()
			files := o.files(e)
			o.singly("one is refused", files)
			j, err = o.Job(t.Context(), o.as(admin), j.ID)
			if o.unless(err); len(files) != 2 || rows(j) != 2 || j.Count(domain.StepDone) != 1 {
				t.Errorf("%d files, %+v", len(files), j.Steps)
			}
		})
	}
}
