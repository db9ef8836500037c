package domain

import (
	"slices"
	"strconv"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// ScopeAnnouncement is the kind of the scope in which one announcement keeps whom it
// went to and what became of it there. Nobody is granted it: no phone has it.
const ScopeAnnouncement = "announcement"

// AnnouncementScope is the scope of one announcement. Its words stand in GeneralQueue.
func AnnouncementScope(announcement string) string { return ScopeAnnouncement + "/" + announcement }

// States of an announcement.
const (
	AnnouncementDraft     = "draft"
	AnnouncementInReview  = "in_review" // waits for another admin
	AnnouncementScheduled = "scheduled"
	AnnouncementSending   = "sending" // the audience is frozen
	AnnouncementSent      = "sent"
	AnnouncementExpired   = "expired"   // off the lists of people, kept in the archive
	AnnouncementCancelled = "cancelled" // before anybody had it
	AnnouncementRetracted = "retracted" // the words are taken back, the title stays
)

// AnnouncementStates are all states.
func AnnouncementStates() []string {
	return []string{AnnouncementDraft, AnnouncementInReview, AnnouncementScheduled, AnnouncementSending, AnnouncementSent, AnnouncementExpired, AnnouncementCancelled, AnnouncementRetracted}
}

// Operations on an announcement.
const (
	AnnounceChange    = "change"
	AnnounceAskReview = "ask_review"
	AnnounceApprove   = "approve" // by another admin, and scheduled with it
	AnnounceReturn    = "return"  // by another admin, who wants it otherwise
	AnnounceSchedule  = "schedule"
	AnnounceCancel    = "cancel"
	AnnounceCorrect   = "correct"
	AnnounceRetract   = "retract"
	AnnounceWithhold  = "withhold" // by the server, at the hour: the right on which it goes out has ended, or it is for so many that another admin reads it first
	AnnounceBegin     = "begin"    // by the server, at the hour
	AnnounceFinish    = "finish"   // by the server: everybody has it
	AnnounceExpire    = "expire"   // by the server
)

// AnnouncementNext is the state that an operation leads to. ok is false where it is not
// allowed. Whether a review is needed is not asked here.
func AnnouncementNext(state, op string) (next string, ok bool) {
	type step struct{ from, op string }
	next, ok = map[step]string{
		{AnnouncementDraft, AnnounceChange}:       AnnouncementDraft,
		{AnnouncementInReview, AnnounceChange}:    AnnouncementDraft, // what was handed in is no longer what is there
		{AnnouncementScheduled, AnnounceChange}:   AnnouncementScheduled,
		{AnnouncementDraft, AnnounceAskReview}:    AnnouncementInReview,
		{AnnouncementInReview, AnnounceApprove}:   AnnouncementScheduled,
		{AnnouncementInReview, AnnounceReturn}:    AnnouncementDraft,
		{AnnouncementDraft, AnnounceSchedule}:     AnnouncementScheduled,
		{AnnouncementDraft, AnnounceCancel}:       AnnouncementCancelled,
		{AnnouncementInReview, AnnounceCancel}:    AnnouncementCancelled,
		{AnnouncementScheduled, AnnounceCancel}:   AnnouncementCancelled,
		{AnnouncementScheduled, AnnounceWithhold}: AnnouncementDraft,
		{AnnouncementScheduled, AnnounceBegin}:    AnnouncementSending,
		{AnnouncementScheduled, AnnounceExpire}:   AnnouncementExpired, // the server was down for so long
		{AnnouncementSending, AnnounceFinish}:     AnnouncementSent,
		{AnnouncementSending, AnnounceRetract}:    AnnouncementRetracted,
		{AnnouncementSent, AnnounceCorrect}:       AnnouncementSent,
		{AnnouncementSent, AnnounceExpire}:        AnnouncementExpired,
		{AnnouncementSent, AnnounceRetract}:       AnnouncementRetracted,
		{AnnouncementExpired, AnnounceRetract}:    AnnouncementRetracted, // phones still hold the words
	}[step{state, op}]
	return next, ok
}

// Priorities of an announcement.
const (
	PriorityNormal    = "normal"
	PriorityImportant = "important"
	PriorityUrgent    = "urgent"
)

// Enrolment states of a business in a programme.
const (
	EnrolmentApplied     = "applied" // and not decided
	EnrolmentReserve     = "reserve"
	EnrolmentNotSelected = "not_selected"
	EnrolmentOffered     = "offered" // selected; the owner has to confirm
	EnrolmentActive      = "active"
	EnrolmentPaused      = "paused"
	EnrolmentCompleted   = "completed"
	EnrolmentWithdrawn   = "withdrawn" // also declined, lapsed, disqualified
)

func enrolmentStates() []string {
	return []string{EnrolmentApplied, EnrolmentReserve, EnrolmentNotSelected, EnrolmentOffered, EnrolmentActive, EnrolmentPaused, EnrolmentCompleted, EnrolmentWithdrawn}
}

// EnrolmentOf says where a business stands in a programme as its owner may know it, by its
// case file and by what is repeated there of its application; either may be a zero row. "" is nowhere: nothing
// was submitted.
func EnrolmentOf(file, application merge.Row) string {
	switch application.Text("state") {
	case ApplicationConfirmed:
		return EnrolmentActive
	case ApplicationOffered:
		return EnrolmentOffered
	case ApplicationReserve:
		return EnrolmentReserve
	case ApplicationNotSelected:
		return EnrolmentNotSelected
	case ApplicationWithdrawn, ApplicationDeclined, ApplicationLapsed, ApplicationDisqualified:
		return EnrolmentWithdrawn
	}
	switch file.Text("state") {
	case "":
	case FileWithdrawn:
		return EnrolmentWithdrawn
	default: // what was decided about a file is secret until its owner is told, which is in the application
		return EnrolmentApplied
	}
	if s := application.Text("state"); s == ApplicationSubmitted || s == ApplicationReturned {
		return EnrolmentApplied
	}
	return ""
}

// Audience says who an announcement is for. Every list narrows; an empty one lets all
// through. The zero value is everybody who belongs to a business.
type Audience struct {
	Programme  string       `json:"programme_id"`     // businesses that applied to it
	Enrolment  []string     `json:"enrolment_states"` // of the business in the programme
	Regions    []Region     `json:"regions"`          // provinces, regencies, districts
	Categories []string     `json:"categories"`       // that the business is counted under
	Mentors    []string     `json:"mentor_ids"`       // businesses that one of them accompanies
	Businesses []string     `json:"business_ids"`
	Roles      []merge.Role `json:"roles"`   // owner, staff, mentor
	Exclude    []string     `json:"exclude"` // users and businesses
}

// AudienceOf reads the audience of an announcement.
func AudienceOf(r merge.Row) (a Audience) {
	decode(r.Fields["audience"], &a)
	return a
}

// Whole reports whether nothing but roles and enrolment narrows it: everybody of a
// programme of these provinces, or everybody. A list that names all there is narrows nothing:
// every province, in whatever regions, or every category. Who is named one by one is chosen.
func (a Audience) Whole(provinces []Region) bool {
	if a.Programme == "" {
		for _, p := range Provinces() {
			provinces = append(provinces, p.Code)
		}
	}
	left := func(p Region) bool { return !a.holds(p) }
	narrow := len(a.Regions) > 0 && (len(provinces) == 0 || slices.ContainsFunc(provinces, left))
	other := len(a.Categories) > 0 && slices.ContainsFunc(categories(), func(c string) bool { return !slices.Contains(a.Categories, c) })
	return !narrow && !other && len(a.Mentors) == 0 && len(a.Businesses) == 0
}

// holds reports whether all of a region lies in regions that it names: in one, or in those of
// the list that make it up.
func (a Audience) holds(r Region) bool {
	if slices.ContainsFunc(a.Regions, r.Within) {
		return true
	}
	parts := regionsOf(string(r)+".", 5)
	return len(r) == 2 && len(parts) > 0 && !slices.ContainsFunc(parts, func(p NamedRegion) bool { return !slices.ContainsFunc(a.Regions, p.Code.Within) })
}

// LiesIn reports whether nobody belongs to it but by businesses of these provinces: it names
// regions, and all of them lie there. What else it names only narrows it.
func (a Audience) LiesIn(provinces []string) bool {
	return len(a.Regions) > 0 && !slices.ContainsFunc(a.Regions, func(r Region) bool { return !slices.Contains(provinces, string(r.Province())) })
}

// TakesBusiness reports whether the people of a business may belong to it: by what the
// business says, its windows at an instant, and where it stands in the programme.
func (a Audience) TakesBusiness(business merge.Row, access []merge.Grant, at merge.Millis, enrolment string) bool {
	region := Region(business.Text("region_code"))
	accompanied := func(mentor string) bool {
		return slices.ContainsFunc(access, func(g merge.Grant) bool { return g.User == mentor && g.Role == merge.Mentor && g.Holds(at) })
	}
	switch {
	case business.Text("status") != "active":
		return false
	case slices.Contains(a.Exclude, business.ID):
		return false
	case len(a.Businesses) > 0 && !slices.Contains(a.Businesses, business.ID):
		return false
	case len(a.Regions) > 0 && !slices.ContainsFunc(a.Regions, region.Within):
		return false
	case len(a.Categories) > 0 && !slices.Contains(a.Categories, business.Text("primary_category")):
		return false
	case len(a.Mentors) > 0 && !slices.ContainsFunc(a.Mentors, accompanied):
		return false
	case a.Programme != "" && enrolment == "":
		return false
	}
	return a.Programme == "" || len(a.Enrolment) == 0 || slices.Contains(a.Enrolment, enrolment)
}

// People lists the windows of a business whose people belong to it: those that held at
// an instant and hold now, of the roles.
func (a Audience) People(access []merge.Grant, at, now merge.Millis) (out []merge.Grant) {
	for _, g := range access {
		if g.Holds(at) && g.Holds(now) && (len(a.Roles) == 0 || slices.Contains(a.Roles, g.Role)) && !slices.Contains(a.Exclude, g.User) {
			out = append(out, g)
		}
	}
	return out
}

// Sending is a part of the frozen audience of an announcement: all of it, or who joined
// later.
type Sending struct {
	Key    string `json:"key"`
	Pages  int    `json:"pages"`
	People int    `json:"people"`
}

// SendingsOf reads whom an announcement was sent to, in order.
func SendingsOf(r merge.Row) (out []Sending) {
	decode(r.Fields["sendings"], &out)
	return out
}

// AudiencePages are the ids of all pages of the frozen audience of an announcement, in
// order.
func AudiencePages(r merge.Row) (out []string) {
	for _, s := range SendingsOf(r) {
		for no := range s.Pages {
			out = append(out, AudiencePageID(s.Key, no+1))
		}
	}
	return out
}

// ReviewAbove is how many people an announcement may reach without another admin having
// read it.
const ReviewAbove = 1000

// NeedsReview reports whether another admin has to approve an announcement to so many
// people. provinces are those of the programme that it is for.
func NeedsReview(a Audience, provinces []Region, priority string, people int) bool {
	return people > ReviewAbove || a.Whole(provinces) || priority == PriorityUrgent
}

// Unreviewed reports whether an announcement must not reach so many people: another admin
// has to approve it first, and none has.
func Unreviewed(r merge.Row, provinces []Region, people int) bool {
	return r.Text("approver") == "" && NeedsReview(AudienceOf(r), provinces, r.Text("priority"), people)
}

// The hours in which phones are left alone, by the clocks of their people.
const (
	quietFrom = 21
	quietTo   = 6
)

// InQuietHours reports whether an instant lies in the quiet hours of one of the zones.
func InQuietHours(at time.Time, zones ...Zone) bool {
	return slices.ContainsFunc(zones, func(z Zone) bool {
		h := at.In(z.Location()).Hour()
		return h >= quietFrom || h < quietTo
	})
}

// Zones are the time zones of an audience as far as its regions say so; those of fallback
// without regions, and all of the country without either.
func (a Audience) Zones(fallback ...Zone) (out []Zone) {
	for _, r := range a.Regions {
		if z, err := r.Zone(); err == nil && !slices.Contains(out, z) {
			out = append(out, z)
		}
	}
	switch {
	case len(out) > 0:
		return out
	case len(fallback) > 0:
		return fallback
	}
	return []Zone{WIB, WITA, WIT}
}

// AnnouncementText are the fields of an announcement that people read.
func AnnouncementText() []string { return []string{"title_id", "title_en", "body_id", "body_en"} }

// AnnouncementFields are the fields of an announcement that its author writes.
func AnnouncementFields() []string {
	return append(AnnouncementText(), "audience", "publish_at", "expires_at", "pin", "priority", "require_ack", "ack_by", "include_late_joiners", "push_public")
}

// AnnouncementCorrectable are those that a correction may write.
func AnnouncementCorrectable() []string { return append(AnnouncementText(), "expires_at", "pin") }

// CheckAnnouncement holds what an admin says of an announcement against itself. It gives
// every mistake, each with the field. A draft may lack most of it; ready asks for all
// that sending needs, and for an hour that does not lie before now.
func CheckAnnouncement(r merge.Row, now time.Time, ready bool) (bad []fault.Mistake) {
	say := func(field, code string) { bad = append(bad, fault.Mistake{Field: field, Code: code}) }
	if ready {
		for _, name := range []string{"title_id", "body_id", "audience", "publish_at"} {
			if merge.Null(r.Fields[name]) {
				say(name, "required")
			}
		}
	}
	for name, other := range map[string]string{"title_en": "body_en", "body_en": "title_en"} {
		if r.Text(name) == "" && r.Text(other) != "" {
			say(name, "required")
		}
	}
	publish, expires, ack := instantOf(r, "publish_at"), instantOf(r, "expires_at"), instantOf(r, "ack_by")
	if ready && publish != 0 && publish.Time().Before(now) {
		say("publish_at", "publish_in_past")
	}
	if expires != 0 && expires <= publish {
		say("expires_at", "time_reversed")
	}
	if ack != 0 && (ack <= publish || expires != 0 && ack > expires) {
		say("ack_by", "time_reversed")
	}
	if ack != 0 && string(r.Fields["require_ack"]) != "true" {
		say("require_ack", "required")
	}
	if expires == 0 && string(r.Fields["include_late_joiners"]) == "true" {
		say("expires_at", "required") // somebody joins for ever
	}
	return append(bad, checkAudience(AudienceOf(r))...)
}

func checkAudience(a Audience) (bad []fault.Mistake) {
	for i, c := range a.Regions {
		if _, err := ParseRegion(string(c)); err != nil {
			bad = append(bad, fault.Mistake{Field: "audience.regions[" + strconv.Itoa(i) + "]", Code: fault.CodeOf(err)})
		}
	}
	if len(a.Enrolment) > 0 && a.Programme == "" {
		bad = append(bad, fault.Mistake{Field: "audience.programme_id", Code: "required"})
	}
	return bad
}

// AnnouncementItemID is the id of the one inbox item that a person has of an
// announcement, whoever writes it and however often.
func AnnouncementItemID(announcement, user string) string {
	return id.Derive("announcement", announcement, user)
}

// AnnouncementItem is what the inbox of a recipient says of an announcement as it is now.
// Nothing is left of the words of one that was retracted.
func AnnouncementItem(r merge.Row) map[string]merge.Value {
	set := inboxItem(NoticeAnnouncement, "", merge.Key{Collection: "announcement", ID: r.ID}, nil)
	for _, name := range []string{"title_id", "title_en", "body_id", "body_en", "expires_at", "pin", "priority", "require_ack", "ack_by", "push_public", "version"} {
		set[name] = orNull(r.Fields[name])
	}
	if r.Text("state") == AnnouncementRetracted {
		set["body_id"], set["body_en"], set["retracted"] = merge.Value("null"), merge.Value("null"), merge.Flag(true)
	}
	return set
}

// ItemBehind reports whether an inbox item says less than the announcement does now. An
// item never goes back: not to an earlier version, and never from retracted.
func ItemBehind(item, announcement merge.Row) bool {
	retracted := announcement.Text("state") == AnnouncementRetracted
	if string(item.Fields["retracted"]) == "true" {
		return false
	}
	return retracted || item.Int("version") < announcement.Int("version")
}

// BetterEnrolment is the one of two enrolment states that counts where a business has
// applied twice to one programme.
func BetterEnrolment(a, b string) string {
	best := []string{EnrolmentActive, EnrolmentPaused, EnrolmentCompleted, EnrolmentOffered, EnrolmentReserve, EnrolmentApplied, EnrolmentNotSelected, EnrolmentWithdrawn}
	for _, state := range best {
		if a == state || b == state {
			return state
		}
	}
	return ""
}
