package programme_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// placed writes an item of a type as the server does.
func (p *planners) placed(u store.User, kind, scope string, about merge.Key) {
	p.Helper()
	row, _ := domain.NoticeTypeOf(kind)
	set := map[string]merge.Value{"type": merge.Str(kind), "class": merge.Str(row.Class), "deep_link": merge.Str("app://kotak-masuk")}
	if scope != "" {
		set["scope"] = merge.Str(scope)
	}
	if about.ID != "" {
		set["object"] = merge.Encode(map[string]string{"collection": about.Collection, "id": about.ID})
	}
	p.writes(merge.UserScope(u.ID), u, merge.System, "inbox", p.ids.New(), true, set)
}

// assigns opens the window of a mentor.
func (p *planners) assigns(admin store.User, scope string, n programme.NewAssignment) programme.Assignment {
	p.Helper()
	a, err := p.Assign(p.Context(), p.as(admin), scope[len("business/"):], n)
	p.unless(err)
	p.work()
	return a
}

// ends gives a window its end.
func (p *planners) ends(admin store.User, scope string, a programme.Assignment, at time.Time, successor string) {
	p.Helper()
	_, err := p.ChangeAssignment(p.Context(), p.as(admin), scope[len("business/"):], a.ID, a.Version, programme.AssignmentChange{To: &at, Successor: successor})
	p.unless(err)
	p.work()
}

// TestWhoHasLeftIsNotRung: what waits over a night for a mentor is not rung for once another
// one follows; nor what was called off meanwhile for anybody.
func TestWhoHasLeftIsNotRung(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	p.clock.Set(moment("2022-06-14T15:00Z"))
	owner, mentor, next, admin := p.person(1), p.person(3, "mentor"), p.person(4, "mentor"), p.person(5, "admin")
	scope := p.branch(owner, "18.71")
	window := p.assigns(admin, scope, programme.NewAssignment{Mentor: mentor.ID, Track: "digital"})
	p.rings(mentor, domain.NoticeMentoringBegins, true)
	task, visit := p.ids.New(), p.ids.New()
	p.writes(scope, mentor, merge.Mentor, "task", task, true, fieldsOf("title", "Foto produk", "origin", "mentor"))
	p.rings(owner, domain.NoticeTaskAssigned, true)
	p.writes(scope, owner, merge.Owner, "task_event", p.ids.New(), true, fieldsOf("task_id", task, "op", "submit", "note", "selesai"))
	p.writes(scope, admin, merge.Admin, "visit", visit, true, fieldsOf("kind", "visit", "planned_at", "2022-06-15T03:00:00.000Z"))
	p.rings(mentor, domain.NoticeTaskSubmitted, true)
	p.rings(mentor, domain.NoticeVisitPlanned, true)
	p.clock.Advance(10 * time.Minute)
	p.ends(admin, scope, window, p.clock.Now(), next.ID)
	for _, kind := range []string{domain.NoticeTaskSubmitted, domain.NoticeVisitPlanned, domain.NoticeMentoringBegins} {
		p.rings(mentor, kind, false)
	}
	p.rings(mentor, domain.NoticeMentoringEnds, true)
	p.rings(mentor, domain.NoticeAccessEnded, true)
	p.rings(next, domain.NoticeMentoringBegins, true)
	p.rings(owner, domain.NoticeVisitPlanned, true)
	p.writes(scope, next, merge.Mentor, "visit", visit, false, fieldsOf("planned_at", "2022-06-16T03:00:00.000Z"))
	p.writes(scope, next, merge.Mentor, "visit_event", p.ids.New(), true, fieldsOf("visit_id", visit, "op", "cancel", "reason_code", "rain"))
	p.rings(owner, domain.NoticeVisitPlanned, false)
	p.rings(owner, domain.NoticeVisitCancelled, true)
}

