package syncer_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestTwoPhonesMeet(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	w.admit("budi", merge.Staff)
	a, b := w.phone("ani", "da"), w.phone("budi", "db")
	a.sync()
	b.sync()
	k := a.put("", "note", "ani", "color", "red")
	if got := a.note(k); got != "ani" {
		t.Errorf("before any network: %q", got)
	}
	a.sync()
	b.sync()
	w.clock.Advance(time.Minute)
	a.put(k, "note", "ani again")
	w.clock.Advance(time.Minute)
	b.put(k, "note", "budi", "color", "blue")
	b.sync()
	a.sync()
	b.sync()
	for _, p := range []*phone{a, b} {
		if got := p.note(k); got != "budi" {
			t.Errorf("%s sees %q", p.server.user, got)
		}
		if n := p.unsent(); n != 0 {
			t.Errorf("%s has %d unsent", p.server.user, n)
		}
		j, err := p.Rows(box, "journal")
		if err != nil || len(j) != 1 || j[0].Text("lost") != "ani again" {
			t.Errorf("%s: journal %v, %v", p.server.user, j, err)
		}
	}
}

func TestLostAnswersChangeNothing(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	a := w.phone("ani", "da")
	a.sync()
	k := a.put("", "note", "1")
	a.put(k, "note", "2")
	a.server.lose = func(call int) bool { return call%3 != 0 }
	for range 6 {
		if a.Sync(t.Context()) == nil {
			break
		}
	}
	a.server.lose = nil
	a.sync()
	if a.unsent() != 0 || a.note(k) != "2" {
		t.Errorf("unsent %d, note %q", a.unsent(), a.note(k))
	}
	head, err := w.Store.Head(t.Context(), box)
	if err != nil || head.Applied != 2 {
		t.Errorf("applied %d, %v: an edit was committed twice", head.Applied, err)
	}
}

func TestRevokedPhoneIsPurgedAfterItsVerdicts(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	w.admit("budi", merge.Staff)
	b := w.phone("budi", "db")
	b.sync()
	before := b.put("", "note", "in time")
	w.clock.Advance(time.Hour)
	end := merge.Millis(w.clock.Now().UnixMilli())
	w.member("budi", merge.Staff, end-7_200_000, end)
	w.clock.Advance(time.Hour)
	after := b.put("", "note", "too late")
	b.sync()
	if scopes, err := b.Scopes(); err != nil || len(scopes) != 0 {
		t.Errorf("scopes %v, %v", scopes, err)
	}
	refused, err := b.Refused()
	if err != nil || len(refused) != 1 || refused[0].ID != after || refused[0].Code != "not_assigned" {
		t.Errorf("refused %+v, %v", refused, err)
	}
	if b.unsent() != 0 || b.note(before) != "" {
		t.Errorf("unsent %d, row %q", b.unsent(), b.note(before))
	}
	a := w.phone("ani", "da")
	a.sync()
	if got := a.note(before); got != "in time" {
		t.Errorf("the owner sees %q", got)
	}
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sync()
	q, err := b.Rows(merge.UserScope("budi"), "quarantine")
	if err != nil || len(q) != 1 || q[0].Text("code") != "not_assigned" {
		t.Errorf("quarantine %v, %v", q, err)
	}
}

func TestForeignScopeIsRefusedForGood(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	b := w.phone("budi", "db")
	b.sync()
	b.put("", "note", "x")
	b.sync()
	if r, err := b.Refused(); err != nil || len(r) != 1 || r[0].Code != "not_found" {
		t.Fatalf("refused %+v, %v", r, err)
	}
	// A grant that comes later does not wake the verdict up again.
	w.admit("budi", merge.Staff)
	again := w.phone("budi", "db") // the same phone before it heard the verdict
	if _, err := again.Do(replica.Edit{Scope: box, Collection: "thing", Set: map[string]merge.Value{"note": merge.Str("y")}}); err != nil {
		t.Fatal(err)
	}
	q, err := b.Rows(merge.UserScope("budi"), "quarantine")
	if err != nil || len(q) != 1 {
		t.Errorf("quarantine %v, %v", q, err)
	}
}

func TestRestoredServerGetsEveryEditBack(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	a := w.phone("ani", "da")
	a.sync()
	k := a.put("", "note", "1")
	a.sync()
	if _, err := w.Restored(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.put(k, "note", "2")
	a.sync()
	if a.unsent() != 0 || a.note(k) != "2" {
		t.Errorf("unsent %d, note %q", a.unsent(), a.note(k))
	}
	if r, err := a.Refused(); err != nil || len(r) != 0 {
		t.Errorf("refused %+v, %v", r, err)
	}
	b := w.phone("ani", "db")
	b.sync()
	if got := b.note(k); got != "2" {
		t.Errorf("a new phone sees %q", got)
	}
}

func TestClonedPhoneLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	a := w.phone("ani", "da")
	a.sync()
	first := a.put("", "note", "before the copy")
	b := w.phone("ani", "copy of da")
	b.Local = a.Local.(*replica.Memory).Clone()
	if err := b.Open(); err != nil {
		t.Fatal(err)
	}
	x := a.put("", "note", "on the old phone")
	y := b.put("", "note", "on the new phone")
	z := b.put(first, "note", "changed on the new phone")
	a.sync()
	b.sync()
	a.sync()
	for _, p := range []*phone{a, b} {
		if p.unsent() != 0 || p.note(x) != "on the old phone" || p.note(y) != "on the new phone" || p.note(z) != "changed on the new phone" {
			t.Errorf("unsent %d: %q %q %q", p.unsent(), p.note(x), p.note(y), p.note(z))
		}
	}
}

func TestNothingNewIsSmall(t *testing.T) {
	w := newWorld(t)
	w.admit("ani", merge.Owner)
	a := w.phone("ani", "da")
	a.sync()
	req, _, err := a.Ask()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.Sync(t.Context(), callerOf("ani"), req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Cursor != "" || resp.Changes != nil || resp.Scopes != nil {
		t.Errorf("%+v", resp)
	}
}
