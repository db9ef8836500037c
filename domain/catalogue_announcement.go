package domain

import (
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// What an announcement may have at most.
const (
	maxAnnouncementText = 4000
	// MaxEditors bounds who writes in one announcement.
	MaxEditors = 50
	// MaxSendings is how often people who join later are sent an announcement.
	MaxSendings = 500

	// MaxAudience bounds the people of one announcement.
	MaxAudience = MaxJobSteps * AudiencePage
	// AudiencePage is how many people stand on a page of a frozen audience. A step of a
	// job brings the announcement to one page: so many commits.
	AudiencePage = 200
)

// announcements lists the collections of announcements. No phone has them: what it has
// is the item in its inbox.
func announcements() []*merge.Collection {
	return []*merge.Collection{announcement(), announcementVersion(), audiencePage(), announcementReceipt()}
}

func announcementWords() []merge.Field {
	return fields(
		server("title_id", text(1, 120), ""),
		server("title_en", text(1, 120), "with the text, or neither"),
		server("body_id", text(1, maxAnnouncementText), "plain text and links"),
		server("body_en", text(1, maxAnnouncementText), ""),
	)
}

// announcement is one announcement as its author writes it.
func announcement() *merge.Collection {
	people := list(ref(""), MaxJobSteps)
	return &merge.Collection{
		Name: "announcement", Scope: ScopeDecision, Doc: "news for many, as admins write it online; never on a phone", Tags: tagAnnouncement, Fields: fields(
			announcementWords(),
			server("audience", object(
				merge.Member{Name: "programme_id", Type: ref("")},
				merge.Member{Name: "enrolment_states", Type: list(enum(enrolmentStates()...), 12)},
				merge.Member{Name: "regions", Type: list(text(2, 13), 200)},
				merge.Member{Name: "categories", Type: list(enum(categories()...), 20)},
				merge.Member{Name: "mentor_ids", Type: people},
				merge.Member{Name: "business_ids", Type: people},
				merge.Member{Name: "roles", Type: list(enum(string(merge.Owner), string(merge.Staff), string(merge.Mentor)), 3)},
				merge.Member{Name: "exclude", Type: people}), "each list narrows, an empty one lets all through"),
			server("publish_at", instant(), "the audience is that of this instant"),
			server("expires_at", instant(), "leaves the lists of phones"),
			server("pin", truth(), "stands above the others"),
			server("priority", enum(PriorityNormal, PriorityImportant, PriorityUrgent), "urgent only with an approver"),
			server("require_ack", truth(), "people are asked to confirm"),
			server("ack_by", instant(), ""),
			server("include_late_joiners", truth(), "also for who joins before it expires"),
			server("push_public", truth(), "its title may be read on a lock screen: pushes carry it; absent = they say only that there is news"),
			server("state", enum(AnnouncementStates()...), ""),
			server("version", whole(1, 1_000_000, ""), "of the words; counts corrections"),
			server("author", ref(""), ""),
			server("editors", list(ref(""), MaxEditors), "everybody who wrote in it, the last one last"),
			server("approver", ref(""), "an admin who wrote nothing in it"),
			server("regional_by", ref(""), "regional admin on whose word it goes out, as long as they have its provinces; absent: an admin's"),
			server("reason", text(0, 300), "why it was returned, cancelled or retracted"),
			server("frozen_at", instant(), "when the audience was written down"),
			server("asked_at", instant(), "when those who had not read it were reminded to confirm it"),
			server("ended_at", instant(), "when it was cancelled, retracted or expired"),
			server("audience_count", whole(0, MaxAudience, "people"), "that it went to"),
			server("sendings", list(object(
				merge.Member{Name: "key", Type: ref(""), Required: true},
				merge.Member{Name: "pages", Type: whole(1, MaxJobSteps, "pages"), Required: true},
				merge.Member{Name: "people", Type: whole(1, MaxAudience, "people"), Required: true}), MaxSendings), "the frozen audience, and who joined later"),
		),
	}
}

// announcementVersion keeps the words that a correction replaced.
func announcementVersion() *merge.Collection {
	return &merge.Collection{
		Name: "announcement_version", Scope: ScopeDecision, Doc: "the words of an announcement before a correction", Tags: tagAnnouncementVersion, Fields: fields(
			server("announcement_id", ref("announcement"), ""),
			server("version", whole(1, 1_000_000, ""), ""),
			announcementWords(),
			server("editors", list(ref(""), MaxEditors), "who wrote them, the last one last"),
		),
	}
}

// audiencePage is a part of a frozen audience.
func audiencePage() *merge.Collection {
	return &merge.Collection{
		Name: "audience_page", Scope: ScopeAnnouncement, Doc: "whom an announcement went to, a page at a time; never on a phone", Fields: fields(
			server("key", ref(""), "of the sending; pages of one that the announcement does not name are nobody's"),
			server("no", whole(1, MaxJobSteps, ""), "counts from 1"),
			server("users", list(ref(""), AudiencePage), ""),
		),
	}
}

// AudiencePageID is the id of a page of a sending.
func AudiencePageID(key string, no int) string {
	return id.Derive("audience_page", key, string(merge.Num(no)))
}

// announcementReceipt is what became of an announcement at one person.
func announcementReceipt() *merge.Collection {
	return &merge.Collection{
		Name: "announcement_receipt", Scope: ScopeAnnouncement, Doc: "what became of an announcement at one person, repeated from that person's scope; never on a phone", Fields: fields(
			server("user_id", ref(""), ""),
			server("delivered_at", instant(), "the earliest of all phones, as are the others"),
			server("read_at", instant(), ""),
			server("acked_at", instant(), ""),
			cause(),
		),
	}
}

// tagAnnouncement lists the words under which an announcement is found: its state, and
// whether its hour may strike.
func tagAnnouncement(r merge.Row) []string {
	state := r.Text("state")
	tags := []string{AnnouncementTag(state)}
	if _, asks := AsksAt(r); asks || state == AnnouncementScheduled || state == AnnouncementSent && r.Text("expires_at") != "" {
		tags = append(tags, AnnouncementDue)
	}
	return tags
}

// AnnouncementDue is the tag of what the planner looks at: what is scheduled, what
// people will be reminded of, and what will expire.
const AnnouncementDue = "announcement:due"

// AnnouncementTag is the tag of all announcements in a state.
func AnnouncementTag(state string) string { return tag("announcement", "state", state) }

// AnnouncementVersionTag is the tag of the earlier words of an announcement.
func AnnouncementVersionTag(announcement string) string {
	return tag("announcement_version", announcement)
}

func tagAnnouncementVersion(r merge.Row) []string {
	return []string{AnnouncementVersionTag(r.Text("announcement_id"))}
}

// tagReceipt is how the receipts of one person for an announcement are found: two phones
// without a network may make two.
func tagReceipt(r merge.Row) []string { return []string{receiptTag(r.Text("announcement_id"))} }

func receiptTag(announcement string) string { return tag("receipt", announcement) }

// reactReceipt tells the author what a phone notes about an announcement.
func reactReceipt(c merge.Change) []merge.Effect { return readings(c, c.After.Text("announcement_id")) }

// reactInbox tells it too when an app notes only that the item was read.
func reactInbox(c merge.Change) []merge.Effect {
	out := rings(c)
	if c.After.Text("type") != NoticeAnnouncement || c.Before.Text("read_at") == c.After.Text("read_at") {
		return out
	}
	return append(out, readings(c, ItemAnnouncement(c.After))...)
}

// ItemAnnouncement is the id of the announcement that an inbox item is about; "" if it is
// about none.
func ItemAnnouncement(item merge.Row) string {
	var about struct {
		Collection string `json:"collection"`
		ID         string `json:"id"`
	}
	if decode(item.Fields["object"], &about); about.Collection != "announcement" {
		return ""
	}
	return about.ID
}

// readings repeat for the author what a person's scope says of an announcement now. Who
// was never sent it has no say.
func readings(c merge.Change, announcement string) []merge.Effect {
	user := scopeID(c)
	item, ok := c.Row("inbox", AnnouncementItemID(announcement, user))
	if !ok || item.Deleted {
		return nil
	}
	r := Reading{}.and(Reading{Read: notedAt(item, "read_at")})
	for _, receipt := range c.Tagged(receiptTag(announcement)) {
		r = r.and(Reading{notedAt(receipt, "delivered_at"), notedAt(receipt, "read_at"), notedAt(receipt, "acked_at")})
	}
	r = r.since(instantOf(item, "created_at"))
	return []merge.Effect{{Scope: AnnouncementScope(announcement), Collection: "announcement_receipt", ID: AnnouncementReceiptID(announcement, user), Mirror: true,
		Set: map[string]merge.Value{"user_id": merge.Str(user), "delivered_at": instantOrNull(r.Delivered), "read_at": instantOrNull(r.Read), "acked_at": instantOrNull(r.Acked)}}}
}

// notedAt is when a phone says that something was; a clock that stands at the beginning of
// 1970 says so too, and 0 is not yet.
func notedAt(r merge.Row, field string) merge.Millis {
	if at := instantOf(r, field); at != 0 || r.Text(field) == "" {
		return at
	}
	return 1
}

func instantOrNull(at merge.Millis) merge.Value {
	if at == 0 {
		return orNull(nil)
	}
	return at.Value()
}

// Reading is what became of an announcement at one person; 0 is not yet.
type Reading struct{ Delivered, Read, Acked merge.Millis }

// and takes the earliest of two readings. What was confirmed was read, and what was read
// was delivered.
func (r Reading) and(o Reading) Reading {
	acked := earliest(r.Acked, o.Acked)
	read := earliest(r.Read, o.Read, acked)
	return Reading{earliest(r.Delivered, o.Delivered, read), read, acked}
}

// since moves what a wrong clock says behind the instant at which the item was made. What
// it says of the future stays: a bound that moves would not keep the earliest.
func (r Reading) since(made merge.Millis) Reading {
	for _, at := range []*merge.Millis{&r.Delivered, &r.Read, &r.Acked} {
		if *at != 0 {
			*at = max(made, *at)
		}
	}
	return r
}

// earliest is the first of instants, those that are 0 left out.
func earliest(all ...merge.Millis) (first merge.Millis) {
	for _, at := range all {
		if at != 0 && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}
