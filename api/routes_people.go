package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (x *call) caller() programme.Caller {
	who := programme.Caller{User: x.who.User, Name: x.writeName(), Proved: x.who.Proved(), Fresh: x.fresh}
	if x.note.trail != nil {
		who.Witness = x
	}
	return who
}

func (s *Server) createBusiness(x *call) error {
	var in wire.NewBusiness
	if err := x.read(&in); err != nil {
		return err
	}
	b, err := s.Programme.CreateBusiness(x.ctx, x.caller(), programme.NewBusiness{ID: in.Id, Name: in.Name, RegionCode: in.RegionCode,
		DistrictCode: in.DistrictCode, VillageCode: in.VillageCode, Address: in.Address, PrimaryCategory: in.PrimaryCategory, NIB: in.Nib, SizeClass: in.SizeClass})
	if err != nil {
		return err
	}
	x.saw(b.ID)
	x.Set(fiber.HeaderLocation, "/v1/businesses/"+b.ID)
	return x.tagged(fiber.StatusCreated, businessOf(b), versionOf(b))
}

func (s *Server) mergeBusiness(x *call) error {
	var in wire.Merger
	if err := x.read(&in); err != nil {
		return err
	}
	x.named(in.Into)
	b, err := s.Programme.Merge(x.ctx, x.caller(), x.Params("business"), in.Into)
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, businessOf(b), versionOf(b))
}

func (s *Server) businesses(x *call) error {
	all, err := s.Programme.Businesses(x.ctx, x.caller())
	if err != nil {
		return err
	}
	for _, b := range all {
		x.saw(b.ID)
	}
	return x.json(fiber.StatusOK, wire.BusinessList{Businesses: each(all, businessOf)})
}

func (s *Server) business(x *call) error {
	b, err := s.Programme.Business(x.ctx, x.caller(), x.Params("business"))
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, businessOf(b), versionOf(b))
}

func (s *Server) addMember(x *call) error {
	var in wire.NewMember
	if err := x.read(&in); err != nil {
		return err
	}
	business := x.Params("business")
	m, err := s.Programme.AddMember(x.ctx, x.caller(), business, programme.NewMember{Phone: in.Phone, Role: merge.Role(in.Role), Permissions: in.Permissions})
	if err != nil {
		return err
	}
	x.saw(m.ID, m.User)
	x.Set(fiber.HeaderLocation, "/v1/businesses/"+business+"/members/"+m.ID)
	return x.tagged(fiber.StatusCreated, memberOf(m), m.Version)
}

func (s *Server) members(x *call) error {
	all, err := s.Programme.Members(x.ctx, x.caller(), x.Params("business"))
	if err != nil {
		return err
	}
	for _, m := range all {
		x.saw(m.User)
	}
	return x.json(fiber.StatusOK, wire.MemberList{Members: each(all, memberOf)})
}

func (s *Server) changeMember(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.MemberChange
	if err := x.read(&in); err != nil {
		return err
	}
	m, err := s.Programme.ChangeMember(x.ctx, x.caller(), x.Params("business"), x.Params("member"), v, programme.MemberChange{Permissions: in.Permissions, To: some(in.To)})
	if err != nil {
		return err
	}
	x.saw(m.User)
	return x.tagged(fiber.StatusOK, memberOf(m), m.Version)
}

func (s *Server) assign(x *call) error {
	var in wire.NewAssignment
	if err := x.read(&in); err != nil {
		return err
	}
	x.named(in.MentorId, in.ProgrammeId)
	business := x.Params("business")
	a, err := s.Programme.Assign(x.ctx, x.caller(), business, programme.NewAssignment{Mentor: in.MentorId, Programme: in.ProgrammeId, Track: in.Track, Reason: in.Reason,
		Beyond: in.BeyondCapacity})
	if err != nil {
		return err
	}
	x.saw(a.ID, a.Mentor)
	x.Set(fiber.HeaderLocation, "/v1/businesses/"+business+"/assignments/"+a.ID)
	return x.tagged(fiber.StatusCreated, assignmentOf(a), a.Version)
}

func (s *Server) assignments(x *call) error {
	all, err := s.Programme.Assignments(x.ctx, x.caller(), x.Params("business"))
	if err != nil {
		return err
	}
	for _, a := range all {
		x.saw(a.Mentor)
	}
	return x.json(fiber.StatusOK, wire.AssignmentList{Assignments: each(all, assignmentOf)})
}

