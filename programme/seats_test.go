package programme_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// seat gives the seat of a curator, if it is open.
func (c *contest) seat(n int) (seat programme.Seat, open bool) {
	c.Helper()
	all, _, err := c.Curators(c.Context(), c.as(c.admin), c.edition.ID, programme.Page{Limit: 100})
	c.unless(err)
	i := slices.IndexFunc(all, func(s programme.Seat) bool { return s.Text("user_id") == c.curators[n].ID })
	if i < 0 {
		return seat, false
	}
	return all[i], true
}

// given counts who looks at which file: the curators of each, by application.
func (c *contest) given() map[string][]string {
	c.Helper()
	out := map[string][]string{}
	for _, r := range c.scope(domain.DecisionScope(c.edition.ID), "file_share") {
		out[r.Text("application_id")] = append(out[r.Text("application_id")], r.Text("curator_id"))
	}
	return out
}

// TestASeatThatEndsGivesItsFilesAway: what was not sent in goes to others, what was counts,
// and whoever comes back is a curator again.
func TestASeatThatEndsGivesItsFilesAway(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	c.begun()
	_, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
	c.unless(err)
	c.work()
	files := c.panel(0)
	done, waits := files[0].Text("application_id"), files[1:]
	c.score(0, done, all(100), nil)
	c.work()
	seat, open := c.seat(0)
	if !open {
		t.Fatal("no seat")
	}
	ended, err := c.ChangeCurator(t.Context(), c.as(c.admin), c.edition.ID, seat.ID, seat.Version, programme.CuratorChange{End: true, Reason: "Sakit"})
	if c.unless(err); ended.Text("to_at") == "" || ended.Text("reason") != "Sakit" {
		t.Errorf("%+v", ended)
	}
	c.work()
	head, err := c.Engine.Store.Head(t.Context(), domain.PanelScope(c.edition.ID, c.curators[0].ID))
	c.unless(err)
	c.clock.Advance(time.Second)
	if merge.Granted(head.Access, c.curators[0].ID, merge.Millis(c.clock.Now().UnixMilli())) {
		t.Error("the panel still lets them in")
	}
	if _, open := c.seat(0); open {
		t.Error("the seat is still listed")
	}
	before := c.given()
	n, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
	if c.unless(err); n != len(waits) {
		t.Errorf("%d files were given anew, %d waited", n, len(waits))
	}
	c.work()
	after := c.given()
	for f := range after {
		more := 0
		if slices.ContainsFunc(waits, func(d merge.Row) bool { return d.Text("application_id") == f }) {
			more = 1
		}
		if len(after[f]) != len(before[f])+more || slices.ContainsFunc(after[f][len(before[f]):], func(u string) bool { return u == c.curators[0].ID }) {
			t.Errorf("file %s was with %v, is with %v", f, before[f], after[f])
		}
	}
	if n, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil); err != nil || n != 0 {
		t.Errorf("shared again: %d, %v", n, err)
	}
	c.submitAll(50, func(n int, application string) bool { return n == 0 })
	v := c.stage(3)
	i := slices.IndexFunc(v.Outcomes, func(o programme.StageOutcome) bool { return o.File == done })
	if len(v.Missing) > 0 || *v.Outcomes[i].Score != 7500 {
		t.Errorf("missing %v, the sheet that was in gives %d", v.Missing, *v.Outcomes[i].Score)
	}
	back, err := c.AddCurator(t.Context(), c.as(c.admin), c.edition.ID, programme.NewCurator{Phone: c.curators[0].Phone, Institution: "Universitas Lampung"})
	if c.unless(err); back.ID != seat.ID || back.Text("to_at") != "" || back.Text("reason") != "" || back.Text("institution") != "Universitas Lampung" || back.Text("from_at") != seat.Text("from_at") {
		t.Errorf("back as %+v", back)
	}
	c.work()
	head, err = c.Engine.Store.Head(t.Context(), domain.PanelScope(c.edition.ID, c.curators[0].ID))
	if c.unless(err); !merge.Granted(head.Access, c.curators[0].ID, merge.Millis(c.clock.Now().UnixMilli())) {
		t.Error("the panel lets nobody in")
	}
}

