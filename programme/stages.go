package programme

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// What a stage makes of a file.
const (
	outPassed      = "passed"
	outFailed      = "failed"
	outSelected    = "selected"
	outReserve     = "reserve"
	outNotSelected = "not_selected"
)

// StageOutcome is what a stage makes of one file.
type StageOutcome struct {
	File   string   `json:"file"`
	Result string   `json:"result"`
	Failed []string `json:"failed,omitempty"`
	Level  *int     `json:"level,omitempty"`
	Survey *int     `json:"survey,omitempty"` // level of the survey, where curators put theirs in its place
	Score  *int     `json:"score,omitempty"`
	Spread *int     `json:"spread,omitempty"` // how far apart the sheets lie, in ten-thousandths
	Apart  bool     `json:"apart,omitempty"`  // so far that somebody should look
	Rank   int      `json:"rank,omitempty"`
	// BelowPass marks who does not meet the rule of the last stage: they have no place, whoever
	// withdraws and whatever stays free.
	BelowPass bool `json:"below_pass,omitempty"`
}

// Balance is how many files of each result there are by what they are counted under: by
// category and by region code, then by result.
type Balance struct {
	Categories map[string]map[string]int `json:"categories"`
	Regions    map[string]map[string]int `json:"regions"`
}

func balanceOf(outcomes []StageOutcome, files []file) Balance {
	of := make(map[string]file, len(files))
	for _, f := range files {
		of[f.id] = f
	}
	out := Balance{map[string]map[string]int{}, map[string]map[string]int{}}
	for _, o := range outcomes {
		f := of[o.File]
		for by, code := range map[*map[string]map[string]int]string{&out.Categories: f.category, &out.Regions: f.region} {
			if (*by)[code] == nil {
				(*by)[code] = map[string]int{}
			}
			(*by)[code][o.Result]++
		}
	}
	return out
}

// StageView is a stage as it would be decided now.
type StageView struct {
	Stage    domain.Stage
	Outcomes []StageOutcome // of every file, ranked where they are
	Missing  []string       // files with too few sheets; of the first stage, also those that are not in it yet
	Balance  Balance
	Basis    string    // hash of all that the decision rests on, and of how it is prepared if it is
	Decision merge.Row // if it was prepared or decided
	Last     bool      // it is the last one, which selects
	Free     int       // places that the last one gives nobody, because too few are in it or meet its rule
	Lags     bool      // an earlier one is decided and not carried out into every file yet
	About    []string  // ids of the owners and enterprises of the files that it names
	at       merge.Seq // version of what is decided, of which it is
	stands   string    // hash of what the decision rests on, whoever prepared it
}

// Count is how many files have a result.
func (v StageView) Count(result string) (n int) {
	for _, o := range v.Outcomes {
		if o.Result == result {
			n++
		}
	}
	return n
}

// Stage shows an admin how a stage would be decided now, or how it was.
//
// Errors: Forbidden, NotFound; Invalid "invalid_value" (stage).
func (s *Service) Stage(ctx context.Context, who Caller, programme string, no int) (StageView, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return StageView{}, err
	}
	return s.view(ctx, programme, no)
}

// view shows a stage. One that is decided is read from its decision alone.
func (s *Service) view(ctx context.Context, programme string, no int) (v StageView, err error) {
	decided, e, err := s.rulings(ctx, programme, func(domain.Programme) []int { return []int{no} })
	if err != nil {
		return v, err
	}
	v, ok, err := decided.decided(no)
	if err == nil && !ok {
		err = s.atBoardOf(ctx, e, no, func(b *board) error {
			v, err = b.view(ctx, no)
			return err
		})
	}
	if err == nil && v.Decision.Text("state") == "decided" { // which does not say whose the files are
		v.About, err = s.whose(ctx, decided.scope, v.Outcomes)
	}
	return v, err
}

// whose gives the owners and enterprises of files, read by key.
func (s *Service) whose(ctx context.Context, scope string, of []StageOutcome) (out []string, err error) {
	fields := picks("owner_id", "business_id")
	for some := range slices.Chunk(of, mostFiled) {
		var want store.Want
		for _, o := range some {
			want.Keys = append(want.Keys, merge.Key{Collection: "case_file", ID: o.File})
		}
		got, err := s.Engine.Store.Load(ctx, scope, want)
		if err != nil {
			return nil, fmt.Errorf("load files of a stage: %w", err)
		}
		for i := range got.Records {
			r, err := fields.of(&got.Records[i])
			if err != nil {
				return nil, err
			}
			out = append(out, r.Text("owner_id"), r.Text("business_id"))
		}
	}
	return out, nil
}

