package replica_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// TestPendingEndsByRowOrCut: a verdict alone does not end it, or the screen
// would jump back until the row arrives.
func TestPendingEndsByRowOrCut(t *testing.T) {
	each(t, func(t *testing.T, local replica.Local) {
		h := phone(t, local)
		h.have(5, row(item, 5, 10))
		h.edit(item, 11)
		h.ask()
		h.take(h.told(merge.Merged, 8))
		if got := h.shows(item); got != 11 || h.unsent() != 0 {
			t.Errorf("after the verdict %d, %d unsent", got, h.unsent())
		}
		h.have(7, row(item, 7, 99)) // an older state
		if got := h.shows(item); got != 11 {
			t.Errorf("after a row below the verdict %d", got)
		}
		h.have(8, row(item, 8, 77))
		if got := h.shows(item); got != 77 {
			t.Errorf("after the row of the verdict %d", got)
		}

		h.edit(item, 12)
		h.ask()
		h.take(h.told(merge.Superseded, 9))
		h.have(9, row(item, 8, 77)) // the cut says enough: the row is as it was
		if got := h.shows(item); got != 77 {
			t.Errorf("after a complete cut %d", got)
		}
	})
}

func TestARefusedEditLeavesTheScreen(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	h.edit(item, 11)
	h.ask()
	h.take(h.told(merge.Rejected, 0))
	refused, err := h.Refused()
	h.ok(err)
	if got := h.shows(item); got != 10 || h.unsent() != 0 || len(refused) != 1 || refused[0].Code != "forbidden" || len(refused[0].Mutation) == 0 {
		t.Errorf("shows %d, refused %+v", got, refused)
	}
	if s, err := h.Status(shop, "product", item); err != nil || s != replica.Attention {
		t.Errorf("status %s, %v", s, err)
	}
}

// TestALateAnswerContributesVerdictsOnly takes no row, cursor, reset, purge or
// rekey from an answer to any but the newest request.
func TestALateAnswerContributesVerdictsOnly(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	h.edit(item, 11)
	fresh := h.edit("", 20)
	h.ask()
	old, resp := h.seen, h.told(merge.Applied, 8)
	resp.Verdicts[1].Verdict = merge.Rekey
	h.ask() // the first one was given up
	late := cut(8, row(item, 8, 99))
	late.Verdicts, late.Purge, late.Reset = resp.Verdicts, []string{shop}, []string{shop}
	before := h.asked.Cursor
	h.answer(old, late)
	if got := h.shows(item); got != 11 {
		t.Errorf("shows %d: a row of a late answer", got)
	}
	if h.unsent() != 1 || h.shows(fresh) != 20 {
		t.Errorf("%d unsent, want 1; the final verdict counts, rekey does not", h.unsent())
	}
	if h.ask(); h.asked.Cursor != before || h.Me().Incarnation != "incarnation-1" {
		t.Errorf("cursor %q, incarnation %q", h.asked.Cursor, h.Me().Incarnation)
	}
	for _, p := range h.asked.Push {
		if p.Incarnation != "incarnation-1" {
			t.Errorf("sent again under %s", p.Incarnation)
		}
	}
}

// TestAResetArrivesBesideTheOldRows keeps the screen whole until the new rows
// are.
func TestAResetArrivesBesideTheOldRows(t *testing.T) {
	each(t, func(t *testing.T, local replica.Local) {
		const second = "018099a2-f7c0-7d3e-8f0a-000000000002"
		h := phone(t, local)
		h.have(5, row(item, 5, 10), row(second, 4, 40))
		fresh := h.edit("", 20)
		h.ask()
		h.take(protocol.Response{Reset: []string{shop}, Cursor: "again", More: true, Changes: []protocol.Row{row(item, 6, 60)},
			Scopes: map[string]protocol.Scope{shop: {Generation: gen, Seq: 6}}})
		if h.shows(item) != 10 || h.shows(second) != 40 || h.shows(fresh) != 20 {
			t.Errorf("half way: %d, %d, %d", h.shows(item), h.shows(second), h.shows(fresh))
		}
		h.have(6, row(item, 6, 60)) // the second one is no more
		if h.shows(item) != 60 || h.shows(second) != -1 || h.shows(fresh) != 20 || h.unsent() != 1 {
			t.Errorf("whole: %d, %d, %d", h.shows(item), h.shows(second), h.shows(fresh))
		}
		if h.Mismatches() != 0 {
			t.Errorf("%d mismatches", h.Mismatches())
		}
	})
}

