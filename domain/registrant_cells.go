package domain

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/fault"
)

// RegistrantTable reads the rows below one header.
type RegistrantTable struct {
	rules      RegistrantRules
	columns    []column
	width      int        // cells of the header
	Ignored    []string   // headers of columns that are not read
	Lacks      []RowError // required questions that it has no column for; no mistakes
	regions    map[string]Region
	categories map[string]string
}

// NewRegistrantTable reads a header. If it has mistakes (a column that is missing or
// stands there twice), no row can be read.
func NewRegistrantTable(header TableRow, rules RegistrantRules) (*RegistrantTable, []RowError) {
	columns, ignored, wrong := readHeader(header, rules.Questions)
	if wrong != nil {
		return nil, wrong
	}
	width := len(header.Cells)
	for width > 0 && emptyCell(header.Cells[width-1].Text) {
		width--
	}
	return &RegistrantTable{rules: rules, columns: columns, width: width, Ignored: ignored, Lacks: unasked(header.Line, columns), regions: namedRegencies(rules.Provinces), categories: namedCategories()}, nil
}

// namedRegencies maps the folded names of the regencies of the provinces to their codes, and
// a name that two of them have, as many cities and the regencies around them do, to none.
func namedRegencies(provinces []Region) map[string]Region {
	out := map[string]Region{}
	put := func(name string, code Region) {
		if has, there := out[name]; there && has != code {
			code = ""
		}
		out[name] = code
	}
	for _, p := range provinces {
		for _, r := range regenciesOf(p) {
			kinds := []string{"kabupaten", "kab", "kabupatenkota"}
			if r.Code.City() {
				kinds = []string{"kota", "kotamadya", "kabupatenkota"}
			}
			for _, name := range append([]string{r.Name}, r.Aliases...) {
				put(foldWord(name), r.Code)
				for _, kind := range kinds {
					put(kind+foldWord(name), r.Code)
				}
			}
		}
	}
	return out
}

// namedCategories maps every folded spelling of a category to its code.
func namedCategories() map[string]string {
	out := map[string]string{}
	for _, l := range categoryList() {
		for _, s := range append([]string{l.Code, l.Name, l.English}, l.Aliases...) {
			if s != "" {
				out[foldWord(s)] = l.word()
			}
		}
	}
	return out
}

// reader reads the cells of one row and collects every mistake in them.
type reader struct {
	table *RegistrantTable
	row   TableRow
	wrong []RowError
}

// Read reads one row and gives all that is wrong with it, not only the first. What a
// mistake leaves out is zero in the registrant.
func (t *RegistrantTable) Read(row TableRow) (Registrant, []RowError) {
	in := &reader{table: t, row: row}
	r := Registrant{Line: row.Line, Survey: map[string]int{}, Checks: map[string]bool{}}
	if stray := t.stray(row); stray {
		in.wrong = append(in.wrong, RowError{Line: row.Line, Code: "cells_beyond_header", Params: map[string]any{"limit": t.width}})
	}
	for _, c := range t.columns {
		text, code, ok := in.text(c)
		switch {
		case code == "cell_too_long":
			in.fail(c, code, map[string]any{"limit": MaxCell})
		case code != "":
			in.fail(c, code, nil)
		case ok:
			in.put(&r, c, text)
		}
	}
	in.sortCategories(&r)
	for _, m := range t.rules.Against(r) {
		in.fail(t.named(m.Field), m.Code, nil)
	}
	return r, in.wrong
}

// stray reports whether something stands beyond the header: separators inside a cell
// have moved all that follows.
func (t *RegistrantTable) stray(row TableRow) bool {
	return len(row.Cells) > t.width && !TableRow{Cells: row.Cells[t.width:]}.Blank()
}

func (in *reader) fail(c column, code string, params map[string]any) {
	in.wrong = append(in.wrong, c.wrong(in.row.Line, code, params))
}

// text is the clean text of a cell; ok is false where there is none.
func (in *reader) text(c column) (text, code string, ok bool) {
	if c.at < 0 {
		return "", "", false
	}
	var cell Cell
	if c.at < len(in.row.Cells) {
		cell = in.row.Cells[c.at]
	}
	if cell.Code != "" {
		return "", cell.Code, false
	}
	text, code = cleanText(cell.Text)
	if code == "" && emptyCell(text) {
		if c.needed {
			return "", "required", false
		}
		return "", "", false
	}
	return text, code, code == ""
}

