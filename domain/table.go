package domain

// Cell is one cell of a table that somebody handed in.
type Cell struct {
	Text string // what its author meant, with numbers and dates written out; may be empty
	Code string // why it could not be read, such as "cell_formula"; empty if it could
}

// TableRow is one row of such a table.
type TableRow struct {
	Line  int // number of the row as a spreadsheet shows it, from 1
	Cells []Cell
}

// Blank reports whether nothing stands in r.
func (r TableRow) Blank() bool {
	for _, c := range r.Cells {
		if c.Code != "" || !emptyCell(c.Text) {
			return false
		}
	}
	return true
}

// RowError is one mistake in one cell, or in a row as a whole.
type RowError struct {
	Line   int            // of the row, as a spreadsheet shows it
	Column string         // as the file spells it; the field, if the file has no such column; empty for the row as a whole
	Field  string         // the field of a Registrant, such as "phone"; empty for the row as a whole
	Code   string         // key of the message catalogue
	Params map[string]any // what fills the sentence; never what stood in the cell
}
