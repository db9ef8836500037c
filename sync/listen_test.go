package syncer_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// ear is a listener with everything it was told.
type ear struct {
	*syncer.Listener
	w    *world
	user string
	had  map[string]protocol.Scope // where the phone stood when it began
	told map[string]protocol.News  // the newest by scope
	woke chan struct{}
}

// listen begins to listen with the cursor of a phone that holds everything, or
// with none.
func (w *world) listen(user string, whole bool) *ear {
	w.t.Helper()
	e := &ear{w: w, user: user, had: map[string]protocol.Scope{}, told: map[string]protocol.News{}, woke: make(chan struct{}, 1)}
	cursor := ""
	if whole {
		cursor = w.pullAll(user, e.had)
	}
	return w.listenFrom(e, cursor)
}

func (w *world) pullAll(user string, had map[string]protocol.Scope) (cursor string) {
	w.t.Helper()
	for more := true; more; {
		r, err := w.Pull(w.t.Context(), callerOf(user), protocol.Request{Cursor: cursor})
		if err != nil {
			w.t.Fatal(err)
		}
		if r.Cursor != "" {
			cursor = r.Cursor
		}
		maps.Copy(had, r.Scopes)
		more = r.More
	}
	return cursor
}

func (w *world) listenFrom(e *ear, cursor string) *ear {
	w.t.Helper()
	l, err := w.Listen(w.t.Context(), callerOf(e.user), cursor, func() {
		select {
		case e.woke <- struct{}{}:
		default:
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	e.Listener = l
	return e
}

// take reads the news, and fails if any is of a scope that the user may not see
// at this instant.
func (e *ear) take(t interface{ Errorf(string, ...any) }) {
	news, err := e.Take()
	if err != nil {
		t.Errorf("take: %v", err)
	}
	seen := map[string]bool{}
	for _, n := range news {
		if seen[n.Scope] {
			t.Errorf("%s was told twice at once", n.Scope)
		}
		seen[n.Scope] = true
		if may := e.w.may(e.user, n.Scope); may == n.Gone {
			t.Errorf("%s was told %+v and may see it: %v", e.user, n, may)
		}
		e.told[n.Scope] = n
	}
}

// may asks as a pull does: at an instant that no commit of the user's scopes lies
// above.
func (w *world) may(user, scope string) bool {
	w.t.Helper()
	heads, err := w.Store.HeadsFor(w.t.Context(), user, []string{scope})
	if err != nil {
		w.t.Fatal(err)
	}
	at, access := merge.Millis(w.clock.Now().UnixMilli()), []merge.Grant(nil)
	for _, h := range heads {
		if h.Names(user) || h.Scope == merge.UserScope(user) {
			at = max(at, h.Time)
		}
		if h.Scope == scope {
			access = h.Access
		}
	}
	return scope == merge.UserScope(user) || merge.Granted(access, user, at)
}

// whole fails unless the ear was told of everything that its user may see and
// the phone lacks, and of everything that the phone has and may not see.
func (e *ear) whole(t interface{ Errorf(string, ...any) }) {
	e.take(t)
	heads, err := e.w.Store.HeadsFor(e.w.t.Context(), e.user, nil)
	if err != nil {
		t.Errorf("heads: %v", err)
	}
	granted := map[string]bool{}
	for _, h := range heads {
		if !e.w.may(e.user, h.Scope) {
			continue
		}
		granted[h.Scope] = true
		told, had := e.told[h.Scope], e.had[h.Scope]
		if told.Seq < h.Applied && had.Seq < h.Applied || told.Gone {
			t.Errorf("%s is at %d; %s had %d and was told %+v", h.Scope, h.Applied, e.user, had.Seq, told)
		}
	}
	for scope := range e.had {
		if !granted[scope] && !e.told[scope].Gone {
			t.Errorf("%s holds %s and was not told that it is gone: %+v", e.user, scope, e.told[scope])
		}
	}
}

// step is one thing that happens to the boxes.
func (w *world) step(box int, user string, what int, from, to merge.Millis) {
	w.t.Helper()
	scope := fmt.Sprintf("box/%d", box)
	now := merge.Millis(w.clock.Now().UnixMilli())
	sw := merge.ServerWrite{Name: w.IDs.New(), Role: merge.System, Collection: "member", ID: id.Derive("member", scope, user), Op: merge.Put}
	there, err := w.Store.Load(w.t.Context(), scope, store.Want{Keys: []merge.Key{{Collection: sw.Collection, ID: sw.ID}}})
	if err != nil {
		w.t.Fatal(err)
	}
	sw.Create = len(there.Records) == 0
	window := func(from, to merge.Millis) map[string]merge.Value {
		return map[string]merge.Value{"user": merge.Str(user), "role": merge.Str("staff"), "from": merge.Num(from), "to": merge.Num(to)}
	}
	switch what {
	case 0:
		sw.Collection, sw.ID, sw.Create, sw.Set = "thing", w.IDs.New(), true, map[string]merge.Value{"note": merge.Str("x")}
	case 1:
		sw.Set = window(now+from, 0)
	case 2:
		sw.Set = window(now+from, now+from+to)
	case 3: // let go
		sw.Set = window(now-1, now)
	}
	if _, err := w.Write(w.t.Context(), scope, sw); err != nil {
		w.t.Fatal(err)
	}
}

// TestNobodyMissesAScope draws commits, grants, revocations and windows, with
// listeners that begin and ask at any moment.
func TestNobodyMissesAScope(t *testing.T) {
	if pace > 1 {
		t.Skip("one goroutine: the race detector has nothing to find")
	}
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		var on store.Store = storefault.NewPoor()
		if rapid.Bool().Draw(r, "sqlite") {
			n++
			db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), fmt.Sprint(n, ".db")), sqlite.Options{})
			if err != nil {
				r.Fatal(err)
			}
			defer db.Close()
			on = db
		}
		w := worldOn(t, on)
		users := []string{"ani", "budi"}
		var ears []*ear
		r.Repeat(map[string]func(*rapid.T){
			"write": func(r *rapid.T) {
				w.step(rapid.IntRange(1, 3).Draw(r, "box"), rapid.SampledFrom(users).Draw(r, "user"), rapid.IntRange(0, 3).Draw(r, "what"),
					merge.Millis(rapid.IntRange(-5, 5).Draw(r, "from")), merge.Millis(rapid.IntRange(1, 9).Draw(r, "to")))
			},
			"listen": func(r *rapid.T) {
				if len(ears) < 6 {
					ears = append(ears, w.listen(rapid.SampledFrom(users).Draw(r, "user"), rapid.Bool().Draw(r, "whole")))
				}
			},
			"time": func(r *rapid.T) {
				w.clock.Advance(time.Duration(rapid.IntRange(1, 12).Draw(r, "ms")) * time.Millisecond)
				if rapid.Bool().Draw(r, "turn") {
					w.TurnWindows()
				}
			},
			"take": func(r *rapid.T) {
				if len(ears) > 0 {
					rapid.SampledFrom(ears).Draw(r, "ear").take(r)
				}
			},
			"quiet": func(r *rapid.T) {
				w.TurnWindows()
				for _, e := range ears {
					e.whole(r)
				}
			},
			"leave": func(r *rapid.T) {
				if len(ears) > 0 {
					ears[0].Close()
					ears = ears[1:]
				}
			},
		})
		w.TurnWindows()
		for _, e := range ears {
			e.whole(r)
			e.Close()
		}
		if left := w.Listening(); left != 0 {
			r.Errorf("%d entries are left when everybody has gone", left)
		}
	})
}

