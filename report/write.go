package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/lumbung-ikm/lumbung/fault"
)

// formulaLike reports whether a spreadsheet that opens s as a cell of a CSV file may
// read a formula: = + - @ in front, also in full width, or a tab or line break, which
// some throw away before they look. Apostrophes in front are looked through, so that
// each guarded text has one guard more than it had.
func formulaLike(s string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, "'"))
	return strings.ContainsRune("=+-@\t\r\n＝＋－＠", r) && r != utf8.RuneError
}

// WriteCSV writes rows for people: UTF-8 with its mark, which a spreadsheet needs to
// find it, cells apart by separator (0 is a semicolon) and quoted where they must be.
// A text that a spreadsheet could take for a formula gets an apostrophe in front, which
// ReadTable takes off again. A cell is a string, an int, an int64, a bool, a time.Time
// (as its own clock shows it, to the second) or nil.
//
// Errors: those of w; Invalid "text_unreadable" for a text that is not UTF-8 or holds NUL.
func WriteCSV(w io.Writer, separator rune, rows iter.Seq[[]any]) error {
	if separator == 0 {
		separator = ';'
	}
	out := bufio.NewWriter(w)
	if _, err := out.WriteString("\ufeff"); err != nil {
		return err
	}
	for row := range rows {
		for i, v := range row {
			s, err := csvCell(v)
			if err != nil {
				return err
			}
			if i > 0 {
				s = string(separator) + s
			}
			if _, err := out.WriteString(s); err != nil {
				return err
			}
		}
		if _, err := out.WriteString("\r\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}

// csvCell is v as it stands in a file.
func csvCell(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return map[bool]string{true: "TRUE", false: "FALSE"}[v], nil
	case time.Time:
		return v.Format(time.DateTime), nil
	case string:
		if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			return "", unwritable()
		}
		if formulaLike(v) || asText.MatchString(v) {
			v = "'" + v
		}
		// All separators are quoted, so that none is found where it is not meant.
		if strings.ContainsAny(v, ";,\t\r\n\"") || strings.HasPrefix(v, "sep=") || strings.TrimSpace(v) != v {
			v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
		}
		return v, nil
	}
	return "", fmt.Errorf("report: a cell of type %T", v)
}

func unwritable() error {
	return &fault.Error{Kind: fault.Invalid, Code: "text_unreadable", Text: "a text that a table cannot hold"}
}

// WriteXLSX writes rows into one sheet. Texts are written as texts: never a formula,
// never a number. An int and an int64 are numbers, a time.Time is a date as its own
// clock shows it, to the second; a bool and nil are what they are.
//
// Errors: those of w; Invalid "text_unreadable" for a text that is not UTF-8 or holds
// control characters, "cell_too_long" for one that no spreadsheet holds.
func WriteXLSX(w io.Writer, sheet string, rows iter.Seq[[]any]) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.SetSheetName(f.GetSheetName(0), sheet); err != nil {
		return err
	}
	form := "yyyy-mm-dd hh:mm:ss"
	style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &form})
	if err != nil {
		return err
	}
	out, err := f.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	line := 0
	for row := range rows {
		line++
		cells := make([]any, len(row))
		for i, v := range row {
			if cells[i], err = xlsxCell(v, style); err != nil {
				return err
			}
		}
		if err := out.SetRow("A"+strconv.Itoa(line), cells); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}

// xlsxCell is v as the library wants it.
func xlsxCell(v any, style int) (any, error) {
	switch v := v.(type) {
	case nil, bool, int, int64:
		return v, nil
	case time.Time:
		// The library counts days in UTC: the clock of v is told as if it were UTC.
		_, offset := v.Zone()
		local := v.Add(time.Duration(offset) * time.Second).UTC()
		return excelize.Cell{StyleID: style, Value: local}, nil
	case string:
		switch {
		case !utf8.ValidString(v) || strings.ContainsFunc(v, notInXML):
			return nil, unwritable()
		case len(utf16.Encode([]rune(v))) > excelize.TotalCellChars:
			return nil, &fault.Error{Kind: fault.Invalid, Code: "cell_too_long", Text: "a text that no spreadsheet holds", Info: map[string]any{"limit": excelize.TotalCellChars}}
		}
		return v, nil
	}
	return nil, fmt.Errorf("report: a cell of type %T", v)
}

// notInXML reports whether XML has no way to write r.
func notInXML(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
}
