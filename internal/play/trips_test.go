package play_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// trips are the commands that went to MongoDB.
type trips struct {
	mu  sync.Mutex
	all []string
}

func (c *trips) see(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != "endSessions" && name != "killCursors" {
		c.all = append(c.all, name)
	}
}

func (c *trips) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

// What a request costs at most in round trips: docs/scale.md.
const (
	pushTrips   = 7  // a push of one batch to one scope that makes or changes records, alone
	createTrips = 6  // the same, where it only makes records
	syncTrips   = 10 // a sync that makes records in one scope and gets their rows
	scopeTrips  = 5  // each further scope of a push that only makes records
	learnTrips  = 4  // a sync that gets rows of one scope
	claimTrips  = 1  // more, of the first push under a name
	strayTrips  = 3  // more, of a push by somebody whom a scope has refused that never named them
)

// counted is a scene on MongoDB whose commands are counted.
type counted struct {
	*scene
	seen trips
	hold func(command string) // called before each; may be nil
}

func setCounted(t *testing.T) *counted {
	t.Helper()
	c := &counted{}
	db, err := mongo.Open(t.Context(), mongotest.Address(t), mongo.Options{OnCommand: func(name string) {
		if c.hold != nil {
			c.hold(name)
		}
		c.seen.see(name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	c.scene = set(t, func(o *play.Options) { o.Store, o.Identity = db, db.Identity() })
	c.sell(c.owner, 50_000)
	c.sync(c.owner, c.owner)
	return c
}

// push sends what a phone has, and gives the commands that it cost.
func (c *counted) push(p *play.Phone, edits int) []string {
	c.Helper()
	req, _, err := p.Ask()
	c.ok(err)
	var resp protocol.Response
	c.seen.take()
	c.ok(p.HTTP.Call(c.Context(), http.MethodPost, "/v1/sync/push", nil, req, &resp))
	got := c.seen.take()
	if len(resp.Verdicts) != edits {
		c.Fatalf("%d verdicts: %+v", len(resp.Verdicts), resp.Verdicts)
	}
	for _, v := range resp.Verdicts {
		if v.Verdict != merge.Applied || v.Record == nil {
			c.Fatalf("%+v", v)
		}
	}
	return got
}

// TestRoundTripsToMongoDB counts at the driver what a request costs.
func TestRoundTripsToMongoDB(t *testing.T) {
	t.Parallel()
	c := setCounted(t)
	sale := ""
	for _, k := range []struct {
		name  string
		most  int
		edits int
		edit  func()
	}{
		{"two sales", createTrips, 2, func() { sale = c.sell(c.owner, 10_000); c.sell(c.owner, 20_000) }},
		{"a price", pushTrips, 1, func() { c.price(c.owner, 16_000) }},
		{"a correction", pushTrips, 1, func() {
			c.write(c.owner, "sale_adjustment", "", map[string]any{"entry_id": sale, "kind": domain.KindCorrect, "patch": map[string]any{"amount_idr": 11_000}})
		}},
		{"ten sales", createTrips, 10, func() {
			for n := range 10 {
				c.sell(c.owner, 30_000+n)
			}
		}},
	} {
		c.seen.take()
		c.ok(c.owner.Sync(t.Context()))
		if got := c.seen.take(); !slices.Equal(got, []string{"find"}) {
			t.Errorf("nothing new before %s: %v", k.name, got)
		}
		k.edit()
		got := c.push(c.owner, k.edits)
		t.Logf("push of %s: %d round trips %v", k.name, len(got), got)
		if len(got) > k.most {
			t.Errorf("push of %s: %d round trips, at most %d are promised", k.name, len(got), k.most)
		}
		c.sync(c.owner) // the same again: the phone has not heard yet
		c.sync(c.owner)
	}
	c.sell(c.owner, 40_000)
	c.seen.take()
	c.ok(c.owner.Sync(t.Context()))
	got := c.seen.take()
	t.Logf("sync with a sale: %d round trips %v", len(got), got)
	if len(got) > syncTrips {
		t.Errorf("a sync with a sale: %d round trips, at most %d are promised", len(got), syncTrips)
	}
}

// TestRoundTripsOfSpecialCases counts what is not as every evening.
func TestRoundTripsOfSpecialCases(t *testing.T) {
	t.Parallel()
	c := setCounted(t)
	c.sync(c.tablet, c.tablet)
	c.sell(c.owner, 10_000)
	c.sync(c.owner, c.owner)
	c.seen.take()
	c.ok(c.tablet.Sync(t.Context()))
	most := func(what string, got []string, most int) {
		t.Helper()
		t.Logf("%s: %d round trips %v", what, len(got), got)
		if len(got) > most {
			t.Errorf("%s: %d round trips, at most %d are promised", what, len(got), most)
		}
	}
	most("sync that learns of a sale", c.seen.take(), learnTrips)
	c.sync(c.tablet, c.tablet)
	c.sell(c.tablet, 20_000)
	most("first push of a phone", c.push(c.tablet, 1), createTrips+claimTrips)
	c.sync(c.tablet, c.tablet)
	c.in(c.owner, "business/"+c.owner.IDs.New(), "sales", "", map[string]any{"sold_on": "2022-04-02", "channel": "store", "payment": "cash", "granularity": "single", "amount_idr": 1})
	c.sync(c.owner, c.owner)
	c.ok(c.w.Step(t.Context()))
	c.sync(c.owner, c.owner)
	c.sell(c.owner, 30_000)
	most("push of somebody who was refused elsewhere", c.push(c.owner, 1), createTrips+strayTrips)
}

// TestRoundTripsOfSharedCommits holds the first of twelve pushes up until all of
// them have come: they share commits, and so cost less each.
func TestRoundTripsOfSharedCommits(t *testing.T) {
	t.Parallel()
	const phones = 12
	c := setCounted(t)
	var all []*play.Phone
	for n := range phones {
		p := c.enter(c.owner.Who, fmt.Sprint("phone ", n))
		c.sync(p)
		c.sell(p, 1_000+n)
		c.sync(p) // it is known here now
		c.sell(p, 2_000+n)
		all = append(all, p)
	}
	c.ok(c.w.Step(t.Context()))
	var came sync.WaitGroup // those that have read their heads
	came.Add(phones)
	var read, inserts atomic.Int32
	c.hold = func(command string) {
		switch {
		case command == "find" && read.Add(1) <= phones:
			came.Done()
		case command == "insert" && inserts.Add(1) == 1:
			came.Wait()
		}
	}
	c.seen.take()
	var done sync.WaitGroup
	for _, p := range all {
		req, _, err := p.Ask()
		c.ok(err)
		done.Go(func() {
			var resp protocol.Response
			if err := p.HTTP.Call(t.Context(), http.MethodPost, "/v1/sync/push", nil, req, &resp); err != nil || len(resp.Verdicts) != 1 || resp.Verdicts[0].Record == nil {
				t.Errorf("%+v %v", resp.Verdicts, err)
			}
		})
	}
	done.Wait()
	got := c.seen.take()
	c.hold = nil
	t.Logf("%d pushes of a sale each: %d round trips, %d commits", phones, len(got), inserts.Load())
	if inserts.Load() >= phones || len(got) >= phones*createTrips/2 {
		t.Errorf("%d pushes made %d commits in %d round trips: little was shared", phones, inserts.Load(), len(got))
	}
	c.sync(all...)
	c.settled(all...)
}

// TestRoundTripsOfManyScopes pushes to several businesses at once: their heads are
// read together.
func TestRoundTripsOfManyScopes(t *testing.T) {
	t.Parallel()
	const more = 3
	c := setCounted(t)
	scopes := []string{c.scope}
	for n := range more {
		b, err := c.w.Found(t.Context(), c.owner, fmt.Sprint("Branch ", n), "18.10")
		c.ok(err)
		scopes = append(scopes, "business/"+b)
	}
	c.ok(c.w.Step(t.Context()))
	sell := func() {
		for n, scope := range scopes {
			c.in(c.owner, scope, "sales", "", map[string]any{"sold_on": "2022-04-02", "channel": "store", "payment": "cash", "granularity": "single", "amount_idr": 5_000 + n})
		}
	}
	sell()
	c.sync(c.owner, c.owner)
	sell()
	got := c.push(c.owner, len(scopes))
	t.Logf("push to %d scopes: %d round trips", len(scopes), len(got))
	if most := createTrips + more*scopeTrips + 1; len(got) > most { // the heads of all but the last are read once more
		t.Errorf("push to %d scopes: %d round trips, at most %d are promised", len(scopes), len(got), most)
	}
}

// TestRoundTripsOfOperations counts every operation on a task and on a case, each
// alone, and each with a photo that came before.
func TestRoundTripsOfOperations(t *testing.T) {
	t.Parallel()
	c := &counted{}
	db, err := mongo.Open(t.Context(), mongotest.Address(t), mongo.Options{OnCommand: func(name string) { c.seen.see(name) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	m := accompany(t, func(o *play.Options) { o.Store, o.Identity = db, db.Identity() })
	c.scene = m.scene
	m.write(m.mentor, "task", "", map[string]any{"title": "Label", "origin": domain.OriginMentor, "track": "digital"}) // known to the server
	m.sync(m.mentor, m.owner, m.owner)
	m.sell(m.owner, 100)
	m.sync(m.owner, m.owner, m.mentor, m.mentor)
	push := func(p *play.Phone, what string) {
		t.Helper()
		m.ok(m.w.Step(t.Context()))
		got := c.push(p, 1)
		t.Logf("push of %s: %d round trips %v", what, len(got), got)
		if len(got) > pushTrips {
			t.Errorf("push of %s: %d round trips, at most %d are promised", what, len(got), pushTrips)
		}
		m.sync(p, p, m.owner, m.mentor)
	}
	photo := func(p *play.Phone) string {
		sum := sha256.Sum256([]byte(p.Name))
		id := m.write(p, "attachment", "", map[string]any{"sha256": hex.EncodeToString(sum[:]), "bytes": 1000, "mime": "image/jpeg"})
		push(p, "a photo")
		return id
	}
	task := m.write(m.mentor, "task", "", map[string]any{"title": "Foto produk", "origin": domain.OriginMentor, "track": "digital"})
	push(m.mentor, "a task")
	m.write(m.owner, "task_event", "", map[string]any{"task_id": task, "op": "start"})
	push(m.owner, "its start")
	m.write(m.owner, "task_event", "", map[string]any{"task_id": task, "op": "submit", "note": "x", "evidence_ids": []string{photo(m.owner)}})
	push(m.owner, "its submission")
	m.write(m.mentor, "task_event", "", map[string]any{"task_id": task, "op": "verify"})
	push(m.mentor, "its verification")
	programme := m.owner.IDs.New()
	_, err = m.w.App.Engine.Write(t.Context(), m.scope, merge.ServerWrite{Name: "enrol", Role: merge.System, Collection: "enrolment", ID: m.owner.IDs.New(), Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"programme_id": merge.Str(programme), "state": merge.Str(domain.EnrolmentActive)}})
	m.ok(err)
	planned := m.write(m.mentor, "task", "", map[string]any{"title": "Foto kedua", "origin": domain.OriginMentor, "programme_id": programme})
	push(m.mentor, "a task of a programme")
	m.write(m.owner, "task_event", "", map[string]any{"task_id": planned, "op": "start"})
	push(m.owner, "its start") // asks whether the programme pauses
	file := photo(m.mentor)
	permit := m.write(m.owner, "case", "", map[string]any{"kind": "nib", "subject": map[string]any{"type": "business"}})
	push(m.owner, "a case")
	for _, op := range []string{"approve", "file", "start_assessment", "issue"} {
		set := map[string]any{"case_id": permit, "op": op, "note": "catatan " + op}
		switch op {
		case "approve":
			set["deadline_on"] = "2022-06-17"
		case "start_assessment":
			set["assessed_on"], set["assessor"] = "2022-05-20", "Petugas OSS"
		case "issue":
			set["result"] = map[string]any{"number": "9120001234567", "issued_on": "2022-06-01", "file_id": file}
		}
		m.write(m.mentor, "case_event", "", set)
		push(m.mentor, "a case: "+op)
	}
}
