package replica_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// TestAnAcceptedEditIsKeptForFiveWeeksAtMost: a server without backups does not
// fill the phone.
func TestAnAcceptedEditIsKeptForFiveWeeksAtMost(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	h.edit(item, 11)
	h.ask()
	resp := cut(6, row(item, 6, 11))
	resp.Now, resp.Verdicts = "2022-05-06T00:00:00.000Z", h.told(merge.Applied, 6).Verdicts
	h.take(resp)
	for _, tt := range []struct {
		now  string
		kept int
	}{{"2022-06-09T23:59:00.000Z", 1}, {"2022-06-11T00:00:00.000Z", 0}} {
		h.ask()
		h.take(protocol.Response{Now: tt.now})
		if got := len(h.kept()); got != tt.kept {
			t.Errorf("at %s the phone keeps %d edits, want %d", tt.now, got, tt.kept)
		}
	}
}
