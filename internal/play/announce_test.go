package play_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// How many people of each kind the briefing is for.
const (
	foodOwners = 19
	foodStaff  = 3
)

// newsroom is an admin with news for the food businesses of Lampung in a programme.
type newsroom struct {
	*scene
	desk, second *play.Phone
	owners       []*play.Phone
	staff        []*play.Phone
	mentors      []*play.Phone
	businesses   []string
	programme    string
	outside      []*play.Phone // owners whom the briefing is not for
}

// setNewsroom lets owners people of Lampung work with food, and two outside.
func setNewsroom(t *testing.T, owners, staff int, change ...func(*play.Options)) *newsroom {
	t.Helper()
	o := play.Options{Store: storefault.NewPoor(), Identity: &storefault.MemoryIdentity{}, Crowd: owners + staff + 20}
	for _, c := range change {
		c(&o)
	}
	n := &newsroom{scene: &scene{TB: t, w: open(t, time.Date(2022, time.May, 30, 6, 30, 0, 0, domain.WIB.Location()), o)}}
	n.desk = n.enter(n.w.Person("Bu Ratna"), "desk")
	n.second = n.enter(n.w.Colleague(owners+staff+10), "second desk")
	n.mentors = []*play.Phone{n.enter(n.w.Person("Pak Hendra"), "hendra"), n.enter(n.w.Person("Bu Sinta"), "sinta")}
	n.programme = n.plan()
	for i := range owners {
		p := n.enter(n.w.Neighbour(i), fmt.Sprintf("owner %d", i))
		b, err := n.w.Found(t.Context(), p, fmt.Sprintf("Usaha %d", i), "18.10")
		n.ok(err)
		n.owners, n.businesses = append(n.owners, p), append(n.businesses, b)
		_, err = n.w.Assign(t.Context(), n.desk, b, n.mentors[i%2].Who)
		n.ok(err)
		n.enrol(b)
	}
	for i := range staff {
		n.staff = append(n.staff, n.hire(i, owners+i))
	}
	for i, place := range [][2]string{{"18.71", "crafts"}, {"73.71", "food_beverage"}} {
		p := n.enter(n.w.Neighbour(owners+staff+i), place[0])
		b := p.IDs.New()
		n.ok(p.Send(t.Context(), http.MethodPost, "/v1/businesses", "", map[string]any{"id": b, "name": "Usaha lain", "region_code": place[0], "primary_category": place[1]}, nil))
		n.enrol(b)
		n.outside = append(n.outside, p)
	}
	n.outside = append(n.outside, n.desk, n.second)
	return n
}

// plan makes a programme through the API.
func (n *newsroom) plan() string {
	n.Helper()
	var e play.News
	n.ok(n.desk.Send(n.Context(), http.MethodPost, "/v1/programmes", "", map[string]any{"code": "lagawi-fest-2022", "fields": map[string]any{"name": "Lagawi Fest 2022", "kind": "campaign", "region_codes": []string{"18"}}}, &e))
	return e.ID
}

// enrol writes down that a business was selected, as the publication does.
func (n *newsroom) enrol(business string) {
	n.Helper()
	file := domain.ApplicationID(business, n.programme, 1)
	_, err := n.w.App.Engine.Write(n.Context(), domain.DecisionScope(n.programme), merge.ServerWrite{Name: "file." + file, Role: merge.System, Collection: "case_file", ID: file,
		Op: merge.Put, Create: true, Set: map[string]merge.Value{"business_id": merge.Str(business), "state": merge.Str(domain.FileSelected)}})
	n.ok(err)
}

// hire makes a neighbour staff of a business.
func (n *newsroom) hire(business, neighbour int) *play.Phone {
	n.Helper()
	who := n.w.Neighbour(neighbour)
	n.ok(n.w.Hire(n.Context(), n.owners[business], n.businesses[business], who))
	return n.enter(who, "staff of "+n.businesses[business])
}

// briefing is what the admin writes.
func (n *newsroom) briefing(publish time.Time) map[string]any {
	return play.BriefingWords(n.programme, publish)
}

