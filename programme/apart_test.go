package programme_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// shared brings a contest to where its curators have their files.
func (c *contest) shared() {
	c.Helper()
	c.begun()
	_, err := c.Share(c.Context(), c.as(c.admin), c.edition.ID, 3, nil)
	c.unless(err)
	c.work()
}

// fileOf is the case file of an application.
func (c *contest) fileOf(application string) merge.Row {
	c.Helper()
	all := c.files(c.edition)
	i := slices.IndexFunc(all, func(f merge.Row) bool { return f.ID == application })
	if i < 0 {
		c.Fatal("no such file")
	}
	return all[i]
}

// sees is what a curator's panel holds of a file.
func (c *contest) sees(u store.User, application string) (d merge.Row, there bool) {
	c.Helper()
	all := c.scope(domain.PanelScope(c.edition.ID, u.ID), "dossier")
	if i := slices.IndexFunc(all, func(d merge.Row) bool { return d.Text("application_id") == application }); i >= 0 {
		return all[i], true
	}
	return d, false
}

// lookAt lists the curators whom a file is with.
func (c *contest) lookAt(application string) (out []string) {
	c.Helper()
	for _, r := range c.scope(domain.DecisionScope(c.edition.ID), "file_share") {
		if r.Text("application_id") == application && r.Text("ended_at") == "" {
			out = append(out, r.Text("curator_id"))
		}
	}
	return out
}

// TestNobodyCuratesTheirOwnFile: whoever is of an enterprise, as an owner, as staff or as its
// mentor, now or before, is given every file but its own, also where somebody has to be asked
// for a conflict of interest.
func TestNobodyCuratesTheirOwnFile(t *testing.T) {
	t.Parallel()
	for name, joins := range map[string]func(c *contest, f merge.Row) store.User{
		"an owner who gets a seat": func(c *contest, f merge.Row) store.User {
			return store.User{ID: f.Text("owner_id"), Phone: f.Text("owner_phone")}
		},
		"a mentor who gets a seat": func(c *contest, f merge.Row) store.User {
			u := c.person(70, "mentor")
			_, err := c.Assign(c.Context(), c.as(c.admin), f.Text("business_id"), programme.NewAssignment{Mentor: u.ID})
			c.unless(err)
			return u
		},
		"staff who left": func(c *contest, f merge.Row) store.User {
			u := c.person(71)
			m, err := c.AddMember(c.Context(), c.as(c.admin), f.Text("business_id"), programme.NewMember{Phone: u.Phone, Role: merge.Staff})
			c.unless(err)
			now := c.clock.Now()
			_, err = c.ChangeMember(c.Context(), c.as(c.admin), f.Text("business_id"), m.ID, m.Version, programme.MemberChange{To: &now})
			c.unless(err)
			return u
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t).contest(1)
			c.begun()
			f := c.in(domain.FileStage)[0]
			u := joins(c, f)
			_, err := c.AddCurator(t.Context(), c.as(c.admin), c.edition.ID, programme.NewCurator{Phone: u.Phone, Institution: "Universitas Lampung"})
			c.unless(err)
			c.work()
			_, err = c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
			c.unless(err)
			c.work()
			if _, own := c.sees(u, f.ID); own || len(c.lookAt(f.ID)) != 2 {
				t.Errorf("their own file is before them: %t; it is with %v", own, c.lookAt(f.ID))
			}
			if n := len(c.scope(domain.PanelScope(c.edition.ID, u.ID), "dossier")); n < 10 {
				t.Errorf("they have %d files of others", n)
			}
			for n := range c.curators { // everybody but them steps back from it
				if _, given := c.sees(c.curators[n], f.ID); given {
					c.score(n, f.ID, all(50), map[string]merge.Value{"conflict": merge.Flag(true)})
					c.work()
				}
			}
			if slices.Contains(c.lookAt(f.ID), u.ID) {
				t.Error("they are asked for somebody who stepped back")
			}
		})
	}
}

