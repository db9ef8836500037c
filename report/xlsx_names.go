package report

import (
	"context"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
)

// keptUnasked is how large a list of shared texts may be to be kept as it is: to find out
// which of them a sheet names costs a second reading of the sheet.
const keptUnasked = 4 << 20 // bytes

// named is a set of numbers of shared texts. Nil holds all.
type named struct {
	words []uint64
	most  int // numbers below it may be added
}

func (n *named) has(text int) bool {
	return n == nil || text/64 < len(n.words) && n.words[text/64]&(1<<(text%64)) != 0
}

// add puts a number in; one that no list is long enough for is left out.
func (n *named) add(text int) {
	if text < 0 || text >= n.most {
		return
	}
	for text/64 >= len(n.words) {
		n.words = append(n.words, 0)
	}
	n.words[text/64] |= 1 << (text % 64)
}

// readNames finds out which shared texts the cells of a sheet name. It counts nothing:
// whoever reads the rows does.
func (b *book) readNames(ctx context.Context, part string) error {
	s, err := b.archive.open(part)
	if s == nil || err != nil {
		return err // a sheet that is missing is told of when its rows are read
	}
	defer s.close()
	look := &book{meter: meter{limits: b.meter.limits}, looking: &named{most: b.meter.limits.Cells}}
	row := domain.TableRow{}
	for found := true; found; {
		if found, err = look.row(ctx, s, &row); err != nil {
			return err
		}
	}
	b.named = look.looking
	return nil
}

// shared is the text that a cell names by its number.
func (b *book) shared(number string) (domain.Cell, error) {
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if b.looking != nil && err == nil {
		b.looking.add(n)
		return domain.Cell{}, nil
	}
	if err != nil || n < 0 || n >= len(b.strings) {
		return domain.Cell{}, broken("a cell names no text", err)
	}
	if b.tooLong[n] {
		return domain.Cell{Code: "cell_too_long"}, nil
	}
	return domain.Cell{Text: b.strings[n]}, nil
}
