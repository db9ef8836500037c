package app_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
)

// TestATrailChangedByHandIsFound: whoever has the file and changes who saw what is found by
// the doctor, in the record, in the log, and in both.
func TestATrailChangedByHandIsFound(t *testing.T) {
	const who, other = "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60", "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f61"
	for name, change := range map[string]string{
		"nothing":             "",
		"the record":          "UPDATE record SET fields = replace(fields, $1, $2) WHERE collection = 'audit_entry'",
		"the log":             "UPDATE log SET body = replace(body, $1, $2) WHERE scope LIKE 'audit/%'",
		"both":                "UPDATE record SET fields = replace(fields, $1, $2) WHERE collection = 'audit_entry'; UPDATE log SET body = replace(body, $1, $2) WHERE scope LIKE 'audit/%'",
		"an entry is missing": "DELETE FROM record WHERE collection = 'audit_entry' AND instr(fields, $1) > 0 AND $2 <> ''",
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settings(t)
			a := build(t, cfg)
			for _, actor := range []string{who, "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f62"} {
				if err := a.Trail.Change(t.Context(), programme.AuditEntry{What: domain.AuditChange, Actor: actor, Route: "GET /v1/businesses/{business}"}); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite", "file:"+cfg.Store)
			if err != nil {
				t.Fatal(err)
			}
			for statement := range strings.SplitSeq(change, ";") {
				if statement == "" {
					continue
				}
				r, err := db.ExecContext(t.Context(), statement, who, other)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := r.RowsAffected(); err != nil || n == 0 {
					t.Fatalf("%d rows: %v", n, err)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			h, err := app.Doctor(t.Context(), cfg)
			if err != nil || h.Grave() != (change != "") {
				t.Errorf("the doctor says %+v, %v", h.Findings, err)
			}
		})
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
