package play_test

import (
	"path/filepath"
	"slices"
	"strings"
	gosync "sync"
	"testing"
	"time"

	house "github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// fenced is a scene on MongoDB that is about to move to a file under its servers.
type fenced struct {
	*scene
	address, to string
	move        house.Move
	hold        func(command string) // called before each that the server of the scene sends; may be nil
}

func setFenced(t *testing.T) *fenced {
	t.Helper()
	f := &fenced{address: mongotest.Address(t), to: filepath.Join(t.TempDir(), "to", "l.db")}
	db := f.open(t, &f.hold)
	f.scene = set(t, func(o *play.Options) {
		o.Store, o.Identity, o.Pepper = db, db.Identity(), strings.Repeat("a pepper ", 5)
	})
	f.sell(f.owner, 1_000)
	f.price(f.owner, 16_000)
	f.sync(f.owner, f.staff, f.tablet, f.owner)
	f.move = house.Move{From: f.address, To: f.to}
	f.ok(f.move.Open(t.Context()))
	_, err := f.move.Copy(t.Context())
	f.ok(err)
	return f
}

// open connects to the database of the scene as one more process.
func (f *fenced) open(t *testing.T, hold *func(string)) *mongo.DB {
	t.Helper()
	db, err := mongo.Open(t.Context(), f.address, mongo.Options{Timeout: time.Minute, OnCommand: func(name string) {
		if do := *hold; do != nil {
			do(name)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// engine is that of one more process.
func (f *fenced) engine(t *testing.T, hold *func(string)) *syncer.Engine {
	t.Helper()
	own := f.w.App.Engine
	return &syncer.Engine{Store: f.open(t, hold), Schema: own.Schema, Clock: own.Clock, IDs: own.IDs, Log: own.Log, Steps: own.Steps}
}

// at gives a hold that does something once, before the nth command of a name, or of
// any if that is "".
func at(name string, n int, do func()) func(string) {
	return func(command string) {
		if name != "" && command != name || command == "endSessions" || command == "killCursors" {
			return
		}
		if n--; n == 0 {
			do()
		}
	}
}

func (f *fenced) finish() {
	f.Helper()
	_, _, err := f.move.Finish(f.Context())
	f.ok(err)
}

// ask is what a phone sends with what it has.
func (f *fenced) ask(p *play.Phone) protocol.Request {
	f.Helper()
	req, _, err := p.Ask()
	f.ok(err)
	return req
}

// push reports whether an engine has acknowledged. If not, it must have said that the
// database has moved.
func (f *fenced) push(e *syncer.Engine, p *play.Phone, req protocol.Request) bool {
	f.Helper()
	resp, err := e.Push(f.Context(), syncer.Caller{User: p.Me().User}, req)
	if err == nil && len(resp.Verdicts) > 0 {
		return true
	}
	if fault.KindOf(err) != fault.Transient || fault.CodeOf(err) != "database_moved" {
		f.Errorf("%v %+v", err, resp)
	}
	return false
}

// refuses asks an engine of the old database three times.
func (f *fenced) refuses(e *syncer.Engine, p *play.Phone, req protocol.Request) {
	f.Helper()
	for range 3 {
		if f.push(e, p, req) {
			f.Error("acknowledged behind the fence")
		}
	}
	if _, err := e.Pull(f.Context(), syncer.Caller{User: p.Me().User}, req); fault.CodeOf(err) != "database_moved" {
		f.Errorf("a pull of what has moved: %v", err)
	}
}

// arrive goes on in the new database. acked must be there at once; afterwards the
// phones send what they still have, and all must be there once.
func (f *fenced) arrive(acked []string, all map[string]int64, phones ...*play.Phone) {
	f.Helper()
	f.ok(f.w.Move(f.Context(), f.to, func() error { return nil }))
	f.ok(f.move.Close())
	there := f.sales()
	for _, id := range acked {
		if _, ok := there[id]; !ok {
			f.Errorf("%s was acknowledged and is lost", id)
		}
	}
	f.sync(phones...)
	f.sync(phones...)
	there = f.sales()
	for id, amount := range all {
		if there[id] != amount {
			f.Errorf("%s counts %d, want %d", id, there[id], amount)
		}
	}
	if len(there) != len(all)+1 {
		f.Errorf("%d entries, want %d", len(there), len(all)+1)
	}
	f.settled(phones...)
}

// TestTheFenceStandsAnywhereInAPush finishes a move before each command of a push, one
// after the other, and behind the last one.
func TestTheFenceStandsAnywhereInAPush(t *testing.T) {
	t.Parallel()
	acked := 0
	for n, came := 1, true; came; n++ {
		f := setFenced(t)
		id := f.sell(f.owner, 7_000)
		req := f.ask(f.owner)
		came = false
		f.hold = at("", n, func() { came = true; f.finish() })
		var told []string
		if f.push(f.w.App.Engine, f.owner, req) {
			told, acked = append(told, id), acked+1
		}
		f.hold = nil
		if !came {
			f.finish()
		}
		f.refuses(f.w.App.Engine, f.owner, req)
		f.arrive(told, map[string]int64{id: 7_000}, f.owner, f.tablet, f.staff)
		if n > 20 || !came && n < 5 {
			t.Fatalf("%d commands", n)
		}
	}
	if acked == 0 {
		t.Error("nothing was ever acknowledged")
	}
}

// TestFinishLosesNothingOfLiveServers lets phones push to two processes, again and
// again, while the database moves under them.
func TestFinishLosesNothingOfLiveServers(t *testing.T) {
	t.Parallel()
	const pushes = 40
	f := setFenced(t)
	var hold func(string)
	engines := []*syncer.Engine{f.w.App.Engine, f.engine(t, &hold)}
	phones := []*play.Phone{f.owner, f.tablet, f.staff}
	all := map[string]int64{}
	asks, ids := make([][]protocol.Request, len(phones)), make([][]string, len(phones))
	for i, p := range phones {
		for n := range pushes { // each holds what the one before held, and one more
			amount := 1_000*i + n + 1
			id := f.sell(p, amount)
			asks[i], ids[i], all[id] = append(asks[i], f.ask(p)), append(ids[i], id), int64(amount)
		}
	}
	told := make([][]string, len(phones))
	var writers, begun gosync.WaitGroup
	begun.Add(len(phones))
	for i, p := range phones {
		writers.Go(func() {
			for n, req := range asks[i] {
				ok := f.push(engines[(i+n)%2], p, req)
				if n == 3 || !ok && n < 3 {
					begun.Done()
				}
				if !ok {
					return
				}
				told[i] = append(told[i], ids[i][n])
			}
		})
	}
	begun.Wait()
	f.finish()
	writers.Wait()
	for i, p := range phones {
		t.Logf("%s was told of %d of %d", p.Name, len(told[i]), pushes)
		if len(told[i]) < 3 {
			t.Errorf("%s was told of %d", p.Name, len(told[i]))
		}
		for _, e := range engines {
			f.refuses(e, p, asks[i][pushes-1])
		}
	}
	f.arrive(slices.Concat(told...), all, phones...)
}

// TestNoProcessTellsOfWhatAnotherPutBehindTheFence stalls two processes before their
// inserts, and finishes the move. Then one inserts; the other finds its place taken,
// and must not fold and tell what it finds there.
func TestNoProcessTellsOfWhatAnotherPutBehindTheFence(t *testing.T) {
	t.Parallel()
	f := setFenced(t)
	var hold func(string)
	other := f.engine(t, &hold)
	all := map[string]int64{f.sell(f.staff, 5_000): 5_000}
	if !f.push(other, f.staff, f.ask(f.staff)) { // so that it knows the phone
		t.Fatal("not acknowledged")
	}
	f.sync(f.staff)
	id := f.sell(f.owner, 7_000)
	all[id] = 7_000
	theirs := f.sell(f.staff, 8_000)
	all[theirs] = 8_000
	mine, its := f.ask(f.owner), f.ask(f.staff)
	hold = at("insert", 1, f.finish)
	var told []string
	f.hold = at("insert", 1, func() {
		if f.push(other, f.staff, its) {
			told = append(told, theirs)
		}
	})
	if f.push(f.w.App.Engine, f.owner, mine) {
		told = append(told, id)
	}
	hold, f.hold = nil, nil
	if len(told) > 0 {
		t.Errorf("acknowledged behind the fence: %q", told)
	}
	for _, e := range []*syncer.Engine{f.w.App.Engine, other} {
		f.refuses(e, f.owner, mine)
		f.refuses(e, f.staff, its)
	}
	f.arrive(told, all, f.owner, f.tablet, f.staff)
}
