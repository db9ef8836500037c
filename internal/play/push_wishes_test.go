package play_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// wishes keeps on a phone how its owner wants to be told.
func (r *ringing) wishes(p *play.Phone, set map[string]any) {
	r.Helper()
	user := p.Me().User
	r.in(p, merge.UserScope(user), "preference", domain.PreferenceID(user), set)
}

// lies fails unless an item lies in the inbox on a phone.
func (r *ringing) lies(p *play.Phone, item string) {
	r.Helper()
	rows, err := p.Rows(merge.UserScope(p.Me().User), "inbox")
	r.ok(err)
	if !slices.ContainsFunc(rows, func(row merge.Row) bool { return row.ID == item }) {
		r.Errorf("%s has no item %s in its inbox", p.Name, item)
	}
}

// TestWhatIsSwitchedOffLiesInTheInbox: somebody without a network switches classes off. Until
// their phone syncs they ring; from then on they do not, on no phone of theirs, also what was
// planned before; the inbox has everything, results and security too.
func TestWhatIsSwitchedOffLiesInTheInbox(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setRinging(t, on)
			user := r.owner.Me().User
			kinds := map[string]string{"tasks": domain.NoticeTaskVerified, "results": domain.NoticeResults, "security": domain.NoticeNewPhone}
			off := map[string]any{}
			for class, kind := range kinds {
				if n, ok := domain.NoticeTypeOf(kind); !ok || n.Class != class {
					t.Fatalf("%s is of class %q", kind, n.Class)
				}
				off[class+"_push"] = false
			}
			r.owner.Sky.Draw = func() play.Weather { return play.NoNetwork }
			r.wishes(r.owner, off)
			r.w.Clock.Advance(time.Hour)
			planned := map[string]string{}
			for class, kind := range kinds {
				before := r.notice(user, kind)
				r.sends(10 * time.Second)
				if about(r.tablet, before) != 1 {
					t.Errorf("%s does not ring although nobody knows that it should not", class)
				}
			}
			for class, kind := range kinds {
				planned[class] = r.notice(user, kind)
			}
			r.owner.Sky.Draw = nil
			r.sync(r.owner)
			for class, kind := range kinds {
				behind := r.notice(user, kind)
				r.sends(30 * time.Second)
				r.sync(r.owner, r.tablet)
				for _, p := range []*play.Phone{r.owner, r.tablet} {
					if about(p, behind)+about(p, planned[class]) > 0 {
						t.Errorf("%s rings on %s: %d, %d", class, p.Name, about(p, planned[class]), about(p, behind))
					}
					r.lies(p, behind)
					r.lies(p, planned[class])
				}
			}
			other := r.notice(user, domain.NoticeSaleFlagged)
			r.sends(10 * time.Second)
			if about(r.owner, other) != 1 || about(r.tablet, other) != 1 {
				t.Error("a class that nobody switched off is silent")
			}
		})
	}
}

// TestQuietHoursOfTheirOwn: what comes at seven in the evening rings in the morning with who
// wants to be left alone from six to nine, and at once with everybody else. Changed while it
// waits, the new hours hold.
func TestQuietHoursOfTheirOwn(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setRinging(t, on)
			r.wishes(r.owner, map[string]any{"quiet_from": "18:00", "quiet_to": "09:00"})
			r.sync(r.owner)
			r.w.At(time.April, 3, 19, 0)
			mine, theirs := r.notice(r.owner.Me().User, domain.NoticeTaskVerified), r.notice(r.staff.Me().User, domain.NoticeTaskVerified)
			r.sends(time.Minute)
			if about(r.owner, mine) != 0 || about(r.staff, theirs) != 1 {
				t.Errorf("in the evening %d and %d", about(r.owner, mine), about(r.staff, theirs))
			}
			r.w.At(time.April, 4, 9, 25)
			r.sends(4 * time.Minute)
			if about(r.owner, mine) != 0 {
				t.Error("it rings before half an hour behind the quiet hours")
			}
			r.sends(12 * time.Minute)
			if about(r.owner, mine) != 1 {
				t.Errorf("in the morning it rings %d times", about(r.owner, mine))
			}
			r.w.At(time.April, 4, 19, 0)
			next := r.notice(r.owner.Me().User, domain.NoticeTaskVerified)
			r.wishes(r.owner, map[string]any{"quiet_from": "18:00", "quiet_to": "11:00"})
			r.sync(r.owner)
			r.w.At(time.April, 5, 9, 25)
			r.sends(20 * time.Minute)
			if about(r.owner, next) != 0 {
				t.Error("it rings by the hours of before")
			}
			r.w.At(time.April, 5, 11, 29)
			r.sends(12 * time.Minute)
			if about(r.owner, next) != 1 {
				t.Errorf("by the new hours it rings %d times", about(r.owner, next))
			}
		})
	}
}

// TestADigestIsOneCard: who wants several as one hears of what an hour brought, an hour behind
// the first, on one card, which names all of it; results do not wait for it.
func TestADigestIsOneCard(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setRinging(t, on)
			user := r.owner.Me().User
			r.wishes(r.owner, map[string]any{"digest": true})
			r.sync(r.owner)
			r.w.At(time.April, 3, 10, 5)
			var items []string
			r.sends(10 * time.Second) // of the login on the tablet
			before := len(r.owner.Bell.Seen())
			for _, kind := range []string{domain.NoticeTaskVerified, domain.NoticeMentorChanged, domain.NoticeSaleFlagged} {
				items = append(items, r.notice(user, kind))
				r.sends(time.Minute)
			}
			result := r.notice(user, domain.NoticeResults)
			r.sends(10 * time.Second)
			seen := func() []fcmfake.Delivery { return r.owner.Bell.Seen()[before:] }
			if n := len(seen()); n != 1 || about(r.owner, result) != 1 {
				t.Fatalf("before the end of the hour %d messages", n)
			}
			r.w.At(time.April, 3, 11, 4)
			r.sends(2 * time.Minute)
			if len(seen()) != 2 {
				t.Fatalf("%d messages", len(seen()))
			}
			last := seen()[1]
			got := strings.Split(last.Content.Data["items"], ",")
			slices.Sort(got)
			slices.Sort(items)
			if !slices.Equal(got, items) || last.At.Hour() != 4 || last.At.Minute() != 5 {
				t.Errorf("at %v about %v, want %v", last.At, got, items)
			}
		})
	}
}
