package syncer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// numbered is a source of ids that differ from process to process, but for
// their last twelve digits: those become nonces of generations, and an
// undisturbed run must have the same.
type numbered struct {
	process byte
	count   uint16
}

func (n *numbered) Read(b []byte) (int, error) {
	n.count++
	clear(b)
	b[1], b[2], b[3] = n.process, byte(n.count>>8), byte(n.count)
	return len(b), nil
}

// process is one running server. A dead one is replaced by the next request.
type process struct {
	failing *storefault.Failing
	engine  *syncer.Engine
}

// cluster is two processes on one poor store, with phones.
type cluster struct {
	t      *testing.T
	disk   *storefault.Poor
	clock  *clock.Fixed
	schema *merge.Schema
	plan   storefault.Plan
	points *storefault.Points
	procs  [2]*process
	born   byte
	phones map[string]*replica.Client
	fixed  map[string]string // names of records
}

func newCluster(t *testing.T, s *merge.Schema, plan storefault.Plan, points *storefault.Points) *cluster {
	c := &cluster{t: t, disk: storefault.NewPoor(), clock: clock.At(time.Date(2022, 4, 2, 1, 0, 0, 0, time.UTC)), schema: s,
		plan: plan, points: points, phones: map[string]*replica.Client{}, fixed: map[string]string{}}
	for i := range c.procs {
		c.boot(i)
	}
	return c
}

func (c *cluster) boot(i int) *process {
	c.born++
	f := storefault.NewFailing(c.disk, c.plan, c.points)
	c.procs[i] = &process{f, &syncer.Engine{Store: f.Store(), Schema: c.schema, Clock: c.clock,
		IDs: id.Maker{Clock: c.clock, Rand: &numbered{process: c.born}}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}}
	return c.procs[i]
}

// engine gives process i, started anew if it is dead.
func (c *cluster) engine(i int) *syncer.Engine {
	if c.procs[i].failing.Dead() {
		c.boot(i)
	}
	return c.procs[i].engine
}

// try does what may meet a fault, and does it again, as phones and workers do.
func (c *cluster) try(what string, do func() error) {
	c.t.Helper()
	var err error
	for range 8 {
		if err = do(); err == nil {
			return
		}
		if !errors.Is(err, storefault.ErrCrashed) && fault.KindOf(err) != fault.Transient {
			break
		}
	}
	c.t.Fatalf("%s: %v", what, err)
}

// line is the way from a phone to a process.
type line struct {
	c    *cluster
	user string
	to   int
}

func (l *line) Sync(ctx context.Context, req protocol.Request) (*protocol.Response, error) {
	return l.c.engine(l.to).Sync(ctx, syncer.Caller{User: l.user}, req)
}

// user gives a user's phone, talking to process to from now on.
func (c *cluster) user(name string, to int) *replica.Client {
	p := c.phones[name]
	if p == nil {
		p = &replica.Client{Local: &replica.Memory{}, Schema: c.schema, Clock: ticking{c.clock, 0, "boot"}, PageBytes: 700,
			IDs: id.Maker{Clock: c.clock, Rand: &numbered{process: name[0]}}}
		if err := errors.Join(p.Open(), p.Become(replica.Identity{User: name, Device: "d" + name, Incarnation: "i" + name})); err != nil {
			c.t.Fatal(err)
		}
		c.phones[name] = p
	}
	p.Server = &line{c, name, to}
	return p
}

func (c *cluster) sync(name string, to int) {
	c.t.Helper()
	p := c.user(name, to)
	c.try(name+" syncs", func() error { return p.Sync(c.t.Context()) })
}