// draft keeps a draft.
func (n *newsroom) draft(fields map[string]any) play.News {
	n.Helper()
	a, err := n.desk.Draft(n.Context(), fields)
	n.ok(err)
	return a
}

// operate takes it further.
func (n *newsroom) operate(p *play.Phone, a play.News, op string) play.News {
	n.Helper()
	out, err := p.Operate(n.Context(), a.ID, op)
	n.ok(err)
	return out
}

func (n *newsroom) read(p *play.Phone, a play.News) play.News {
	n.Helper()
	out, err := p.News(n.Context(), a.ID)
	n.ok(err)
	return out
}

func (n *newsroom) preview(a play.News) play.Preview {
	n.Helper()
	out, err := n.desk.Preview(n.Context(), a.ID)
	n.ok(err)
	return out
}

func (n *newsroom) receipts(a play.News) play.Receipts {
	n.Helper()
	out, err := n.desk.Receipts(n.Context(), a.ID)
	n.ok(err)
	return out
}

// look is one look of two servers at once.
func (n *newsroom) look() {
	n.Helper()
	n.ok(n.w.Both(n.Context(), func(ctx context.Context, s *programme.Service) error {
		_, err := s.Announce(ctx)
		return err
	}))
}

// audience is everybody whom the briefing is for.
func (n *newsroom) audience() []*play.Phone {
	return slices.Concat(n.owners, n.staff, n.mentors[:min(len(n.owners), 2)])
}

// item is the one item that a phone has of an announcement.
func (n *newsroom) item(p *play.Phone, a play.News) (merge.Row, bool) {
	n.Helper()
	found, some, err := p.Item(a.ID)
	n.ok(err)
	return found, some
}

// note keeps on a phone that its person had and read an announcement, now.
func (n *newsroom) note(p *play.Phone, a play.News, acked bool) {
	n.Helper()
	n.ok(p.Note(a.ID, true, acked))
}

// everyone wants every phone of the audience to have one item that passes, and nobody else
// any.
func (n *newsroom) everyone(at string, a play.News, passes func(merge.Row) bool) {
	n.Helper()
	for _, p := range n.audience() {
		n.sync(p)
		if item, ok := n.item(p, a); !ok || !passes(item) {
			n.Errorf("%s: %s has %t %s", at, p.Name, ok, item.EncodeFields())
		}
	}
	for _, p := range n.outside {
		n.sync(p)
		if item, ok := n.item(p, a); ok {
			n.Errorf("%s: %s, whom it is not for, has %s", at, p.Name, item.EncodeFields())
		}
	}
}

// TestABriefingForSome is the briefing of story A10, on every store and however effects
// come to be carried out, in a programme of its own; TestLagawiFest plays it in that of
// the campaign. Somebody who reads the words after they were taken back, on a phone
// without a network, is heard too.
func TestABriefingForSome(t *testing.T) {
	for storeName, on := range stores(t) {
		for way, finish := range finishes() {
			t.Run(storeName+", effects carried out "+way, func(t *testing.T) {
				t.Parallel()
				n := setNewsroom(t, foodOwners, foodStaff, func(o *play.Options) {
					o.Store, o.Identity = nil, nil
					*o = on(*o)
				})
				b := &play.Briefing{World: n.w, Desk: n.desk, Programme: n.programme, Owners: n.owners, Staff: n.staff, Mentors: n.mentors, Outside: n.outside}
				b.Look = func(context.Context) error { n.look(); return nil }
				b.Finish = func(context.Context) error { finish(n.scene); return nil }
				b.Join = func(context.Context) (*play.Phone, error) { return n.hire(0, foodOwners+foodStaff+5), nil }
				got, err := b.Play(t.Context(), &play.Teller{})
				n.ok(err)
				want := play.Briefed{ID: got.ID, Owners: 19, Staff: 3, Mentors: 2, People: 24, Delivered: 23, Read: 22, Acked: 18, Never: 2, Earliest: 5, Version: 2, Cleared: 24}
				if got != want {
					t.Errorf("it came out as\n%+v, want\n%+v", got, want)
				}
				n.note(n.owners[play.ReadOnline+play.ReadOffline], play.News{ID: got.ID}, false)
				n.sync(n.owners[play.ReadOnline+play.ReadOffline])
				if now := n.receipts(play.News{ID: got.ID}); now.Read != got.Read+1 {
					t.Errorf("%d have read it, one of them after it was taken back", now.Read)
				}
			})
		}
	}
}

