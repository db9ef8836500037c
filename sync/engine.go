// Package syncer is the engine: the one path by which anything that phones can
// see or change is written and read. Pushes become commits of a scope's log,
// pulls page through what the log was folded to. It is generic over the
// catalogue and knows no sales.
//
// The folder is called sync because that is what it does; the package is called
// syncer so that the standard package keeps its name.
package syncer

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// Limits of the protocol. Zero fields take the values of DefaultLimits.
type Limits struct {
	Mutations   int           // most mutations in one push
	CommitItems int           // most mutations in one commit
	CommitBytes int           // most bytes of mutations in one commit
	PageBytes   int           // most bytes of rows in one answer
	Grace       time.Duration // how long after a right ended an edit made under it is accepted
	Poll        time.Duration // when a phone with nothing to do should ask again, a fifth sooner or later
	Horizon     time.Duration // how long log entries, verdicts and what was deleted are kept; at least a day
	Refusals    int           // most mutations an hour and user meant for scopes that never named the author
	LiveScopes  int           // most scopes that one listener hears of
	FirstSyncs  int           // most answers at once that bring whole scopes; each has its rows in memory
}

// DefaultLimits are the limits of sync.md.
func DefaultLimits() Limits {
	return Limits{Mutations: 1000, CommitItems: 200, CommitBytes: 256 << 10, PageBytes: 1 << 20, Grace: 7 * 24 * time.Hour,
		Poll: 15 * time.Minute, Horizon: 180 * 24 * time.Hour, Refusals: 1000, LiveScopes: 4000, FirstSyncs: 4 * runtime.GOMAXPROCS(0)}
}

// Engine carries pushes into logs and logs to phones. Set the fields before
// first use; it is then safe for concurrent use, also by several engines on one
// store.
type Engine struct {
	Store  store.Store
	Schema *merge.Schema
	Clock  clock.Clock
	IDs    id.Maker
	Log    *slog.Logger
	Limits Limits
	MinApp string // oldest app version that may read, such as "1.4.0"; "" = any

	// Steps are what the program does at effects that ask for more than a record, by
	// name. Each must bear being done twice; an error of kind Transient or Internal
	// has it tried again. May be nil.
	Steps map[string]func(context.Context, merge.Effect) error

	// Hands is on how many scopes background work works at once; 0 is one after the
	// other.
	Hands int

	// Counters are those that several processes share; nil: there is one process.
	Counters store.Counters

	// Tally is told what the engine does, to be counted. May be nil.
	Tally Tally

	// Moved is told of every commit of this process, once it is durable and folded: the
	// head behind it, and the devices whose edits it holds. May be nil; it must not block.
	Moved func(after store.Head, devices []string)

	// Wake is told when a commit left work for followers. May be nil; it must
	// not block.
	Wake func()

	mu        sync.Mutex
	queues    map[string]*queue
	owners    map[string]string // incarnation → user, as claimed
	refusals  map[string]*allowance
	completed uint64 // newest complete backup that this process knows of
	hub       hub
	recent    recent
	followed  followed
	first     chan struct{} // places of those that read whole scopes; nil: not made yet
	firsts    int           // that have one, or wait for it
	firstWait atomic.Int64  // that wait for one
	lagging   atomic.Int64  // scopes whose effects wait, when it was looked last
}

// Caller is who sends a request.
type Caller struct {
	User   string // id
	Device string // id; may be empty
}

// Sync pushes, then pulls, then keeps the books, in one round trip.
//
// Errors: TooLarge "too_many_mutations"; Unreadable "body_unreadable" for
// names that no phone makes; Transient and Internal of the store.
// Everything that is wrong inside one mutation is that mutation's verdict.
func (e *Engine) Sync(ctx context.Context, who Caller, req protocol.Request) (*protocol.Response, error) {
	x, err := e.begin(ctx, who, req)
	if err != nil {
		return nil, err
	}
	if x.outdated() {
		x.upgrade()
	} else if err := x.pull(ctx); err != nil {
		return nil, err
	}
	return x.finish(ctx)
}

// Push is Sync without rows: each verdict carries the record as it is after the
// commit.
func (e *Engine) Push(ctx context.Context, who Caller, req protocol.Request) (*protocol.Response, error) {
	x, err := e.begin(ctx, who, req)
	if err != nil {
		return nil, err
	}
	if x.outdated() {
		x.upgrade()
	} else if err := x.attach(ctx); err != nil {
		return nil, err
	}
	return x.finish(ctx)
}

// Pull is Sync without mutations; those of req are not looked at.
//
// Errors: Outdated "upgrade_required".
func (e *Engine) Pull(ctx context.Context, who Caller, req protocol.Request) (*protocol.Response, error) {
	req.Push = nil
	x, err := e.begin(ctx, who, req)
	if err != nil {
		return nil, err
	}
	if x.outdated() {
		return nil, &fault.Error{Kind: fault.Outdated, Code: "upgrade_required", Text: "app is too old to read", Info: map[string]any{"min_version": e.MinApp}}
	}
	if err := x.pull(ctx); err != nil {
		return nil, err
	}
	return x.finish(ctx)
}

