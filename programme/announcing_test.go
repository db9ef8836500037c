package programme_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestTheWholeProgrammeIsReviewedInWhateverWords: an audience that names all of its provinces
// is everybody of it, whoever writes it.
func TestTheWholeProgrammeIsReviewedInWhateverWords(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	o.applicant(10, e, "18.71").does("submit")
	o.work()
	admin, lampung := o.person(1, "admin"), o.person(2)
	_, err := o.auth.ChangeRights(t.Context(), lampung.ID, roles("regional_admin", "18"))
	o.unless(err)
	for _, tt := range []struct {
		audience map[string]any
		review   bool
	}{
		{map[string]any{"programme_id": e.ID, "regions": []string{"18"}}, true},
		{map[string]any{"programme_id": e.ID, "regions": []string{"18", "19"}}, true},
		{map[string]any{"programme_id": e.ID, "regions": []string{"18.71"}}, false},
		{map[string]any{"regions": []string{"18"}}, false}, // some of the country
	} {
		for who, u := range map[string]string{"admin": admin.ID, "regional": lampung.ID} {
			if len(tt.audience["regions"].([]string)) > 1 && who == "regional" {
				continue
			}
			caller := o.as(admin)
			caller.User = u
			a, err := o.CreateAnnouncement(t.Context(), caller, map[string]merge.Value{"title_id": merge.Str("Kabar"), "body_id": merge.Str("Datang."),
				"publish_at": merge.Millis(o.clock.Now().Add(time.Hour).UnixMilli()).Value(), "audience": merge.Encode(tt.audience)})
			o.unless(err)
			p, err := o.PreviewAnnouncement(t.Context(), caller, a.ID)
			if o.unless(err); p.Review != tt.review || p.People != 1 {
				t.Errorf("%v by %s: review %t of %d", tt.audience, who, p.Review, p.People)
			}
			caller.Name += ".schedule"
			_, err = o.OperateAnnouncement(t.Context(), caller, a.ID, a.Version, domain.AnnounceSchedule, "")
			if code := fault.CodeOf(err); (code == "review_required") != tt.review || !tt.review && err != nil {
				t.Errorf("%v by %s: %v", tt.audience, who, err)
			}
		}
	}
}

// TestTheNightOfEachZoneIsWarnedOf: a programme of two provinces reaches people by two clocks,
// whichever its own days go by.
func TestTheNightOfEachZoneIsWarnedOf(t *testing.T) {
	t.Parallel()
	o := open(t)
	e := o.opened("kalimantan", "region_codes", `["62","63"]`, "number_prefix", `"KAL22"`) // WIB and WITA
	admin := o.person(1, "admin")
	for at, want := range map[string]int{"2022-03-02T13:30:00Z": 1, "2022-03-02T12:30:00Z": 0} { // 21:30 and 20:30 WITA
		a, err := o.CreateAnnouncement(t.Context(), o.as(admin), map[string]merge.Value{"title_id": merge.Str("Kabar"), "body_id": merge.Str("Isi"),
			"audience": merge.Value(`{"programme_id":"` + e.ID + `"}`), "publish_at": merge.Str(at)})
		if o.unless(err); len(a.Warnings) != want {
			t.Errorf("%s: %v", at, a.Warnings)
		}
	}
}

// TestWhatWasNeverSentDoesNotExpireUnheard: no server looked between its hour and its end.
// Nobody has it, and the admins are told, once; of what was sent and ends nobody is.
func TestWhatWasNeverSentDoesNotExpireUnheard(t *testing.T) {
	for _, sent := range []bool{false, true} {
		o := open(t)
		owner := o.applicant(10, o.opened("lagawi-fest-2022"), "18.71")
		o.work()
		admin, hour := o.as(o.person(1, "admin")), o.clock.Now().Add(time.Hour)
		a, err := o.CreateAnnouncement(t.Context(), admin, map[string]merge.Value{"title_id": merge.Str("Kabar"), "body_id": merge.Str("Datang."), "audience": merge.Encode(map[string]any{"business_ids": []string{owner.business}}),
			"publish_at": merge.Millis(hour.UnixMilli()).Value(), "expires_at": merge.Millis(hour.Add(time.Hour).UnixMilli()).Value()})
		o.unless(err)
		admin.Name += ".schedule"
		_, err = o.OperateAnnouncement(t.Context(), admin, a.ID, a.Version, domain.AnnounceSchedule, "")
		o.unless(err)
		if o.clock.Set(hour); sent {
			_, err := o.Announce(t.Context())
			o.unless(err)
			o.work()
		}
		o.clock.Set(hour.Add(time.Hour))
		for range 2 {
			_, err := o.Announce(t.Context())
			o.unless(err)
			o.work()
		}
		now, err := o.Announcement(t.Context(), admin, a.ID)
		if o.unless(err); now.Text("state") != domain.AnnouncementExpired {
			t.Errorf("sent %t: it is %s", sent, now.Text("state"))
		}
		items := o.scope(merge.UserScope(owner.owner.ID), "inbox")
		if has := slices.ContainsFunc(items, func(r merge.Row) bool { return domain.ItemAnnouncement(r) == a.ID }); has != sent {
			t.Errorf("sent %t: its audience has it: %t", sent, has)
		}
		var codes []string
		for _, r := range o.scope(domain.GeneralQueue, "review_item") {
			if r.Text("what") == "announcement_withheld" && domain.NoticeObject(r).ID == a.ID && r.Text("author") == admin.User && r.Text("resolved_at") == "" {
				codes = append(codes, r.Text("code"))
			}
		}
		want := []string{"publish_in_past"}
		if sent {
			want = nil
		}
		if !slices.Equal(codes, want) {
			t.Errorf("sent %t: the admins are told %v, want %v", sent, codes, want)
		}
	}
}
