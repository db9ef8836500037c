package mongo_test

import (
	"context"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAProcessHearsOfTheHeadsOfAnother, whether the server tells or is asked.
func TestAProcessHearsOfTheHeadsOfAnother(t *testing.T) {
	for name, polls := range map[string]bool{"told by the server": false, "by asking": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := mongotest.Address(t)
			here := reopen(t, address, mongo.Options{Poll: polls, Report: func(text string) { t.Log(text) }})
			there := reopen(t, address, mongo.Options{})
			heard := make(chan store.Head, 100)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- here.Watch(ctx, func(h store.Head) { heard <- h }) }()

			g := merge.Generation{Count: 1, Nonce: "n"}
			must(t, there.Create(t.Context(), store.Head{Scope: "business/a", Generation: g}))
			for seq := merge.Seq(1); seq <= 3; seq++ {
				c := &store.Commit{Scope: "business/a", Generation: g, Seq: seq, ID: "c" + string(rune('0'+seq)), Chain: "x"}
				must(t, there.Insert(t.Context(), c))
				_, err := there.Fold(t.Context(), c, store.Head{})
				must(t, err)
				awaitScope(t, heard, "business/a", seq)
			}
			stop()
			must(t, <-ended)
		})
	}
}

// TestAFastClockElsewhereSilencesNobody: a process whose clock is an hour ahead writes,
// and who asks for changes hears of the others' too, and of its own once.
func TestAFastClockElsewhereSilencesNobody(t *testing.T) {
	t.Parallel()
	address := mongotest.Address(t)
	here := reopen(t, address, mongo.Options{Poll: true, Report: func(text string) { t.Log(text) }})
	there := reopen(t, address, mongo.Options{})
	fast := reopen(t, address, mongo.Options{Clock: clock.At(time.Now().Add(time.Hour))})
	heard := make(chan store.Head, 1000)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- here.Watch(ctx, func(h store.Head) { heard <- h }) }()

	g := merge.Generation{Count: 1, Nonce: "n"}
	must(t, there.Create(t.Context(), store.Head{Scope: "business/a", Generation: g}))
	must(t, fast.Create(t.Context(), store.Head{Scope: "business/b", Generation: g}))
	ofFast := awaitScope(t, heard, "business/b", 0)
	for seq := merge.Seq(1); seq <= 4; seq++ {
		c := &store.Commit{Scope: "business/a", Generation: g, Seq: seq, ID: "c" + string(rune('0'+seq)), Chain: "x"}
		must(t, there.Insert(t.Context(), c))
		_, err := there.Fold(t.Context(), c, store.Head{})
		must(t, err)
		ofFast += awaitScope(t, heard, "business/a", seq)
	}
	stop()
	must(t, <-ended)
	if ofFast > 1 {
		t.Errorf("one write of the fast process was told of %d times", ofFast)
	}
}

// awaitScope waits for a head of a scope at a commit and counts the heads of business/b
// on the way.
func awaitScope(t *testing.T, heard <-chan store.Head, scope string, seq merge.Seq) (ofB int) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case h := <-heard:
			if h.Scope == "business/b" {
				ofB++
			}
			if h.Scope == scope && h.Applied >= seq {
				return ofB
			}
		case <-late:
			t.Fatalf("nothing was heard of %s at %d", scope, seq)
		}
	}
}
