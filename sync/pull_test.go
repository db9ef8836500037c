package syncer_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// reader is a phone reduced to what it reads: rows, and a cursor.
type reader struct {
	sending
	cursor string
	limit  int
	rows   map[string]string // by scope and key
	dead   int               // tombstones received
	resets []string
}

func (s sending) reader(limit int) *reader {
	return &reader{sending: s, limit: limit, rows: map[string]string{}}
}

// page asks once. It fails if the answer names a row of a scope that is purged
// in it.
func (r *reader) page() *protocol.Response {
	r.w.t.Helper()
	resp, err := r.w.Pull(r.w.t.Context(), syncer.Caller{User: r.user}, protocol.Request{Cursor: r.cursor, LimitBytes: r.limit})
	if err != nil {
		r.w.t.Fatal(err)
	}
	r.resets = append(r.resets, resp.Reset...)
	for _, scope := range slices.Concat(resp.Purge, resp.Reset) {
		maps.DeleteFunc(r.rows, func(k, _ string) bool { return strings.HasPrefix(k, scope+" ") })
	}
	for _, row := range resp.Changes {
		k := row.Scope + " " + row.Collection + "|" + row.ID
		if row.Deleted {
			r.dead++
			delete(r.rows, k)
			continue
		}
		r.rows[k] = fmt.Sprint(row.Version, string(row.Fields))
	}
	if resp.Cursor != "" {
		r.cursor = resp.Cursor
	}
	return resp
}

// all asks until there is no more.
func (r *reader) all() *reader {
	r.w.t.Helper()
	for range 10_000 {
		if !r.page().More {
			return r
		}
	}
	r.w.t.Fatal("there is always more")
	return nil
}

// things makes n records in commits of three.
func (w *world) things(n int) (ids []string) {
	w.t.Helper()
	var writes []merge.ServerWrite
	for i := range n {
		k := id.Derive("many", fmt.Sprint(i))
		ids = append(ids, k)
		writes = append(writes, merge.ServerWrite{Name: "make" + k, Role: merge.System, Collection: "thing", ID: k, Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"note": merge.Str(strings.Repeat("x", i*7%90))}})
	}
	for chunk := range slices.Chunk(writes, 3) {
		if _, err := w.Write(w.t.Context(), box, chunk...); err != nil {
			w.t.Fatal(err)
		}
	}
	return ids
}

func (w *world) change(name, k string, op merge.Op, note string) {
	w.t.Helper()
	sw := merge.ServerWrite{Name: name, Role: merge.System, Collection: "thing", ID: k, Op: op}
	if op == merge.Put {
		sw.Set = map[string]merge.Value{"note": merge.Str(note)}
	}
	if _, err := w.Write(w.t.Context(), box, sw); err != nil {
		w.t.Fatal(err)
	}
}

func TestPagesOfEverySizeGiveTheSameRows(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	w.things(14)
	want := w.as("ani").reader(1 << 20).all().rows
	if len(want) != 15 {
		t.Fatalf("%d rows", len(want))
	}
	for limit := 1; limit < 3000; limit += 13 {
		if got := w.as("ani").reader(limit).all().rows; !maps.Equal(got, want) {
			t.Fatalf("limit %d: %d rows, want %d", limit, len(got), len(want))
		}
	}
}

// TestAChangeBetweenAnyTwoPagesArrives cuts pages inside versions too, and
// changes or deletes any record between any two of them.
func TestAChangeBetweenAnyTwoPagesArrives(t *testing.T) {
	runs := 0
	for _, limit := range []int{1, 400, 900} {
		for _, op := range []merge.Op{merge.Put, merge.Delete} {
			for victim := range 7 {
				w := worldOn(t, storefault.NewPoor())
				w.admit("ani", merge.Owner)
				ids := w.things(7)
				var readers []*reader
				for pages := range 10 { // one reader for every number of pages read before the change
					r := w.as("ani").reader(limit)
					for range pages {
						r.page()
					}
					readers = append(readers, r)
				}
				w.change("c", ids[victim], op, "changed")
				want := w.as("ani").reader(1 << 20).all().rows
				for pages, r := range readers {
					runs++
					if got := r.all().rows; !maps.Equal(got, want) {
						t.Fatalf("limit %d, %s of %d after %d pages:\n%v\nwant\n%v", limit, op, victim, pages, got, want)
					}
					if len(r.resets) > 0 {
						t.Errorf("reset %q", r.resets)
					}
				}
			}
		}
	}
	t.Logf("%d runs", runs)
}

