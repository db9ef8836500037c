package play_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
)

// TestNothingRingsBehindARetraction: from the answer to its author on, also where no effect of it
// has been carried out yet and every inbox still holds the words.
func TestNothingRingsBehindARetraction(t *testing.T) {
	t.Parallel()
	const people = 300
	c := gather(t, people)
	a := c.publish(8)
	c.works()
	batch := "announcement/" + a.ID
	rings := func(d time.Duration) (of map[store.DeliveryState]int) {
		const step = 100 * time.Millisecond
		for end := c.w.Clock.Now().Add(d); c.w.Clock.Now().Before(end); c.w.Clock.Advance(step) {
			_, err := c.w.App.Push.Round(c.Context())
			c.ok(err)
		}
		of, err := c.w.App.Push.Store.Outcomes(c.Context(), batch)
		c.ok(err)
		return of
	}
	heard := rings(time.Second)[store.DeliverySent]
	for heard < people/5 {
		heard = rings(time.Second)[store.DeliverySent]
	}
	c.ok(c.desk.Login(t.Context()))
	now, err := c.desk.News(t.Context(), a.ID)
	c.ok(err)
	// The request alone: what a phone sends has the server carry out all that follows.
	c.ok(c.desk.HTTP.Call(t.Context(), http.MethodPost, "/v1/announcements/"+a.ID+"/operations", http.Header{"Idempotency-Key": {"retract-once"}, "If-Match": {now.Etag}},
		map[string]any{"op": domain.AnnounceRetract}, nil))
	of := rings(2 * time.Minute)
	if of[store.DeliverySent] != heard || of[store.DeliverySuppressed] != people-heard || heard == people {
		t.Errorf("%d rang before it was taken back: %v", heard, of)
	}
	c.works()
	if of := rings(10 * time.Second); of[store.DeliverySent] != heard {
		t.Errorf("%d rang before it was taken back, when everybody's inbox has heard of it: %v", heard, of)
	}
}
