package programme

import (
	"context"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Begin puts every counted file that was not withdrawn into the first stage. The programme
// curates by then, and the window is closed, with its grace and the time that owners were
// given to complete their files, so that nobody comes later; who did not complete theirs is
// left out. It gives how many files it moved; done again it moves those that were missing. Where
// somebody writes a file between the look and its commit, such as words for its owner, it looks
// again, as long as that moves any.
//
// Errors: Forbidden, NotFound; Conflict "stage_not_ready", "stage_decided"; Transient "busy" if
// commits keep coming in between.
func (s *Service) Begin(ctx context.Context, who Caller, programme string) (moved int, err error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return 0, err
	}
	for torn := 0; torn < tornRetries; {
		writes, err := s.beginning(ctx, who, programme)
		if err != nil {
			return moved, err
		}
		n, err := s.inCommits(ctx, domain.DecisionScope(programme), writes)
		if moved += n; err == nil || !fasterOther(err) {
			return moved, err
		}
		if n == 0 {
			torn++
		}
	}
	return moved, busyScope()
}

// beginning are the writes that put into the first stage whatever waits for it.
//
// Errors: Conflict "stage_not_ready", "stage_decided".
func (s *Service) beginning(ctx context.Context, who Caller, programme string) (writes []merge.ServerWrite, err error) {
	err = s.atBoard(ctx, programme, 0, func(b *board) error {
		if _, to, ok := b.Registration(); b.Status != domain.ProgrammeCurating || !ok || b.now.Before(to.Add(b.Grace())) {
			return conflict("stage_not_ready", "the programme does not curate yet, or people may still register")
		}
		if b.rulings[1].Version > 0 {
			return conflict("stage_decided", "the first stage is decided")
		}
		for _, f := range b.files {
			switch {
			case !b.waits(f):
			case f.state == domain.FileReturned:
				return conflict("stage_not_ready", "an owner still has time to complete a file")
			default:
				writes = append(writes, merge.ServerWrite{Name: who.Name + "." + f.id, Author: who.User, Role: merge.Admin, Collection: "case_file", ID: f.id, Op: merge.Put,
					Strict: &f.version, Set: map[string]merge.Value{"state": merge.Str(domain.FileStage), "stage": merge.Num(1)}})
			}
		}
		return nil
	})
	return writes, err
}

// inCommits carries out writes of one scope, mostFiled in a commit, and gives how many it did.
func (s *Service) inCommits(ctx context.Context, scope string, writes []merge.ServerWrite) (done int, err error) {
	for some := range slices.Chunk(writes, mostFiled) {
		if _, err := s.Engine.Write(ctx, scope, some...); err != nil {
			return done, err
		}
		done += len(some)
	}
	return done, nil
}
