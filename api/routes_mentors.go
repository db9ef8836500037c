package api

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// pageOf reads which page of a list by id is asked for, of at most a hundred.
//
// Errors: Unreadable "query_invalid".
func (x *call) pageOf() (after string, limit int, err error) {
	if limit, err = strconv.Atoi(x.Query("limit", "50")); err != nil || limit < 1 {
		return "", 0, badQuery("limit")
	}
	if after = x.Query("after"); after != "" && !id.Valid(after) {
		return "", 0, badQuery("after")
	}
	return after, min(limit, 100), nil
}

func (s *Server) mentors(x *call) error {
	after, limit, err := x.pageOf()
	if err != nil {
		return err
	}
	f := programme.MentorFilter{Track: x.Query("track"), Region: x.Query("region")}
	if f.Free, err = strconv.ParseBool(x.Query("free", "false")); err != nil {
		return badQuery("free")
	}
	page, more, err := s.Programme.Mentors(x.ctx, x.caller(), f, after, limit)
	if err != nil {
		return err
	}
	out := wire.MentorPage{Mentors: each(page, func(m programme.Mentor) wire.Mentor {
		x.saw(m.User)
		return mentorOf(m)
	})}
	if more {
		out.Next = page[len(page)-1].User
	}
	return x.json(fiber.StatusOK, out)
}

func (s *Server) mentorProfile(x *call) error {
	m, err := s.Programme.MentorProfile(x.ctx, x.caller(), x.Params("mentor"))
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, mentorOf(m), m.Version)
}

func (s *Server) changeMentorProfile(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.MentorProfile
	if err := x.read(&in); err != nil {
		return err
	}
	set := map[string]merge.Value{}
	if in.Institution != "" {
		set["institution"] = merge.Str(in.Institution)
	}
	for name, all := range map[string][]string{"tracks": in.Tracks, "regions": in.Regions, "languages": in.Languages} {
		if len(all) > 0 {
			set[name] = merge.Encode(all)
		}
	}
	if in.Capacity != nil {
		set["capacity"] = merge.Num(*in.Capacity)
	}
	m, err := s.Programme.ChangeMentor(x.ctx, x.caller(), x.Params("mentor"), v, set)
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, mentorOf(m), m.Version)
}

func mentorOf(m programme.Mentor) wire.Mentor {
	list := func(name string) []string { return append([]string{}, m.Profile.Strings(name)...) }
	return wire.Mentor{UserId: m.User, Name: m.Name, Institution: m.Profile.Text("institution"), Tracks: list("tracks"), Regions: list("regions"),
		Languages: list("languages"), Capacity: m.Capacity(), Count: m.Businesses, Etag: etag(m.Version)}
}

func (s *Server) caseload(x *call) error {
	after, limit, err := x.pageOf()
	if err != nil {
		return err
	}
	load, err := s.Programme.Caseload(x.ctx, x.caller(), x.Params("mentor"), after, limit)
	if err != nil {
		return err
	}
	out := wire.Caseload{Count: load.Count, Capacity: load.Capacity, Businesses: each(load.Businesses, func(a programme.Accompanied) wire.Accompanied {
		x.saw(a.Business)
		p := a.Progress
		return wire.Accompanied{BusinessId: a.Business, Name: a.Name, RegionCode: a.Region, Since: a.Since, Lead: a.Lead, Adjustments: a.Adjustments, Progress: wire.EnrolmentProgress{Enrolment: p.Enrolment,
			TasksDone: p.TasksDone, TasksTotal: p.TasksTotal, CasesDone: p.CasesDone, CasesTotal: p.CasesTotal, LastEntryOn: string(p.LastEntry)}}
	})}
	if load.More {
		out.Next = load.Businesses[len(load.Businesses)-1].Business
	}
	return x.json(fiber.StatusOK, out)
}
