package merge_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// numbered makes an item with a number of its own choice.
func numbered(b *box, p *mergetest.Phone, n uint64, m merge.Mutation) merge.Item {
	p.N = n - 1
	return p.Item(b.Name, m)
}

func note(b *box, k, text string) merge.Mutation {
	return put(thingID(k), nil, b.now, set("note", text))
}

func TestGapsAndErasedPages(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	key := func(page uint32) merge.PageKey {
		return merge.PageKey{BookKey: merge.BookKey{About: b.Name, Device: "do", Incarnation: "io"}, Page: page}
	}
	b.send(b.owner, numbered(b, b.owner, 2, note(b, "2", "x")))
	if a := b.send(b.owner, numbered(b, b.owner, 1, note(b, "1", "x")))[0]; a.Outcome != merge.Applied {
		t.Errorf("a gap on a page that is kept is open: %+v", a)
	}
	highest := numbered(b, b.owner, 600, note(b, "600", "x"))
	b.send(b.owner, highest)
	for _, n := range []uint64{300, 299} { // page 1 was never written: its gaps closed when page 2 began
		a := b.send(b.owner, numbered(b, b.owner, n, note(b, "300", "x")))[0]
		if a.Outcome != merge.Rejected || a.Code != "unidentifiable" || a.Quarantine == "" {
			t.Errorf("in a closed gap: %+v", a)
		}
	}
	delete(b.Pages, key(0))
	for range 2 { // nobody knows what it was: never applied, never dropped
		a := b.send(b.owner, numbered(b, b.owner, 2, note(b, "2", "x")))[0]
		if a.Outcome != merge.Rejected || a.Code != "unidentifiable" || a.Repeated {
			t.Errorf("below the kept pages: %+v", a)
		}
	}
	if b.Pages[key(0)] != nil || b.Pages[key(1)] != nil {
		t.Error("an unidentifiable number was written into the book")
	}
	if a := b.send(b.owner, highest)[0]; !a.Repeated || a.Outcome != merge.Applied {
		t.Errorf("the highest number: %+v", a)
	}
}

// TestErasedIsDecidedBeforeAClash: a cloned outbox does not make an erased
// number fresh.
func TestErasedIsDecidedBeforeAClash(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	b.send(b.owner, numbered(b, b.owner, 600, note(b, "600", "x")))
	erased, clash := numbered(b, b.owner, 3, note(b, "3", "x")), numbered(b, b.owner, 600, note(b, "600", "other"))
	got := b.send(b.owner, erased, clash)
	if got[0].Code != "unidentifiable" || got[1].Outcome != merge.Rekey {
		t.Errorf("%+v", got)
	}
}

func TestRekeySpreads(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	first := numbered(b, b.owner, 1, note(b, "1", "a"))
	b.send(b.owner, first)
	clone := &mergetest.Phone{User: "uo", Device: "do", Incarnation: "io"}
	fresh := &mergetest.Phone{User: "uo", Device: "do", Incarnation: "fresh"}
	other := numbered(b, clone, 1, note(b, "1", "b"))
	follow := note(b, "1", "c")
	follow.After = []merge.Ref{clone.Ref(other)}
	next := fresh.Item(b.Name, follow)
	then := note(b, "1", "d")
	then.After = []merge.Ref{fresh.Ref(next)}
	last := fresh.Item(b.Name, then)
	free := fresh.Item(b.Name, note(b, "7", "e"))
	b.now += 1000
	push := append(clone.Part(at(b.now), first, other, numbered(b, clone, 5, note(b, "5", "f"))), fresh.Part(at(b.now), next, last, free)...)
	out := b.Commit(b.now, push)
	want := [][]merge.Outcome{{merge.Applied, merge.Rekey, merge.Rekey}, {merge.Rekey, merge.Rekey, merge.Applied}}
	for i := range want {
		for j, o := range want[i] {
			if a := out.Answers[0][i][j]; a.Outcome != o {
				t.Errorf("part %d item %d: %+v, want %s", i, j, a, o)
			}
		}
	}
	if !out.Answers[0][0][0].Repeated {
		t.Error("a proven repeat was re-keyed")
	}
}

