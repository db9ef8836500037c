package syncer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// reboot puts a fresh process on a store.
func (w *world) reboot(s store.Store, process byte) {
	e := worldOn(w.t, s).Engine
	e.Clock, e.IDs = w.clock, id.Maker{Clock: w.clock, Rand: rand.NewChaCha8([32]byte{process})}
	w.Engine = e
}

// let lets a user into a scope.
func (w *world) let(user, scope string) {
	w.t.Helper()
	set := map[string]merge.Value{"user": merge.Str(user), "role": merge.Str(string(merge.Owner)), "from": merge.Num(merge.Millis(w.clock.Now().UnixMilli())), "to": merge.Num(0)}
	sw := merge.ServerWrite{Name: "member." + user, Role: merge.System, Collection: "member", ID: id.Derive("member", user), Op: merge.Put, Set: set, Create: true}
	if _, err := w.Write(w.t.Context(), scope, sw); err != nil {
		w.t.Fatal(err)
	}
}

// fire is a server that burnt down an hour after its backup, and two phones that
// went on until then, and one edit each further.
type fire struct {
	*world
	backup *storefault.Poor
	phones []*phone
	notes  map[merge.Key]string // what both must end with, by "scope" and id
}

func burnt(t *testing.T) *fire {
	disk := storefault.NewPoor()
	f := &fire{world: worldOn(t, disk), notes: map[merge.Key]string{}}
	boxes := []string{"box/1", "box/2", "box/3", "box/4"}
	for _, s := range boxes {
		f.let("ani", s)
		f.let("budi", s)
	}
	a, b := f.phone("ani", "da"), f.phone("budi", "db")
	f.phones = []*phone{a, b}
	edit := func(p *phone, scope, recordID, note string) string {
		f.clock.Advance(time.Second)
		k, err := p.Do(replica.Edit{Scope: scope, Collection: "thing", ID: recordID, Set: map[string]merge.Value{"note": merge.Str(note)}})
		if err != nil {
			t.Fatal(err)
		}
		f.notes[merge.Key{Collection: scope, ID: k}] = note
		return k
	}
	var old []string
	for _, s := range boxes {
		old = append(old, edit(a, s, "", "in the backup"))
	}
	if _, err := a.Do(replica.Edit{Scope: "box/1", Collection: "thing", Set: map[string]merge.Value{"colour": merge.Str("x")}}); err != nil { // refused: ani has a scope of her own
		t.Fatal(err)
	}
	a.sync()
	b.sync()
	dying := storefault.NewFailing(disk, func(c storefault.Call) storefault.Fate {
		if c.Method == "Insert" {
			return storefault.DieAfter
		}
		return storefault.Live
	}, nil)
	f.Engine.Store = dying.Store()
	edit(b, boxes[2], "", "decided, not folded")
	if err := b.Sync(t.Context()); err == nil {
		t.Fatal("the process lives")
	}
	f.backup = disk.Copy()
	f.reboot(disk, 2)
	f.clock.Advance(time.Hour)
	for i, s := range boxes {
		edit(a, s, old[i], "newer than the backup")
		edit(b, s, "", "made after the backup")
	}
	a.sync()
	b.sync()
	a.sync()
	for i, s := range boxes[:2] {
		edit(b, s, old[i], "made off line")
	}
	return f
}

// check syncs both phones and a new one, and compares.
func (f *fire) check(after string) {
	f.t.Helper()
	f.phones = append(f.phones, f.phone("ani", "dc"))
	for range 2 {
		for _, p := range f.phones {
			p.sync()
		}
	}
	for i, p := range f.phones {
		r, err := p.Refused()
		if err != nil || p.unsent() != 0 || p.Mismatches() != 0 || len(r) > 1 || len(r) == 1 && r[0].Code != "unknown_field" {
			f.t.Errorf("%s: phone %d has %d to send, refused %+v, %d wrong hashes, %v", after, i, p.unsent(), r, p.Mismatches(), err)
		}
		have := map[merge.Key]string{}
		for _, scope := range []string{"box/1", "box/2", "box/3", "box/4"} {
			rows, err := p.Rows(scope, "thing")
			if err != nil {
				f.t.Fatal(err)
			}
			for _, row := range rows {
				have[merge.Key{Collection: scope, ID: row.ID}] = row.Text("note")
			}
		}
		if fmt.Sprint(have) != fmt.Sprint(f.notes) {
			f.t.Errorf("%s: phone %d shows\n%v, want\n%v", after, i, have, f.notes)
		}
	}
}

// generations gives the count of every scope of a store.
func generations(t *testing.T, s store.Store) map[string]uint32 {
	t.Helper()
	scopes, err := s.Scopes(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]uint32{}
	for _, scope := range scopes {
		h, err := s.Head(t.Context(), scope)
		if err != nil {
			t.Fatal(err)
		}
		out[scope] = h.Generation.Count
	}
	return out
}

