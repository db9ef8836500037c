package programme_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestTheEndOfAWindowIsTold to whose it was: at once where it ends at once, at the next hour
// of reminders where the end was set ahead, once, and not where they have another one.
func TestTheEndOfAWindowIsTold(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	p.clock.Set(moment("2022-06-01T03:30Z"))
	owner, staff, mentor, stays, admin := p.person(1), p.person(2), p.person(3, "mentor"), p.person(4, "mentor"), p.person(5, "admin")
	business := p.branch(owner, "18.71")[len("business/"):]
	m, err := p.AddMember(t.Context(), p.as(owner), business, programme.NewMember{Phone: staff.Phone, Role: merge.Staff})
	p.unless(err)
	first, err := p.Assign(t.Context(), p.as(admin), business, programme.NewAssignment{Mentor: mentor.ID, Track: "digital"})
	p.unless(err)
	second, err := p.Assign(t.Context(), p.as(admin), business, programme.NewAssignment{Mentor: stays.ID, Track: "quality"})
	p.unless(err)
	p.work()
	now, ahead := p.clock.Now(), moment("2022-06-03T17:00Z") // midnight of WIB
	_, err = p.ChangeMember(t.Context(), p.as(owner), business, m.ID, m.Version, programme.MemberChange{To: &now})
	p.unless(err)
	_, err = p.ChangeAssignment(t.Context(), p.as(admin), business, first.ID, first.Version, programme.AssignmentChange{To: &ahead})
	p.unless(err)
	p.work()
	p.want("staff, at once", p.told(staff, domain.NoticeAccessEnded), "N35 2022-06-01T03:30Z")
	p.until("2022-06-03T16:30Z")
	p.want("a mentor whose window lasts", p.told(mentor, domain.NoticeAccessEnded))
	p.until("2022-06-06T03:30Z")
	p.want("a mentor", p.told(mentor, domain.NoticeAccessEnded), "N35 2022-06-03T17:00Z")
	p.want("staff", p.told(staff, domain.NoticeAccessEnded), "N35 2022-06-01T03:30Z")
	p.rings(mentor, domain.NoticeAccessEnded, true)
	for _, item := range p.inbox(mentor, domain.NoticeAccessEnded) {
		if item.Fields["scope"] != nil || item.Fields["object"] != nil || string(item.Fields["params"]) != `{"business":"Cabang 18.71"}` {
			t.Errorf("told more than the name: %v", item.Fields)
		}
	}
	now = p.clock.Now()
	_, err = p.AddMember(t.Context(), p.as(owner), business, programme.NewMember{Phone: stays.Phone, Role: merge.Staff})
	p.unless(err)
	_, err = p.ChangeAssignment(t.Context(), p.as(admin), business, second.ID, second.Version, programme.AssignmentChange{To: &now})
	p.unless(err)
	p.work()
	p.until("2022-06-08T03:30Z")
	p.want("who has another window", p.told(stays, domain.NoticeAccessEnded))
	p.want("the owner", p.told(owner, domain.NoticeAccessEnded))
}

// logsIn is a login with a code on a phone.
func (p *planners) logsIn(u store.User, install, model string) auth.Login {
	p.Helper()
	p.clock.Set(p.clock.Now().Add(time.Hour))
	c, err := p.auth.RequestCode(p.Context(), auth.CodeRequest{Phone: u.Phone, Purpose: auth.PurposeLogin})
	p.unless(err)
	l, err := p.auth.Verify(p.Context(), auth.VerifyRequest{Challenge: c.ID, Phone: u.Phone, Code: "424242", Device: auth.DeviceInfo{Install: install, Platform: "android", Model: model}})
	p.unless(err)
	p.work()
	return l
}

// TestANewPhoneIsToldOf to who has another one, once a phone; and so is one that is removed.
func TestANewPhoneIsToldOf(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	u := p.person(1)
	p.auth.TestNumbers = map[domain.Phone]string{domain.Phone(u.Phone): "424242"}
	p.auth.OnUser, p.auth.OnDevice = p.Welcome, p.PhoneNews
	kinds := []string{domain.NoticeNewPhone, domain.NoticePhoneRemoved}
	first := p.logsIn(u, "0190aaaa-0001", "Redmi 9A")
	p.logsIn(u, "0190aaaa-0001", "Redmi 9A")
	if got := p.inbox(u, kinds...); got != nil {
		t.Fatalf("the only phone: %v", got)
	}
	second := p.logsIn(u, "0190aaaa-0002", "Oppo A15")
	p.logsIn(u, "0190aaaa-0002", "Oppo A15") // and again
	got := p.inbox(u, kinds...)
	if len(got) != 1 || got[0].Text("type") != domain.NoticeNewPhone || string(got[0].Fields["params"]) != fmt.Sprintf(`{"device":%q,"model":"Oppo A15"}`, second.Device) || domain.Unasked(got[0]) != second.Device {
		t.Fatalf("a new phone: %v", got)
	}
	p.rings(u, domain.NoticeNewPhone, true)
	p.unless(p.auth.RevokeDevice(t.Context(), u.ID, first.Device, store.DeviceLost))
	p.unless(p.auth.RevokeDevice(t.Context(), u.ID, first.Device, store.DeviceLost)) // and again
	if got := p.inbox(u, domain.NoticePhoneRemoved); len(got) != 1 || domain.Unasked(got[0]) != first.Device {
		t.Errorf("a lost phone: %v", got)
	}
	p.clock.Set(p.clock.Now().Add(48 * time.Hour))
	p.logsIn(u, "0190aaaa-0001", "Redmi 9A") // it is found, by whomever
	if got := p.inbox(u, domain.NoticeNewPhone); len(got) != 2 {
		t.Errorf("a lost phone that logs in: %v", got)
	}
	for n := range 2 { // within one day
		p.unless(p.auth.RevokeDevice(t.Context(), u.ID, first.Device, store.DeviceLost))
		p.logsIn(u, "0190aaaa-0001", "Redmi 9A")
		if in, out := p.inbox(u, domain.NoticeNewPhone), p.inbox(u, domain.NoticePhoneRemoved); len(in) != 3+n || len(out) != 2+n {
			t.Errorf("in and out again: told %d times of a login, %d times of an end", len(in), len(out))
		}
	}
}