// TestAnEditOfAnOldRowSaysSo: the rows of the new time line are still arriving,
// and somebody edits what is on the screen.
func TestAnEditOfAnOldRowSaysSo(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	restored := func(more bool) protocol.Response {
		resp := cut(6, row(item, 6, 60))
		resp.Reset, resp.More = []string{shop}, more
		hash := resp.Scopes[shop].Hash
		if more {
			hash = ""
		}
		resp.Scopes[shop] = protocol.Scope{Generation: "2.bb", Seq: 6, Hash: hash}
		return resp
	}
	h.ask()
	h.take(restored(true))
	h.edit(item, 11)
	if sent := h.ask(); sent[0].Mutation.Base.Generation.String() != gen || sent[0].Mutation.Base.Version != 5 {
		t.Errorf("the base is %v, and the author saw version 5 of %s", sent[0].Mutation.Base, gen)
	}
	resp := restored(false)
	resp.Verdicts = h.told(merge.Rejected, 0).Verdicts
	h.take(resp)
	h.edit(item, 12)
	if sent := h.ask(); sent[0].Mutation.Base.Generation.String() != "2.bb" || sent[0].Mutation.Base.Version != 6 {
		t.Errorf("the base is %v, and the author saw version 6 of the new time line", sent[0].Mutation.Base)
	}
}

func TestAWrongHashAsksForAReset(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.ask()
	resp := cut(5, row(item, 5, 10))
	resp.Changes = nil
	h.take(resp)
	if h.ask(); len(h.asked.Reset) != 1 || h.asked.Reset[0] != shop || h.Mismatches() != 1 {
		t.Errorf("asks %v, %d mismatches", h.asked.Reset, h.Mismatches())
	}
	resp = cut(5, row(item, 5, 10))
	resp.Reset = []string{shop}
	h.take(resp)
	if h.ask(); len(h.asked.Reset) != 0 || h.shows(item) != 10 {
		t.Errorf("asks %v, shows %d", h.asked.Reset, h.shows(item))
	}
}

// TestAPurgeKeepsUnsentEdits removes rows; what has no verdict stays until it has
// one, and what was accepted until a backup of the server holds it. That is not
// shown any more.
func TestAPurgeKeepsUnsentEdits(t *testing.T) {
	each(t, func(t *testing.T, local replica.Local) {
		h := phone(t, local)
		h.have(5, row(item, 5, 10))
		h.edit(item, 11)
		h.ask()
		resp := h.told(merge.Applied, 6) // its row has not come yet
		resp.Backup = &protocol.BackupMark{Epoch: 3}
		h.take(resp)
		h.edit(item, 12)
		h.ask()
		h.take(protocol.Response{Purge: []string{shop}, Cursor: "without"})
		rows, err := h.Snapshot(shop)
		h.ok(err)
		scopes, err := h.Scopes()
		h.ok(err)
		if len(rows) != 0 || len(scopes) != 0 {
			t.Errorf("%d rows, scopes %v", len(rows), scopes)
		}
		if all := h.kept(); len(all) != 2 || !all[0].Answered || all[1].Answered {
			t.Errorf("outbox %+v", all)
		}
		if sent := h.ask(); len(sent) != 1 || h.asked.Cursor != "without" {
			t.Errorf("sends %d with %q", len(sent), h.asked.Cursor)
		}
		h.take(h.told(merge.Rejected, 0))
		if refused, err := h.Refused(); err != nil || len(refused) != 1 {
			t.Errorf("refused %v, %v", refused, err)
		}
		if h.shows(item) != -1 {
			t.Errorf("an accepted edit shows %d in a place that is closed", h.shows(item))
		}
		h.have(6, row(item, 6, 11)) // let in again, in the same generation
		if sent := h.ask(); len(sent) != 0 || h.shows(item) != 11 {
			t.Errorf("sends %d, shows %d", len(sent), h.shows(item))
		}
		h.take(protocol.Response{Backup: &protocol.BackupMark{Epoch: 5, Done: 4}})
		if all := h.kept(); len(all) != 0 {
			t.Errorf("backup 4 has it, and the phone keeps %+v", all)
		}
	})
}

