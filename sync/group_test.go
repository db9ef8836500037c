package syncer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// another is one more process on the store of w.
func (w *world) another(seed byte) *world {
	e := &syncer.Engine{Store: w.Store, Schema: w.Schema, Clock: w.clock, Limits: w.Limits,
		IDs: id.Maker{Clock: w.clock, Rand: &locked{from: rand.NewChaCha8([32]byte{seed})}}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Steps: w.Steps}
	return &world{Engine: e, t: w.t, clock: w.clock}
}

// locked makes a source safe for several goroutines.
type locked struct {
	mu   sync.Mutex
	from io.Reader
}

func (l *locked) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from.Read(b)
}

// stores are what every test of concurrency runs on.
func stores(t *testing.T) map[string]store.Store {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "lumbung.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return map[string]store.Store{"sqlite": db, "poor": storefault.NewPoor()}
}

// history reads a scope's log; it must have no gaps.
func (w *world) history(scope string) (log []*store.Commit) {
	w.t.Helper()
	h, err := w.Store.Head(w.t.Context(), scope)
	if err != nil {
		w.t.Fatal(err)
	}
	for seq := merge.Seq(1); seq <= h.Applied; seq++ {
		c, err := w.Store.Entry(w.t.Context(), scope, h.Generation.Count, seq)
		if err != nil {
			w.t.Fatalf("entry %d of %d: %v", seq, h.Applied, err)
		}
		log = append(log, c)
	}
	return log
}

// times counts how often each mutation stands in a log.
func times(log []*store.Commit) map[string]int {
	out := map[string]int{}
	for _, c := range log {
		for _, l := range c.Lines {
			out[l.Mutation]++
		}
	}
	return out
}

const pushers, pushesEach = 32, 4

func TestPushesToOneScopeShareCommits(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			w := worldOn(t, s)
			w.admit("ani", merge.Owner)
			worlds := []*world{w.another(2), w.another(3), w.another(4)}
			var answered sync.Map
			var group sync.WaitGroup
			for g := range pushers {
				group.Go(func() {
					v := worlds[g%len(worlds)]
					for n := range uint64(pushesEach) {
						m := v.create(n+1, fmt.Sprint(g, "/", n))
						resp, err := v.Engine.Sync(t.Context(), callerOf("ani"), v.request(v.part(fmt.Sprint("i", g), m)))
						if err != nil || len(resp.Verdicts) != 1 || resp.Verdicts[0].Verdict != merge.Applied || resp.Verdicts[0].Repeated {
							t.Errorf("%d/%d: %+v, %v", g, n, resp, err)
							return
						}
						answered.Store(merge.MutationName("d", fmt.Sprint("i", g), n+1), resp.Verdicts[0].Seq)
					}
				})
			}
			group.Wait()
			log := w.history(box)
			n := len(log) - 1
			t.Logf("%d commits for %d pushes", n, pushers*pushesEach)
			if name == "sqlite" && n >= pushers*pushesEach { // memory may be too fast for anybody to wait
				t.Error("nobody shared a commit")
			}
			found := 0
			for _, c := range log {
				for _, l := range c.Lines {
					if seq, ok := answered.Load(l.Mutation); ok {
						found++
						if seq != c.Seq {
							t.Errorf("%s was told %v and stands at %d", l.Mutation, seq, c.Seq)
						}
					}
				}
			}
			if found != pushers*pushesEach {
				t.Errorf("%d mutations in the log", found)
			}
		})
	}
}

func TestPushesToManyScopesDoNotMeet(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			w := worldOn(t, s)
			worlds := []*world{w.another(2), w.another(3)}
			var group sync.WaitGroup
			for g := range pushers {
				scope, user := fmt.Sprint("box/", g), fmt.Sprint("u", g)
				set := map[string]merge.Value{"user": merge.Str(user), "role": merge.Str("owner"), "from": merge.Num(0), "to": merge.Num(0)}
				sw := merge.ServerWrite{Name: "member", Role: merge.System, Collection: "member", ID: id.Derive(user), Op: merge.Put, Set: set, Create: true}
				if _, err := w.Write(t.Context(), scope, sw); err != nil {
					t.Fatal(err)
				}
				group.Go(func() {
					v := worlds[g%len(worlds)]
					for n := range uint64(pushesEach) {
						resp, err := v.Engine.Sync(t.Context(), callerOf(user), v.request(v.partFor(scope, user, v.create(n+1, fmt.Sprint(n)))))
						if err != nil || resp.Verdicts[0].Seq != merge.Seq(n+2) {
							t.Errorf("%s: %+v, %v", scope, resp, err)
							return
						}
					}
				})
			}
			group.Wait()
			for g := range pushers {
				if n := len(w.history(fmt.Sprint("box/", g))); n != pushesEach+1 {
					t.Errorf("%d commits in scope %d", n, g)
				}
			}
		})
	}
}

