// Package message holds the sentences that people read: one per code, in
// Indonesian and English. A code that a program acts on never changes; its
// sentence may.
package message

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Lang is a language of the catalogue. Any other value reads as ID.
type Lang string

// The languages.
const (
	ID Lang = "id" // Bahasa Indonesia, the default
	EN Lang = "en"
)

// Sentence is what one person reads about one code.
type Sentence struct {
	Title  string // one short sentence that stands alone
	Detail string // what to do about it; may be empty
}

// String is title and detail on one line.
func (s Sentence) String() string {
	if s.Detail == "" {
		return s.Title
	}
	return s.Title + " " + s.Detail
}

// entry is one code in both languages.
type entry struct{ id, en Sentence }

// tables lists the fields of the catalogue; a code stands in one of them.
func tables() []map[string]entry {
	return []map[string]entry{syncTable, authTable, httpTable, domainTable, clientTable, importTable, deskTable}
}

func find(code string) (entry, bool) {
	for _, t := range tables() {
		if e, ok := t[code]; ok {
			return e, true
		}
	}
	return entry{}, false
}

// Text is the sentence of code in lang with every {name} replaced by
// params[name]. A parameter that is missing becomes an ellipsis; a code that is
// not in the catalogue reads as "internal".
func Text(code string, lang Lang, params map[string]any) Sentence {
	e, ok := find(code)
	if !ok {
		e, _ = find("internal")
	}
	s := e.id
	if lang == EN {
		s = e.en
	}
	if noField(params) {
		s = Sentence{Title: strings.ReplaceAll(s.Title, " {field}", ""), Detail: sayable(s.Detail)}
	}
	return Sentence{Title: fill(s.Title, params), Detail: fill(s.Detail, params)}
}

// noField reports that the input as a whole is to blame, and no field of it.
func noField(params map[string]any) bool {
	field, given := params["field"]
	return given && field == ""
}

// sayable leaves out the sentences of a detail that speak of a field.
func sayable(detail string) string {
	var kept []string
	for sentence := range strings.SplitAfterSeq(detail, ". ") {
		if !strings.Contains(sentence, "{field}") {
			kept = append(kept, sentence)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ""))
}

// Both is the sentence of code on one line in every language, as verdicts
// carry it.
func Both(code string, params map[string]any) map[Lang]string {
	return map[Lang]string{ID: Text(code, ID, params).String(), EN: Text(code, EN, params).String()}
}

// Known reports whether code has an entry.
func Known(code string) bool {
	_, ok := find(code)
	return ok
}

// Codes lists every code, sorted.
func Codes() []string {
	var codes []string
	for _, t := range tables() {
		for code := range t {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// fill replaces {name} by params[name]. Braces inside a parameter stay as they
// are.
func fill(s string, params map[string]any) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{")
		name, after, closed := strings.Cut(rest, "}")
		b.WriteString(before)
		if !found || !closed {
			return b.String()
		}
		if v, ok := params[name]; ok {
			fmt.Fprint(&b, v)
		} else {
			b.WriteString("…")
		}
		s = after
	}
}

// Pick chooses a language from the value of an Accept-Language header: English
// only if it is asked for with a greater weight than Indonesian, which is also
// the answer to anything unreadable.
func Pick(accept string) Lang {
	if len(accept) > 256 {
		return ID
	}
	best, lang := 0, ID
	for part := range strings.SplitSeq(accept, ",") {
		tag, weight, _ := strings.Cut(strings.ToLower(part), ";")
		primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
		q := thousandths(weight)
		switch Lang(primary) {
		case EN:
			if q > best {
				best, lang = q, EN
			}
		case ID, "in": // the old code of Indonesian, still sent by Android
			if q > 0 && q >= best {
				best, lang = q, ID
			}
		}
	}
	return lang
}

// thousandths reads "q=0.8" as 800; nothing as 1000; rubbish as 0.
func thousandths(weight string) int {
	q, ok := strings.CutPrefix(strings.TrimSpace(weight), "q=")
	if !ok {
		if strings.TrimSpace(weight) == "" {
			return 1000
		}
		return 0
	}
	whole, frac, _ := strings.Cut(q, ".")
	n := 0
	for _, r := range (frac + "000")[:3] {
		if r < '0' || r > '9' {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	switch whole {
	case "1":
		return 1000
	case "0":
		return n
	}
	return 0
}

// Day writes the calendar day of t, in t's own location, in full: "Kamis, 17
// Maret 2022" or "Thursday, 17 March 2022".
func Day(t time.Time, lang Lang) string {
	if lang == EN {
		return t.Format("Monday, 2 January 2006")
	}
	days := [...]string{"Minggu", "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu"}
	months := [...]string{"Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember"}
	return fmt.Sprintf("%s, %d %s %d", days[t.Weekday()], t.Day(), months[t.Month()-1], t.Year())
}

// Hour writes the time of day of t with the zone of t's location: "10.00 WIB",
// in English "10:00 WIB".
func Hour(t time.Time, lang Lang) string {
	if lang == EN {
		return t.Format("15:04 MST")
	}
	return t.Format("15.04 MST")
}

// Wait writes how long to wait, rounded up to whole seconds, minutes or hours:
// "90 detik", "5 menit", "24 jam".
func Wait(d time.Duration, lang Lang) string {
	units := [...]struct {
		size   time.Duration
		id, en string
	}{{time.Hour, "jam", "hour"}, {time.Minute, "menit", "minute"}, {time.Second, "detik", "second"}}
	size, word, english := time.Second, "detik", "second"
	for _, u := range units {
		if d >= 2*u.size {
			size, word, english = u.size, u.id, u.en
			break
		}
	}
	n := max(1, (d+size-1)/size)
	if lang != EN {
		return fmt.Sprintf("%d %s", n, word)
	}
	if n != 1 {
		english += "s"
	}
	return fmt.Sprintf("%d %s", n, english)
}

// Template is the sentence of code in lang on one line, with its holes.
func Template(code string, lang Lang) string {
	e, _ := find(code)
	if lang == EN {
		return e.en.String()
	}
	return e.id.String()
}
