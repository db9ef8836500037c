package report_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/report"
)

func TestWhatCouldBeAFormulaIsGuarded(t *testing.T) {
	guarded := []string{"=1+1", "+62811", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "'=1", `="0811"`}
	plain := []string{"a=1", "62811", "", "'x", "5-3", " =1", "Toko"}
	for _, s := range append(slices.Clone(guarded), plain...) {
		var out bytes.Buffer
		if err := report.WriteCSV(&out, 0, slices.Values([][]any{{s, "x"}})); err != nil {
			t.Fatal(err)
		}
		// Another reader is what a spreadsheet sees.
		other := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff")))
		other.Comma = ';'
		cells, err := other.Read()
		if err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
		want := s
		if slices.Contains(guarded, s) {
			want = "'" + want
		}
		if cells[0] != want {
			t.Errorf("%q is written as %q, want %q", s, cells[0], want)
		}
	}
}

func TestTextsAreTextsInXLSX(t *testing.T) {
	var out bytes.Buffer
	in := []any{"=1+1", "+62811", "@x", "08117000001", "2022-02-27", "TRUE", `=HYPERLINK("http://x","y")`}
	if err := report.WriteXLSX(&out, "Data", slices.Values([][]any{in})); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range in {
		name, _ := excelize.CoordinatesToCellName(i+1, 1)
		kind, err := f.GetCellType("Data", name)
		formula, err2 := f.GetCellFormula("Data", name)
		value, err3 := f.GetCellValue("Data", name)
		if err := errors.Join(err, err2, err3); err != nil || formula != "" || value != v || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
			t.Errorf("%q is %q, formula %q, type %d, %v", v, value, formula, kind, err)
		}
	}
}

// TestTablesComeBack: what is written is read as it was, in both formats and with
// every separator.
func TestTablesComeBack(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"a", "Z", "0", "8", " ", "  ", "=", "+", "-", "@", "'", "\"", ";", ",", "\t", "\n", "\r", "\r\n", "＝", "é", "e\u0301", "😀", "\u202e", "_x000D_", "_x005F_", "sep=", "<", "&", "]]>", "\ufeff", "\ufffd", "\\", "=\"", "|"})
	cell := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(pieces, 0, 6).Draw(t, "pieces"), "") })
	rapid.Check(t, func(t *rapid.T) {
		var rows [][]any
		for n := range rapid.IntRange(1, 6).Draw(t, "rows") {
			row := []any{"x"}
			for range rapid.IntRange(max(0, 1-n), 4).Draw(t, "cells") { // a header has two columns
				row = append(row, cell.Draw(t, "cell"))
			}
			row[0], row[len(row)-1] = row[len(row)-1], row[0] // the x is last, so that the length is seen
			rows = append(rows, row)
		}
		for name, write := range map[string]func(*bytes.Buffer) error{
			"semicolons": func(b *bytes.Buffer) error { return report.WriteCSV(b, ';', slices.Values(rows)) },
			"tabs":       func(b *bytes.Buffer) error { return report.WriteCSV(b, '\t', slices.Values(rows)) },
			"commas":     func(b *bytes.Buffer) error { return report.WriteCSV(b, ',', slices.Values(rows)) },
			"xlsx":       func(b *bytes.Buffer) error { return report.WriteXLSX(b, "Data", slices.Values(rows)) },
		} {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			table, err := report.ReadTable(t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()), report.Options{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			n := 0
			for row, err := range table.Rows() {
				if err != nil {
					t.Fatalf("%s: %v in %q", name, err, out.String())
				}
				if got := texts(row); row.Line != n+1 || !slices.Equal(got, rows[n]) {
					t.Fatalf("%s: line %d is %q, want %q", name, row.Line, got, rows[n])
				}
				n++
			}
			if n != len(rows) {
				t.Fatalf("%s: %d rows, want %d", name, n, len(rows))
			}
		}
	})
}

func TestNumbersAndDatesAreWrittenAsSuch(t *testing.T) {
	at := time.Date(2022, 3, 7, 0, 0, 1, 999, time.FixedZone("WIB", 7*3600))
	row := []any{8117000001, int64(-5), true, at, nil, "x"}
	for want, write := range map[string]func(*bytes.Buffer) error{
		"1:8117000001|-5|TRUE|2022-03-07 00:00:01||x":  func(b *bytes.Buffer) error { return report.WriteCSV(b, 0, slices.Values([][]any{row})) },
		"1:8117000001|-5|TRUE|2022-03-07 00:00:01||x ": func(b *bytes.Buffer) error { return report.WriteXLSX(b, "Data", slices.Values([][]any{row})) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		if got, _, err := read(t, out.Bytes(), report.Options{}); err != nil || got[0] != strings.TrimSpace(want) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestWhatNoTableHoldsIsNotWritten(t *testing.T) {
	for _, tt := range []struct {
		cell      any
		csv, xlsx string
	}{
		{"a\x00", "text_unreadable", "text_unreadable"}, {"a\xff", "text_unreadable", "text_unreadable"}, {"a\x1b", "", "text_unreadable"},
		{strings.Repeat("x", 32_768), "", "cell_too_long map[limit:32767]"}, {strings.Repeat("x", 32_767), "", ""},
		{1.5, "report: a cell of type float64", "report: a cell of type float64"},
	} {
		rows := slices.Values([][]any{{tt.cell}})
		if err := report.WriteCSV(&bytes.Buffer{}, 0, rows); codeOf(err) != tt.csv {
			t.Errorf("%.10q in CSV: %v, want %q", tt.cell, err, tt.csv)
		}
		if err := report.WriteXLSX(&bytes.Buffer{}, "Data", rows); codeOf(err) != tt.xlsx {
			t.Errorf("%.10q in XLSX: %v, want %q", tt.cell, err, tt.xlsx)
		}
	}
	if err := report.WriteCSV(full{}, 0, slices.Values([][]any{{strings.Repeat("x", 10_000)}})); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// tenThousand is a list as it is imported in one job.
func tenThousand() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for i := range 10_001 {
			row := []any{fmt.Sprint("ESM-", i), time.Date(2022, 3, 1, 8, 15, i%60, 0, time.UTC), "Keripik Pisang " + fmt.Sprint(i), "Siti Aminah", 8117000000 + i,
				"9120001234567", "Kota Bandar Lampung", "Pangan", "", "Jl. Kartini No. 1; RT 03", "Mikro", "a@contoh.id"}
			for n := range 15 {
				row = append(row, n%5)
			}
			if !yield(row) {
				return
			}
		}
	}
}

// BenchmarkReadTable reads 10,000 rows of 27 columns.
func BenchmarkReadTable(b *testing.B) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"csv":  func(out *bytes.Buffer) error { return report.WriteCSV(out, 0, tenThousand()) },
		"xlsx": func(out *bytes.Buffer) error { return report.WriteXLSX(out, "Data", tenThousand()) },
	} {
		b.Run(name, func(b *testing.B) {
			var file bytes.Buffer
			if err := write(&file); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(file.Len()))
			b.ReportAllocs()
			for b.Loop() {
				table, err := report.ReadTable(b.Context(), bytes.NewReader(file.Bytes()), int64(file.Len()), report.Options{})
				if err != nil {
					b.Fatal(err)
				}
				rows := 0
				for row, err := range table.Rows() {
					if err != nil || len(row.Cells) != 27 {
						b.Fatal(row, err)
					}
					rows++
				}
				if rows != 10_001 {
					b.Fatal(rows)
				}
			}
			b.ReportMetric(10_001*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
