package report_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/lumbung-ikm/lumbung/report"
)

// parts are the files of a small workbook, to be changed by a test.
func parts(sheetData string) map[string]string {
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	return map[string]string{
		"_rels/.rels":                `<Relationships><Relationship Id="r1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<?xml version="1.0" encoding="UTF-8"?><workbook><sheets><sheet name="Data" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="` + office + `/sharedStrings" Target="/xl/sharedStrings.xml"/><Relationship Id="r3" Type="` + office + `/styles" Target="styles.xml"/></Relationships>`,
		"xl/sharedStrings.xml":       `<sst><si><t>satu</t></si><si><r><t>du</t></r><r><rPr/><t xml:space="preserve">a </t></r><rPh><t>X</t></rPh></si><si><t>a_x000D_b_x005F_x000D_c_xD83D__xDE00__xD800_</t></si><si><t/></si></sst>`,
		"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy\ hh:mm"/><numFmt numFmtId="165" formatCode="0000000000000"/><numFmt numFmtId="166" formatCode="[Red]&quot;hari&quot;\ 0.00"/></numFmts>` +
			`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/></cellXfs><cellStyles/><dxfs><xf numFmtId="14"/></dxfs></styleSheet>`,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + sheetData + `</sheetData></worksheet>`,
	}
}

// zipped puts files into a ZIP file; those that are empty are left out.
func zipped(files map[string]string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range sortedNames(files) {
		if text := files[name]; text != "" {
			w, err := z.Create(name)
			if err == nil {
				_, err = io.WriteString(w, text)
			}
			if err != nil {
				panic(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func sheetOf(sheetData string) []byte { return zipped(parts(sheetData)) }

func TestCellsOfXLSX(t *testing.T) {
	tests := []struct{ name, cell, want string }{
		{"a shared text", `<c t="s"><v>0</v></c>`, "satu"},
		{"a shared text in pieces, without how it is spoken", `<c t="s"><v>1</v></c>`, "dua "},
		{"characters that XML cannot hold", `<c t="s"><v>2</v></c>`, "a\rb_x000D_c😀\ufffd"},
		{"a text of its own", `<c t="inlineStr"><is><t>08117000001</t></is></c>`, "08117000001"},
		{"a phone that became a number", `<c><v>8117000001</v></c>`, "8117000001"},
		{"the same in scientific notation", `<c><v>8.117000001E9</v></c>`, "8117000001"},
		{"the same with country code", `<c t="n"><v>628117000001</v></c>`, "628117000001"},
		{"scientific notation of a whole number", `<c><v>8.117E+09</v></c>`, "8117000000"},
		{"a number with more digits than are kept", `<c><v>1871010101800001</v></c>`, "!cell_digits_lost"},
		{"fifteen digits", `<c><v>187101010180001</v></c>`, "187101010180001"},
		{"the noise of binary fractions", `<c><v>0.30000000000000004</v></c>`, "0.3"},
		{"below zero", `<c><v>-2.50</v></c>`, "-2.5"},
		{"zeros that the format shows", `<c s="3"><v>220001234567</v></c>`, "0220001234567"},
		{"a word in the format is no date", `<c s="4"><v>44619</v></c>`, "44619"},
		{"a date and time", `<c s="1"><v>44619.344097222223</v></c>`, "2022-02-27 08:15:30"},
		{"a date in a format of its own", `<c s="2"><v>44627.000011574077</v></c>`, "2022-03-07 00:00:01"},
		{"the last second of a day", `<c s="1"><v>44626.999988425923</v></c>`, "2022-03-06 23:59:59"},
		{"a date alone", `<c s="1"><v>44619</v></c>`, "2022-02-27"},
		{"a time alone", `<c s="1"><v>0.5</v></c>`, "12:00:00"},
		{"the first of March 1900", `<c s="1"><v>61</v></c>`, "1900-03-01"},
		{"the 28th of February 1900", `<c s="1"><v>59</v></c>`, "1900-02-28"},
		{"the 29th, which was none", `<c s="1"><v>60</v></c>`, "!cell_date"},
		{"the last day", `<c s="1"><v>2958465</v></c>`, "9999-12-31"},
		{"a day beyond", `<c s="1"><v>2958466</v></c>`, "!cell_date"},
		{"a date below zero", `<c s="1"><v>-1</v></c>`, "!cell_date"},
		{"a date as a text", `<c t="d"><v>2022-02-27T08:15:30</v></c>`, "2022-02-27T08:15:30"},
		{"yes", `<c t="b"><v>1</v></c>`, "TRUE"},
		{"no", `<c t="b"><v>0</v></c>`, "FALSE"},
		{"an error", `<c t="e"><v>#N/A</v></c>`, "!cell_error"},
		{"a formula counts by what it gave", `<c t="str"><f>CONCATENATE("0",A1)</f><v>08117000001</v></c>`, "08117000001"},
		{"a formula that gave a number", `<c><f>1+1</f><v>2</v></c>`, "2"},
		{"a formula that gave an error", `<c t="e"><f>NA()</f><v>#N/A</v></c>`, "!cell_error"},
		{"a formula that nobody has worked out", `<c><f>HYPERLINK("http://x")</f></c>`, "!cell_formula"},
		{"nor that one", `<c><f>1+1</f><v></v></c>`, "!cell_formula"},
		{"rubbish for a number", `<c><v>x</v></c>`, "!cell_error"},
		{"no number", `<c><v>NaN</v></c>`, "!cell_error"},
		{"an infinite number", `<c><v>1e999</v></c>`, "!cell_error"},
		{"a long text", `<c t="inlineStr"><is><t>` + strings.Repeat("x", 200_000) + `</t></is></c>`, "!cell_too_long"},
		{"a style that is not there", `<c s="99"><v>5</v></c>`, "5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := read(t, sheetOf(`<row>`+tt.cell+`<c><v>7</v></c></row>`), report.Options{})
			if want := []string{"1:" + tt.want + "|7"}; err != nil || !slices.Equal(got, want) {
				t.Errorf("%.100q, %v; want %q", got, err, want)
			}
		})
	}
}

