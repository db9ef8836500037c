package domain

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Items of a checklist that the server answers from the case file. One that is not among
// them is answered by the application's answer of the same code.
const (
	ItemDataComplete = "data_complete"
	ItemInRegion     = "in_region"
	ItemNIBOrWilling = "nib_or_willing"
	ItemConsent      = "consent"
	ItemNotAssisted  = "not_assisted"
)

// StageResult is what a stage makes of one file.
type StageResult struct {
	Passed bool
	Failed []string // items of a checklist that are not met, in their order
	Level  int      // of a level
	Score  int      // of a rubric, in ten-thousandths: the mean of the sheets that count
}

// CheckFile answers a checklist from a case file: it passes if every required item is
// met. An imported file agreed in its row, one from the app was counted only with consent.
func (s Stage) CheckFile(p Programme, file merge.Row) StageResult {
	answers := answersOf(file.Fields["answers"])
	out := StageResult{Passed: true}
	for _, it := range s.Items {
		if met := s.meets(p, file, answers, it.Code); !met && it.Required {
			out.Passed, out.Failed = false, append(out.Failed, it.Code)
		}
	}
	return out
}

// StageFields are the fields of a case file that CheckFile and LevelOf read.
func StageFields() []string {
	return []string{"address", "size_class", "survey", "region_code", "nib", "answers", "source"}
}

func (s Stage) meets(p Programme, file merge.Row, answers map[string]string, code string) bool {
	switch code {
	case ItemDataComplete:
		return file.Text("address") != "" && file.Text("size_class") != "" && len(surveyOf(file.Fields["survey"])) >= len(SurveyItems())
	case ItemInRegion:
		return p.Covers(Region(file.Text("region_code")))
	case ItemNIBOrWilling:
		return file.Text("nib") != "" || answers[CheckNIBWilling] == "yes"
	case ItemConsent:
		return file.Text("source") == "app" || answers[CheckConsent] == "yes"
	case ItemNotAssisted:
		return answers[CheckAssisted] != "yes"
	}
	return answers[code] == "yes"
}

// mostLevel is the level of a survey with full points.
const mostLevel = 4

// LevelOf is the level of a survey: its sum as quarters of the most that there are, so
// that 40 points of ten items are level 4, and 20 level 2.
func (s Stage) LevelOf(file merge.Row) StageResult {
	sum, most := 0, 0
	given := surveyOf(file.Fields["survey"])
	for _, it := range s.Items {
		sum, most = sum+min(max(given[it.Code], it.Min), it.Max), most+it.Max
	}
	out := StageResult{}
	if most > 0 {
		out.Level = sum * mostLevel / most
	}
	out.Passed = out.Level >= s.Pass.Level
	return out
}

// SheetTotal is what a curator's points come to, in ten-thousandths: of each item the
// share of its range, weighted. ok is false while a point is missing or out of range.
func (s Stage) SheetTotal(points map[string]int) (total int, ok bool) {
	sum := 0 // in ten-thousandths of ten-thousandths, so that nothing is rounded on the way
	if _, lacks := s.unanswered(points); lacks {
		return 0, false
	}
	for _, it := range s.Items {
		if it.Max <= it.Min {
			return 0, false
		}
		sum += it.Weight * (points[it.Code] - it.Min) * 10_000 / (it.Max - it.Min)
	}
	return (sum + 5_000) / 10_000, true
}

// unanswered is the first item of which points are missing or out of range.
func (s Stage) unanswered(points map[string]int) (item string, lacks bool) {
	for _, it := range s.Items {
		if n, given := points[it.Code]; !given || n < it.Min || n > it.Max {
			return it.Code, true
		}
	}
	return "", false
}

// Scored is a file with the totals of the sheets that count.
type Scored struct {
	File   string
	Number string // of receipt: whoever registered earlier stands first among equals
	Totals []int
}

// Score is the mean of the totals, rounded half up.
func (s Scored) Score() int {
	if len(s.Totals) == 0 {
		return 0
	}
	sum := 0
	for _, t := range s.Totals {
		sum += t
	}
	return (2*sum + len(s.Totals)) / (2 * len(s.Totals))
}

// usualSpread is how far apart marks of one file may lie in a stage that does not say.
const usualSpread = 2_500