// TestARestoreThatDiesIsRunAgain: the process dies at every call of its work, in
// the folding, between the two phases, or with some scopes raised and others
// not. The operator runs it again: no scope is left in its old generation, one
// that was raised twice is no worse for it, and the phones bring everything back.
func TestARestoreThatDiesIsRunAgain(t *testing.T) {
	folding, between, partly, twice := 0, 0, 0, 0
	for _, fate := range []storefault.Fate{storefault.DieBefore, storefault.DieAfter} {
		for n, over := 1, false; !over; n += pace {
			f := burnt(t)
			before := generations(t, f.backup)
			dying := storefault.NewFailing(f.backup, func(c storefault.Call) storefault.Fate {
				if c.N == n {
					return fate
				}
				return storefault.Live
			}, nil)
			f.reboot(dying.Store(), 3)
			_, err := f.Restored(t.Context())
			if over = err == nil; !over && !errors.Is(err, storefault.ErrCrashed) {
				t.Fatal(err)
			}
			raised := 0
			for scope, count := range generations(t, f.backup) {
				raised += int(count - before[scope])
			}
			waiting, err := f.backup.Unfolded(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case raised > 0 && len(waiting) > 0:
				t.Errorf("call %d: %d scopes are raised and %q not folded", n, raised, waiting)
			case len(waiting) > 0:
				folding++
			case raised == 0:
				between++
			case raised < len(before):
				partly++
			}
			f.reboot(f.backup, 4)
			if got, err := f.Restored(t.Context()); err != nil || got != len(before) {
				t.Fatalf("call %d: %d of %d scopes raised, %v", n, got, len(before), err)
			}
			for scope, count := range generations(t, f.backup) {
				if count <= before[scope] {
					t.Errorf("call %d: %s stays in generation %d", n, scope, count)
				}
				if count > before[scope]+1 {
					twice++
				}
			}
			f.check(fmt.Sprint("death at call ", n))
			if t.Failed() {
				return
			}
		}
	}
	if folding == 0 || between == 0 || partly == 0 || twice == 0 {
		t.Errorf("died %d times folding, %d between, %d with some raised; %d scopes were raised twice", folding, between, partly, twice)
	}
	t.Logf("died %d times folding, %d between, %d with some raised; %d scopes were raised twice", folding, between, partly, twice)
}

// TestAnEditThatIsBackBeforeItsRecord: a restore took a record, and somebody
// else's edit of it is sent again before its create is. The edit is refused, and
// its text is in quarantine; once the create is back, the phone makes the edit
// anew.
func TestAnEditThatIsBackBeforeItsRecord(t *testing.T) {
	disk := storefault.NewPoor()
	w := worldOn(t, disk)
	w.admit("ani", merge.Owner)
	w.admit("budi", merge.Owner)
	a, b := w.phone("ani", "da"), w.phone("budi", "db")
	a.sync()
	b.sync()
	backup := disk.Copy()
	w.clock.Advance(time.Hour)
	k := a.put("", "note", "hers", "color", "red")
	a.sync()
	b.sync()
	w.clock.Advance(time.Minute)
	b.put(k, "note", "his")
	b.sync()
	a.sync()
	if a.note(k) != "his" {
		t.Fatalf("before the fire %q", a.note(k))
	}

	w.reboot(backup, 2)
	if _, err := w.Restored(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sync()
	refused, err := b.Refused()
	if err != nil || len(refused) != 1 || refused[0].Code != "depends_on_lost" || !refused[0].Waits || b.unsent() != 0 {
		t.Fatalf("refused %+v, %d unsent, %v", refused, b.unsent(), err)
	}
	if s, err := b.Status(box, "thing", k); err != nil || s != replica.Attention {
		t.Errorf("status %s, %v", s, err)
	}
	w.clock.Advance(time.Hour)
	a.sync()
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sync()
	a.sync()
	fresh := w.phone("ani", "dc")
	fresh.sync()
	for i, p := range []*phone{a, b, fresh} {
		row, ok, err := p.Row(box, "thing", k)
		if err != nil || !ok || row.Text("note") != "his" || row.Text("color") != "red" || p.unsent() != 0 {
			t.Errorf("phone %d shows %v, %d unsent, %v", i, row.Fields, p.unsent(), err)
		}
	}
	rows, err := b.Rows(merge.UserScope("budi"), "quarantine")
	if err != nil || len(rows) != 1 || rows[0].Text("record") != k || string(rows[0].Fields["resolved"]) != "true" {
		t.Errorf("quarantine %v, %v", rows, err)
	}
	if refused, err := b.Refused(); err != nil || len(refused) != 0 {
		t.Errorf("refused %+v, %v", refused, err)
	}
	if s, err := b.Status(box, "thing", k); err != nil || s != replica.Sent {
		t.Errorf("status %s, %v", s, err)
	}
}
