package play_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// town is a newsroom, and owners in Bangka Belitung who have no phones: as many as another
// admin has to read an announcement for, or nearly.
type town struct {
	*newsroom
	users, businesses []string
	moved             int
	author, approver  *play.Phone
}

func setTown(t *testing.T, people int, change ...func(*play.Options)) *town {
	t.Helper()
	n := &town{newsroom: setNewsroom(t, 0, 0, change...)}
	n.author, n.approver, n.outside = n.desk, n.second, nil
	for range people / 200 {
		n.settle(200)
	}
	n.settle(people % 200)
	n.ok(n.w.Step(t.Context()))
	return n
}

// settle founds one more business, of so many new owners.
func (n *town) settle(people int) {
	n.Helper()
	b := id.Derive("town", fmt.Sprint(len(n.businesses)))
	write := func(collection, record string, set map[string]merge.Value) merge.ServerWrite {
		return merge.ServerWrite{Name: "town." + b, Role: merge.System, Collection: collection, ID: record, Op: merge.Put, Create: true, Set: set}
	}
	writes := []merge.ServerWrite{write("business", b, map[string]merge.Value{"name": merge.Str("Usaha"), "region_code": merge.Str("19.71"), "district_code": merge.Value("null"), "village_code": merge.Value("null"), "primary_category": merge.Str("crafts"), "status": merge.Str("active")})}
	for range people {
		u := id.Derive("town", "user", fmt.Sprint(len(n.users)))
		n.users = append(n.users, u)
		writes = append(writes, write("membership", id.Derive("membership", b, u), map[string]merge.Value{"user_id": merge.Str(u), "role": merge.Str(string(merge.Owner)), "from": merge.Millis(n.w.Clock.Now().UnixMilli()).Value()}))
	}
	_, err := n.w.App.Engine.Write(n.Context(), "business/"+b, writes...)
	n.ok(err)
	n.businesses = append(n.businesses, b)
}

// moves lets the business that was founded last say that it lies elsewhere.
func (n *town) moves(region string) {
	n.Helper()
	business := n.businesses[len(n.businesses)-1]
	n.moved++
	_, err := n.w.App.Engine.Write(n.Context(), "business/"+business, merge.ServerWrite{Name: fmt.Sprint("town.move.", n.moved), Role: merge.System, Collection: "business", ID: business, Op: merge.Put,
		Set: map[string]merge.Value{"region_code": merge.Str(region), "district_code": merge.Value("null"), "village_code": merge.Value("null")}})
	n.ok(err)
}

// plans has an announcement for the town scheduled at an instant.
func (n *town) plans(at time.Time) play.News {
	n.Helper()
	n.ok(n.author.Login(n.Context()))
	fields := n.briefing(at)
	fields["audience"] = map[string]any{"regions": []string{"19"}}
	fields["include_late_joiners"], fields["expires_at"] = true, at.Add(36*time.Hour)
	a, err := n.author.Draft(n.Context(), fields)
	n.ok(err)
	if p, err := n.author.Preview(n.Context(), a.ID); err != nil || p.Review {
		n.Fatalf("it is for %d from the beginning, %v", p.People, err)
	}
	return n.operate(n.author, a, domain.AnnounceSchedule)
}

// strikes lets both servers look, and their work be done, twice.
func (n *town) strikes() {
	n.Helper()
	for range 2 {
		n.look()
		n.ok(n.w.Step(n.Context()))
	}
}

// has counts the people who have an announcement. Whoever has it twice fails the test.
func (n *town) has(a play.News) (people int) {
	n.Helper()
	for _, u := range n.users {
		rows, err := n.w.Rows(n.Context(), merge.UserScope(u), "inbox")
		n.ok(err)
		rows = slices.DeleteFunc(rows, func(r merge.Row) bool { return domain.ItemAnnouncement(r) != a.ID })
		if len(rows) > 1 {
			n.Errorf("%s has it %d times", u, len(rows))
		}
		people += len(rows)
	}
	return people
}

// kept are what admins are told of one announcement that was kept back.
func (n *town) kept(a play.News) (items []merge.Row) {
	n.Helper()
	rows, err := n.w.Rows(n.Context(), domain.GeneralQueue, "review_item")
	n.ok(err)
	return slices.DeleteFunc(rows, func(r merge.Row) bool { return domain.NoticeObject(r).ID != a.ID })
}

