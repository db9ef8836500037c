package report

import (
	"context"
	"encoding/xml"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/domain"
)

const (
	maxSheets  = 1000
	maxFormats = 70_000 // Excel allows 65,490 styles of cells
)

// book is what a sheet needs of the rest of its file.
type book struct {
	archive *archive
	meter   meter
	from04  bool     // day 0 is 1 January 1904
	strings []string // texts that cells name by number; empty where no cell does
	tooLong map[int]bool
	named   *named   // which of strings cells name; nil: any
	looking *named   // is told which ones they are, and nothing else is looked up; nil: read
	formats []format // by the number of the style of a cell
}

// sheetRef is one sheet as the workbook lists it.
type sheetRef struct {
	name, relation string
	hidden         bool
}

func readXLSX(ctx context.Context, file io.ReaderAt, size int64, wanted string, l Limits) (*Table, error) {
	a, err := openArchive(file, size, l.Inflated)
	if err != nil {
		return nil, err
	}
	b := &book{archive: a, meter: meter{limits: l}, tooLong: map[int]bool{}}
	root, err := b.relations(ctx, "_rels/.rels", "")
	if err != nil {
		return nil, err
	}
	main := root.ofType("officedocument")
	if main == "" {
		return nil, wrong("table_format", "a ZIP file without a workbook", 0)
	}
	links, err := b.relations(ctx, path.Dir(main)+"/_rels/"+path.Base(main)+".rels", path.Dir(main))
	if err != nil {
		return nil, err
	}
	sheets, err := b.sheets(ctx, main)
	if err != nil {
		return nil, err
	}
	name, part, err := chosen(sheets, links, wanted)
	if err != nil {
		return nil, err
	}
	if err := b.readStrings(ctx, links.ofType("sharedstrings"), part); err != nil {
		return nil, err
	}
	if err := b.readFormats(ctx, links.ofType("styles")); err != nil {
		return nil, err
	}
	return &Table{Format: XLSX, Sheet: name, rows: func(yield func(domain.TableRow, error) bool) { b.each(ctx, part, yield) }}, nil
}

// link is what one part says of another.
type link struct{ id, kind, target string }

type links []link

// ofType is the part with a relation whose type ends in kind, in lower case; the
// beginning differs between the two editions of the standard.
func (l links) ofType(kind string) string {
	for _, x := range l {
		if strings.HasSuffix(x.kind, "/"+kind) {
			return x.target
		}
	}
	return ""
}

// relations reads a list of relations, whose targets begin in folder.
func (b *book) relations(ctx context.Context, part, folder string) (out links, err error) {
	err = b.archive.starts(ctx, part, func(_ *scanner, e xml.StartElement) error {
		if e.Name.Local != "Relationship" || attribute(e, "TargetMode") == "External" {
			return nil
		}
		if len(out) > 2*maxSheets {
			return broken("too many relations", nil)
		}
		target := attribute(e, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(folder, target)
		}
		out = append(out, link{attribute(e, "Id"), strings.ToLower(attribute(e, "Type")), partName(target)})
		return nil
	})
	return out, err
}