// TestAnAcknowledgementIsAskedFor is A10: those who have not read by the evening before are
// reminded once, by whichever planner; not who read, also without a network, and nobody once
// it is retracted.
func TestAnAcknowledgementIsAskedFor(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	p.clock.Set(moment("2022-05-29T03:00Z"))
	admin := p.person(90, "admin")
	var owners []store.User
	for n := range 5 {
		owners = append(owners, p.person(1+n))
		p.branch(owners[n], "18.71")
	}
	a, err := p.CreateAnnouncement(t.Context(), p.as(admin), map[string]merge.Value{"title_id": merge.Str("Briefing pameran"), "body_id": merge.Str("Datang pukul 10."), "publish_at": merge.Str("2022-05-30T01:00:00.000Z"),
		"require_ack": merge.Flag(true), "ack_by": merge.Str("2022-05-31T10:00:00.000Z"), "audience": merge.Encode(map[string]any{"regions": []string{"18"}, "roles": []string{"owner"}})})
	p.unless(err)
	a, err = p.OperateAnnouncement(t.Context(), p.as(admin), a.ID, a.Version, domain.AnnounceSchedule, "")
	p.unless(err)
	p.until("2022-05-30T02:00Z")
	item := func(u store.User) string { return domain.AnnouncementItemID(a.ID, u.ID) }
	reads := func(u store.User) {
		p.writes(merge.UserScope(u.ID), u, merge.Self, "inbox", item(u), false, fieldsOf("read_at", "2022-05-30T03:00:00.000Z"))
	}
	reads(owners[0])
	p.writes(merge.UserScope(owners[1].ID), owners[1], merge.Self, "receipt", p.ids.New(), true, fieldsOf("announcement_id", a.ID, "acked_at", "2022-05-30T04:00:00.000Z"))
	p.until("2022-05-30T09:59Z")
	p.want("an hour before", p.told(owners[3], domain.NoticeAcknowledge))
	p.until("2022-05-30T12:00Z")
	p.want("who read", p.told(owners[0], domain.NoticeAcknowledge))
	p.want("who confirmed", p.told(owners[1], domain.NoticeAcknowledge))
	for _, u := range owners[2:] {
		p.want("who did not read", p.told(u, domain.NoticeAcknowledge), "N29 2022-05-30T10:00Z")
	}
	asks := p.inbox(owners[2], domain.NoticeAcknowledge)[0]
	if asks.Text("expires_at") != "2022-05-31T10:00:00.000Z" || asks.Text("deep_link") != "app://pengumuman/"+a.ID || domain.BatchOf(asks) != "" {
		t.Errorf("%v", asks.Fields)
	}
	p.rings(owners[2], domain.NoticeAcknowledge, true)
	reads(owners[2]) // without a network, and synced now
	p.rings(owners[2], domain.NoticeAcknowledge, false)
	p.rings(owners[3], domain.NoticeAcknowledge, true)
	now, err := p.Announcement(t.Context(), p.as(admin), a.ID)
	p.unless(err)
	if _, err = p.OperateAnnouncement(t.Context(), p.as(admin), a.ID, now.Version, domain.AnnounceRetract, "Batal"); err != nil {
		t.Fatal(err)
	}
	p.work()
	p.rings(owners[3], domain.NoticeAcknowledge, false)
	p.until("2022-06-01T03:00Z")
	p.want("the day after", p.told(owners[4], domain.NoticeAcknowledge), "N29 2022-05-30T10:00Z")
}

// TestNobodyIsAskedLate: about what was sent less than a day ahead, or when the server was
// down until its time was over.
func TestNobodyIsAskedLate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ publish, by, down string }{
		"sent too late":     {"2022-05-30T12:00:00.000Z", "2022-05-31T10:00:00.000Z", "2022-05-30T13:00Z"},
		"down for too long": {"2022-05-30T01:00:00.000Z", "2022-05-31T10:00:00.000Z", "2022-05-31T10:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t).planners()
			p.clock.Set(moment("2022-05-29T03:00Z"))
			admin, owner := p.person(90, "admin"), p.person(1)
			p.branch(owner, "18.71")
			a, err := p.CreateAnnouncement(t.Context(), p.as(admin), map[string]merge.Value{"title_id": merge.Str("Kabar"), "body_id": merge.Str("Isi"), "publish_at": merge.Str(tt.publish),
				"require_ack": merge.Flag(true), "ack_by": merge.Str(tt.by), "audience": merge.Encode(map[string]any{"regions": []string{"18"}})})
			p.unless(err)
			_, err = p.OperateAnnouncement(t.Context(), p.as(admin), a.ID, a.Version, domain.AnnounceSchedule, "")
			p.unless(err)
			p.clock.Set(instantOf(merge.Row{Fields: fieldsOf("at", tt.publish)}, "at"))
			p.look()
			p.look()
			p.clock.Set(moment(tt.down))
			p.until("2022-06-01T12:00Z")
			if len(p.inbox(owner, domain.NoticeAnnouncement)) != 1 {
				t.Error("nobody has it")
			}
			p.want("owner", p.told(owner, domain.NoticeAcknowledge))
		})
	}
}
