package programme

import (
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// sheets are those on one file in the stage that is asked for.
type sheets struct {
	in         []mark   // that were sent in; as many as the stage asks for count
	totals     []int    // of those that count
	levels     []int    // that those of them give which put one in the place of the survey's
	counted    []string // who sent in one that counts
	conflicted []string // who said that theirs must not, or from whom the file was taken
}

// mark is what one curator says of a file.
type mark struct {
	curator      string
	total, level *int
}

// sheet puts what a sheet comes to onto the board. A conflict for which somebody else was asked
// stands, whatever its curator says later: the other one's sheet counts.
func (b *board) sheet(r merge.Row) {
	of, total := r.Text("application_id"), whole(r, "total_bp")
	on := b.sheets[of]
	switch {
	case string(r.Fields["conflict"]) == "true" || r.Text("asked") != "":
		on.conflicted = append(on.conflicted, r.Text("curator_id"))
	case r.Text("state") == domain.SheetSubmitted && string(r.Fields["late"]) != "true" && (total != nil || b.byAnswers()):
		on.in = append(on.in, mark{r.Text("curator_id"), total, whole(r, "level")})
	}
	b.sheets[of] = on
}

// whole is a number of a row; nil where it says none.
func whole(r merge.Row, field string) *int {
	if merge.Null(r.Fields[field]) {
		return nil
	}
	n := int(r.Int(field))
	return &n
}

// count says which sheets count: of those who have a file all, and no more than the stage asks
// for. Whose seat ended, or in whose place it was given to another one, has it no more: theirs
// count where too few others have it. That is by what was given to whom, and not by what
// arrived first.
func (b *board) count() {
	given, gone := map[string][]newShare{}, map[string]bool{}
	for _, sh := range b.shares {
		given[sh.file] = append(given[sh.file], sh)
	}
	for _, m := range b.left {
		gone[m.Text("user_id")] = true
	}
	for of, on := range b.sheets {
		out := func(c string) bool { return gone[c] || slices.Contains(on.conflicted, c) }
		var replaced []string
		for _, sh := range given[of] {
			if !out(sh.curator) {
				replaced = append(replaced, sh.instead...)
			}
		}
		spare := func(c string) bool { return gone[c] || slices.Contains(replaced, c) }
		free := b.asked.Curators
		for _, sh := range given[of] {
			if !out(sh.curator) && !spare(sh.curator) {
				free--
			}
		}
		slices.SortFunc(on.in, func(x, y mark) int { return strings.Compare(x.curator, y.curator) })
		for _, m := range on.in {
			if slices.Contains(on.conflicted, m.curator) {
				continue
			}
			if spare(m.curator) {
				if free--; free < 0 {
					continue
				}
			}
			on.counted = append(on.counted, m.curator)
			if m.total != nil {
				on.totals = append(on.totals, *m.total)
			}
			if m.level != nil {
				on.levels = append(on.levels, *m.level)
			}
		}
		b.sheets[of] = on
	}
}

// shareOut says who is to get what. short is true if there are too few curators. What
// somebody has whose seat ended is given anew, unless their sheet on it counts. Who is suspended
// gets nothing, and keeps what they have until their seat ends.
func (b *board) shareOut(stage domain.Stage) (out []newShare, short bool) {
	has, load := map[string][]string{}, map[string]int{}
	var curators []domain.Curating
	for _, m := range b.left {
		curators = append(curators, domain.Curating{User: m.Text("user_id"), Institution: m.Text("institution"), Left: true})
	}
	gone := func(u string) bool {
		return slices.ContainsFunc(curators[:len(b.left)], func(c domain.Curating) bool { return c.User == u })
	}
	for _, sh := range b.shares {
		if gone(sh.curator) && !slices.Contains(b.sheets[sh.file].counted, sh.curator) {
			continue
		}
		has[sh.file] = append(has[sh.file], sh.curator)
		load[sh.curator]++
	}
	never, before := map[string]map[string]bool{}, map[string][]string{}
	for _, sh := range b.shares {
		before[sh.file] = append(before[sh.file], sh.curator)
	}
	var files []string
	for _, f := range b.in(stage.No) {
		out := slices.Concat(b.sheets[f.id].conflicted, b.own[f.id])
		for _, c := range out {
			if never[c] == nil {
				never[c] = map[string]bool{}
			}
			never[c][f.id] = true
		}
		has[f.id] = slices.DeleteFunc(has[f.id], func(c string) bool { return slices.Contains(out, c) })
		files = append(files, f.id)
	}
	for _, m := range b.panel {
		u := m.Text("user_id")
		curators = append(curators, domain.Curating{User: u, Institution: m.Text("institution"), Files: load[u], Never: never[u], Left: b.away[u]})
	}
	given := domain.ShareFiles(files, stage.Curators, curators, has)
	for _, f := range files {
		var instead []string
		for _, c := range before[f] {
			if !slices.Contains(has[f], c) {
				instead = append(instead, c)
			}
		}
		slices.Sort(instead)
		for _, c := range given[f] {
			out = append(out, newShare{share{f, c}, instead})
		}
		short = short || len(has[f])+len(given[f]) < stage.Curators
	}
	return out, short
}
