package report

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
)

const (
	maxParts = 2000      // files inside an XLSX file; one of Excel has a dozen
	maxDepth = 64        // of elements inside each other
	maxRun   = 512 << 10 // bytes from one "<" to the next: a tag, or the longest text of a cell with room to spare
)

// archive is an XLSX file: parts of XML in a ZIP file. No more than budget bytes are
// inflated out of it: a part is paid for when it is opened, by what the directory says
// of it, and archive/zip gives no byte more than that.
type archive struct {
	parts  map[string]*zip.File
	budget int64
	limit  int64
}

func openArchive(file io.ReaderAt, size, limit int64) (*archive, error) {
	if n, err := countParts(file, size); err != nil || n > maxParts {
		return nil, broken(fmt.Sprintf("%d parts", n), err)
	}
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, broken("not a ZIP file", err)
	}
	a := &archive{parts: map[string]*zip.File{}, budget: limit, limit: limit}
	for _, f := range z.File {
		name := partName(f.Name)
		if _, twice := a.parts[name]; twice {
			return nil, broken("a part is there twice", nil)
		}
		a.parts[name] = f
	}
	return a, nil
}

func broken(text string, cause error) *fault.Error {
	return &fault.Error{Kind: fault.Invalid, Code: "table_broken", Text: text, Cause: cause}
}

// partName is one spelling of the name of a part: names do not know case, and some
// programs write a stroke in front or backslashes.
func partName(s string) string {
	return strings.ToLower(strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(s, "\\", "/")), "/"))
}

// countParts counts the headers in a ZIP file's directory before it is read at all: a
// million empty parts fit into a few megabytes and would be a struct each.
func countParts(file io.ReaderAt, size int64) (int, error) {
	const mark = "PK\x01\x02"
	buffer := make([]byte, 64<<10)
	count := 0
	for at := int64(0); at < size; {
		n, err := file.ReadAt(buffer, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		count += bytes.Count(buffer[:n], []byte(mark))
		if n < len(buffer) {
			break
		}
		at += int64(n - len(mark) + 1) // a mark may lie across two readings
	}
	return count, nil
}

// size is how many bytes a part inflates to; 0 if there is none of that name.
func (a *archive) size(name string) uint64 {
	if f := a.parts[partName(name)]; f != nil {
		return f.UncompressedSize64
	}
	return 0
}

// open begins to read a part; nil if there is none of that name.
func (a *archive) open(name string) (*scanner, error) {
	f := a.parts[partName(name)]
	if f == nil {
		return nil, nil
	}
	if f.UncompressedSize64 > uint64(a.budget) {
		return nil, tooLarge("table_inflates", a.limit, 0)
	}
	a.budget -= int64(f.UncompressedSize64)
	r, err := f.Open()
	if err != nil {
		return nil, broken("a part cannot be opened", err)
	}
	return &scanner{closer: r, decoder: xml.NewDecoder(&guard{in: r})}, nil
}

// guard hands on what is inflated, without what a decoder of XML would gather in memory:
// tags and texts without end, comments, and document types, which define entities.
type guard struct {
	in     io.Reader
	run    int  // bytes since the last "<"
	opened bool // the last byte was a "<"
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.in.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		if g.opened && rest[0] == '!' {
			return 0, broken("a comment or a document type", nil)
		}
		tag := bytes.IndexByte(rest, '<')
		g.opened = tag >= 0
		if tag < 0 {
			g.run += len(rest)
			rest = nil
		} else {
			g.run += tag
			rest = rest[tag+1:]
		}
		if g.run > maxRun {
			return 0, broken("a tag or a text has no end", nil)
		}
		if tag >= 0 {
			g.run = 0
		}
	}
	return n, err
}

// scanner reads one part, token by token.
type scanner struct {
	closer  io.Closer
	decoder *xml.Decoder
	open    []string // names of the elements around
}

// next gives the next token: xml.StartElement, xml.EndElement or xml.CharData, whose
// names have no namespace. io.EOF comes behind the last closing tag only: a part that
// ends too early is broken, not short.
func (s *scanner) next() (xml.Token, error) {
	for {
		token, err := s.decoder.RawToken()
		switch {
		case errors.Is(err, io.EOF) && len(s.open) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, broken("a part ends too early", nil) // without its cause, which says that all is read
		case err != nil:
			if _, ours := errors.AsType[*fault.Error](err); ours {
				return nil, err
			}
			return nil, broken("a part is not XML", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if s.open = append(s.open, t.Name.Local); len(s.open) > maxDepth {
				return nil, broken("elements lie too deep", nil)
			}
			return t, nil
		case xml.EndElement:
			if len(s.open) == 0 || s.open[len(s.open)-1] != t.Name.Local {
				return nil, broken("tags do not match", nil)
			}
			s.open = s.open[:len(s.open)-1]
			return t, nil
		case xml.CharData:
			return t, nil
		}
	}
}

// text reads up to the end of the element that was opened last and gives the text of
// its elements of the given name, but for those inside one that is skipped. Of a text
// beyond MaxCell it gives more than that, and not all.
func (s *scanner) text(name, skipped string) (string, error) {
	depth, out, skipping := len(s.open), []byte(nil), 0
	for {
		token, err := s.next()
		if err != nil {
			return "", eofIsBroken(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == skipped && skipping == 0 {
				skipping = len(s.open)
			}
		case xml.EndElement:
			if len(s.open) < depth {
				return string(out), nil
			}
			if len(s.open) < skipping {
				skipping = 0
			}
		case xml.CharData:
			if skipping == 0 && s.open[len(s.open)-1] == name && len(out) <= domain.MaxCell {
				out = append(out, t...)
			}
		}
	}
}

func eofIsBroken(err error) error {
	if errors.Is(err, io.EOF) {
		return broken("a part ends too early", nil)
	}
	return err
}

func (s *scanner) close() { _ = s.closer.Close() } // of a ZIP reader: frees nothing that could fail

// attribute is the value of an attribute without a namespace, or "".
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// starts visits every opening tag of a part.
func (a *archive) starts(ctx context.Context, name string, visit func(s *scanner, e xml.StartElement) error) error {
	s, err := a.open(name)
	if s == nil || err != nil {
		return err
	}
	defer s.close()
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		token, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok {
			if err := visit(s, e); err != nil {
				return err
			}
		}
	}
}