// TestAServerThatWasDownFreezesTheAudienceOfTheHour: whoever joined after it gets nothing,
// and who has left by now neither.
func TestAServerThatWasDownFreezesTheAudienceOfTheHour(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 2, 1)
	a := n.draft(n.briefing(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location())))
	n.operate(n.desk, a, "schedule")
	n.w.At(time.May, 30, 9, 0)
	n.ok(n.owners[0].Login(t.Context()))
	late := n.hire(0, 10)
	var list struct {
		Members []struct {
			ID   string `json:"id"`
			User string `json:"user_id"`
			Etag string `json:"etag"`
		} `json:"members"`
	}
	path := "/v1/businesses/" + n.businesses[0] + "/members"
	n.ok(n.owners[0].Send(t.Context(), http.MethodGet, path, "", nil, &list))
	for _, m := range list.Members {
		if m.User == n.staff[0].Me().User {
			n.ok(n.owners[0].Send(t.Context(), http.MethodPatch, path+"/"+m.ID, m.Etag, map[string]any{"to": n.w.Clock.Now()}, nil))
		}
	}
	n.w.At(time.May, 30, 9, 30)
	n.look()
	n.ok(n.w.Step(t.Context()))
	n.outside, n.staff = append(n.outside, late, n.staff[0]), nil
	n.everyone("sent late", a, func(r merge.Row) bool { return r.Text("body_id") != "" })
}

// TestWhoJoinsLaterHasWhatStillHolds, if its author wants that, once and with the words of
// by then; and nobody after it has expired.
func TestWhoJoinsLaterHasWhatStillHolds(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 2, 0)
	fields := n.briefing(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location()))
	fields["include_late_joiners"], fields["expires_at"] = true, time.Date(2022, time.June, 1, 12, 0, 0, 0, domain.WIB.Location())
	a := n.draft(fields)
	n.operate(n.desk, a, "schedule")
	n.w.At(time.May, 30, 8, 0)
	n.look()
	n.ok(n.w.Step(t.Context()))
	n.ok(n.desk.Send(t.Context(), http.MethodPost, "/v1/announcements/"+a.ID+"/versions", n.read(n.desk, a).Etag, map[string]any{"fields": map[string]any{"body_id": "Datang pukul 11.00 WIB."}}, nil))
	n.staff = append(n.staff, n.hire(0, 10))
	n.w.At(time.May, 30, 9, 30)
	n.look()
	n.look()
	n.ok(n.w.Step(t.Context()))
	n.everyone("joined", a, func(r merge.Row) bool { return r.Text("body_id") == "Datang pukul 11.00 WIB." && r.Int("version") == 2 })
	if got := n.receipts(a); got.People != 5 {
		t.Errorf("%d people", got.People)
	}
	n.w.At(time.June, 1, 12, 0)
	for _, p := range slices.Concat(n.audience(), n.outside) {
		n.ok(p.Login(t.Context()))
	}
	n.outside = append(n.outside, n.hire(1, 11))
	n.look()
	n.look()
	n.ok(n.w.Step(t.Context()))
	n.everyone("expired", a, func(r merge.Row) bool { return r.Text("expires_at") == "2022-06-01T05:00:00.000Z" })
	if state := n.read(n.desk, a).Fields["state"]; state != domain.AnnouncementExpired {
		t.Errorf("it is %v", state)
	}
}

