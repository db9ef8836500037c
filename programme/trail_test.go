package programme_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (o *office) trail() *programme.Trail {
	return &programme.Trail{Engine: o.Engine, Clock: o.clock, IDs: o.ids, Log: slog.New(slog.DiscardHandler)}
}

// audited reads everything of the trail that a query picks, page by page.
func (o *office) audited(admin store.User, q programme.AuditQuery, limit int) (all []merge.Row) {
	o.Helper()
	var after programme.AuditPlace
	for {
		page, next, err := o.Audit(o.Context(), o.as(admin), q, after, limit)
		o.unless(err)
		if all = append(all, page...); next == nil {
			return all
		}
		after = *next
	}
}

// TestATrailOverMonths: what was noted is found by whom it is about, who it was, by which
// session and when, over the end of a month, in pages of any size, each once and in order.
func TestATrailOverMonths(t *testing.T) {
	o := open(t)
	admin, tr := o.person(1, "admin"), o.trail()
	about := []string{o.ids.New(), o.ids.New(), o.ids.New()}
	o.clock.Set(time.Date(2022, 5, 30, 23, 0, 0, 0, time.UTC))
	from := o.clock.Now()
	for n := range 120 {
		e := programme.AuditEntry{What: domain.AuditRead, Actor: about[n%2], Session: fmt.Sprint("s", n%5), Subjects: []string{about[2-n%3]}, Fields: []string{"health"}, Status: 200}
		if n%7 == 0 {
			e.What = domain.AuditChange
			o.unless(tr.Change(t.Context(), e))
		} else {
			o.unless(tr.Read(t.Context(), e))
		}
		o.clock.Advance(time.Hour)
	}
	o.unless(tr.Flush(t.Context()))
	to := o.clock.Now()
	for _, tt := range []struct {
		q    programme.AuditQuery
		want int
	}{
		{programme.AuditQuery{}, 120}, {programme.AuditQuery{Session: "s3"}, 24}, {programme.AuditQuery{Actor: about[1]}, 60}, {programme.AuditQuery{Subject: about[1]}, 80}, {programme.AuditQuery{Subject: about[2]}, 40},
		{programme.AuditQuery{Subject: o.ids.New()}, 0}, {programme.AuditQuery{From: from, To: from.Add(time.Hour)}, 1}, {programme.AuditQuery{From: from.Add(20 * time.Hour), To: from.Add(30 * time.Hour)}, 10},
		{programme.AuditQuery{From: from.AddDate(-5, 0, 0), To: from}, 0}, {programme.AuditQuery{From: to, To: to.Add(time.Hour)}, 0}, {programme.AuditQuery{Actor: about[0], Session: "s0"}, 12},
	} {
		for _, limit := range []int{1, 7, 500} {
			seen := map[string]bool{}
			for _, r := range o.audited(admin, tt.q, limit) {
				seen[r.ID] = true
			}
			if got := len(o.audited(admin, tt.q, limit)); got != tt.want || len(seen) != got {
				t.Errorf("%+v in pages of %d: %d entries, %d different, want %d", tt.q, limit, got, len(seen), tt.want)
			}
		}
	}
	if _, _, err := o.Audit(t.Context(), o.as(admin), programme.AuditQuery{From: to, To: from}, programme.AuditPlace{}, 5); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a span that ends before it begins: %v", err)
	}
	for _, who := range []store.User{o.person(2), o.person(3, "mentor")} {
		if _, _, err := o.Audit(t.Context(), o.as(who), programme.AuditQuery{}, programme.AuditPlace{}, 5); fault.KindOf(err) != fault.Forbidden {
			t.Errorf("%v reads the trail: %v", who.Roles, err)
		}
	}
	for _, month := range []string{"2022-05", "2022-06"} {
		o.unless(o.Engine.Audit(t.Context(), "audit/"+month))
		h, err := o.Engine.Store.Head(t.Context(), "audit/"+month)
		o.unless(err)
		if len(h.Access) > 0 {
			t.Errorf("somebody is granted %s: %+v", month, h.Access)
		}
	}
	o.clock.Advance(3 * 366 * 24 * time.Hour)
	_, err := o.Engine.Compact(t.Context())
	o.unless(err)
	for _, month := range []string{"2022-05", "2022-06"} {
		if h, err := o.Engine.Store.Head(t.Context(), "audit/"+month); err != nil || h.Pruned > 0 {
			t.Errorf("the log of %s was shortened to %d: %v", month, h.Pruned, err)
		}
	}
}

// breaks puts the office on a store that refuses every call until it is told otherwise.
func (o *office) breaks() (broken *bool) {
	refuses := true
	o.Engine.Store = storefault.NewFailing(storefault.NewPoor(), func(storefault.Call) storefault.Fate {
		if refuses {
			return storefault.Refuse
		}
		return storefault.Live
	}, nil).Store()
	return &refuses
}

