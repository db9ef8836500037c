package programme_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// shop is a business with an owner and a mentor that takes part in a programme that runs.
type shop struct {
	*planners
	owner, mentor, admin store.User
	scope, running       string
}

func (o *office) shop() *shop {
	o.Helper()
	s := &shop{planners: o.planners(), owner: o.person(1), mentor: o.person(2, "mentor"), admin: o.person(3, "admin")}
	s.clock.Set(moment("2022-03-18T01:00Z"))
	s.scope = s.branch(s.owner, "18.71")
	s.mentored(s.scope)
	s.running = domain.ProgrammeID("lagawi-fest-2022")
	s.writes(domain.ScopeProgrammes, store.User{}, merge.System, "programme", s.running, true, map[string]merge.Value{"code": merge.Str("lagawi-fest-2022"), "name": merge.Str("Lagawi Fest"),
		"status": merge.Str(domain.ProgrammeRunning), "default_zone": merge.Str(string(domain.WIB)), "monitoring": merge.Value(`{"starts_on":"2022-03-20","ends_on":"2022-06-17"}`)})
	s.enrol(s.scope)
	return s
}

func (s *shop) mentored(scope string) {
	s.Helper()
	_, err := s.Assign(s.Context(), s.as(s.admin), scope[len("business/"):], programme.NewAssignment{Mentor: s.mentor.ID})
	s.unless(err)
	s.work()
}

func (s *shop) enrol(scope string) {
	s.writes(scope, store.User{}, merge.System, "enrolment", id.Derive("enrolment", scope), true, fieldsOf("programme_id", s.running, "confirmed_at", "2022-03-18T01:00:00.000Z"))
}

func (s *shop) sells(day string, amount int) {
	set := fieldsOf("sold_on", day, "channel", "store", "payment", "cash", "granularity", "daily_total")
	set["amount_idr"] = merge.Num(amount)
	s.writes(s.scope, s.owner, merge.Owner, "sales", s.ids.New(), true, set)
}

// TestALedgerOfTwoPlanners: nothing logged for three days is told of at seven in the evening,
// twice a week at most, while the programme runs and the business is active; an entry that
// arrives takes the push back.
func TestALedgerOfTwoPlanners(t *testing.T) {
	t.Parallel()
	s := open(t).shop()
	s.until("2022-03-23T12:30Z") // Wednesday
	s.want("since it began", s.told(s.owner, domain.NoticeNothingLogged), "N22 2022-03-23T12:00Z")
	s.rings(s.owner, domain.NoticeNothingLogged, true)
	s.sells("2022-03-23", 50_000)
	s.rings(s.owner, domain.NoticeNothingLogged, false)
	s.until("2022-04-05T12:30Z") // silent since
	s.want("silent", s.told(s.owner, domain.NoticeNothingLogged), "N22 2022-03-23T12:00Z", "N22 2022-03-26T12:00Z", "N22 2022-03-28T12:00Z", "N22 2022-04-01T12:00Z", "N22 2022-04-04T12:00Z")
	r, err := s.Record(t.Context(), s.as(s.admin), s.scope[len("business/"):], "enrolment", id.Derive("enrolment", s.scope))
	s.unless(err)
	s.writes(s.scope, s.admin, merge.Admin, "enrolment_event", s.ids.New(), true, fieldsOf("enrolment_id", r.ID, "programme_id", s.running, "op", "pause", "note", "Sakit"))
	s.rings(s.owner, domain.NoticeNothingLogged, false)
	s.until("2022-04-12T12:30Z")
	if got := s.told(s.owner, domain.NoticeNothingLogged); len(got) != 5 {
		t.Errorf("in a pause: %v", got)
	}
	if got := s.told(s.mentor, domain.NoticeNothingLogged); got != nil {
		t.Errorf("the mentor: %v", got)
	}
}

