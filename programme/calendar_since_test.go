package programme_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestTheEveningIsNoMorning: what was due in the morning is made up for by a server that begins in
// the evening, and only for who was there in the morning, of what was there in the morning.
func TestTheEveningIsNoMorning(t *testing.T) {
	t.Parallel()
	p := open(t).planners()
	owner, mentor, next, admin := p.person(1), p.person(2, "mentor"), p.person(3, "mentor"), p.person(4, "admin")
	scope := p.branch(owner, "18.71")
	assign := func(who, track string) {
		_, err := p.Assign(t.Context(), p.as(admin), scope[len("business/"):], programme.NewAssignment{Mentor: who, Track: track})
		p.unless(err)
		p.work()
	}
	task := func(due string) {
		p.writes(scope, mentor, merge.Mentor, "task", p.ids.New(), true, fieldsOf("title", "Foto produk", "origin", "mentor", "due_on", due))
	}
	assign(mentor.ID, "digital")
	task("2022-06-17")
	p.clock.Set(moment("2022-06-16T08:00Z")) // 15:00 of the day before; nobody looked at eight
	task("2022-06-16")
	p.clock.Set(moment("2022-06-16T09:00Z"))
	assign(next.ID, "quality")
	p.clock.Set(moment("2022-06-16T10:00Z"))
	p.look()
	for _, who := range []string{owner.ID, mentor.ID, next.ID} {
		u, err := p.auth.User(t.Context(), who)
		p.unless(err)
		want := []string{"N11 2022-06-16T10:00Z"}
		if who == next.ID {
			want = nil
		}
		p.want(who, p.told(u, domain.NoticeTaskDue), want...)
	}
	p.rings(owner, domain.NoticeTaskDue, true)
	p.until("2022-06-17T02:00Z")
	p.want("on the day", p.told(owner, domain.NoticeTaskDue, domain.NoticeTaskOverdue), "N11 2022-06-16T10:00Z", "N11 2022-06-17T01:00Z", "N12 2022-06-17T01:00Z")
	p.want("who came", p.told(next, domain.NoticeTaskDue, domain.NoticeTaskOverdue), "N12 2022-06-17T01:00Z")
}