// decided is the view of a stage that was decided; ok is false of another one.
func (b *board) decided(no int) (v StageView, ok bool, err error) {
	if v.Stage, err = b.stage(no); err != nil {
		return v, false, err
	}
	v.Last = no == len(b.Stages)
	if v.Decision = b.rulings[no]; v.Decision.Text("state") != "decided" {
		return v, false, nil
	}
	v.Basis, v.stands, v.Free = v.Decision.Text("basis"), v.Decision.Text("basis"), int(v.Decision.Int("free"))
	if balance := v.Decision.Fields["balance"]; balance != nil { // decisions of before do not say
		err = json.Unmarshal(balance, &v.Balance)
	}
	return v, true, errors.Join(err, json.Unmarshal(v.Decision.Fields["outcomes"], &v.Outcomes))
}

// view is the stage that the board was read for.
func (b *board) view(ctx context.Context, no int) (StageView, error) {
	v, ok, err := b.decided(no)
	if ok || err != nil {
		return v, err
	}
	files := b.in(no)
	v.at, v.Lags = b.at, b.lags()
	switch v.Stage.Kind {
	case domain.StageRubric:
		v.Outcomes, v.Missing, err = b.ranked(ctx, v.Stage, files)
	default:
		for _, f := range files {
			v.Outcomes = append(v.Outcomes, b.adjusted(v.Stage, f))
			if len(b.sheets[f.id].counted) < v.Stage.Curators {
				v.Missing = append(v.Missing, f.id)
			}
		}
	}
	if err != nil {
		return v, err
	}
	for _, f := range b.files {
		if no == 1 && len(files) > 0 && b.waits(f) {
			v.Missing, v.About = append(v.Missing, f.id), append(v.About, f.owner, f.business)
		}
	}
	for _, f := range files {
		v.About = append(v.About, f.owner, f.business)
	}
	v.Balance = balanceOf(v.Outcomes, files)
	if v.Last {
		v.Free = max(0, b.Quota-v.Count(outSelected))
	}
	if v.stands, err = basisOf(v.Stage, v.Outcomes, v.Missing, b.Quota, b.Reserve); err != nil {
		return v, err
	}
	v.Basis = v.stands
	if d := v.Decision; d.Version > 0 { // who approves approves this preparation, its minutes too
		v.Basis, err = basisOf(v.stands, d.Version, d.Text("prepared_by"), d.Text("minutes"))
	}
	return v, err
}

// basisOf is a hash of what somebody sees.
func basisOf(seen ...any) (string, error) {
	text, err := json.Marshal(seen)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), err
}

// answered is the outcome of a file whose answers decide.
func (b *board) answered(stage domain.Stage, f merge.Row) StageOutcome {
	out := StageOutcome{File: f.ID, Result: outFailed}
	res := stage.CheckFile(b.Programme, f)
	if stage.Kind == domain.StageLevel {
		res = stage.LevelOf(f)
		out.Level = &res.Level
	}
	if out.Failed = res.Failed; res.Passed {
		out.Result = outPassed
	}
	return out
}

// adjusted is the outcome of a file whose answers decide, after curators have looked at it.
func (b *board) adjusted(stage domain.Stage, f file) StageOutcome {
	out, levels := f.outcome, b.sheets[f.id].levels
	if stage.Kind != domain.StageLevel || len(levels) == 0 {
		return out
	}
	res := stage.Adjust(levels)
	out.Survey, out.Level, out.Result = out.Level, &res.Level, outFailed
	if res.Passed {
		out.Result = outPassed
	}
	return out
}

// ranked are the outcomes of a stage that curators score. A stage lets pass whoever meets its
// rule; the last one of a programme selects among them.
func (b *board) ranked(ctx context.Context, stage domain.Stage, files []file) (out []StageOutcome, missing []string, err error) {
	var all []domain.Scored
	for n, f := range files {
		if n%lookEvery == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		one := domain.Scored{File: f.id, Number: f.number, Totals: b.sheets[f.id].totals}
		if len(one.Totals) < stage.Curators {
			missing = append(missing, f.id)
		}
		all = append(all, one)
	}
	domain.Rank(all)
	last := stage.No == len(b.Stages)
	for i, one := range all {
		score := one.Score()
		o := StageOutcome{File: one.File, Rank: i + 1, Score: &score, Result: outFailed}
		if bp, apart := stage.Spread(one); len(one.Totals) > 1 {
			o.Spread, o.Apart = &bp, apart
		}
		through := stage.Pass.Passes(o.Rank, score)
		switch {
		case last && !through:
			o.Result, o.BelowPass = outNotSelected, true
		case last && i < b.Quota:
			o.Result = outSelected
		case last && i < b.Quota+b.Reserve:
			o.Result = outReserve
		case last:
			o.Result = outNotSelected
		case through:
			o.Result = outPassed
		}
		out = append(out, o)
	}
	return out, missing, ctx.Err()
}
