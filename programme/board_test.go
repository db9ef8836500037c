package programme

import (
	"context"
	"errors"
	"fmt"
	"reflect"
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
// is a conflict or that nobody submitted, some on files that are not there, and seats that have
// ended. A curator has one sheet on a file.
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
	one := map[string]bool{}
	for range rapid.IntRange(0, 25).Draw(t, "scores") {
		file, no, who := of(), merge.Num(rapid.IntRange(1, 3).Draw(t, "stage")), curator()
		id := fmt.Sprintf("s %s %s %s", file, no, who)
		if one[id] {
			continue
		}
		one[id] = true
		put("score", id, map[string]merge.Value{"application_id": file, "stage": no, "curator_id": who, "note": merge.Str("x"), "asked": pick("asked", nil, nil, nil, merge.Str("c3")),
			"state": merge.Str(rapid.SampledFrom([]string{domain.SheetSubmitted, domain.SheetSubmitted, "draft"}).Draw(t, "state")), "conflict": pick("conflict", yes...), "late": pick("late", yes...),
			"total_bp": pick("total", nil, null(), merge.Num(rapid.IntRange(0, 10_000).Draw(t, "points")))})
	}
	for n := range rapid.IntRange(0, 8).Draw(t, "shares") {
		put("file_share", fmt.Sprint("h", n), map[string]merge.Value{"application_id": of(), "stage": merge.Num(rapid.IntRange(1, 3).Draw(t, "stage")), "curator_id": curator(), "ended_at": pick("ended", nil, nil, merge.Millis(5).Value()),
			"instead_of": pick("instead", nil, nil, merge.Value(`["c0"]`), merge.Value(`["c1","c2"]`))})
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
