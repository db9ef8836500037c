package sqlite

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync"
)

// Counter remembers the statements that reached the driver: give its See to
// Options.OnStatement. It is safe for concurrent use and its zero value is
// empty.
type Counter struct {
	mu  sync.Mutex
	all []string
}

// See notes one statement.
func (c *Counter) See(query string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, query)
}

// Take gives the statements seen since the last Take, in order.
func (c *Counter) Take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.all
	c.all = nil
	return out
}

// Count tells how many of the statements seen since the last Take begin with
// verb, in upper case, such as "COMMIT".
func (c *Counter) Count(verb string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, q := range c.all {
		if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(q)), verb) {
			n++
		}
	}
	return n
}

// watched is a connector whose connections tell every statement.
type watched struct {
	driver.Connector
	see func(query string)
}

// Connect opens a connection that tells.
func (w *watched) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := c.(fullConn)
	if !ok {
		return c, nil // a driver we do not know: nothing is counted, and the tests that count say so
	}
	return &watchedConn{full, w.see}, nil
}

// fullConn is what the driver's connections can do.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type watchedConn struct {
	fullConn
	see func(query string)
}

func (c *watchedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.see("BEGIN")
	tx, err := c.fullConn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return &watchedTx{tx, c.see}, nil
}

func (c *watchedConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	c.see(q)
	return c.fullConn.ExecContext(ctx, q, args)
}

func (c *watchedConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	c.see(q)
	return c.fullConn.QueryContext(ctx, q, args)
}

func (c *watchedConn) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	s, err := c.fullConn.PrepareContext(ctx, q)
	if err != nil {
		return nil, err
	}
	full, ok := s.(fullStmt)
	if !ok {
		return s, nil
	}
	return &watchedStmt{full, q, c.see}, nil
}

type watchedTx struct {
	driver.Tx
	see func(query string)
}

func (t *watchedTx) Commit() error {
	t.see("COMMIT")
	return t.Tx.Commit()
}

func (t *watchedTx) Rollback() error {
	t.see("ROLLBACK")
	return t.Tx.Rollback()
}

type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type watchedStmt struct {
	fullStmt
	query string
	see   func(query string)
}

func (s *watchedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.see(s.query)
	return s.fullStmt.ExecContext(ctx, args)
}

func (s *watchedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.see(s.query)
	return s.fullStmt.QueryContext(ctx, args)
}
