package programme

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Share gives the files of a stage to curators, as many as the stage wants for each, of
// different institutions, evenly; where somebody declared a conflict of interest and nobody could be asked instead, to
// one more. It gives how many shares it made. Done again it changes nothing, until there is a
// new file or conflict. Of two who share at once the second one looks again.
//
// Errors: Forbidden, NotFound; Invalid; Conflict "stage_not_begun", "too_few_curators" if
// a file cannot get as many as it should.
func (s *Service) Share(ctx context.Context, who Caller, programme string, no int, due *time.Time) (made int, err error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return 0, err
	}
	until := null()
	if due != nil {
		until = merge.Millis(due.UnixMilli()).Value()
	}
	for {
		var shares, known []newShare
		var stage domain.Stage
		var last bool
		if err := s.atBoard(ctx, programme, no, func(b *board) (err error) {
			shares, err = s.toShare(ctx, b, no)
			known, stage, last = b.shares, b.asked, no == len(b.Stages)
			return err
		}); err != nil {
			return made, err
		}
		asSeen := func(v merge.View) bool { return stageStands(v, programme, stage, last) }
		n, err := s.shareIn(ctx, who, programme, no, until, shares, known, asSeen)
		if made += n; err == nil || !fasterOther(err) {
			return made, err
		}
	}
}

// toShare says who is to get which file of a stage.
//
// Errors: Invalid; Conflict "stage_not_begun", "too_few_curators".
func (s *Service) toShare(ctx context.Context, b *board, no int) ([]newShare, error) {
	stage, err := b.stage(no)
	switch {
	case err != nil:
		return nil, err
	case stage.Curators == 0:
		return nil, invalid("stage", "nobody looks at the files of this stage")
	case len(b.in(no)) == 0:
		return nil, conflict("stage_not_begun", "no file is in the stage")
	}
	if err := s.findBarred(ctx, b, no); err != nil {
		return nil, err
	}
	shares, short := b.shareOut(stage)
	if short {
		return nil, conflict("too_few_curators", "a file cannot be given to as many as it should")
	}
	return shares, nil
}

// shareIn makes shares, some in a commit, and gives how many it made: of files that are with
// nobody but whom is known, in a stage that is as it was seen.
//
// Errors: Stale "stale_version", Conflict "id_reuse" if somebody else has shared one of them.
func (s *Service) shareIn(ctx context.Context, who Caller, programme string, no int, until merge.Value, shares, known []newShare, asSeen func(merge.View) bool) (made int, err error) {
	known = slices.Clone(known)
	for some := range slices.Chunk(shares, mostFiled) {
		var writes []merge.ServerWrite
		for _, sh := range some {
			writes = append(writes, giving(merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin}, sh, no, until))
		}
		alone := withNobodyElse(no, some, known)
		writes[0].Must = func(v merge.View, grants []merge.Grant) *merge.Reject {
			if !asSeen(v) {
				return &merge.Reject{Code: "stale_version"}
			}
			return alone(v, grants)
		}
		if _, err := s.Engine.Write(ctx, domain.DecisionScope(programme), writes...); err != nil {
			return made, err
		}
		made, known = made+len(some), append(known, some...)
	}
	return made, nil
}

// giving is the write that gives a file to a curator, in the name of somebody.
func giving(by merge.ServerWrite, sh newShare, no int, until merge.Value) merge.ServerWrite {
	by.Collection, by.ID, by.Op, by.Create = "file_share", shareID(sh.share, no), merge.Put, true
	by.Set = map[string]merge.Value{"application_id": merge.Str(sh.file), "stage": merge.Num(no), "curator_id": merge.Str(sh.curator), "due_at": until}
	if len(sh.instead) > 0 {
		by.Set["instead_of"] = merge.Encode(sh.instead)
	}
	return by
}

// withNobodyElse refuses to give files that are with somebody by now who was not known; asked
// inside the commit.
func withNobodyElse(no int, given, known []newShare) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, _ []merge.Grant) *merge.Reject {
		for _, sh := range given {
			for _, r := range v.Tagged(domain.ShareTag(sh.file, no)) {
				as := share{sh.file, r.Text("curator_id")}
				if r.Text("ended_at") == "" && !slices.ContainsFunc(known, func(k newShare) bool { return k.share == as }) {
					return &merge.Reject{Code: "stale_version"}
				}
			}
		}
		return nil
	}
}

// askAnother gives a file to one more curator because of a conflict of interest, if the
// panel has one for it; else the view of the stage says what is missing. Two processes ask
// one, and none where an admin who shared has.
func (s *Service) askAnother(ctx context.Context, scope string, score, of merge.Row) error {
	programme, no := strings.TrimPrefix(scope, domain.DecisionScope("")), int(score.Int("stage"))
	for string(score.Fields["conflict"]) == "true" && score.Text("asked") == "" {
		var given, known []newShare
		if err := s.atBoard(ctx, programme, no, func(b *board) error {
			stage, err := b.stage(no)
			if err != nil || b.rulings[no].Text("state") == "decided" {
				return nil
			}
			if err := s.findBarred(ctx, b, no); err != nil {
				return err
			}
			given, _ = b.shareOut(stage)
			known = b.shares
			return nil
		}); err != nil {
			return err
		}
		i := slices.IndexFunc(given, func(sh newShare) bool { return sh.file == score.Text("application_id") })
		if i < 0 {
			return nil
		}
		by := merge.ServerWrite{Name: "third." + score.ID, Role: merge.System}
		asked := by
		asked.Collection, asked.ID, asked.Op, asked.Strict = "score", score.ID, merge.Put, &score.Version
		asked.Set, asked.Must = map[string]merge.Value{"asked": merge.Str(given[i].curator)}, withNobodyElse(no, given[i:i+1], known)
		if _, err := s.Engine.Write(ctx, scope, asked, giving(by, given[i], no, orNull(of.Fields["due_at"]))); err == nil || !fasterOther(err) {
			return err
		}
		rows, err := s.rows(ctx, scope, score.Key) // another process, or an admin, gave it to somebody
		if err != nil {
			return err
		}
		score = first(rows)
	}
	return nil
}

func shareID(sh share, no int) string {
	return id.Derive("file_share", sh.file, fmt.Sprint(no), sh.curator)
}