// TestACommitIsInTheHeadsOrComesAfterThem lets listeners begin in the middle of
// commits of other goroutines.
func TestACommitIsInTheHeadsOrComesAfterThem(t *testing.T) {
	w := newWorld(t)
	w.IDs.Rand = rand.Reader // that of the world is for one goroutine
	for _, box := range []int{1, 2, 3} {
		w.step(box, "ani", 1, 0, 0)
	}
	var writers, listeners sync.WaitGroup
	stop := make(chan struct{})
	for box := range 3 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					w.step(box+1, "ani", 0, 0, 0)
					w.step(box+1, "budi", 1, 0, 0)
					w.step(box+1, "budi", 3, 0, 0)
				}
			}
		})
	}
	var mu sync.Mutex
	var ears []*ear
	for n := range 40 {
		listeners.Go(func() {
			e := w.listen("ani", n%2 == 0)
			<-e.woke
			mu.Lock()
			defer mu.Unlock()
			ears = append(ears, e)
		})
	}
	listeners.Wait()
	close(stop)
	writers.Wait()
	for _, e := range ears {
		e.whole(t)
		e.Close()
	}
	if w.Listening() != 0 {
		t.Error("something is left when everybody has gone")
	}
}

func TestAWindowBeginsAndEndsWithoutACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Engine.Clock = clock.System{}
		now := merge.Millis(time.Now().UnixMilli())
		w.member("siti", merge.Mentor, now+3_600_000, 0)
		w.member("siti", merge.Mentor, now+3_600_000, now+7_200_000)
		e := w.listen("siti", true)
		defer e.Close()
		kept := make(chan error)
		ctx, stop := context.WithCancel(t.Context())
		go func() { kept <- w.KeepWindows(ctx) }()
		begun := time.Now()
		for _, want := range []protocol.News{{Scope: box}, {Scope: box, Gone: true}} {
			<-e.woke
			news, err := e.Take()
			if err != nil || len(news) != 1 || news[0].Scope != want.Scope || news[0].Gone != want.Gone {
				t.Errorf("told %+v %v, want %+v", news, err, want)
			}
			begun = begun.Add(time.Hour)
			if late := time.Since(begun); late < 0 || late > time.Second {
				t.Errorf("told %v after the edge", late)
			}
		}
		stop()
		if err := <-kept; err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsEverybodysIsHeardByEverybody(t *testing.T) {
	w := newWorld(t)
	w.Schema.Shared = []string{"box/all"}
	early := w.listen("ani", false)
	defer early.Close()
	thing := merge.ServerWrite{Name: w.IDs.New(), Role: merge.System, Collection: "thing", ID: w.IDs.New(), Op: merge.Put, Create: true, Set: map[string]merge.Value{"note": merge.Str("x")}}
	seq, err := w.Write(t.Context(), "box/all", thing)
	if err != nil {
		t.Fatal(err)
	}
	late := w.listen("budi", false)
	defer late.Close()
	for _, e := range []*ear{early, late} {
		if news, err := e.Take(); err != nil || len(news) != 1 || news[0].Scope != "box/all" || news[0].Seq != seq {
			t.Errorf("%s was told %+v %v", e.user, news, err)
		}
	}
}

