package programme

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// table is a small programme as its records lie in a store.
type table struct {
	domain.Programme
	rows []merge.Row // in any order
}

// edition is the programme with its setup as a record.
func (tb table) edition() Edition {
	return Edition{Row: merge.Row{Key: merge.Key{Collection: "programme_setup", ID: tb.ID}, Fields: map[string]merge.Value{"stages": merge.Encode(tb.Stages), "quota": merge.Num(tb.Quota),
		"reserve_size": merge.Num(tb.Reserve), "region_codes": merge.Encode(tb.Regions)}}}
}

// anyTable draws one: files in every state, sheets that count, that are late, that say there
// is a conflict or that nobody submitted, some twice and some on files that are not there.
func anyTable(t *rapid.T) table {
	var tb table
	tb.ID = "programme"
	tb.Quota, tb.Reserve, tb.Regions = rapid.IntRange(0, 3).Draw(t, "quota"), rapid.IntRange(0, 2).Draw(t, "reserve"), []domain.Region{"18"}
	survey := []domain.StageItem{{Code: "device", Max: 4}, {Code: "ads", Max: 4}}
	for no := range rapid.IntRange(1, 3).Draw(t, "stages") {
		s := domain.Stage{No: no + 1, Kind: rapid.SampledFrom([]string{domain.StageChecklist, domain.StageLevel, domain.StageRubric}).Draw(t, "kind"), Curators: rapid.IntRange(1, 2).Draw(t, "curators")}
		s.Items = survey
		if s.Kind == domain.StageChecklist {
			s.Items = []domain.StageItem{{Code: domain.ItemInRegion, Required: true}, {Code: domain.ItemNIBOrWilling, Required: true}, {Code: domain.ItemDataComplete}, {Code: "own_production", Required: true}}
		}
		s.Pass.Level, s.Pass.Score, s.Pass.Top = rapid.IntRange(0, 4).Draw(t, "level"), rapid.IntRange(0, 9000).Draw(t, "score"), rapid.IntRange(0, 2).Draw(t, "top")
		tb.Stages = append(tb.Stages, s)
	}
	put := func(collection, id string, set map[string]merge.Value) {
		for name, v := range set {
			if v == nil {
				delete(set, name)
			}
		}
		tb.rows = append(tb.rows, merge.Row{Key: merge.Key{Collection: collection, ID: id}, Version: merge.Seq(len(tb.rows) + 1), Fields: set})
	}
	pick := func(name string, of ...merge.Value) merge.Value { return rapid.SampledFrom(of).Draw(t, name) }
	yes := []merge.Value{nil, merge.Flag(false), merge.Flag(true)}
	for n := range rapid.IntRange(0, 7).Draw(t, "files") {
		rank := pick("rank", nil, merge.Num(n+1))
		put("case_file", fmt.Sprint("f", n), map[string]merge.Value{"number": merge.Str(fmt.Sprint("N", (n*5)%7)), "state": merge.Str(rapid.SampledFrom([]string{domain.FileOpen, domain.FileStage, domain.FileStage, domain.FileSelected, domain.FileReserve, domain.FileNotSelected, domain.FileEliminated, domain.FileReturned}).Draw(t, "state")),
			"stage": merge.Num(rapid.IntRange(1, 3).Draw(t, "stage")), "rank": rank, "business_id": merge.Str(fmt.Sprint("b", n)), "feedback": pick("feedback", nil, merge.Str("bagus \"sekali\"")),
			"feedback_for": pick("for", nil, merge.Str(domain.FileSelected), merge.Str(domain.FileReserve)),
			"region_code":  pick("region", merge.Str("18.72"), merge.Str("31.01")), "nib": pick("nib", nil, merge.Str("0220001234567")), "address": merge.Str("Jl. Teuku Umar"), "size_class": pick("size", nil, merge.Str("micro")),
			"complete_by": pick("until", nil, merge.Millis(5).Value(), merge.Millis(20).Value()), "source": pick("source", merge.Str("app"), merge.Str("import")), "answers": pick("answers", nil, merge.Encode(map[string]any{"own_production": map[string]string{"value": "yes"}, "nib_willing": map[string]string{"value": "yes"}})),
			"survey": pick("survey", nil, merge.Encode(map[string]any{"device": map[string]int{"level": 4}, "ads": map[string]int{"level": 1}}))})
		if state := pick("owner", nil, merge.Str(domain.ApplicationSubmitted), merge.Str(domain.ApplicationWithdrawn), merge.Str(domain.ApplicationReserve), merge.Str(domain.ApplicationOffered)); state != nil {
			put("application_state", fmt.Sprint("f", n), map[string]merge.Value{"state": state})
		}
	}
	of := func() merge.Value { return merge.Str(fmt.Sprint("f", rapid.IntRange(0, 7).Draw(t, "of"))) }
	curator := func() merge.Value { return merge.Str(fmt.Sprint("c", rapid.IntRange(0, 3).Draw(t, "curator"))) }
	for n := range rapid.IntRange(0, 25).Draw(t, "scores") {
		put("score", fmt.Sprint("s", n), map[string]merge.Value{"application_id": of(), "stage": merge.Num(rapid.IntRange(1, 3).Draw(t, "stage")), "curator_id": curator(), "note": merge.Str("x"),
			"state": merge.Str(rapid.SampledFrom([]string{domain.SheetSubmitted, domain.SheetSubmitted, "draft"}).Draw(t, "state")), "conflict": pick("conflict", yes...), "late": pick("late", yes...),
			"total_bp": pick("total", nil, null(), merge.Num(rapid.IntRange(0, 10_000).Draw(t, "points")))})
	}
	for n := range rapid.IntRange(0, 8).Draw(t, "shares") {
		put("file_share", fmt.Sprint("h", n), map[string]merge.Value{"application_id": of(), "stage": merge.Num(rapid.IntRange(1, 3).Draw(t, "stage")), "curator_id": curator(), "ended_at": pick("ended", nil, nil, merge.Millis(5).Value())})
	}
	for n := range rapid.IntRange(0, 4).Draw(t, "panel") {
		put("panel_member", fmt.Sprint("p", n), map[string]merge.Value{"user_id": merge.Str(fmt.Sprint("c", n)), "institution": merge.Str(fmt.Sprint("i", n%3)), "to_at": pick("to", nil, merge.Millis(5).Value())})
	}
	if v := pick("told", nil, merge.Str("telling"), merge.Str("prepared")); v != nil {
		put("publication", "told", map[string]merge.Value{"state": v})
	}
	tb.rows = rapid.Permutation(tb.rows).Draw(t, "order")
	return tb
}

