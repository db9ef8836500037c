package play_test

import (
	"path/filepath"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
)

// TestNothingNewCostsNothing counts what a sync with nothing to say costs, at
// the wire and at the driver of the database.
func TestNothingNewCostsNothing(t *testing.T) {
	t.Parallel()
	var seen sqlite.Counter
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "l.db"), sqlite.Options{OnStatement: seen.See})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s := set(t, func(o *play.Options) { o.Store, o.Identity = db, db.Identity() })
	s.sync(s.owner, s.owner)
	c := cut(s.owner, "/v1/sync")
	for round := range 3 {
		seen.Take()
		c.ends = nil
		s.ok(s.owner.Sync(t.Context()))
		if statements := seen.Take(); len(statements) != 1 {
			t.Errorf("round %d: %d statements, want 1:\n%q", round, len(statements), statements)
		}
		if c.total() >= 400 || c.total() == 0 {
			t.Errorf("round %d: an answer of %d bytes, want under 400", round, c.total())
		}
	}
	t.Logf("an answer of %d bytes", c.total())
}
