package programme

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// newMistakes is what stands against writing fields of a programme. Of one that was opened by
// earlier rules, what was so already in fields that are not written is not told: it could
// neither be led to its end nor mended bit by bit.
func newMistakes(old merge.Row, set map[string]merge.Value) []fault.Mistake {
	next := merge.Row{Key: old.Key, Fields: maps.Clone(old.Fields)}
	maps.Copy(next.Fields, set)
	bad := domain.CheckProgramme(next, next.Text("status") != domain.ProgrammeDraft)
	if old.Text("status") == domain.ProgrammeDraft {
		return bad
	}
	before := domain.CheckProgramme(old, true)
	return slices.DeleteFunc(bad, func(m fault.Mistake) bool {
		field := strings.FieldsFunc(m.Field, func(r rune) bool { return r == '[' || r == '.' })[0]
		return set[field] == nil && slices.Contains(before, m)
	})
}

// stagesFree lists the numbers of the stages that a change of a programme changes, and refuses
// to change one that has begun: it is decided, or a decision on it is prepared, or curators
// have files of it. Until then nothing rests on it, also while the programme curates: a stage
// is looked at as it is set up. Being the last one, which selects, is part of a stage.
//
// Errors: Conflict "field_fixed".
func (s *Service) stagesFree(ctx context.Context, old Edition, set map[string]merge.Value) (changed []int, err error) {
	if old.Text("status") != domain.ProgrammeCurating || set["stages"] == nil || bytes.Equal(set["stages"], old.Fields["stages"]) {
		return nil, nil
	}
	next := merge.Row{Fields: map[string]merge.Value{"stages": set["stages"]}}
	was, now := domain.ProgrammeOf(old.Row), domain.ProgrammeOf(next)
	begun := map[int]bool{}
	if err := s.walkScope(ctx, domain.DecisionScope(old.ID), func() { clear(begun) }, func(r *store.Record) error {
		if r.Collection != "decision" && r.Collection != "file_share" { // shares of before carry no tag
			return nil
		}
		row, err := rowOf(r)
		begun[int(row.Int("stage"))] = true
		return err
	}); err != nil {
		return nil, err
	}
	for no := 1; no <= max(len(was.Stages), len(now.Stages)); no++ {
		if sameStage(was, now, no) {
			continue
		}
		if begun[no] {
			return nil, &fault.Error{Kind: fault.Conflict, Code: "field_fixed", Field: fmt.Sprintf("stages[%d]", no-1), Text: "the stage has begun"}
		}
		changed = append(changed, no)
	}
	return changed, nil
}

// sameStage reports whether a stage decides in both as in the other, and is or is not the last.
func sameStage(a, b domain.Programme, no int) bool {
	return no <= len(a.Stages) && stands(b, a.Stages[no-1], no == len(a.Stages))
}

// stands reports whether a programme has a stage as it was seen, also as the last one or not.
func stands(p domain.Programme, seen domain.Stage, last bool) bool {
	return seen.No >= 1 && seen.No <= len(p.Stages) && (seen.No == len(p.Stages)) == last && bytes.Equal(merge.Encode(p.Stages[seen.No-1]), merge.Encode(seen))
}

// stageBegun reports whether somebody has decided about a stage or was given files of it, asked
// inside a commit.
func stageBegun(v merge.View, programme string, no int) bool {
	k := decisionKey(programme, no)
	decision, _ := v.Row(k.Collection, k.ID)
	return decision.Version > 0 || len(v.Tagged(domain.SharedTag(no))) > 0
}

// stageStands reports whether a programme has a stage as somebody saw it before they began it,
// asked inside their commit.
func stageStands(v merge.View, programme string, seen domain.Stage, last bool) bool {
	setup, ok := v.Row("programme_setup", programme)
	return ok && stands(domain.ProgrammeOf(setup), seen, last)
}