// TestASuspendedCuratorIsGivenNothing: neither by an admin who shares nor in the place of somebody
// with a conflict of interest; and admins see why.
func TestASuspendedCuratorIsGivenNothing(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	c.begun()
	share := func() {
		t.Helper()
		_, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
		c.unless(err)
		c.work()
	}
	away := c.curators[0].ID
	status := func(want store.UserStatus) {
		t.Helper()
		if seat, open := c.seat(0); !open || seat.Status != want {
			t.Errorf("the seat is shown as %s, open: %t", seat.Status, open)
		}
	}
	has := func() (n int) {
		for _, r := range c.scope(domain.DecisionScope(c.edition.ID), "file_share") {
			if r.Text("curator_id") == away {
				n++
			}
		}
		return n
	}
	status(store.UserActive)
	c.unless(c.auth.Suspend(t.Context(), away))
	status(store.UserSuspended)
	share()
	for n := 1; n < len(c.curators); n++ {
		c.score(n, c.panel(n)[0].Text("application_id"), all(50), map[string]merge.Value{"conflict": merge.Flag(true)})
	}
	if c.work(); has() > 0 {
		t.Errorf("%d files are with somebody who is suspended", has())
	}
	c.unless(c.auth.Restore(t.Context(), away))
	seat, _ := c.seat(1)
	_, err := c.ChangeCurator(t.Context(), c.as(c.admin), c.edition.ID, seat.ID, seat.Version, programme.CuratorChange{End: true, Reason: "Sakit"})
	c.unless(err)
	c.work()
	if share(); has() == 0 {
		t.Error("who is back is given nothing")
	}
}

func TestASeatIsCorrected(t *testing.T) {
	t.Parallel()
	c := open(t).contest(6)
	seat, _ := c.seat(1)
	change := func(v programme.Version, ch programme.CuratorChange) (programme.Seat, error) {
		return c.ChangeCurator(t.Context(), c.as(c.admin), c.edition.ID, seat.ID, v, ch)
	}
	for name, tt := range map[string]struct {
		ch   programme.CuratorChange
		code string
	}{"nothing": {programme.CuratorChange{}, "required"}, "an end without a reason": {programme.CuratorChange{End: true, Reason: " "}, "required"}, "a reason for no end": {programme.CuratorChange{Institution: "Lain", Reason: "x"}, "invalid_value"}, "a letter": {programme.CuratorChange{Institution: "x"}, "invalid_value"}} {
		if _, err := change(seat.Version, tt.ch); codeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	next, err := change(seat.Version, programme.CuratorChange{Institution: " Dekranasda Lampung "})
	if c.unless(err); next.Text("institution") != "Dekranasda Lampung" || next.Text("to_at") != "" || next.Version == seat.Version {
		t.Errorf("%+v", next)
	}
	_, err = change(seat.Version, programme.CuratorChange{Institution: fixture.Curators()[1].Institution})
	c.unless(needs(err, "stale_version"))
	if again, err := c.AddCurator(t.Context(), c.as(c.admin), c.edition.ID, programme.NewCurator{Phone: c.curators[1].Phone, Institution: "Lain"}); err != nil || again.Text("institution") != "Dekranasda Lampung" {
		t.Errorf("added once more: %+v, %v", again, err)
	}
	end, err := change(next.Version, programme.CuratorChange{End: true, Reason: "Pindah"})
	c.unless(err)
	_, err = change(end.Version, programme.CuratorChange{Institution: "Lain"})
	c.unless(needs(err, "conflict"))
	_, err = c.ChangeCurator(t.Context(), c.as(c.curators[1]), c.edition.ID, seat.ID, end.Version, programme.CuratorChange{Institution: "Lain"})
	c.unless(needs(err, "forbidden"))
	_, err = c.ChangeCurator(t.Context(), c.as(c.admin), c.edition.ID, c.curators[1].ID, end.Version, programme.CuratorChange{Institution: "Lain"})
	c.unless(needs(err, "not_found"))
}