// exchange is one request on its way.
type exchange struct {
	*Engine
	who      Caller
	req      protocol.Request
	limits   Limits
	now      merge.Millis // decides grants; never below a commit of this exchange
	answers  []outcome
	expected int // how many there will be
	reset    map[string]bool
	resp     *protocol.Response
	epochs   *store.Epochs    // read behind the last commit; nil: not yet
	left     map[string]*left // by scope, what its commit left
	last     string           // the scope of the last commit
}

// outcome is a verdict with what is needed to attach the record.
type outcome struct {
	protocol.Verdict
	key merge.Key
}

func (e *Engine) begin(ctx context.Context, who Caller, req protocol.Request) (*exchange, error) {
	x := &exchange{Engine: e, who: who, req: req, limits: e.limits(), now: e.millis(), reset: map[string]bool{}, resp: &protocol.Response{}}
	total := 0
	x.req.Push = slices.DeleteFunc(slices.Clone(req.Push), func(p protocol.Part) bool { return len(p.Mutations) == 0 })
	for i, p := range x.req.Push {
		if err := checkPart(i, p); err != nil {
			return nil, err
		}
		total += len(p.Mutations)
	}
	if total > x.limits.Mutations {
		return nil, &fault.Error{Kind: fault.TooLarge, Code: "too_many_mutations", Text: "push is too large", Info: map[string]any{"max_mutations": x.limits.Mutations}}
	}
	x.expected = total
	if len(req.Reset) > 0 {
		x.tally().Diverged(len(req.Reset))
	}
	return x, x.push(ctx)
}

// Bounds of the names in an envelope, in bytes.
const (
	maxName  = 64  // that a phone makes up: of its device, and of an incarnation
	maxScope = 100 // that the server makes up; so long also where a record keeps one
)

// checkPart refuses an envelope that no phone sends: names that would not fit
// into the name of a mutation.
func checkPart(i int, p protocol.Part) error {
	at := "push[" + strconv.Itoa(i) + "]."
	bad := func(field string) error {
		return &fault.Error{Kind: fault.Unreadable, Code: "body_unreadable", Field: at + field, Text: "not a part of a push"}
	}
	named := func(s string) bool {
		return s != "" && len(s) <= maxName && !strings.ContainsAny(s, "/| ")
	}
	switch {
	case !named(p.Device):
		return bad("device")
	case !named(p.Incarnation):
		return bad("incarnation")
	case p.Scope == "" || len(p.Scope) > maxScope || strings.Contains(p.Scope, "|"):
		return bad("scope")
	}
	return nil
}

func (e *Engine) limits() Limits {
	l, d := e.Limits, DefaultLimits()
	for _, f := range []struct{ have, def *int }{{&l.Mutations, &d.Mutations}, {&l.CommitItems, &d.CommitItems},
		{&l.CommitBytes, &d.CommitBytes}, {&l.PageBytes, &d.PageBytes}, {&l.Refusals, &d.Refusals}, {&l.LiveScopes, &d.LiveScopes}, {&l.FirstSyncs, &d.FirstSyncs}} {
		if *f.have == 0 {
			*f.have = *f.def
		}
	}
	if l.Grace == 0 {
		l.Grace = d.Grace
	}
	if l.Horizon == 0 {
		l.Horizon = d.Horizon
	}
	if l.Poll == 0 {
		l.Poll = d.Poll
	}
	return l
}

func (e *Engine) millis() merge.Millis { return merge.Millis(e.Clock.Now().UnixMilli()) }

// finish completes the answer.
func (x *exchange) finish(ctx context.Context) (*protocol.Response, error) {
	r := x.resp
	if len(x.answers) > 0 {
		r.Verdicts = make([]protocol.Verdict, len(x.answers))
	}
	for i := range x.answers {
		r.Verdicts[i] = x.answers[i].Verdict
	}
	if err := x.backupMark(ctx); err != nil {
		return nil, err
	}
	r.Now = merge.FormatInstant(x.now)
	r.PollIn = pollIn(x.limits.Poll, x.who)
	if r.More {
		r.PollIn = 0
	}
	return r, nil
}

// backupMark tells from which backup on the verdicts of this answer are safe.
// The epoch is read after the commits are durable: a backup that began in
// between may lack them, and then carries a number that is not above it.
func (x *exchange) backupMark(ctx context.Context) error {
	x.mu.Lock()
	done := x.completed
	x.mu.Unlock()
	if len(x.answers) == 0 {
		if done > x.req.Backup {
			x.resp.Backup = &protocol.BackupMark{Epoch: done, Done: done}
		}
		return nil
	}
	epochs := x.epochs
	if epochs == nil {
		got, err := x.Store.Epochs(ctx)
		if err != nil {
			return err
		}
		epochs = &got
	}
	x.knowBackup(epochs.Done)
	x.resp.Backup = &protocol.BackupMark{Epoch: epochs.Began, Done: epochs.Done}
	return nil
}

func (e *Engine) knowBackup(done uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.completed = max(e.completed, done)
}

// upgrade answers an app that may send and not read.
func (x *exchange) upgrade() {
	x.resp.Upgrade = &protocol.Upgrade{Min: x.MinApp}
	x.conceal(func(string) bool { return true })
}

func (x *exchange) outdated() bool { return x.MinApp != "" && olderVersion(x.req.App, x.MinApp) }
