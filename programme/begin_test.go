package programme_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestCurationBeginsAmidWrites: a file that somebody writes while the first stage begins keeps
// none of the others out, and the admin hears of no version that they never saw.
func TestCurationBeginsAmidWrites(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	before := c.Engine.Store.(*storefault.Poor)
	all := c.files(c.edition)
	slices.SortFunc(all, func(x, y merge.Row) int { return int(x.Version - y.Version) })
	some := []merge.Row{all[0], all[len(all)/2], all[len(all)-1]}
	for name, tt := range map[string]struct {
		do   func(f merge.Row)
		left int // that are not in the stage
	}{
		"owners withdraw": {func(f merge.Row) { c.says(f, "withdraw") }, len(some)},
		"words are written": {func(f merge.Row) {
			d, err := c.File(t.Context(), c.as(c.admin), c.edition.ID, f.ID)
			c.unless(err)
			_, err = c.Advise(t.Context(), c.as(c.admin), c.edition.ID, f.ID, d.Version, "Lengkapi NIB.")
			c.unless(err)
		}, 0},
	} {
		poor := before.Copy()
		c.Service.Engine = c.process(poor).Engine
		slow := c.beside(poor, func() {
			for _, f := range some {
				tt.do(f)
			}
			c.work()
		})
		n, err := slow.Begin(t.Context(), c.as(c.admin), c.edition.ID)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.work()
		if in := len(c.stage(1).Outcomes); in != len(all)-tt.left || n < in {
			t.Errorf("%s: %d moved, %d are in the stage of %d", name, n, in, len(all))
		}
		if open := c.in(domain.FileOpen); len(open) > tt.left {
			t.Errorf("%s: %d wait outside", name, len(open))
		}
		if n, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID); err != nil || n != 0 {
			t.Errorf("%s: once more: %d, %v", name, n, err)
		}
	}
}
