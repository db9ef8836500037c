package programme_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestNobodyMentorsTheirOwnBusiness: a mentor's word counts before an owner's (domain.md 3.2). Not by an assignment, not by a
// hand-over; who has left the business may.
func TestNobodyMentorsTheirOwnBusiness(t *testing.T) {
	o := open(t)
	admin, owner, mentor, staff := o.person(1, "admin"), o.person(2, "mentor"), o.person(3, "mentor"), o.person(4, "mentor")
	b := o.business(owner)
	m, err := o.AddMember(t.Context(), o.as(owner), b, programme.NewMember{Phone: "+628117000004", Role: merge.Staff})
	o.unless(err)
	for _, who := range []store.User{owner, staff} {
		if _, err := o.Assign(t.Context(), o.as(admin), b, programme.NewAssignment{Mentor: who.ID}); codeOf(err) != "own_business" {
			t.Errorf("sent to their own business: %v", err)
		}
	}
	a, err := o.Assign(t.Context(), o.as(admin), b, programme.NewAssignment{Mentor: mentor.ID})
	o.unless(err)
	at := o.clock.Now().Add(time.Hour)
	if _, err := o.ChangeAssignment(t.Context(), o.as(admin), b, a.ID, a.Version, programme.AssignmentChange{To: &at, Successor: owner.ID}); codeOf(err) != "own_business" {
		t.Errorf("handed over to its owner: %v", err)
	}
	now := o.clock.Now()
	_, err = o.ChangeMember(t.Context(), o.as(owner), b, m.ID, m.Version, programme.MemberChange{To: &now})
	o.unless(err)
	o.clock.Advance(time.Second)
	_, err = o.ChangeAssignment(t.Context(), o.as(admin), b, a.ID, a.Version, programme.AssignmentChange{To: &at, Successor: staff.ID})
	o.unless(err)
}

// TestAMentorIsSentForAProgrammeOfTheBusiness: one that it has applied to, or that is open for where it is.
func TestAMentorIsSentForAProgrammeOfTheBusiness(t *testing.T) {
	o := open(t)
	admin, owner := o.person(1, "admin"), o.person(2)
	b, err := o.CreateBusiness(t.Context(), o.as(owner), programme.NewBusiness{ID: o.ids.New(), Name: "Rajut Metro", RegionCode: "18.71"})
	o.unless(err)
	lampung, nowhere := b.ID, o.business(owner)
	draft, err := o.CreateProgramme(t.Context(), o.as(admin), "rahasia-2023", written("name", `"Rahasia"`, "kind", `"campaign"`, "region_codes", `["18"]`))
	o.unless(err)
	here, there := o.opened("lagawi-fest-2022"), o.opened("sulsel-2022", "region_codes", `["73"]`, "number_prefix", `"SLS"`)
	_, err = o.Engine.Write(t.Context(), "business/"+lampung, merge.ServerWrite{Name: "import", Role: merge.System, Collection: "application", ID: domain.ApplicationID(lampung, there.ID, 1), Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"programme_id": merge.Str(there.ID)}})
	o.unless(err)
	elsewhere := o.opened("joglosemar-2022", "region_codes", `["33","34"]`, "number_prefix", `"JGL"`)
	for n, tt := range []struct{ name, business, programme, code string }{
		{"a draft", lampung, draft.ID, "not_in_programme"},
		{"of another province", lampung, elsewhere.ID, "not_in_programme"},
		{"of its province", lampung, here.ID, ""},
		{"that it has applied to", lampung, there.ID, ""},
		{"while nobody knows where it is", nowhere, here.ID, ""},
		{"which is none", lampung, o.ids.New(), "invalid_reference"},
	} {
		if _, err := o.Assign(t.Context(), o.as(admin), tt.business, programme.NewAssignment{Mentor: o.person(40+n, "mentor").ID, Programme: tt.programme}); codeOf(err) != tt.code {
			t.Errorf("a programme %s: %v, want %q", tt.name, err, tt.code)
		}
	}
}
