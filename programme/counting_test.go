package programme_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAsManySheetsCountAsTheStageAsksFor: where a file was given to somebody else, it is their
// sheet that counts, whichever comes first; where it was not, the sheet of who had it does.
func TestAsManySheetsCountAsTheStageAsksFor(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	c.shared()
	before := c.Engine.Store.(*storefault.Poor)
	file := c.panel(0)[0].Text("application_id")
	sheet := domain.SheetID(file, 3, c.curators[0].ID)
	again := func() {
		_, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
		c.unless(err)
		c.work()
	}
	ends := func() {
		seat, _ := c.seat(0)
		_, err := c.ChangeCurator(t.Context(), c.as(c.admin), c.edition.ID, seat.ID, seat.Version, programme.CuratorChange{End: true, Reason: "Sakit"})
		c.unless(err)
		c.work()
	}
	comesBack := func() {
		_, err := c.AddCurator(t.Context(), c.as(c.admin), c.edition.ID, programme.NewCurator{Phone: c.curators[0].Phone, Institution: "Universitas Lampung"})
		c.unless(err)
		c.work()
	}
	declares := func() {
		items := map[string]map[string]int{}
		for code, p := range all(100) {
			items[code] = map[string]int{"points": p}
		}
		c.unless(c.writes(0, "sheet", sheet, true, map[string]merge.Value{"application_id": merge.Str(file), "stage": merge.Num(3), "items": merge.Encode(items), "conflict": merge.Flag(true)}))
		c.work()
	}
	takesBack := func() {
		c.unless(c.writes(0, "sheet", sheet, false, map[string]merge.Value{"conflict": merge.Flag(false)}))
		c.unless(c.submit(0, sheet))
		c.work()
	}
	submits := func() { c.score(0, file, all(100), nil); c.work() }
	others := func() { c.submitAll(50, func(n int, _ string) bool { return n == 0 }) }
	const without, with = 5000, 7500 // the others give 50 points, this curator 100
	for _, tt := range []struct {
		name string
		do   []func()
		want int
	}{
		{"a conflict is taken back once a third was asked", []func(){declares, takesBack, others}, without},
		{"a conflict is taken back behind the third", []func(){declares, others, takesBack}, without},
		{"the sheet comes behind the seat, the file is with others", []func(){ends, again, submits, others}, without},
		{"the sheet comes behind the seat and the others", []func(){ends, again, others, submits}, without},
		{"the seat is open again, the file is with others", []func(){ends, again, comesBack, submits, others}, without},
		{"the seat is open again behind the others", []func(){ends, again, others, comesBack, submits}, without},
		{"the sheet comes behind the seat, nobody else was asked", []func(){ends, submits, again, others}, with},
		{"the seat is open again, nobody else was asked", []func(){ends, comesBack, again, submits, others}, with},
	} {
		c.Service.Engine = c.process(before.Copy()).Engine
		for _, do := range tt.do {
			do()
		}
		v := c.stage(3)
		if o := c.outcome(3, file); *o.Score != tt.want || slices.Contains(v.Missing, file) {
			t.Errorf("%s: score %d, want %d; missing %v", tt.name, *o.Score, tt.want, v.Missing)
		}
	}
}
