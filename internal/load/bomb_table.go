package load

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/message"
)

// mostOfTable is how much memory reading tables may take, in bytes. They are read to their
// end, and what their cells name is kept meanwhile, so that it is more than of a body that
// is refused.
const mostOfTable = 30_000_000

// Parts of a workbook with one sheet.
const (
	xmlRoot  = `<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	xmlBook  = `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`
	xmlLinks = `<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>`
)

// makeTables are workbooks that hold far more than was sent: texts of which one or all are
// named, and a sheet that inflates to size.
func makeTables(size int) (out []bomb, err error) {
	const texts, length = 30_000, 2000
	shared := func(w io.Writer) error {
		for n := range texts {
			if _, err := fmt.Fprintf(w, "<si><t>%07d%s</t></si>", n, strings.Repeat("x", length-7)); err != nil {
				return err
			}
		}
		return nil
	}
	one := func(w io.Writer) error {
		_, err := io.WriteString(w, `<row><c t="s"><v>0</v></c></row>`)
		return err
	}
	all := func(w io.Writer) error {
		for n := 0; n < texts; n += 100 {
			var row strings.Builder
			for m := range 100 {
				fmt.Fprintf(&row, `<c t="s"><v>%d</v></c>`, n+m)
			}
			if _, err := fmt.Fprintf(w, "<row>%s</row>", row.String()); err != nil {
				return err
			}
		}
		return nil
	}
	large := func(w io.Writer) error {
		block := strings.Repeat("<row><c><v>1</v></c></row>", 40_000)
		for n := 0; n < size; n += len(block) {
			if _, err := io.WriteString(w, block); err != nil {
				return err
			}
		}
		return nil
	}
	for _, t := range []struct {
		name          string
		shared, cells func(io.Writer) error
		status        int
		code          string
	}{
		{"xlsx, 60 MB of texts of which one is named", shared, one, fasthttp.StatusOK, ""},
		{"xlsx, 60 MB of texts that are all named", shared, all, fasthttp.StatusRequestEntityTooLarge, "table_inflates"},
		{"xlsx, a sheet of that size", one, large, fasthttp.StatusRequestEntityTooLarge, "table_inflates"},
	} {
		text, err := workbook(t.shared, t.cells)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		out = append(out, bomb{name: t.name, text: text, table: true, status: t.status, code: t.code})
	}
	return out, nil
}

func workbook(shared, cells func(io.Writer) error) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, s)
			return err
		}
	}
	within := func(begin string, fill func(io.Writer) error, end string) func(io.Writer) error {
		return func(w io.Writer) error {
			for _, f := range []func(io.Writer) error{text(begin), fill, text(end)} {
				if err := f(w); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for _, part := range []struct {
		name string
		fill func(io.Writer) error
	}{
		{"_rels/.rels", text(xmlRoot)}, {"xl/workbook.xml", text(xmlBook)}, {"xl/_rels/workbook.xml.rels", text(xmlLinks)},
		{"xl/sharedStrings.xml", within("<sst>", shared, "</sst>")}, {"xl/worksheets/sheet1.xml", within("<worksheet><sheetData>", cells, "</sheetData></worksheet>")},
	} {
		w, err := z.Create(part.name)
		if err != nil {
			return nil, err
		}
		if err := part.fill(w); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

// sendTable has an admin check a table. Who is told to come back does: few tables are read at
// a time.
func (b *bombing) sendTable(lang message.Lang, text []byte) (a answer, err error) {
	for range 100 {
		a, err = b.wire.request(b.campaign.path("/imports/check"), b.campaign.admin.user.login.Access, "", true, func(r *fasthttp.Request) {
			r.Header.SetMethod(fasthttp.MethodPost)
			r.Header.SetContentType(xlsxType)
			r.Header.Set("Accept-Language", string(lang))
			r.SetBodyRaw(text)
		})
		if err != nil || a.status != fasthttp.StatusServiceUnavailable {
			return a, err
		}
		if a.after == "" {
			return a, fmt.Errorf("not told when to come back: %s", a.body)
		}
		<-time.After(500 * time.Millisecond)
	}
	return a, fmt.Errorf("never read: %s", a.body)
}

const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
