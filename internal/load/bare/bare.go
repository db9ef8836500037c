// Package bare measures what the machine and the libraries give at most, so that the
// figures of the program stand beside the limits that it cannot pass: an HTTP server
// that does nothing, one that only decodes, and a database that only commits.
package bare

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"
	_ "modernc.org/sqlite" // its name is used below

	"github.com/lumbung-ikm/lumbung/clock"
)

// Serve answers on ln until ctx ends: /echo what was sent, /decode a word once the body
// is decoded into what a map holds.
func Serve(ctx context.Context, ln net.Listener) error {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Post("/echo", func(c *fiber.Ctx) error { return c.Send(c.Body()) })
	app.Post("/decode", func(c *fiber.Ctx) error {
		var v map[string]any
		if err := json.Unmarshal(c.Body(), &v); err != nil {
			return err
		}
		return c.SendString("ok")
	})
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stopped <- app.Shutdown()
	}()
	if err := app.Listener(ln); err != nil && ctx.Err() == nil {
		return err
	}
	return <-stopped
}

// Commit writes rows of a size into a database at path, so many per commit, each
// commit on disk before the next begins, for a while, and gives rows per second.
func Commit(ctx context.Context, path string, size, rows int, long time.Duration, c clock.Clock) (perSecond float64, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, body TEXT NOT NULL)`); err != nil {
		return 0, err
	}
	put, err := db.PrepareContext(ctx, `INSERT INTO log (body) VALUES (?)`)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, put.Close()) }()
	body := fmt.Sprintf("%0*d", size, 7)
	n, began := 0, c.Now()
	for c.Now().Sub(began) < long {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		in := tx.StmtContext(ctx, put)
		for range rows {
			if _, err := in.ExecContext(ctx, body); err != nil {
				return 0, errors.Join(err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
		n += rows
	}
	return float64(n) / c.Now().Sub(began).Seconds(), nil
}
