package programme

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// drawing is a test, or one case that rapid draws.
type drawing interface {
	Context() context.Context
	Fatal(args ...any)
}

// boardIn is the board of a table, for a stage.
func boardIn(t drawing, tb table, no int) *board {
	b := boardOf(tb.edition(), no)
	b.now = merge.Millis(10).Time()
	for _, r := range tb.rows {
		if err := b.take(&store.Record{Collection: r.Collection, ID: r.ID, Version: r.Version, Fields: r.EncodeFields()}, 10); err != nil {
			t.Fatal(err)
		}
	}
	b.sort()
	return b
}

// marked is a programme of some rounds of marks whose files begin in the first: the marks of
// each file in each round.
func marked(marks [][]int, quota, reserve int, pass ...domain.PassRule) table {
	tb := table{Programme: domain.Programme{ID: "programme", Quota: quota, Reserve: reserve, Regions: []domain.Region{"18"}}}
	for i, p := range pass {
		tb.Stages = append(tb.Stages, domain.Stage{No: i + 1, Kind: domain.StageRubric, Curators: 1, Pass: p})
	}
	for n, of := range marks {
		f := fmt.Sprint("f", n)
		tb.rows = append(tb.rows, merge.Row{Key: merge.Key{Collection: "case_file", ID: f}, Version: 1, Fields: map[string]merge.Value{"number": merge.Str(fmt.Sprintf("N%03d", n)), "state": merge.Str(domain.FileStage),
			"stage": merge.Num(1), "business_id": merge.Str(fmt.Sprint("b", n))}})
		for i, points := range of {
			tb.rows = append(tb.rows, merge.Row{Key: merge.Key{Collection: "score", ID: fmt.Sprint(f, "s", i)}, Version: 1, Fields: map[string]merge.Value{"application_id": merge.Str(f), "stage": merge.Num(i + 1),
				"curator_id": merge.Str("c"), "state": merge.Str(domain.SheetSubmitted), "total_bp": merge.Num(points)}})
		}
	}
	return tb
}

// decides decides every stage in turn, and gives the view of the last one.
func (tb *table) decides(t drawing) (v StageView) {
	for _, stage := range tb.Stages {
		var err error
		if v, err = boardIn(t, *tb, stage.No).view(t.Context(), stage.No); err != nil {
			t.Fatal(err)
		}
		tb.carry(v)
	}
	tb.rows = append(tb.rows, merge.Row{Key: merge.Key{Collection: "decision", ID: "last"}, Version: 1, Fields: map[string]merge.Value{"stage": merge.Num(len(tb.Stages)), "state": merge.Str("decided"),
		"passed": merge.Num(v.Count(outSelected)), "reserve": merge.Num(v.Count(outReserve)), "outcomes": merge.Encode(v.Outcomes)}})
	return v
}

// carry writes what a stage made of the files into them.
func (tb *table) carry(v StageView) {
	made := map[string]map[string]merge.Value{}
	for _, o := range v.Outcomes {
		made[o.File] = o.set(v.Stage.No)
	}
	for _, r := range tb.rows {
		if r.Collection == "case_file" {
			maps.Copy(r.Fields, made[r.ID])
		}
	}
}