// Spread is how far apart the totals of the file lie, and whether that is as far as the
// stage wants to be told of.
func (s Stage) Spread(f Scored) (bp int, apart bool) {
	if len(f.Totals) < 2 {
		return 0, false
	}
	bp = slices.Max(f.Totals) - slices.Min(f.Totals)
	return bp, bp >= cmp.Or(s.SpreadLimit, usualSpread)
}

// Adjust is what becomes of a level where curators put theirs in its place: the mean of
// theirs, rounded half up.
func (s Stage) Adjust(levels []int) StageResult {
	sum := 0
	for _, l := range levels {
		sum += l
	}
	level := (2*sum + len(levels)) / (2 * len(levels))
	return StageResult{Level: level, Passed: level >= s.Pass.Level}
}

// Rank orders files by their totals, the best first. It compares sums of two sheets
// exactly, not their rounded means; equals stand in the order of their numbers.
func Rank(files []Scored) {
	mean := func(s Scored) (sum, n int) {
		for _, t := range s.Totals {
			sum += t
		}
		return sum, max(1, len(s.Totals))
	}
	slices.SortFunc(files, func(a, b Scored) int {
		x, n := mean(a)
		y, m := mean(b)
		return cmp.Or(cmp.Compare(y*n, x*m), cmp.Compare(a.Number, b.Number))
	})
}

// Curating is a curator to whom files may be given.
type Curating struct {
	User        string
	Institution string
	Files       int             // that they have already
	Never       map[string]bool // files that they must not see: their own, or of people they know
	Left        bool            // gets no more; somebody else of the institution gets no file that they did
}

// FoldInstitution is the name of an institution for comparing: no case, no accents, no
// blanks, no punctuation. Legal forms stay, which FoldBusiness leaves out: the office for IKM
// is another one than that for UMKM.
func FoldInstitution(name string) string { return cmp.Or(foldWord(name), name) }

// ShareFiles gives each file to so many curators of different institutions, the files
// evenly: whoever has the fewest gets the next one. has says who has a file already. A file
// for which too few are left gets as many as there are.
func ShareFiles(files []string, per int, curators []Curating, has map[string][]string) map[string][]string {
	load := map[string]int{}
	byUser := map[string]Curating{}
	curators = slices.Clone(curators)
	for i := range curators {
		c := &curators[i]
		c.Institution = FoldInstitution(c.Institution)
		load[c.User], byUser[c.User] = c.Files, *c
	}
	out := map[string][]string{}
	for _, f := range files {
		taken := map[string]bool{} // institutions
		for _, u := range has[f] {
			taken[byUser[u].Institution] = true
		}
		for range per - len(has[f]) {
			free := slices.DeleteFunc(slices.Clone(curators), func(c Curating) bool {
				return c.Left || taken[c.Institution] || c.Never[f] || slices.Contains(has[f], c.User)
			})
			if len(free) == 0 {
				break
			}
			next := slices.MinFunc(free, func(a, b Curating) int {
				return cmp.Or(cmp.Compare(load[a.User], load[b.User]), cmp.Compare(a.User, b.User))
			})
			taken[next.Institution] = true
			load[next.User]++
			out[f] = append(out[f], next.User)
		}
	}
	return out
}

// answersOf reads the answers of a file, by code.
func answersOf(v merge.Value) map[string]string {
	var items map[string]struct {
		Value string `json:"value"`
	}
	decode(v, &items)
	out := map[string]string{}
	for code, it := range items {
		out[code] = it.Value
	}
	return out
}

// surveyOf reads the survey of a file, by item.
func surveyOf(v merge.Value) map[string]int {
	var items map[string]struct {
		Level *int `json:"level"`
	}
	decode(v, &items)
	out := map[string]int{}
	for code, it := range items {
		if it.Level != nil {
			out[code] = *it.Level
		}
	}
	return out
}

// pointsOf reads the points of a sheet, by item.
func pointsOf(v merge.Value) map[string]int {
	var items map[string]struct {
		Points *int `json:"points"`
	}
	decode(v, &items)
	out := map[string]int{}
	for code, it := range items {
		if it.Points != nil {
			out[code] = *it.Points
		}
	}
	return out
}

// StageKey names a stage in ids.
func stageKey(no int) string { return "stage " + strconv.Itoa(no) }
