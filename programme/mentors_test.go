package programme_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// profile writes the profile of a mentor; fields are JSON.
func (o *office) profile(admin, mentor store.User, fields ...string) programme.Mentor {
	o.Helper()
	m, err := o.MentorProfile(o.Context(), o.as(admin), mentor.ID)
	o.unless(err)
	m, err = o.ChangeMentor(o.Context(), o.as(admin), mentor.ID, m.Version, written(fields...))
	o.unless(err)
	return m
}

func written(fields ...string) map[string]merge.Value {
	set := map[string]merge.Value{}
	for i := 0; i+1 < len(fields); i += 2 {
		set[fields[i]] = merge.Value(fields[i+1])
	}
	return set
}

func TestAMentorTakesAsManyAsTheyCan(t *testing.T) {
	t.Parallel()
	c := load(t, 0)
	owner := c.person(3)
	var businesses []string
	give := func(n programme.NewAssignment) error {
		b := c.business(owner)
		a, err := c.Assign(t.Context(), c.as(c.admin), b, n)
		if err == nil {
			businesses = append(businesses, b)
			c.unless(nilIf(a.Lead))
		}
		return err
	}
	for range domain.DefaultMentorCapacity {
		c.unless(give(programme.NewAssignment{Mentor: c.old.ID}))
	}
	c.clock.Advance(time.Second)
	for _, tt := range []struct {
		name, code string
		n          programme.NewAssignment
	}{
		{"one more", "mentor_full", programme.NewAssignment{Mentor: c.old.ID}},
		{"beyond, and no word why", "required", programme.NewAssignment{Mentor: c.old.ID, Beyond: true, Reason: "  "}},
		{"beyond, with a reason", "", programme.NewAssignment{Mentor: c.old.ID, Beyond: true, Reason: "satu desa"}},
		{"and again without", "mentor_full", programme.NewAssignment{Mentor: c.old.ID}},
	} {
		if err := give(tt.n); codeOf(err) != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	c.profile(c.admin, c.old, "capacity", "7")
	c.unless(give(programme.NewAssignment{Mentor: c.old.ID}))
	if err := give(programme.NewAssignment{Mentor: c.old.ID}); fault.CodeOf(err) != "mentor_full" {
		t.Errorf("the eighth: %v", err)
	}
	// Who leaves makes room from then on, and not before.
	later := c.clock.Now().Add(time.Hour)
	_, err := c.ChangeAssignment(t.Context(), c.as(c.admin), businesses[0], c.window(businesses[0]).ID, c.window(businesses[0]).Version, programme.AssignmentChange{To: &later})
	c.unless(err)
	if err := give(programme.NewAssignment{Mentor: c.old.ID}); fault.CodeOf(err) != "mentor_full" {
		t.Errorf("before somebody is left: %v", err)
	}
	c.clock.Set(later)
	c.unless(give(programme.NewAssignment{Mentor: c.old.ID}))
	load, err := c.Caseload(t.Context(), c.as(c.old), c.old.ID, "", 100)
	if err != nil || load.Count != 7 || load.Capacity != 7 || len(load.Businesses) != 7 {
		t.Errorf("%d of %d, %v", load.Count, load.Capacity, err)
	}
	// What one was given twice counts once, and who is in already needs no room.
	if _, err := c.Assign(t.Context(), c.as(c.admin), businesses[1], programme.NewAssignment{Mentor: c.old.ID, Track: "digital"}); fault.CodeOf(err) != "conflict" {
		t.Errorf("a second window: %v", err)
	}
}

// codeOf is the code of an error; empty for none.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}

// nilIf is no error if ok.
func nilIf(ok bool) error {
	if ok {
		return nil
	}
	return fmt.Errorf("the first mentor does not lead")
}

// TestAHandoverFindsRoom: one business or all of them, at once or step by step.
func TestAHandoverFindsRoom(t *testing.T) {
	t.Parallel()
	c := load(t, 3)
	c.profile(c.admin, c.next, "capacity", "2")
	hand := func(h programme.Handover) (programme.Job, error) {
		h.To, h.Note = c.next.ID, "cuti"
		return c.Handover(t.Context(), c.as(c.admin), c.old.ID, h)
	}
	_, err := hand(programme.Handover{})
	c.unless(needs(err, "mentor_full"))
	_, err = hand(programme.Handover{Beyond: true})
	c.unless(needs(err, "required"))
	one := c.businesses[0]
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), one, c.window(one).ID, c.window(one).Version, programme.AssignmentChange{To: new(c.clock.Now()), Successor: c.next.ID, Note: "cuti"})
	c.unless(err)
	c.clock.Advance(time.Second)
	// Room for one of the two: there when the job began, gone when its step came.
	j, err := hand(programme.Handover{Businesses: c.businesses[1:2]})
	c.unless(err)
	_, err = c.Assign(t.Context(), c.as(c.admin), c.business(c.person(3)), programme.NewAssignment{Mentor: c.next.ID})
	c.unless(err)
	c.clock.Advance(time.Second)
	c.work()
	if j, err = c.Job(t.Context(), c.as(c.admin), j.ID); err != nil || j.Steps[0].Code != "mentor_full" {
		t.Errorf("%+v, %v", j.Steps, err)
	}
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), c.businesses[1], c.window(c.businesses[1]).ID, c.window(c.businesses[1]).Version, programme.AssignmentChange{To: new(c.clock.Now()), Successor: c.next.ID})
	c.unless(needs(err, "mentor_full"))
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), c.businesses[1], c.window(c.businesses[1]).ID, c.window(c.businesses[1]).Version,
		programme.AssignmentChange{To: new(c.clock.Now()), Successor: c.next.ID, Note: "cuti", Beyond: true, Reason: "awal"})
	c.unless(err)
	c.clock.Advance(time.Second)
	j, err = hand(programme.Handover{Beyond: true, Reason: "awal"})
	c.unless(err)
	c.work()
	if j, err = c.Job(t.Context(), c.as(c.admin), j.ID); err != nil || j.Count(domain.StepDone) != 1 {
		t.Errorf("%+v, %v", j.Steps, err)
	}
	for _, b := range c.businesses {
		c.handedOver(b)
	}
}