func (s *Server) changeAssignment(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.AssignmentChange
	if err := x.read(&in); err != nil {
		return err
	}
	x.named(in.SuccessorId)
	a, err := s.Programme.ChangeAssignment(x.ctx, x.caller(), x.Params("business"), x.Params("assignment"), v,
		programme.AssignmentChange{To: some(in.To), Successor: in.SuccessorId, Note: in.HandoverNote, Reason: in.Reason, Beyond: in.BeyondCapacity, Lead: in.Lead})
	if err != nil {
		return err
	}
	x.saw(a.Mentor)
	return x.tagged(fiber.StatusOK, assignmentOf(a), a.Version)
}

func (s *Server) health(x *call) error {
	h, err := s.Programme.Health(x.ctx, x.caller(), x.Params("business"))
	if err != nil {
		return err
	}
	for _, d := range h.Devices {
		x.saw(d.Device.User)
	}
	return x.json(fiber.StatusOK, wire.HealthList{LastEntry: h.LastEntry, Devices: each(h.Devices, func(d programme.DeviceHealth) wire.DeviceHealth {
		return wire.DeviceHealth{UserId: d.Device.User, Role: string(d.Role), DeviceId: d.Device.ID, Model: d.Device.Model, AppVersion: d.Device.AppVersion,
			LastContact: d.Seen(), OldestUnsent: d.Contact.OldestUnsent, Unsent: d.Contact.Unsent}
	})})
}

func (s *Server) reviews(x *call) error {
	page, err := x.page()
	if err != nil {
		return err
	}
	all, next, err := s.Programme.Reviews(x.ctx, x.caller(), page)
	if err != nil {
		return err
	}
	for _, r := range all {
		x.saw(r.ID, r.Text("author"))
		x.sawIn(r.Text("scope"))
	}
	return x.json(fiber.StatusOK, wire.ReviewList{Reviews: each(all, func(r programme.Review) wire.Review {
		return wire.Review{Id: r.ID, Queue: r.Queue, Fields: r.Fields}
	}), Next: nextText(next)})
}

func (s *Server) attest(x *call) error {
	var in wire.AttestRequest
	if err := x.read(&in); err != nil {
		return err
	}
	if in.Hours < 1 || in.Hours > 72 {
		return &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "hours", Text: "want 1 to 72"}
	}
	x.named(in.UserId)
	if err := s.Programme.MayVouch(x.ctx, x.caller(), in.UserId); err != nil {
		return err
	}
	if err := s.Auth.Attest(x.ctx, x.who, in.UserId, s.Clock.Now().Add(time.Duration(in.Hours)*time.Hour)); err != nil {
		return err
	}
	return x.none()
}

func badQuery(field string) error {
	return &fault.Error{Kind: fault.Unreadable, Code: "query_invalid", Field: field, Text: "query does not read"}
}

// tagged answers v with the tag of its version.
func (x *call) tagged(status int, v any, at programme.Version) error {
	x.Set(fiber.HeaderETag, etag(at))
	return x.json(status, v)
}

func etag(v programme.Version) string {
	return `"` + strconv.FormatUint(uint64(v.Generation), 10) + "-" + strconv.FormatUint(uint64(v.Seq), 10) + `"`
}

// readTag reads what etag writes, in that one spelling.
func readTag(tag string) (v programme.Version, ok bool) {
	g, n, _ := strings.Cut(strings.Trim(tag, `"`), "-")
	generation, err := strconv.ParseUint(g, 10, 32)
	seq, err2 := strconv.ParseUint(n, 10, 63)
	v = programme.Version{Generation: uint32(generation), Seq: merge.Seq(seq)}
	return v, err == nil && err2 == nil && etag(v) == tag
}

// ifMatch reads the version that the caller saw.
//
// Errors: MissingGuard "precondition_required", Unreadable "header_invalid".
func (x *call) ifMatch() (v programme.Version, err error) {
	text := x.Get(fiber.HeaderIfMatch)
	if text == "" {
		return v, &fault.Error{Kind: fault.MissingGuard, Code: "precondition_required", Text: "no If-Match"}
	}
	v, ok := readTag(text)
	if !ok {
		return v, badHeader(fiber.HeaderIfMatch)
	}
	return v, nil
}

