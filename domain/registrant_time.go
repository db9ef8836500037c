package domain

import (
	"strconv"
	"strings"
	"time"
)

// ParseMoment reads when something happened: RFC 3339 with its offset, or a local
// date with or without a time of day, which z places. The day comes first, as in
// the whole country ("27/02/2022 08.15", "27-2-2022 08:15:30", "27 Februari 2022
// pukul 08.15 WIB"), or the year ("2022-02-27 08:15"). A date alone is the first
// instant of its day. Fractions of a second are dropped.
//
// Errors: Invalid "moment_invalid" (no such day or hour, the month in front, the
// hours of an American clock), "date_serial" (the bare number of a spreadsheet,
// whose epoch is not known).
func ParseMoment(s string, z Zone) (time.Time, error) {
	s = strings.Join(strings.Fields(strings.Map(foldRune, s)), " ")
	if len(s) > 64 {
		return time.Time{}, noMoment()
	}
	if bareNumber(s) {
		return time.Time{}, invalid("date_serial", "a date without the format of a date")
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil && t.Year() >= 1900 && t.Year() <= 2999 {
		return t.Truncate(time.Second).UTC(), nil
	}
	day, clock, z, ok := momentParts(s, z)
	if !ok {
		return time.Time{}, noMoment()
	}
	y, m, d, ok := dayParts(day)
	if !ok {
		return time.Time{}, noMoment()
	}
	hour, minute, second, ok := clockParts(clock)
	if !ok {
		return time.Time{}, noMoment()
	}
	return time.Date(y, time.Month(m), d, hour, minute, second, 0, z.Location()).UTC(), nil
}

func noMoment() error {
	return invalid("moment_invalid", "not a date, with or without a time of day")
}

func bareNumber(s string) bool {
	whole, frac, point := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	return digits(whole) && (!point || digits(frac))
}

// momentParts takes s apart: day as numbers with one separator, time of day, zone.
func momentParts(s string, z Zone) (day, clock string, zone Zone, ok bool) {
	words := strings.Fields(strings.ToLower(s))
	if _, rest, comma := strings.Cut(s, ", "); comma { // Minggu, 27 Februari 2022
		words = strings.Fields(strings.ToLower(rest))
	}
	if len(words) > 0 {
		for _, named := range []Zone{WIB, WITA, WIT} {
			if words[len(words)-1] == strings.ToLower(named.Abbreviation()) {
				words, z = words[:len(words)-1], named
				break
			}
		}
	}
	switch {
	case len(words) >= 3 && monthNumber(words[1]) > 0:
		day, words = words[0]+"-"+strconv.Itoa(monthNumber(words[1]))+"-"+words[2], words[3:]
	case len(words) == 1 && len(words[0]) > 10 && words[0][10] == 't':
		day, words = words[0][:10], []string{words[0][11:]}
	case len(words) > 0:
		day, words = words[0], words[1:]
	}
	if len(words) == 2 && (words[0] == "pukul" || words[0] == "jam") {
		words = words[1:]
	}
	if len(words) == 1 {
		clock = words[0]
	}
	return day, clock, z, day != "" && len(words) <= 1
}

func monthNumber(word string) int {
	months := [...][]string{{"januari", "january", "jan"}, {"februari", "february", "feb", "pebruari"}, {"maret", "march", "mar"}, {"april", "apr"},
		{"mei", "may"}, {"juni", "june", "jun"}, {"juli", "july", "jul"}, {"agustus", "august", "agu", "agt", "aug"}, {"september", "sep", "sept"},
		{"oktober", "october", "okt", "oct"}, {"november", "nov", "nopember"}, {"desember", "december", "des", "dec"}}
	for i, names := range months {
		for _, name := range names {
			if word == name {
				return i + 1
			}
		}
	}
	return 0
}

// dayParts reads year-month-day or day-month-year, apart by hyphens, strokes or
// dots.
func dayParts(s string) (y, m, d int, ok bool) {
	var parts []string
	for _, separator := range []string{"-", "/", "."} {
		if parts = strings.Split(s, separator); len(parts) == 3 {
			break
		}
	}
	if len(parts) != 3 {
		return 0, 0, 0, false
	}
	if len(parts[0]) != 4 {
		parts[0], parts[2] = parts[2], parts[0]
	}
	if len(parts[0]) != 4 {
		return 0, 0, 0, false
	}
	y, m, d = smallNumber(parts[0]), smallNumber(parts[1]), smallNumber(parts[2])
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return y, m, d, y >= 1900 && y <= 2999 && m >= 1 && t.Day() == d && t.Month() == time.Month(m)
}

// clockParts reads hours, minutes and perhaps seconds, apart by colons or dots;
// nothing is midnight.
func clockParts(s string) (hour, minute, second int, ok bool) {
	if s == "" {
		return 0, 0, 0, true
	}
	parts := strings.Split(s, ".")
	if strings.Contains(s, ":") {
		s, fraction, point := strings.Cut(s, ".")
		if parts = strings.Split(s, ":"); point && (len(parts) != 3 || !digits(fraction)) {
			return 0, 0, 0, false
		}
	}
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	if len(parts) != 3 {
		return 0, 0, 0, false
	}
	for _, p := range parts {
		if len(p) > 2 {
			return 0, 0, 0, false
		}
	}
	hour, minute, second = smallNumber(parts[0]), smallNumber(parts[1]), smallNumber(parts[2])
	return hour, minute, second, hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60
}

// smallNumber reads up to four digits, and anything else as -1.
func smallNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || len(s) > 4 || !digits(s) {
		return -1
	}
	return n
}
