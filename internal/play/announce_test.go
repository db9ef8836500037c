package play_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	server "github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// How many people of each kind the briefing is for.
const (
	foodOwners = 19
	foodStaff  = 3
	online     = 12 // owners who read it with a network
	offline    = 5  // owners who read it without
)

// newsroom is an admin with news for the food businesses of Lampung in a programme, and
// two servers that look at the clock.
type newsroom struct {
	*scene
	desk, second *play.Phone
	owners       []*play.Phone
	staff        []*play.Phone
	mentors      []*play.Phone
	businesses   []string
	programme    string
	outside      []*play.Phone // owners whom the briefing is not for
	workers      [2]*server.App
}

// told is an announcement as the API gives it.
type told struct {
	ID       string         `json:"id"`
	Etag     string         `json:"etag"`
	Fields   map[string]any `json:"fields"`
	Warnings []warned       `json:"warnings"`
}

type warned struct {
	Code string `json:"code"`
}

// receipts are what became of it, as the API tells it.
type receipts struct {
	People    int       `json:"people"`
	Delivered int       `json:"delivered"`
	Read      int       `json:"read"`
	Acked     int       `json:"acked"`
	Receipts  []receipt `json:"receipts"`
}

type receipt struct {
	User string     `json:"user_id"`
	Read *time.Time `json:"read_at"`
}

// preview is whom it would reach, as the API tells it.
type preview struct {
	People     int      `json:"people"`
	Owners     int      `json:"owners"`
	Staff      int      `json:"staff"`
	Mentors    int      `json:"mentors"`
	Businesses int      `json:"businesses"`
	Review     bool     `json:"review"`
	Warnings   []warned `json:"warnings"`
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
	for i := range n.workers {
		var err error
		n.workers[i], err = server.New(t.Context(), play.Settings(""), server.Options{Clock: n.w.Clock, Store: n.w.App.Store, Identity: &storefault.MemoryIdentity{}, Schema: n.w.Schema,
			Log: slog.New(slog.DiscardHandler), Stderr: io.Discard, Version: "demo"})
		n.ok(err)
	}
	return n
}

// plan makes a programme through the API.
func (n *newsroom) plan() string {
	n.Helper()
	var e told
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
	return map[string]any{"title_id": "Briefing pameran", "title_en": "Exhibition briefing", "body_id": "Datang pukul 10.00 WIB.", "body_en": "Please come at 10:00.",
		"audience":   map[string]any{"programme_id": n.programme, "enrolment_states": []string{"offered", "active"}, "regions": []string{"18"}, "categories": []string{"food_beverage"}},
		"publish_at": publish, "require_ack": true, "ack_by": publish.Add(33 * time.Hour)}
}

// draft keeps a draft.
func (n *newsroom) draft(fields map[string]any) (a told) {
	n.Helper()
	n.ok(n.desk.Send(n.Context(), http.MethodPost, "/v1/announcements", "", map[string]any{"fields": fields}, &a))
	return a
}

// operate takes it further.
func (n *newsroom) operate(p *play.Phone, a told, op string) (out told) {
	n.Helper()
	n.ok(p.Send(n.Context(), http.MethodPost, "/v1/announcements/"+a.ID+"/operations", n.read(p, a).Etag, map[string]any{"op": op}, &out))
	return out
}

func (n *newsroom) read(p *play.Phone, a told) (out told) {
	n.Helper()
	n.ok(p.Send(n.Context(), http.MethodGet, "/v1/announcements/"+a.ID, "", nil, &out))
	return out
}

func (n *newsroom) preview(a told) (out preview) {
	n.Helper()
	n.ok(n.desk.Send(n.Context(), http.MethodGet, "/v1/announcements/"+a.ID+"/preview", "", nil, &out))
	return out
}

func (n *newsroom) receipts(a told) (out receipts) {
	n.Helper()
	n.ok(n.desk.Send(n.Context(), http.MethodGet, "/v1/announcements/"+a.ID+"/receipts", "", nil, &out))
	return out
}

// look is one look of both servers at once.
func (n *newsroom) look() {
	n.Helper()
	var both sync.WaitGroup
	errs := make([]error, len(n.workers))
	for i, w := range n.workers {
		both.Go(func() { _, errs[i] = w.Programme.Announce(n.Context()) })
	}
	both.Wait()
	n.ok(errors.Join(errs...))
}