// TestAnHourOfTheNightIsWarnedOfAndKept: inboxes have it at once.
func TestAnHourOfTheNightIsWarnedOfAndKept(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 1, 0)
	a := n.draft(n.briefing(time.Date(2022, time.May, 30, 22, 30, 0, 0, domain.WIB.Location())))
	if len(a.Warnings) != 1 || a.Warnings[0].Code != "quiet_hours" || len(n.preview(a).Warnings) != 1 {
		t.Errorf("warned of %+v", a.Warnings)
	}
	if a = n.operate(n.desk, a, "schedule"); len(a.Warnings) != 1 {
		t.Errorf("scheduled, and warned of %+v", a.Warnings)
	}
	n.w.At(time.May, 30, 22, 30)
	for _, p := range slices.Concat(n.audience(), n.outside) {
		n.ok(p.Login(t.Context()))
	}
	n.look()
	n.ok(n.w.Step(t.Context()))
	n.everyone("at night", a, func(r merge.Row) bool { return r.Text("body_id") != "" })
}

// TestAnotherAdminReadsWhatGoesToAll: and what was changed since is read again.
func TestAnotherAdminReadsWhatGoesToAll(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 1, 0)
	fields := n.briefing(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location()))
	fields["audience"] = map[string]any{"programme_id": n.programme}
	a := n.draft(fields)
	refused := func(p *play.Phone, op, code string) {
		t.Helper()
		err := p.Send(t.Context(), http.MethodPost, "/v1/announcements/"+a.ID+"/operations", n.read(n.desk, a).Etag, map[string]any{"op": op}, nil)
		if fault.CodeOf(err) != code {
			t.Errorf("%s by %s: %v, want %s", op, p.Name, err, code)
		}
	}
	if !n.preview(a).Review {
		t.Error("a whole programme, and nobody reads it")
	}
	refused(n.desk, "schedule", "review_required")
	refused(n.desk, "approve", "forbidden_transition")
	n.operate(n.desk, a, "ask_review")
	refused(n.desk, "approve", "same_person")
	n.operate(n.second, a, "approve")
	change := func(p *play.Phone, body string) (out play.News) {
		t.Helper()
		n.ok(p.Send(t.Context(), http.MethodPatch, "/v1/announcements/"+a.ID, n.read(n.desk, a).Etag, map[string]any{"fields": map[string]any{"body_id": body}}, &out))
		return out
	}
	if now := change(n.second, "Lain"); now.Fields["state"] != domain.AnnouncementDraft || now.Fields["approver"] != nil {
		t.Errorf("changed behind the approval: %v", now.Fields)
	}
	change(n.desk, "Lain lagi")
	n.operate(n.desk, a, "ask_review")
	refused(n.second, "approve", "same_person") // wrote in it too
	n.operate(n.desk, a, "return")
	n.operate(n.desk, a, "cancel")
	refused(n.desk, "schedule", "forbidden_transition")
	n.w.At(time.May, 30, 8, 0)
	n.look()
	n.ok(n.w.Step(t.Context()))
	for _, p := range n.audience() {
		n.sync(p)
		if _, ok := n.item(p, a); ok {
			t.Errorf("%s has what was cancelled", p.Name)
		}
	}
}

// TestWhoWasNotToldHasNoSay: a receipt for an announcement that a person was never sent, or
// that there is not, tells nobody anything and makes nothing. An app that notes only that
// the item was read is heard.
func TestWhoWasNotToldHasNoSay(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 2, 0)
	a := n.draft(n.briefing(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location())))
	n.operate(n.desk, a, "schedule")
	n.w.At(time.May, 30, 8, 0)
	n.look()
	n.ok(n.w.Step(t.Context()))
	stranger, unknown := n.outside[0], play.News{ID: n.desk.IDs.New()}
	for _, about := range []play.News{a, unknown} {
		n.note(stranger, about, true)
		n.note(n.owners[0], unknown, true)
	}
	n.sync(stranger, n.owners[0])
	if got := n.receipts(a); got.Delivered != 0 || got.People != 4 {
		t.Errorf("receipts %+v", got)
	}
	if _, err := n.w.App.Store.Head(t.Context(), domain.AnnouncementScope(unknown.ID)); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("a scope of nothing: %v", err)
	}
	item, _ := n.item(n.owners[0], a)
	at := n.w.Clock.Now()
	n.in(n.owners[0], merge.UserScope(n.owners[0].Me().User), "inbox", item.ID, map[string]any{"read_at": at.UTC().Format("2006-01-02T15:04:05.000Z")})
	n.in(n.owners[0], merge.UserScope(n.owners[0].Me().User), "receipt", "", map[string]any{"announcement_id": a.ID, "acked_at": "2019-01-01T00:00:00.000Z"}) // by a wrong clock
	n.sync(n.owners[0])
	made, err := merge.ParseInstant(item.Text("created_at"))
	n.ok(err)
	if got := n.receipts(a); got.Read != 1 || got.Acked != 1 || got.Delivered != 1 || !slices.ContainsFunc(got.Receipts, func(r play.Receipt) bool { return r.Read != nil && r.Read.Equal(made.Time()) }) {
		t.Errorf("receipts %+v, and the item was made at %s", got, item.Text("created_at"))
	}
}