// TestMondaysOfTwoPlanners: owners get one for each business, mentors one for all, by the
// clocks that strike first.
func TestMondaysOfTwoPlanners(t *testing.T) {
	t.Parallel()
	s := open(t).shop()
	east := s.branch(s.owner, "91.71")
	s.mentored(east)
	s.enrol(east)
	s.until("2022-03-29T03:00Z")
	s.want("owner", s.told(s.owner, domain.NoticeWeek), "N23 2022-03-20T23:00Z", "N23 2022-03-21T01:00Z", "N23 2022-03-27T23:00Z", "N23 2022-03-28T01:00Z")
	s.want("mentor", s.told(s.mentor, domain.NoticeWeek, domain.NoticeCaseloadWeek), "caseload_week 2022-03-20T23:00Z", "caseload_week 2022-03-27T23:00Z")
	s.rings(s.mentor, domain.NoticeCaseloadWeek, true)
	for _, scope := range []string{s.scope, east} {
		all, err := s.Assignments(t.Context(), s.as(s.admin), scope[len("business/"):])
		s.unless(err)
		now := s.clock.Now()
		_, err = s.ChangeAssignment(t.Context(), s.as(s.admin), scope[len("business/"):], all[0].ID, all[0].Version, programme.AssignmentChange{To: &now})
		s.unless(err)
	}
	s.rings(s.mentor, domain.NoticeCaseloadWeek, false)
	s.rings(s.owner, domain.NoticeWeek, true)
	row, err := s.Engine.Store.Load(t.Context(), domain.ScopeProgrammes, store.Want{Keys: []merge.Key{{Collection: "programme", ID: s.running}}})
	s.unless(err)
	s.writes(domain.ScopeProgrammes, store.User{}, merge.System, "programme", row.Records[0].ID, false, fieldsOf("status", domain.ProgrammeHarvested))
	s.rings(s.owner, domain.NoticeWeek, false)
}

// TestATargetOfTwoPlanners is told of once, in the evening of the day on which it is reached,
// and anew when it is set higher and reached again.
func TestATargetOfTwoPlanners(t *testing.T) {
	t.Parallel()
	s := open(t).shop()
	s.clock.Set(moment("2022-04-01T01:00Z"))
	target := s.ids.New()
	set := fieldsOf("origin", "mentor", "period", "month", "month", "2022-04", "metric", domain.MetricTotal)
	set["value"] = merge.Num(100_000)
	s.writes(s.scope, s.mentor, merge.Mentor, "target", target, true, set)
	s.sells("2022-04-01", 60_000)
	s.until("2022-04-02T01:00Z")
	s.sells("2022-04-02", 40_000)
	s.until("2022-04-04T13:00Z")
	for _, u := range []store.User{s.owner, s.mentor} {
		s.want(u.Phone, s.told(u, domain.NoticeTargetReached), "N24 2022-04-02T12:00Z")
	}
	s.rings(s.owner, domain.NoticeTargetReached, true)
	s.writes(s.scope, s.mentor, merge.Mentor, "target", target, false, map[string]merge.Value{"value": merge.Num(150_000)})
	s.rings(s.owner, domain.NoticeTargetReached, false)
	s.sells("2022-04-04", 50_000)
	s.until("2022-04-06T13:00Z")
	s.want("again", s.told(s.owner, domain.NoticeTargetReached), "N24 2022-04-02T12:00Z", "N24 2022-04-04T14:00Z") // by the next look of that evening
}

// TestASilentPhoneOfTwoPlanners: after three days its owner is told, after seven also the
// mentor; once it is heard of nothing rings any more. Two businesses make no two items.
func TestASilentPhoneOfTwoPlanners(t *testing.T) {
	t.Parallel()
	s := open(t).shop()
	east := s.branch(s.owner, "91.71")
	s.mentored(east)
	last := s.clock.Now() // 8:00 WIB
	for n, status := range []store.DeviceStatus{store.DeviceActive, store.DeviceRevoked} {
		d := store.Device{ID: id.Derive("device", string(status)), User: s.owner.ID, Install: "0190aaaa-000" + string(rune('0'+n)), Status: status, Login: last, Created: last}
		s.unless(s.auth.Store.InsertDevice(t.Context(), d))
	}
	s.until("2022-03-21T03:00Z")
	s.want("owner", s.told(s.owner, domain.NoticeSilentPhone), "N26 2022-03-21T01:00Z")
	s.rings(s.owner, domain.NoticeSilentPhone, true)
	s.until("2022-03-25T03:00Z")
	s.want("owner", s.told(s.owner, domain.NoticeSilentPhone), "N26 2022-03-21T01:00Z", "N26 2022-03-25T01:00Z")
	s.want("mentor", s.told(s.mentor, domain.NoticeSilentPhone, domain.NoticeSilentBusiness), "device_silent 2022-03-25T01:00Z")
	s.rings(s.mentor, domain.NoticeSilentBusiness, true)
	s.auth.Contact(id.Derive("device", string(store.DeviceActive)), s.clock.Now(), 0)
	s.unless(s.auth.Flush(t.Context()))
	s.rings(s.owner, domain.NoticeSilentPhone, false)
	s.rings(s.mentor, domain.NoticeSilentBusiness, false)
	s.until("2022-03-27T03:00Z")
	if got := s.told(s.owner, domain.NoticeSilentPhone); len(got) != 2 {
		t.Errorf("heard of: %v", got)
	}
}
