package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
)

// fresh opens an empty database that is closed with the test.
func fresh(t testing.TB, o Options) *DB {
	t.Helper()
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "lumbung.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// note is a write that leaves a row behind.
func note(name string) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES (?, 1)`, name)
		return err
	}
}

func noted(t *testing.T, d *DB, name string) bool {
	t.Helper()
	var n int
	if err := d.read.QueryRowContext(t.Context(), `SELECT count(*) FROM meta WHERE name = ?`, name).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n == 1
}

func TestPragmasReachEveryConnection(t *testing.T) {
	d := fresh(t, Options{Readers: 3})
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"}
	var conns []*sql.Conn
	for range 3 {
		c, err := d.read.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
		if _, err := c.ExecContext(t.Context(), `DELETE FROM meta`); err == nil {
			t.Error("a read connection can write")
		}
	}
	c, err := d.single.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, c := range append(conns, c) {
		for pragma, want := range want {
			var got string
			if err := c.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("connection %d: %s is %q (%v), want %q", i, pragma, got, err, want)
			}
		}
	}
}

// held keeps the writer busy until let is called, so that later writes wait
// together.
func held(t *testing.T, d *DB) (let func()) {
	t.Helper()
	begun, over := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	go func() {
		result <- d.write(context.Background(), func(context.Context, *sql.Tx) error {
			close(begun)
			<-over
			return nil
		})
	}()
	<-begun
	return func() {
		close(over)
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
}

// waiting returns when n writes wait.
func waiting(d *DB, n int) {
	for {
		d.queue.mu.Lock()
		have := len(d.queue.jobs)
		d.queue.mu.Unlock()
		if have == n {
			return
		}
		runtime.Gosched()
	}
}

// TestFlushesAndWhatTheyHoldAreCounted: one write alone, then five that waited meanwhile
// and one that nobody waits for any more.
func TestFlushesAndWhatTheyHoldAreCounted(t *testing.T) {
	d := fresh(t, Options{})
	let := held(t, d)
	flushes, before := d.Flushes(), d.Flushed() // without the one that is held
	var wg sync.WaitGroup
	for n := range 5 {
		wg.Go(func() {
			if err := d.write(t.Context(), note(fmt.Sprint(n))); err != nil {
				t.Error(err)
			}
		})
	}
	waiting(d, 5)
	ctx, giveUp := context.WithCancel(t.Context())
	wg.Go(func() {
		if err := d.write(ctx, note("late")); err == nil {
			t.Error("a write that was given up was done")
		}
	})
	waiting(d, 6)
	giveUp()
	let()
	wg.Wait()
	d.queue.close() // the writer counts after it has answered
	if f, w := d.Flushes()-flushes, d.Flushed()-before; f != 2 || w != 6 {
		t.Errorf("%d flushes held %d writes, want 2 and 6", f, w)
	}
}

func TestWritesThatWaitShareOneCommit(t *testing.T) {
	var seen Counter
	d := fresh(t, Options{OnStatement: seen.See})
	let := held(t, d)
	seen.Take()
	writes := map[string]func(context.Context, *sql.Tx) error{
		"good": note("good"),
		"fails": func(ctx context.Context, tx *sql.Tx) error {
			return errors.Join(note("fails")(ctx, tx), errors.New("no"))
		},
		"panics": func(ctx context.Context, tx *sql.Tx) error {
			_ = note("panics")(ctx, tx)
			panic("oh")
		},
		"breaks": func(ctx context.Context, tx *sql.Tx) error {
			return errors.Join(note("breaks")(ctx, tx), note("breaks")(ctx, tx))
		},
		"also good": note("also good"),
	}
	var wg sync.WaitGroup
	for name, fn := range writes {
		wg.Go(func() {
			err := d.write(t.Context(), fn)
			if good := strings.Contains(name, "good"); good != (err == nil) {
				t.Errorf("%s: %v", name, err)
			} else if !good && fault.KindOf(err) != fault.Internal {
				t.Errorf("%s: kind %d", name, fault.KindOf(err))
			}
		})
	}
	waiting(d, len(writes))
	let()
	wg.Wait()
	for name := range writes {
		if got, want := noted(t, d, name), strings.Contains(name, "good"); got != want {
			t.Errorf("%s is kept: %t, want %t", name, got, want)
		}
	}
	if got := seen.Count("COMMIT"); got != 2 { // the holder's and the batch's
		t.Errorf("%d commits, want 2", got)
	}
}

func TestABatchIsBounded(t *testing.T) {
	var seen Counter
	d := fresh(t, Options{OnStatement: seen.See, Batch: 4})
	let := held(t, d)
	seen.Take()
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if err := d.write(t.Context(), note(string(rune('a'+i)))); err != nil {
				t.Error(err)
			}
		})
	}
	waiting(d, 10)
	let()
	wg.Wait()
	if got := seen.Count("COMMIT"); got != 4 {
		t.Errorf("%d commits for 1+10 writes, want 1+3", got)
	}
}

func TestAWriteWhoseContextEndedIsSkipped(t *testing.T) {
	d := fresh(t, Options{})
	let := held(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- d.write(ctx, note("late")) }()
	waiting(d, 1)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Transient {
		t.Errorf("got %v", err)
	}
	let()
	if err := d.write(t.Context(), note("next")); err != nil {
		t.Fatal(err)
	}
	if noted(t, d, "late") || !noted(t, d, "next") {
		t.Error("the skipped write ran, or the next did not")
	}
}

func TestAContextThatEndsDuringAWriteDoesNotHurtIt(t *testing.T) {
	d := fresh(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	err := d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		cancel()
		return note("begun")(ctx, tx)
	})
	if err != nil || !noted(t, d, "begun") {
		t.Errorf("got %v", err)
	}
}

func TestALostTransactionFailsEveryWriteOfIt(t *testing.T) {
	d := fresh(t, Options{})
	let := held(t, d)
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		wg.Go(func() {
			err := d.write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				if name == "b" { // as a full disk does
					_, err := tx.ExecContext(ctx, `ROLLBACK`)
					return err
				}
				return note(name)(ctx, tx)
			})
			if fault.KindOf(err) != fault.Transient {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	waiting(d, 3)
	let()
	wg.Wait()
	if noted(t, d, "a") || noted(t, d, "c") {
		t.Error("a part of the transaction was kept")
	}
	if err := d.write(t.Context(), note("after")); err != nil || !noted(t, d, "after") {
		t.Errorf("the writer does not recover: %v", err)
	}
}

func TestCloseFinishesWhatWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lumbung.db")
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	let := held(t, d)
	result := make(chan error, 1)
	go func() { result <- d.write(context.Background(), note("waited")) }()
	waiting(d, 1)
	closed := make(chan error, 1)
	go func() { closed <- d.Close() }()
	let()
	if err := errors.Join(<-result, <-closed, d.Close()); err != nil {
		t.Fatal(err)
	}
	if err := d.write(t.Context(), note("late")); fault.KindOf(err) != fault.Transient {
		t.Errorf("a write after Close: %v", err)
	}
	if d, err = Open(t.Context(), path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if !noted(t, d, "waited") {
		t.Error("the write is gone")
	}
}

// TestSmallWritesPassLargeOnes: a transaction takes few rows of large writes, so that
// nobody waits long for its end, and one large write at least.
func TestSmallWritesPassLargeOnes(t *testing.T) {
	q := newQueue(6, &disk{})
	add := func(rows ...int) {
		for _, n := range rows {
			q.jobs = append(q.jobs, &job{ctx: t.Context(), rows: n, done: make(chan error, 1)})
		}
	}
	for n, tt := range []struct{ come, taken []int }{
		{[]int{20, 200, 200, 1, 200, 1}, []int{20, 200, 1, 1}},
		{[]int{1, 1}, []int{200, 1, 1}},
		{[]int{100, 100, 1, 1, 1, 1, 1, 1, 1}, []int{200, 1, 1, 1, 1, 1}},
		{[]int{1}, []int{100, 100, 1, 1, 1}},
		{[]int{1000, 64, 63, 1000}, []int{1000, 63}},
		{nil, []int{64}},
		{[]int{5}, []int{1000, 5}},
		{nil, nil},
	} {
		add(tt.come...)
		var taken []int
		jobs, _ := q.take()
		for _, j := range jobs {
			taken = append(taken, j.rows)
		}
		if !slices.Equal(taken, tt.taken) {
			t.Errorf("transaction %d takes %v, want %v", n, taken, tt.taken)
		}
	}
}

// TestWhoGivesUpLeavesTheQueue: while the disk does not answer, nothing gathers behind it.
func TestWhoGivesUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10, nil)
		waiting := (&DB{queue: q}).Queued
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if err := q.do(ctx, 1, nil); fault.CodeOf(err) != "unavailable" {
					t.Errorf("%v", err)
				}
			})
		}
		synctest.Wait()
		if n := waiting(); n != 100 {
			t.Errorf("%d wait", n)
		}
		all.Wait()
		if n := waiting(); n != 0 {
			t.Errorf("%d are left that nobody waits for", n)
		}
	})
}
