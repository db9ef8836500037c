package play_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// trips are the commands that went to MongoDB.
type trips struct {
	mu  sync.Mutex
	all []string
}

func (c *trips) see(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != "endSessions" && name != "killCursors" {
		c.all = append(c.all, name)
	}
}

func (c *trips) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

// pushTrips is what a push of one batch to one business, alone, costs now.
const pushTrips = 15

// TestRoundTripsToMongoDB: nothing new is one; a push of sales for one business is
// told in the log, and never costs more than it does now.
func TestRoundTripsToMongoDB(t *testing.T) {
	t.Parallel()
	var seen trips
	db, err := mongo.Open(t.Context(), mongotest.Address(t), mongo.Options{OnCommand: seen.see})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s := set(t, func(o *play.Options) { o.Store, o.Identity = db, db.Identity() })
	s.sell(s.owner, 50_000)
	s.sync(s.owner, s.owner)
	for round := range 3 {
		seen.take()
		s.ok(s.owner.Sync(t.Context()))
		if got := seen.take(); !slices.Equal(got, []string{"find"}) {
			t.Errorf("round %d, nothing new: %v", round, got)
		}
		s.sell(s.owner, 10_000+round)
		s.sell(s.owner, 20_000+round)
		req, _, err := s.owner.Ask()
		s.ok(err)
		var resp protocol.Response
		seen.take()
		s.ok(s.owner.HTTP.Call(t.Context(), http.MethodPost, "/v1/sync/push", nil, req, &resp))
		got := seen.take()
		if len(resp.Verdicts) != 2 || resp.Verdicts[0].Verdict != merge.Applied {
			t.Fatalf("%+v", resp.Verdicts)
		}
		if len(got) > pushTrips {
			t.Errorf("round %d, a push: %d round trips: %v", round, len(got), got)
		}
		t.Logf("a push: %v", got)
		s.sync(s.owner)
	}
}
