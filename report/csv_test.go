package report_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/report"
)

// read gives each row as its line and cells; a cell with a code is !code.
func read(t testing.TB, file []byte, o report.Options) (rows []string, table *report.Table, err error) {
	t.Helper()
	table, err = report.ReadTable(t.Context(), bytes.NewReader(file), int64(len(file)), o)
	if err != nil {
		return nil, nil, err
	}
	for row, err := range table.Rows() {
		if err != nil {
			return rows, table, err
		}
		rows = append(rows, show(row))
	}
	return rows, table, nil
}

func show(row domain.TableRow) string {
	var cells []string
	for _, c := range row.Cells {
		if c.Code != "" {
			c.Text = "!" + c.Code
		}
		cells = append(cells, c.Text)
	}
	return fmt.Sprintf("%d:%s", row.Line, strings.Join(cells, "|"))
}

// codeOf is the code of err with its parameters.
func codeOf(err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
		return ""
	case !ok:
		return err.Error()
	case e.Info == nil:
		return e.Code
	}
	return fmt.Sprint(e.Code, " ", e.Info)
}

func utf16Of(s string, order binary.AppendByteOrder) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		out = order.AppendUint16(out, u)
	}
	return out
}

func TestCSVIsRead(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want []string
		sep  rune
	}{
		{"semicolons", "a;b\n1;2\n", []string{"1:a|b", "2:1|2"}, ';'},
		{"commas", "a,b\n1,2\n", []string{"1:a|b", "2:1|2"}, ','},
		{"tabs", "a\tb\n1\t2\n", []string{"1:a|b", "2:1|2"}, '\t'},
		{"one column", "a\n1,5\n", []string{"1:a", "2:1,5"}, ';'},
		{"semicolons with decimal commas in every row", "a;b\n1,5;2\n3,5;4\n", []string{"1:a|b", "2:1,5|2", "3:3,5|4"}, ';'},
		{"commas in a header of semicolons", "No;Nama, Usaha;Kab, Kota\n1;x;y\n", []string{"1:No|Nama, Usaha|Kab, Kota", "2:1|x|y"}, ';'},
		{"a semicolon in a header of commas", "a,b; c\n\"1\",\"2; 3\"\n", []string{"1:a|b; c", "2:1|2; 3"}, ','},
		{"a quoted cell with other separators", "a;\"b, c, d\"\n1;2\n", []string{"1:a|b, c, d", "2:1|2"}, ';'},
		{"the separator is told", "sep=,\r\na,b;c\r\n1,2;3\r\n", []string{"1:a|b;c", "2:1|2;3"}, ','},
		{"with a byte order mark", "\ufeffa;b\n1;2", []string{"1:a|b", "2:1|2"}, ';'},
		{"CRLF", "a;b\r\n1;2\r\n", []string{"1:a|b", "2:1|2"}, ';'},
		{"CR, as old machines wrote", "a;b\r1;2\r", []string{"1:a|b", "2:1|2"}, ';'},
		{"no end of the last line", "a;b\n1;", []string{"1:a|b", "2:1"}, ';'},
		{"blank rows count as a spreadsheet counts them", "a;b\n\n;;\n1;2\n", []string{"1:a|b", "4:1|2"}, ';'},
		{"a row with line breaks in a cell is one row", "a;b\n\"x\ny\r\nz\";2\n3;4\n", []string{"1:a|b", "2:x\ny\r\nz|2", "3:3|4"}, ';'},
		{"doubled quotation marks", `a;"say ""x"""` + "\n" + `"";2`, []string{`1:a|say "x"`, "2:|2"}, ';'},
		{"a quotation mark inside a cell", "a;b\nToko \"Maju\";2\n", []string{"1:a|b", `2:Toko "Maju"|2`}, ';'},
		{"blanks behind a quoted cell", "\"a\" ;b\n", []string{"1:a|b"}, ';'},
		{"a guarded formula", "a;b\n'=1+1;'-5\n'x;''=1\n", []string{"1:a|b", "2:=1+1|-5", "3:'x|'=1"}, ';'},
		{"a text in a formula", "a;b\n\"=\"\"0811\"\"\";2\n", []string{"1:a|b", "2:0811|2"}, ';'},
		{"any other formula is a text", "a;b\n=A1+1;=cmd|' /C calc'!A0\n", []string{"1:a|b", "2:=A1+1|=cmd|' /C calc'!A0"}, ';'},
		{"more and fewer cells than the header", "a;b\n1\n1;2;3\n", []string{"1:a|b", "2:1", "3:1|2|3"}, ';'},
		{"a header that ends in separators", "a;b;;;\n1;2;;;\n", []string{"1:a|b", "2:1|2"}, ';'},
		{"NUL in a row", "a;b\n1\x00;2\n", []string{"1:a|b", "2:1\x00|2"}, ';'},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, table, err := read(t, []byte(tt.in), report.Options{})
			if err != nil || !slices.Equal(got, tt.want) || table.Separator != tt.sep || table.Format != report.CSV {
				t.Errorf("%q by %q, %v; want %q by %q", got, table.Separator, err, tt.want, tt.sep)
			}
		})
	}
}

