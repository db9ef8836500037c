package domain_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func newsRow(fields map[string]any) merge.Row {
	r := merge.Row{Key: merge.Key{Collection: "announcement", ID: "0190aaaa-0000-7000-8000-000000000001"}, Fields: map[string]merge.Value{}}
	for name, v := range fields {
		r.Fields[name] = merge.Encode(v)
	}
	return r
}

// TestTheWayOfAnAnnouncement lists every operation that is allowed; all others are not.
func TestTheWayOfAnAnnouncement(t *testing.T) {
	allowed := map[string]map[string]string{
		"draft":     {"change": "draft", "ask_review": "in_review", "schedule": "scheduled", "cancel": "cancelled"},
		"in_review": {"change": "draft", "return": "draft", "approve": "scheduled", "cancel": "cancelled"},
		"scheduled": {"change": "scheduled", "cancel": "cancelled", "withhold": "draft", "begin": "sending", "expire": "expired"},
		"sending":   {"finish": "sent", "retract": "retracted"},
		"sent":      {"correct": "sent", "expire": "expired", "retract": "retracted"},
		"expired":   {"retract": "retracted"},
	}
	ops := []string{"change", "ask_review", "approve", "return", "schedule", "cancel", "correct", "retract", "withhold", "begin", "finish", "expire"}
	for _, state := range append(domain.AnnouncementStates(), "", "other") {
		for _, op := range ops {
			want, may := allowed[state][op]
			if next, ok := domain.AnnouncementNext(state, op); ok != may || next != want {
				t.Errorf("%s of %s: %q, %t; want %q", op, state, next, ok, want)
			}
		}
	}
}

// TestNothingLeavesAnEnd: whatever is tried, in whatever order, what was cancelled or
// retracted stays so, and nothing is sent that was not scheduled, anew if it was withheld.
func TestNothingLeavesAnEnd(t *testing.T) {
	ops := []string{"change", "ask_review", "approve", "return", "schedule", "cancel", "correct", "retract", "withhold", "begin", "finish", "expire"}
	rapid.Check(t, func(t *rapid.T) {
		state, scheduled := domain.AnnouncementDraft, false
		for _, op := range rapid.SliceOf(rapid.SampledFrom(ops)).Draw(t, "ops") {
			next, ok := domain.AnnouncementNext(state, op)
			if !ok {
				continue
			}
			if state == domain.AnnouncementCancelled || state == domain.AnnouncementRetracted {
				t.Fatalf("%s of %s gives %s", op, state, next)
			}
			scheduled = next == domain.AnnouncementScheduled || scheduled && op != domain.AnnounceWithhold
			if next == domain.AnnouncementSending && !scheduled {
				t.Fatal("sent, and never scheduled")
			}
			state = next
		}
	})
}