// TestATrailThatCannotBeWritten refuses changes at once, and reads from the first write that
// fails. It keeps what it took, within its bound, and writes all of it when it can.
func TestATrailThatCannotBeWritten(t *testing.T) {
	o := open(t)
	broken := o.breaks()
	admin, tr := o.person(1, "admin"), o.trail()
	read := programme.AuditEntry{What: domain.AuditRead, Actor: admin.ID}
	o.unless(tr.Read(t.Context(), read)) // nobody knows yet
	if err := tr.Change(t.Context(), programme.AuditEntry{What: domain.AuditChange}); fault.CodeOf(err) != "audit_unavailable" || fault.KindOf(err) != fault.Transient {
		t.Errorf("a change: %v", err)
	}
	if err := tr.Read(t.Context(), read); fault.CodeOf(err) != "audit_unavailable" {
		t.Errorf("a read: %v", err)
	}
	if tr.Flush(t.Context()) == nil {
		t.Error("what could not be written was")
	}
	taken := 0
	large := programme.AuditEntry{What: domain.AuditEvent, Subjects: make([]string, domain.MaxAuditSubjects)}
	for i := range large.Subjects {
		large.Subjects[i] = admin.ID
	}
	for tr.Note(t.Context(), large) {
		taken++
	}
	if taken < 10 || taken > 100 || tr.Dropped() != 1 {
		t.Errorf("%d large entries wait, %d were left out", taken, tr.Dropped())
	}
	*broken = false
	o.unless(tr.Read(t.Context(), read)) // writes what waits first
	o.unless(tr.Flush(t.Context()))
	if got := len(o.audited(admin, programme.AuditQuery{}, 500)); got != taken+2 {
		t.Errorf("%d entries were written, %d were taken", got, taken+2)
	}
}

// TestReadsAreBounded: a process whose worker does nothing writes by itself, and holds no
// more than it may.
func TestReadsAreBounded(t *testing.T) {
	o := open(t)
	admin, tr := o.person(1, "admin"), o.trail()
	const reads = 3000
	for range reads {
		o.unless(tr.Read(t.Context(), programme.AuditEntry{What: domain.AuditRead, Actor: admin.ID}))
	}
	written := len(o.audited(admin, programme.AuditQuery{}, 500))
	if written < reads/2 {
		t.Errorf("%d of %d were written, the rest waits", written, reads)
	}
	o.unless(tr.Flush(t.Context()))
	if written = len(o.audited(admin, programme.AuditQuery{}, 500)); written != reads {
		t.Errorf("%d of %d were written", written, reads)
	}
}

// TestATrailSurvivesEveryCall: a write that fails, or whose answer gets lost, is made good by
// the next one, and no entry is there twice.
func TestATrailSurvivesEveryCall(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	for _, fate := range []storefault.Fate{storefault.Refuse, storefault.Lose} {
		failed := 0
		for n := range 15 {
			poor := storefault.NewPoor()
			o.Engine.Store = storefault.NewFailing(poor, storefault.At(n+1, fate), nil).Store()
			tr := o.trail()
			for range 3 {
				o.unless(tr.Read(t.Context(), programme.AuditEntry{What: domain.AuditRead, Actor: admin.ID}))
			}
			if tr.Flush(t.Context()) != nil {
				failed++
			}
			o.unless(tr.Flush(t.Context()))
			if got := len(o.audited(admin, programme.AuditQuery{}, 500)); got != 3 {
				t.Fatalf("call %d: %d entries", n+1, got)
			}
		}
		if failed < 3 {
			t.Errorf("only %d calls failed", failed)
		}
	}
}

// TestAPullIsNotedOncePerDay for a session and a business.
func TestAPullIsNotedOncePerDay(t *testing.T) {
	o := open(t)
	admin, tr := o.person(1, "admin"), o.trail()
	for _, session := range []string{"s1", "s2", "s1"} {
		for range 3 {
			tr.Pulled(t.Context(), programme.AuditEntry{Actor: admin.ID, Session: session}, []string{"business/a", "business/b"})
		}
	}
	o.clock.Advance(24 * time.Hour)
	tr.Pulled(t.Context(), programme.AuditEntry{Actor: admin.ID, Session: "s1"}, []string{"business/a"})
	o.unless(tr.Flush(t.Context()))
	if got := len(o.audited(admin, programme.AuditQuery{Actor: admin.ID}, 500)); got != 5 {
		t.Errorf("%d entries, want 5", got)
	}
}

