package play_test

import (
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func readAll(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

func TestAClonedPhone(t *testing.T) {
	t.Parallel()
	s := set(t)
	both := s.sell(s.owner, 10_000) // unsent when the copy is made
	twin, err := s.owner.Copy("twin")
	s.ok(err)
	want := map[string]int64{both: 10_000}
	for n := range 5 {
		want[s.sell(s.owner, 20_000+n)] = int64(20_000 + n)
		want[s.sell(twin, 30_000+n)] = int64(30_000 + n)
	}
	s.sync(s.owner, twin, s.owner, twin)
	want[s.sell(s.owner, 40_000)] = 40_000
	want[s.sell(twin, 50_000)] = 50_000
	s.sync(twin, s.owner, twin, s.staff, s.tablet)
	if got := s.sales(); encode(t, got) != encode(t, want) {
		t.Errorf("sales %v, want %v", got, want)
	}
	s.settled(s.owner, twin, s.staff, s.tablet)
	if s.owner.Me().Incarnation == twin.Me().Incarnation {
		t.Error("two phones write under one name")
	}
}

func TestAReinstalledPhone(t *testing.T) {
	t.Parallel()
	s := set(t)
	want := map[string]int64{s.sell(s.owner, 10_000): 10_000}
	s.sync(s.owner)
	s.ok(s.owner.Reinstall())
	if err := s.owner.Sync(t.Context()); err == nil {
		t.Error("nobody is logged in, and it syncs")
	}
	s.ok(s.owner.Login(t.Context()))
	s.sync(s.owner)
	if _, ok, err := s.owner.Row(s.scope, "product", s.product); err != nil || !ok {
		t.Errorf("what was synced did not come back: %v", err)
	}
	for n := range 4 { // the same numbers as before, under a new name
		want[s.sell(s.owner, 20_000+n)] = int64(20_000 + n)
	}
	s.sync(s.owner, s.tablet, s.staff)
	if got := s.sales(); encode(t, got) != encode(t, want) {
		t.Errorf("sales %v, want %v", got, want)
	}
	s.settled(s.owner, s.tablet, s.staff)
}

// TestClocksYearsOff lets phones with absurd clocks edit one field at the same
// time. What was written last, by the true time, counts.
func TestClocksYearsOff(t *testing.T) {
	const year = 365 * 24 * time.Hour
	tests := []struct {
		name   string
		begin  time.Duration
		midway time.Duration // the clock is changed between edit and sync
	}{
		{"years ahead", 7 * year, 7 * year},
		{"years behind", -20 * year, -20 * year},
		{"set right midway", 7 * year, 0},
		{"set wrong midway", 0, -20 * year},
		{"from one end to the other", -40 * year, 9 * year},
		{"before 1970", -60 * year, -60 * year},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := set(t)
			s.owner.SetClock(tt.begin)
			s.price(s.owner, 16_000)
			began := s.w.Clock.Now()
			sale := s.sell(s.owner, 10_000)
			s.w.Clock.Advance(time.Hour)
			s.price(s.staff, 17_000) // an hour later, on a good clock
			s.owner.SetClock(tt.midway)
			s.w.Clock.Advance(time.Hour)
			s.sync(s.owner, s.staff, s.owner, s.tablet)
			if got := s.held("product", s.product).Int("price_idr"); got != 17_000 {
				t.Errorf("price %d: the earlier edit won", got)
			}
			made, err := merge.ParseInstant(s.held("sales", sale).Text("created_at"))
			if d := made.Time().Sub(began); err != nil || d < -time.Second || d > time.Second {
				t.Errorf("the sale is dated %v, %v from the truth", made.Time(), d)
			}
			s.settled(s.owner, s.staff, s.tablet)
		})
	}
}

