package programme_test

import (
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