func TestTombstonesGoToThoseWhoMayHoldTheRow(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	ids := w.things(9)
	old := w.as("ani").reader(0).all()
	w.change("1", ids[0], merge.Delete, "")
	if n := w.as("ani").reader(0).all().dead; n != 0 {
		t.Errorf("a new device got %d tombstones", n)
	}
	slow := w.as("ani").reader(1)
	slow.page()
	slow.page()
	w.change("2", ids[8], merge.Delete, "") // not delivered yet, but the phone cannot know
	if slow.all(); slow.dead != 1 {
		t.Errorf("a device between two pages got %d tombstones, want the one above its first page's head", slow.dead)
	}
	if old.all(); old.dead != 2 {
		t.Errorf("an old device got %d tombstones", old.dead)
	}
	// A device that was complete gets its tombstones through cut pages too.
	cut := w.as("ani").reader(0).all()
	w.change("3", ids[1], merge.Delete, "")
	w.change("4", ids[2], merge.Delete, "")
	cut.limit = 1
	if cut.all(); cut.dead != 2 {
		t.Errorf("a cut page brought %d tombstones", cut.dead)
	}
}

func TestGrantRevokeGrant(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.things(5)
	b := w.as("budi").reader(0).all()
	if len(b.rows) != 0 || b.cursor != "" {
		t.Errorf("a stranger has %v, %q", b.rows, b.cursor)
	}
	w.admit("budi", merge.Staff)
	if resp := b.page(); len(b.rows) != 6 || resp.Scopes[box].Hash == "" {
		t.Errorf("granted: %d rows, %+v", len(b.rows), resp.Scopes)
	}
	w.clock.Advance(time.Hour)
	end := merge.Millis(w.clock.Now().UnixMilli())
	w.member("budi", merge.Staff, 1, end)
	if resp := b.page(); !slices.Equal(resp.Purge, []string{box}) || len(resp.Changes) > 0 || len(b.rows) > 0 {
		t.Errorf("revoked: %+v", resp)
	}
	w.change("secret", w.things(5)[0], merge.Put, "meanwhile")
	if resp := b.page(); len(resp.Purge)+len(resp.Changes)+len(resp.Reset) > 0 || resp.Cursor != "" {
		t.Errorf("after the purge: %+v", resp)
	}
	set := map[string]merge.Value{"user": merge.Str("budi"), "role": merge.Str("staff"), "from": merge.Num(end + 1), "to": merge.Num(0)}
	sw := merge.ServerWrite{Name: "again", Role: merge.System, Collection: "member", ID: id.Derive("again"), Op: merge.Put, Set: set, Create: true}
	if _, err := w.Write(t.Context(), box, sw); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	if resp := b.page(); len(b.rows) != 7 || len(resp.Reset) > 0 || resp.Scopes[box].Hash == "" {
		t.Errorf("granted again: %d rows, %+v", len(b.rows), resp)
	}
}