// TestAnAppShowsAndConfirmsAnAnnouncement, in the language of its user, and shows what it
// has become.
func TestAnAppShowsAndConfirmsAnAnnouncement(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 1, 0)
	fields := n.briefing(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location()))
	fields["pin"], fields["priority"] = true, domain.PriorityImportant
	a := n.draft(fields)
	n.operate(n.desk, a, "schedule")
	n.w.At(time.May, 30, 8, 0)
	n.look()
	n.ok(n.w.Step(t.Context()))
	phone := n.installApp(n.owners[0].Who, "en")
	type notice struct {
		ID, Type, Title, Detail, Priority string
		Pin, Updated, Retracted, Confirm  bool
	}
	shows := func() notice {
		t.Helper()
		phone.sync()
		text, err := phone.Inbox()
		for _, item := range read[[]notice](phone, text, err) {
			if item.Type == domain.NoticeAnnouncement {
				return item
			}
		}
		t.Fatalf("inbox %s", text)
		return notice{}
	}
	first := shows()
	if want := (notice{first.ID, "N28", "Exhibition briefing", "Please come at 10:00.", "important", true, false, false, true}); first != want {
		t.Errorf("shows %+v", first)
	}
	n.ok(phone.Acknowledge(first.ID))
	if err := phone.Acknowledge(n.desk.IDs.New()); err == nil {
		t.Error("nothing was confirmed")
	}
	phone.sync()
	n.ok(n.w.Step(t.Context()))
	if got := n.receipts(a); got.Acked != 1 || got.Read != 1 {
		t.Errorf("receipts %+v", got)
	}
	n.operate(n.desk, a, "retract")
	if now := shows(); now.ID != first.ID || !now.Retracted || now.Title != "Retracted: Exhibition briefing" || strings.Contains(now.Detail, "10:00") {
		t.Errorf("shows %+v", now)
	}
}

// TestWhoPausesStandsWhereTheOwnRecordSays, and who is out is in no audience of those who
// take part.
func TestWhoPausesStandsWhereTheOwnRecordSays(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 3, 0)
	for i, state := range []string{"active", "paused", "withdrawn"} {
		application := domain.ApplicationID(n.businesses[i], n.programme, 1)
		_, err := n.w.App.Engine.Write(t.Context(), "business/"+n.businesses[i], merge.ServerWrite{Name: "takes part." + application, Role: merge.System, Collection: "enrolment",
			ID: domain.EnrolmentID(application), Op: merge.Put, Create: true, Set: map[string]merge.Value{"programme_id": merge.Str(n.programme), "state": merge.Str(state)}})
		n.ok(err)
	}
	a := n.draft(n.briefing(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location())))
	for _, tt := range []struct {
		states []string
		want   int // owners
	}{{[]string{"active"}, 1}, {[]string{"active", "paused"}, 2}, {[]string{"offered"}, 0}, {nil, 3}} {
		audience := map[string]any{"programme_id": n.programme, "enrolment_states": append([]string{}, tt.states...), "regions": []string{"18"}, "categories": []string{"food_beverage"}}
		n.ok(n.desk.Send(t.Context(), http.MethodPatch, "/v1/announcements/"+a.ID, n.read(n.desk, a).Etag, map[string]any{"fields": map[string]any{"audience": audience}}, nil))
		if p := n.preview(a); p.Owners != tt.want {
			t.Errorf("%v: %d owners, want %d", tt.states, p.Owners, tt.want)
		}
	}
}
