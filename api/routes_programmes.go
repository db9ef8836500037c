package api

import (
	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (s *Server) programmes(x *call) error {
	page, err := x.page()
	if err != nil {
		return err
	}
	status, err := x.oneOf("status", domain.ProgrammeStatuses()...)
	if err != nil {
		return err
	}
	all, next, err := s.Programme.Programmes(x.ctx, x.caller(), status, page)
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.ProgrammeList{Programmes: each(all, editionOf), Next: nextText(next)})
}

func (s *Server) programme(x *call) error {
	e, err := s.Programme.Programme(x.ctx, x.caller(), x.Params("programme"))
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, editionOf(e), e.Version)
}

func (s *Server) createProgramme(x *call) error {
	var in wire.NewProgramme
	if err := x.read(&in); err != nil {
		return err
	}
	fields, err := canonical(in.Fields)
	if err != nil {
		return err
	}
	e, err := s.Programme.CreateProgramme(x.ctx, x.caller(), in.Code, fields)
	if err != nil {
		return err
	}
	x.saw(e.ID)
	x.Set(fiber.HeaderLocation, "/v1/programmes/"+e.ID)
	return x.tagged(fiber.StatusCreated, editionOf(e), e.Version)
}

func (s *Server) changeProgramme(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.ProgrammeChange
	if err := x.read(&in); err != nil {
		return err
	}
	fields, err := canonical(in.Fields)
	if err != nil {
		return err
	}
	e, err := s.Programme.ChangeProgramme(x.ctx, x.caller(), x.Params("programme"), v, fields)
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, editionOf(e), e.Version)
}

func (s *Server) advanceProgramme(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.ProgrammeStatus
	if err := x.read(&in); err != nil {
		return err
	}
	e, err := s.Programme.AdvanceProgramme(x.ctx, x.caller(), x.Params("programme"), v, in.Status)
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, editionOf(e), e.Version)
}

func editionOf(e programme.Edition) wire.Programme {
	return wire.Programme{Id: e.ID, Etag: etag(e.Version), Fields: e.Fields}
}

func (s *Server) planTemplates(x *call) error {
	page, err := x.page()
	if err != nil {
		return err
	}
	all, next, err := s.Programme.Templates(x.ctx, page)
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.PlanTemplateList{Templates: each(all, templateOf), Next: nextText(next)})
}

func (s *Server) createPlanTemplate(x *call) error {
	var in wire.NewPlanTemplate
	if err := x.read(&in); err != nil {
		return err
	}
	fields, err := canonical(in.Fields)
	if err != nil {
		return err
	}
	r, err := s.Programme.CreateTemplate(x.ctx, x.caller(), in.Code, in.Version, fields)
	if err != nil {
		return err
	}
	return x.json(fiber.StatusCreated, templateOf(r))
}

func templateOf(r merge.Row) wire.PlanTemplate { return wire.PlanTemplate{Id: r.ID, Fields: r.Fields} }
