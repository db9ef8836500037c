package syncer_test

import (
	"context"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// garbled spoils the cursor of the next request.
type garbled struct {
	*direct
	left int
}

func (g *garbled) Sync(ctx context.Context, req protocol.Request) (*protocol.Response, error) {
	if g.left > 0 {
		g.left--
		req.Cursor = "0" + req.Cursor[len(req.Cursor)/2:]
	}
	return g.direct.Sync(ctx, req)
}

// TestAnUnreadableCursorLeavesNoRevokedRowsBehind: the server cannot tell from it
// which scopes the phone holds, so it says which ones it may hold.
func TestAnUnreadableCursorLeavesNoRevokedRowsBehind(t *testing.T) {
	for _, revoked := range []bool{true, false} {
		w := newWorld(t)
		w.admit("ani", merge.Owner)
		w.admit("budi", merge.Staff)
		b := w.phone("budi", "db")
		b.sync()
		k := b.put("", "note", "mine")
		b.sync()
		if revoked {
			w.clock.Advance(time.Hour)
			end := merge.Millis(w.clock.Now().UnixMilli())
			w.member("budi", merge.Staff, end-7_200_000, end)
			w.clock.Advance(time.Hour)
		}
		b.Server = &garbled{b.server, 1}
		b.sync()
		b.sync()
		rows, err := b.Snapshot(box)
		if err != nil {
			t.Fatal(err)
		}
		if revoked && len(rows) > 0 {
			t.Errorf("%d rows of a revoked scope stay", len(rows))
		}
		if !revoked && b.note(k) != "mine" {
			t.Errorf("the row reads %q", b.note(k))
		}
		if n := b.Mismatches(); n > 0 {
			t.Errorf("%d hashes did not match", n)
		}
	}
}