func TestScopesComeInOrder(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	enter := func(scope string, role merge.Role) {
		set := map[string]merge.Value{"user": merge.Str("ani"), "role": merge.Str(string(role)), "from": merge.Num(0), "to": merge.Num(0)}
		sw := merge.ServerWrite{Name: "m", Role: merge.System, Collection: "member", ID: id.Derive("m"), Op: merge.Put, Set: set, Create: true}
		if _, err := w.Write(t.Context(), scope, sw); err != nil {
			t.Fatal(err)
		}
	}
	enter("box/a", merge.Mentor)
	enter("box/b", merge.Mentor)
	enter("box/y", merge.Staff)
	enter("box/z", merge.Owner)
	w.refusal("box/c", "ani", 1)
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range w.as("ani").reader(0).page().Changes {
		got = append(got, row.Scope)
	}
	if want := []string{"user/ani", "box/y", "box/z", "box/a", "box/b"}; !slices.Equal(slices.Compact(got), want) {
		t.Errorf("%q, want %q", got, want)
	}
	// A page that is full leaves the later scopes for the next.
	r := w.as("ani").reader(1)
	first := r.page()
	if len(first.Changes) != 1 || first.Changes[0].Scope != "user/ani" || !first.More || first.PollIn != 0 {
		t.Errorf("%+v", first)
	}
	if r.all(); len(r.rows) != 5 {
		t.Errorf("%d rows", len(r.rows))
	}
}

func TestPushGivesTheRecordAsItIsNow(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	m := w.create(1, "mine")
	p := w.part("i", m, &merge.Mutation{N: 2, Schema: 1, Collection: "no such", ID: id.Derive("x"), Op: merge.Put})
	resp := w.as("ani").push(p)
	if got := words(resp.Verdicts); !slices.Equal(got, []string{"1 applied", "2 rejected unknown_collection"}) {
		t.Fatalf("%q", got)
	}
	row := resp.Verdicts[0].Record
	if row == nil || row.Version != resp.Verdicts[0].Seq || !strings.Contains(string(row.Fields), "mine") || resp.Verdicts[1].Record != nil {
		t.Errorf("%+v", resp.Verdicts)
	}
	if resp.Changes != nil || resp.Cursor != "" {
		t.Errorf("push read: %+v", resp)
	}
	w.change("later", m.ID, merge.Put, "newer")
	resp = w.as("ani").push(p)
	if row := resp.Verdicts[0].Record; row == nil || row.Version <= resp.Verdicts[0].Seq || !strings.Contains(string(row.Fields), "newer") {
		t.Errorf("repeated: %+v", resp.Verdicts[0])
	}
	w.change("gone", m.ID, merge.Delete, "")
	if row := w.as("ani").push(p).Verdicts[0].Record; row == nil || !row.Deleted || row.Fields != nil {
		t.Errorf("deleted: %+v", row)
	}
	wrong := w.part("i", w.create(3, "n"))
	wrong.Generation = "7.gone"
	if resp := w.as("ani").push(wrong); !slices.Equal(resp.Reset, []string{box}) || said(resp.Verdicts[0]) != "3 again generation_changed" {
		t.Errorf("%+v", resp)
	}
}

// TestAPageOfACommitBeingFoldedIsTriedAgain lets a process die inside a fold.
func TestAPageOfACommitBeingFoldedIsTriedAgain(t *testing.T) {
	disk := storefault.NewPoor()
	w := worldOn(t, disk)
	w.admit("ani", merge.Owner)
	ids := w.things(3)
	r := w.as("ani").reader(0).all()
	w.dieInFold(disk, merge.ServerWrite{Name: "1", Role: merge.System, Collection: "thing", ID: ids[0], Op: merge.Put, Set: map[string]merge.Value{"note": merge.Str("decided")}},
		merge.ServerWrite{Name: "2", Role: merge.System, Collection: "thing", ID: ids[1], Op: merge.Delete})
	// The rows say nothing yet: whoever was complete asks for nothing. A new
	// device meets the torn page.
	n := w.as("ani").reader(0).all()
	if len(n.rows) != 3 || !strings.Contains(n.rows[box+" thing|"+ids[0]], "decided") {
		t.Errorf("a new device has %v", n.rows)
	}
	if r.all(); !maps.Equal(r.rows, n.rows) {
		t.Errorf("an old device has %v", r.rows)
	}
}