func TestTwoContentsOfOneNumberInOnePart(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	got := b.send(b.owner, numbered(b, b.owner, 1, note(b, "1", "a")), numbered(b, b.owner, 1, note(b, "1", "b")))
	if got[0].Outcome != merge.Rekey || got[1].Outcome != merge.Rekey {
		t.Errorf("%+v", got)
	}
	twin := numbered(b, b.owner, 2, note(b, "2", "a"))
	if got := b.send(b.owner, twin, twin); got[0].Repeated || !got[1].Repeated || got[1].Outcome != merge.Applied {
		t.Errorf("the same twice in one part: %+v", got)
	}
}

func TestASchemaOfTomorrowHoldsBackWhatIsBehindIt(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	known := b.owner.Item(b.Name, note(b, "1", "a"))
	b.send(b.owner, known)
	tomorrow := note(b, "2", "b")
	tomorrow.Schema = 2
	items := []merge.Item{b.owner.Item(b.Name, note(b, "0", "before")), b.owner.Item(b.Name, tomorrow), b.owner.Item(b.Name, note(b, "2", "behind")), known}
	got := b.send(b.owner, items...)
	for i, want := range []merge.Outcome{merge.Applied, merge.Again, merge.Again, merge.Applied} {
		if got[i].Outcome != want {
			t.Errorf("item %d: %+v", i, got[i])
		}
	}
	if a := b.send(b.owner, items[2])[0]; a.Repeated || a.Outcome != merge.Applied {
		t.Errorf("again stored something: %+v", a)
	}
}

func TestWhatTheOwnScopeSaidStays(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	own := mergetest.New(things(t, merge.Keep), "user/uo")
	it := b.owner.Item(b.Name, note(b, "1", "a"))
	part := b.owner.Part(at(b.now), it)
	part[0].About = b.Name
	a := own.Commit(b.now, part).Answers[0][0][0]
	if a.Code != "not_found" || a.Quarantine == "" {
		t.Fatalf("%+v", a)
	}
	page := own.Pages[merge.PageKey{BookKey: merge.BookKey{About: b.Name, Device: "do", Incarnation: "io"}}]
	in := &merge.Input{Schema: b.Schema, Scope: b.Name, Generation: b.Generation, Access: b.Access, Now: b.now, Pushes: [][]*merge.Part{b.owner.Part(at(b.now), it)},
		Books:     map[merge.BookKey]*merge.Book{{About: b.Name, Device: "do", Incarnation: "io"}: {Newest: -1, Pages: map[uint32]*merge.Page{0: nil}}},
		Elsewhere: func(_ merge.BookKey, n uint64) (merge.Entry, bool) { e, ok := page.Entries[n]; return e, ok }}
	out := merge.Resolve(in)
	if a := out.Answers[0][0][0]; !a.Repeated || a.Code != "not_found" || a.Seq != 0 || out.Changed {
		t.Errorf("%+v, changed %t", a, out.Changed)
	}
}

func TestACommitHasAnEnd(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	for _, limits := range []merge.Input{{MaxItems: 2}, {MaxBytes: 500}} {
		in := limits
		in.Schema, in.Scope, in.Access, in.Now, in.Generation = b.Schema, b.Name, b.Access, b.now, b.Generation
		in.Records, in.Tagged = map[merge.Key]*merge.Record{}, map[string][]merge.Key{}
		in.Books = map[merge.BookKey]*merge.Book{{About: b.Name, Device: "do", Incarnation: "io"}: {Newest: -1, Pages: map[uint32]*merge.Page{0: nil}}}
		b.owner.N = 0
		var items []merge.Item
		for _, k := range []string{"1", "2", "3"} {
			items = append(items, b.owner.Item(b.Name, note(b, k, "x")))
			in.Records[merge.Key{Collection: "thing", ID: thingID(k)}] = nil
		}
		in.Pushes = [][]*merge.Part{b.owner.Part(at(b.now), items...)}
		out := merge.Resolve(&in)
		if a := out.Answers[0][0]; !out.Cut || a[1].Outcome != merge.Applied || a[2].Outcome != "" {
			t.Errorf("%+v, cut %t", a, out.Cut)
		}
	}
}