func businessOf(b programme.Business) wire.Business {
	return wire.Business{Id: b.ID, Scope: b.Scope, Version: int64(b.Version), Etag: etag(versionOf(b)), Fields: b.Fields,
		Roles: each(b.Roles, func(r merge.Role) string { return string(r) })}
}

func versionOf(b programme.Business) programme.Version {
	return programme.Version{Generation: b.Generation, Seq: b.Version}
}

func memberOf(m programme.Member) wire.Member {
	return wire.Member{Id: m.ID, UserId: m.User, Role: string(m.Role), Permissions: append([]string{}, m.Permissions...), From: m.From, To: m.To, Etag: etag(m.Version)}
}

func assignmentOf(a programme.Assignment) wire.Assignment {
	return wire.Assignment{Id: a.ID, MentorId: a.Mentor, ProgrammeId: a.Programme, Track: a.Track, Lead: a.Lead, From: a.From, To: a.To,
		Reason: a.Reason, HandoverNote: a.Note, Etag: etag(a.Version)}
}

func userOf(u store.User) wire.User {
	return wire.User{Id: u.ID, Phone: u.Phone, Status: string(u.Status), Roles: append([]string{}, u.Roles...), Regions: u.Regions}
}

func deviceOf(d store.Device) wire.Device {
	return wire.Device{Id: d.ID, InstallId: d.Install, Platform: d.Platform, Model: d.Model, OsVersion: d.OSVersion, AppVersion: d.AppVersion,
		Incarnation: d.Incarnation, Status: string(d.Status), CreatedAt: d.Created, LoggedInAt: d.Login}
}

func sessionOf(current string) func(auth.Session) wire.Session {
	return func(o auth.Session) wire.Session {
		return wire.Session{Id: o.ID, Device: deviceOf(o.Device), CreatedAt: o.Created, UsedAt: o.Used, EndsAt: o.Ends, Current: o.ID == current}
	}
}

// each maps a list; the empty list stays one.
func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, f(a))
	}
	return out
}

// some is a pointer to an instant that was given.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Server) totals(x *call) error {
	sum, err := s.Programme.Totals(x.ctx, x.caller(), x.Params("business"), domain.Date(x.Query("from")), domain.Date(x.Query("to")))
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.Totals{From: string(sum.From), To: string(sum.To), All: sumOf(sum.All), Online: sumOf(sum.Online), Offline: sumOf(sum.Offline),
		Days: each(sum.Days, partOf), Channels: each(sum.Channels, partOf), Marketplaces: each(sum.Marketplaces, partOf), Exhibitions: each(sum.Exhibitions, partOf)})
}

func sumOf(s domain.Sum) wire.Sum {
	return wire.Sum{Entries: s.Entries, Unsent: s.Unsent, AmountIdr: int64(s.Amount), VerifiedIdr: int64(s.Verified), RejectedIdr: int64(s.Rejected), PendingIdr: int64(s.Pending)}
}

func partOf(p domain.Part) wire.SumPart {
	return wire.SumPart{Key: p.Key, Entries: p.Entries, Unsent: p.Unsent, AmountIdr: int64(p.Amount), VerifiedIdr: int64(p.Verified),
		RejectedIdr: int64(p.Rejected), PendingIdr: int64(p.Pending)}
}

func (s *Server) resolveReview(x *call) error {
	var in wire.Resolution
	if err := x.read(&in); err != nil {
		return err
	}
	r := programme.Resolution{Queue: in.Queue, Item: x.Params("review"), Decision: in.Decision, Note: in.Note}
	item, err := s.Programme.Resolve(x.ctx, x.caller(), r)
	if err != nil {
		return err
	}
	x.saw(item.Text("author"))
	x.sawIn(item.Text("scope"))
	return x.json(fiber.StatusOK, wire.Review{Id: item.ID, Queue: item.Queue, Fields: item.Fields})
}

func (s *Server) notes(x *call) error {
	all, err := s.Programme.Notes(x.ctx, x.caller(), x.Params("business"))
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.NoteList{Notes: each(all, func(n programme.Note) wire.Note {
		return wire.Note{Id: n.ID, Author: n.Author, At: n.At, Text: n.Text, Collection: n.About.Collection, Record: n.About.ID}
	})})
}
