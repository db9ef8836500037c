package report

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"github.com/lumbung-ikm/lumbung/domain"
)

// sniffed is how much of a file is looked at to find its separator.
const sniffed = 64 << 10

// readCSV finds the encoding and the separator.
//
// UTF-8 with or without a byte order mark is read, and UTF-16 with one. Anything else
// is refused: which of the old code pages a file has cannot be seen, and the wrong one
// gives a wrong letter in a person's name, silently.
func readCSV(ctx context.Context, file io.Reader, l Limits) (*Table, error) {
	in := bufio.NewReaderSize(file, sniffed)
	bom, err := in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(bom, []byte("\xef\xbb\xbf")):
		if _, err := in.Discard(3); err != nil {
			return nil, err
		}
	case bytes.HasPrefix(bom, []byte("\xff\xfe")), bytes.HasPrefix(bom, []byte("\xfe\xff")):
		in = bufio.NewReaderSize(unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(in), sniffed)
	}
	head, err := in.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	separator, told := toldSeparator(head)
	if told > 0 {
		if _, err := in.Discard(told); err != nil {
			return nil, err
		}
	} else {
		separator = guessSeparator(ctx, head, err != nil)
	}
	c := &csvReader{in: in, separator: separator, meter: meter{limits: l}}
	return &Table{Format: CSV, Separator: rune(separator), rows: func(yield func(domain.TableRow, error) bool) { c.each(ctx, yield) }}, nil
}

// csvReader reads records. Rows are numbered as a spreadsheet shows them: a row with
// a line break in a cell is one row, and blank rows count.
type csvReader struct {
	in        *bufio.Reader
	separator byte
	meter     meter
	line      int
	bare      int // quotation marks inside cells that are not quoted
	buffer    []byte
}

// each gives every row that is not blank.
func (c *csvReader) each(ctx context.Context, yield func(domain.TableRow, error) bool) {
	for {
		row, err := c.record(ctx)
		switch {
		case errors.Is(err, io.EOF) && c.meter.rows == 0:
			err = wrong("table_empty", "no row", 0)
		case errors.Is(err, io.EOF):
			return
		case err == nil:
			if row.Cells = trimmed(row.Cells); len(row.Cells) == 0 {
				continue
			}
			err = c.meter.row(row)
		}
		if err != nil {
			yield(domain.TableRow{}, err)
			return
		}
		if !yield(row, nil) {
			return
		}
	}
}

// record reads one row, and io.EOF behind the last.
func (c *csvReader) record(ctx context.Context) (domain.TableRow, error) {
	if c.line%256 == 0 && ctx.Err() != nil {
		return domain.TableRow{}, context.Cause(ctx)
	}
	if _, err := c.in.Peek(1); err != nil {
		return domain.TableRow{}, err
	}
	c.line++
	row := domain.TableRow{Line: c.line}
	for n := 0; ; n++ {
		cell, last, err := c.cell()
		if err != nil {
			return domain.TableRow{}, err
		}
		if cell != (domain.Cell{}) {
			if err := c.meter.cell(1); err != nil {
				return domain.TableRow{}, err
			}
			if err := c.meter.width(n+1, c.line); err != nil {
				return domain.TableRow{}, err
			}
		}
		if n < c.meter.limits.Columns {
			row.Cells = append(row.Cells, cell)
		}
		if last {
			return row, nil
		}
	}
}

// cell reads one cell and what ends it; last reports the end of the row.
func (c *csvReader) cell() (cell domain.Cell, last bool, err error) {
	c.buffer = c.buffer[:0]
	b, err := c.in.ReadByte()
	quoted := err == nil && b == '"'
	if quoted {
		if b, err = c.quoted(); err != nil && !errors.Is(err, io.EOF) {
			return domain.Cell{}, false, err
		}
	}
	for ; err == nil && b != c.separator && b != '\n' && b != '\r'; b, err = c.in.ReadByte() {
		switch {
		case quoted && b != ' ':
			return domain.Cell{}, false, wrong("table_quote", "text behind a closing quotation mark", c.line)
		case quoted:
			continue
		case b == '"':
			c.bare++
		}
		c.keep(b)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return domain.Cell{}, false, err
	}
	if err == nil && b == '\r' {
		if next, peekErr := c.in.Peek(1); peekErr == nil && next[0] == '\n' {
			_, _ = c.in.Discard(1) // was peeked
		}
	}
	cell, wrongly := c.text()
	return cell, err != nil || b != c.separator, wrongly
}

// quoted reads up to the closing quotation mark and gives the byte behind it.
func (c *csvReader) quoted() (byte, error) {
	for {
		b, err := c.in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return 0, wrong("table_quote", "a quotation mark that nothing closes", c.line)
		case err != nil:
			return 0, err
		case b == '"':
			if b, err = c.in.ReadByte(); err != nil || b != '"' {
				return b, err
			}
		}
		c.keep(b)
	}
}

// keep adds b to the cell, up to one byte more than a cell may have.
func (c *csvReader) keep(b byte) {
	if len(c.buffer) <= domain.MaxCell {
		c.buffer = append(c.buffer, b)
	}
}

// text is the cell that was read.
func (c *csvReader) text() (domain.Cell, error) {
	switch {
	case len(c.buffer) > domain.MaxCell:
		return domain.Cell{Code: "cell_too_long"}, nil
	case !utf8.Valid(c.buffer), c.meter.rows == 0 && bytes.IndexByte(c.buffer, 0) >= 0:
		return domain.Cell{}, wrong("table_encoding", "not UTF-8, nor UTF-16 with its mark", c.line)
	}
	return domain.Cell{Text: unguarded(string(c.buffer))}, nil
}

// asText is how exporters keep a spreadsheet from reading a text as a number.
var asText = regexp.MustCompile(`^="([^"]*)"$`)

// unguarded takes the apostrophe off that guards against formulas, and the
// ="…" around a text.
func unguarded(s string) string {
	if len(s) > 1 && s[0] == '\'' && formulaLike(s[1:]) {
		return s[1:]
	}
	if m := asText.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return s
}