// keptBack wants admins to be told once why an announcement was kept back, and truly.
func (n *town) keptBack(at string, a play.News) {
	n.Helper()
	items := n.kept(a)
	if len(items) != 1 || items[0].Text("what") != "announcement_withheld" || items[0].Text("code") != "review_required" || items[0].Text("author") != n.author.Me().User || items[0].Text("resolved_at") != "" {
		n.Errorf("%s: admins are told of %+v", at, items)
	}
}

// reviewed has it published a minute from now, with the approval of somebody else.
func (n *town) reviewed(a play.News) {
	n.Helper()
	for _, p := range []*play.Phone{n.author, n.approver} {
		n.ok(p.Login(n.Context()))
	}
	n.ok(n.author.Send(n.Context(), http.MethodPatch, newsPath+"/"+a.ID, n.read(n.author, a).Etag, map[string]any{"fields": map[string]any{"publish_at": n.w.Clock.Now().Add(time.Minute)}}, nil))
	if _, err := n.author.Operate(n.Context(), a.ID, domain.AnnounceSchedule); fault.CodeOf(err) != "review_required" {
		n.Errorf("scheduled without a review: %v", err)
	}
	n.operate(n.author, a, domain.AnnounceAskReview)
	n.operate(n.approver, a, domain.AnnounceApprove)
	n.w.Clock.Advance(time.Minute)
}

// TestAnAudienceThatGrewIsReadFirst: an announcement that would reach a thousand people when
// it is scheduled and one more at its hour is a draft again, and the admins are told why,
// once, though two servers look. Once another admin has read it, it goes to everybody,
// and to who joins them.
func TestAnAudienceThatGrewIsReadFirst(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := setTown(t, domain.ReviewAbove, func(o *play.Options) { *o = on(*o) })
			a := n.plans(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location()))
			n.w.At(time.May, 30, 7, 0)
			n.settle(1)
			n.w.At(time.May, 30, 8, 0)
			n.strikes()
			now := n.read(n.desk, a)
			if people := n.has(a); people != 0 || now.Fields["state"] != domain.AnnouncementDraft || now.Fields["audience_count"] != nil || now.Fields["frozen_at"] != nil {
				t.Errorf("%d have it, %v", people, now.Fields)
			}
			n.keptBack("grown", a)
			n.reviewed(a)
			n.strikes()
			n.w.Clock.Advance(2 * time.Hour)
			n.settle(1)
			n.strikes()
			n.ok(n.desk.Login(t.Context()))
			now = n.read(n.desk, a)
			if people := n.has(a); people != domain.ReviewAbove+2 || now.Fields["state"] != domain.AnnouncementSent || now.Fields["audience_count"] != float64(people) {
				t.Errorf("%d have what was approved, %v", people, now.Fields)
			}
			n.keptBack("approved", a)
		})
	}
}

// TestARegionalAdminsAudienceThatGrew: what one of the province released is kept back too, on
// their name, and goes out when another one has read it.
func TestARegionalAdminsAudienceThatGrew(t *testing.T) {
	t.Parallel()
	n := setTown(t, domain.ReviewAbove)
	n.author, n.approver = n.enter(n.w.Regional(15, "19"), "bangka"), n.enter(n.w.Regional(16, "19"), "bangka too")
	a := n.plans(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location()))
	n.settle(1)
	n.w.At(time.May, 30, 8, 0)
	n.strikes()
	if now := n.read(n.author, a); now.Fields["state"] != domain.AnnouncementDraft || now.Fields["regional_by"] != nil {
		t.Errorf("kept back: %v", now.Fields)
	}
	n.keptBack("grown", a)
	n.reviewed(a)
	n.strikes()
	if people := n.has(a); people != domain.ReviewAbove+1 {
		t.Errorf("%d have it", people)
	}
}