// put reads the text of one cell into r.
func (in *reader) put(r *Registrant, c column, s string) {
	var err error
	switch c.field {
	case fieldRef:
		r.Ref = in.name(c, unfloat(s), 1, 60)
	case fieldRegisteredAt:
		r.RegisteredAt, err = in.moment(s)
	case fieldBusiness:
		r.Business = in.name(c, s, 2, 120)
	case fieldOwner:
		r.Owner = in.name(c, s, 2, 100)
	case fieldPhone:
		r.Phone, err = readPhone(s)
	case fieldNIB:
		r.NIB, err = readNIB(s)
	case fieldRegion:
		r.Region, err = in.region(s)
	case fieldCategory:
		r.Category, err = in.category(s)
	case fieldOtherCategories:
		r.Categories, err = in.furtherCategories(s)
	case fieldAddress:
		r.Address = in.within(c, s, 0, 300)
	case fieldSize:
		r.SizeClass, err = readSize(s)
	case fieldEmail:
		r.Email, err = readEmail(s)
	default:
		err = in.answer(r, c, s)
	}
	if err != nil {
		in.fail(c, fault.CodeOf(err), c.limits())
	}
}

// within is s if it has from least to most characters.
func (in *reader) within(c column, s string, least, most int) string {
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		in.fail(c, "text_too_short", map[string]any{"min": least})
	case n > most:
		in.fail(c, "text_too_long", map[string]any{"max": most})
	default:
		return s
	}
	return ""
}

// name is s if something in it can be read aloud.
func (in *reader) name(c column, s string, least, most int) string {
	if foldWord(s) == "" {
		in.fail(c, "text_too_short", map[string]any{"min": least})
		return ""
	}
	return in.within(c, s, least, most)
}

var floated = regexp.MustCompile(`^([1-9][0-9]{4,14})[.,]0{1,2}$`)

// unfloat takes the ".0" off that programs put behind a column of whole numbers; it
// must not become a digit of a phone number.
func unfloat(s string) string {
	if m := floated.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return s
}

// moment reads when somebody registered, inside the window.
func (in *reader) moment(s string) (time.Time, error) {
	rules := in.table.rules
	t, err := ParseMoment(s, rules.Zone)
	switch {
	case err != nil:
		return time.Time{}, err
	case !rules.From.IsZero() && t.Before(rules.From):
		return time.Time{}, invalid("window_not_open", "registered before the window")
	case !rules.To.IsZero() && t.After(rules.To):
		return time.Time{}, invalid("window_closed", "registered after the window")
	}
	return t, nil
}

