package replica_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// numbers lists the n of refs.
func numbers(refs []merge.Ref) []uint64 {
	out := []uint64{}
	for _, r := range refs {
		out = append(out, r.N)
	}
	slices.Sort(out)
	return out
}

func TestBaseAndAfterSayWhatTheAuthorSaw(t *testing.T) {
	each(t, func(t *testing.T, local replica.Local) {
		h := phone(t, local)
		fresh := h.edit("", 1)
		h.edit(fresh, 2)
		sent := h.ask()
		if m := sent[0].Mutation; !m.Create() {
			t.Errorf("a new record: base %v, after %v", m.Base, m.After)
		}
		if m := sent[1].Mutation; m.Base != nil || !slices.Equal(m.After, []merge.Ref{{Incarnation: "incarnation-1", N: 1, Hash: sent[0].Hash}}) {
			t.Errorf("an edit of a new record: base %v, after %v", m.Base, m.After)
		}
		h.have(17, row(item, 17, 10))
		h.edit(item, 11) // n 3
		h.edit(item, 12) // n 4
		h.edit(item, 13) // n 5
		sent = h.ask()[2:]
		for i, want := range [][]uint64{{}, {3}, {3, 4}} {
			if m := sent[i].Mutation; m.Base == nil || m.Base.Version != 17 || m.Base.Generation.String() != gen || !slices.Equal(numbers(m.After), want) {
				t.Errorf("edit %d of a row at 17: base %v, after %v, want after %v", i+1, m.Base, m.After, want)
			}
		}
	})
}

// TestARefusedMiddleHidesNothing refuses the second of three edits: the fourth
// names the first through the third.
func TestARefusedMiddleHidesNothing(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	h.edit(item, 11) // 1
	h.edit(item, 12) // 2
	h.edit(item, 13) // 3, lists 1 and 2
	h.ask()
	resp := h.told(merge.Rejected, 0)
	resp.Verdicts = resp.Verdicts[1:2]
	h.take(resp)
	h.edit(item, 14) // 4
	sent := h.ask()
	last := sent[len(sent)-1].Mutation
	if !slices.Equal(numbers(last.After), []uint64{1, 2, 3}) || last.Base == nil || last.Base.Version != 5 {
		t.Errorf("base %v, after %v", last.Base, last.After)
	}
	if got := h.shows(item); got != 14 {
		t.Errorf("the screen shows %d", got)
	}
}

// TestAnEditUnderAPendingOneKeepsItsBase: rows that arrive under a pending edit
// were not on the screen as they are, so they are not the base.
func TestAnEditUnderAPendingOneKeepsItsBase(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	h.edit(item, 11)
	h.have(9, row(item, 9, 99)) // somebody else's
	h.edit(item, 12)
	for _, it := range h.ask() {
		if it.Mutation.Base.Version != 5 {
			t.Errorf("n %d has base %d, want 5", it.Mutation.N, it.Mutation.Base.Version)
		}
	}
}

func TestNumbersCountPerScopeAndIncarnation(t *testing.T) {
	local := &replica.Memory{}
	h := phone(t, local)
	h.edit("", 1)
	h.edit("", 2)
	_, err := h.Do(replica.Edit{Scope: merge.UserScope(me), Collection: "receipt", Set: map[string]merge.Value{"announcement_id": merge.Str(item)}})
	h.ok(err)
	h.ok(h.Become(replica.Identity{User: me, Device: "device-1", Incarnation: "incarnation-2"}))
	h.edit("", 3)
	again := wake(t, local) // the app dies in between
	again.edit("", 4)
	got := []string{}
	for _, k := range again.kept() {
		got = append(got, k.Scope[:4]+k.Incarnation[12:]+string(rune('0'+k.Mutation.N)))
	}
	if want := []string{"busi11", "busi12", "user11", "busi21", "busi22"}; !slices.Equal(got, want) {
		t.Errorf("numbers %v, want %v", got, want)
	}
}

func TestAnEditThatCannotBe(t *testing.T) {
	h := wake(t, &replica.Memory{})
	if _, err := h.Do(replica.Edit{Scope: shop, Collection: "product"}); fault.CodeOf(err) != "login_required" || fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("nobody is logged in: %v", err)
	}
	if _, _, err := h.Ask(); fault.CodeOf(err) != "login_required" {
		t.Errorf("nobody is logged in: %v", err)
	}
	h.ok(h.Become(replica.Identity{User: me, Device: "device-1", Incarnation: "incarnation-1"}))
	if _, err := h.Do(replica.Edit{Scope: shop, Collection: "nothing"}); fault.CodeOf(err) != "unknown_collection" {
		t.Errorf("an unknown collection: %v", err)
	}
	if _, err := h.Do(replica.Edit{Scope: shop, Collection: "product", ID: item, Op: merge.Delete}); fault.CodeOf(err) != "record_unknown" {
		t.Errorf("a record that is not here: %v", err)
	}
	if h.unsent() != 0 {
		t.Error("an edit that could not be was kept")
	}
}

// TestAnOperationNamesWhatItsAuthorSaw: the stored heads and every own pending
// operation, and the state on the screen.
func TestAnOperationNamesWhatItsAuthorSaw(t *testing.T) {
	h := phone(t, &replica.Memory{})
	sale, err := h.Do(replica.Edit{Scope: shop, Collection: "sales", Set: map[string]merge.Value{"sold_on": merge.Str("2022-05-05"), "channel": merge.Str("store"),
		"payment": merge.Str("cash"), "granularity": merge.Str("single"), "amount_idr": merge.Encode(1000)}})
	h.ok(err)
	adjust := func(kind string) string {
		op, err := h.Do(replica.Edit{Scope: shop, Collection: "sale_adjustment", Set: map[string]merge.Value{"entry_id": merge.Str(sale), "kind": merge.Str(kind), "reason_code": merge.Str("mistake")}})
		h.ok(err)
		return op
	}
	first := adjust("void")
	second := adjust("reinstate")
	sent := h.ask()
	if seen := merge.AsStrings(sent[1].Mutation.Set["seen"]); len(seen) != 0 || merge.AsString(sent[1].Mutation.Set["from"]) != "recorded" {
		t.Errorf("the first saw %v from %s", seen, sent[1].Mutation.Set["from"])
	}
	if seen := merge.AsStrings(sent[2].Mutation.Set["seen"]); !slices.Equal(seen, []string{first}) || merge.AsString(sent[2].Mutation.Set["from"]) != "void" {
		t.Errorf("the second saw %v from %s, want %s from void", seen, sent[2].Mutation.Set["from"], first)
	}
	row, ok, err := h.Row(shop, "sales", sale)
	if err != nil || !ok || row.Text("state") != "recorded" || row.Int("counted_idr") != 1000 {
		t.Errorf("after void and reinstate the screen shows %v, %v", row.Fields, err)
	}
	_ = second
}
