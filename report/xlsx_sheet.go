package report

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
)

// Borders of a sheet of Excel.
const (
	lastRow    = 1_048_576
	lastColumn = 16_384
)

// each gives the rows of a sheet that are not blank.
func (b *book) each(ctx context.Context, part string, yield func(domain.TableRow, error) bool) {
	s, err := b.archive.open(part)
	if err == nil && s == nil {
		err = broken("a sheet is missing", nil)
	}
	if err != nil {
		yield(domain.TableRow{}, err)
		return
	}
	defer s.close()
	row := domain.TableRow{}
	for {
		found, err := b.row(ctx, s, &row)
		switch {
		case err == nil && !found && b.meter.rows == 0:
			err = wrong("table_empty", "no row", 0)
		case err == nil && !found:
			return
		case err == nil && len(row.Cells) == 0:
			continue
		case err == nil:
			err = b.meter.row(row)
		}
		if err != nil {
			yield(domain.TableRow{}, err)
			return
		}
		if !yield(domain.TableRow{Line: row.Line, Cells: row.Cells}, nil) {
			return
		}
	}
}

// row reads the next row of cells into row, whose number it follows; found is false
// behind the last.
func (b *book) row(ctx context.Context, s *scanner, row *domain.TableRow) (found bool, err error) {
	row.Cells = nil
	inside := false
	for n := 0; ; n++ {
		token, err := s.next()
		switch {
		case n%256 == 0 && ctx.Err() != nil:
			return false, context.Cause(ctx)
		case errors.Is(err, io.EOF):
			return false, nil // a sheet without cells
		case err != nil:
			return false, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch {
			case t.Name.Local == "row" && !inside:
				inside = true
				if row.Line, err = position(attribute(t, "r"), row.Line, lastRow); err != nil {
					return false, err
				}
			case t.Name.Local == "c" && inside:
				if err := b.cell(s, t, row); err != nil {
					return false, err
				}
			}
		case xml.EndElement:
			switch {
			case t.Name.Local == "row" && inside:
				row.Cells = trimmed(row.Cells)
				return true, nil
			case t.Name.Local == "sheetData":
				return false, nil
			}
		}
	}
}

// position reads a number that lies behind the one before; absent, it follows it.
func position(s string, before, last int) (int, error) {
	n := before + 1
	if s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n <= before {
			return 0, broken("rows or cells lie in no order", err)
		}
	}
	if n > last {
		return 0, broken("beyond the last row or column", nil)
	}
	return n, nil
}

// cell reads one cell and puts it in its place.
func (b *book) cell(s *scanner, e xml.StartElement, row *domain.TableRow) error {
	if err := b.meter.cell(1); err != nil {
		return err
	}
	at, err := position(column(attribute(e, "r")), len(row.Cells), lastColumn)
	if err != nil {
		return err
	}
	value, err := b.value(s, e)
	if err != nil {
		return err
	}
	if at > b.meter.limits.Columns {
		if value == (domain.Cell{}) {
			return nil // a style alone
		}
		return b.meter.width(at, row.Line)
	}
	for len(row.Cells) < at-1 {
		row.Cells = append(row.Cells, domain.Cell{})
	}
	row.Cells = append(row.Cells, value)
	return nil
}

// column is the number of the column of a cell such as "B7", or "" if s is empty. What
// is no column becomes 0, which lies nowhere.
func column(s string) string {
	if s == "" {
		return ""
	}
	n := 0
	for i := 0; i < len(s) && n <= lastColumn; i++ {
		switch c := s[i] &^ 0x20; {
		case c >= 'A' && c <= 'Z':
			n = n*26 + int(c-'A') + 1
		default:
			return strconv.Itoa(n)
		}
	}
	return strconv.Itoa(n)
}

// value reads what a cell holds. A formula is never worked out: what counts is the
// result that the spreadsheet has stored, which is what its author saw. A formula that
// no spreadsheet has worked out yet has none.
func (b *book) value(s *scanner, e xml.StartElement) (domain.Cell, error) {
	v, err := s.value()
	if err != nil {
		return domain.Cell{}, err
	}
	if len(v.text) > domain.MaxCell {
		return domain.Cell{Code: "cell_too_long"}, nil
	}
	kind := attribute(e, "t")
	switch {
	case v.formula && (!v.given || v.text == "" && kind != "str"):
		return domain.Cell{Code: "cell_formula"}, nil
	case !v.given:
		return domain.Cell{}, nil
	}
	switch kind {
	case "s":
		return b.shared(v.text)
	case "inlineStr", "str":
		return domain.Cell{Text: unescaped(v.text)}, nil
	case "b":
		return domain.Cell{Text: map[bool]string{true: "TRUE", false: "FALSE"}[strings.TrimSpace(v.text) == "1"]}, nil
	case "e":
		return domain.Cell{Code: "cell_error"}, nil
	case "d":
		return domain.Cell{Text: v.text}, nil
	}
	if v.text == "" {
		return domain.Cell{}, nil
	}
	style, _ := strconv.Atoi(attribute(e, "s")) // absent: 0
	f := format{}
	if style >= 0 && style < len(b.formats) {
		f = b.formats[style]
	}
	return numberCell(v.text, f, b.from04), nil
}

// raw is what stands inside a cell.
type raw struct {
	text    string
	given   bool // there is a value, be it empty
	formula bool
}

// value reads up to the end of a cell.
func (s *scanner) value() (out raw, err error) {
	depth, text := len(s.open), []byte(nil)
	for {
		token, err := s.next()
		if err != nil {
			return raw{}, eofIsBroken(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "f":
				out.formula = true
			case "v":
				out.given = true
			case "is":
				out.given = true
				if out.text, err = s.text("t", "rPh"); err != nil {
					return raw{}, err
				}
			}
		case xml.EndElement:
			if len(s.open) < depth {
				out.text += string(text)
				return out, nil
			}
		case xml.CharData:
			if s.open[len(s.open)-1] == "v" && len(text) <= domain.MaxCell {
				text = append(text, t...)
			}
		}
	}
}