func TestWhatStandsAgainstAnAnnouncement(t *testing.T) {
	now := time.Date(2022, 5, 29, 3, 0, 0, 0, time.UTC)
	whole := map[string]any{"title_id": "Briefing", "body_id": "Datang.", "audience": map[string]any{}, "publish_at": "2022-05-30T01:00:00.000Z"}
	with := func(change map[string]any) map[string]any {
		out := map[string]any{}
		for k, v := range whole {
			out[k] = v
		}
		for k, v := range change {
			out[k] = v
			if v == nil {
				delete(out, k)
			}
		}
		return out
	}
	for _, tt := range []struct {
		name  string
		with  map[string]any
		ready bool
		want  []string // field and code
	}{
		{"whole", nil, true, nil},
		{"an empty draft", map[string]any{"title_id": nil, "body_id": nil, "audience": nil, "publish_at": nil}, false, nil},
		{"empty, to be sent", map[string]any{"title_id": nil, "body_id": nil, "audience": nil, "publish_at": nil}, true, []string{"audience required", "body_id required", "publish_at required", "title_id required"}},
		{"this very millisecond", map[string]any{"publish_at": "2022-05-29T03:00:00.000Z"}, true, nil},
		{"the one before", map[string]any{"publish_at": "2022-05-29T02:59:59.999Z"}, true, []string{"publish_at publish_in_past"}},
		{"the past of a draft", map[string]any{"publish_at": "2022-05-29T02:59:59.999Z"}, false, nil},
		{"half English", map[string]any{"title_en": "Briefing"}, true, []string{"body_en required"}},
		{"the other half", map[string]any{"body_en": "Come."}, true, []string{"title_en required"}},
		{"expires as it is published", map[string]any{"expires_at": "2022-05-30T01:00:00.000Z"}, true, []string{"expires_at time_reversed"}},
		{"to be confirmed after it expires", map[string]any{"require_ack": true, "ack_by": "2022-06-01T00:00:00.001Z", "expires_at": "2022-06-01T00:00:00.000Z"}, true, []string{"ack_by time_reversed"}},
		{"to be confirmed before it is read", map[string]any{"require_ack": true, "ack_by": "2022-05-30T01:00:00.000Z"}, true, []string{"ack_by time_reversed"}},
		{"a term, and nothing to confirm", map[string]any{"ack_by": "2022-05-31T00:00:00.000Z"}, true, []string{"require_ack required"}},
		{"late joiners for ever", map[string]any{"include_late_joiners": true}, true, []string{"expires_at required"}},
		{"no place", map[string]any{"audience": map[string]any{"regions": []string{"18", "9999"}}}, true, []string{"audience.regions[1] region_invalid"}},
		{"enrolled in nothing", map[string]any{"audience": map[string]any{"enrolment_states": []string{"active"}}}, true, []string{"audience.programme_id required"}},
	} {
		var got []string
		for _, m := range domain.CheckAnnouncement(newsRow(with(tt.with)), now, tt.ready) {
			got = append(got, m.Field+" "+m.Code)
		}
		if slices.Sort(got); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestQuietHours(t *testing.T) {
	for _, tt := range []struct {
		at    string // UTC
		zones []domain.Zone
		want  bool
	}{
		{"2022-05-30T13:59:59Z", []domain.Zone{domain.WIB}, false}, // 20:59:59
		{"2022-05-30T14:00:00Z", []domain.Zone{domain.WIB}, true},  // 21:00
		{"2022-05-30T15:30:00Z", []domain.Zone{domain.WIB}, true},  // 22:30
		{"2022-05-30T22:59:59Z", []domain.Zone{domain.WIB}, true},  // 05:59:59
		{"2022-05-30T23:00:00Z", []domain.Zone{domain.WIB}, false}, // 06:00
		{"2022-05-30T13:00:00Z", []domain.Zone{domain.WIB}, false}, // 20:00
		{"2022-05-30T13:00:00Z", []domain.Zone{domain.WIB, domain.WITA}, true},
		{"2022-05-30T21:00:00Z", []domain.Zone{domain.WIT}, false}, // 06:00
		{"2022-05-30T15:30:00Z", nil, false},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := domain.InQuietHours(at, tt.zones...); got != tt.want {
			t.Errorf("%s in %v: %t", tt.at, tt.zones, got)
		}
	}
}

func TestTheZonesOfAnAudience(t *testing.T) {
	for _, tt := range []struct {
		regions  []domain.Region
		fallback []domain.Zone
		want     []domain.Zone
	}{
		{[]domain.Region{"18", "18.71", "73"}, []domain.Zone{domain.WIT}, []domain.Zone{domain.WIB, domain.WITA}},
		{nil, []domain.Zone{domain.WIT}, []domain.Zone{domain.WIT}},
		{nil, nil, []domain.Zone{domain.WIB, domain.WITA, domain.WIT}},
	} {
		if got := (domain.Audience{Regions: tt.regions}).Zones(tt.fallback...); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt, got, tt.want)
		}
	}
}

