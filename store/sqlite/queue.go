package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lumbung-ikm/lumbung/fault"
)

// job is one write that waits for its turn.
type job struct {
	ctx   context.Context
	rows  int // that it writes, about
	fn    func(ctx context.Context, tx *sql.Tx) error
	taken atomic.Bool // by the writer, or by its owner who gives it up
	err   error       // what fn said
	wrote bool        // it changed a row; known only while the disk takes no writes
	done  chan error
}

// A transaction makes all of its jobs wait for its end, so that one takes no more
// rows of large jobs than a few: small ones that came later pass those that are left,
// of which the first is in the next.
const (
	largeJob  = 64  // rows from which a job is large
	mostLarge = 256 // rows of large jobs in one transaction, if it is more than one job
)

// queue gathers writes and lets one goroutine carry them out, many at a time.
type queue struct {
	batch int
	disk  *disk
	wake  chan struct{}
	ended chan struct{} // closed when the writer has stopped
	done  atomic.Uint64 // transactions so far
	held  atomic.Uint64 // jobs that they held

	mu     sync.Mutex
	jobs   []*job
	closed bool
}

func newQueue(batch int, d *disk) *queue {
	return &queue{batch: batch, disk: d, wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// do queues fn, which writes so many rows, and waits for the flush that holds its work.
func (q *queue) do(ctx context.Context, rows int, fn func(context.Context, *sql.Tx) error) error {
	j := &job{ctx: ctx, rows: rows, fn: fn, done: make(chan error, 1)}
	if err := q.add(j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			q.leave(j)
			return broken("wait for the writer", ctx.Err())
		}
		return <-j.done // begun: it will be over soon
	}
}

// leave takes out a job whose owner has given it up: the writer may never come to it.
func (q *queue) leave(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.jobs, j); i >= 0 { // it may have been taken meanwhile, and passed over
		q.jobs = slices.Delete(q.jobs, i, i+1)
	}
}

func (q *queue) add(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return &fault.Error{Kind: fault.Transient, Code: "unavailable", Text: "the database is closed"}
	}
	q.jobs = append(q.jobs, j)
	q.signal()
	return nil
}

// Queued is how many writes wait for the next flush.
func (d *DB) Queued() int {
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	return len(d.queue.jobs)
}

// Flushes is how many transactions were carried out since the start, each with one flush.
func (d *DB) Flushes() uint64 { return d.queue.done.Load() }

// Flushed is how many writes these transactions held. Those that were refused, or that the
// disk did not take, are among them.
func (d *DB) Flushed() uint64 { return d.queue.held.Load() }

// signal wakes the writer; the lock is held.
func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// close lets the writer finish what waits and returns when it has stopped.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.signal()
	q.mu.Unlock()
	<-q.ended
}

// run is the writer. It ends when the queue is closed and empty.
func (q *queue) run(db *sql.DB) {
	defer close(q.ended)
	for {
		jobs, closed := q.take()
		switch {
		case len(jobs) > 0:
			flush(db, q.disk, jobs)
			q.done.Add(1)
			q.held.Add(uint64(len(jobs)))
		case closed:
			return
		default:
			<-q.wake
		}
	}
}

// take gives the next batch, without the jobs that nobody waits for.
func (q *queue) take() (jobs []*job, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	large := 0
	left := q.jobs[:0]
	for i, j := range q.jobs {
		if len(jobs) == q.batch {
			left = append(left, q.jobs[i:]...)
			break
		}
		if j.rows >= largeJob {
			if large > 0 && large+j.rows > mostLarge {
				left = append(left, j)
				continue
			}
		}
		if !j.taken.CompareAndSwap(false, true) {
			continue
		}
		if err := j.ctx.Err(); err != nil {
			j.done <- broken("wait for the writer", err)
			continue
		}
		if j.rows >= largeJob {
			large += j.rows
		}
		jobs = append(jobs, j)
	}
	clear(q.jobs[len(left):])
	q.jobs = left
	return jobs, q.closed
}

// flush carries jobs out in one transaction and answers all of them, after it has noted
// what the disk said.
func flush(db *sql.DB, d *disk, jobs []*job) {
	watch := d.trouble() != nil // then only what is written says that the disk takes writes
	err := inOne(db, jobs, watch)
	said := err
	for _, j := range jobs {
		if isDisk(j.err) && !isDisk(said) {
			said = j.err // it took the transaction, and the work of all others, with it
		}
	}
	if said != nil || !watch || slices.ContainsFunc(jobs, func(j *job) bool { return j.wrote }) {
		d.note(said)
	}
	for _, j := range jobs {
		if err != nil && j.err == nil {
			j.err = said
		}
		j.done <- j.err
	}
}

// inOne gives an error if nothing of the whole batch was kept.
func inOne(db *sql.DB, jobs []*job, watch bool) error {
	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return lost("begin", err)
	}
	if len(jobs) == 1 { // no other work to protect
		if jobs[0].run(tx, watch); jobs[0].err != nil {
			return lost("roll back", tx.Rollback())
		}
		return lost("commit", tx.Commit())
	}
	for _, j := range jobs {
		if err := j.apart(ctx, tx, watch); err != nil {
			return errors.Join(lost("guard one write from another", err), tx.Rollback())
		}
	}
	return lost("commit", tx.Commit())
}

// apart runs the job so that its failure undoes its own work only. The error
// is that of the transaction, not the job's.
func (j *job) apart(ctx context.Context, tx *sql.Tx, watch bool) error {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT job`); err != nil {
		return err
	}
	if j.run(tx, watch); j.err != nil {
		if _, err := tx.ExecContext(ctx, `ROLLBACK TO job`); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `RELEASE job`)
	return err
}

// run calls the job and keeps its error; a panic is one. If watch, it looks whether the job
// changed a row.
func (j *job) run(tx *sql.Tx, watch bool) {
	defer func() {
		if p := recover(); p != nil {
			j.err = &fault.Error{Kind: fault.Internal, Code: "internal", Text: "a write panicked",
				Cause: fmt.Errorf("%v\n%s", p, debug.Stack())}
		}
	}()
	ctx := context.WithoutCancel(j.ctx)
	rows := func() (n int64) {
		if watch && tx.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&n) != nil {
			return 0
		}
		return n
	}
	before := rows()
	if j.err = broken("write", j.fn(ctx, tx)); j.err == nil {
		j.wrote = rows() > before
	}
}