// audience is everybody whom the briefing is for.
func (n *newsroom) audience() []*play.Phone {
	return slices.Concat(n.owners, n.staff, n.mentors[:min(len(n.owners), 2)])
}

// item is the one item that a phone has of an announcement.
func (n *newsroom) item(p *play.Phone, a told) (found merge.Row, some bool) {
	n.Helper()
	rows, err := p.Rows(merge.UserScope(p.Me().User), "inbox")
	n.ok(err)
	for _, r := range rows {
		if r.Text("type") == domain.NoticeAnnouncement && strings.Contains(string(r.Fields["object"]), a.ID) {
			if some {
				n.Errorf("%s has it twice", p.Name)
			}
			found, some = r, true
		}
	}
	return found, some
}

// note keeps on a phone that its person had and read an announcement, now.
func (n *newsroom) note(p *play.Phone, a told, acked bool) {
	n.Helper()
	now := n.w.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	set := map[string]any{"announcement_id": a.ID, "delivered_at": now, "read_at": now}
	if acked {
		set["acked_at"] = now
	}
	n.in(p, merge.UserScope(p.Me().User), "receipt", "", set)
}

// everyone wants every phone of the audience to have one item that passes, and nobody else
// any.
func (n *newsroom) everyone(at string, a told, passes func(merge.Row) bool) {
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

// TestABriefingForSome is story A10 but for the pushes, on every store and however effects
// come to be carried out.
func TestABriefingForSome(t *testing.T) {
	for storeName, on := range stores(t) {
		for way, finish := range finishes() {
			t.Run(storeName+", effects carried out "+way, func(t *testing.T) {
				t.Parallel()
				n := setNewsroom(t, foodOwners, foodStaff, func(o *play.Options) {
					o.Store, o.Identity = nil, nil
					*o = on(*o)
				})
				playBriefing(n, finish)
			})
		}
	}
}

func playBriefing(n *newsroom, finish func(*scene)) {
	a := n.planned()
	n.w.At(time.May, 30, 8, 0)
	n.look()
	finish(n.scene)
	late := n.latecomer()
	n.look()
	n.ok(n.w.Step(n.Context()))
	n.everyone("sent", a, func(r merge.Row) bool { return r.Text("body_id") == "Datang pukul 10.00 WIB." && r.Int("version") == 1 })
	if now := n.read(n.desk, a); now.Fields["state"] != domain.AnnouncementSent || now.Fields["audience_count"] != float64(len(n.audience())) {
		n.Errorf("sent: %v", now.Fields)
	}
	n.outside = append(n.outside, late)
	n.reading(a)
	n.correcting(a, finish)
	n.retracting(a, finish)
}

// planned writes the briefing and schedules it.
func (n *newsroom) planned() told {
	n.Helper()
	a := n.draft(n.briefing(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location())))
	p := n.preview(a)
	if p.People != len(n.audience()) || p.Owners != len(n.owners) || p.Staff != len(n.staff) || p.Mentors != 2 || p.Businesses != len(n.owners) || p.Review || len(p.Warnings) > 0 {
		n.Errorf("preview %+v", p)
	}
	if a = n.operate(n.desk, a, "schedule"); a.Fields["state"] != domain.AnnouncementScheduled {
		n.Errorf("scheduled: %v", a.Fields)
	}
	n.look()
	n.ok(n.w.Step(n.Context()))
	for _, p := range []*play.Phone{n.owners[0], n.mentors[0], n.desk} {
		n.sync(p)
		if _, ok := n.item(p, a); ok {
			n.Errorf("%s has it before its hour", p.Name)
		}
		scopes, err := p.Scopes()
		n.ok(err)
		for s := range scopes {
			if strings.HasPrefix(s, domain.ScopeDecision) || strings.HasPrefix(s, domain.ScopeAnnouncement) {
				n.Errorf("%s holds %s", p.Name, s)
			}
		}
	}
	return a
}

// latecomer joins at nine.
func (n *newsroom) latecomer() *play.Phone {
	n.Helper()
	n.w.At(time.May, 30, 9, 0)
	n.ok(n.owners[0].Login(n.Context()))
	return n.hire(0, foodOwners+foodStaff+5)
}

