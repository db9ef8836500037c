package play_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestABriefingForSome is the briefing of story A10, on every store and however effects
// come to be carried out, in a programme of its own; TestLagawiFest plays it in that of
// the campaign. Somebody who reads the words after they were taken back, on a phone
// without a network, is heard too. Phones ring at its hour, but for the one without a
// network, and neither for the correction nor for its end. Whoever has not read it by the
// evening is reminded, once.
func TestABriefingForSome(t *testing.T) {
	for storeName, on := range stores(t) {
		for way, finish := range finishes() {
			t.Run(storeName+", effects carried out "+way, func(t *testing.T) {
				t.Parallel()
				var log *journal
				var fake *fcmfake.Server
				n := setNewsroom(t, foodOwners, foodStaff, func(o *play.Options) {
					o.Store, o.Identity = nil, nil
					rings(t, o, newsroomHour())
					log, fake = listened(o), o.Google
					*o = on(*o)
				})
				b := &play.Briefing{World: n.w, Desk: n.desk, Programme: n.programme, Owners: n.owners, Staff: n.staff, Mentors: n.mentors, Outside: n.outside}
				b.Look = func(context.Context) error { n.look(); return nil }
				b.Finish = func(context.Context) error { finish(n.scene); return nil }
				b.Join = func(context.Context) (*play.Phone, error) { return n.hire(0, foodOwners+foodStaff+5), nil }
				got, err := b.Play(t.Context(), &play.Teller{})
				n.ok(err)
				want := play.Briefed{ID: got.ID, Owners: 19, Staff: 3, Mentors: 2, People: 24, Delivered: 23, Read: 22, Acked: 18, Never: 2, Earliest: 5, Version: 2, Cleared: 24, Rang: 23, Asked: 2, AskedRang: 1}
				if got != want {
					t.Errorf("it came out as\n%+v, want\n%+v", got, want)
				}
				keepsQuiet(t, fake, log, "Briefing", "pameran", "Datang pukul", "Ibu Warga", "Usaha 1")
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
	n.ok(n.desk.Login(t.Context())) // a correction wants a fresh proof
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

// TestANewsOfTheNightRingsInTheMorning: the inbox has what was published at 22:30 at once,
// and phones ring between 06:30 and 06:40, each once, although two processes plan and send,
// one of which starts anew in the night; a phone on which it was read by then does not.
func TestANewsOfTheNightRingsInTheMorning(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := setNewsroom(t, 8, 1, func(o *play.Options) {
				o.Store, o.Identity = nil, nil
				rings(t, o, newsroomHour())
				*o = on(*o)
			})
			at := time.Date(2022, time.May, 30, 22, 30, 0, 0, domain.WIB.Location())
			a := n.operate(n.desk, n.draft(n.briefing(at)), "schedule")
			n.w.At(time.May, 30, 22, 30)
			for range 2 {
				n.look()
				n.ok(n.w.Both(t.Context(), worksAll))
			}
			n.ok(n.w.Step(t.Context()))
			n.ok(n.w.Sends(t.Context(), at.Add(time.Minute), 5*time.Second))
			read := n.owners[0]
			n.ok(read.Login(t.Context()))
			n.sync(read)
			item, _ := n.item(read, a)
			n.in(read, merge.UserScope(read.Me().User), "inbox", item.ID, map[string]any{"read_at": merge.FormatInstant(merge.Millis(n.w.Clock.Now().UnixMilli()))})
			n.sync(read)
			morning := time.Date(2022, time.May, 31, 6, 29, 0, 0, domain.WIB.Location())
			n.w.Clock.Set(morning)
			n.ok(n.w.Sends(t.Context(), morning.Add(15*time.Minute), time.Second))
			for _, p := range n.audience() {
				got := p.Rang(domain.NoticeAnnouncement)
				if p == read {
					if len(got) != 0 {
						t.Errorf("%s has read it and rings", p.Name)
					}
					continue
				}
				if len(got) != 1 || got[0].At.Before(morning.Add(time.Minute)) || got[0].At.After(morning.Add(11*time.Minute+time.Second)) {
					t.Errorf("%s rang %+v", p.Name, got)
				}
			}
			for _, p := range n.outside {
				if got := p.Rang(domain.NoticeAnnouncement); len(got) > 0 {
					t.Errorf("%s, whom it is not for, rang", p.Name)
				}
			}
		})
	}
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
	n.ok(n.desk.Login(t.Context())) // a fresh second factor
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
