package domain

import "iter"

// Import is what reading a list of registrants gives: all that a dry run shows.
type Import struct {
	Read      int        // rows below the header that are not blank
	Accepted  int        // that are new: the Registrants
	Unchanged int        // that are registered already, with the same content
	Refused   int        // that have at least one error; Read = Accepted + Unchanged + Refused
	Header    []RowError // what is wrong with the header; then no row was read
	Errors    int        // of all refused rows
	Rejected  []RowError // these errors by line, the first MaxRejected
	Ignored   []string   // headers of columns that are not read
	Warnings  []RowError // required questions of the programme that the list has no column for; no mistakes
	Drafts    []RowError // accepted rows whose business has begun to apply in the app: that is submitted; no mistakes

	Registrants []Registrant // accepted, in the order of the file
}

// MaxRejected is how many errors of rows are kept. A list whose columns are mixed up has one
// for every cell.
const MaxRejected = 10_000

// ReadRegistrants reads a list whose first row is its header. A row is refused if a
// cell of it is wrong, if an earlier row of the list that was not refused has the
// same registration id, the same NIB or the same phone and name, or if known has.
// A row whose id is known with the same content changes nothing and is no mistake,
// so that a file can be read again; one whose content differs is refused, for what
// was registered is never overwritten by a list.
//
// It gives the error of rows, if there is one; and then nothing else.
func ReadRegistrants(rows iter.Seq2[TableRow, error], rules RegistrantRules, known Known) (Import, error) {
	var out Import
	var table *RegistrantTable
	seen := seenKeys{refs: map[string]int{}, nibs: map[string]int{}, people: map[string]int{}}
	for row, err := range rows {
		switch {
		case err != nil:
			return Import{}, err
		case row.Blank():
			continue
		case table == nil:
			if table, out.Header = NewRegistrantTable(row, rules); table == nil {
				return out, nil
			}
			out.Ignored, out.Warnings = table.Ignored, table.Lacks
			continue
		}
		out.Read++
		out.take(table, row, &seen, &known)
	}
	return out, nil
}

// take reads one row into i.
func (i *Import) take(table *RegistrantTable, row TableRow, seen *seenKeys, known *Known) {
	r, wrong := table.Read(row)
	keys := r.Keys()
	if len(wrong) > 0 {
		keys.Digest = "" // half a row is compared with nothing
	}
	doubled, unchanged := table.doubled(row.Line, keys, seen, known)
	wrong = append(wrong, doubled...)
	if len(wrong) > 0 {
		i.Refused++
		i.Errors += len(wrong)
		i.Rejected = append(i.Rejected, wrong[:min(len(wrong), MaxRejected-len(i.Rejected))]...)
		return
	}
	seen.add(keys, row.Line)
	if unchanged {
		i.Unchanged++
		return
	}
	i.Accepted++
	i.Registrants = append(i.Registrants, r)
}

// seenKeys gives the line of each row that was not refused. A refused one stands in
// nobody's way: the person would be left out altogether.
type seenKeys struct{ refs, nibs, people map[string]int }

func (s *seenKeys) add(k Keys, line int) {
	for m, key := range map[*map[string]int]string{&s.refs: k.Ref, &s.nibs: k.NIB, &s.people: k.Person} {
		if key != "" {
			(*m)[key] = line
		}
	}
}

// doubled says whether a row is there already: earlier in the list, or before it.
func (t *RegistrantTable) doubled(line int, k Keys, seen *seenKeys, known *Known) (wrong []RowError, unchanged bool) {
	looks := [...]struct {
		field, key string
		lines      map[string]int
	}{{fieldRef, k.Ref, seen.refs}, {fieldNIB, k.NIB, seen.nibs}, {fieldPhone, k.Person, seen.people}}
	for _, look := range looks {
		if first, ok := look.lines[look.key]; ok && look.key != "" {
			return []RowError{t.named(look.field).wrong(line, "duplicate_of_line", map[string]any{"line": first})}, false
		}
	}
	m, met := known.Meets(k)
	if !met || m.Unchanged() {
		return nil, met
	}
	return []RowError{t.named(m.Field).wrong(line, m.Code, nil)}, false
}

// named is the column of a field.
func (t *RegistrantTable) named(field string) column {
	for _, c := range t.columns {
		if c.field == field {
			return c
		}
	}
	return column{field: field}
}
