package play_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// ringing is a scene whose phones ring, at ten in the morning of a Saturday.
type ringing struct {
	*scene
	n int
}

func setRinging(t *testing.T, on func(play.Options) play.Options, change ...func(*play.Options)) *ringing {
	t.Helper()
	return &ringing{scene: set(t, func(o *play.Options) {
		o.Store, o.Identity = nil, nil
		rings(t, o, play.AmountStart())
		for _, c := range change {
			c(o)
		}
		*o = on(*o)
	})}
}

// notice puts an item of a type into somebody's inbox, and has its pushes planned.
func (r *ringing) notice(user, kind string) (item string) {
	r.Helper()
	r.n++
	item = id.Derive("notice", user, kind, string(rune('a'+r.n)))
	t, ok := domain.NoticeTypeOf(kind)
	if !ok {
		r.Fatal(kind)
	}
	_, err := r.w.App.Engine.Write(r.Context(), merge.UserScope(user), merge.ServerWrite{Name: "notice." + item, Role: merge.System, Collection: "inbox", ID: item, Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"type": merge.Str(kind), "class": merge.Str(t.Class), "deep_link": merge.Str("app://hasil"), "scope": merge.Str("programmes")}})
	r.ok(err)
	r.ok(r.w.Step(r.Context()))
	return item
}

// sends lets a while pass in which what is due is sent.
func (r *ringing) sends(d time.Duration) {
	r.Helper()
	r.ok(r.w.Sends(r.Context(), r.w.Clock.Now().Add(d), time.Second))
}

// about are the messages about an item that a phone got.
func about(p *play.Phone, item string) (n int) {
	for _, d := range p.Bell.Seen() {
		if slices.Contains(strings.Split(d.Content.Data["items"], ","), item) {
			n++
		}
	}
	return n
}

// addresses are how many addresses somebody has.
func (r *ringing) addresses(user string) int {
	r.Helper()
	all, err := r.w.App.Push.Store.AddressesOf(r.Context(), user)
	r.ok(err)
	return len(all)
}

// TestWhatStopsAPhoneRings: a push that was planned before, and one that is planned behind.
// The other phone of the same person goes on, where the person is still somebody.
func TestWhatStopsAPhoneRings(t *testing.T) {
	for name, on := range stores(t) {
		for what, c := range map[string]struct {
			do    func(*ringing)
			goes  bool // the other phone of the person
			count int  // addresses that the person has afterwards
		}{
			"the phone is another person's now": {func(r *ringing) {
				r.owner.Who = r.w.Person("Dimas")
				r.ok(r.owner.Login(r.Context())) // and names its address, as every app does
			}, true, 1},
			"a logout": {func(r *ringing) {
				session, err := r.owner.Session()
				r.ok(err)
				r.ok(r.owner.Send(r.Context(), http.MethodPost, "/v1/auth/logout", "", map[string]any{"refresh_token": session.Refresh}, nil))
			}, true, 1},
			"a logout, behind a name for the other one": {func(r *ringing) {
				err := r.owner.Send(r.Context(), http.MethodPut, "/v1/me/devices/"+r.tablet.Me().Device+"/push", "", map[string]any{"provider": "fcm", "kind": "token", "value": r.owner.Bell.Address()}, nil)
				if fault.CodeOf(err) != "not_found" {
					r.Errorf("a phone that names another one hears %v", err)
				}
				session, err := r.owner.Session()
				r.ok(err)
				r.ok(r.owner.Send(r.Context(), http.MethodPost, "/v1/auth/logout", "", map[string]any{"refresh_token": session.Refresh}, nil))
			}, true, 1},
			"the device is revoked as lost": {func(r *ringing) {
				r.ok(r.tablet.Send(r.Context(), http.MethodDelete, "/v1/me/devices/"+r.owner.Me().Device+"?as=lost", "", nil, nil))
			}, true, 1},
			"a logout everywhere": {func(r *ringing) {
				r.ok(r.tablet.Send(r.Context(), http.MethodDelete, "/v1/me/sessions", "", nil, nil))
			}, false, 0},
			"the account is suspended": {func(r *ringing) {
				_, err := r.w.App.Auth.ChangeRights(r.Context(), r.owner.Me().User, auth.RightsChange{Op: auth.RightsSuspend})
				r.ok(err)
			}, false, -1},
			"the app is not there any more": {func(r *ringing) { r.owner.Bell.Uninstall() }, true, 1},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				r := setRinging(t, on)
				user := r.owner.Me().User
				first := r.notice(user, domain.NoticeResults)
				r.sends(10 * time.Second)
				if about(r.owner, first) != 1 || about(r.tablet, first) != 1 {
					t.Fatalf("%d and %d", about(r.owner, first), about(r.tablet, first))
				}
				planned := r.notice(user, domain.NoticeResults)
				c.do(r)
				behind := r.notice(user, domain.NoticeResults)
				r.sends(30 * time.Second)
				if about(r.owner, planned) > 0 || about(r.owner, behind) > 0 {
					t.Errorf("the phone rings: %d, %d", about(r.owner, planned), about(r.owner, behind))
				}
				if goes := about(r.tablet, planned) == 1 && about(r.tablet, behind) == 1; goes != c.goes {
					t.Errorf("the tablet rings %d and %d times", about(r.tablet, planned), about(r.tablet, behind))
				}
				if n := r.addresses(user); c.count >= 0 && n != c.count {
					t.Errorf("%d addresses", n)
				}
				if what == "the phone is another person's now" {
					theirs := r.notice(r.owner.Me().User, domain.NoticeResults)
					r.sends(10 * time.Second)
					if about(r.owner, theirs) != 1 {
						t.Error("it does not ring for its new owner")
					}
				}
			})
		}
	}
}