// dieInFold commits writes in a process that dies when the first record is
// written.
func (w *world) dieInFold(disk *storefault.Poor, writes ...merge.ServerWrite) {
	w.t.Helper()
	v := w.another(9)
	v.Store = storefault.NewFailing(disk, func(c storefault.Call) storefault.Fate {
		if c.Method == "Fold" && strings.HasSuffix(c.Primitive, "e record") {
			return storefault.DieAfter
		}
		return storefault.Live
	}, nil).Store()
	if _, err := v.Write(w.t.Context(), box, writes...); !errors.Is(err, storefault.ErrCrashed) {
		w.t.Fatal(err)
	}
}

// TestATornPageDoesNotOutliveTheRight: the commit that is being folded ends the
// reader's right.
func TestATornPageDoesNotOutliveTheRight(t *testing.T) {
	disk := storefault.NewPoor()
	w := worldOn(t, disk)
	w.admit("ani", merge.Owner)
	w.admit("budi", merge.Staff)
	ids := w.things(3)
	w.clock.Advance(time.Hour)
	end := merge.Millis(w.clock.Now().UnixMilli())
	w.dieInFold(disk, merge.ServerWrite{Name: "out", Role: merge.System, Collection: "member", ID: id.Derive("member", "budi"), Op: merge.Put,
		Set: map[string]merge.Value{"to": merge.Num(end)}},
		merge.ServerWrite{Name: "secret", Role: merge.System, Collection: "thing", ID: ids[0], Op: merge.Put, Set: map[string]merge.Value{"note": merge.Str("a secret")}})
	b := w.as("budi").reader(0)
	for range 3 {
		resp := b.page()
		for _, row := range resp.Changes {
			if strings.Contains(string(row.Fields), "secret") {
				t.Fatalf("a revoked user reads %s", row.Fields)
			}
		}
	}
	if resp := b.page(); resp.More || len(resp.Changes) > 0 {
		t.Errorf("%+v", resp)
	}
}

// TestAnAttachedRecordDoesNotOutliveTheRight revokes between the reading of the
// head and that of the record.
func TestAnAttachedRecordDoesNotOutliveTheRight(t *testing.T) {
	s := &hooked{Store: storefault.NewPoor()}
	w := worldOn(t, s)
	w.admit("ani", merge.Owner)
	w.admit("budi", merge.Staff)
	m := w.create(1, "mine")
	p := w.part("i", m)
	w.as("budi").push(p)
	w.clock.Advance(time.Hour)
	loads := 0
	other := w.another(5)
	other.Store = s.Store
	s.load = func(scope string) {
		if scope != box {
			return
		}
		if loads++; loads != 2 { // 1: the verdict book; 2: the records to attach
			return
		}
		end := merge.Millis(w.clock.Now().UnixMilli())
		other.member("budi", merge.Staff, 1, end)
		other.change("secret", m.ID, merge.Put, "a secret")
	}
	resp := w.another(6).as("budi").push(p) // a process that remembers nothing of the first push
	if loads < 2 {
		t.Fatalf("%d loads: the test does not test anything", loads)
	}
	if row := resp.Verdicts[0].Record; row != nil && strings.Contains(string(row.Fields), "secret") {
		t.Errorf("a revoked user reads %s", row.Fields)
	}
}

// TestOneInstantDecidesEveryGrant: the clock of another process runs ahead, so
// the answer's now is above this process's; what ended before it is not granted.
func TestOneInstantDecidesEveryGrant(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	now := merge.Millis(w.clock.Now().UnixMilli())
	enter := func(v *world, scope string, to merge.Millis) {
		set := map[string]merge.Value{"user": merge.Str("ani"), "role": merge.Str("owner"), "from": merge.Num(0), "to": merge.Num(to)}
		sw := merge.ServerWrite{Name: "m", Role: merge.System, Collection: "member", ID: id.Derive("m"), Op: merge.Put, Set: set, Create: true}
		if _, err := v.Write(t.Context(), scope, sw); err != nil {
			t.Fatal(err)
		}
	}
	enter(w, "box/a", now+1000)
	ahead := w.another(3)
	ahead.Clock = clock.At(now.Time().Add(2 * time.Second))
	enter(ahead, "box/b", 0)
	resp := w.as("ani").reader(0).page()
	for _, row := range resp.Changes {
		if row.Scope == "box/a" {
			t.Errorf("now is %s, and a scope that ended at %s is granted", resp.Now, merge.FormatInstant(now+1000))
		}
	}
}

