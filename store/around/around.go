// Package around puts something around every call of a store: a deadline, a trace, or
// in tests a trouble.
package around

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/trace"
)

// Call names a method of a store. One that writes may be deaf to the end of its context
// (a transaction that others share is not interrupted), one that reads is not.
type Call struct {
	Method string
	Writes bool
}

// Read is a call that only reads.
func Read(method string) Call { return Call{Method: method} }

// Write is a call that writes.
func Write(method string) Call { return Call{Method: method, Writes: true} }

// Hook is around one call. It may give another context to do, which does the call; it
// gives nil only if do was called, has returned and gave nil. What do left behind is
// used only then, so that a hook may leave a call that does not return.
type Hook func(ctx context.Context, c Call, do func(context.Context) error) error

// give is a call with an answer.
func give[T any](ctx context.Context, hook Hook, c Call, do func(context.Context) (T, error)) (out T, err error) {
	left := new(T)
	err = hook(ctx, c, func(ctx context.Context) (err error) {
		*left, err = do(ctx)
		return err
	})
	if err != nil {
		return out, err
	}
	return *left, nil
}

// Bounds of calls that do not return.
const (
	grace     = time.Second     // for a call to say by itself that its context has ended; no longer than it had
	comeBack  = 5 * time.Second // when to ask again
	mostStuck = 500             // calls that were left and have not returned; more are not begun
)

// Within is a Hook that gives a call so long. A write that takes no notice of the end of
// its context, because the disk does not take it, is left behind: its caller is told that
// the store is not available, as after a call whose answer got lost, and its answer is
// thrown away. When hundreds of them are stuck no more are begun. A read ends with its
// context; it costs no goroutine.
//
// Errors: those of the call; Transient "unavailable".
func Within(most time.Duration) Hook {
	g := &guard{most: most}
	return g.call
}

type guard struct {
	most  time.Duration
	stuck atomic.Int64
}

// task is a call under way.
type task struct {
	ctx   context.Context
	do    func(context.Context) error
	done  chan error
	state atomic.Int32
	panic any
}

// States of a task.
const (
	under int32 = iota
	returned
	left
)

func (g *guard) call(ctx context.Context, c Call, do func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, g.most)
	defer stop()
	if !c.Writes {
		return do(ctx)
	}
	if g.stuck.Load() >= mostStuck {
		return away(c, errors.New("hundreds of calls have not returned"))
	}
	t := &task{ctx: ctx, do: do, done: make(chan error, 1)}
	go g.work(t)
	select {
	case err := <-t.done:
		return t.outcome(err)
	case <-ctx.Done():
	}
	timer := time.NewTimer(min(grace, g.most))
	defer timer.Stop()
	select {
	case err := <-t.done:
		return t.outcome(err)
	case <-timer.C:
	}
	g.stuck.Add(1)
	if !t.state.CompareAndSwap(under, left) { // it returned in this very moment
		g.stuck.Add(-1)
		return t.outcome(<-t.done)
	}
	return away(c, ctx.Err())
}

func away(c Call, cause error) error {
	return &fault.Error{Kind: fault.Transient, Code: "unavailable", Text: "the store has not answered " + c.Method, After: comeBack, Cause: cause}
}

// outcome is what a call gave. A panic goes on where the call was made.
func (t *task) outcome(err error) error {
	if t.panic != nil {
		panic(t.panic)
	}
	return err
}

// work does a call.
func (g *guard) work(t *task) {
	err := t.run()
	if !t.state.CompareAndSwap(under, returned) {
		g.stuck.Add(-1)
	}
	t.done <- err
}

func (t *task) run() (err error) {
	defer func() {
		if p := recover(); p != nil {
			t.panic = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
	}()
	return t.do(t.ctx)
}

// Traced is a Hook that notes a call in the trace of its context, if there is one.
func Traced(ctx context.Context, c Call, do func(context.Context) error) error {
	ctx, span := trace.Begin(ctx, "store", trace.Asked)
	if span == nil {
		return do(ctx)
	}
	span.Rename("store " + c.Method)
	span.Say(trace.Call, c.Method)
	err := do(ctx)
	if k := fault.KindOf(err); err != nil && (k == fault.Transient || k == fault.Internal && !expected(err)) {
		span.Fail(fault.CodeOf(err))
	}
	span.End()
	return err
}

// expected says that an error is an answer.
func expected(err error) bool {
	return errors.Is(err, store.ErrAbsent) || errors.Is(err, store.ErrTaken) || errors.Is(err, store.ErrStale)
}

// Both gives a hook that has inner inside outer.
func Both(outer, inner Hook) Hook {
	return func(ctx context.Context, c Call, do func(context.Context) error) error {
		return outer(ctx, c, func(ctx context.Context) error { return inner(ctx, c, do) })
	}
}