func TestWhoMustReviewAnAnnouncement(t *testing.T) {
	lampung, both := []domain.Region{"18"}, []domain.Region{"33", "34"}
	some := domain.Audience{Programme: "p", Regions: lampung}
	var regencies, country []domain.Region
	for _, r := range domain.LampungRegencies() {
		regencies = append(regencies, r.Code)
	}
	for _, r := range domain.Provinces() {
		country = append(country, r.Code)
	}
	lines := domain.Categories()
	for _, tt := range []struct {
		audience domain.Audience
		of       []domain.Region
		priority string
		people   int
		want     bool
	}{
		{some, both, "", 1, false},
		{some, both, domain.PriorityImportant, domain.ReviewAbove, false},
		{some, both, "", domain.ReviewAbove + 1, true},
		{some, both, domain.PriorityUrgent, 1, true},
		{domain.Audience{Programme: "p"}, lampung, "", 1, true},
		{domain.Audience{Programme: "p", Enrolment: []string{"active"}, Roles: []merge.Role{merge.Owner}}, lampung, "", 1, true},
		{domain.Audience{}, nil, "", 1, true},
		{domain.Audience{Mentors: []string{"m"}}, nil, "", 1, false},
		{some, lampung, "", 1, true}, // all provinces that it has
		{domain.Audience{Programme: "p", Regions: both}, both, "", 1, true},
		{domain.Audience{Programme: "p", Regions: both[:1]}, both, "", 1, false},
		{domain.Audience{Programme: "p", Regions: []domain.Region{"18", "34", "33"}, Enrolment: []string{"active"}}, both, "", 1, true},
		{domain.Audience{Programme: "p", Regions: regencies}, lampung, "", 1, true}, // the province in other words
		{domain.Audience{Programme: "p", Regions: regencies[1:]}, lampung, "", 1, false},
		{domain.Audience{Programme: "p", Regions: lampung, Categories: lines}, lampung, "", 1, true},
		{domain.Audience{Programme: "p", Regions: lampung, Categories: lines[1:]}, lampung, "", 1, false},
		{domain.Audience{Programme: "p", Regions: lampung, Mentors: []string{"m"}}, lampung, "", 1, false},
		{domain.Audience{Programme: "p", Regions: lampung}, nil, "", 1, false}, // a draft without provinces has nobody
		{domain.Audience{Regions: lampung}, nil, "", 1, false},
		{domain.Audience{Regions: country}, nil, "", 1, true},
		{domain.Audience{Regions: country[1:]}, nil, "", 1, false},
	} {
		if got := domain.NeedsReview(tt.audience, tt.of, tt.priority, tt.people); got != tt.want {
			t.Errorf("%+v: %t", tt, got)
		}
		for approver, want := range map[any]bool{nil: tt.want, "somebody else": false} {
			r := newsRow(map[string]any{"audience": tt.audience, "priority": tt.priority, "approver": approver})
			if got := domain.Unreviewed(r, tt.of, tt.people); got != want {
				t.Errorf("%+v, approved by %v: %t", tt, approver, got)
			}
		}
	}
}

// TestWhereABusinessStands: the owner's side is newer than the file where both speak.
func TestWhereABusinessStands(t *testing.T) {
	for _, tt := range []struct{ file, application, want string }{
		{"", "", ""},
		{"", "draft", ""},
		{"", "submitted", "applied"},
		{"open", "submitted", "applied"},
		{"stage", "", "applied"},
		{"selected", "submitted", "applied"}, // not told yet
		{"selected", "offered", "offered"},
		{"selected", "confirmed", "active"},
		{"selected", "declined", "withdrawn"},
		{"selected", "lapsed", "withdrawn"},
		{"reserve", "submitted", "applied"},
		{"reserve", "reserve", "reserve"},
		{"reserve", "offered", "offered"},
		{"eliminated", "", "applied"},
		{"eliminated", "not_selected", "not_selected"},
		{"open", "withdrawn", "withdrawn"},
		{"withdrawn", "", "withdrawn"},
	} {
		file, application := newsRow(map[string]any{"state": tt.file}), newsRow(map[string]any{"state": tt.application})
		if got := domain.EnrolmentOf(file, application); got != tt.want {
			t.Errorf("file %q, application %q: %q, want %q", tt.file, tt.application, got, tt.want)
		}
	}
	if got := domain.BetterEnrolment("withdrawn", "active"); got != "active" || domain.BetterEnrolment("", "withdrawn") != "withdrawn" || domain.BetterEnrolment("", "") != "" {
		t.Errorf("the better one is %q", got)
	}
}

