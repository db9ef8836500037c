package report

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
)

// separators are what may stand between cells, the likeliest first: a semicolon is what
// a spreadsheet of the country writes, where the comma is taken by decimals.
func separators() []byte { return []byte{';', '\t', ','} }

// toldSeparator reads the line "sep=;" that some programs put above the header, and
// which a spreadsheet does not show. told is its length.
func toldSeparator(head []byte) (separator byte, told int) {
	rest, ok := bytes.CutPrefix(head, []byte("sep="))
	if !ok || len(rest) < 2 || !slices.Contains(separators(), rest[0]) {
		return 0, 0
	}
	switch {
	case bytes.HasPrefix(rest[1:], []byte("\r\n")):
		return rest[0], len("sep=;\r\n")
	case rest[1] == '\n', rest[1] == '\r':
		return rest[0], len("sep=;\n")
	}
	return 0, 0
}

// guess is what a separator would make of the first rows.
type guess struct {
	separator byte
	single    bool // one column
	broken    bool // quotation marks do not match
	bare      int  // quotation marks inside cells
	width     int  // columns of the header
	rows      int
	even      int // rows as wide as the header
}

// guessSeparator finds the separator that makes the most of the first rows of a file.
// whole reports that head is all of it.
func guessSeparator(ctx context.Context, head []byte, whole bool) byte {
	var guesses []guess
	for _, s := range separators() {
		guesses = append(guesses, tryout(ctx, s, head, whole))
	}
	best := slices.MinFunc(guesses, func(a, b guess) int {
		return cmp.Or(flag(a.single)-flag(b.single), flag(a.broken)-flag(b.broken), cmp.Compare(a.bare, b.bare),
			cmp.Compare(b.even*a.rows, a.even*b.rows), cmp.Compare(b.width, a.width))
	})
	return best.separator
}

func flag(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// tryout reads up to 20 rows of head.
func tryout(ctx context.Context, separator byte, head []byte, whole bool) guess {
	g := guess{separator: separator, single: true}
	c := &csvReader{in: bufio.NewReader(bytes.NewReader(head)), separator: separator, meter: meter{limits: Limits{Rows: 1 << 30, Columns: 1 << 30, Cells: 1 << 30}}}
	for g.rows < 20 {
		row, err := c.record(ctx)
		cut := !whole && g.rows > 0 && c.ended() // the last row is not all there
		if errors.Is(err, io.EOF) || cut || err != nil && !whole && c.ended() {
			break
		}
		if err != nil {
			g.broken = true
			break
		}
		if len(row.Cells) == 1 && row.Blank() {
			continue
		}
		g.rows, g.bare = g.rows+1, c.bare
		if g.width == 0 {
			g.width, g.single = len(row.Cells), len(row.Cells) == 1
		}
		if len(row.Cells) == g.width {
			g.even++
		}
	}
	return g
}

// ended reports whether nothing is left to read.
func (c *csvReader) ended() bool {
	_, err := c.in.Peek(1)
	return err != nil
}
