package app_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAServerThatComesUpLateReminds: it was down at eight, and gives at ten what
// was due then.
func TestAServerThatComesUpLateReminds(t *testing.T) {
	reminds(t, time.Date(2022, time.June, 17, 3, 0, 0, 0, time.UTC), "2022-06-17")
}

// TestAServerWhoseClockWasAheadReminds: it scanned in a future that did not come.
func TestAServerWhoseClockWasAheadReminds(t *testing.T) {
	reminds(t, time.Date(2022, time.July, 2, 3, 0, 0, 0, time.UTC), "2022-06-17", "2022-07-02")
}

// TestAServerRemindsInTheEvening, by the clocks of the business, of the visit of tomorrow.
func TestAServerRemindsInTheEvening(t *testing.T) {
	cfg := settings(t)
	cfg.WorkersEvery = 100 * time.Millisecond
	ticks := clock.At(time.Date(2022, time.June, 16, 9, 58, 0, 0, time.UTC))
	a, err := app.New(t.Context(), cfg, app.Options{Log: quiet(), Version: "test", Clock: ticks})
	if err != nil {
		t.Fatal(err)
	}
	owner := login(t, a).User.ID
	business := a.Engine.IDs.New()
	if _, err := a.Programme.CreateBusiness(t.Context(), programme.Caller{User: owner, Name: "rest.test.1"}, programme.NewBusiness{ID: business, Name: "Rajut Metro"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Engine.Write(t.Context(), "business/"+business, merge.ServerWrite{Name: "rest.visit", Author: owner, Role: merge.Mentor, Collection: "visit", ID: a.Engine.IDs.New(),
		Op: merge.Put, Create: true, Set: map[string]merge.Value{"kind": merge.Str("visit"), "planned_at": merge.Str("2022-06-17T03:00:00.000Z")}}); err != nil {
		t.Fatal(err)
	}
	_, stop, ended := serve(t, a)
	if n := given(t, a, owner, domain.NoticeVisitTomorrow); n != 0 {
		t.Errorf("%d reminders before the hour", n)
	}
	ticks.Set(time.Date(2022, time.June, 16, 10, 0, 30, 0, time.UTC))
	if !waitFor(t, func() bool { return given(t, a, owner, domain.NoticeVisitTomorrow) == 1 }) {
		t.Errorf("%d reminders", given(t, a, owner, domain.NoticeVisitTomorrow))
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// reminds starts a server at an hour at which the last of the days is due, and
// lets the day after the first of them come then.
func reminds(t *testing.T, start time.Time, days ...string) {
	t.Helper()
	cfg := settings(t)
	cfg.WorkersEvery = 100 * time.Millisecond
	ticks := clock.At(time.Date(2022, time.June, 16, 4, 0, 0, 0, time.UTC))
	a, err := app.New(t.Context(), cfg, app.Options{Log: quiet(), Version: "test", Clock: ticks})
	if err != nil {
		t.Fatal(err)
	}
	owner := login(t, a).User.ID
	business := a.Engine.IDs.New()
	if _, err := a.Programme.CreateBusiness(t.Context(), programme.Caller{User: owner, Name: "rest.test.1"}, programme.NewBusiness{ID: business, Name: "Rajut Metro"}); err != nil {
		t.Fatal(err)
	}
	for _, day := range days {
		_, err = a.Engine.Write(t.Context(), "business/"+business, merge.ServerWrite{Name: "rest." + day, Author: owner, Role: merge.Mentor, Collection: "task", ID: a.Engine.IDs.New(),
			Op: merge.Put, Create: true, Set: map[string]merge.Value{"title": merge.Str("Foto produk"), "origin": merge.Str(domain.OriginMentor), "due_on": merge.Str(day)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	ticks.Set(start)
	_, stop, ended := serve(t, a)
	if !waitFor(t, func() bool { return reminded(t, a, owner) == 1 }) {
		t.Errorf("%d reminders", reminded(t, a, owner))
	}
	ticks.Set(time.Date(2022, time.June, 18, 1, 0, 30, 0, time.UTC))
	if !waitFor(t, func() bool { return reminded(t, a, owner) == 2 }) {
		t.Errorf("the day after, %d reminders", reminded(t, a, owner))
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// reminded counts the reminders of tasks in the inbox of a person.
func reminded(t *testing.T, a *app.App, user string) int {
	t.Helper()
	return given(t, a, user, domain.NoticeTaskDue, domain.NoticeTaskOverdue)
}

// given counts the items of some types in the inbox of a person.
func given(t *testing.T, a *app.App, user string, kinds ...string) (n int) {
	t.Helper()
	head, err := a.Store.Head(t.Context(), merge.UserScope(user))
	if err != nil {
		t.Fatal(err)
	}
	page, err := a.Store.Changed(t.Context(), merge.UserScope(user), store.Position{}, head.Applied, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Records {
		var row merge.Row
		if err := json.Unmarshal(r.Fields, &row.Fields); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(kinds, row.Text("type")) {
			n++
		}
	}
	return n
}

// waitFor asks until it is so, for ten seconds at most.
func waitFor(t *testing.T, so func() bool) bool {
	t.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}