func TestCancelledPushesLoseAndDoubleNothing(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			w := worldOn(t, s)
			w.admit("ani", merge.Owner)
			worlds := []*world{w.another(2), w.another(3)}
			var group sync.WaitGroup
			var cancelled atomic.Int64
			for g := range pushers {
				group.Go(func() {
					v := worlds[g%len(worlds)]
					part := v.part(fmt.Sprint("i", g), v.create(1, fmt.Sprint(g)))
					ctx, stop := context.WithCancel(t.Context())
					if g%2 == 0 {
						go stop()
					}
					_, err := v.Engine.Sync(ctx, callerOf("ani"), v.request(part))
					stop()
					if err != nil {
						cancelled.Add(1)
						if g%2 != 0 {
							t.Errorf("%d was not cancelled: %v", g, err)
						}
					}
					resp, err := v.Engine.Sync(t.Context(), callerOf("ani"), v.request(part))
					if err != nil || resp.Verdicts[0].Verdict != merge.Applied {
						t.Errorf("%d: %+v, %v", g, resp, err)
					}
				})
			}
			group.Wait()
			for m, n := range times(w.history(box)) {
				if n != 1 {
					t.Errorf("%s stands in the log %d times", m, n)
				}
			}
			if n := len(times(w.history(box))); n != pushers+1 {
				t.Errorf("%d mutations in the log", n)
			}
			t.Logf("%d of %d pushes were cancelled", cancelled.Load(), pushers)
		})
	}
}

// TestALeaderWhoGivesUpFailsNobody holds the first commit until two more pushes
// wait; then the leader's and one waiting request are given up.
func TestALeaderWhoGivesUpFailsNobody(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := &hooked{Store: storefault.NewPoor()}
	w := worldOn(t, s)
	w.admit("ani", merge.Owner)
	var once sync.Once
	s.insert = func(*store.Commit) error {
		once.Do(func() {
			close(arrived)
			<-release
		})
		return nil
	}
	v := w.another(2)
	push := func(ctx context.Context, g int) <-chan error {
		out := make(chan error, 1)
		req := v.request(v.part(fmt.Sprint("i", g), v.create(1, fmt.Sprint(g))))
		go func() {
			_, err := v.Engine.Sync(ctx, callerOf("ani"), req)
			out <- err
		}()
		return out
	}
	leads, giveUp := context.WithCancel(t.Context())
	leader := push(leads, 0)
	<-arrived
	waits, leave := context.WithCancel(t.Context())
	gone, stays := push(waits, 1), push(t.Context(), 2)
	giveUp()
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left: %v", err)
	}
	close(release)
	if err := <-stays; err != nil {
		t.Errorf("the one who waited: %v", err)
	}
	<-leader // its commit stands whatever it was told
	if n := len(times(w.history(box))); n < 3 {
		t.Errorf("%d mutations in the log", n)
	}
	for g := range 3 {
		resp := v.as("ani").push(v.part(fmt.Sprint("i", g), v.create(1, fmt.Sprint(g))))
		if resp.Verdicts[0].Verdict != merge.Applied {
			t.Errorf("%d: %+v", g, resp.Verdicts)
		}
	}
	for m, n := range times(w.history(box)) {
		if n != 1 {
			t.Errorf("%s stands in the log %d times", m, n)
		}
	}
}

func TestALargePushBecomesSeveralCommits(t *testing.T) {
	for name, tt := range map[string]struct {
		note string
		most int // of mutations in one commit
	}{
		"by number": {"", 200},
		"by bytes":  {strings.Repeat("x", 190), 200},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOn(t, storefault.NewPoor())
			w.admit("ani", merge.Owner)
			if tt.note != "" {
				w.Limits.CommitBytes = 20 << 10
			}
			var ms []*merge.Mutation
			for n := range uint64(1000) {
				ms = append(ms, w.create(n+1, fmt.Sprint(n, tt.note)))
			}
			resp := w.as("ani").sync(w.request(w.part("i", ms...)))
			if len(resp.Verdicts) != 1000 {
				t.Fatalf("%d verdicts", len(resp.Verdicts))
			}
			for i, v := range resp.Verdicts {
				if v.N != uint64(i+1) || v.Verdict != merge.Applied || v.Repeated {
					t.Fatalf("verdict %d: %s", i, said(v))
				}
				if i > 0 && v.Seq < resp.Verdicts[i-1].Seq {
					t.Fatalf("verdict %d: seq %d behind %d", i, v.Seq, resp.Verdicts[i-1].Seq)
				}
			}
			log := w.history(box)[1:]
			sizes := map[string]int{}
			for _, m := range ms {
				sizes[merge.MutationName("d", "i", m.N)] = len(m.WireMutation())
			}
			for _, c := range log {
				bytes := 0
				for _, l := range c.Lines {
					bytes += sizes[l.Mutation]
				}
				if len(c.Lines) > tt.most || tt.note != "" && bytes > 20<<10 {
					t.Errorf("commit %d holds %d mutations, %d bytes", c.Seq, len(c.Lines), bytes)
				}
			}
			t.Logf("%d commits", len(log))
			if tt.note == "" && len(log) != 5 {
				t.Errorf("%d commits", len(log))
			}
		})
	}
}

