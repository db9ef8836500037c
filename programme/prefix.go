package programme

import (
	"context"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// numberPrefixes is the space in which programmes claim the prefix of their receipt numbers.
const numberPrefixes = "number_prefix"

// prefixFree refuses to open a programme whose receipt numbers would be those of another
// one that was opened before, also of one that was opened before prefixes were claimed.
//
// Errors: Conflict "number_prefix_taken".
func (s *Service) prefixFree(ctx context.Context, e Edition) error {
	prefix := e.Text("number_prefix")
	return s.everyDecision(ctx, func(programme string) error {
		other, err := s.setup(ctx, programme)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			return nil
		case err != nil:
			return err
		case programme != e.ID && prefix != "" && numbersBy(other.Row, prefix):
			return prefixTaken()
		}
		return nil
	})
}

// takePrefix claims the prefix of a programme that is about to be opened, for as long as it
// may be. The claim is of the version that is opened: should its commit never come, because
// the process died or somebody was faster, then it stands until that programme is opened after
// all, or has changed and so can no longer be opened as it was.
//
// Errors: Conflict "number_prefix_taken".
func (s *Service) takePrefix(ctx context.Context, e Edition) error {
	prefix, mine := e.Text("number_prefix"), e.ID+"@"+strconv.FormatUint(uint64(e.Row.Version), 10)
	for {
		has, err := s.Engine.Store.Claim(ctx, numberPrefixes, prefix, mine)
		if err != nil || has == mine {
			return err
		}
		stands, err := s.claimStands(ctx, prefix, has)
		if err != nil {
			return err
		}
		if stands {
			return prefixTaken()
		}
		if err := s.Engine.Store.Release(ctx, numberPrefixes, prefix, has); err != nil {
			return err
		}
	}
}

// claimStands reports whether the programme that claimed a prefix was opened with it, or
// may be yet.
func (s *Service) claimStands(ctx context.Context, prefix, holder string) (bool, error) {
	programme, version, _ := strings.Cut(holder, "@")
	n, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return false, nil
	}
	other, err := s.setup(ctx, programme)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return false, nil
	}
	return other.Row.Version <= merge.Seq(n) || numbersBy(other.Row, prefix), err
}

// numbersBy reports whether a programme gives receipt numbers under a prefix, or did.
func numbersBy(setup merge.Row, prefix string) bool {
	return setup.Text("number_prefix") == prefix && setup.Text("status") != domain.ProgrammeDraft
}

func prefixTaken() error {
	return &fault.Error{Kind: fault.Conflict, Code: "number_prefix_taken", Field: "number_prefix", Text: "of another programme"}
}
