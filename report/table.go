package report

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
)

// Limits bound a table that somebody hands in. A zero one is the default.
type Limits struct {
	Bytes    int64 // of the file; 10 MiB
	Inflated int64 // of everything that is read out of an XLSX file, as often as it is read; 64 MiB
	Text     int64 // of the texts of an XLSX file that are kept, those that its cells share; 8 MiB
	Rows     int   // that are not blank, with the header; 10,001
	Columns  int   // of one row; 128
	Cells    int   // that are not blank, and in XLSX every one that is written down; 500,000
}

func (l Limits) filled() Limits {
	if l.Bytes == 0 {
		l.Bytes = 10 << 20
	}
	if l.Inflated == 0 {
		l.Inflated = 64 << 20
	}
	if l.Text == 0 {
		l.Text = 8 << 20
	}
	if l.Rows == 0 {
		l.Rows = 10_001
	}
	if l.Columns == 0 {
		l.Columns = 128
	}
	if l.Cells == 0 {
		l.Cells = 500_000
	}
	return l
}

// Options say what to read.
type Options struct {
	Limits Limits
	Sheet  string // of an XLSX file, by name; empty: the first that is visible
}

// Formats of a table.
const (
	CSV  = "csv"
	XLSX = "xlsx"
)

// Table is a file that was looked at and is ready to be read.
type Table struct {
	Format    string // CSV or XLSX, by the content and never by a name
	Separator rune   // of a CSV file: ';', ',' or a tab
	Sheet     string // of an XLSX file: the name of the one that is read
	rows      iter.Seq2[domain.TableRow, error]
}

// Rows gives the rows that are not blank, in the order of the file. After an error
// nothing more comes. Rows may be read once; a row belongs to who got it.
func (t *Table) Rows() iter.Seq2[domain.TableRow, error] { return t.rows }

// ReadTable looks at a file of size bytes and finds out what it is. Rows are read as
// they are asked for. Everything in the file may be hostile: no formula is ever worked
// out, nothing outside of the file is opened, and memory is bounded by the limits.
//
// Errors: Invalid "table_empty", "table_encoding" and "table_quote" (with the row as
// Info "line"), "table_format" (neither CSV nor XLSX), "table_old_excel" (XLS, or with a
// password), "table_broken", "sheet_unknown", "sheet_missing"; TooLarge "table_too_large",
// "table_inflates", "table_rows", "table_columns", "table_cells" (with Info "limit"). Rows
// gives them too. An error of file or ctx comes as it is.
func ReadTable(ctx context.Context, file io.ReaderAt, size int64, o Options) (*Table, error) {
	l := o.Limits.filled()
	if size > l.Bytes {
		return nil, tooLarge("table_too_large", l.Bytes, 0)
	}
	head := make([]byte, min(size, 8))
	if _, err := file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, wrong("table_empty", "file without bytes", 0)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return readXLSX(ctx, file, size, o.Sheet, l)
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return nil, wrong("table_old_excel", "an OLE container: XLS, or XLSX with a password", 0)
	case foreign(head):
		return nil, wrong("table_format", "neither CSV nor XLSX", 0)
	}
	return readCSV(ctx, io.NewSectionReader(file, 0, size), l)
}

// foreign reports whether a file begins like one of another kind that is handed in by
// mistake.
func foreign(head []byte) bool {
	for _, magic := range []string{"%PDF", "<!DOCTYP", "<!doctyp", "<html", "<HTML", "<table", "<?xml", "{\\rtf", "\x89PNG", "\xff\xd8\xff", "Rar!", "\x1f\x8b"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// wrong is a mistake of the file; line is left out if it is 0.
func wrong(code, text string, line int) *fault.Error {
	e := &fault.Error{Kind: fault.Invalid, Code: code, Text: text}
	if line > 0 {
		e.Info = map[string]any{"line": line}
	}
	return e
}

// tooLarge is a limit that the file is over.
func tooLarge(code string, limit int64, line int) *fault.Error {
	e := &fault.Error{Kind: fault.TooLarge, Code: code, Text: "over a limit of tables", Info: map[string]any{"limit": limit}}
	if line > 0 {
		e.Info["line"] = line
	}
	return e
}

// meter counts what was read of a table against its limits.
type meter struct {
	limits      Limits
	rows, cells int
}

// row counts one row that is not blank.
func (m *meter) row(r domain.TableRow) error {
	m.rows++
	if m.rows > m.limits.Rows {
		return tooLarge("table_rows", int64(m.limits.Rows), 0)
	}
	return m.width(len(r.Cells), r.Line)
}

func (m *meter) width(columns, line int) error {
	if columns > m.limits.Columns {
		return tooLarge("table_columns", int64(m.limits.Columns), line)
	}
	return nil
}

// cell counts n cells.
func (m *meter) cell(n int) error {
	if m.cells += n; m.cells > m.limits.Cells {
		return tooLarge("table_cells", int64(m.limits.Cells), 0)
	}
	return nil
}

// trimmed takes the blank cells off the end of a row.
func trimmed(cells []domain.Cell) []domain.Cell {
	for n := len(cells); n > 0; n-- {
		if cells[n-1] != (domain.Cell{}) {
			return cells[:n]
		}
	}
	return nil
}