// edit puts a note on a record with a name, or creates it.
func (c *cluster) edit(name, record, note string) {
	c.t.Helper()
	k, err := c.user(name, 0).Do(replica.Edit{Scope: box, Collection: "thing", ID: c.fixed[record], Set: map[string]merge.Value{"note": merge.Str(note)}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.fixed[record] = k
}

func (c *cluster) remove(name, record string) {
	c.t.Helper()
	if _, err := c.user(name, 0).Do(replica.Edit{Scope: box, Collection: "thing", ID: c.fixed[record], Op: merge.Delete}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) member(to int, user string, role merge.Role, from, until merge.Millis) {
	c.t.Helper()
	set := map[string]merge.Value{"user": merge.Str(user), "role": merge.Str(string(role)), "from": merge.Num(from), "to": merge.Num(until)}
	sw := merge.ServerWrite{Name: "member." + user + merge.FormatInstant(until), Role: merge.System, Collection: "member", ID: id.Derive("member", user),
		Op: merge.Put, Set: set, Create: until == 0}
	c.try("member "+user, func() error {
		_, err := c.engine(to).Write(c.t.Context(), box, sw)
		return err
	})
}

func (c *cluster) work(to int) {
	c.t.Helper()
	c.try("work", func() error {
		_, err := c.engine(to).Work(c.t.Context())
		return err
	})
}

func (c *cluster) prune(to int, scope string) {
	c.t.Helper()
	c.try("prune", func() error {
		e := c.engine(to)
		h, err := e.Store.Head(c.t.Context(), scope)
		if err != nil {
			return err
		}
		return e.Store.Prune(c.t.Context(), scope, h.Applied-1)
	})
}

func (c *cluster) now() merge.Millis { return merge.Millis(c.clock.Now().UnixMilli()) }

// script is a bit of everything: two people on two processes, a quarrel, a
// delete, a stranger who is let in later, a revocation, effects, pruning, a
// backup.
func (c *cluster) script() {
	start := c.now()
	c.member(0, "ani", merge.Owner, start, 0)
	c.member(1, "budi", merge.Staff, start, 0)
	c.sync("ani", 0)
	c.edit("ani", "lamp", "1")
	c.edit("ani", "lamp", "2")
	c.edit("ani", "chair", "3")
	c.sync("ani", 0)
	c.sync("budi", 1)

	c.clock.Advance(time.Minute)
	c.edit("ani", "lamp", "ani's")
	c.remove("ani", "chair")
	c.clock.Advance(time.Minute)
	c.edit("budi", "lamp", "budi's")
	c.sync("budi", 1)
	c.sync("ani", 0)

	c.edit("citra", "vase", "from outside")
	c.sync("citra", 1)
	c.member(0, "citra", merge.Mentor, c.now(), 0)
	c.sync("citra", 0)

	c.clock.Advance(time.Hour)
	c.edit("budi", "pot", "in time")
	c.clock.Advance(time.Hour)
	c.member(1, "budi", merge.Staff, start, c.now())
	c.clock.Advance(time.Hour)
	c.edit("budi", "pan", "too late")
	c.sync("budi", 1)
	c.work(0)
	c.sync("budi", 0)

	c.clock.Advance(48 * time.Hour)
	c.prune(1, box)
	c.edit("ani", "lamp", "after the pruning")
	c.sync("ani", 1)
	c.try("backup", func() error { return c.engine(1).Backup(c.t.Context(), func(context.Context) error { return nil }) })
	for range 2 { // a process that was started anew has to learn of it
		c.try("learn", func() error { return c.engine(0).LearnBackups(c.t.Context()) })
		c.sync("ani", 0)
		c.sync("citra", 0)
	}
}

// end is everything that a run leaves behind, apart from what names attempts:
// ids and chains of commits, revisions, cursors.
func (c *cluster) end() map[string]string {
	c.t.Helper()
	ctx := c.t.Context()
	out := map[string]string{}
	show := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			c.t.Fatal(err)
		}
		return string(b)
	}
	scopes, err := c.disk.Scopes(ctx, "", 100)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, scope := range scopes {
		h, err := c.disk.Head(ctx, scope)
		if err != nil {
			c.t.Fatal(err)
		}
		h.Revision, h.Chain = 0, ""
		out["head "+scope] = show(h)
		for seq := merge.Seq(1); seq <= h.Applied+1; seq++ {
			entry, err := c.disk.Entry(ctx, scope, 1, seq)
			if errors.Is(err, store.ErrAbsent) {
				continue
			}
			body, bad := entry.Body()
			if err := errors.Join(err, bad); err != nil {
				c.t.Fatal(err)
			}
			out[fmt.Sprintf("entry %s %d", scope, seq)] = string(body)
		}
		page, err := c.disk.Changed(ctx, scope, store.Position{}, h.Applied, 0, 1<<30)
		if err != nil || page.Torn {
			c.t.Fatalf("%s: torn %t, %v", scope, page.Torn, err)
		}
		want := store.Want{}
		for i := range page.Records {
			want.Keys = append(want.Keys, page.Records[i].Key())
		}
		for name := range c.phones {
			for _, about := range scopes {
				want.Pages = append(want.Pages, merge.PageKey{BookKey: merge.BookKey{About: about, Device: "d" + name, Incarnation: "i" + name}})
			}
		}
		got, err := c.disk.Load(ctx, scope, want)
		if err != nil {
			c.t.Fatal(err)
		}
		for i := range got.Records {
			out["record "+scope+" "+got.Records[i].Key().String()] = show(got.Records[i])
		}
		for _, p := range got.Pages {
			out["book "+scope+" "+show(p.PageKey)] = show(p)
		}
	}
	c.phoneEnds(out, show)
	return out
}

func (c *cluster) phoneEnds(out map[string]string, show func(any) string) {
	for name, p := range c.phones {
		held, err := p.Scopes()
		kept, bad := p.Outbox()
		refused, worse := p.Refused()
		if err := errors.Join(err, bad, worse); err != nil {
			c.t.Fatal(err)
		}
		out["phone "+name] = show(held) + show(kept) + show(refused) + fmt.Sprint(" mismatches ", p.Mismatches())
		for scope := range held {
			rows, err := p.Snapshot(scope)
			if err != nil {
				c.t.Fatal(err)
			}
			slices.SortFunc(rows, func(a, b merge.Row) int { return strings.Compare(a.Key.String(), b.Key.String()) })
			out["phone "+name+" "+scope] = show(rows)
		}
	}
}

// differences lists where two ends differ.
func differences(got, want map[string]string) (out []string) {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			out = append(out, fmt.Sprintf("%s\n  got  %s\n  want %s", k, got[k], want[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			out = append(out, fmt.Sprintf("%s\n  got  %s\n  want nothing", k, got[k]))
		}
	}
	return out
}

// counted gives a plan that lets the n-th call of a whole cluster have the fate.
func counted(calls *int, n int, fate storefault.Fate) storefault.Plan {
	return func(storefault.Call) storefault.Fate {
		if *calls++; *calls == n {
			return fate
		}
		return storefault.Live
	}
}

func TestAFaultAnywhereChangesNothing(t *testing.T) {
	s, points := schema(t), &storefault.Points{}
	calls := 0
	calm := newCluster(t, s, counted(&calls, 0, storefault.Live), points)
	calm.script()
	want, total := calm.end(), calls
	fates := []storefault.Fate{storefault.Refuse, storefault.Lose, storefault.DieBefore, storefault.DieAfter}
	runs := 0
	for n := 1; n <= total; n += stride {
		for _, fate := range fates {
			runs++
			calls = 0
			c := newCluster(t, s, counted(&calls, n, fate), points)
			c.script()
			if diff := differences(c.end(), want); len(diff) > 0 {
				t.Fatalf("call %d of %d, fate %d:\n%s", n, total, fate, strings.Join(diff, "\n"))
			}
		}
	}
	t.Logf("%d calls, %d runs, %d distinct points:\n%s", total, runs, points.Distinct(), points)
}

// stalled is a run in which process 0 hangs at one call of a push, while process
// 1 does everything meanwhile, prune included; then process 0 goes on, into
// what plan brings.
type stalled struct {
	c     *cluster
	at    int // the call; 0: it never hangs
	plan  storefault.Plan
	calls []storefault.Call // of process 0, of its push
	armed bool
}

func (r *stalled) decide(call storefault.Call) storefault.Fate {
	if !r.armed {
		return storefault.Live
	}
	r.calls = append(r.calls, call)
	if len(r.calls) == r.at {
		r.armed = false
		r.c.meanwhile()
		r.armed = true
	}
	call.N = len(r.calls)
	return r.plan(call)
}

// run gives what people see in the end: contents, not versions.
func (r *stalled) run(t *testing.T, s *merge.Schema, points *storefault.Points) string {
	c := newCluster(t, s, r.decide, points)
	r.c = c
	start := c.now()
	c.member(1, "ani", merge.Owner, start, 0)
	c.member(1, "budi", merge.Staff, start, 0)
	c.edit("ani", "lamp", "1")
	c.edit("ani", "chair", "1")
	c.sync("ani", 1)
	c.sync("budi", 1)
	c.clock.Advance(time.Minute)
	c.edit("ani", "lamp", "ani's")
	c.edit("ani", "vase", "new")
	c.edit("ani", "chair", "ani's")
	c.clock.Advance(time.Minute)
	r.armed = true
	c.sync("ani", 0)
	r.armed = false
	if r.at == 0 {
		c.meanwhile()
	}
	return c.heal()
}

func TestAStalledProcessMeetsAnother(t *testing.T) {
	s, points := schema(t), &storefault.Points{}
	calm := &stalled{plan: storefault.Never}
	want := calm.run(t, s, points)
	runs := 0
	try := func(at, n int, fate storefault.Fate) *stalled {
		t.Helper()
		runs++
		r := &stalled{at: at, plan: storefault.At(n, fate)}
		if got := r.run(t, s, points); got != want {
			t.Fatalf("stalled at call %d, fate %d at call %d:\n%s\nwant\n%s", at, fate, n, got, want)
		}
		return r
	}
	fates := []storefault.Fate{storefault.Refuse, storefault.Lose, storefault.DieBefore, storefault.DieAfter}
	for at := 1; at <= len(calm.calls); at++ {
		if c := calm.calls[at-1]; at%stride != 0 && c.Primitive != "insert entry" {
			continue
		}
		r := try(at, 0, storefault.Live)
		for _, fate := range fates {
			try(at, at, fate)
		}
		// Behind an insert that came too late there is most to do: everything
		// that follows is tried too.
		if c := calm.calls[at-1]; c.Primitive != "insert entry" {
			continue
		}
		if !slices.ContainsFunc(r.calls, func(c storefault.Call) bool { return c.Method == "Withdraw" }) {
			t.Error("the late entry was not withdrawn")
		}
		for n := at + 1; n <= len(r.calls); n += stride {
			for _, fate := range fates {
				try(at, n, fate)
			}
		}
	}
	t.Logf("%d calls, %d runs, %d distinct points:\n%s", len(calm.calls), runs, points.Distinct(), points)
}

// meanwhile is what process 1 does while process 0 hangs: commits to the same
// records, a revocation, effects, and pruning of all that it may.
func (c *cluster) meanwhile() {
	c.edit("budi", "lamp", "budi's")
	c.edit("budi", "pot", "new")
	c.remove("budi", "chair")
	c.sync("budi", 1)
	c.edit("dewi", "bowl", "a stranger's")
	c.sync("dewi", 1)
	c.member(1, "dewi", merge.Mentor, c.now(), 0)
	c.sync("dewi", 1)
	c.edit("dewi", "bowl", "a friend's")
	c.sync("dewi", 1)
	c.work(1)
	c.prune(1, box)
	c.sync("dewi", 1)
}

// heal lets everybody finish and gives what they then see. It fails if two
// phones see different things, a log does not add up, or an edit counts twice.
func (c *cluster) heal() string {
	c.t.Helper()
	ctx := c.t.Context()
	for range 2 {
		c.work(0)
		for name := range c.phones {
			c.sync(name, 0)
		}
	}
	seen := ""
	for name, p := range c.phones {
		out, err := p.Unsent()
		if err != nil || len(out) > 0 || p.Mismatches() > 0 {
			c.t.Fatalf("%s has %d unsent, %d mismatches, %v", name, len(out), p.Mismatches(), err)
		}
		if got := contents(c.t, p); seen == "" {
			seen = got
		} else if got != seen {
			c.t.Fatalf("%s sees\n%s\nothers\n%s", name, got, seen)
		}
	}
	h, err := c.disk.Head(ctx, box)
	if err != nil {
		c.t.Fatal(err)
	}
	lines := map[string]bool{}
	for seq := merge.Seq(1); seq <= h.Applied; seq++ {
		entry, err := c.disk.Entry(ctx, box, 1, seq)
		if errors.Is(err, store.ErrAbsent) && seq <= h.Pruned {
			continue
		}
		if err != nil {
			c.t.Fatalf("entry %d of %d, pruned %d: %v", seq, h.Applied, h.Pruned, err)
		}
		if seq <= h.Pruned {
			continue // a stray entry of somebody who died before withdrawing it
		}
		for _, l := range entry.Lines {
			if lines[l.Mutation] {
				c.t.Fatalf("%s is in the log twice", l.Mutation)
			}
			lines[l.Mutation] = true
		}
	}
	q, err := c.phones["dewi"].Rows(merge.UserScope("dewi"), "quarantine")
	if err != nil || len(q) != 1 {
		c.t.Fatalf("quarantine %v, %v", q, err)
	}
	return seen
}

// contents is what a phone shows of the box, without versions and times.
func contents(t *testing.T, p *replica.Client) string {
	t.Helper()
	var out []string
	for _, collection := range []string{"thing", "journal"} {
		rows, err := p.Rows(box, collection)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			out = append(out, fmt.Sprint(collection, " ", r.Text("note"), " ", r.Text("lost"), " ", r.Text("kept")))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}
