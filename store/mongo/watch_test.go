package mongo_test

import (
	"context"
	"testing"
	"time"

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
				await(t, heard, seq)
			}
			stop()
			must(t, <-ended)
		})
	}
}

// await waits for a head at a commit.
func await(t *testing.T, heard <-chan store.Head, seq merge.Seq) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case h := <-heard:
			if h.Scope == "business/a" && h.Applied >= seq {
				return
			}
		case <-late:
			t.Fatalf("nothing was heard of commit %d", seq)
		}
	}
}