// TestAReminderEndsWithTheMentor: a business is handed over between the hour of a reminder
// and the moment at which it is sent. The old mentor's phone does not ring, and the next
// one's neither for that day; the owner's does.
func TestAReminderEndsWithTheMentor(t *testing.T) {
	t.Parallel()
	b, desk, mentor := setBell(t, func(o *play.Options) { rings(t, o, play.AmountStart()) })
	business := strings.TrimPrefix(b.scope, "business/")
	window, err := b.w.Assign(t.Context(), desk, business, mentor.Who)
	b.ok(err)
	next := b.enter(b.w.Person("Pak Hendra"), "the next mentor")
	b.sync(b.owner, mentor)
	b.propose("Dapur")
	b.sync(b.owner, mentor)
	b.approve(desk, "2022-09-30")
	b.due(mentor, "2022-06-17")
	b.sync(mentor, b.owner)
	b.until(14, 7, 30)
	before := len(mentor.Rang(domain.NoticeCaseDue))
	b.login(desk)
	b.w.At(time.June, 14, 8, 0)
	_, err = b.w.App.Programme.Remind(t.Context())
	b.ok(err)
	b.ok(b.w.Step(t.Context()))
	if n := len(b.told(mentor.Who, b.scope, "haccp/documents")); n != 2 {
		t.Fatalf("the mentor was reminded %d times", n)
	}
	b.ok(b.w.Reassign(t.Context(), desk, business, window, next.Who))
	owner := len(b.owner.Rang(domain.NoticeCaseDue))
	b.ok(b.w.Sends(t.Context(), b.w.Clock.Now().Add(2*time.Minute), time.Second))
	if n := len(mentor.Rang(domain.NoticeCaseDue)) - before; n != 0 {
		t.Errorf("the old mentor's phone rings %d times", n)
	}
	if n := len(b.owner.Rang(domain.NoticeCaseDue)) - owner; before == 0 || n != 1 {
		t.Errorf("the owner's phone rings %d times, the mentor's did %d times before", n, before)
	}
}
