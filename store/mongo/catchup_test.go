package mongo_test

import (
	"context"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/store/mongo"
)

// TestCatchUpIsOneCommand, on a server of any kind, also for a scope that is not there.
func TestCatchUpIsOneCommand(t *testing.T) {
	t.Parallel()
	c := &counter{}
	db := fresh(t, mongo.Options{OnCommand: c.see})
	must(t, created(t.Context(), db, "business/a"))
	c.take()
	for _, scope := range []string{"business/a", "business/b"} {
		must(t, db.CatchUp(t.Context(), scope))
		if all := c.take(); !slices.Equal(all, []string{"find"}) {
			t.Errorf("%s: %q", scope, all)
		}
	}
	if _, err := db.Head(t.Context(), "business/a"); err != nil { // with the time of that
		t.Error(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if db.CatchUp(ctx, "business/a") == nil {
		t.Error("caught up without asking")
	}
}
