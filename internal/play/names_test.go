package play_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestNamesFollowThePersonIntoEveryBusiness: who lost against whom, and whom to
// call, stands in the business itself, and follows the profile.
func TestNamesFollowThePersonIntoEveryBusiness(t *testing.T) {
	t.Parallel()
	s := set(t)
	admin, mentor := s.enter(s.w.Person("Bu Ratna"), "office"), s.enter(s.w.Person("Pak Hendra"), "mentor")
	rename := func(p *play.Phone, name string) {
		t.Helper()
		s.sync(p) // the profile is on the phone
		s.in(p, merge.UserScope(p.Me().User), "user", p.Me().User, map[string]any{"full_name": name})
		s.sync(p)
	}
	rename(mentor, "Hendra Gunawan")
	business := strings.TrimPrefix(s.scope, "business/")
	_, err := s.w.Assign(t.Context(), admin, business, mentor.Who)
	s.ok(err)
	rename(s.owner, "Rafika")
	rename(s.staff, "Dimas")
	second, err := s.w.Found(t.Context(), s.owner, "Rafins Dua", "18.10")
	s.ok(err)
	s.ok(s.w.Step(t.Context()))
	s.sync(s.owner, mentor)

	windows := func(p *play.Phone, scope string) map[string]string {
		t.Helper()
		out := map[string]string{}
		for _, collection := range []string{"membership", "assignment"} {
			rows, err := p.Rows(scope, collection)
			s.ok(err)
			for _, r := range rows {
				out[r.Text("name")] = r.Text("phone")
			}
		}
		return out
	}
	number := func(name string) string { return s.w.Person(name).Number }
	want := map[string]string{"Rafika": number("Bu Rafika"), "Dimas": "", "Hendra Gunawan": number("Pak Hendra")}
	for _, p := range []*play.Phone{s.owner, mentor} {
		if got := windows(p, s.scope); !maps.Equal(got, want) {
			t.Errorf("%s sees %v, want %v", p.Name, got, want)
		}
	}
	if got := windows(s.owner, "business/"+second); !maps.Equal(got, map[string]string{"Rafika": number("Bu Rafika")}) {
		t.Errorf("a business that was founded later: %v", got)
	}
	rename(s.owner, "Rafika Sari")
	s.sync(s.owner)
	for _, scope := range []string{s.scope, "business/" + second} {
		if got := windows(s.owner, scope); got["Rafika Sari"] == "" || got["Rafika"] != "" {
			t.Errorf("after another name: %v", got)
		}
	}
	var list struct {
		Assignments []struct {
			ID   string `json:"id"`
			Etag string `json:"etag"`
		} `json:"assignments"`
	}
	s.ok(admin.Send(t.Context(), http.MethodGet, "/v1/businesses/"+business+"/assignments", "", nil, &list))
	s.ok(admin.Send(t.Context(), http.MethodPatch, "/v1/businesses/"+business+"/assignments/"+list.Assignments[0].ID, list.Assignments[0].Etag, map[string]any{"to": s.w.Clock.Now()}, nil))
	s.w.Clock.Advance(time.Minute)
	rename(mentor, "Nama Baru")
	s.sync(s.owner)
	if got := windows(s.owner, s.scope); got["Hendra Gunawan"] == "" || len(got) != 3 {
		t.Errorf("what becomes of a mentor who left is told: %v", got)
	}
	before := s.held("business", business).Version
	head, err := s.w.App.Store.Head(t.Context(), s.scope)
	s.ok(err)
	for range 3 {
		s.ok(s.w.Step(t.Context()))
	}
	if again, err := s.w.App.Store.Head(t.Context(), s.scope); err != nil || again.Applied != head.Applied || before == 0 {
		t.Errorf("names are written again: %d, then %d, %v", head.Applied, again.Applied, err)
	}
}
