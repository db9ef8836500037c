package play_test

import "testing"

// TestNothingNewCostsNothing counts what a sync with nothing to say costs, at
// the wire and at the driver of the database.
func TestNothingNewCostsNothing(t *testing.T) {
	t.Parallel()
	on, take := counting(t)
	s := set(t, on)
	s.sync(s.owner, s.owner)
	c := cut(s.owner, "/v1/sync")
	for round := range 3 {
		take()
		c.ends = nil
		s.ok(s.owner.Sync(t.Context()))
		if statements := take(); len(statements) != 1 {
			t.Errorf("round %d: %d statements, want 1:\n%q", round, len(statements), statements)
		}
		if c.total() >= 400 || c.total() == 0 {
			t.Errorf("round %d: an answer of %d bytes, want under 400", round, c.total())
		}
	}
	t.Logf("an answer of %d bytes", c.total())
}
