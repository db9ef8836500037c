package api

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/programme"
)

func curatorOf(s programme.Seat) wire.Curator {
	return wire.Curator{Id: s.ID, Etag: etag(s.Version), Status: string(s.Status), Fields: s.Fields}
}

func (s *Server) curators(x *call) error {
	page, err := x.page()
	if err != nil {
		return err
	}
	all, next, err := s.Programme.Curators(x.ctx, x.caller(), x.Params("programme"), page)
	if err != nil {
		return err
	}
	for _, r := range all {
		x.saw(r.Text("user_id"))
	}
	return x.json(fiber.StatusOK, wire.CuratorList{Curators: each(all, curatorOf), Next: nextText(next)})
}

func (s *Server) addCurator(x *call) error {
	var in wire.NewCurator
	if err := x.read(&in); err != nil {
		return err
	}
	r, err := s.Programme.AddCurator(x.ctx, x.caller(), x.Params("programme"), programme.NewCurator{Phone: in.Phone, Institution: in.Institution})
	if err != nil {
		return err
	}
	x.saw(r.ID, r.Text("user_id"))
	return x.tagged(fiber.StatusCreated, curatorOf(r), r.Version)
}

func (s *Server) changeCurator(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.CuratorChange
	if err := x.read(&in); err != nil {
		return err
	}
	r, err := s.Programme.ChangeCurator(x.ctx, x.caller(), x.Params("programme"), x.Params("curator"), v,
		programme.CuratorChange{Institution: in.Institution, End: in.End, Reason: in.Reason})
	if err != nil {
		return err
	}
	x.saw(r.Text("user_id"))
	return x.tagged(fiber.StatusOK, curatorOf(r), r.Version)
}

func (s *Server) beginCuration(x *call) error {
	n, err := s.Programme.Begin(x.ctx, x.caller(), x.Params("programme"))
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.Moved{Files: n})
}

// stageNo reads the number of a stage in a path, in its one spelling; 0 is none.
func stageNo(x *call) int {
	n, err := strconv.Atoi(x.Params("stage"))
	if err != nil || strconv.Itoa(n) != x.Params("stage") {
		return 0
	}
	return n
}

func (s *Server) stage(x *call) error {
	v, err := s.Programme.Stage(x.ctx, x.caller(), x.Params("programme"), stageNo(x))
	if err != nil {
		return err
	}
	return x.staged(v)
}

// staged answers with a stage, and notes whose files it names.
func (x *call) staged(v programme.StageView) error {
	x.saw(v.Missing...)
	x.saw(v.About...)
	for _, o := range v.Outcomes {
		x.saw(o.File)
	}
	return x.json(fiber.StatusOK, stageOf(v))
}

func stageOf(v programme.StageView) wire.StageView {
	out := wire.StageView{Stage: v.Stage.No, Kind: v.Stage.Kind, Basis: v.Basis, State: v.Decision.Text("state"), Minutes: v.Decision.Text("minutes"), PreparedBy: v.Decision.Text("prepared_by"), ApprovedBy: v.Decision.Text("approved_by"), FreePlaces: v.Free,
		Counts: map[string]int{}, Missing: append([]string{}, v.Missing...), Balance: wire.Balance{Categories: counts(v.Balance.Categories), Regions: counts(v.Balance.Regions)},
		Outcomes: each(v.Outcomes, func(o programme.StageOutcome) wire.StageOutcome {
			return wire.StageOutcome{File: o.File, Result: o.Result, Failed: o.Failed, Level: o.Level, SurveyLevel: o.Survey, ScoreBp: o.Score, SpreadBp: o.Spread, Apart: o.Apart, Rank: o.Rank, BelowPass: o.BelowPass}
		})}
	if out.State == "" {
		out.State = "open"
	}
	for _, o := range v.Outcomes {
		out.Counts[o.Result]++
	}
	return out
}

// counts are never null.
func counts(of map[string]map[string]int) map[string]map[string]int {
	if of == nil {
		return map[string]map[string]int{}
	}
	return of
}

func (s *Server) shareFiles(x *call) error {
	var in wire.ShareOrder
	if err := x.read(&in); err != nil {
		return err
	}
	n, err := s.Programme.Share(x.ctx, x.caller(), x.Params("programme"), stageNo(x), some(in.DueAt))
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.Moved{Files: n})
}

func (s *Server) decideStage(x *call) error {
	var in wire.StageDecision
	if err := x.read(&in); err != nil {
		return err
	}
	v, err := s.Programme.Decide(x.ctx, x.caller(), x.Params("programme"), stageNo(x), in.Basis, in.Minutes)
	if err != nil {
		return err
	}
	return x.staged(v)
}

func (s *Server) approveStage(x *call) error {
	var in wire.StageApproval
	if err := x.read(&in); err != nil {
		return err
	}
	v, err := s.Programme.Approve(x.ctx, x.caller(), x.Params("programme"), stageNo(x), in.Basis)
	if err != nil {
		return err
	}
	return x.staged(v)
}

func (s *Server) reopenSheet(x *call) error {
	var in wire.Reopening
	if err := x.read(&in); err != nil {
		return err
	}
	x.named(in.CuratorId)
	file, err := s.Programme.Reopen(x.ctx, x.caller(), x.Params("programme"), x.Params("sheet"), in.CuratorId, in.Note)
	if err != nil {
		return err
	}
	x.saw(file)
	x.Status(fiber.StatusNoContent)
	return nil
}

func (s *Server) told(x *call, p programme.Published) error {
	return x.tagged(fiber.StatusOK, wire.Publication{Etag: etag(p.Version), Fields: p.Fields}, p.Version)
}

func (s *Server) publication(x *call) error {
	p, err := s.Programme.Publication(x.ctx, x.caller(), x.Params("programme"))
	if err != nil {
		return err
	}
	return s.told(x, p)
}

func (s *Server) preparePublication(x *call) error {
	var in wire.NewPublication
	if err := x.read(&in); err != nil {
		return err
	}
	p, err := s.Programme.PreparePublication(x.ctx, x.caller(), x.Params("programme"), in.PublishAt, in.Feedback)
	if err != nil {
		return err
	}
	return s.told(x, p)
}

func (s *Server) approvePublication(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	p, err := s.Programme.ApprovePublication(x.ctx, x.caller(), x.Params("programme"), v)
	if err != nil {
		return err
	}
	return s.told(x, p)
}

func (s *Server) withdrawPublication(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.Withdrawal
	if err := x.read(&in); err != nil {
		return err
	}
	p, err := s.Programme.WithdrawPublication(x.ctx, x.caller(), x.Params("programme"), v, in.Reason)
	if err != nil {
		return err
	}
	return s.told(x, p)
}
