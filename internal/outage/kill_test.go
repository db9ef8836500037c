package outage_test

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// What a night runs; -args -kills 2 -others 16 is enough for every change.
var (
	kills  = flag.Int("kills", 10, "how often a process is killed")
	others = flag.Int("others", 200, "how many enterprises there are beside the one that everybody writes into")
	finish = flag.Duration("finish", 10*time.Second, "within what another process does what a dead one left")
	think  = flag.Duration("think", 0, "how long a phone rests between two syncs, for engines that cannot keep up")
)

const phones = 8

// TestOneOfTwoProcessesDies: eight phones write into one scope and 200 others
// through two processes, of which one is killed again and again.
func TestOneOfTwoProcessesDies(t *testing.T) {
	database := mongotest.Address(t)
	w := found(t, database, phones, *others/phones)
	db := open(t, database)
	left := w.prepare(*kills)
	both := []*process{serve(t, database), serve(t, database)}
	network := &crossing{to: []string{both[0].address, both[1].address}}
	w.give(network)

	var sent, wanted atomic.Int64
	reached := make(chan struct{}, 1)
	network.each = func() {
		if sent.Add(1) == wanted.Load() {
			reached <- struct{}{}
		}
	}
	stop := make(chan struct{})
	var hammering sync.WaitGroup
	for n, p := range w.people {
		hammering.Go(func() { w.hammer(n, p, stop) })
	}
	dice := rand.New(rand.NewPCG(uint64(*kills), 7))
	var slowest time.Duration
	for n := range *kills {
		wanted.Store(sent.Load() + 10 + dice.Int64N(40))
		select {
		case <-reached:
		case <-time.After(time.Minute):
			t.Fatal("the phones do not get through")
		}
		pause(t, time.Duration(dice.IntN(20))*time.Millisecond) // into the middle of a request
		victim := both[dice.IntN(2)]
		victim.kill()
		slowest = max(slowest, w.finished(db, left[n]))
		victim.start()
	}
	close(stop)
	hammering.Wait()
	w.settle()
	w.idle(db)
	w.check(db)
	t.Logf("killed %d times; what was left was done after %v at most", *kills, slowest.Round(10*time.Millisecond))
}

// hammer writes and syncs until stop: into the scope of all, into the price that
// all change, and into one of the person's own.
func (w *town) hammer(n int, p *person, stop <-chan struct{}) {
	for round := 0; ; round++ {
		select {
		case <-stop:
			return
		default:
		}
		err := errors.Join(w.sell(p, w.hot, int64(1000+round)), w.sell(p, p.scopes[round%len(p.scopes)], int64(100+n)))
		if round%3 == n%3 {
			err = errors.Join(err, w.price(p, int64(1_000+100*n+round)))
		}
		if err != nil {
			w.Errorf("phone %d: %v", n, err)
			return
		}
		if err := p.phone.Sync(w.Context()); err != nil {
			pause(w.T, 100*time.Millisecond) // a phone waits longer
		}
		pause(w.T, *think)
	}
}

// leftover is what a dead process leaves in scopes that no phone writes into.
type leftover struct {
	unfolded, old, survivor, handed string
	sale                            string // of the old one
	window                          programme.Assignment
	mentors                         [2]string
}

// prepare makes the scopes of leftovers.
func (w *town) prepare(n int) (all []*leftover) {
	w.Helper()
	mentor := func(m int) string {
		u, err := w.app.Auth.CreateUser(w.Context(), number(9000+m), []string{auth.RoleMentor})
		w.ok(err)
		return u.ID
	}
	mentors := [2]string{mentor(1), mentor(2)}
	for range n {
		l := &leftover{mentors: mentors, sale: w.ids.New()}
		for _, scope := range []*string{&l.unfolded, &l.old, &l.survivor, &l.handed} {
			*scope = w.business(w.people[0])
		}
		w.write(l.old, "sales", l.sale, sale(5000))
		var err error
		l.window, err = w.app.Programme.Assign(w.Context(), w.by(w.admin.User), bare(l.handed), programme.NewAssignment{Mentor: mentors[0], Beyond: true, Reason: "ada sebanyak itu"})
		w.ok(err)
		all = append(all, l)
	}
	_, err := w.app.Engine.Work(w.Context())
	w.ok(err)
	return all
}