// needs is no error if err has the code.
func needs(err error, code string) error {
	if fault.CodeOf(err) == code {
		return nil
	}
	return fmt.Errorf("want %s: %w", code, err)
}

// TestOfTwoAdminsOneFindsRoom: with one place left and two businesses to give.
func TestOfTwoAdminsOneFindsRoom(t *testing.T) {
	t.Parallel()
	for round := range 8 {
		o := open(t)
		admin, mentor, owner := o.person(1, "admin"), o.person(5, "mentor"), o.person(2)
		o.profile(admin, mentor, "capacity", "1")
		errs := make([]error, 4)
		var all sync.WaitGroup
		for i := range errs {
			who, b := o.as(admin), o.business(owner)
			all.Go(func() {
				_, errs[i] = o.Assign(context.Background(), who, b, programme.NewAssignment{Mentor: mentor.ID})
			})
		}
		all.Wait()
		in := 0
		for _, err := range errs {
			if o.unless(err, "mentor_full"); err == nil {
				in++
			}
		}
		if in != 1 {
			t.Fatalf("round %d: %v", round, errs)
		}
	}
}

func TestAMentorIsSentForTheirTracks(t *testing.T) {
	t.Parallel()
	c := load(t, 1)
	owner := c.person(3)
	c.profile(c.admin, c.next, "tracks", `["quality","business"]`)
	for track, code := range map[string]string{"quality": "", "digital": "invalid_value", "": "invalid_value"} {
		if _, err := c.Assign(t.Context(), c.as(c.admin), c.business(owner), programme.NewAssignment{Mentor: c.next.ID, Track: track}); codeOf(err) != code {
			t.Errorf("for %q: %v", track, err)
		}
	}
	b := c.businesses[0] // digital
	_, err := c.ChangeAssignment(t.Context(), c.as(c.admin), b, c.window(b).ID, c.window(b).Version, programme.AssignmentChange{To: new(c.clock.Now()), Successor: c.next.ID})
	c.unless(needs(err, "invalid_value"))
	j, err := c.Handover(t.Context(), c.as(c.admin), c.old.ID, programme.Handover{To: c.next.ID})
	c.unless(err)
	c.work()
	if j, err = c.Job(t.Context(), c.as(c.admin), j.ID); err != nil || j.Steps[0].Code != "invalid_value" {
		t.Errorf("%+v, %v", j.Steps, err)
	}
}

