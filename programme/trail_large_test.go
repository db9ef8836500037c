package programme_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
)

// about makes an entry about so many people.
func (o *office) about(what string, n int) programme.AuditEntry {
	e := programme.AuditEntry{What: what, Actor: o.ids.New(), Role: "admin", Route: "POST /v1/programmes/{programme}/stages/{stage}/decision", Status: 200}
	for range n {
		e.Subjects = append(e.Subjects, o.ids.New())
	}
	return e
}

// TestALargeEntryTakesNobodysPlace: a stage names three ids for each file. What became of its
// decision is noted however many those are, it can be read, and a login beside it is noted.
func TestALargeEntryTakesNobodysPlace(t *testing.T) {
	for _, files := range []int{478, 5_000, 20_000} {
		o := open(t)
		admin, tr := o.person(1, "admin"), o.trail()
		result, read, login := o.about(domain.AuditResult, 3*files), o.about(domain.AuditRead, 3*files), programme.AuditEntry{What: domain.AuditEvent, Event: "logged_in"}
		if !tr.Note(t.Context(), result) || !tr.Note(t.Context(), login) {
			t.Errorf("%d files: the result or a login behind it is not noted", files)
		}
		for range 2 {
			o.unless(tr.Read(t.Context(), read))
		}
		if !tr.Note(t.Context(), login) || tr.Dropped() > 0 {
			t.Errorf("%d files: a login beside a read is not noted; %d are left out", files, tr.Dropped())
		}
		o.unless(tr.Flush(t.Context()))
		for _, n := range []int{0, len(result.Subjects) - 1} {
			if got := len(o.audited(admin, programme.AuditQuery{Subject: result.Subjects[n]}, 500)); got != 1 {
				t.Errorf("%d files: number %d of the result is in %d entries", files, n, got)
			}
			if got := len(o.audited(admin, programme.AuditQuery{Subject: read.Subjects[n]}, 500)); got != 2 {
				t.Errorf("%d files: number %d of two reads is in %d entries", files, n, got)
			}
		}
	}
}

// TestALargeEntryThatCannotBeWritten: what was read is not told, what became of a change waits
// for the store, and no more of it than there is room for; the entries of others have theirs.
func TestALargeEntryThatCannotBeWritten(t *testing.T) {
	o := open(t)
	broken := o.breaks()
	admin, tr := o.person(1, "admin"), o.trail()
	if err := tr.Read(t.Context(), o.about(domain.AuditRead, 30_000)); fault.CodeOf(err) != "audit_unavailable" {
		t.Errorf("a large read: %v", err)
	}
	if err := tr.Change(t.Context(), o.about(domain.AuditChange, 30_000)); fault.CodeOf(err) != "audit_unavailable" {
		t.Errorf("a large change: %v", err)
	}
	result, taken := o.about(domain.AuditResult, 60_000), 0
	for taken < 100 && tr.Note(t.Context(), result) {
		taken++
	}
	if taken < 2 || taken > 10 || tr.Dropped() != 1 {
		t.Errorf("%d large results wait, %d were left out", taken, tr.Dropped())
	}
	login := programme.AuditEntry{What: domain.AuditEvent, Actor: admin.ID, Event: "logged_in"}
	if !tr.Note(t.Context(), login) {
		t.Error("a login beside them is not noted")
	}
	*broken = false
	o.unless(tr.Flush(t.Context()))
	if got := len(o.audited(admin, programme.AuditQuery{Subject: result.Subjects[59_999]}, 500)); got != taken || tr.Waiting() > 0 {
		t.Errorf("%d results are written, %d were taken; %d entries wait", got, taken, tr.Waiting())
	}
	if !tr.Note(t.Context(), result) { // the room is there again
		t.Error("a result behind them is not noted")
	}
}
