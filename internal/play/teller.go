package play

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// Teller writes a story down for people. Its zero value tells nobody.
type Teller struct {
	Out    io.Writer // nil: nowhere
	Colour bool
}

// TellTo tells to w, in colours if w is a terminal that wants them.
func TellTo(w io.Writer, getenv func(string) string) *Teller {
	t := &Teller{Out: w}
	if f, ok := w.(*os.File); ok && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" {
		info, err := f.Stat()
		t.Colour = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return t
}

// The colours, by what they mark.
const (
	plain = ""
	bold  = "1"
	faint = "2"
	good  = "32"
	alert = "33"
)

func (t *Teller) paint(colour, text string) string {
	if !t.Colour || colour == plain {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (t *Teller) write(text string) {
	if t.Out != nil {
		fmt.Fprintln(t.Out, text)
	}
}

// Title begins a story.
func (t *Teller) Title(text string) {
	t.write("\n" + t.paint(bold, text) + "\n" + t.paint(faint, strings.Repeat("─", utf8.RuneCountInString(text))))
}

// Say writes a line.
func (t *Teller) Say(format string, args ...any) { t.write(fmt.Sprintf(format, args...)) }

// Moment writes what happens at an instant of the story.
func (t *Teller) Moment(w *World, format string, args ...any) {
	at := w.Clock.Now().In(wib())
	t.write(fmt.Sprintf("%s  %s", t.paint(faint, at.Format("_2 Jan 15:04")), fmt.Sprintf(format, args...)))
}

// Good and Alert write a line that stands out.
func (t *Teller) Good(format string, args ...any) {
	t.write(t.paint(good, "✓ "+fmt.Sprintf(format, args...)))
}

// Alert writes a line that asks for attention.
func (t *Teller) Alert(format string, args ...any) {
	t.write(t.paint(alert, "! "+fmt.Sprintf(format, args...)))
}

// Table writes rows in columns; the first row is the head. Cells that look like
// numbers stand right.
func (t *Teller) Table(rows ...[]string) {
	if len(rows) == 0 {
		return
	}
	wide := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	for n, r := range rows {
		var line strings.Builder
		for i, cell := range r {
			gap := strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell))
			if numeric(rows, i) {
				cell = gap + cell
			} else {
				cell += gap
			}
			line.WriteString("  " + cell)
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 {
			text = t.paint(faint, text)
		}
		t.write(text)
	}
}

// numeric reports whether every cell of a column below the head is a number or
// an amount.
func numeric(rows [][]string, column int) bool {
	for _, r := range rows[1:] {
		if r[column] == "" || strings.Trim(r[column], "Rp0123456789.,−-") != "" {
			return false
		}
	}
	return len(rows) > 1
}