// TestWhoPassesTheLastStage: the rule of the last stage is a floor under the quota and the
// reserve, and what they leave free is told.
func TestWhoPassesTheLastStage(t *testing.T) {
	t.Parallel()
	six := [][]int{{9000}, {8000}, {7000}, {6000}, {5000}, {4000}} // of which two are selected, and two stand in reserve
	for name, tt := range map[string]struct {
		pass domain.PassRule
		want []string
		free int
	}{
		"no rule":                          {domain.PassRule{}, []string{outSelected, outSelected, outReserve, outReserve, outNotSelected, outNotSelected}, 0},
		"a score within the reserve":       {domain.PassRule{Score: 7000}, []string{outSelected, outSelected, outReserve, outNotSelected, outNotSelected, outNotSelected}, 0},
		"a score that one has":             {domain.PassRule{Score: 8001}, []string{outSelected, outNotSelected, outNotSelected, outNotSelected, outNotSelected, outNotSelected}, 1},
		"a score that nobody has":          {domain.PassRule{Score: 10_000}, slices.Repeat([]string{outNotSelected}, 6), 2},
		"so many":                          {domain.PassRule{Top: 3}, []string{outSelected, outSelected, outReserve, outNotSelected, outNotSelected, outNotSelected}, 0},
		"so many, of whom some have it":    {domain.PassRule{Top: 3, Score: 8500}, []string{outSelected, outNotSelected, outNotSelected, outNotSelected, outNotSelected, outNotSelected}, 1},
		"more than there are places":       {domain.PassRule{Top: 5, Score: 1}, []string{outSelected, outSelected, outReserve, outReserve, outNotSelected, outNotSelected}, 0},
		"a level, which marks do not have": {domain.PassRule{Level: 4}, []string{outSelected, outSelected, outReserve, outReserve, outNotSelected, outNotSelected}, 0},
	} {
		tb := marked(six, 2, 2, tt.pass)
		v, err := boardIn(t, tb, 1).view(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range v.Outcomes {
			below := tt.pass.Score > six[i][0] || tt.pass.Top > 0 && i >= tt.pass.Top
			if o.Result != tt.want[i] || o.BelowPass != below || o.Rank != i+1 {
				t.Errorf("%s: number %d %+v, want %s, below %t", name, i+1, o, tt.want[i], below)
			}
		}
		if v.Free != tt.free {
			t.Errorf("%s: %d places stay free, want %d", name, v.Free, tt.free)
		}
	}
}

// TestWhoGetsOnInTheMiddle: with a number and a score, both hold.
func TestWhoGetsOnInTheMiddle(t *testing.T) {
	t.Parallel()
	for pass, want := range map[domain.PassRule]int{{}: 4, {Score: 7000}: 3, {Top: 2}: 2, {Top: 3, Score: 8000}: 2, {Top: 1, Score: 8000}: 1} {
		tb := marked([][]int{{9000}, {8000}, {7000}, {6000}}, 1, 0, pass, domain.PassRule{})
		v, err := boardIn(t, tb, 1).view(t.Context(), 1)
		if got := v.Count(outPassed); err != nil || got != want || v.Count(outFailed) != 4-want || v.Free != 0 {
			t.Errorf("%+v: %d get on, want %d; %v", pass, got, want, err)
		}
	}
}

// anyMarks draws a programme of one to three rounds of marks, many of them equal.
func anyMarks(t *rapid.T) (tb table, marks [][]int) {
	var pass []domain.PassRule
	for range rapid.IntRange(1, 3).Draw(t, "rounds") {
		pass = append(pass, domain.PassRule{Score: rapid.SampledFrom([]int{0, 0, 2000, 5000}).Draw(t, "score"), Top: rapid.IntRange(0, 6).Draw(t, "top")})
	}
	for range rapid.IntRange(0, 9).Draw(t, "files") {
		marks = append(marks, rapid.SliceOfN(rapid.SampledFrom([]int{0, 1000, 2000, 4999, 5000, 9000}), len(pass), len(pass)).Draw(t, "marks"))
	}
	return marked(marks, rapid.IntRange(0, 4).Draw(t, "quota"), rapid.IntRange(0, 3).Draw(t, "reserve"), pass...), marks
}

// cameThrough are the files that met every rule, the best of the last round first, and those
// that were in that round.
func cameThrough(tb table, marks [][]int) (best, last []int) {
	for n := range marks {
		best = append(best, n)
	}
	for round, stage := range tb.Stages {
		last = best
		slices.SortStableFunc(best, func(x, y int) int { return cmp.Or(cmp.Compare(marks[y][round], marks[x][round]), cmp.Compare(x, y)) })
		best = nil
		for i, n := range last {
			if marks[n][round] >= stage.Pass.Score && (stage.Pass.Top == 0 || i < stage.Pass.Top) {
				best = append(best, n)
			}
		}
	}
	return best, last
}

// TestNobodyHasAPlaceWhoDidNotComeThrough: whatever was decided in several rounds of marks and
// whoever withdrew since, the places go to the best of those who met every rule. All others
// hear the words for where they were left.
func TestNobodyHasAPlaceWhoDidNotComeThrough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tb, marks := anyMarks(t)
		best, last := cameThrough(tb, marks)
		tb.decides(t)
		selected := min(tb.Quota, len(best))
		reserve := min(tb.Reserve, len(best)-selected)
		want := map[string]string{}
		for n := range marks {
			want[fmt.Sprint("f", n)] = "turn_down " + domain.FileEliminated
		}
		for _, n := range last {
			want[fmt.Sprint("f", n)] = "turn_down " + domain.FileNotSelected
		}
		left := 0
		for _, n := range best {
			f := fmt.Sprint("f", n)
			switch {
			case rapid.IntRange(0, 3).Draw(t, "withdraws") == 0:
				tb.rows = append(tb.rows, merge.Row{Key: merge.Key{Collection: "application_state", ID: f}, Version: 1, Fields: map[string]merge.Value{"state": merge.Str(domain.ApplicationWithdrawn)}})
				delete(want, f)
				continue
			case left < selected:
				want[f] = "offer " + domain.FileSelected
			case left < selected+reserve:
				want[f] = "hold " + domain.FileReserve
			}
			left++
		}
		got := map[string]string{}
		words := Feedback{domain.FileSelected: domain.FileSelected, domain.FileReserve: domain.FileReserve, domain.FileNotSelected: domain.FileNotSelected, domain.FileEliminated: domain.FileEliminated}
		all, _ := boardIn(t, tb, 0).results(words)
		for _, r := range all {
			got[r.File] = r.Op + " " + r.Words
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%v, want %v; %+v", got, want, tb.Stages)
		}
	})
}

// TestARankOfAnEarlierRoundIsNone: files that an older version wrote say one though they did
// not get on.
func TestARankOfAnEarlierRoundIsNone(t *testing.T) {
	t.Parallel()
	tb := marked([][]int{{9000, 9000}, {8000, 8000}, {7000}}, 2, 1, domain.PassRule{Top: 2}, domain.PassRule{})
	tb.decides(t)
	for _, r := range tb.rows {
		if r.ID == "f2" {
			r.Fields["rank"] = merge.Num(1)
		}
	}
	all, _ := boardIn(t, tb, 0).results(nil)
	for _, r := range all {
		if want := map[string]string{"f0": "offer", "f1": "offer", "f2": "turn_down"}[r.File]; r.Op != want {
			t.Errorf("%s hears %s, want %s", r.File, r.Op, want)
		}
	}
}
