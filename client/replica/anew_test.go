package replica_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// lost is a phone whose accepted edit was refused after a restore that took its
// record.
func lost(t *testing.T, local replica.Local) *hand {
	h := phone(t, local)
	h.have(5, row(item, 5, 10))
	h.edit(item, 11)
	h.ask()
	resp := cut(6, row(item, 6, 11))
	resp.Verdicts = h.told(merge.Applied, 6).Verdicts
	h.take(resp)
	h.ask()
	h.take(inNew(4, "2022-05-06T00:00:00.000Z"))
	h.ask()
	resp = inNew(4, "2022-05-06T00:00:00.000Z")
	resp.Reset, resp.Verdicts, resp.Backup = nil, h.told(merge.Rejected, 0).Verdicts, &protocol.BackupMark{Epoch: 1}
	resp.Verdicts[0].Code = "depends_on_lost"
	h.take(resp)
	return h
}

// inNew is a complete cut of the generation after the restore.
func inNew(seq merge.Seq, now string, rows ...protocol.Row) protocol.Response {
	resp := cut(seq, rows...)
	resp.Reset, resp.Now = []string{shop}, now
	resp.Scopes[shop] = protocol.Scope{Generation: "2.bb", Seq: seq, Hash: resp.Scopes[shop].Hash}
	return resp
}

// TestWhatWaitsIsKeptForFiveWeeks: a backup of the quarantine does not end it,
// five weeks do.
func TestWhatWaitsIsKeptForFiveWeeks(t *testing.T) {
	h := lost(t, &replica.Memory{})
	for _, tt := range []struct {
		now   string
		waits bool
	}{{"2022-06-09T23:59:00.000Z", true}, {"2022-06-11T00:00:00.000Z", false}} {
		h.ask()
		h.take(protocol.Response{Now: tt.now, Backup: &protocol.BackupMark{Epoch: 9, Done: 9}})
		refused, err := h.Refused()
		h.ok(err)
		if len(refused) != 1 || refused[0].Waits != tt.waits {
			t.Errorf("at %s: %+v", tt.now, refused)
		}
	}
	h.ask()
	h.take(inNew(7, "2022-06-12T00:00:00.000Z", row(item, 7, 10)))
	if sent := h.ask(); len(sent) != 0 {
		t.Errorf("sends %d after five weeks", len(sent))
	}
}

// TestTwoCopiesMakeAnEditAnewUnderOneName, so that it lands once.
func TestTwoCopiesMakeAnEditAnewUnderOneName(t *testing.T) {
	memory := &replica.Memory{}
	h := lost(t, memory)
	if sent := h.ask(); len(sent) != 0 {
		t.Fatalf("sends %d before its record is back", len(sent))
	}
	copied := phone(t, memory.Clone())
	var names []string
	for _, p := range []*hand{h, copied} {
		p.ask()
		p.take(inNew(7, "2022-05-07T00:00:00.000Z", row(item, 7, 10)))
		sent := p.ask()
		if len(sent) != 1 || string(sent[0].Mutation.Set["price_idr"]) != "11" || sent[0].Mutation.Base.Generation.String() != gen || p.shows(item) != 11 {
			t.Fatalf("sends %+v, shows %d", sent, p.shows(item))
		}
		names = append(names, merge.MutationName(p.asked.Push[0].Device, p.asked.Push[0].Incarnation, sent[0].Mutation.N))
		p.take(p.told(merge.Rejected, 0))
		if sent := p.ask(); len(sent) != 0 {
			t.Errorf("sends %d after a second refusal", len(sent))
		}
	}
	if names[0] != names[1] {
		t.Errorf("two copies send it as %q", names)
	}
}
