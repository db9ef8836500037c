package programme

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Decide decides a stage on what an admin saw of it. Whatever changed since, such as a
// withdrawal or another score, is "basis_changed". The last stage, which selects, is only
// prepared by it: somebody else must Approve.
//
// Errors: Forbidden, NotFound; Invalid; Conflict "stage_not_begun", "stage_not_ready" while
// sheets are missing or an earlier stage is open, "stage_decided", "basis_changed"; Transient
// "busy" if commits keep coming in between.
func (s *Service) Decide(ctx context.Context, who Caller, programme string, no int, basis, minutes string) (StageView, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return StageView{}, err
	}
	return s.decideAs(ctx, who, programme, no, func(v StageView) (map[string]merge.Value, error) {
		switch {
		case v.Decision.Text("state") == "decided":
			return nil, conflict("stage_decided", "decided already")
		case len(v.Outcomes) == 0:
			return nil, conflict("stage_not_begun", "no file is in the stage")
		case len(v.Missing) > 0, v.Lags:
			return nil, conflict("stage_not_ready", "sheets are missing, or files of the stage before")
		case v.Basis != basis:
			return nil, conflict("basis_changed", "not what the caller saw")
		case v.Last && strings.TrimSpace(minutes) == "":
			return nil, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "minutes", Text: "who is selected stands in the minutes"}
		}
		state := "decided"
		if v.Last {
			state = "prepared"
		}
		set := map[string]merge.Value{"stage": merge.Num(no), "prepared_by": merge.Str(who.User), "approved_by": null(), "minutes": optional(minutes), "state": merge.Str(state),
			"basis": merge.Str(v.stands), "outcomes": merge.Encode(v.Outcomes), "balance": merge.Encode(v.Balance), "passed": merge.Num(v.Count(outPassed) + v.Count(outSelected)),
			"failed": merge.Num(v.Count(outFailed) + v.Count(outNotSelected)), "reserve": merge.Num(v.Count(outReserve)), "free": merge.Num(v.Free)}
		return set, s.check("decision", set)
	})
}

// decideAs writes what is made of a stage as it is seen, in a commit directly behind the look.
// Whatever else was committed in between has it looked at anew: what changes nothing of what is
// decided on does not stand in the way.
//
// Errors: those of what; Conflict "basis_changed" for what stands against it since the first
// look; Transient "busy" if commits keep coming in between.
func (s *Service) decideAs(ctx context.Context, who Caller, programme string, no int, what func(StageView) (map[string]merge.Value, error)) (StageView, error) {
	k := decisionKey(programme, no)
	for look := range tornRetries {
		v, err := s.view(ctx, programme, no)
		if err != nil {
			return v, err
		}
		set, err := what(v)
		if look > 0 && fault.KindOf(err) == fault.Conflict {
			err = conflict("basis_changed", "it changed at the same moment")
		}
		if err != nil {
			return v, err
		}
		old := v.Decision.Version
		_, err = s.Engine.Write(ctx, domain.DecisionScope(programme), merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put,
			Create: old == 0, Strict: &old, At: &v.at, Set: set})
		if err == nil {
			return s.view(ctx, programme, no)
		}
		if !fasterOther(err) {
			return StageView{}, err
		}
	}
	return StageView{}, busyScope()
}

// Approve has the decision on the last stage count, which another admin prepared, if what
// it rests on is still so, and it is prepared as the caller saw it: by whom, and in which
// minutes, who is an admin still.
//
// Errors: Forbidden "forbidden", "same_person"; NotFound; Conflict "stage_not_ready" if
// nothing is prepared, "stage_decided", "basis_changed", "approval_closed" if who prepared it is
// no admin any more: then it is prepared anew; Transient "busy" if commits keep coming
// in between.
func (s *Service) Approve(ctx context.Context, who Caller, programme string, no int, basis string) (StageView, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return StageView{}, err
	}
	return s.decideAs(ctx, who, programme, no, func(v StageView) (map[string]merge.Value, error) {
		switch {
		case v.Decision.Text("state") == "decided":
			return nil, conflict("stage_decided", "decided already")
		case v.Decision.Text("state") != "prepared":
			return nil, conflict("stage_not_ready", "nobody has prepared it")
		case v.Decision.Text("prepared_by") == who.User:
			return nil, &fault.Error{Kind: fault.Forbidden, Code: "same_person", Text: "prepared by the same person"}
		case v.Basis != basis, v.Decision.Text("basis") != v.stands:
			return nil, conflict("basis_changed", "not what was prepared")
		}
		if err := s.stillAdmin(ctx, v.Decision.Text("prepared_by")); err != nil {
			return nil, err
		}
		return map[string]merge.Value{"approved_by": merge.Str(who.User), "state": merge.Str("decided")}, nil
	})
}

// carryOutDecision writes what a decided stage made of each file into the files, some in a
// commit. Done again it changes nothing.
func (s *Service) carryOutDecision(ctx context.Context, eff merge.Effect) error {
	rows, err := s.rows(ctx, eff.Scope, merge.Key{Collection: eff.Collection, ID: eff.ID})
	if err != nil || len(rows) == 0 || rows[0].Text("state") != "decided" {
		return err
	}
	var all []StageOutcome
	if err := json.Unmarshal(rows[0].Fields["outcomes"], &all); err != nil {
		return err
	}
	no := int(rows[0].Int("stage"))
	for some := range slices.Chunk(all, mostFiled) {
		var keys []merge.Key
		for _, o := range some {
			keys = append(keys, merge.Key{Collection: "case_file", ID: o.File})
		}
		there, err := s.rows(ctx, eff.Scope, keys...)
		if err != nil {
			return err
		}
		var writes []merge.ServerWrite
		for i, o := range some {
			at := slices.IndexFunc(there, func(r merge.Row) bool { return r.Key == keys[i] })
			if at < 0 || there[at].Text("state") != domain.FileStage || int(there[at].Int("stage")) != no {
				continue // moved already
			}
			writes = append(writes, merge.ServerWrite{Name: "decided." + eff.ID + "." + id.Derive(o.File), Role: merge.System, Collection: "case_file", ID: o.File,
				Op: merge.Put, Set: o.set(no)})
		}
		if len(writes) > 0 {
			if _, err := s.Engine.Write(ctx, eff.Scope, writes...); err != nil {
				return fmt.Errorf("carry out stage %d: %w", no, err)
			}
		}
	}
	return nil
}

// set is what an outcome writes into a file. A rank is that of the last stage, of those who
// meet its rule: by it places go to the next when somebody withdraws.
func (o StageOutcome) set(no int) map[string]merge.Value {
	out := map[string]merge.Value{}
	switch o.Result {
	case outPassed:
		out["stage"] = merge.Num(no + 1)
	case outFailed:
		out["state"] = merge.Str(domain.FileEliminated)
	default:
		out["state"] = merge.Str(o.Result) // selected, reserve, not_selected
		out["rank"] = null()
		if o.Rank > 0 && !o.BelowPass {
			out["rank"] = merge.Num(o.Rank)
		}
	}
	if len(o.Failed) > 0 {
		out["failed"] = merge.Encode(o.Failed)
	}
	if o.Level != nil {
		out["level"] = merge.Num(*o.Level)
	}
	if o.Score != nil {
		out["score_bp"] = merge.Num(*o.Score)
	}
	return out
}
