package programme_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestOneProgrammeInTroubleKeepsNobodyWaiting: where the publication of one programme cannot be
// told, those of the others are, and the trouble is told too.
func TestOneProgrammeInTroubleKeepsNobodyWaiting(t *testing.T) {
	c := open(t).contest(5)
	c.decided()
	c.prepared()
	for _, programme := range []string{"00000000-0000-8000-8000-000000000001", "ffffffff-ffff-8fff-bfff-ffffffffffff"} { // before it and behind it
		_, err := c.Engine.Write(t.Context(), domain.DecisionScope(programme), merge.ServerWrite{Name: "lost." + programme, Role: merge.System, Collection: "publication", ID: id.Derive("publication", programme), Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"state": merge.Str("approved"), "publish_at": merge.Millis(publishAt().UnixMilli()).Value()}})
		c.unless(err)
	}
	c.clock.Set(publishAt())
	if err := c.Due(t.Context()); err == nil {
		t.Error("nobody hears of programmes that are not there")
	}
	c.work()
	if err := c.Due(t.Context()); err == nil {
		t.Error("nobody hears of it any more")
	}
	if got := c.states(); got[domain.ApplicationOffered] != 30 {
		t.Errorf("told: %v", got)
	}
}