// TestARepeatedWindowIsWorthNothingWithoutItsSource goes through the moments in
// which two scopes with the same windows do not say the same.
func TestARepeatedWindowIsWorthNothingWithoutItsSource(t *testing.T) {
	w := newWorld(t)
	w.Schema.Sources = map[string]string{"annex": "box"}
	e := w.listen("ani", false)
	defer e.Close()
	now := merge.Millis(w.clock.Now().UnixMilli())
	say := func(scope string, seq merge.Seq, from, to merge.Millis) {
		w.Observe(store.Head{Scope: scope, Generation: merge.Generation{Count: 1, Nonce: "a"}, Applied: seq, Time: now,
			Access: []merge.Grant{{ID: "m", User: "ani", Role: merge.Mentor, From: from, To: to}}})
	}
	heard := func(want ...string) {
		t.Helper()
		news, err := e.Take()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range news {
			got = append(got, fmt.Sprint(n.Scope, " ", n.Gone))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	say("annex/1", 1, now, 0)
	heard()
	say("box/1", 1, now, 0)
	heard("annex/1 false", "box/1 false")
	say("box/1", 2, now, now+1000)
	heard("box/1 false")
	w.clock.Advance(time.Second) // the annex does not know yet
	heard("annex/1 true", "box/1 true")
	say("annex/1", 2, now, 0)
	heard()
	say("box/1", 3, now, now)
	heard()
	say("box/2", 1, now, 0)
	heard("box/2 false")
	say("annex/2", 1, now+5000, 0)
	heard()
	w.clock.Advance(5 * time.Second)
	w.TurnWindows()
	heard("annex/2 false")
}

func TestOldHeadsSayNothing(t *testing.T) {
	w := newWorld(t)
	w.step(1, "ani", 1, 0, 0)
	before, err := w.Store.Head(t.Context(), "box/1")
	if err != nil {
		t.Fatal(err)
	}
	w.step(1, "ani", 3, 0, 0)
	e := w.listen("ani", false)
	defer e.Close()
	w.Observe(before) // from another process, late
	e.take(t)
	if n, told := e.told["box/1"]; told {
		t.Errorf("told %+v by a head from before the revocation", n)
	}
	later := before
	later.Applied += 5
	w.Observe(later)
	if news, err := e.Take(); err != nil || len(news) != 1 || news[0].Seq != later.Applied {
		t.Errorf("a head of another process: %+v %v", news, err)
	}
}

func TestAListenerOfTooMuchIsRefusedNotCutShort(t *testing.T) {
	w := newWorld(t)
	w.Limits.LiveScopes = 3
	for box := range 2 {
		w.step(box, "ani", 1, 0, 0)
	}
	e := w.listen("ani", false)
	defer e.Close()
	e.take(t)
	for box := range 4 {
		w.step(box, "ani", 1, 0, 0)
	}
	<-e.woke
	if _, err := e.Take(); fault.CodeOf(err) != "live_too_many_scopes" {
		t.Errorf("a listener that could not hear of everything: %v", err)
	}
	if _, err := w.Listen(t.Context(), callerOf("ani"), "", func() {}); fault.CodeOf(err) != "live_too_many_scopes" {
		t.Errorf("a listener of four scopes: %v", err)
	}
}

// BenchmarkObserve tells 10,000 listeners, of ten scopes each, of a commit that
// ten of them may see.
func BenchmarkObserve(b *testing.B) {
	w := newWorld(b)
	var heads []store.Head
	const listeners, shared = 10_000, 10
	for n := range listeners / shared {
		h := store.Head{Scope: fmt.Sprintf("box/%d", n), Generation: merge.Generation{Count: 1, Nonce: "a"}}
		for user := range shared {
			h.Access = append(h.Access, merge.Grant{User: fmt.Sprint("user-", n, "-", user)})
		}
		heads = append(heads, h)
	}
	var all []*syncer.Listener
	for _, h := range heads {
		for _, g := range h.Access {
			l, err := w.Listen(b.Context(), callerOf(g.User), "", func() {})
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, l)
		}
	}
	n := merge.Seq(0)
	for b.Loop() {
		n++
		h := heads[int(n)%len(heads)]
		h.Applied = n
		w.Observe(h)
	}
	for l := range slices.Values(all) {
		l.Close()
	}
}

// between is a store on which something happens just after heads were read.
type between struct {
	store.Store
	happen func()
}

func (b *between) HeadsFor(ctx context.Context, user string, scopes []string) ([]store.Head, error) {
	heads, err := b.Store.HeadsFor(ctx, user, scopes)
	if do := b.happen; do != nil {
		b.happen = nil
		do()
	}
	return heads, err
}

// TestACommitWhileTheHeadsAreOnTheirWayIsHeard has no commit afterwards that would
// make it good.
func TestACommitWhileTheHeadsAreOnTheirWayIsHeard(t *testing.T) {
	for name, what := range map[string]int{"an edit": 0, "a grant": 1, "an end": 3} {
		t.Run(name, func(t *testing.T) {
			on := &between{Store: storefault.NewPoor()}
			w := worldOn(t, on)
			w.step(1, "ani", 1, 0, 0)
			w.step(2, "budi", 1, 0, 0)
			e := &ear{w: w, user: "ani", had: map[string]protocol.Scope{}, told: map[string]protocol.News{}, woke: make(chan struct{}, 1)}
			cursor := w.pullAll("ani", e.had)
			on.happen = func() { w.step(map[int]int{0: 1, 1: 2, 3: 1}[what], "ani", what, 0, 0) }
			w.listenFrom(e, cursor)
			defer e.Close()
			e.whole(t)
		})
	}
}