func TestWhoBelongsToAnAudience(t *testing.T) {
	access := []merge.Grant{
		{ID: "1", User: "owner", Role: merge.Owner, From: 10}, {ID: "2", User: "staff", Role: merge.Staff, From: 10, To: 60},
		{ID: "3", User: "mentor", Role: merge.Mentor, From: 10}, {ID: "4", User: "late", Role: merge.Staff, From: 70}}
	business := merge.Row{Key: merge.Key{ID: "b"}, Fields: map[string]merge.Value{"status": merge.Str("active"), "region_code": merge.Str("18.10"), "primary_category": merge.Str("food_beverage"),
		"categories": merge.Encode([]string{"food_beverage", "crafts"})}}
	for _, tt := range []struct {
		name      string
		audience  domain.Audience
		at, now   merge.Millis
		enrolment string
		want      []string
	}{
		{"everybody", domain.Audience{}, 50, 50, "", []string{"owner", "staff", "mentor"}},
		{"who has left since", domain.Audience{}, 50, 60, "", []string{"owner", "mentor"}},
		{"who has come since", domain.Audience{}, 65, 80, "", []string{"owner", "mentor"}},
		{"who came in time", domain.Audience{}, 70, 80, "", []string{"owner", "mentor", "late"}},
		{"roles", domain.Audience{Roles: []merge.Role{merge.Mentor}}, 50, 50, "", []string{"mentor"}},
		{"without somebody", domain.Audience{Exclude: []string{"owner"}}, 50, 50, "", []string{"staff", "mentor"}},
		{"without the business", domain.Audience{Exclude: []string{"b"}}, 50, 50, "", nil},
		{"province", domain.Audience{Regions: []domain.Region{"73", "18"}}, 50, 50, "", []string{"owner", "staff", "mentor"}},
		{"regency", domain.Audience{Regions: []domain.Region{"18.10"}}, 50, 50, "", []string{"owner", "staff", "mentor"}},
		{"another regency", domain.Audience{Regions: []domain.Region{"18.1", "18.71"}}, 50, 50, "", nil},
		{"category", domain.Audience{Categories: []string{"food_beverage"}}, 50, 50, "", []string{"owner", "staff", "mentor"}},
		{"a category that is not the first", domain.Audience{Categories: []string{"crafts"}}, 50, 50, "", nil},
		{"its mentor", domain.Audience{Mentors: []string{"mentor"}}, 50, 50, "", []string{"owner", "staff", "mentor"}},
		{"an owner is no mentor", domain.Audience{Mentors: []string{"owner"}}, 50, 50, "", nil},
		{"another business", domain.Audience{Businesses: []string{"c"}}, 50, 50, "", nil},
		{"not in the programme", domain.Audience{Programme: "p"}, 50, 50, "", nil},
		{"in the programme", domain.Audience{Programme: "p"}, 50, 50, "withdrawn", []string{"owner", "staff", "mentor"}},
		{"not as asked", domain.Audience{Programme: "p", Enrolment: []string{"offered", "active"}}, 50, 50, "applied", nil},
		{"as asked", domain.Audience{Programme: "p", Enrolment: []string{"offered", "active"}}, 50, 50, "active", []string{"owner", "staff", "mentor"}},
	} {
		var got []string
		if tt.audience.TakesBusiness(business, access, tt.at, tt.enrolment) {
			for _, g := range tt.audience.People(access, tt.at, tt.now) {
				got = append(got, g.User)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	business.Fields["status"] = merge.Str("merged_into")
	if (domain.Audience{}).TakesBusiness(business, access, 50, "") {
		t.Error("a business that was merged away")
	}
}

// TestEveryListNarrows: adding to an audience a list that was empty never adds people, and
// nobody is in it who holds no window.
func TestEveryListNarrows(t *testing.T) {
	user := rapid.SampledFrom([]string{"u1", "u2", "u3"})
	rapid.Check(t, func(t *rapid.T) {
		access := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) merge.Grant {
			return merge.Grant{User: user.Draw(t, "user"), Role: rapid.SampledFrom([]merge.Role{merge.Owner, merge.Staff, merge.Mentor}).Draw(t, "role"),
				From: merge.Millis(rapid.IntRange(1, 9).Draw(t, "from")), To: merge.Millis(rapid.IntRange(0, 9).Draw(t, "to"))}
		}), 0, 5).Draw(t, "access")
		business := merge.Row{Key: merge.Key{ID: "b1"}, Fields: map[string]merge.Value{"status": merge.Str("active"), "region_code": merge.Str("18.10"), "primary_category": merge.Str("crafts")}}
		at, now := merge.Millis(rapid.IntRange(1, 9).Draw(t, "at")), merge.Millis(rapid.IntRange(1, 9).Draw(t, "now"))
		state := rapid.SampledFrom([]string{"", "applied", "active"}).Draw(t, "state")
		people := func(a domain.Audience) (out []string) {
			if a.TakesBusiness(business, access, at, state) {
				for _, g := range a.People(access, at, now) {
					out = append(out, g.User)
				}
			}
			return out
		}
		for _, p := range people(domain.Audience{}) {
			if !merge.Granted(access, p, at) || !merge.Granted(access, p, now) {
				t.Fatalf("%s holds nothing", p)
			}
		}
		wide, narrow := domain.Audience{}, domain.Audience{}
		narrows := []func(a *domain.Audience){
			func(a *domain.Audience) { a.Programme = "p" },
			func(a *domain.Audience) { a.Programme, a.Enrolment = "p", []string{"active"} },
			func(a *domain.Audience) { a.Regions = []domain.Region{"18.71", "18.10"} },
			func(a *domain.Audience) { a.Categories = []string{"fashion"} },
			func(a *domain.Audience) { a.Mentors = []string{"u1"} },
			func(a *domain.Audience) { a.Businesses = []string{"b1", "b2"} },
			func(a *domain.Audience) { a.Roles = []merge.Role{merge.Owner} },
			func(a *domain.Audience) { a.Exclude = []string{"u2"} },
		}
		for i, by := range narrows {
			if rapid.Bool().Draw(t, fmt.Sprint("both ", i)) {
				by(&wide)
				by(&narrow)
			} else if rapid.Bool().Draw(t, fmt.Sprint("one ", i)) {
				by(&narrow)
			}
		}
		if narrow.Programme == "" {
			narrow.Programme = wide.Programme
		}
		all := people(wide)
		for _, p := range people(narrow) {
			if !slices.Contains(all, p) {
				t.Fatalf("%s is in %+v and not in %+v", p, narrow, wide)
			}
		}
	})
}