func TestEncodingsOfCSV(t *testing.T) {
	const text = "nama;kota\nJosé;Metro 😀\n"
	want := []string{"1:nama|kota", "2:José|Metro 😀"}
	for name, file := range map[string][]byte{"UTF-8": []byte(text), "UTF-8 with mark": []byte("\ufeff" + text), "UTF-16 little": utf16Of(text, binary.LittleEndian), "UTF-16 big": utf16Of(text, binary.BigEndian)} {
		if got, _, err := read(t, file, report.Options{}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"Windows-1252":        {[]byte("nama;kota\nsiti;metro\nJos\xe9;Metro\n"), "table_encoding map[line:3]"},
		"UTF-16 without mark": {utf16Of(text, binary.LittleEndian)[2:], "table_encoding map[line:1]"},
		"half a character":    {[]byte("nama;kota\nJos\xc3"), "table_encoding map[line:2]"},
	} {
		if _, _, err := read(t, tt.file, report.Options{}); codeOf(err) != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	half := append(utf16Of("a;b\n", binary.LittleEndian), 0x00, 0xd8, ';', 0, '2', 0)
	if got, _, err := read(t, half, report.Options{}); err != nil || !strings.Contains(got[1], "\ufffd") {
		t.Errorf("a broken character of UTF-16 is not seen: %q, %v", got, err)
	}
}

func TestWhatIsNoTable(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"nothing":                              {"", "table_empty"},
		"blank rows":                           {"\n;;\n\r\n", "table_empty"},
		"a mark alone":                         {"\ufeff", "table_empty"},
		"old Excel":                            {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "table_old_excel"},
		"PDF":                                  {"%PDF-1.7", "table_format"},
		"a web page that calls itself":         {"<html><table>", "table_format"},
		"a quotation mark that nothing closes": {"a;b\n1;2\n\"x;3\n4;5\n", "table_quote map[line:3]"},
		"text behind a quotation mark":         {"a;b\n\"x\"y;3\n", "table_quote map[line:2]"},
	} {
		if got, _, err := read(t, []byte(tt.in), report.Options{}); codeOf(err) != tt.want {
			t.Errorf("%s: %q, %v; want %s", name, got, err, tt.want)
		}
	}
}

func TestLimitsOfCSV(t *testing.T) {
	long := strings.Repeat("x", domain.MaxCell+1)
	tests := []struct {
		name   string
		limits report.Limits
		in     string
		rows   int
		want   string
	}{
		{"as many rows as may be", report.Limits{Rows: 3}, "a\n1\n\n2\n", 3, ""},
		{"a row more", report.Limits{Rows: 2}, "a\n1\n2\n", 2, "table_rows map[limit:2]"},
		{"as many columns as may be", report.Limits{Columns: 2}, "a;b;;;;\n1;2;;\n", 2, ""},
		{"a column more", report.Limits{Columns: 2}, "a;b\n1;2\n1;2;3\n", 2, "table_columns map[limit:2 line:3]"},
		{"a cell more", report.Limits{Cells: 3}, "a;b\n1;2\n", 1, "table_cells map[limit:3]"},
		{"bytes", report.Limits{Bytes: 5}, "a;b\n1;2\n", 0, "table_too_large map[limit:5]"},
	}
	for _, tt := range tests {
		if got, _, err := read(t, []byte(tt.in), report.Options{Limits: tt.limits}); len(got) != tt.rows || codeOf(err) != tt.want {
			t.Errorf("%s: %q, %v; want %d rows, %q", tt.name, got, err, tt.rows, tt.want)
		}
	}
	got, _, err := read(t, []byte("a;b\n"+long+";2\n\""+long+"\";3\n"+long[1:]+";4\n"), report.Options{})
	if want := []string{"1:a|b", "2:!cell_too_long|2", "3:!cell_too_long|3", "4:" + long[1:] + "|4"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("long cells: %d rows, %v", len(got), err)
	}
}

// TestReadingEndsWithItsContext: who asked has gone, and nothing more is read.
func TestReadingEndsWithItsContext(t *testing.T) {
	gone := errors.New("gone")
	for name, file := range map[string][]byte{"csv": []byte(strings.Repeat("a;b\n", 2000)), "xlsx": sheetOf(strings.Repeat(`<row><c><v>1</v></c></row>`, 2000))} {
		ctx, stop := context.WithCancelCause(t.Context())
		defer stop(nil)
		table, err := report.ReadTable(ctx, bytes.NewReader(file), int64(len(file)), report.Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		rows, last := 0, error(nil)
		for _, err := range table.Rows() {
			rows, last = rows+1, err
			stop(gone)
		}
		if !errors.Is(last, gone) || rows > 600 {
			t.Errorf("%s: %v after %d rows", name, last, rows)
		}
	}
}

// FuzzReadTable: whatever the bytes are, reading ends with rows or with a code, within
// the limits; and what was read is written and read again as it was.
func FuzzReadTable(f *testing.F) {
	for _, s := range []string{"a;b\n1;2\n", "sep=,\na,b\n", "\ufeffa\t\"b\"\"\n\"\r\n", "a;b\n'=1;=\"2\"\n", "\xff\xfea\x00;\x00", "\"", "a\xff", "PK\x03\x04", "PK\x05\x06" + strings.Repeat("\x00", 18)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		rows := drained(t, file)
		if rows == nil {
			return
		}
		var out bytes.Buffer
		if err := report.WriteCSV(&out, 0, slices.Values(append([][]any{{"a", "b"}}, rows...))); err != nil {
			return // NUL in a cell
		}
		again, _, err := read(t, out.Bytes(), report.Options{})
		if err != nil || len(again) != 1+len(rows) {
			t.Fatalf("%q is written as %q and read as %q, %v", rows, out.String(), again, err)
		}
	})
}

// FuzzReadSheet does so with what lies inside an XLSX file.
func FuzzReadSheet(f *testing.F) {
	first := parts(`<row r="1"><c r="A1" t="s"><v>1</v></c><c r="C1" s="2"><v>44619.5</v></c><c t="str"><f>A1</f><v>x</v></c></row>`)
	f.Add(first["xl/worksheets/sheet1.xml"], first["xl/sharedStrings.xml"], first["xl/styles.xml"], first["xl/workbook.xml"])
	f.Fuzz(func(t *testing.T, sheet, texts, styles, workbook string) {
		files := parts("")
		files["xl/worksheets/sheet1.xml"], files["xl/sharedStrings.xml"], files["xl/styles.xml"], files["xl/workbook.xml"] = sheet, texts, styles, workbook
		drained(t, zipped(files))
	})
}

// drained reads a file within narrow limits; nil if it is refused with a code.
func drained(t *testing.T, file []byte) (rows [][]any) {
	t.Helper()
	limits := report.Limits{Rows: 50, Columns: 10, Cells: 300, Inflated: 1 << 20}
	table, err := report.ReadTable(t.Context(), bytes.NewReader(file), int64(len(file)), report.Options{Limits: limits})
	line := 0
	if err == nil {
		for row, rowErr := range table.Rows() {
			if err = rowErr; err != nil {
				break
			}
			if row.Line <= line || len(row.Cells) == 0 || len(row.Cells) > limits.Columns {
				t.Fatalf("row %d behind %d with %d cells", row.Line, line, len(row.Cells))
			}
			line = row.Line
			rows = append(rows, texts(row))
		}
	}
	if _, coded := errors.AsType[*fault.Error](err); err != nil && !coded {
		t.Fatalf("%v has no code", err)
	}
	if err != nil {
		return nil
	}
	if len(rows) > limits.Rows {
		t.Fatalf("%d rows", len(rows))
	}
	return rows
}

// texts are the cells of a row, with something in it.
func texts(row domain.TableRow) []any {
	var out []any
	for _, c := range row.Cells {
		out = append(out, c.Text+c.Code)
	}
	return out
}