// TestEventsOfTheTrail: logins of people with a role, and everything about factors and
// rights; no number of a phone.
func TestEventsOfTheTrail(t *testing.T) {
	o := open(t)
	admin, tr := o.person(1, "admin"), o.trail()
	for _, e := range []auth.Event{{Kind: auth.LoggedIn, User: "owner"}, {Kind: auth.LoggedIn, User: admin.ID, Roles: admin.Roles}, {Kind: auth.PasswordRefused, Reason: "+62…001"},
		{Kind: auth.PasswordRefused, User: admin.ID, Reason: "+62…001"}, {Kind: auth.SessionRevoked, User: admin.ID}, {Kind: auth.UserChanged, User: admin.ID, Reason: "suspend"}, {Kind: auth.FactorReset, User: admin.ID}} {
		o.clock.Advance(time.Millisecond) // those of one millisecond come in no order
		tr.Event(t.Context(), e)
	}
	o.unless(tr.Flush(t.Context()))
	want := []string{"logged_in", "password_refused", "user_changed suspend", "factor_reset"}
	all := o.audited(admin, programme.AuditQuery{Subject: admin.ID}, 500)
	if len(all) != len(want) || len(o.audited(admin, programme.AuditQuery{}, 500)) != len(want) {
		t.Fatalf("%d entries", len(all))
	}
	for i, r := range all {
		got := r.Text("event")
		if r.Text("reason") != "" {
			got += " " + r.Text("reason")
		}
		if got != want[i] {
			t.Errorf("entry %d is %q, want %q", i, got, want[i])
		}
	}
}

// noted is a witness that writes down what is about to change, as the API does.
type noted struct{ tr *programme.Trail }

func (n noted) Acts(ctx context.Context, role string) error {
	return n.tr.Change(ctx, programme.AuditEntry{What: domain.AuditChange, Role: role})
}

// TestNoChangeWithoutAnEntry: at whichever call of the store a process dies, or is refused,
// that an admin changes something with, what has changed is in the trail.
func TestNoChangeWithoutAnEntry(t *testing.T) {
	o := open(t)
	before := storefault.NewPoor()
	o.Engine.Store = before
	admin, mentor, owner := o.person(1, "admin"), o.person(2, "mentor"), o.person(3)
	business := o.business(owner)
	engine := o.Engine
	for _, fate := range []storefault.Fate{storefault.DieAfter, storefault.DieBefore, storefault.Refuse, storefault.Lose} {
		done, undone := 0, 0
		for n := range 90 {
			poor := before.Copy()
			process := func(s store.Store) {
				o.Service.Engine = &syncer.Engine{Store: s, Schema: engine.Schema, Clock: o.clock, IDs: o.ids, Log: engine.Log, Steps: o.Steps()}
			}
			process(storefault.NewFailing(poor, storefault.At(n+1, fate), nil).Store())
			who := o.as(admin)
			who.Witness = noted{o.trail()}
			_, err := o.Assign(t.Context(), who, business, programme.NewAssignment{Mentor: mentor.ID})
			process(poor)
			o.work()
			windows, bad := o.Assignments(t.Context(), o.as(owner), business)
			o.unless(bad)
			entries := o.audited(admin, programme.AuditQuery{}, 500)
			if len(windows) > 0 {
				done++
			} else {
				undone++
			}
			if len(windows) > 0 && len(entries) == 0 || err == nil && len(windows) == 0 {
				t.Errorf("call %d: %d windows, %d entries, %v", n+1, len(windows), len(entries), err)
			}
		}
		if done == 0 || undone == 0 && fate != storefault.Lose {
			t.Errorf("it was done %d times and not done %d times: nothing was tested", done, undone)
		}
	}
}

// TestEverybodyOfALongPageIsInTheTrail: who was seen last is found as who was seen first.
func TestEverybodyOfALongPageIsInTheTrail(t *testing.T) {
	o := open(t)
	admin, tr := o.person(1, "admin"), o.trail()
	var seen []string
	for range 2*domain.MaxAuditSubjects + 1 {
		seen = append(seen, o.ids.New())
	}
	for name, note := range map[string]func(programme.AuditEntry){"a read": func(e programme.AuditEntry) { o.unless(tr.Read(t.Context(), e)) }, "a change": func(e programme.AuditEntry) { o.unless(tr.Change(t.Context(), e)) }} {
		note(programme.AuditEntry{What: domain.AuditRead, Actor: admin.ID, Role: "admin", Route: name, Subjects: seen})
	}
	o.unless(tr.Flush(t.Context()))
	for _, n := range []int{0, domain.MaxAuditSubjects - 1, domain.MaxAuditSubjects, len(seen) - 1} {
		if got := o.audited(admin, programme.AuditQuery{Subject: seen[n]}, 100); len(got) != 2 {
			t.Errorf("number %d is in %d entries, want 2", n, len(got))
		}
	}
}