// TestAnItemNeverGoesBack: in whatever order workers bring versions and a retraction, the
// item ends as the last of them says.
func TestAnItemNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		versions := rapid.IntRange(1, 4).Draw(t, "versions")
		var says []merge.Row
		for v := range versions {
			says = append(says, newsRow(map[string]any{"title_id": "Briefing", "body_id": fmt.Sprint("Versi ", v+1), "version": v + 1, "state": "sent"}))
		}
		if rapid.Bool().Draw(t, "retracted") {
			says = append(says, newsRow(map[string]any{"title_id": "Briefing", "body_id": fmt.Sprint("Versi ", versions), "version": versions, "state": "retracted"}))
		}
		last := domain.AnnouncementItem(says[len(says)-1])
		item := merge.Row{Fields: map[string]merge.Value{}}
		for _, a := range append(rapid.Permutation(says).Draw(t, "order"), rapid.SliceOf(rapid.SampledFrom(says)).Draw(t, "again")...) {
			if domain.ItemBehind(item, a) {
				for name, v := range domain.AnnouncementItem(a) {
					item.Fields[name] = v
				}
			}
		}
		for name, v := range last {
			if string(item.Fields[name]) != string(v) {
				t.Fatalf("%s is %s, want %s", name, item.Fields[name], v)
			}
		}
	})
}
