package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
)

// TestATrailChangedByHandIsFound: whoever has the file and writes somebody else into an entry
// of the trail is found by the doctor: in the record, in the log, and in both.
func TestATrailChangedByHandIsFound(t *testing.T) {
	const who, other = "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60", "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f61"
	cfg := settings(t)
	a := build(t, cfg)
	for _, actor := range []string{who, "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f62"} {
		if err := a.Trail.Change(t.Context(), programme.AuditEntry{What: domain.AuditChange, Actor: actor, Route: "PATCH /v1/businesses/{business}"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(cfg.Store)
	if err != nil {
		t.Fatal(err)
	}
	grave := func(file []byte) bool {
		t.Helper()
		changed := cfg
		changed.Store = filepath.Join(t.TempDir(), "changed.db")
		if err := os.WriteFile(changed.Store, file, 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := app.Doctor(t.Context(), changed)
		if err != nil {
			t.Fatal(err)
		}
		return h.Grave()
	}
	if grave(whole) {
		t.Error("a sound database is grave")
	}
	if !grave(bytes.ReplaceAll(whole, []byte(who), []byte(other))) {
		t.Error("it was changed wherever it stands, and nobody noticed")
	}
	found := 0
	for at := 0; ; at++ {
		next := bytes.Index(whole[at:], []byte(who))
		if next < 0 {
			break
		}
		at += next
		file := bytes.Clone(whole)
		copy(file[at:], other)
		if grave(file) {
			found++
		}
	}
	if found < 2 {
		t.Errorf("changed in one place it was found %d times: once in the record and once in the log", found)
	}
}

// TestAStopLosesNothingOfTheTrail: what was noted in the last second is there after it.
func TestAStopLosesNothingOfTheTrail(t *testing.T) {
	cfg := settings(t)
	a := build(t, cfg)
	u, err := a.Auth.CreateUser(t.Context(), "+628117000006", []string{auth.RoleAdmin})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if err := a.Trail.Read(t.Context(), programme.AuditEntry{What: domain.AuditRead, Actor: u.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := a.Auth.ResetFactor(t.Context(), u.ID); err != nil { // an event
		t.Fatal(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	a = build(t, cfg)
	defer a.Close(t.Context())
	page, next, err := a.Programme.Audit(t.Context(), programme.Caller{User: u.ID, Proved: true}, programme.AuditQuery{Subject: u.ID}, programme.AuditPlace{}, 500)
	if err != nil || len(page) != 51 || next != nil {
		t.Errorf("%d entries, %v", len(page), err)
	}
}