// TestABoardByFileSaysWhatAWalkForEachFileSaid holds the board, which is read once and by
// file, against what it replaced: every file looks through every score.
func TestABoardByFileSaysWhatAWalkForEachFileSaid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tb := anyTable(t)
		slow := walked{Programme: domain.ProgrammeOf(tb.edition().Row), rows: tb.rows}
		if len(slow.Stages) != len(tb.Stages) {
			t.Fatalf("%+v", slow.Stages)
		}
		for no := range len(tb.Stages) + 1 { // 0: a board for none
			b := boardIn(t, tb, no)
			words := Feedback{domain.FileSelected: "selamat"}
			told, unsaid := b.results(words)
			wantTold, wantUnsaid := slow.results(words)
			same(t, "results", told, wantTold)
			same(t, "unsaid", unsaid, wantUnsaid)
			next, _, _ := b.next()
			same(t, "next", ids(next), slow.next())
			if no == 0 {
				continue
			}
			got, err := b.view(t.Context(), no)
			if err != nil {
				t.Fatal(err)
			}
			outcomes, missing := slow.view(slow.Stages[no-1])
			same(t, "outcomes", got.Outcomes, outcomes)
			same(t, "missing", got.Missing, missing)
			shares, short := b.shareOut(slow.Stages[no-1])
			wanted, few := slow.shareOut(slow.Stages[no-1])
			same(t, "shares", shares, wanted)
			same(t, "too few", short, few)
		}
	})
}