func TestAProfileIsWrittenWhole(t *testing.T) {
	t.Parallel()
	o := open(t)
	admin, mentor, owner := o.person(1, "admin"), o.person(5, "mentor"), o.person(2)
	m, err := o.MentorProfile(t.Context(), o.as(mentor), mentor.ID)
	if o.unless(err); m.Version.Seq != 0 || m.Capacity() != domain.DefaultMentorCapacity || len(m.Profile.Fields) != 0 {
		t.Errorf("nobody wrote one: %+v", m)
	}
	_, err = o.ChangeMentor(t.Context(), o.as(admin), mentor.ID, m.Version, written("tracks", `["cooking"]`, "regions", `["99"]`, "capacity", "0", "languages", `["klingon"]`, "phone", `"x"`))
	bad, ok := errors.AsType[*fault.Error](err)
	if !ok || bad.Kind != fault.Invalid {
		t.Fatalf("nothing of it fits: %v", err)
	}
	for _, field := range []string{"tracks", "regions", "capacity", "languages", "phone"} {
		if !slices.ContainsFunc(bad.More, func(m fault.Mistake) bool { return strings.HasPrefix(m.Field, field) }) {
			t.Errorf("%s is not among %+v", field, bad.More)
		}
	}
	first := o.profile(admin, mentor, "institution", `"Dinas Perindustrian"`, "tracks", `["digital"]`, "regions", `["18","31.71"]`, "capacity", "12", "languages", `["id","ljp"]`)
	if first.Profile.Text("institution") != "Dinas Perindustrian" || first.Capacity() != 12 || first.Profile.Text("user_id") != mentor.ID || first.Version.Seq == 0 {
		t.Errorf("%+v", first)
	}
	for name, v := range map[string]programme.Version{"as if there were none": m.Version, "of another generation": {Generation: first.Version.Generation + 1, Seq: first.Version.Seq}} {
		if _, err := o.ChangeMentor(t.Context(), o.as(admin), mentor.ID, v, written("capacity", "3")); fault.CodeOf(err) != "stale_version" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again := o.profile(admin, mentor, "capacity", "3"); again.Capacity() != 3 || len(again.Profile.Strings("tracks")) != 0 || again.Profile.Text("institution") != "" {
		t.Errorf("what is not said stays: %+v", again.Profile.Fields)
	}
	for _, tt := range []struct {
		name, code string
		who, of    store.User
	}{{"an owner", "forbidden", owner, mentor}, {"the mentor", "forbidden", mentor, mentor}, {"an admin, of who is none", "not_found", admin, owner}} {
		if _, err := o.ChangeMentor(t.Context(), o.as(tt.who), tt.of.ID, m.Version, written("capacity", "99")); codeOf(err) != tt.code {
			t.Errorf("%s writes: %v", tt.name, err)
		}
	}
	_, err = o.MentorProfile(t.Context(), o.as(owner), mentor.ID)
	o.unless(needs(err, "forbidden"))
	_, err = o.MentorProfile(t.Context(), o.as(owner), owner.ID)
	o.unless(needs(err, "not_found"))
}

// TestMentorsAreListed in pages, by what they can do, and to a regional admin those of a
// region of theirs.
func TestMentorsAreListed(t *testing.T) {
	t.Parallel()
	c := load(t, 5) // the old one is full
	third, fourth := c.person(30, "mentor"), c.person(31, "mentor")
	c.profile(c.admin, c.next, "tracks", `["quality"]`, "regions", `["18.71","18.72"]`)
	c.profile(c.admin, third, "tracks", `["digital","quality"]`, "regions", `["51"]`)
	lampung, bali, java := c.person(40, "admin"), c.person(41, "admin"), c.person(42, "admin")
	for id, province := range map[string]string{lampung.ID: "18", bali.ID: "51", java.ID: "33"} {
		_, err := c.auth.ChangeRights(t.Context(), id, roles("regional_admin", province))
		c.unless(err)
	}
	names := map[string]string{c.old.ID: "old", c.next.ID: "next", third.ID: "third", fourth.ID: "fourth"}
	for _, tt := range []struct {
		name string
		who  store.User
		f    programme.MentorFilter
		want []string
	}{
		{"all", c.admin, programme.MentorFilter{}, []string{"old", "next", "third", "fourth"}},
		{"for a track, or for all", c.admin, programme.MentorFilter{Track: "digital"}, []string{"old", "third", "fourth"}},
		{"with room", c.admin, programme.MentorFilter{Free: true}, []string{"next", "third", "fourth"}},
		{"of a province", c.admin, programme.MentorFilter{Region: "18"}, []string{"next"}},
		{"of a city in a province", c.admin, programme.MentorFilter{Region: "51.71"}, []string{"third"}},
		{"of another city", c.admin, programme.MentorFilter{Region: "18.10"}, nil},
		{"all at once", c.admin, programme.MentorFilter{Track: "quality", Region: "51", Free: true}, []string{"third"}},
		{"of Lampung", lampung, programme.MentorFilter{}, []string{"next"}},
		{"of Bali", bali, programme.MentorFilter{Track: "quality"}, []string{"third"}},
		{"of Central Java", java, programme.MentorFilter{}, nil},
	} {
		for limit := 1; limit <= 5; limit++ {
			var got []string
			for after, more := "", true; more; {
				page, next, err := c.Mentors(t.Context(), c.as(tt.who), tt.f, after, limit)
				c.unless(err)
				if more = next; more && len(page) != limit {
					t.Fatalf("a page of %d, and there is more", len(page))
				}
				for _, m := range page {
					after, got = m.User, append(got, names[m.User])
				}
			}
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(tt.want)); !slices.Equal(got, want) {
				t.Errorf("%s, by %d: %v, want %v", tt.name, limit, got, want)
			}
		}
	}
	for name, tt := range map[string]struct {
		who  store.User
		f    programme.MentorFilter
		code string
	}{"a mentor": {c.old, programme.MentorFilter{}, "forbidden"}, "a track that is none": {c.admin, programme.MentorFilter{Track: "cooking"}, "invalid_value"},
		"a region that is none": {c.admin, programme.MentorFilter{Region: "99"}, "region_unknown"}} {
		if _, _, err := c.Mentors(t.Context(), c.as(tt.who), tt.f, "", 5); codeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, tt := range map[string]struct {
		who, of store.User
		code    string
	}{"of a region of theirs": {lampung, c.next, ""}, "of another": {bali, c.next, "not_found"}, "of none": {lampung, fourth, "not_found"}, "another mentor's": {c.old, c.next, "forbidden"}} {
		if _, err := c.MentorProfile(t.Context(), c.as(tt.who), tt.of.ID); codeOf(err) != tt.code {
			t.Errorf("a profile %s: %v", name, err)
		}
	}
}
