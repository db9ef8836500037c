package programme_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAnImportThatDiedGoesOnWhereItWas: the request dies at whichever call, what it has
// written is brought in, and then it is repeated. Everybody of the list is there, once.
func TestAnImportThatDiedGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Engine.Store = storefault.NewPoor()
	admin := o.person(1, "admin")
	e := o.opened("lagawi-fest-2022", "stages", string(threeStages()))
	before, who, parts := o.Engine.Store.(*storefault.Poor), o.as(admin), 0
	process := func(s store.Store) *programme.Service {
		p := &programme.Service{People: o.People, Clock: o.Clock}
		p.Engine = &syncer.Engine{Store: s, Schema: o.Engine.Schema, Clock: o.clock, IDs: o.ids, Log: o.Engine.Log, Steps: p.Steps()}
		return p
	}
	for n := 1; ; n += 4 * between() {
		poor := before.Copy()
		_, _, err := process(storefault.NewFailing(poor, storefault.At(n, storefault.DieAfter), nil).Store()).Import(t.Context(), who, e.ID, o.table(o.csv(1)))
		whole := err == nil
		p := process(poor)
		o.Service.Engine = p.Engine
		o.work()
		files := func() (out []merge.Row) {
			for at, more := (store.Position{}), true; more; {
				page, next, again, err := p.Files(t.Context(), who, e.ID, at, 500, func(merge.Row) bool { return true })
				o.unless(err)
				out, at, more = append(out, page...), next, again
			}
			return out
		}
		if k := len(files()); k > 0 && k < 478 {
			parts++
		}
		j, _, err := p.Import(t.Context(), who, e.ID, o.table(o.csv(1)))
		o.unless(err)
		o.work()
		numbers := map[string]bool{}
		all := files()
		for _, f := range all {
			numbers[f.Text("number")] = true
		}
		if len(all) != 478 || len(numbers) != 478 || !numbers[domain.ReceiptNumber("LGW22", 478)] {
			t.Errorf("died at call %d: %d files, %d numbers", n, len(all), len(numbers))
		}
		if j, err = p.Job(t.Context(), who, j.ID); err != nil || j.Count(domain.StepDone) != len(j.Steps) || int64(len(j.Steps)) != j.Int("total") {
			t.Errorf("died at call %d: %d of %d steps done, %d said, %v", n, j.Count(domain.StepDone), len(j.Steps), j.Int("total"), err)
		}
		if whole {
			break
		}
	}
	if parts == 0 {
		t.Error("nobody died in the middle")
	}
}
