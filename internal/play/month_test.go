package play_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestThirtyDaysOfBadNetwork loses nothing and counts nothing twice.
func TestThirtyDaysOfBadNetwork(t *testing.T) {
	for name, on := range stores(t) {
		for seed := range uint64(map[string]int{"sqlite": 1, "mongo": 1, "poor": 3}[name]) {
			t.Run(fmt.Sprintf("%s, seed %d", name, seed+1), func(t *testing.T) {
				t.Parallel()
				w := open(t, play.MonthStart(), on(play.Options{Seed: seed + 1}))
				var told strings.Builder
				got, err := w.PlayMonth(t.Context(), &play.Teller{Out: &told})
				if err != nil {
					t.Fatal(err)
				}
				answered := 0
				for _, n := range got.Verdicts {
					answered += n
				}
				if answered != got.Made || got.Waiting != 0 {
					t.Errorf("%d edits made, %d answered, %d waiting", got.Made, answered, got.Waiting)
				}
				if got.Quarantine != got.Verdicts[merge.Rejected] {
					t.Errorf("%d edits refused, %d in quarantine", got.Verdicts[merge.Rejected], got.Quarantine)
				}
				if !got.Alike || !got.TotalsSame || got.Server == 0 || len(got.Phones) != 5 {
					t.Errorf("alike %t, totals %t: %v on %v", got.Alike, got.TotalsSame, got.Server, got.Phones)
				}
				if got.Count.Lost < 10 || got.Count.Twice < 3 || got.Verdicts[merge.Superseded]+got.Verdicts[merge.Merged] < 3 || got.Verdicts[merge.Rejected] < 3 {
					t.Errorf("the month was too easy: %+v", got)
				}
				if t.Failed() {
					t.Log(told.String())
				}
			})
		}
	}
}
