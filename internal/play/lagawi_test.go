package play_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
)

// TestLagawiFest is A1 to A4: from 486 rows to 30 businesses with mentors and plans, on
// every store and with every request sent twice.
func TestLagawiFest(t *testing.T) {
	for name, change := range map[string]func(*play.Options){
		"embedded":   func(o *play.Options) { o.Path = filepath.Join(t.TempDir(), "l.db") },
		"poor store": func(o *play.Options) { o.Store, o.Identity = storefault.NewPoor(), &storefault.MemoryIdentity{} },
		"everything twice": func(o *play.Options) {
			o.Store, o.Identity, o.Repeat = storefault.NewPoor(), &storefault.MemoryIdentity{}, 2
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var o play.Options
			change(&o)
			w, err := play.Open(t.Context(), play.LagawiStart(), play.LagawiOptions(o, 1))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := w.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			got, err := w.PlayLagawi(t.Context(), &play.Teller{}, 1)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]int{"food_beverage": 19, "toys": 1, "fashion": 3, "crafts": 6, "machinery": 1}; !maps.Equal(got.Categories, want) {
				t.Errorf("categories %v, want %v", got.Categories, want)
			}
			got.Categories = nil
			want := play.Lagawi{Read: 486, Accepted: 478, Refused: 8, Passed: [2]int{212, 96}, Sheets: 192, Offline: 61, Selected: 30, Reserve: 10, Not: 56,
				Memberships: 31, Notices: 478, Enrolled: 30, Tasks: 720, MentorBusinesses: 5, MentorTasks: 120, OwnerTasks: 24}
			if a, b := plain(got), plain(want); a != b {
				t.Errorf("it came out as\n%s, want\n%s", a, b)
			}
		})
	}
}

func plain(l play.Lagawi) string { return fmt.Sprintf("%+v", l) }
