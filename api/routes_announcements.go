package api

import (
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (s *Server) announcements(x *call) error {
	page, err := x.page()
	if err != nil {
		return err
	}
	var states []string
	if state := x.Query("state"); slices.Contains(domain.AnnouncementStates(), state) {
		states = append(states, state)
	} else if state != "" {
		return badQuery("state")
	}
	all, next, err := s.Programme.Announcements(x.ctx, x.caller(), page, states...)
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.AnnouncementList{Announcements: each(all, x.announcementOf), Next: nextText(next)})
}

func (s *Server) createAnnouncement(x *call) error {
	fields, err := x.announcementFields()
	if err != nil {
		return err
	}
	a, err := s.Programme.CreateAnnouncement(x.ctx, x.caller(), fields)
	if err != nil {
		return err
	}
	x.saw(a.ID)
	x.Set(fiber.HeaderLocation, "/v1/announcements/"+a.ID)
	return x.tagged(fiber.StatusCreated, x.announcementOf(a), a.Version)
}

// announcementFields reads what an author writes.
func (x *call) announcementFields() (map[string]merge.Value, error) {
	var in wire.AnnouncementFields
	if err := x.read(&in); err != nil {
		return nil, err
	}
	return canonical(in.Fields)
}

func (s *Server) announcement(x *call) error {
	return x.announced(s.Programme.Announcement(x.ctx, x.caller(), x.Params("announcement")))
}

func (s *Server) changeAnnouncement(x *call) error {
	return x.writeAnnouncement(func(v programme.Version, fields map[string]merge.Value) (programme.Announcement, error) {
		return s.Programme.ChangeAnnouncement(x.ctx, x.caller(), x.Params("announcement"), v, fields)
	})
}

func (s *Server) correctAnnouncement(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	fields, err := x.announcementFields()
	if err != nil {
		return err
	}
	a, pending, err := s.Programme.CorrectAnnouncement(x.ctx, x.caller(), x.Params("announcement"), v, fields)
	if err == nil && pending.ID != "" {
		x.saw(pending.ID)
		return x.json(fiber.StatusAccepted, approvalOf(pending))
	}
	return x.announced(a, err)
}

// writeAnnouncement writes fields of an announcement that the caller saw.
func (x *call) writeAnnouncement(do func(programme.Version, map[string]merge.Value) (programme.Announcement, error)) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	fields, err := x.announcementFields()
	if err != nil {
		return err
	}
	return x.announced(do(v, fields))
}

func (s *Server) operateAnnouncement(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.AnnouncementOperation
	if err := x.read(&in); err != nil {
		return err
	}
	return x.announced(s.Programme.OperateAnnouncement(x.ctx, x.caller(), x.Params("announcement"), v, in.Op, in.Reason))
}

func (s *Server) previewAnnouncement(x *call) error {
	p, err := s.Programme.PreviewAnnouncement(x.ctx, x.caller(), x.Params("announcement"))
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.AnnouncementPreview{People: p.People, Owners: p.Roles[merge.Owner], Staff: p.Roles[merge.Staff], Mentors: p.Roles[merge.Mentor],
		Businesses: p.Businesses, Review: p.Review, Warnings: x.warningsOf(p.Warnings)})
}

func (s *Server) announcementVersions(x *call) error {
	rows, err := s.Programme.AnnouncementVersions(x.ctx, x.caller(), x.Params("announcement"))
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.AnnouncementVersionList{Versions: each(rows, func(r merge.Row) wire.AnnouncementVersion { return wire.AnnouncementVersion{Fields: r.Fields} })})
}

func (s *Server) announcementReceipts(x *call) error {
	page, err := strconv.Atoi(x.Query("after", "0"))
	if err != nil {
		return badQuery("after")
	}
	r, err := s.Programme.AnnouncementReceipts(x.ctx, x.caller(), x.Params("announcement"), page)
	if err != nil {
		return err
	}
	pushes, err := s.Push.Outcomes(x.ctx, x.Params("announcement"))
	if err != nil {
		return err
	}
	for _, p := range r.Page {
		x.saw(p.User)
	}
	return x.json(fiber.StatusOK, wire.AnnouncementReceipts{People: r.People, Delivered: r.Delivered, Read: r.Read, Acked: r.Acked, Pushes: outcomesOf(pushes), Next: r.Next,
		Receipts: each(r.Page, func(p programme.Receipt) wire.AnnouncementReceipt {
			return wire.AnnouncementReceipt{UserId: p.User, DeliveredAt: p.Delivered, ReadAt: p.Read, AckedAt: p.Acked}
		})})
}

// outcomesOf sums up what became of pushes.
func outcomesOf(by map[store.DeliveryState]int) (o wire.PushOutcomes) {
	for state, n := range by {
		o.Planned += n
		switch {
		case state.Open():
			o.Waiting += n
		case state == store.DeliverySent:
			o.HandedOver += n
		case state == store.DeliveryDead, state == store.DeliveryExpired: // refused, or nobody could be reached in time
			o.Failed += n
		default:
			o.Suppressed += n
		}
	}
	return o
}

// announced answers with an announcement, or with why there is none.
func (x *call) announced(a programme.Announcement, err error) error {
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, x.announcementOf(a), a.Version)
}

func (x *call) announcementOf(a programme.Announcement) wire.Announcement {
	return wire.Announcement{Id: a.ID, Etag: etag(a.Version), Fields: a.Fields, Warnings: x.warningsOf(a.Warnings)}
}

// warningsOf puts codes into the words of the caller.
func (x *call) warningsOf(codes []string) []wire.Warning {
	return each(codes, func(code string) wire.Warning {
		return wire.Warning{Code: code, Message: message.Text(code, x.lang, nil).String()}
	})
}