func TestTooManyMutationsChangeNothing(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	p := w.part("i")
	p.Mutations = make([]json.RawMessage, 1001)
	_, err := w.Sync(t.Context(), callerOf("ani"), w.request(p))
	if fault.KindOf(err) != fault.TooLarge || fault.CodeOf(err) != "too_many_mutations" {
		t.Error(err)
	}
}

// TestRekeyIsDecidedOverTheWholePush puts the proof of a clone behind more
// mutations than one commit holds, and an edit that follows it into another
// part.
func TestRekeyIsDecidedOverTheWholePush(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	w.as("ani").push(w.part("cloned", w.create(3, "the other copy's")))
	var ms []*merge.Mutation
	for n := range uint64(250) {
		ms = append(ms, w.create(n+1, fmt.Sprint(n)))
	}
	sound := w.part("sound", ms...)
	clash := w.create(3, "this copy's")
	cloned := w.part("cloned", w.create(2, "before"), clash, w.create(4, "behind"))
	hash, err := merge.ContentHash(box, "d", clash.WireMutation())
	if err != nil {
		t.Fatal(err)
	}
	follows := w.create(1, "follows")
	follows.ID, follows.After = clash.ID, []merge.Ref{{Incarnation: "cloned", N: 3, Hash: hash}}
	third := w.part("third", follows, w.create(2, "free"))
	resp := w.as("ani").push(sound, cloned, third)
	tail := words(resp.Verdicts)[250:]
	if want := []string{"2 rekey", "3 rekey", "4 rekey", "1 rekey", "2 applied"}; !slices.Equal(tail, want) {
		t.Errorf("%q, want %q", tail, want)
	}
	for _, v := range resp.Verdicts[:250] {
		if v.Verdict != merge.Applied {
			t.Errorf("%s", said(v))
		}
	}
}

// TestWhatHasNoNumberIsJudgedOnce sends more unreadable items than one commit
// holds, and a good one behind them.
func TestWhatHasNoNumberIsJudgedOnce(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	p := w.part("i", w.create(1, "good"))
	good := p.Mutations[0]
	p.Mutations = nil
	for i := range 450 {
		p.Mutations = append(p.Mutations, json.RawMessage(fmt.Sprintf(`{"odd":%d}`, i)))
	}
	p.Mutations = append(p.Mutations, good)
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	resp, err := w.Sync(ctx, callerOf("ani"), w.request(p))
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Verdicts) != 451 || said(resp.Verdicts[450]) != "1 applied" {
		t.Errorf("%d verdicts, the last: %+v", len(resp.Verdicts), resp.Verdicts[len(resp.Verdicts)-1])
	}
	for i, v := range resp.Verdicts[:450] {
		if v.Index == nil || *v.Index != i || v.Verdict != merge.Rejected {
			t.Fatalf("verdict %d: %+v", i, v)
		}
	}
	if n := len(w.history(box)) - 1; n != 3 {
		t.Errorf("%d commits", n)
	}
}

// TestAPanicInARuleBlocksNobody lets the rule of an online edit panic, which
// the caller has to bear, while a push waits for the same scope.
func TestAPanicInARuleBlocksNobody(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	v := w.another(2)
	inside, waiting := make(chan struct{}), make(chan error, 1)
	release := make(chan struct{})
	sw := merge.ServerWrite{Name: "rest.1", Role: merge.System, Collection: "thing", ID: id.Derive("x"), Op: merge.Put, Create: true,
		Must: func(merge.View, []merge.Grant) *merge.Reject {
			close(inside)
			<-release
			panic("a defect")
		}}
	broke := make(chan any, 1)
	go func() {
		defer func() { broke <- recover() }()
		_, err := v.Write(t.Context(), box, sw)
		broke <- err
	}()
	<-inside
	req := v.request(v.part("i", v.create(1, "n")))
	go func() {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		_, err := v.Engine.Sync(ctx, callerOf("ani"), req)
		waiting <- err
	}()
	close(release)
	if got := <-broke; got != "a defect" {
		t.Errorf("the one who panicked: %v", got)
	}
	if err := <-waiting; err != nil {
		t.Errorf("the one who waited: %v", err)
	}
	if _, err := v.Engine.Sync(t.Context(), callerOf("ani"), req); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestOneNumberWithTwoContentsInTwoParts of one push: the second is not taken
// for a repetition of the first.
func TestOneNumberWithTwoContentsInTwoParts(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	resp := w.as("ani").push(w.part("i", w.create(1, "one")), w.part("j", w.create(1, "between")), w.part("i", w.create(1, "two"), w.create(2, "three")))
	if got, want := words(resp.Verdicts), []string{"1 applied", "1 applied", "1 rekey", "2 rekey"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
