package api

import (
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
)

func (s *Server) enrolments(x *call) error {
	limit, err := strconv.Atoi(x.Query("limit", "100"))
	if err != nil || limit < 1 {
		return badQuery("limit")
	}
	at, err := placeOf(x.Query("after"))
	if err != nil {
		return badQuery("after")
	}
	f := programme.EnrolmentFilter{State: x.Query("state"), Province: x.Query("province")}
	if f.State != "" && !slices.Contains(domain.TakingPart(), f.State) {
		return badQuery("state")
	}
	if r := domain.Region(f.Province); r != "" {
		if _, err := r.Zone(); err != nil || r.Kind() != domain.KindProvince {
			return badQuery("province")
		}
	}
	all, next, more, err := s.Programme.Enrolments(x.ctx, x.caller(), x.Params("programme"), at, min(limit, 500), f)
	if err != nil {
		return err
	}
	out := wire.EnrolmentList{Enrolments: each(all, func(e programme.Enrolled) wire.Enrolment {
		x.saw(e.Business)
		return wire.Enrolment{Id: e.ID, Etag: etag(e.Version), BusinessId: e.Business, Name: e.Name, RegionCode: e.Region, Fields: e.Fields}
	})}
	if more {
		out.Next = placeText(next)
	}
	return x.json(fiber.StatusOK, out)
}

func (s *Server) operateEnrolment(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.EnrolmentOperation
	if err := x.read(&in); err != nil {
		return err
	}
	out, err := s.Programme.OperateEnrolment(x.ctx, x.caller(), x.Params("programme"), x.Params("enrolment"), v, in.Op, in.Reason)
	if err != nil {
		return err
	}
	x.saw(out.In, out.Record.Text("application_id"))
	return x.tagged(fiber.StatusCreated, wire.OperationOutcome{Id: out.ID, Outcome: out.Outcome, Record: recordOf(out.Record)}, out.Record.Version)
}