// sheets reads the workbook.
func (b *book) sheets(ctx context.Context, main string) (out []sheetRef, err error) {
	err = b.archive.starts(ctx, main, func(_ *scanner, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			v := attribute(e, "date1904")
			b.from04 = v == "1" || v == "true"
		case "sheet":
			if len(out) >= maxSheets {
				return broken("too many sheets", nil)
			}
			s := sheetRef{name: attribute(e, "name"), hidden: strings.Contains(strings.ToLower(attribute(e, "state")), "hidden")}
			for _, a := range e.Attr {
				if a.Name.Local == "id" && a.Name.Space != "" {
					s.relation = a.Value
				}
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

// chosen is the sheet of the wanted name, hidden or not, or else the first that is
// visible and holds cells.
func chosen(sheets []sheetRef, l links, wanted string) (name, part string, err error) {
	for _, s := range sheets {
		if wanted != "" && !strings.EqualFold(strings.TrimSpace(s.name), strings.TrimSpace(wanted)) || wanted == "" && s.hidden {
			continue
		}
		for _, x := range l {
			if x.id == s.relation && strings.HasSuffix(x.kind, "/worksheet") {
				return s.name, x.target, nil
			}
		}
	}
	if wanted != "" {
		e := wrong("sheet_unknown", "no sheet of that name", 0)
		e.Info = map[string]any{"field": wanted}
		return "", "", e
	}
	return "", "", wrong("sheet_missing", "no visible sheet", 0)
}

// readStrings reads the texts that cells share. They are those of all sheets, and of a
// long list only what the cells of this sheet name is kept.
func (b *book) readStrings(ctx context.Context, part, sheet string) error {
	if b.archive.size(part) > keptUnasked {
		if err := b.readNames(ctx, sheet); err != nil {
			return err
		}
	}
	kept := int64(0)
	return b.archive.starts(ctx, part, func(s *scanner, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		n := len(b.strings)
		if n >= b.meter.limits.Cells {
			return tooLarge("table_cells", int64(b.meter.limits.Cells), 0)
		}
		b.strings = append(b.strings, "")
		if !b.named.has(n) {
			_, err := s.text("", "")
			return err
		}
		text, err := s.text("t", "rPh")
		if err != nil {
			return err
		}
		if len(text) > domain.MaxCell {
			b.tooLong[n] = true
			return nil
		}
		if kept += int64(len(text)); kept > b.meter.limits.Text {
			return tooLarge("table_inflates", b.meter.limits.Text, 0)
		}
		b.strings[n] = unescaped(text)
		return nil
	})
}

// readFormats reads which styles of cells are dates, and which show zeros in front.
func (b *book) readFormats(ctx context.Context, part string) error {
	own, inXfs := map[int]format{}, false
	return b.archive.starts(ctx, part, func(s *scanner, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			if id, err := strconv.Atoi(attribute(e, "numFmtId")); err == nil && len(own) < maxFormats {
				own[id] = formatOf(attribute(e, "formatCode"))
			}
		case "cellXfs":
			inXfs = true
		case "cellStyles", "dxfs":
			inXfs = false
		case "xf":
			if !inXfs {
				return nil
			}
			if len(b.formats) >= maxFormats {
				return broken("too many styles", nil)
			}
			id, _ := strconv.Atoi(attribute(e, "numFmtId")) // absent: 0, which is no date
			f, ok := own[id]
			if !ok {
				f = format{date: builtInDate(id)}
			}
			b.formats = append(b.formats, f)
		}
		return nil
	})
}

// unescaped puts back the characters that XML cannot hold, written as _x000D_.
func unescaped(s string) string {
	at := strings.Index(s, "_x")
	if at < 0 {
		return s
	}
	out := []byte(s[:at])
	var high rune // the first half of a character beyond 16 bits
	for s = s[at:]; s != ""; {
		r, length := escape(s)
		if length == 0 {
			_, length = utf8.DecodeRuneInString(s)
			out = append(out, s[:length]...)
			s, high = s[length:], 0
			continue
		}
		switch full := utf16.DecodeRune(high, r); {
		case high != 0 && full != utf8.RuneError:
			out = utf8.AppendRune(out[:len(out)-len("\ufffd")], full)
			high = 0
		default:
			out = utf8.AppendRune(out, r) // half a character becomes the sign for a lost one
			high = r
		}
		s = s[length:]
	}
	return string(out)
}

// escape reads _xHHHH_ at the beginning of s; length is 0 if there is none.
func escape(s string) (r rune, length int) {
	const form = "_x0000_"
	if len(s) < len(form) || s[:2] != "_x" || s[len(form)-1] != '_' {
		return 0, 0
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return 0, 0
	}
	return rune(n), len(form)
}
