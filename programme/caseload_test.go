package programme_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/programme"
)

// TestACaseloadIsReadInPages of any size, by those who may, and a regional admin sees what
// lies in their provinces.
func TestACaseloadIsReadInPages(t *testing.T) {
	c := load(t, 0)
	ani := c.person(3)
	for range 5 {
		b, err := c.CreateBusiness(t.Context(), c.as(ani), programme.NewBusiness{ID: c.ids.New(), Name: "Rajut Metro", RegionCode: "18.71", PrimaryCategory: "fashion"})
		c.unless(err)
		_, err = c.Assign(t.Context(), c.as(c.admin), b.ID, programme.NewAssignment{Mentor: c.old.ID})
		c.unless(err)
		c.businesses = append(c.businesses, b.ID)
	}
	c.work()
	want, count := slices.Sorted(slices.Values(c.businesses)), 5
	read := func(who programme.Caller, limit int) (all []string) {
		t.Helper()
		for after, more := "", true; more; {
			load, err := c.Caseload(t.Context(), who, c.old.ID, after, limit)
			c.unless(err)
			page := load.Businesses
			if more = load.More; load.Capacity != 5 || load.Count != count {
				t.Errorf("%d of %d, want %d", load.Count, load.Capacity, count)
			}
			if more && len(page) != limit {
				t.Fatalf("a page of %d, and there is more", len(page))
			}
			for _, a := range page {
				if a.Name == "" || a.Region == "" || a.Since.IsZero() || !a.Lead {
					t.Errorf("%+v", a)
				}
				after, all = a.Business, append(all, a.Business)
			}
		}
		return all
	}
	lampung, bali := c.person(8, "admin"), c.person(9, "admin")
	for id, province := range map[string]string{lampung.ID: "18", bali.ID: "51"} {
		_, err := c.auth.ChangeRights(t.Context(), id, roles("regional_admin", province))
		c.unless(err)
	}
	for _, limit := range []int{1, 2, 5, 100} {
		for name, who := range map[string]programme.Caller{"the mentor": c.as(c.old), "an admin": c.as(c.admin), "an admin of the province": c.as(lampung)} {
			if got := read(who, limit); !slices.Equal(got, want) {
				t.Errorf("%s, by %d: %v, want %v", name, limit, got, want)
			}
		}
	}
	_, err := c.Caseload(t.Context(), c.as(bali), c.old.ID, "", 2) // of another province
	c.unless(err, "not_found")
	_, err = c.Caseload(t.Context(), c.as(c.next), c.old.ID, "", 5)
	c.unless(err, "forbidden")
	_, err = c.Caseload(t.Context(), c.as(ani), c.old.ID, "", 5)
	c.unless(err, "forbidden")
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), want[0], c.window(want[0]).ID, c.window(want[0]).Version, programme.AssignmentChange{To: new(c.clock.Now())})
	c.unless(err)
	c.work()
	count = 4
	if got := read(c.as(c.old), 5); !slices.Equal(got, want[1:]) {
		t.Errorf("after one has ended: %v, want %v", got, want[1:])
	}
}

// window is the open one of the old mentor.
func (c *caseload) window(business string) programme.Assignment {
	c.Helper()
	old, _, _ := c.windows(business)
	return old
}
