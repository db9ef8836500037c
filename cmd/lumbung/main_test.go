package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
)

// lumbung runs the program as a shell would.
func lumbung(t *testing.T, store string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, log bytes.Buffer
	env := map[string]string{"LUMBUNG_STORE": store, "LUMBUNG_LOG_LEVEL": "error"}
	err = run(t.Context(), args, func(name string) string { return env[name] }, strings.NewReader(""), &out, &log)
	return out.String(), log.String(), err
}

func TestHelpNamesEveryCommand(t *testing.T) {
	out, _, err := lumbung(t, "", "help")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !strings.Contains(out, "\n  "+c.name) {
			t.Errorf("help lacks %s:\n%s", c.name, out)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, c := range commands() {
		asked, _, err := lumbung(t, "", "help", c.name)
		if err != nil || !strings.Contains(asked, "lumbung "+c.name) || !strings.Contains(asked, " / ") && !strings.Contains(asked, "\nSee") && !strings.Contains(asked, "\nPeople") {
			t.Errorf("help %s: %v\n%s", c.name, err, asked)
		}
		for _, args := range [][]string{{c.name, "-h"}, {c.name, "--help"}, {c.name, "help"}, {c.name, "x", "-help"}} {
			if out, _, err := lumbung(t, "", args...); err != nil || out != asked {
				t.Errorf("%q: %v\n%s", args, err, out)
			}
		}
	}
	if out, _, err := lumbung(t, "", "check", "-h"); err != nil || !strings.Contains(out, "--live") || !strings.Contains(out, "LUMBUNG_LISTEN") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWhatIsNotUnderstoodDoesNothing(t *testing.T) {
	for _, args := range [][]string{{}, {"dance"}, {"serve", "extra"}, {"serve", "-listen", "nowhere"}, {"user", "-store", filepath.Join(t.TempDir(), "x.db"), "add"}, {"version", "x"}, {"sim", "x"}, {"demo", "x"}, {"backup"}, {"restored", "x"}, {"user"}, {"load", "speed", "-only", "W7"}, {"load", "speed", "-larger=false", "-only", "W6"}} {
		if _, _, err := lumbung(t, filepath.Join(t.TempDir(), "l.db"), args...); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestPeopleWithARole(t *testing.T) {
	db := filepath.Join(t.TempDir(), "l.db")
	out, _, err := lumbung(t, db, "user", "add", "--phone", "0811-7000-001", "--role", "mentor")
	if err != nil || !strings.Contains(out, "+628117000001 mentor") {
		t.Fatalf("%q, %v", out, err)
	}
	if _, _, err := lumbung(t, db, "user", "add", "--phone", "08117000001", "--role", "admin"); err == nil {
		t.Error("the same phone was added twice")
	}
	if _, _, err := lumbung(t, db, "user", "roles", "08117000001", "admin", "mentor"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := lumbung(t, db, "user", "suspend", "+62 811 7000 001"); fault.CodeOf(err) != "last_admin" {
		t.Errorf("the last admin is suspended: %v", err)
	}
	if _, _, err := lumbung(t, db, "user", "add", "--phone", "0811-7000-002", "--role", "admin"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := lumbung(t, db, "user", "suspend", "+62 811 7000 001"); err != nil {
		t.Fatal(err)
	}
	out, _, err = lumbung(t, db, "user", "list")
	if err != nil || !strings.Contains(out, "suspended") || !strings.Contains(out, "admin,mentor") {
		t.Errorf("%q, %v", out, err)
	}
	if _, _, err := lumbung(t, db, "user", "dance", "08117000001"); !errors.As(err, new(usageError)) {
		t.Errorf("an action that does not exist: %v", err)
	}
}

func TestCheckLooksAtConfigurationAndDatabase(t *testing.T) {
	db := filepath.Join(t.TempDir(), "deep", "l.db")
	out, _, err := lumbung(t, db, "check")
	if err != nil || !strings.Contains(out, "no database yet") || !strings.Contains(out, "LUMBUNG_LISTEN=") {
		t.Errorf("%q, %v", out, err)
	}
	if _, _, err := lumbung(t, db, "user", "add", "--phone", "0811-7000-001", "--role", "mentor"); err != nil {
		t.Fatal(err)
	}
	if out, _, err := lumbung(t, db, "check"); err != nil || !strings.Contains(out, "are good") || strings.Contains(out, "scopes held") {
		t.Errorf("%q, %v", out, err)
	}
	if out, _, err := lumbung(t, db, "doctor"); err != nil || !strings.Contains(out, "the database is good") {
		t.Errorf("%q, %v", out, err)
	}
}

// TestLookingMakesNoDatabase: who mistypes the path is told so, and finds no
// empty database afterwards.
func TestLookingMakesNoDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{{"check"}, {"user", "list"}, {"user", "suspend", "0811-7000-001"}, {"backup", filepath.Join(t.TempDir(), "copy.db")}, {"restored"}} {
		if _, _, err := lumbung(t, filepath.Join(dir, "l.db"), args...); args[0] != "check" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestServeAnswersTheHealthCheckUntilItIsTold(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"LUMBUNG_STORE": filepath.Join(t.TempDir(), "l.db"), "LUMBUNG_LISTEN": addr, "LUMBUNG_LOG_LEVEL": "error"}
	getenv := func(name string) string { return env[name] }
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"serve"}, getenv, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); ; {
		if err = run(t.Context(), []string{"check", "--live"}, getenv, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			break
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("the server never was ready: %v", err)
		case err := <-done:
			t.Fatalf("the server ended: %v", err)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), []string{"check", "--live"}, getenv, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
		t.Error("a server that was stopped is alive")
	}
}
