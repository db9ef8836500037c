package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
)

func utc(s string) time.Time {
	t, err := time.Parse("2006-01-02T15:04Z07:00", s)
	if err != nil {
		panic(err)
	}
	return t
}

func instants(rs []domain.Reminder) (out []string) {
	for _, r := range rs {
		out = append(out, r.At.Format("2006-01-02T15:04Z"))
	}
	return out
}

// TestRemindersInThreeZones are the vectors of the catalogue: due on Friday, 17
// June 2022.
func TestRemindersInThreeZones(t *testing.T) {
	tests := []struct {
		zone domain.Zone
		want []string
	}{
		{domain.WIB, []string{"2022-06-10T01:00Z", "2022-06-14T01:00Z", "2022-06-16T01:00Z", "2022-06-17T01:00Z", "2022-06-18T01:00Z"}},
		{domain.WITA, []string{"2022-06-10T00:00Z", "2022-06-14T00:00Z", "2022-06-16T00:00Z", "2022-06-17T00:00Z", "2022-06-18T00:00Z"}},
		{domain.WIT, []string{"2022-06-09T23:00Z", "2022-06-13T23:00Z", "2022-06-15T23:00Z", "2022-06-16T23:00Z", "2022-06-17T23:00Z"}},
	}
	for _, tt := range tests {
		t.Run(tt.zone.Abbreviation(), func(t *testing.T) {
			got := domain.PlanReminders("case/x", "2022-06-17", tt.zone, utc("2022-04-01T00:00Z"))
			if !slices.Equal(instants(got), tt.want) {
				t.Errorf("%v, want %v", instants(got), tt.want)
			}
			if end := domain.Date("2022-06-17").End(tt.zone); tt.zone == domain.WIB && !end.Equal(utc("2022-06-17T17:00Z")) {
				t.Errorf("overdue from %s", end)
			}
		})
	}
}

func TestRemindersOfWhatIsMadeLate(t *testing.T) {
	tests := []struct {
		name, now string
		due       domain.Date
		want      []int
	}{
		{"in time", "2022-06-01T00:00Z", "2022-06-17", []int{-7, -3, -1, 0, 1}},
		{"at the very instant of the first", "2022-06-10T01:00Z", "2022-06-17", []int{-3, -1, 0, 1}},
		{"a minute before it", "2022-06-10T00:59Z", "2022-06-17", []int{-7, -3, -1, 0, 1}},
		{"two days before", "2022-06-15T03:00Z", "2022-06-17", []int{-1, 0, 1}},
		{"less than a day before", "2022-06-16T12:00Z", "2022-06-17", []int{0, 1}},
		{"on the day, after eight", "2022-06-17T03:00Z", "2022-06-17", []int{1}},
		{"long after", "2022-07-17T03:00Z", "2022-06-17", nil},
		{"without a date", "2022-06-01T00:00Z", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			for _, r := range domain.PlanReminders("case/x", tt.due, domain.WIB, utc(tt.now)) {
				got = append(got, r.Offset)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestReplanningWhenADateMoves(t *testing.T) {
	planned := domain.PlanReminders("case/x", "2022-06-17", domain.WIB, utc("2022-06-01T00:00Z"))
	now := utc("2022-06-15T13:00Z")
	wanted := domain.PlanReminders("case/x", "2022-06-24", domain.WIB, now)
	left := slices.DeleteFunc(slices.Clone(planned), func(r domain.Reminder) bool { return !r.At.After(now) })
	drop, add := domain.Replan(left, wanted)
	if got, want := instants(drop), []string{"2022-06-16T01:00Z", "2022-06-17T01:00Z", "2022-06-18T01:00Z"}; !slices.Equal(got, want) {
		t.Errorf("dropped %v, want %v", got, want)
	}
	if got, want := instants(add), []string{"2022-06-17T01:00Z", "2022-06-21T01:00Z", "2022-06-23T01:00Z", "2022-06-24T01:00Z", "2022-06-25T01:00Z"}; !slices.Equal(got, want) {
		t.Errorf("added %v, want %v", got, want)
	}
	if drop, add := domain.Replan(wanted, wanted); len(drop)+len(add) != 0 {
		t.Errorf("nothing moved, and %v goes for %v", drop, add)
	}
	drop, add = domain.Replan(wanted, domain.PlanReminders("case/x", "2022-06-24", domain.WIT, now))
	if len(drop) != 5 || len(add) != 5 {
		t.Errorf("the business moved east: %v goes for %v", drop, add)
	}
	keys := map[string]bool{}
	for _, r := range append(planned, wanted...) {
		keys[r.Key()] = true
	}
	if len(keys) != 10 {
		t.Errorf("%d keys of ten reminders", len(keys))
	}
}

func TestWhatTheDatesOfACaseSay(t *testing.T) {
	tests := []struct {
		name          string
		date, today   domain.Date
		near, overdue bool
		renewal       int
		expired       bool
	}{
		{name: "eight days ahead", date: "2022-06-17", today: "2022-06-09", renewal: 30},
		{name: "a week ahead", date: "2022-06-17", today: "2022-06-10", near: true, renewal: 30},
		{name: "today", date: "2022-06-17", today: "2022-06-17", near: true, renewal: 30},
		{name: "yesterday", date: "2022-06-17", today: "2022-06-18", overdue: true, expired: true},
		{name: "half a year and a day ahead", date: "2022-06-30", today: "2021-12-31"},
		{name: "half a year ahead", date: "2022-06-30", today: "2022-01-01", renewal: 180},
		{name: "91 days ahead", date: "2022-06-30", today: "2022-03-31", renewal: 180},
		{name: "90 days ahead", date: "2022-06-30", today: "2022-04-01", renewal: 90},
		{name: "30 days ahead", date: "2022-06-30", today: "2022-05-31", renewal: 30},
		{name: "no date", today: "2022-06-17"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := domain.DeadlineNear(tt.date, tt.today); got != tt.near {
				t.Errorf("near %t", got)
			}
			if got := domain.Overdue(tt.date, tt.today); got != tt.overdue {
				t.Errorf("overdue %t", got)
			}
			if got := domain.RenewalDue(tt.date, tt.today); got != tt.renewal {
				t.Errorf("renewal %d, want %d", got, tt.renewal)
			}
			if got := domain.Expired(tt.date, tt.today); got != tt.expired {
				t.Errorf("expired %t", got)
			}
		})
	}
	renewals := domain.PlanRenewals("cert/x", "2022-06-30", domain.WITA, utc("2022-01-15T00:00Z"))
	if got, want := instants(renewals), []string{"2022-04-01T00:00Z", "2022-05-31T00:00Z"}; !slices.Equal(got, want) {
		t.Errorf("renewals at %v, want %v", got, want)
	}
}