// TestAMentorWhoIsStillToComeIsRung, of a window that begins later and is ended or not.
func TestAMentorWhoIsStillToComeIsRung(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	p.clock.Set(moment("2022-06-14T15:00Z"))
	owner, before, mentor, admin := p.person(1), p.person(2, "mentor"), p.person(3, "mentor"), p.person(5, "admin")
	scope, from := p.branch(owner, "18.71"), moment("2022-06-20T01:00Z")
	p.ends(admin, scope, p.assigns(admin, scope, programme.NewAssignment{Mentor: before.ID}), from, mentor.ID)
	p.rings(mentor, domain.NoticeMentoringBegins, true)
	p.rings(owner, domain.NoticeMentorChanged, true)
	p.clock.Set(from.Add(time.Hour))
	p.rings(before, domain.NoticeMentoringBegins, false)
	all, err := p.Assignments(t.Context(), p.as(admin), scope[len("business/"):])
	p.unless(err)
	for _, a := range all {
		if a.Mentor == mentor.ID {
			p.ends(admin, scope, a, p.clock.Now(), "")
		}
	}
	p.rings(mentor, domain.NoticeMentoringBegins, false)
	p.rings(owner, domain.NoticeMentorChanged, false)
	p.rings(owner, domain.NoticeMentorLeft, true)
}

// TestSeveralTasksRingWhileOneIsLeft: the item does not name them.
func TestSeveralTasksRingWhileOneIsLeft(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	owner := p.person(1)
	scope := p.branch(owner, "18.71")
	p.placed(owner, domain.NoticeTaskAssigned, scope, merge.Key{})
	p.rings(owner, domain.NoticeTaskAssigned, false)
	tasks := []string{p.ids.New(), p.ids.New()}
	for _, task := range tasks {
		p.writes(scope, owner, merge.Mentor, "task", task, true, fieldsOf("title", "Foto produk", "origin", "mentor"))
	}
	for i, task := range tasks {
		for _, item := range p.inbox(owner, domain.NoticeTaskAssigned) {
			_, rows, err := p.two[1].Ringing(t.Context(), owner.ID, []string{item.ID})
			p.unless(err)
			if several := domain.NoticeObject(item).ID == ""; several && len(rows) != 1 {
				t.Errorf("it does not ring with %d tasks left", len(tasks)-i)
			}
		}
		p.writes(scope, owner, merge.Mentor, "task_event", p.ids.New(), true, fieldsOf("task_id", task, "op", "verify"))
	}
	p.rings(owner, domain.NoticeTaskAssigned, false)
	p.placed(owner, domain.NoticeTaskAssigned, "business/"+p.ids.New(), merge.Key{})
	p.rings(owner, domain.NoticeTaskAssigned, false)
}

// TestAMergerDoesNotSilence what holds where the business lives now, and lets nobody be heard
// of whom that one has let go.
func TestAMergerDoesNotSilence(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	owner, mentor, admin := p.person(1), p.person(3, "mentor"), p.person(5, "admin")
	old, survivor := p.branch(owner, "18.71"), p.branch(owner, "18.71")
	p.assigns(admin, old, programme.NewAssignment{Mentor: mentor.ID})
	task := p.ids.New()
	p.writes(old, owner, merge.Owner, "task", task, true, fieldsOf("title", "Foto produk", "origin", domain.OriginOwnerRequest))
	p.rings(mentor, domain.NoticeTaskProposed, true)
	_, err := p.Merge(t.Context(), p.as(admin), old[len("business/"):], survivor[len("business/"):])
	p.unless(err)
	p.rings(mentor, domain.NoticeTaskProposed, true) // on its way
	p.work()
	p.rings(mentor, domain.NoticeTaskProposed, true)
	all, err := p.Assignments(t.Context(), p.as(admin), survivor[len("business/"):])
	p.unless(err)
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	p.clock.Advance(time.Minute)
	p.ends(admin, survivor, all[0], p.clock.Now(), "")
	p.rings(mentor, domain.NoticeTaskProposed, false)
}

// TestALateSheetIsForAdmins, as long as they are, and as long as it is late.
func TestALateSheetIsForAdmins(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	admin, other := p.person(5, "admin"), p.person(6, "admin")
	scope, sheet := domain.DecisionScope(p.ids.New()), p.ids.New()
	p.writes(scope, admin, merge.System, "score", sheet, true, map[string]merge.Value{"late": merge.Flag(true)})
	for _, u := range []store.User{admin, other} {
		p.placed(u, domain.NoticeLateScore, scope, merge.Key{Collection: "score", ID: sheet})
		p.rings(u, domain.NoticeLateScore, true)
	}
	p.unless(p.auth.SetRoles(t.Context(), other.ID, nil))
	p.rings(other, domain.NoticeLateScore, false)
	p.writes(scope, admin, merge.System, "score", sheet, false, map[string]merge.Value{"late": merge.Flag(false)})
	p.rings(admin, domain.NoticeLateScore, false)
}

