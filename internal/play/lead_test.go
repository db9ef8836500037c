package play_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestWhoLeadsIsKnownWithoutANetwork: an owner's phone that heard of an end to come says at
// that instant, far from any network, who leads instead; and of a hand-over likewise.
func TestWhoLeadsIsKnownWithoutANetwork(t *testing.T) {
	t.Parallel()
	m := setAccompanied(t)
	second := m.enter(m.w.Person("Bu Sinta"), "second")
	beside, err := m.w.AssignFor(t.Context(), m.admin, m.business, second.Who, "quality")
	m.ok(err)
	task := m.write(m.mentor, "task", "", map[string]any{"title": "Foto produk", "origin": "mentor", "track": "digital"})
	m.sync(m.mentor)
	a := m.installApp(m.owner.Who, "id")
	a.sync()
	type mentor struct {
		UserID string `json:"user_id"`
		Track  string `json:"track"`
		Lead   bool   `json:"lead"`
	}
	leads := func(why string, want ...string) {
		t.Helper()
		text, err := a.Mentors(m.scope)
		got := read[[]mentor](a, text, err)
		if len(got) != len(want) {
			t.Fatalf("%s: %+v", why, got)
		}
		for i, g := range got {
			if g.UserID != want[i] || g.Lead != (i == 0) {
				t.Errorf("%s: %+v, want %v", why, got, want)
			}
		}
		looks, err := a.TaskMentor(m.scope, task)
		if m.ok(err); len(want) > 0 && looks != want[0] {
			t.Errorf("%s: %s looks after the task", why, looks)
		}
	}
	first, next := m.mentor.Me().User, second.Me().User
	leads("both are in", first, next)
	at := m.w.Clock.Now().Add(48 * time.Hour)
	m.ok(m.admin.Send(t.Context(), http.MethodPatch, "/v1/businesses/"+m.business+"/assignments/"+m.window.ID, m.window.Etag, map[string]any{"to": at}, nil))
	a.sync() // for the last time
	leads("before the end", first, next)
	m.w.Clock.Set(at.Add(-time.Millisecond))
	leads("until the end", first, next)
	m.w.Clock.Set(at)
	leads("from the end on", next)

	m.ok(m.admin.Login(t.Context()))
	handed := at.Add(72 * time.Hour)
	m.ok(m.admin.Send(t.Context(), http.MethodPatch, "/v1/businesses/"+m.business+"/assignments/"+beside.ID, beside.Etag, map[string]any{"to": handed, "successor_id": first}, nil))
	a.sync()
	m.w.Clock.Set(handed.Add(-time.Millisecond))
	leads("before the hand-over", next)
	m.w.Clock.Set(handed)
	leads("after the hand-over", first)
}

// TestAMentorReadsTheirProfileOnThePhone and nobody else's phone has it; what a phone says of
// it is refused, and changes nothing.
func TestAMentorReadsTheirProfileOnThePhone(t *testing.T) {
	t.Parallel()
	m := setAccompanied(t)
	mine := merge.UserScope(m.mentor.Me().User)
	m.ok(m.w.Profile(t.Context(), m.admin, m.mentor.Who, map[string]any{"institution": "Dinas Perindustrian", "tracks": []string{"digital"}, "capacity": 7}))
	m.sync(m.mentor, m.owner)
	read := func() merge.Row {
		t.Helper()
		rows, err := m.mentor.Rows(mine, "mentor_profile")
		m.ok(err)
		if len(rows) != 1 {
			t.Fatalf("%d profiles", len(rows))
		}
		return rows[0]
	}
	if r := read(); r.Text("institution") != "Dinas Perindustrian" || domain.MentorCapacity(r) != 7 || r.ID != m.mentor.Me().User {
		t.Errorf("%+v", r)
	}
	if holds(t, m.owner, mine) {
		t.Error("an owner's phone has the mentor's scope")
	}
	m.in(m.mentor, mine, "mentor_profile", m.mentor.Me().User, map[string]any{"capacity": 100})
	m.in(m.owner, merge.UserScope(m.owner.Me().User), "mentor_profile", m.owner.Me().User, map[string]any{"capacity": 100})
	m.sync(m.mentor, m.owner)
	if refused, err := m.owner.Refused(); err != nil || len(refused) != 1 {
		t.Errorf("an owner makes a profile: %+v, %v", refused, err)
	}
	rows, err := m.w.Rows(t.Context(), mine, "mentor_profile")
	if m.ok(err); len(rows) != 1 || domain.MentorCapacity(rows[0]) != 7 {
		t.Errorf("a phone wrote %+v", rows)
	}
}
