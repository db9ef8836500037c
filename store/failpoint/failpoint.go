// Package failpoint kills its own process before or after a call of the store, as if
// the power button had been pressed there. Only a program that was built with the tag
// failpoints holds it.
package failpoint

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/lumbung-ikm/lumbung/store"
)

// Variable names the point at which the program dies, such as "append.after:37".
const Variable = "LUMBUNG_FAILPOINT"

// Names are the methods that a point can name.
func Names() []string {
	return []string{"append", "create", "head", "look", "expect", "headsfor", "catchup", "load", "insert", "withdraw", "entry", "chain", "fold", "changed", "unfolded",
		"waiting", "done", "prune", "erase", "scopes", "raise", "claim", "holder", "release", "epochs", "begin", "complete", "ping", "backup"}
}

// Point is a place in the life of a process.
type Point struct {
	Method string // one of Names
	After  bool   // the call was made, and nobody hears of it
	N      int64  // the how manieth call of the method, from 1
}

// Parse reads a point; "" is none.
func Parse(text string) (*Point, error) {
	if text == "" {
		return nil, nil
	}
	place, count, _ := strings.Cut(text, ":")
	method, when, _ := strings.Cut(place, ".")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 || when != "before" && when != "after" || !slices.Contains(Names(), method) {
		return nil, fmt.Errorf("%s=%q is no point: METHOD.before:N or METHOD.after:N is, with one of %v", Variable, text, Names())
	}
	return &Point{method, when == "after", n}, nil
}

// DB is an embedded store with everything that it offers.
type DB interface {
	store.Store
	store.Appender
	store.Portable
	Identity() store.Identity
	Backup(ctx context.Context, path string) error
	Queued() int
	Trouble() error
	Close() error
}

// Around gives db as a process sees it that dies at p; nil is never.
func Around(db DB, p *Point) DB {
	if p == nil {
		return db
	}
	return &doomed{DB: db, at: *p, die: die}
}

// die ends the process at once: nothing is flushed, closed or told.
func die() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic("failpoint: " + err.Error())
	}
	select {} // the signal is on its way
}

// doomed is a store whose process dies at a call.
type doomed struct {
	DB
	at    Point
	calls atomic.Int64
	die   func()
}

// pass does a call, or dies beside it.
func pass[T any](d *doomed, method string, do func() (T, error)) (T, error) {
	hit := method == d.at.Method && d.calls.Add(1) == d.at.N
	if hit && !d.at.After {
		d.die()
	}
	got, err := do()
	if hit && d.at.After {
		d.die()
	}
	return got, err
}

// try is pass for a call without an answer.
func try(d *doomed, method string, do func() error) error {
	_, err := pass(d, method, func() (struct{}, error) { return struct{}{}, do() })
	return err
}