// TestABackupDropsWhatItHolds keeps acknowledged edits until a complete backup
// surely has them.
func TestABackupDropsWhatItHolds(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	h.edit(item, 11)
	h.ask()
	resp := cut(6, row(item, 6, 11))
	resp.Verdicts, resp.Backup = h.told(merge.Applied, 6).Verdicts, &protocol.BackupMark{Epoch: 3, Done: 3}
	h.take(resp)
	if len(h.kept()) != 1 {
		t.Fatalf("epoch 3 is in every backup above 3; backup 3 may lack it: %v", h.kept())
	}
	if h.ask(); h.asked.Backup != 3 {
		t.Errorf("knows of backup %d", h.asked.Backup)
	}
	h.take(protocol.Response{Backup: &protocol.BackupMark{Epoch: 5, Done: 4}})
	if all := h.kept(); len(all) != 0 {
		t.Errorf("backup 4 has it, and the phone keeps %v", all)
	}
}

// TestANewGenerationSendsKeptEditsAgain: after a restore what was acknowledged
// is sent again, in the old order, each naming the kept ones before it.
func TestANewGenerationSendsKeptEditsAgain(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	for n, version := range []merge.Seq{6, 7} {
		h.edit(item, 11+n)
		h.ask()
		resp := cut(version, row(item, version, 11+n))
		resp.Verdicts = h.told(merge.Applied, version).Verdicts
		h.take(resp)
	}
	h.edit(item, 13)
	h.ask()
	resp := cut(5, row(item, 5, 10))
	resp.Reset = []string{shop}
	resp.Scopes[shop] = protocol.Scope{Generation: "2.bb", Seq: 5, Hash: resp.Scopes[shop].Hash}
	h.take(resp)
	sent := h.ask()
	if len(sent) != 3 || h.asked.Push[0].Generation != "2.bb" {
		t.Fatalf("sends %d in %s, want 3", len(sent), h.asked.Push[0].Generation)
	}
	for i, want := range [][]uint64{{}, {1}, {1, 2}} {
		if got := numbers(sent[i].Mutation.After); len(got) != len(want) || sent[i].Mutation.N != uint64(i+1) {
			t.Errorf("n %d after %v, want %v", sent[i].Mutation.N, got, want)
		}
	}
	if got := h.shows(item); got != 13 {
		t.Errorf("shows %d", got)
	}
}

func TestAnotherUserSeesNothingOfTheFirst(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	h.edit(item, 11)
	h.ok(h.Become(replica.Identity{User: other, Device: "device-1", Incarnation: "incarnation-2"}))
	if h.shows(item) != -1 || h.unsent() != 0 {
		t.Errorf("shows %d, %d unsent", h.shows(item), h.unsent())
	}
	if sent := h.ask(); len(sent) != 0 || h.asked.Cursor != "" || h.asked.Outbox != nil {
		t.Errorf("sends %d with %q", len(sent), h.asked.Cursor)
	}
	h.ok(h.Become(replica.Identity{User: me, Device: "device-1", Incarnation: "incarnation-3"}))
	if sent := h.ask(); len(sent) != 1 || h.asked.Push[0].Incarnation != "incarnation-1" {
		t.Errorf("sends %d", len(sent))
	}
}

func TestForgetKeepsTheOutbox(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	h.edit(item, 11)
	h.ask()
	ticket := h.seen
	h.ok(h.Forget())
	h.answer(ticket, cut(6, row(item, 6, 66))) // asked before: it brings nothing back
	if rows, err := h.Snapshot(shop); err != nil || len(rows) != 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if sent := h.ask(); len(sent) != 1 || h.asked.Cursor != "" {
		t.Errorf("sends %d with %q", len(sent), h.asked.Cursor)
	}
}