// TestABaseOfAnEndedGenerationCoversWhatWasShared, and what it replaces that way
// is in the journal all the same.
func TestABaseOfAnEndedGenerationCoversWhatWasShared(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	a := w.phone("ani", "da")
	k := a.put("", "note", "1")
	a.sync()
	a.put(k, "note", "2") // on the base of a generation that is about to end
	for range 2 {
		if _, err := w.Restored(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a.sync()
	b := w.phone("ani", "db")
	b.sync()
	if j, err := b.Rows(box, "journal"); err != nil || b.note(k) != "2" || len(j) != 1 || j[0].Text("lost") != "1" {
		t.Errorf("note %q, journal %v, %v", b.note(k), j, err)
	}
}

func TestACursorStandsOverForks(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	ids := w.things(3)
	for range 3 {
		if _, err := w.Restored(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r := w.as("ani").reader(0).all() // its head is the last shared commit
	w.change("1", ids[0], merge.Put, "new")
	if r.all(); len(r.resets) > 0 || !strings.Contains(r.rows[box+" thing|"+ids[0]], "new") {
		t.Errorf("resets %q, %v", r.resets, r.rows)
	}
}

func TestACursorBehindThePrunedLogStartsAnew(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	ids := w.things(3)
	r := w.as("ani").reader(0).all()
	for i := range 3 {
		w.change(fmt.Sprint(i), ids[0], merge.Put, fmt.Sprint(i))
	}
	if err := w.Store.Prune(t.Context(), box, 4); err != nil {
		t.Fatal(err)
	}
	if r.all(); !slices.Equal(r.resets, []string{box}) || len(r.rows) != 4 {
		t.Errorf("resets %q, %d rows", r.resets, len(r.rows))
	}
}

// TestWritesSayWhatIsWrong goes through what an online edit can be told.
func TestWritesSayWhatIsWrong(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	k := w.things(1)[0]
	w.change("newer", k, merge.Put, "newer")
	note := map[string]merge.Value{"note": merge.Str("x")}
	refuse := func(code string) func(merge.View, []merge.Grant) *merge.Reject {
		return func(merge.View, []merge.Grant) *merge.Reject { return &merge.Reject{Code: code} }
	}
	stale := merge.Seq(1)
	for name, tt := range map[string]struct {
		sw   merge.ServerWrite
		kind fault.Kind
		code string
	}{
		"stale":     {merge.ServerWrite{ID: k, Strict: &stale}, fault.Stale, "stale_version"},
		"absent":    {merge.ServerWrite{ID: id.Derive("none")}, fault.NotFound, "not_found"},
		"forbidden": {merge.ServerWrite{ID: k, Must: refuse("forbidden")}, fault.Forbidden, "forbidden"},
		"conflict":  {merge.ServerWrite{ID: k, Create: true}, fault.Conflict, "id_reuse"},
		"invalid":   {merge.ServerWrite{ID: k, Must: refuse("group_incomplete")}, fault.Invalid, "group_incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			sw := tt.sw
			sw.Name, sw.Role, sw.Collection, sw.Op, sw.Set = name, merge.System, "thing", merge.Put, note
			before := len(w.history(box))
			_, err := w.Write(t.Context(), box, merge.ServerWrite{Name: "beside " + name, Role: merge.System, Collection: "thing", ID: id.Derive(name),
				Op: merge.Put, Create: true, Set: note}, sw)
			if fault.KindOf(err) != tt.kind || fault.CodeOf(err) != tt.code {
				t.Errorf("%v", err)
			}
			if n := len(w.history(box)); n != before {
				t.Error("something happened all the same")
			}
		})
	}
}