// reading lets twelve owners read with a network and five without, one of them on two
// phones, the earlier of which comes last. Two have it and never open it.
func (n *newsroom) reading(a told) {
	n.Helper()
	for _, p := range n.owners[:online] {
		n.note(p, a, true)
		n.sync(p)
	}
	away, tablet := n.owners[online:online+offline], n.enter(n.owners[online].Who, "tablet")
	n.sync(tablet)
	n.w.At(time.May, 30, 10, 0)
	want := map[string]time.Time{}
	for _, p := range away {
		want[p.Me().User] = n.w.Clock.Now().UTC()
		n.note(p, a, false)
	}
	n.w.At(time.May, 30, 11, 0)
	n.note(tablet, a, true)
	n.sync(tablet)
	if got := n.receipts(a); got.Read != online+1 || got.Acked != online+1 {
		n.Errorf("at eleven: %d read, %d acked", got.Read, got.Acked)
	}
	n.w.At(time.May, 30, 15, 0)
	for _, p := range away {
		n.ok(p.Login(n.Context()))
		n.sync(p, p)
	}
	n.ok(n.desk.Login(n.Context()))
	got := n.receipts(a)
	if got.People != len(n.audience()) || got.Read != online+offline || got.Acked != online+1 || got.Delivered != online+offline {
		n.Errorf("receipts %+v", got)
	}
	for _, r := range got.Receipts {
		if at, is := want[r.User]; is && (r.Read == nil || !r.Read.Equal(at)) {
			n.Errorf("read at %v, want %v", r.Read, at)
		}
	}
}

// correcting makes a second version.
func (n *newsroom) correcting(a told, finish func(*scene)) {
	n.Helper()
	n.ok(n.desk.Send(n.Context(), http.MethodPost, "/v1/announcements/"+a.ID+"/versions", n.read(n.desk, a).Etag, map[string]any{"fields": map[string]any{"body_id": "Datang pukul 11.00 WIB.", "body_en": "Please come at 11:00."}}, nil))
	finish(n.scene)
	for _, p := range slices.Concat(n.audience(), n.outside) {
		n.ok(p.Login(n.Context()))
	}
	n.everyone("corrected", a, func(r merge.Row) bool {
		id, en := domain.NoticeText(r, domain.WIB, message.ID), domain.NoticeText(r, domain.WIB, message.EN)
		return r.Int("version") == 2 && id == message.Sentence{Title: "Diperbarui: Briefing pameran", Detail: "Datang pukul 11.00 WIB."} &&
			en == message.Sentence{Title: "Updated: Exhibition briefing", Detail: "Please come at 11:00."}
	})
	var v struct {
		Versions []told `json:"versions"`
	}
	n.ok(n.desk.Send(n.Context(), http.MethodGet, "/v1/announcements/"+a.ID+"/versions", "", nil, &v))
	if len(v.Versions) != 1 || v.Versions[0].Fields["body_id"] != "Datang pukul 10.00 WIB." {
		n.Errorf("earlier words %+v", v)
	}
}

// retracting takes the words back, while an owner without a network reads them.
func (n *newsroom) retracting(a told, finish func(*scene)) {
	n.Helper()
	last := n.owners[len(n.owners)-1]
	n.note(last, a, false)
	n.operate(n.desk, a, "retract")
	finish(n.scene)
	if item, _ := n.item(last, a); item.Text("body_id") == "" {
		n.Error("the words left a phone without a network")
	}
	n.everyone("retracted", a, func(r merge.Row) bool {
		return r.Text("body_id") == "" && r.Text("body_en") == "" && r.Text("title_id") == "Briefing pameran" && domain.NoticeText(r, domain.WIB, message.ID).Title == "Ditarik: Briefing pameran"
	})
	if got := n.receipts(a); got.Read != online+offline+1 {
		n.Errorf("%d have read it, and one of them after it was taken back", got.Read)
	}
	if err := n.desk.Send(n.Context(), http.MethodPost, "/v1/announcements/"+a.ID+"/versions", n.read(n.desk, a).Etag, map[string]any{"fields": map[string]any{"body_id": "Lagi"}}, nil); fault.CodeOf(err) != "forbidden_transition" {
		n.Errorf("corrected after it was taken back: %v", err)
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
	change := func(p *play.Phone, body string) (out told) {
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
	stranger, unknown := n.outside[0], told{ID: n.desk.IDs.New()}
	for _, about := range []told{a, unknown} {
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
	if got := n.receipts(a); got.Read != 1 || got.Acked != 1 || got.Delivered != 1 || !slices.ContainsFunc(got.Receipts, func(r receipt) bool { return r.Read != nil && r.Read.Equal(made.Time()) }) {
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
