package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
)

// format is what the number format of a cell says about its number.
type format struct {
	date bool
	pad  int // digits that are shown, with zeros in front; 0: as many as there are
}

// builtInDate reports whether one of the formats that every file has is that of a date
// or a time of day.
func builtInDate(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
}

// formatOf reads a format code such as "dd/mm/yyyy hh:mm" or "0000000000000".
func formatOf(code string) format {
	if len(code) > 1 && strings.Trim(code, "0") == "" {
		return format{pad: len(code)}
	}
	first, _, _ := strings.Cut(code, ";")
	return format{date: strings.ContainsAny(bareFormat(first), "dmyhsDMYHS")}
}

// bareFormat takes out of a format code what is shown as it is: texts in quotation
// marks, colours and currencies in brackets, and single characters behind \, _ and *.
func bareFormat(code string) string {
	var b strings.Builder
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"', '[':
			end := strings.IndexByte(code[i+1:], map[byte]byte{'"': '"', '[': ']'}[code[i]])
			if end < 0 {
				return b.String()
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		default:
			b.WriteByte(code[i])
		}
	}
	return b.String()
}

// Numbers of a spreadsheet have 15 digits; what is longer was rounded when it was
// typed.
const roundedFrom = 1e15

// numberCell is the text that somebody meant by a number.
func numberCell(v string, f format, from04 bool) domain.Cell {
	n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	switch {
	case err != nil || math.IsInf(n, 0) || math.IsNaN(n):
		return domain.Cell{Code: "cell_error"}
	case f.date:
		return dateCell(n, from04)
	case math.Abs(n) >= roundedFrom:
		return domain.Cell{Code: "cell_digits_lost"}
	}
	n, _ = strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64) // 0.1+0.2 is shown as 0.3
	s := strconv.FormatFloat(n, 'f', -1, 64)
	if f.pad > len(s) && n >= 0 && n == math.Trunc(n) {
		s = strings.Repeat("0", f.pad-len(s)) + s
	}
	return domain.Cell{Text: s}
}

// dateCell is a serial number of days as "2006-01-02", with " 15:04:05" where there is a
// time of day, and as that alone where there is no day. A spreadsheet knows no zone.
func dateCell(n float64, from04 bool) domain.Cell {
	const lastDay = 2_958_466 // the first day of the year 10000
	if n < 0 || n >= lastDay {
		return domain.Cell{Code: "cell_date"}
	}
	seconds := int64(math.Round(n * 24 * 60 * 60))
	days, seconds := seconds/(24*60*60), seconds%(24*60*60)
	first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case days == 0:
		return domain.Cell{Text: first.Add(time.Duration(seconds) * time.Second).Format(time.TimeOnly)}
	case from04:
		first = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days == 60:
		return domain.Cell{Code: "cell_date"} // 29 February 1900, which Excel alone knows
	case days < 60:
		first = first.AddDate(0, 0, 1)
	}
	t := first.AddDate(0, 0, int(days)).Add(time.Duration(seconds) * time.Second)
	if seconds == 0 {
		return domain.Cell{Text: t.Format(time.DateOnly)}
	}
	return domain.Cell{Text: t.Format(time.DateTime)}
}