func bare(scope string) string { return strings.TrimPrefix(scope, "business/") }

// leave does half of three things, as a process that dies in the middle: a commit
// is in the log and not folded; a merger and a hand-over are commits whose effects
// nobody has carried out.
func (w *town) leave(db *mongo.DB, l *leftover) {
	w.Helper()
	dying, err := app.New(w.Context(), configuration(w.app.Config.Store), app.Options{Log: slog.New(slog.DiscardHandler), Store: halted{db}, Identity: db.Identity()})
	w.ok(err)
	if _, err := dying.Engine.Write(w.Context(), l.unfolded, w.create("sales", l.sale, sale(5000))); !errors.Is(err, errDied) {
		w.Fatalf("a process that was to die: %v", err)
	}
	w.ok(dying.Close(w.Context()))
	_, err = w.app.Programme.Merge(w.Context(), w.by(w.admin.User), bare(l.old), bare(l.survivor))
	w.ok(err)
	now := time.Now().Add(time.Second)
	_, err = w.app.Programme.ChangeAssignment(w.Context(), w.by(w.admin.User), bare(l.handed), l.window.ID, l.window.Version, programme.AssignmentChange{To: &now, Successor: l.mentors[1], Note: "Pindah wilayah", Beyond: true, Reason: "ada sebanyak itu"})
	w.ok(err)
}

// finished leaves something undone beside what a kill left, and waits until the
// living process has done it all. No phone writes into those scopes.
func (w *town) finished(db *mongo.DB, l *leftover) time.Duration {
	w.Helper()
	began := time.Now()
	w.leave(db, l)
	undone := w.undone(db)
	for _, scope := range []string{l.unfolded, l.old, l.handed} {
		if _, waits := undone[scope]; !waits && !w.done(db, scope, store.Head{}) {
			w.Errorf("%s: nothing is left to do", scope)
		}
	}
	for scope, was := range undone {
		if !within(w.T, *finish-time.Since(began), func() bool { return w.done(db, scope, was) }) {
			w.Errorf("%s is not finished after %v: %+v", scope, time.Since(began), was)
		}
	}
	if !within(w.T, *finish-time.Since(began), func() bool { return w.holds(db, l.unfolded, l.sale) && w.holds(db, l.survivor, l.sale) }) {
		w.Errorf("after %v a sale is not where it belongs", time.Since(began))
	}
	return time.Since(began)
}

// undone are the heads of scopes in which something waits.
func (w *town) undone(db *mongo.DB) map[string]store.Head {
	w.Helper()
	names, err := db.Unfolded(w.Context(), 1000)
	w.ok(err)
	all, err := db.HeadsFor(w.Context(), "", names)
	w.ok(err)
	waiting, err := db.Waiting(w.Context(), syncer.Follower, 1000)
	w.ok(err)
	out := map[string]store.Head{}
	for _, h := range all {
		if _, err := db.Entry(w.Context(), h.Scope, h.Generation.Count, h.Applied+1); !errors.Is(err, store.ErrAbsent) { // else it was folded meanwhile
			w.ok(err)
			out[h.Scope] = h
		}
	}
	for _, h := range waiting {
		out[h.Scope] = h
	}
	return out
}

// done reports whether a scope is past what waited when its head was was: the next
// entry is folded, and the mark is another or gone.
func (w *town) done(db *mongo.DB, scope string, was store.Head) bool {
	h, err := db.Head(w.Context(), scope)
	if err != nil {
		w.Error(err)
		return true
	}
	mark := was.Todo[syncer.Follower]
	if mark == 0 {
		return h.Applied > was.Applied
	}
	return h.Todo[syncer.Follower] != mark
}

// holds reports whether a scope has a live record of that id among its sales.
func (w *town) holds(db *mongo.DB, scope, record string) bool {
	got, err := db.Load(w.Context(), scope, store.Want{Keys: []merge.Key{{Collection: "sales", ID: record}}})
	return err == nil && len(got.Records) == 1 && !got.Records[0].Deleted
}

// idle waits until nothing waits any more.
func (w *town) idle(db *mongo.DB) {
	w.Helper()
	var undone map[string]store.Head
	if !within(w.T, 3*time.Minute, func() bool { undone = w.undone(db); return len(undone) == 0 }) {
		w.Fatal(fmt.Sprint("something waits for ever: ", undone))
	}
}
