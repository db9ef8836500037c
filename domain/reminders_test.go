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

func TestRenewalsAreRemindedOfTwiceMore(t *testing.T) {
	renewals := domain.PlanRenewals("cert/x", "2022-06-30", domain.WITA, utc("2022-01-15T00:00Z"))
	if got, want := instants(renewals), []string{"2022-04-01T00:00Z", "2022-05-31T00:00Z"}; !slices.Equal(got, want) {
		t.Errorf("renewals at %v, want %v", got, want)
	}
}