func same[V any](t *rapid.T, what string, got, want V) {
	if v := reflect.ValueOf(got); v.Kind() == reflect.Slice && v.Len() == 0 && reflect.ValueOf(want).Len() == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: %+v, want %+v", what, got, want)
	}
}

func ids(files []file) (out []string) {
	for _, f := range files {
		out = append(out, f.id)
	}
	return out
}

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
			sent := 0
			for _, r := range w.all("score", "") {
				if r.Text("application_id") == f.ID && int(r.Int("stage")) == stage.No && r.Text("state") == domain.SheetSubmitted && string(r.Fields["conflict"]) != "true" && string(r.Fields["late"]) != "true" {
					sent++
				}
			}
			if sent < stage.Curators {
				missing = append(missing, f.ID)
			}
		}
		return out, append(missing, w.waiting(stage, files)...)
	}
	var scored []domain.Scored
	for _, f := range files {
		one := domain.Scored{File: f.ID, Number: f.Text("number")}
		for _, r := range w.all("score", "") {
			if r.Text("application_id") == f.ID && int(r.Int("stage")) == stage.No && r.Text("state") == domain.SheetSubmitted && string(r.Fields["conflict"]) != "true" &&
				string(r.Fields["late"]) != "true" && !merge.Null(r.Fields["total_bp"]) {
				one.Totals = append(one.Totals, int(r.Int("total_bp")))
			}
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

func (w walked) shareOut(stage domain.Stage) (out []share, short bool) {
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
		for _, sc := range w.all("score", "") {
			of := sc.Text("application_id") == r.Text("application_id") && sc.Text("curator_id") == r.Text("curator_id") && sc.Int("stage") == r.Int("stage")
			if of && sc.Text("state") == domain.SheetSubmitted && (stage.Kind != domain.StageRubric || !merge.Null(sc.Fields["total_bp"])) && string(sc.Fields["conflict"]) != "true" && string(sc.Fields["late"]) != "true" {
				stays = true
			}
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
			if c := r.Text("curator_id"); r.Text("application_id") == f.ID && int(r.Int("stage")) == stage.No && (string(r.Fields["conflict"]) == "true" || r.Text("ended_at") != "") {
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
		for _, c := range given[f] {
			out = append(out, share{f, c})
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

// TestALongComputationEndsWithItsRequest: nobody waits for it any more.
func TestALongComputationEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	b := boardOf(table{Programme: domain.Programme{ID: "p", Stages: []domain.Stage{{No: 1, Kind: domain.StageRubric}}}}.edition(), 1)
	b.files = []file{{id: "f", state: domain.FileStage, stage: 1}}
	ctx, stop := context.WithCancel(t.Context())
	if v, err := b.view(ctx, 1); err != nil || len(v.Outcomes) != 1 {
		t.Fatalf("%+v %v", v, err)
	}
	stop()
	if _, err := b.view(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestFewProgrammesAreReadAtATime: the next one waits, is counted, and goes when its time is
// over.
func TestFewProgrammesAreReadAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Service{}
		var leave []func()
		for range wholesAtOnce {
			l, err := s.wholes.enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, l)
		}
		ctx, stop := context.WithCancel(t.Context())
		told := make(chan error, 2)
		for _, c := range []context.Context{ctx, t.Context()} {
			go func() {
				_, err := s.wholes.enter(c)
				told <- err
			}()
		}
		synctest.Wait()
		if n := s.WaitingWhole(); n != 2 || len(told) != 0 {
			t.Errorf("%d wait, %d were told", n, len(told))
		}
		stop()
		if err := <-told; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		leave[0]()
		if err := <-told; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := s.WaitingWhole(); n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}
