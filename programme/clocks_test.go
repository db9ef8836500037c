package programme_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// clocks are a business in each zone, whose owner is somebody else.
type clocks struct {
	*planners
	of    map[domain.Zone]string
	admin store.User
}

// member makes somebody an owner or staff of a business.
func (c *clocks) member(u store.User, zone domain.Zone, role merge.Role) {
	c.Helper()
	_, err := c.AddMember(c.Context(), c.as(c.admin), c.of[zone][len("business/"):], programme.NewMember{Phone: u.Phone, Role: role})
	c.unless(err)
}

// accompanies gives somebody a window as mentor now, for some days; 0: for good.
func (c *clocks) accompanies(u store.User, zone domain.Zone, days int) {
	c.Helper()
	a := c.assigns(c.admin, c.of[zone], programme.NewAssignment{Mentor: u.ID})
	if days > 0 {
		c.ends(c.admin, c.of[zone], a, c.clock.Now().Add(time.Duration(days)*24*time.Hour), "")
	}
}

// follows gives somebody a window that begins in two years.
func (c *clocks) follows(u store.User, zone domain.Zone) {
	c.Helper()
	before := c.person(7, "mentor")
	c.ends(c.admin, c.of[zone], c.assigns(c.admin, c.of[zone], programme.NewAssignment{Mentor: before.ID}), c.clock.Now().Add(2*365*24*time.Hour), u.ID)
}

func (c *clocks) worksIn(u store.User, regions ...string) {
	c.Helper()
	_, err := c.ChangeMentor(c.Context(), c.as(c.admin), u.ID, programme.Version{}, map[string]merge.Value{"regions": merge.Encode(regions)})
	c.unless(err)
}

// TestByWhoseClocksSomebodyLives: quiet hours are those of the recipient, by the windows that
// hold.
func TestByWhoseClocksSomebodyLives(t *testing.T) {
	t.Parallel()
	start := moment("2022-06-01T03:30Z")
	for name, tt := range map[string]struct {
		roles []string
		live  func(*clocks, store.User)
		about domain.Zone // business that the item is about; "" none
		want  domain.Zone
	}{
		"nobody's":                   {nil, func(*clocks, store.User) {}, "", domain.WIB},
		"nobody's, about a business": {nil, func(*clocks, store.User) {}, domain.WIT, domain.WIT},
		"staff":                      {nil, func(c *clocks, u store.User) { c.member(u, domain.WITA, merge.Staff) }, "", domain.WITA},
		"owner of two, about one": {nil, func(c *clocks, u store.User) {
			c.member(u, domain.WITA, merge.Owner)
			c.member(u, domain.WIT, merge.Owner)
		}, domain.WIT, domain.WIT},
		"owner of one, about another": {nil, func(c *clocks, u store.User) { c.member(u, domain.WITA, merge.Owner) }, domain.WIT, domain.WITA},
		"a mentor who left one zone": {[]string{"mentor"}, func(c *clocks, u store.User) {
			c.accompanies(u, domain.WIT, 1)
			c.accompanies(u, domain.WITA, 0)
		}, "", domain.WITA},
		"a mentor who left and is still to come": {[]string{"mentor"}, func(c *clocks, u store.User) {
			c.accompanies(u, domain.WIT, 1)
			c.follows(u, domain.WITA)
		}, "", domain.WITA},
		"a mentor who is here and will be there": {[]string{"mentor"}, func(c *clocks, u store.User) {
			c.follows(u, domain.WIT)
			c.accompanies(u, domain.WITA, 0)
		}, "", domain.WITA},
		"a mentor of two, about one": {[]string{"mentor"}, func(c *clocks, u store.User) {
			c.accompanies(u, domain.WIT, 0)
			c.accompanies(u, domain.WITA, 0)
		}, domain.WIT, domain.WIT},
		"a mentor of a region":                {[]string{"mentor"}, func(c *clocks, u store.User) { c.worksIn(u, "73", "18.71"); c.accompanies(u, domain.WIT, 0) }, "", domain.WITA},
		"a mentor of a region, about one":     {[]string{"mentor"}, func(c *clocks, u store.User) { c.worksIn(u, "73"); c.accompanies(u, domain.WIT, 0) }, domain.WIT, domain.WITA},
		"a mentor of a region who owns one":   {[]string{"mentor"}, func(c *clocks, u store.User) { c.worksIn(u, "73"); c.member(u, domain.WIT, merge.Owner) }, domain.WIT, domain.WIT},
		"a mentor of a region, about nothing": {[]string{"mentor"}, func(c *clocks, u store.User) { c.worksIn(u, "73"); c.member(u, domain.WIT, merge.Owner) }, "", domain.WITA},
		"an owner who accompanies another one": {[]string{"mentor"}, func(c *clocks, u store.User) {
			c.accompanies(u, domain.WIT, 0)
			c.member(u, domain.WITA, merge.Owner)
		}, "", domain.WITA},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clocks{planners: open(t).planners(), of: map[domain.Zone]string{}}
			c.clock.Set(start)
			c.admin = c.person(9, "admin")
			other, u := c.person(8), c.person(1, tt.roles...)
			for _, zone := range []domain.Zone{domain.WIT, domain.WITA, domain.WIB} { // ids go with time
				c.of[zone] = c.branch(other, regions()[zone])
				c.clock.Advance(time.Second)
			}
			tt.live(c, u)
			c.clock.Set(start.Add(365 * 24 * time.Hour))
			scope := c.of[tt.about]
			c.placed(u, domain.NoticeResults, scope, merge.Key{})
			r, rows, err := c.two[0].Ringing(t.Context(), u.ID, []string{c.inbox(u, domain.NoticeResults)[0].ID})
			if err != nil || len(rows) != 1 || r.Zone != tt.want {
				t.Errorf("lives by %s, want %s (%d items, %v)", r.Zone, tt.want, len(rows), err)
			}
		})
	}
}