// TestARebootedPhone has lost count of the time: its edits lie between the last
// answer and now, in their own order, and say so.
func TestARebootedPhone(t *testing.T) {
	t.Parallel()
	s := set(t)
	last := s.w.Clock.Now()
	s.owner.SetClock(-3 * 365 * 24 * time.Hour)
	s.price(s.owner, 16_000)
	first := s.sell(s.owner, 10_000)
	s.w.Clock.Advance(10 * time.Hour)
	s.owner.Reboot()
	s.owner.SetClock(5 * 365 * 24 * time.Hour)
	second := s.sell(s.owner, 20_000)
	s.price(s.owner, 18_000)
	s.w.Clock.Advance(time.Hour)
	s.owner.Reboot()
	s.sync(s.owner, s.staff, s.tablet)
	if got := s.held("product", s.product).Int("price_idr"); got != 18_000 {
		t.Errorf("price %d: own order is lost", got)
	}
	var times []time.Time
	for _, id := range []string{first, second} {
		row := s.held("sales", id)
		made, err := merge.ParseInstant(row.Text("created_at"))
		if err != nil || made.Time().Before(last.Add(-time.Minute)) || made.Time().After(s.w.Clock.Now()) {
			t.Errorf("dated %v, %v", made.Time(), err)
		}
		times = append(times, made.Time())
	}
	if !times[0].Before(times[1]) {
		t.Errorf("out of order: %v", times)
	}
	s.settled(s.owner, s.staff, s.tablet)
}

// TestWhatLostIsRestoredWithOneEdit finds a value that lost in the journal of
// its author's own phone, and brings it back.
func TestWhatLostIsRestoredWithOneEdit(t *testing.T) {
	t.Parallel()
	s := set(t)
	s.write(s.owner, "product", s.product, map[string]any{"name": "Keripik pisang manis"})
	s.w.Clock.Advance(time.Minute)
	s.write(s.staff, "product", s.product, map[string]any{"name": "Keripik pisang asin"})
	s.sync(s.staff, s.owner, s.staff)
	if got := s.held("product", s.product).Text("name"); got != "Keripik pisang asin" {
		t.Fatalf("name %q", got)
	}
	s.sync(s.owner)
	if n, err := s.owner.Notices("edit_lost"); err != nil || n != 1 {
		t.Errorf("%d notices of a lost edit, %v", n, err)
	}
	journal, err := s.owner.Rows(s.scope, "journal")
	s.ok(err)
	i := slices.IndexFunc(journal, func(r merge.Row) bool { return r.Text("record") == s.product })
	if i < 0 || len(journal) != 1 {
		t.Fatalf("journal %v", journal)
	}
	lost := journal[i]
	if lost.Text("lost") != "Keripik pisang manis" || lost.Text("kept") != "Keripik pisang asin" || lost.Text("lost_by") != s.owner.Me().User || lost.Text("kept_by") != s.staff.Me().User {
		t.Errorf("journal says %v", lost.Fields)
	}
	ed, err := replica.RestoreEdit(s.w.Schema, s.scope, lost)
	s.ok(err)
	_, err = s.owner.Do(ed)
	s.ok(err)
	s.sync(s.owner, s.staff, s.tablet)
	if got := s.held("product", s.product).Text("name"); got != "Keripik pisang manis" {
		t.Errorf("after the restore %q", got)
	}
	if by := s.held("journal", lost.ID).Text("restored_by"); by != s.owner.Me().User {
		t.Errorf("restored by %q", by)
	}
	s.settled(s.owner, s.staff, s.tablet)
}

// TestWhatWasRefusedIsInQuarantine keeps the whole edit, on the phone and on the
// server, with a reason.
func TestWhatWasRefusedIsInQuarantine(t *testing.T) {
	t.Parallel()
	s := set(t)
	good := s.sell(s.owner, 10_000)
	s.write(s.owner, "sales", "", map[string]any{"sold_on": "2022-08-02", "channel": "store", "payment": "cash", "granularity": "single", "amount_idr": 99_000})
	also := s.sell(s.owner, 11_000)
	s.sync(s.owner, s.owner)
	refused, err := s.owner.Refused()
	s.ok(err)
	if len(refused) != 1 || refused[0].Code != "date_in_future" || refused[0].Field != "set.sold_on" {
		t.Fatalf("refused %+v", refused)
	}
	if got := s.sales(); len(got) != 2 || got[good] != 10_000 || got[also] != 11_000 {
		t.Errorf("the edits beside it: %v", got)
	}
	rows, err := s.owner.Rows(merge.UserScope(s.owner.Me().User), "quarantine")
	s.ok(err)
	if len(rows) != 1 || rows[0].Text("code") != "date_in_future" {
		t.Errorf("quarantine %v", rows)
	}
	s.settled(s.owner)
}
