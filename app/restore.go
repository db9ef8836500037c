package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	syncer "github.com/lumbung-ikm/lumbung/sync"
)

// Restore puts a copy in the place of the database while no server runs: it holds the copy
// against itself, begins a new generation of every scope in it, moves what was there aside
// and gives the copy its name. Before the last step everything is as it was, and it may be
// repeated. aside is where the old files are now, "" if there were none.
//
// Errors: NotFound "database_missing"; Conflict "database_in_use", "backup_in_place",
// "copy_damaged", "backup_unsupported".
func Restore(ctx context.Context, cfg config.Config, from string) (scopes int, aside string, err error) {
	if cfg.Mongo() {
		return 0, "", &fault.Error{Kind: fault.Conflict, Code: "backup_unsupported", Text: "this store makes its copies by its own tools; run \"lumbung restored\" behind them"}
	}
	path := cfg.StorePath()
	copied, err := os.Stat(from)
	if err != nil {
		return 0, "", &fault.Error{Kind: fault.NotFound, Code: "database_missing", Text: "no copy at " + from, Cause: err}
	}
	if own, err := os.Stat(path); err == nil && os.SameFile(own, copied) {
		return 0, "", &fault.Error{Kind: fault.Conflict, Code: "backup_in_place", Text: from + " is the database itself: name a copy"}
	}
	release, err := lockDatabase(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := sound(ctx, cfg, from); err != nil {
		return 0, "", err
	}
	part := path + ".restoring"
	if err := removeDatabase(part); err != nil {
		return 0, "", err
	}
	for _, end := range []string{"", "-wal"} { // a copy by other means may have its log of changes beside it
		if err := copyFile(from+end, part+end); err != nil && (end == "" || !errors.Is(err, os.ErrNotExist)) {
			return 0, "", fmt.Errorf("copy the copy: %w", err)
		}
	}
	if scopes, err = begunAnew(ctx, part); err != nil {
		return 0, "", err
	}
	ready := path + sqlite.RestoredEnd // while it is there no server starts
	if err := errors.Join(os.Rename(part, ready), flushFolder(path)); err != nil {
		return scopes, "", err
	}
	if aside, err = putAside(path); err != nil {
		return scopes, aside, err
	}
	if err := os.Rename(ready, path); err != nil {
		return scopes, aside, err
	}
	return scopes, aside, flushFolder(path)
}

// sound refuses a copy that is damaged itself.
func sound(ctx context.Context, cfg config.Config, from string) error {
	cfg.Store = "sqlite:" + from
	h, err := Doctor(ctx, cfg)
	if err != nil {
		return err
	}
	for _, f := range h.Findings {
		if f.Grave {
			return &fault.Error{Kind: fault.Conflict, Code: "copy_damaged", Text: fmt.Sprintf("%s is damaged itself (%s: %s): take an older one", from, f.Part, f.Text)}
		}
	}
	return nil
}

// begunAnew is Restored on a file that has not got its place yet.
func begunAnew(ctx context.Context, path string) (scopes int, err error) {
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return 0, err
	}
	e := &syncer.Engine{Store: db, Clock: clock.System{}, IDs: id.Maker{Clock: clock.System{}, Rand: rand.Reader}}
	scopes, err = e.Restored(ctx)
	if err = errors.Join(err, db.Close()); err != nil {
		return scopes, err
	}
	return scopes, flushFolder(path)
}

// putAside moves the files of a database, with its log of changes: a new file must never
// meet the old log. What an earlier try has moved stays.
func putAside(path string) (aside string, err error) {
	for n := 1; ; n++ {
		aside = fmt.Sprintf("%s.old-%d", path, n)
		if _, err := os.Stat(aside); errors.Is(err, os.ErrNotExist) {
			break
		} else if err != nil {
			return "", err
		}
	}
	moved := false
	for _, end := range []string{"-wal", "-shm", sqlite.MarkEnd, ""} { // the file itself last: without it a start would make a new one
		err := os.Rename(path+end, aside+end)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return aside, err
		}
		moved = moved || err == nil
	}
	if !moved {
		aside = ""
	}
	return aside, flushFolder(path)
}

func removeDatabase(path string) error {
	for _, end := range []string{"", "-wal", "-shm", sqlite.MarkEnd} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyFile copies a file that is not there yet, and puts it on disk.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	return errors.Join(out.Sync(), out.Close())
}

// flushFolder puts the names beside a file on disk.
func flushFolder(path string) error {
	f, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
