package storefault

import (
	"context"
	"errors"
	"sync"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// ErrCrashed says that the process which used the store is dead.
var ErrCrashed = errors.New("storefault: the process has crashed")

// Call is one call that a Plan decides on: of a method of a store, or of a
// primitive inside it.
type Call struct {
	N         int    // counts all calls of one Failing, from 1
	Method    string // of store.Store
	Primitive string // of Poor, such as "replace head"; "" is the method itself
	Step      int    // of the primitive inside its method, from 1
}

// Fate is what becomes of a call.
type Fate uint8

// The fates.
const (
	Live      Fate = iota // it works
	Refuse                // it is not done and the answer is Transient
	Lose                  // it is done and the answer is Transient
	DieBefore             // it is not done and the process is dead
	DieAfter              // it is done and the process is dead
)

// Plan decides on every call. It is called by one goroutine at a time.
type Plan func(Call) Fate

// Never is the plan of a process that nothing happens to.
func Never(Call) Fate { return Live }

// At is the plan that the n-th call has the fate.
func At(n int, fate Fate) Plan {
	return func(c Call) Fate {
		if c.N == n {
			return fate
		}
		return Live
	}
}

// Hookable is a store that does its work in primitives, each atomic.
type Hookable interface {
	store.Store
	// Hooked is the view of one process, whose primitives go through hook. What
	// hook does not carry out is not done; its error ends the method.
	Hooked(hook func(Call, func() error) error) store.Store
}

// Failing is a process's view of a store: its calls fail and it dies as planned.
// Once dead, every call gives ErrCrashed and does nothing; a new Failing around
// the same store is the restarted process.
//
// Around a Hookable, such as Poor, the primitives inside a method are calls too.
type Failing struct {
	inner store.Store
	plan  Plan
	hit   *Points

	mu     sync.Mutex
	calls  int
	dead   bool
	method string // that was called last
	step   int    // primitives of it so far
}

// NewFailing wraps inner. Points may be nil.
func NewFailing(inner store.Store, plan Plan, points *Points) *Failing {
	f := &Failing{inner: inner, plan: plan, hit: points}
	if p, ok := inner.(Hookable); ok {
		f.inner = p.Hooked(f.around)
	}
	return f
}

// Store gives f with store.Appender if the wrapped store has it.
func (f *Failing) Store() store.Store {
	if a, ok := f.inner.(store.Appender); ok {
		return failingAppender{f, a}
	}
	return f
}

// Calls tells how many calls there were.
func (f *Failing) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Dead reports whether the process has crashed.
func (f *Failing) Dead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// Kill ends the process between two calls.
func (f *Failing) Kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = true
}

func (f *Failing) decide(c Call) Fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return DieBefore
	}
	f.calls++
	c.N = f.calls
	f.place(&c)
	fate := f.plan(c)
	f.hit.note(c, fate)
	f.dead = fate == DieBefore
	return fate
}

// place completes a primitive that does not know its method: that of a process on
// a network, which sees commands only.
func (f *Failing) place(c *Call) {
	switch {
	case c.Primitive == "":
		f.method, f.step = c.Method, 0
	case c.Method == "":
		f.step++
		c.Method, c.Step = f.method, f.step
	}
}

// around carries a call out as planned.
func (f *Failing) around(c Call, do func() error) error {
	fate := f.decide(c)
	switch fate {
	case DieBefore:
		return ErrCrashed
	case Refuse:
		return passing(c)
	}
	err := do()
	switch {
	case fate == DieAfter:
		f.Kill()
		return ErrCrashed
	case f.Dead(): // it died inside, or another call killed the process meanwhile
		return ErrCrashed
	case fate == Lose && err == nil:
		return passing(c)
	}
	return err
}

func passing(c Call) error {
	return &fault.Error{Kind: fault.Transient, Code: "unavailable", Text: "planned failure of " + c.Method + " " + c.Primitive}
}