func TestRowsAndCellsHaveTheirPlaces(t *testing.T) {
	got, table, err := read(t, sheetOf(`<row r="2"><c r="B2"><v>1</v></c><c r="AA2"><v>2</v></c></row><row r="4" hidden="1"><c r="A4" s="1"/></row><row/><row><c/><c><v>3</v></c></row><row r="1048576"><c><v>4</v></c></row>`), report.Options{})
	if want := []string{"2:|1" + strings.Repeat("|", 25) + "2", "6:|3", "1048576:4"}; err != nil || !slices.Equal(got, want) || table.Sheet != "Data" || table.Format != report.XLSX {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestDaysMayCountFrom1904(t *testing.T) {
	files := parts(`<row><c s="1"><v>43157.344097222223</v></c></row>`)
	files["xl/workbook.xml"] = strings.Replace(files["xl/workbook.xml"], "<sheets>", `<workbookPr date1904="1"/><sheets>`, 1)
	if got, _, err := read(t, zipped(files), report.Options{}); err != nil || got[0] != "1:2022-02-27 08:15:30" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTheSheetIsChosen(t *testing.T) {
	f := excelize.NewFile()
	for i, name := range []string{"Sheet1", "Petunjuk", "Pendaftar", "Arsip"} {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		if err := f.SetCellValue(name, "A1", fmt.Sprint("isi ", i)); err != nil {
			t.Fatal(err)
		}
	}
	f.SetActiveSheet(2)
	for _, hidden := range []string{"Sheet1", "Arsip"} {
		if err := f.SetSheetVisible(hidden, false); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ wanted, name, row, code string }{
		{"", "Petunjuk", "1:isi 1", ""}, {"pendaftar ", "Pendaftar", "1:isi 2", ""}, {"Arsip", "Arsip", "1:isi 3", ""}, {"Lain", "", "", "sheet_unknown map[field:Lain]"},
	} {
		got, table, err := read(t, out.Bytes(), report.Options{Sheet: tt.wanted})
		if codeOf(err) != tt.code || err == nil && (table.Sheet != tt.name || !slices.Equal(got, []string{tt.row})) {
			t.Errorf("%q: %q, %v", tt.wanted, got, err)
		}
	}
	files := parts("")
	files["xl/workbook.xml"] = strings.Replace(files["xl/workbook.xml"], `sheetId`, `state="veryHidden" sheetId`, 1)
	if _, _, err := read(t, zipped(files), report.Options{}); codeOf(err) != "sheet_missing" {
		t.Errorf("only hidden sheets: %v", err)
	}
}

func TestFilesOfALibraryAreRead(t *testing.T) {
	f := excelize.NewFile()
	for cell, v := range map[string]any{"A1": "ID", "B1": "Telepon", "A2": 5, "B2": 8117000001, "C2": true, "A3": "=1+1", "B3": " x \ty\r\n"} {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetCellFormula("Sheet1", "D2", "1+1"); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := []string{"1:ID|Telepon", "2:5|8117000001|TRUE|!cell_formula", "3:=1+1| x \ty\r\n"}
	if got, _, err := read(t, out.Bytes(), report.Options{}); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestBrokenXLSX(t *testing.T) {
	change := func(name, old, new string) []byte {
		files := parts(`<row r="1"><c r="A1"><v>1</v></c></row>`)
		files[name] = strings.Replace(files[name], old, new, 1)
		return zipped(files)
	}
	good := change("", "", "")
	if got, _, err := read(t, good, report.Options{}); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	const sheet = "xl/worksheets/sheet1.xml"
	whole := parts("")[sheet]
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"half a ZIP file":                     {good[:len(good)/2], "table_broken"},
		"another ZIP file":                    {zipped(map[string]string{"a.txt": "x"}), "table_format"},
		"no sheet":                            {change(sheet, whole[:11]+"<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row></sheetData></worksheet>", ""), "table_broken"},
		"a sheet that ends too early":         {change(sheet, "</row></sheetData></worksheet>", ""), "table_broken"},
		"tags that do not match":              {change(sheet, "</c>", "</d>"), "table_broken"},
		"a text that is not there":            {change(sheet, `<c r="A1">`, `<c r="A1" t="s"><v>99</v></c><c r="B1">`), "table_broken"},
		"cells in no order":                   {change(sheet, `<c r="A1">`, `<c r="B1"/><c r="A1">`), "table_broken"},
		"rows in no order":                    {change(sheet, `<row r="1">`, `<row r="2"/><row r="1">`), "table_broken"},
		"a row beyond the last":               {change(sheet, `<row r="1">`, `<row r="1048577">`), "table_broken"},
		"a column beyond the last":            {change(sheet, `r="A1"`, `r="XFE1"`), "table_broken"},
		"a column without letters":            {change(sheet, `r="A1"`, `r="11"`), "table_broken"},
		"a document type, with its entities":  {change(sheet, "<worksheet>", `<!DOCTYPE x [<!ENTITY a "b">]><worksheet>`), "table_broken"},
		"an entity":                           {change(sheet, "<v>1</v>", "<v>&a;</v>"), "table_broken"},
		"a comment":                           {change(sheet, "<v>", "<!-- --><v>"), "table_broken"},
		"elements inside elements":            {change(sheet, "<v>1</v>", strings.Repeat("<x>", 100)+strings.Repeat("</x>", 100)), "table_broken"},
		"another encoding":                    {change("xl/workbook.xml", "UTF-8", "UTF-7"), "table_broken"},
		"no cells at all":                     {change(sheet, `<row r="1"><c r="A1"><v>1</v></c></row>`, ""), "table_empty"},
		"a sheet that lies outside the file":  {change("xl/_rels/workbook.xml.rels", `Target="worksheets/sheet1.xml"`, `TargetMode="External" Target="file:///etc/passwd"`), "sheet_missing"},
		"a sheet that climbs out of the file": {change("xl/_rels/workbook.xml.rels", "worksheets/sheet1.xml", "../../../etc/passwd"), "table_broken"},
	} {
		if got, _, err := read(t, tt.file, report.Options{}); codeOf(err) != tt.want {
			t.Errorf("%s: %q, %v; want %s", name, got, err, tt.want)
		}
	}
}

func TestLimitsOfXLSX(t *testing.T) {
	rows := sheetOf(`<row><c><v>1</v></c></row><row><c/></row><row><c><v>2</v></c><c/><c><v>3</v></c><c s="1"/></row>`)
	tests := []struct {
		name   string
		limits report.Limits
		want   string
	}{
		{"all of it may be", report.Limits{Rows: 2, Columns: 3, Cells: 10}, ""},
		{"a row more", report.Limits{Rows: 1}, "table_rows map[limit:1]"},
		{"a column more", report.Limits{Columns: 2}, "table_columns map[limit:2 line:3]"},
		{"a cell more, be it blank", report.Limits{Cells: 5}, "table_cells map[limit:5]"},
		{"bytes inside", report.Limits{Inflated: 1000}, "table_inflates map[limit:1000]"},
		{"bytes of the file", report.Limits{Bytes: 1000}, "table_too_large map[limit:1000]"},
	}
	for _, tt := range tests {
		if _, _, err := read(t, rows, report.Options{Limits: tt.limits}); codeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestBombsMoveLittleMemory counts every byte that is allocated, also what is let go
// again, while files that inflate to a hundred times their size are refused.
func TestBombsMoveLittleMemory(t *testing.T) {
	const (
		sheet = "xl/worksheets/sheet1.xml"
		strs  = "xl/sharedStrings.xml"
		most  = 8 << 20 // bytes
		large = 100 << 20
	)
	with := func(name, begin, again, end string, n int) []byte {
		files := parts("")
		delete(files, name)
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, f := range append(sortedNames(files), name) {
			w, err := z.Create(f)
			if err != nil {
				t.Fatal(err)
			}
			if f != name {
				_, _ = io.WriteString(w, files[f])
				continue
			}
			_, _ = io.WriteString(w, begin)
			block := []byte(strings.Repeat(again, 1+(1<<16)/len(again)))
			for written := 0; written < n; written += len(block) {
				_, _ = w.Write(block)
			}
			_, _ = io.WriteString(w, end)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	empty := func(n int) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for i := range n {
			if _, err := z.Create(fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		_ = z.Close()
		return out.Bytes()
	}
	tests := []struct {
		name string
		file []byte
		most uint64
		want string
	}{
		{"a large sheet that says so", with(sheet, "<worksheet><sheetData>", "<row><c><v>1</v></c></row>", "</sheetData></worksheet>", large), most, "table_inflates map[limit:67108864]"},
		{"a large sheet that says it were small", lying(with(sheet, "<worksheet><sheetData>", "<row><c><v>1</v></c></row>", "</sheetData></worksheet>", large)), most, "table_broken"},
		{"a text without end", with(strs, "<sst><si><t>", "x", "", 16<<20), most, "table_broken"},
		{"a tag without end", with(sheet, "<worksheet><sheetData><row ", `a="" `, "", 16<<20), 64 << 20, "table_broken"},
		{"a tag with brackets in its attributes", with(sheet, "<worksheet><sheetData><row ", `a=">" `, "", 16<<20), 64 << 20, "table_broken"},
		{"elements that never close", with(sheet, "<worksheet><sheetData>", "<a>", "", 16<<20), most, "table_broken"},
		{"a text in many pieces", with(strs, "<sst><si>", "<r><t>xxxxxxxxxxxx</t></r>", "</si></sst>", 16<<20), 400 << 20, "table_empty"},
		{"texts without number", with(strs, "<sst>", "<si/>", "</sst>", 16<<20), 400 << 20, "table_cells map[limit:500000]"},
		{"a million styles", with("xl/styles.xml", "<styleSheet><cellXfs>", `<xf/>`, "</cellXfs></styleSheet>", 16<<20), 40 << 20, "table_broken"},
		{"ninety thousand parts", empty(90_000), most, "table_broken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if len(tt.file) > 10<<20 {
				t.Fatalf("the bomb itself has %d bytes", len(tt.file))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := read(t, tt.file, report.Options{})
			runtime.ReadMemStats(&after)
			moved := after.TotalAlloc - before.TotalAlloc
			if codeOf(err) != tt.want || moved > tt.most {
				t.Errorf("%v after %d KiB; want %s, at most %d KiB", err, moved>>10, tt.want, tt.most>>10)
			}
			t.Logf("%d bytes, %d KiB moved", len(tt.file), moved>>10)
		})
	}
}

func sortedNames(files map[string]string) []string {
	var out []string
	for name := range files {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// lying writes 1000 as the size of every large part into the directory of a ZIP file.
func lying(file []byte) []byte {
	for at := 0; ; at += 4 {
		i := bytes.Index(file[at:], []byte("PK\x01\x02"))
		if i < 0 {
			return file
		}
		at += i
		if size := file[at+24:]; binary.LittleEndian.Uint32(size) > 1<<20 {
			binary.LittleEndian.PutUint32(size, 1000)
		}
	}
}

// TestTextsThatNoCellNamesAreNotKept: a workbook may share texts among many sheets, and a
// bomb hides in a list of which one is named.
func TestTextsThatNoCellNamesAreNotKept(t *testing.T) {
	const texts, size = 30_000, 2000
	files := parts("")
	var list, all strings.Builder
	for n := range texts {
		fmt.Fprintf(&list, "<si><t>%07d%s</t></si>", n, strings.Repeat("x", size-7))
		fmt.Fprintf(&all, `<row><c t="s"><v>%d</v></c></row>`, n%9000)
	}
	files["xl/sharedStrings.xml"] = "<sst>" + list.String() + "</sst>"
	with := func(cells string) []byte {
		files["xl/worksheets/sheet1.xml"] = "<worksheet><sheetData>" + cells + "</sheetData></worksheet>"
		return zipped(files)
	}
	file := with(`<row><c t="s"><v>29999</v></c><c t="s"><v>7</v></c><c><v>8</v></c></row>`)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table, err := report.ReadTable(t.Context(), bytes.NewReader(file), int64(len(file)), report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 2<<20 {
		t.Errorf("%d KiB are kept for three cells", kept>>10)
	}
	for row, err := range table.Rows() {
		if err != nil || len(row.Cells) != 3 || !strings.HasPrefix(row.Cells[0].Text, "0029999x") || !strings.HasPrefix(row.Cells[1].Text, "0000007x") || len(row.Cells[1].Text) != size || row.Cells[2].Text != "8" {
			t.Errorf("%.60v %v", row, err)
		}
	}
	if _, _, err := read(t, with(all.String()), report.Options{}); codeOf(err) != "table_inflates map[limit:8388608]" {
		t.Errorf("texts of 18 MB that cells name: %v", err)
	}
	if _, _, err := read(t, with(`<row><c t="s"><v>30000</v></c></row>`), report.Options{}); codeOf(err) != "table_broken" {
		t.Errorf("a text that is not there: %v", err)
	}
}