func TestTooLargeIsOneVerdict(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	good := b.owner.Item(b.Name, note(b, "1", "a"))
	m := note(b, "2", strings.Repeat("x", merge.MaxMutation))
	m.N, m.Schema, m.Op = 2, 1, merge.Put
	large := merge.ReadItem(b.Name, "do", 0, m.WireMutation())
	nameless := merge.ReadItem(b.Name, "do", 0, json.RawMessage(`{"schema":1}`))
	got := b.send(b.owner, large, nameless, good)
	if got[0].Code != "too_large" || got[1].Code != "unreadable" || got[1].HasN || got[2].Outcome != merge.Applied {
		t.Errorf("%+v", got)
	}
	if kept := len(merge.AsString(b.Effects[0].Set["mutation"])); kept != merge.MaxMutation {
		t.Errorf("quarantine keeps %d bytes", kept)
	}
	m = note(b, "3", "x")
	m.N, m.Schema, m.Op = 9, 1, merge.Put
	m.After = make([]merge.Ref, 1001)
	if it := merge.ReadItem(b.Name, "do", 0, m.WireMutation()); it.Bad == nil || it.Bad.Code != "too_large" {
		t.Errorf("%+v", it.Bad)
	}
}

// TestRekeySpreadsToOperationsOnWhatMustBeMadeUnderAnotherName: the door's own
// create must be renamed; what is done with the door, under another incarnation,
// waits for it instead of being refused.
func TestRekeySpreadsToOperationsOnWhatMustBeMadeUnderAnotherName(t *testing.T) {
	b := newBox(t, doors(t))
	b.send(b.owner, numbered(b, b.owner, 1, merge.Mutation{Collection: "door", ID: thingID("other"), At: at(b.now)}))
	clone := &mergetest.Phone{User: "uo", Device: "do", Incarnation: "io"}
	fresh := &mergetest.Phone{User: "uo", Device: "do", Incarnation: "fresh"}
	door := numbered(b, clone, 1, merge.Mutation{Collection: "door", ID: thingID("d"), At: at(b.now)})
	first := fresh.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t1"), At: at(b.now), Set: turn("left")})
	second := fresh.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t2"), At: at(b.now), Set: turn("right", thingID("t1"))})
	free := fresh.Item(b.Name, merge.Mutation{Collection: "door", ID: thingID("e"), At: at(b.now)})
	b.now += 1000
	out := b.Commit(b.now, append(clone.Part(at(b.now), door), fresh.Part(at(b.now), first, second, free)...))
	want := [][]merge.Outcome{{merge.Rekey}, {merge.Rekey, merge.Rekey, merge.Applied}}
	for i := range want {
		for j, o := range want[i] {
			if a := out.Answers[0][i][j]; a.Outcome != o {
				t.Errorf("part %d item %d: %+v, want %s", i, j, a, o)
			}
		}
	}
}

// TestAPageWithoutEntriesIsErased is what compaction leaves of a page.
func TestAPageWithoutEntriesIsErased(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	b.send(b.owner, numbered(b, b.owner, 2, note(b, "2", "x")))
	b.send(b.owner, numbered(b, b.owner, 600, note(b, "600", "x")))
	key := merge.PageKey{BookKey: merge.BookKey{About: b.Name, Device: "do", Incarnation: "io"}}
	b.Pages[key].Entries = map[uint64]merge.Entry{}
	known := numbered(b, b.owner, 2, note(b, "2", "x"))
	unused := numbered(b, b.owner, 7, note(b, "7", "x")) // who can tell
	kept := map[string]bool{}
	for _, it := range []merge.Item{known, known, unused} {
		a := b.send(b.owner, it)[0]
		if a.Code != "unidentifiable" || a.Quarantine == "" {
			t.Errorf("%d: %+v", it.Mutation.N, a)
		}
		kept[a.Quarantine] = true
	}
	if len(kept) != 2 {
		t.Errorf("two edits are kept as %d", len(kept))
	}
	if len(b.Pages[key].Entries) != 0 {
		t.Error("something was written on the page")
	}
}