// TestWhoJoinsAnEnterpriseGivesItsFileBack: their share goes, and the copy that they had;
// what they had said or say yet does not count, and somebody else is asked at once.
func TestWhoJoinsAnEnterpriseGivesItsFileBack(t *testing.T) {
	t.Parallel()
	for name, joins := range map[string]func(c *contest, business string, u store.User){
		"as staff": func(c *contest, business string, u store.User) {
			_, err := c.AddMember(c.Context(), c.as(c.admin), business, programme.NewMember{Phone: u.Phone, Role: merge.Staff})
			c.unless(err)
		},
		"as an owner": func(c *contest, business string, u store.User) {
			_, err := c.AddMember(c.Context(), c.as(c.admin), business, programme.NewMember{Phone: u.Phone, Role: merge.Owner})
			c.unless(err)
		},
		"as its mentor": func(c *contest, business string, u store.User) {
			_, err := c.auth.ChangeRights(c.Context(), u.ID, roles("mentor"))
			c.unless(err)
			_, err = c.Assign(c.Context(), c.as(c.admin), business, programme.NewAssignment{Mentor: u.ID})
			c.unless(err)
		},
		"by a merger": func(c *contest, business string, u store.User) {
			b, err := c.CreateBusiness(c.Context(), c.as(u), programme.NewBusiness{ID: c.ids.New(), Name: "Usaha kurator", RegionCode: "18.71", PrimaryCategory: "food_beverage"})
			c.unless(err)
			c.work()
			_, err = c.Merge(c.Context(), c.as(c.admin), business, b.ID)
			c.unless(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, before := range []bool{true, false} { // whether their sheet is in before they join
				c := open(t).contest(2)
				c.shared()
				file := c.panel(0)[0].Text("application_id")
				if before {
					c.score(0, file, all(100), nil)
					c.work()
				}
				joins(c, c.fileOf(file).Text("business_id"), c.curators[0])
				c.work()
				if d, _ := c.sees(c.curators[0], file); d.Text("taken_at") == "" || d.Fields["answers"] != nil && !merge.Null(d.Fields["answers"]) || d.Text("number") != "" {
					t.Errorf("in before: %t: their copy is %s", before, d.EncodeFields())
				}
				if got := c.lookAt(file); len(got) != 2 || slices.Contains(got, c.curators[0].ID) {
					t.Errorf("in before: %t: it is with %v", before, got)
				}
				c.work()
				items := slices.DeleteFunc(c.scope(domain.DecisionScope(c.edition.ID), "review_item"), func(r merge.Row) bool { return r.Text("what") != "curator_joined" })
				if len(items) != 1 || items[0].Text("author") != c.curators[0].ID || !strings.Contains(string(items[0].Fields["object"]), file) || items[0].Text("scope") != "business/"+c.fileOf(file).Text("business_id") && name != "by a merger" {
					t.Errorf("in before: %t: the admins are told %d times: %v", before, len(items), items)
				}
				if !before { // their phone had it, and no network
					c.score(0, file, all(100), nil)
				}
				c.work()
				c.submitAll(50, func(n int, _ string) bool { return n == 0 })
				v := c.stage(3)
				i := slices.IndexFunc(v.Outcomes, func(o programme.StageOutcome) bool { return o.File == file })
				if slices.Contains(v.Missing, file) || v.Outcomes[i].Score == nil || *v.Outcomes[i].Score != 5000 {
					t.Errorf("in before: %t: missing %t, %+v", before, slices.Contains(v.Missing, file), v.Outcomes[i])
				}
			}
		})
	}
}

// TestJoiningAndSharingMeet: whichever of the two commits is followed first, nobody keeps
// their own file; and what is done twice is done once.
func TestJoiningAndSharingMeet(t *testing.T) {
	t.Parallel()
	c := open(t).contest(3)
	c.shared()
	file := c.panel(0)[0].Text("application_id")
	business := c.fileOf(file).Text("business_id")
	m, err := c.AddMember(t.Context(), c.as(c.admin), business, programme.NewMember{Phone: c.curators[0].Phone, Role: merge.Staff})
	c.unless(err)
	var given merge.Row
	for _, r := range c.scope(domain.DecisionScope(c.edition.ID), "file_share") {
		if r.Text("application_id") == file && r.Text("curator_id") == c.curators[0].ID {
			given = r
		}
	}
	step := c.Steps()[domain.StepApart]
	for range 2 {
		c.unless(step(t.Context(), merge.Effect{Scope: domain.DecisionScope(c.edition.ID), Collection: "file_share", ID: given.ID})) // as a share that is written behind the membership
		c.unless(step(t.Context(), merge.Effect{Scope: "business/" + business, Collection: "membership", ID: m.ID}))
	}
	c.work()
	if got := c.lookAt(file); len(got) != 2 || slices.Contains(got, c.curators[0].ID) {
		t.Errorf("it is with %v", got)
	}
}