// give is around for a method with an answer, which is lost with an error.
func give[T any](f *Failing, method string, do func() (T, error)) (out T, err error) {
	err = f.around(Call{Method: method}, func() (err error) {
		out, err = do()
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

func (f *Failing) try(method string, do func() error) error {
	return f.around(Call{Method: method}, do)
}

type failingAppender struct {
	*Failing
	a store.Appender
}

// Append keeps the promise of store.Appender.
func (f failingAppender) Append(ctx context.Context, c *store.Commit) (store.Head, error) {
	return give(f.Failing, "Append", func() (store.Head, error) { return f.a.Append(ctx, c) })
}

// Create keeps the promise of store.Log, as all methods below do.
func (f *Failing) Create(ctx context.Context, h store.Head) error {
	return f.try("Create", func() error { return f.inner.Create(ctx, h) })
}

// Head reads one head.
func (f *Failing) Head(ctx context.Context, scope string) (store.Head, error) {
	return give(f, "Head", func() (store.Head, error) { return f.inner.Head(ctx, scope) })
}

// Look reads a head and the numbers of backups.
func (f *Failing) Look(ctx context.Context, scope string) (store.Head, store.Epochs, error) {
	type seen struct {
		head   store.Head
		epochs store.Epochs
	}
	got, err := give(f, "Look", func() (s seen, err error) {
		s.head, s.epochs, err = f.inner.Look(ctx, scope)
		return s, err
	})
	return got.head, got.epochs, err
}

// Expect notes that foreign refusals may come.
func (f *Failing) Expect(ctx context.Context, scope string) error {
	return f.try("Expect", func() error { return f.inner.Expect(ctx, scope) })
}

// HeadsFor reads the heads of a user and of named scopes.
func (f *Failing) HeadsFor(ctx context.Context, user string, scopes []string) ([]store.Head, error) {
	return give(f, "HeadsFor", func() ([]store.Head, error) { return f.inner.HeadsFor(ctx, user, scopes) })
}

// CatchUp makes what is told elsewhere visible.
func (f *Failing) CatchUp(ctx context.Context, scope string) error {
	return f.try("CatchUp", func() error { return f.inner.CatchUp(ctx, scope) })
}

// Load reads what a resolve needs.
func (f *Failing) Load(ctx context.Context, scope string, want store.Want) (store.Loaded, error) {
	return give(f, "Load", func() (store.Loaded, error) { return f.inner.Load(ctx, scope, want) })
}

// Insert puts a commit into the log.
func (f *Failing) Insert(ctx context.Context, c *store.Commit) error {
	return f.try("Insert", func() error { return f.inner.Insert(ctx, c) })
}

// Withdraw removes an own entry.
func (f *Failing) Withdraw(ctx context.Context, c *store.Commit) error {
	return f.try("Withdraw", func() error { return f.inner.Withdraw(ctx, c) })
}

// Entry reads a log entry.
func (f *Failing) Entry(ctx context.Context, scope string, generation uint32, seq merge.Seq) (*store.Commit, error) {
	return give(f, "Entry", func() (*store.Commit, error) { return f.inner.Entry(ctx, scope, generation, seq) })
}

// Chain reads the chain hash of a log entry.
func (f *Failing) Chain(ctx context.Context, scope string, generation uint32, seq merge.Seq) (string, error) {
	return give(f, "Chain", func() (string, error) { return f.inner.Chain(ctx, scope, generation, seq) })
}

// Fold carries a commit into records, pages and head.
func (f *Failing) Fold(ctx context.Context, c *store.Commit, from store.Head) (store.Head, error) {
	return give(f, "Fold", func() (store.Head, error) { return f.inner.Fold(ctx, c, from) })
}

// Changed reads a page of records.
func (f *Failing) Changed(ctx context.Context, scope string, after store.Position, upTo, skipDead merge.Seq, limit int) (store.Page, error) {
	return give(f, "Changed", func() (store.Page, error) { return f.inner.Changed(ctx, scope, after, upTo, skipDead, limit) })
}

// Unfolded finds scopes with entries above applied.
func (f *Failing) Unfolded(ctx context.Context, limit int) ([]string, error) {
	return give(f, "Unfolded", func() ([]string, error) { return f.inner.Unfolded(ctx, limit) })
}

// Waiting finds heads with a mark.
func (f *Failing) Waiting(ctx context.Context, follower string, limit int) ([]store.Head, error) {
	return give(f, "Waiting", func() ([]store.Head, error) { return f.inner.Waiting(ctx, follower, limit) })
}

// Done clears a mark.
func (f *Failing) Done(ctx context.Context, scope, follower string, seq merge.Seq) error {
	return f.try("Done", func() error { return f.inner.Done(ctx, scope, follower, seq) })
}

// Prune deletes old log entries.
func (f *Failing) Prune(ctx context.Context, scope string, upTo merge.Seq) error {
	return f.try("Prune", func() error { return f.inner.Prune(ctx, scope, upTo) })
}

// Erase empties old tombstones and pages.
func (f *Failing) Erase(ctx context.Context, scope string, from, upTo merge.Seq) error {
	return f.try("Erase", func() error { return f.inner.Erase(ctx, scope, from, upTo) })
}

// Scopes lists scopes.
func (f *Failing) Scopes(ctx context.Context, after string, limit int) ([]string, error) {
	return give(f, "Scopes", func() ([]string, error) { return f.inner.Scopes(ctx, after, limit) })
}

// Raise begins a generation.
func (f *Failing) Raise(ctx context.Context, scope string, next merge.Generation, fork merge.Fork) error {
	return f.try("Raise", func() error { return f.inner.Raise(ctx, scope, next, fork) })
}

// Claim takes a name.
func (f *Failing) Claim(ctx context.Context, space, key, holder string) (string, error) {
	return give(f, "Claim", func() (string, error) { return f.inner.Claim(ctx, space, key, holder) })
}

// Holder reads who has a name.
func (f *Failing) Holder(ctx context.Context, space, key string) (string, error) {
	return give(f, "Holder", func() (string, error) { return f.inner.Holder(ctx, space, key) })
}

// Release gives a name up.
func (f *Failing) Release(ctx context.Context, space, key, holder string) error {
	return f.try("Release", func() error { return f.inner.Release(ctx, space, key, holder) })
}

// Epochs reads the numbers of backups.
func (f *Failing) Epochs(ctx context.Context) (store.Epochs, error) {
	return give(f, "Epochs", func() (store.Epochs, error) { return f.inner.Epochs(ctx) })
}

// Begin numbers a backup.
func (f *Failing) Begin(ctx context.Context) (uint64, error) {
	return give(f, "Begin", func() (uint64, error) { return f.inner.Begin(ctx) })
}

// Complete says that a backup is whole.
func (f *Failing) Complete(ctx context.Context, epoch uint64) error {
	return f.try("Complete", func() error { return f.inner.Complete(ctx, epoch) })
}

// Ping reports whether the store can answer.
func (f *Failing) Ping(ctx context.Context) error {
	return f.try("Ping", func() error { return f.inner.Ping(ctx) })
}