// TestWhoConfirmedIsNotRung for an announcement, whose push was still to come: also where no phone
// has marked its item read. A phone that has it is not a person who has read it.
func TestWhoConfirmedIsNotRung(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	p.clock.Set(moment("2022-05-29T14:30Z"))
	announcement := p.announced(domain.AnnouncementSent)
	for n, tt := range []struct {
		says string
		want bool
	}{{"", true}, {"delivered_at", true}, {"read_at", false}, {"acked_at", false}} {
		u := p.person(1 + n)
		p.placed(u, domain.NoticeAnnouncement, "", merge.Key{Collection: "announcement", ID: announcement})
		if tt.says != "" {
			p.writes(merge.UserScope(u.ID), u, merge.Self, "receipt", p.ids.New(), true, fieldsOf("announcement_id", announcement, tt.says, "2022-05-29T14:00:00.000Z"))
		}
		p.rings(u, domain.NoticeAnnouncement, tt.want)
	}
}

// announced is an announcement in a state, of which nothing else is said.
func (p *planners) announced(state string, says ...string) (announcement string) {
	p.Helper()
	announcement = p.ids.New()
	set := fieldsOf(append(says, "state", state)...)
	set["version"] = merge.Num(2)
	p.writes(domain.GeneralQueue, store.User{}, merge.System, "announcement", announcement, true, set)
	return announcement
}

// TestAnAnnouncementRingsAsItStands, not as an inbox has it still: while it is out, with the words of
// the last correction, and no longer than that lets it last. So does the question whether somebody
// has read it.
func TestAnAnnouncementRingsAsItStands(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	p.clock.Set(moment("2022-05-29T14:30Z"))
	u := p.person(1)
	for _, kind := range []string{domain.NoticeAnnouncement, domain.NoticeAcknowledge} {
		p.placed(u, kind, "", merge.Key{Collection: "announcement", ID: p.ids.New()})
		p.rings(u, kind, false)
	}
	asks := func(announcement string) {
		about := merge.Key{Collection: "announcement", ID: announcement}
		item := fieldsOf("type", domain.NoticeAnnouncement, "class", "announcements", "deep_link", "app://pengumuman/x", "title_id", "Lama")
		item["object"], item["version"], item["push_public"] = merge.Encode(map[string]string{"collection": about.Collection, "id": about.ID}), merge.Num(1), merge.Flag(true)
		p.writes(merge.UserScope(u.ID), u, merge.System, "inbox", domain.AnnouncementItemID(announcement, u.ID), true, item)
		p.clock.Advance(time.Second) // rings asks about the newest
		p.placed(u, domain.NoticeAcknowledge, "", about)
	}
	for _, state := range domain.AnnouncementStates() {
		out := state == domain.AnnouncementSending || state == domain.AnnouncementSent
		p.clock.Advance(time.Second)
		asks(p.announced(state))
		p.rings(u, domain.NoticeAnnouncement, out)
		p.rings(u, domain.NoticeAcknowledge, out)
	}
	for end, out := range map[string]bool{"2022-05-29T14:00:00.000Z": false, "2022-05-29T16:00:00.000Z": true} {
		p.clock.Advance(time.Second)
		asks(p.announced(domain.AnnouncementSent, "expires_at", end))
		p.rings(u, domain.NoticeAnnouncement, out)
		p.rings(u, domain.NoticeAcknowledge, out)
	}
	announcement := p.announced(domain.AnnouncementSent, "title_id", "Baru")
	p.clock.Advance(time.Second)
	asks(announcement)
	_, rows, err := p.two[0].Ringing(t.Context(), u.ID, []string{domain.AnnouncementItemID(announcement, u.ID)})
	p.unless(err)
	if len(rows) != 1 || rows[0].Text("title_id") != "Baru" || rows[0].ID != domain.AnnouncementItemID(announcement, u.ID) {
		t.Errorf("it rings as %+v", rows)
	}
}
