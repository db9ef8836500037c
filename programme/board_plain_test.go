package programme

import (
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// walked works everything out as it was before there was an index: slow, and plain.
type walked struct {
	domain.Programme
	rows []merge.Row
}

// all are the rows of a collection, in the order of a field; of none, as they lie.
func (w walked) all(collection, by string) []merge.Row {
	out := slices.DeleteFunc(slices.Clone(w.rows), func(r merge.Row) bool { return r.Collection != collection })
	if by != "" {
		slices.SortFunc(out, func(x, y merge.Row) int { return strings.Compare(x.Text(by), y.Text(by)) })
	}
	return out
}

func (w walked) owner(id string) string {
	for _, r := range w.all("application_state", "") {
		if r.ID == id {
			return r.Text("state")
		}
	}
	return ""
}

func (w walked) withdrawn(id string) bool { return w.owner(id) == domain.ApplicationWithdrawn }

func (w walked) in(no int) (out []merge.Row) {
	for _, f := range w.all("case_file", "number") {
		if f.Text("state") == domain.FileStage && int(f.Int("stage")) == no && !w.withdrawn(f.ID) {
			out = append(out, f)
		}
	}
	return out
}

func (w walked) view(stage domain.Stage) (out []StageOutcome, missing []string) {
	files := w.in(stage.No)
	if stage.Kind != domain.StageRubric {
		for _, f := range files {
			o := StageOutcome{File: f.ID, Result: outFailed}
			res := stage.CheckFile(w.Programme, f)
			if stage.Kind == domain.StageLevel {
				res = stage.LevelOf(f)
				o.Level = &res.Level
			}
			if o.Failed = res.Failed; res.Passed {
				o.Result = outPassed
			}
			out = append(out, o)
			if len(w.counting(f.ID, stage)) < stage.Curators {
				missing = append(missing, f.ID)
			}
		}
		return out, append(missing, w.waiting(stage, files)...)
	}
	var scored []domain.Scored
	for _, f := range files {
		one := domain.Scored{File: f.ID, Number: f.Text("number")}
		for _, r := range w.counting(f.ID, stage) {
			one.Totals = append(one.Totals, int(r.Int("total_bp")))
		}
		if len(one.Totals) < stage.Curators {
			missing = append(missing, f.ID)
		}
		scored = append(scored, one)
	}
	domain.Rank(scored)
	for i, one := range scored {
		score := one.Score()
		o := StageOutcome{File: one.File, Rank: i + 1, Score: &score, Result: outFailed}
		if len(one.Totals) > 1 {
			spread := slices.Max(one.Totals) - slices.Min(one.Totals)
			o.Spread, o.Apart = &spread, spread >= 2500
		}
		last := stage.No == len(w.Stages)
		switch {
		case last && (score < stage.Pass.Score || stage.Pass.Top > 0 && i >= stage.Pass.Top):
			o.Result, o.BelowPass = outNotSelected, true
		case last && i < w.Quota:
			o.Result = outSelected
		case last && i < w.Quota+w.Reserve:
			o.Result = outReserve
		case last:
			o.Result = outNotSelected
		case (stage.Pass.Top == 0 || i < stage.Pass.Top) && score >= stage.Pass.Score:
			o.Result = outPassed
		}
		out = append(out, o)
	}
	return out, append(missing, w.waiting(stage, files)...)
}

// waiting lists what the first stage waits for, once it has begun.
func (w walked) waiting(stage domain.Stage, begun []merge.Row) (out []string) {
	for _, f := range w.all("case_file", "number") {
		waits := f.Text("state") == domain.FileOpen || f.Text("state") == domain.FileReturned && instant(f, "complete_by").After(merge.Millis(10).Time())
		if stage.No == 1 && len(begun) > 0 && waits && !w.withdrawn(f.ID) {
			out = append(out, f.ID)
		}
	}
	return out
}

// of are the rows of a collection that are about a file in a stage, by curator.
func (w walked) of(collection, file string, stage domain.Stage) []merge.Row {
	return slices.DeleteFunc(w.all(collection, "curator_id"), func(r merge.Row) bool { return r.Text("application_id") != file || int(r.Int("stage")) != stage.No })
}

// left reports whether the seat of a curator has ended.
func (w walked) left(curator string) bool {
	return slices.ContainsFunc(w.all("panel_member", ""), func(m merge.Row) bool { return m.Text("user_id") == curator && m.Text("to_at") != "" })
}

// barred reports whether a curator has to do with the file: by their own word, for which another
// one was asked or not, or because it was taken from them.
func (w walked) barred(curator, file string, stage domain.Stage) bool {
	for _, r := range slices.Concat(w.of("score", file, stage), w.of("file_share", file, stage)) {
		if r.Text("curator_id") == curator && (string(r.Fields["conflict"]) == "true" || r.Text("asked") != "" || r.Text("ended_at") != "") {
			return true
		}
	}
	return false
}

// replaced reports whether somebody who has the file was given it in the place of a curator.
func (w walked) replaced(curator, file string, stage domain.Stage) bool {
	return slices.ContainsFunc(w.of("file_share", file, stage), func(sh merge.Row) bool {
		by := sh.Text("curator_id")
		return slices.Contains(sh.Strings("instead_of"), curator) && sh.Text("ended_at") == "" && !w.left(by) && !w.barred(by, file, stage)
	})
}

// counting are the sheets on a file that count: those of who has it, then the others' by curator,
// until there are as many as people who should have it.
func (w walked) counting(file string, stage domain.Stage) (out []merge.Row) {
	have := 0
	for _, sh := range w.of("file_share", file, stage) {
		if c := sh.Text("curator_id"); !w.left(c) && !w.barred(c, file, stage) && !w.replaced(c, file, stage) {
			have++
		}
	}
	for _, r := range w.of("score", file, stage) {
		c := r.Text("curator_id")
		if r.Text("state") != domain.SheetSubmitted || string(r.Fields["late"]) == "true" || w.barred(c, file, stage) || stage.Kind == domain.StageRubric && merge.Null(r.Fields["total_bp"]) {
			continue
		}
		if w.left(c) || w.replaced(c, file, stage) {
			if have >= stage.Curators {
				continue
			}
			have++
		}
		out = append(out, r)
	}
	return out
}

func (w walked) shareOut(stage domain.Stage) (out []newShare, short bool) {
	has, load, never := map[string][]string{}, map[string]int{}, map[string]map[string]bool{}
	var curators []domain.Curating
	for _, m := range w.all("panel_member", "user_id") {
		if m.Text("to_at") != "" {
			curators = append(curators, domain.Curating{User: m.Text("user_id"), Institution: m.Text("institution"), Left: true})
		}
	}
	gone := slices.Clone(curators)
	for _, r := range w.all("file_share", "") {
		stays := !slices.ContainsFunc(gone, func(c domain.Curating) bool { return c.User == r.Text("curator_id") })
		for _, sc := range w.counting(r.Text("application_id"), stage) {
			stays = stays || sc.Text("curator_id") == r.Text("curator_id")
		}
		if int(r.Int("stage")) == stage.No && stays && r.Text("ended_at") == "" {
			has[r.Text("application_id")] = append(has[r.Text("application_id")], r.Text("curator_id"))
			load[r.Text("curator_id")]++
		}
	}
	var files []string
	for _, f := range w.in(stage.No) {
		files = append(files, f.ID)
		for _, r := range slices.Concat(w.all("score", ""), w.all("file_share", "")) { // who has an interest, and from whom it was taken
			if c := r.Text("curator_id"); r.Text("application_id") == f.ID && int(r.Int("stage")) == stage.No && w.barred(c, f.ID, stage) {
				if never[c] == nil {
					never[c] = map[string]bool{}
				}
				never[c][f.ID] = true
				has[f.ID] = slices.DeleteFunc(has[f.ID], func(h string) bool { return h == c })
			}
		}
	}
	for _, m := range w.all("panel_member", "user_id") {
		if m.Text("to_at") == "" {
			u := m.Text("user_id")
			curators = append(curators, domain.Curating{User: u, Institution: m.Text("institution"), Files: load[u], Never: never[u]})
		}
	}
	given := domain.ShareFiles(files, stage.Curators, curators, has)
	for _, f := range files {
		var instead []string
		for _, r := range w.all("file_share", "curator_id") {
			if c := r.Text("curator_id"); r.Text("application_id") == f && int(r.Int("stage")) == stage.No && r.Text("ended_at") == "" && !slices.Contains(has[f], c) {
				instead = append(instead, c)
			}
		}
		for _, c := range given[f] {
			out = append(out, newShare{share{f, c}, instead})
		}
		short = short || len(has[f])+len(given[f]) < stage.Curators
	}
	return out, short
}

// inTheEnd reports whether a file has its rank from the last stage.
func (w walked) inTheEnd(f merge.Row) bool {
	state := f.Text("state")
	return f.Fields["rank"] != nil && (state == domain.FileSelected || state == domain.FileReserve || state == domain.FileNotSelected)
}

func (w walked) ranked() []merge.Row {
	out := slices.DeleteFunc(w.all("case_file", "number"), func(f merge.Row) bool { return !w.inTheEnd(f) || w.withdrawn(f.ID) })
	slices.SortFunc(out, func(x, y merge.Row) int { return int(x.Int("rank") - y.Int("rank")) })
	return out
}

func (w walked) results(words Feedback) (out []result, unsaid []string) {
	becomes, place := map[string]string{}, map[string]int{}
	for i, f := range w.ranked() {
		becomes[f.ID] = domain.FileNotSelected
		if i < w.Quota {
			becomes[f.ID] = domain.FileSelected
		} else if i < w.Quota+w.Reserve {
			becomes[f.ID], place[f.ID] = domain.FileReserve, i-w.Quota+1
		}
	}
	for _, f := range w.all("case_file", "number") {
		state, said := f.Text("state"), f.Text("feedback")
		if becomes[f.ID] != "" {
			state = becomes[f.ID]
		}
		undecided := state == domain.FileOpen || state == domain.FileStage || state == domain.FileReturned
		if undecided {
			state = domain.FileNotSelected
		}
		meant := f.Text("feedback_for")
		if meant == "" && !undecided {
			meant = f.Text("state")
		}
		if said != "" && meant != "" && meant != state && !w.withdrawn(f.ID) {
			said, unsaid = "", append(unsaid, f.ID)
		}
		if said == "" {
			said = words[state]
		}
		op := map[string]string{domain.FileSelected: "offer", domain.FileReserve: "hold", domain.FileNotSelected: "turn_down", domain.FileEliminated: "turn_down"}[state]
		if op != "" && !w.withdrawn(f.ID) {
			out = append(out, result{f.ID, f.Text("business_id"), op, said, place[f.ID]})
		}
	}
	b := &board{told: first(w.all("publication", ""))}
	slices.SortFunc(out, func(x, y result) int { return strings.Compare(b.drawn(x), b.drawn(y)) })
	return out, unsaid
}

func (w walked) next() (out []string) {
	if first(w.all("publication", "")).Text("state") != "telling" {
		return nil
	}
	free := w.Quota
	var reserve []merge.Row
	for _, f := range w.all("case_file", "number") {
		switch state := w.owner(f.ID); {
		case state == domain.ApplicationOffered:
			free--
		case state == domain.ApplicationReserve:
			reserve = append(reserve, f)
		case w.inTheEnd(f) && (state == "" || state == domain.ApplicationSubmitted):
			return nil
		}
	}
	slices.SortFunc(reserve, func(x, y merge.Row) int { return int(x.Int("rank") - y.Int("rank")) })
	for _, f := range reserve[:min(len(reserve), max(free, 0))] {
		out = append(out, f.ID)
	}
	return out
}