// TestLateJoinersAreNotTooMany: whoever joins is sent what nobody else has read as long as no
// more than a thousand have it with them. Those with whom there are more are not, the
// admins are told once, and nobody is looked for any more.
func TestLateJoinersAreNotTooMany(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := setTown(t, domain.ReviewAbove-2, func(o *play.Options) { *o = on(*o) })
			a := n.plans(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location()))
			n.w.At(time.May, 30, 8, 0)
			n.strikes()
			for _, joins := range []int{2, 1, 1} {
				n.settle(joins)
				n.w.Clock.Advance(2 * time.Hour)
				n.strikes()
			}
			n.ok(n.desk.Login(t.Context()))
			now := n.read(n.desk, a)
			if people := n.has(a); people != domain.ReviewAbove || now.Fields["state"] != domain.AnnouncementSent || now.Fields["audience_count"] != float64(people) || now.Fields["include_late_joiners"] != nil {
				t.Errorf("%d have it, %v", people, now.Fields)
			}
			n.keptBack("joined", a)
		})
	}
}

// TestACrashBesideAnAudienceThatGrew: a process dies at each call of the store while it finds
// that there are too many, and two others go on. Nobody has it, and admins are told once.
func TestACrashBesideAnAudienceThatGrew(t *testing.T) {
	t.Parallel()
	for _, fate := range []storefault.Fate{storefault.DieBefore, storefault.DieAfter} {
		t.Run(fmt.Sprint("fate ", fate), func(t *testing.T) {
			t.Parallel()
			n := setTown(t, domain.ReviewAbove)
			n.settle(1)
			deaths := 0
			for at := 1; ; at += few() {
				n.w.Clock.Advance(time.Minute)
				n.moves("18.10")
				a := n.plans(n.w.Clock.Now().Add(time.Minute))
				n.moves("19.71")
				n.w.Clock.Advance(time.Minute)
				f := storefault.NewFailing(n.w.App.Engine.Store, storefault.At(at, fate), nil)
				err := runs(t.Context(), n.w.Worker(f.Store()))
				n.strikes()
				if state := n.read(n.desk, a).Fields["state"]; state != domain.AnnouncementDraft {
					t.Errorf("call %d: it is %v", at, state)
				}
				n.keptBack(fmt.Sprint("call ", at), a)
				if t.Failed() {
					return
				}
				if f.Calls() < at {
					n.ok(err)
					break
				}
				deaths++
			}
			for _, u := range n.users {
				rows, err := n.w.Rows(t.Context(), merge.UserScope(u), "inbox")
				n.ok(err)
				if slices.ContainsFunc(rows, func(r merge.Row) bool { return r.Text("type") == domain.NoticeAnnouncement }) {
					t.Fatalf("%s has one of them", u)
				}
			}
			if deaths < 5 {
				t.Errorf("died %d times", deaths)
			}
		})
	}
}

// halting is the store of a process that stands still, once, before its first write into
// scopes of a kind.
type halting struct {
	store.Store
	before string
	still  func()
	did    *bool
}

// Insert implements store.Store.
func (h halting) Insert(ctx context.Context, c *store.Commit) error {
	if strings.HasPrefix(c.Scope, h.before) && !*h.did {
		*h.did = true
		h.still()
	}
	return h.Store.Insert(ctx, c)
}

// TestTwoServersThatCountOtherwise: one has counted and stands still before it writes, and
// a business moves into the audience or out of it before the other one looks. What the faster
// one found is so for both.
func TestTwoServersThatCountOtherwise(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, was, is, before, state string
		kept, people                 int
	}{
		{"grown since", "18.10", "19.71", "announcement/", domain.AnnouncementDraft, 1, 0},
		{"less since", "19.71", "18.10", domain.GeneralQueue, domain.AnnouncementSent, 0, domain.ReviewAbove},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := setTown(t, domain.ReviewAbove)
			n.settle(1)
			n.moves("18.10")
			a := n.plans(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location()))
			n.w.At(time.May, 30, 8, 0)
			n.moves(tt.was)
			stood := false
			view := halting{Store: n.w.App.Engine.Store, before: tt.before, did: &stood, still: func() {
				n.moves(tt.is)
				n.ok(runs(t.Context(), n.w.Worker(n.w.App.Engine.Store)))
			}}
			n.ok(runs(t.Context(), n.w.Worker(view)))
			n.strikes()
			n.ok(n.desk.Login(t.Context()))
			if state, people, kept := n.read(n.desk, a).Fields["state"], n.has(a), len(n.kept(a)); !stood || state != tt.state || people != tt.people || kept != tt.kept {
				t.Errorf("stood still %t; it is %v, %d have it, admins are told %d times", stood, state, people, kept)
			}
		})
	}
}
