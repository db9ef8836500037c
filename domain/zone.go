package domain

import (
	"cmp"
	"sync"
	"time"
)

// Zone is one of the three time zones of the country, by its IANA name.
type Zone string

// The zones. Asia/Pontianak is read as WIB, whose offset it has.
const (
	WIB  Zone = "Asia/Jakarta"
	WITA Zone = "Asia/Makassar"
	WIT  Zone = "Asia/Jayapura"
)

// ParseZone reads an IANA name.
//
// Errors: Invalid "zone_unknown".
func ParseZone(s string) (Zone, error) {
	switch z := Zone(s); z {
	case WIB, WITA, WIT:
		return z, nil
	case "Asia/Pontianak":
		return WIB, nil
	}
	return "", invalid("zone_unknown", "time zone is not one of Indonesia")
}

// Abbreviation is what people write behind a time: WIB, WITA or WIT.
func (z Zone) Abbreviation() string {
	name, _ := z.offset()
	return name
}

// Location is z for package time, with a fixed offset. The country has known
// no daylight saving since 1964 and the house keeps no older instants, so the
// rules need no time zone database, which a phone and a bare container may
// lack. An unknown zone, the empty one too, is WIB.
func (z Zone) Location() *time.Location {
	if l := locations()[z]; l != nil {
		return l
	}
	return locations()[WIB]
}

// locations are asked for several times at every edit.
var locations = sync.OnceValue(func() map[Zone]*time.Location {
	out := map[Zone]*time.Location{}
	for _, z := range []Zone{WIB, WITA, WIT} {
		name, hours := z.offset()
		out[z] = time.FixedZone(name, hours*60*60)
	}
	return out
})

func (z Zone) offset() (name string, hours int) {
	switch z {
	case WITA:
		return "WITA", 8
	case WIT:
		return "WIT", 9
	}
	return "WIB", 7
}

// Date is a day of the calendar as YYYY-MM-DD, without a zone. Dates compare
// with < as the calendar does. The empty date means none.
type Date string

const dateForm = "2006-01-02"

// ParseDate reads YYYY-MM-DD, a day that exists, in the years 1900 to 2999.
//
// Errors: Invalid "date_invalid".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(dateForm, s)
	if err != nil || t.Year() < 1900 || t.Year() > 2999 {
		return "", invalid("date_invalid", "not a day of the calendar as YYYY-MM-DD")
	}
	return Date(s), nil
}

// BusinessDay is the day on which t falls in z.
func BusinessDay(t time.Time, z Zone) Date {
	return Date(t.In(z.Location()).Format(dateForm))
}

// FirstDay is the earliest of the days on which t falls anywhere in the country,
// and LastDay the latest. An edit is refused for its date only by them: the
// business may be moving to another zone, and whether an edit is taken must not
// depend on which of the two arrives first.
func FirstDay(t time.Time) Date { return BusinessDay(t, WIB) }

// LastDay is the latest of the days on which t falls anywhere in the country.
func LastDay(t time.Time) Date { return BusinessDay(t, WIT) }

// AddDays is the day n days after d, or before it if n is negative. It is the
// empty date if d is no date.
func (d Date) AddDays(n int) Date {
	t, err := time.Parse(dateForm, string(d))
	if err != nil {
		return ""
	}
	return Date(t.AddDate(0, 0, n).Format(dateForm))
}

// DaysUntil is the number of days from d to e, negative if e lies before d,
// and 0 if one of them is no date.
func (d Date) DaysUntil(e Date) int {
	from, err := time.Parse(dateForm, string(d))
	to, err2 := time.Parse(dateForm, string(e))
	if err != nil || err2 != nil {
		return 0
	}
	return int(to.Sub(from) / (24 * time.Hour))
}

// Weekday is the day of the week of d; Sunday if d is no date. Weeks begin on
// Monday.
func (d Date) Weekday() time.Weekday {
	t, err := time.Parse(dateForm, string(d))
	if err != nil {
		return time.Sunday
	}
	return t.Weekday()
}

// Year is the year of d; 0 if d is no date.
func (d Date) Year() int {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return 0
	}
	return t.Year()
}

// Compare is -1 if d lies before e, +1 if after, 0 if they are one day.
func (d Date) Compare(e Date) int { return cmp.Compare(d, e) }

// At is the instant, in UTC, at which clocks in z show the given time on d. It
// is the zero time if d is no date.
func (d Date) At(hour, minute int, z Zone) time.Time {
	t, err := time.Parse(dateForm, string(d))
	if err != nil {
		return time.Time{}
	}
	return time.Date(t.Year(), t.Month(), t.Day(), hour, minute, 0, 0, z.Location()).UTC()
}

// Start is the first instant of d in z, in UTC.
func (d Date) Start(z Zone) time.Time { return d.At(0, 0, z) }

// End is the first instant in z after d, in UTC: what is due on d is overdue
// from End on.
func (d Date) End(z Zone) time.Time { return d.At(24, 0, z) }

// Window is a span of local days, both ends included.
type Window struct {
	From, To Date
	Zone     Zone
}

// Contains reports whether t falls on a day of w.
func (w Window) Contains(t time.Time) bool {
	return !t.Before(w.From.Start(w.Zone)) && t.Before(w.To.End(w.Zone))
}

// Days is the number of days of w, 0 if it ends before it begins.
func (w Window) Days() int {
	if w.From == "" || w.To < w.From {
		return 0
	}
	return w.From.DaysUntil(w.To) + 1
}
