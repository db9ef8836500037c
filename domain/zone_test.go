package domain_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the rules are held against it, also on a machine that has none

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
)

func TestZonesAreThoseOfTheTimeZoneDatabase(t *testing.T) {
	instants := []time.Time{
		time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2022, 6, 17, 16, 59, 59, 0, time.UTC),
		time.Date(2035, 7, 1, 12, 0, 0, 0, time.UTC),
	}
	for zone, abbreviation := range map[domain.Zone]string{domain.WIB: "WIB", domain.WITA: "WITA", domain.WIT: "WIT"} {
		if got := zone.Abbreviation(); got != abbreviation {
			t.Errorf("%s is written %q", zone, got)
		}
		known, err := time.LoadLocation(string(zone))
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range instants {
			const form = "2006-01-02 15:04:05 -0700"
			if got, want := at.In(zone.Location()).Format(form), at.In(known).Format(form); got != want {
				t.Errorf("%s: %v is %s, want %s", zone, at, got, want)
			}
		}
	}
}

func TestParseZone(t *testing.T) {
	tests := []struct {
		in   string
		want domain.Zone
		code string
	}{
		{"Asia/Jakarta", domain.WIB, ""},
		{"Asia/Pontianak", domain.WIB, ""},
		{"Asia/Makassar", domain.WITA, ""},
		{"Asia/Jayapura", domain.WIT, ""},
		{"Asia/Singapore", "", "zone_unknown"},
		{"WIB", "", "zone_unknown"},
		{"", "", "zone_unknown"},
	}
	for _, tt := range tests {
		if got, err := domain.ParseZone(tt.in); got != tt.want || codeOf(err) != tt.code {
			t.Errorf("%q is %q, %v", tt.in, got, err)
		}
	}
}

func TestDeadlinesAreEndsOfTheLocalDay(t *testing.T) {
	const due = domain.Date("2022-06-17")
	tests := []struct {
		name string
		got  time.Time
		want string
	}{
		{"on the day at eight in Lampung", due.At(8, 0, domain.WIB), "2022-06-17T01:00:00Z"},
		{"on the day at eight in Makassar", due.At(8, 0, domain.WITA), "2022-06-17T00:00:00Z"},
		{"on the day at eight in Jayapura", due.At(8, 0, domain.WIT), "2022-06-16T23:00:00Z"},
		{"a week before in Lampung", due.AddDays(-7).At(8, 0, domain.WIB), "2022-06-10T01:00:00Z"},
		{"overdue in Lampung", due.End(domain.WIB), "2022-06-17T17:00:00Z"},
		{"overdue in Makassar", due.End(domain.WITA), "2022-06-17T16:00:00Z"},
		{"overdue in Jayapura", due.End(domain.WIT), "2022-06-17T15:00:00Z"},
		{"overdue over the end of a year", domain.Date("2022-12-31").End(domain.WIB), "2022-12-31T17:00:00Z"},
		{"no date has no instant", domain.Date("").End(domain.WIB), "0001-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		if got := tt.got.Format(time.RFC3339); got != tt.want || tt.got.Location() != time.UTC {
			t.Errorf("%s: %s, want %s in UTC", tt.name, got, tt.want)
		}
	}
	for n, want := range map[int]time.Weekday{-7: time.Friday, -3: time.Tuesday, -1: time.Thursday, 0: time.Friday} {
		if got := due.AddDays(n).Weekday(); got != want {
			t.Errorf("%d days from %s is a %s, want %s", n, due, got, want)
		}
	}
}

func TestMonitoringWindowIncludesBothLocalEnds(t *testing.T) {
	w := domain.Window{From: "2022-03-20", To: "2022-06-17", Zone: domain.WIB}
	if got := w.Days(); got != 90 {
		t.Errorf("%d days, want 90", got)
	}
	tests := []struct {
		at   string
		want bool
	}{
		{"2022-03-19T16:59:59.999Z", false},
		{"2022-03-19T17:00:00Z", true},
		{"2022-06-17T16:59:59.999Z", true},
		{"2022-06-17T17:00:00Z", false},
	}
	for _, tt := range tests {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Contains(at); got != tt.want {
			t.Errorf("%s inside: %t, want %t", tt.at, got, tt.want)
		}
	}
	if got := (domain.Window{From: "2022-03-20", To: "2022-03-19"}).Days(); got != 0 {
		t.Errorf("a window that ends before it begins has %d days", got)
	}
}

func TestBusinessDayChangesAtLocalMidnight(t *testing.T) {
	at := time.Date(2022, 6, 17, 15, 30, 0, 0, time.UTC)
	for zone, want := range map[domain.Zone]domain.Date{domain.WIB: "2022-06-17", domain.WITA: "2022-06-17", domain.WIT: "2022-06-18", "": "2022-06-17"} {
		if got := domain.BusinessDay(at, zone); got != want {
			t.Errorf("%q: %s, want %s", zone, got, want)
		}
	}
}

func TestParseDate(t *testing.T) {
	for s, code := range map[string]string{
		"2022-06-17": "", "2024-02-29": "", "1900-01-01": "", "2999-12-31": "",
		"2023-02-29": "date_invalid", "2022-6-17": "date_invalid", "17-06-2022": "date_invalid", "2022-06-17T00:00:00Z": "date_invalid",
		"0022-06-17": "date_invalid", "3000-01-01": "date_invalid", "": "date_invalid", "2022-00-10": "date_invalid",
	} {
		if got, err := domain.ParseDate(s); codeOf(err) != code || err == nil && string(got) != s {
			t.Errorf("%q is %q, %v; want %q", s, got, err, code)
		}
	}
	if d := domain.Date("rubbish"); d.AddDays(1) != "" || d.DaysUntil("2022-01-01") != 0 || d.Weekday() != time.Sunday {
		t.Error("rubbish is treated as a date")
	}
}

func TestDaysFollowEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := domain.Date("2000-01-01").AddDays(rapid.IntRange(0, 36_000).Draw(t, "day"))
		n := rapid.IntRange(-3000, 3000).Draw(t, "n")
		zone := rapid.SampledFrom([]domain.Zone{domain.WIB, domain.WITA, domain.WIT}).Draw(t, "zone")
		other := start.AddDays(n)
		if got := start.DaysUntil(other); got != n {
			t.Fatalf("%s to %s is %d days, want %d", start, other, got, n)
		}
		if got := start.Compare(other); (got < 0) != (n > 0) || (got == 0) != (n == 0) {
			t.Fatalf("%s compared with %s is %d", start, other, got)
		}
		if !start.End(zone).Equal(start.AddDays(1).Start(zone)) || domain.BusinessDay(start.Start(zone), zone) != start {
			t.Fatalf("%s does not begin and end with its neighbours in %s", start, zone)
		}
	})
}