var (
	scientific = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+$`)
	noneYet    = regexp.MustCompile(`^(tidak|belum|blm|tdk)(ada|punya|memiliki)(nib)?$`)
)

// readPhone is ParsePhone for a cell, where a comma may have stood for a decimal point.
func readPhone(s string) (Phone, error) {
	if scientific.MatchString(s) {
		return "", invalid("phone_scientific", "phone number in scientific notation")
	}
	return ParsePhone(unfloat(s))
}

// readNIB reads a business number. Zeros in front that a spreadsheet took away are
// not guessed: a number that is too short may as well lack any other digit.
func readNIB(s string) (string, error) {
	if noneYet.MatchString(foldWord(s)) {
		return "", nil
	}
	if scientific.MatchString(s) {
		return "", invalid("cell_digits_lost", "NIB in scientific notation")
	}
	plain := strings.NewReplacer(" ", "", ".", "", "-", "").Replace(unfloat(strings.Map(foldRune, s)))
	switch {
	case digits(plain) && len(plain) >= 9 && len(plain) < 13:
		return "", invalid("nib_zero_lost", "NIB has fewer than 13 digits")
	case CheckNIB(plain) != nil, strings.Trim(plain, plain[:1]) == "": // 0000000000000 stands for none
		return "", invalid("nib_invalid", "NIB is not 13 digits")
	}
	return plain, nil
}

var (
	shortRegency = regexp.MustCompile(`^[0-9]{2}[.,][0-9]$`)
	commaRegion  = regexp.MustCompile(`^[0-9]{2},[0-9]{2}$`)
)

// region reads a code, or the name of a regency of the programme's provinces. What follows for
// one outside of them the rules say.
func (in *reader) region(s string) (Region, error) {
	if r, ok := in.table.regions[foldWord(s)]; ok && r == "" {
		return "", invalid("region_ambiguous", "a regency and a city have this name")
	} else if ok {
		return r, nil
	}
	s = strings.Map(foldRune, s)
	switch {
	case shortRegency.MatchString(s):
		return "", invalid("region_zero_lost", "18.1 may be 18.01 or 18.10")
	case commaRegion.MatchString(s):
		s = strings.Replace(s, ",", ".", 1)
	case foldWord(s) != "" && s[0] >= 'A':
		return "", unknownRegion()
	}
	r, err := ParseRegion(s)
	switch {
	case err != nil:
		return "", err
	case r.Regency() == "":
		return "", noRegion()
	}
	return r.Regency(), nil
}

func (in *reader) category(s string) (string, error) {
	for _, and := range []string{" dan ", " and "} {
		if c, ok := in.table.categories[foldWord(strings.ReplaceAll(s, "&", and))]; ok {
			return c, nil
		}
	}
	return "", invalid("category_unknown", "not a category")
}

// sortCategories puts the primary category in front of the others.
func (in *reader) sortCategories(r *Registrant) {
	if r.Category == "" {
		return
	}
	r.Categories = slices.Insert(slices.DeleteFunc(r.Categories, func(c string) bool { return c == r.Category }), 0, r.Category)
	if len(r.Categories) > 3 {
		in.fail(in.table.named(fieldOtherCategories), "too_many_categories", nil)
		r.Categories = r.Categories[:1]
	}
}

// furtherCategories reads more of them, in alphabetical order.
func (in *reader) furtherCategories(s string) ([]string, error) {
	var out []string
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",;|/+", r) }) {
		if emptyCell(part) {
			continue
		}
		c, err := in.category(part)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out, nil
}

func readSize(s string) (string, error) {
	sizes := map[string]string{"micro": "micro", "mikro": "micro", "small": "small", "kecil": "small", "medium": "medium", "menengah": "medium", "sedang": "medium"}
	if size, ok := sizes[strings.TrimPrefix(foldWord(s), "usaha")]; ok {
		return size, nil
	}
	return "", invalid("size_unknown", "not a size class")
}

var emailForm = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)

func readEmail(s string) (string, error) {
	if len(s) > 254 || !emailForm.MatchString(s) {
		return "", invalid("email_invalid", "not an e-mail address")
	}
	return s, nil
}

// answer reads an answer to a question of the programme, of the survey, or one with yes or no.
func (in *reader) answer(r *Registrant, c column, s string) error {
	if strings.HasPrefix(c.field, answersPrefix) {
		value, err := c.question.Read(s)
		if err == nil {
			r.answered(c.question.Code, value)
		}
		return err
	}
	item, survey := strings.CutPrefix(c.field, surveyPrefix)
	if survey {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.Map(foldRune, s), ".0"))
		if err != nil || n < SurveyMin || n > SurveyMax || len(s) > 3 {
			in.fail(c, "answer_invalid", map[string]any{"min": SurveyMin, "max": SurveyMax})
			return nil
		}
		r.Survey[item] = n
		return nil
	}
	yes, ok := yesOrNo(s)
	if !ok {
		return invalid("yes_or_no", "neither yes nor no")
	}
	r.Checks[c.field] = yes
	return nil
}

// yesOrNo reads a clear word. A "t" may be true or tidak, and an "x" may be either.
func yesOrNo(s string) (yes, ok bool) {
	switch foldWord(s) {
	case "ya", "y", "iya", "yes", "true", "benar", "1", "ada", "setuju", "bersedia", "sudah", "pernah":
		return true, true
	case "tidak", "tdk", "n", "no", "false", "salah", "0", "tidakada", "tidaksetuju", "tidakbersedia", "belum", "belumada", "belumpernah", "tidakpernah":
		return false, true
	}
	return false, false
}
