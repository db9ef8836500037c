package domain

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// StepRing has the phones of a person rung for an item of the inbox.
const StepRing = "ring"

// rings has phones rung for an item that is new. One that somebody has read on the way, or
// that is only brought up to date, is silent.
func rings(c merge.Change) []merge.Effect {
	if c.After.Deleted || !c.New || c.After.Text("read_at") != "" || string(c.After.Fields["retracted"]) == "true" {
		return nil
	}
	return []merge.Effect{{Scope: c.Scope(), Collection: "inbox", ID: c.After.ID, Do: StepRing}}
}

// saysOf reads the parameters of an item.
func saysOf(item merge.Row) map[string]any {
	says := map[string]any{}
	decode(item.Fields["params"], &says)
	return says
}

// TagOf is the tag of the card that a push about an item draws: a later one of the same
// takes its place.
func TagOf(item merge.Row) string {
	t, ok := NoticeTypeOf(item.Text("type"))
	if !ok {
		return ""
	}
	pairs := []string{"{id}", NoticeObject(item).ID}
	for name, v := range saysOf(item) {
		if s, ok := v.(string); ok {
			pairs = append(pairs, "{"+name+"}", s)
		}
	}
	return strings.NewReplacer(pairs...).Replace(t.Tag)
}

// PushText is what a push about an item says: what its type does, which gives nothing away;
// of an announcement whose author let it be read on a lock screen its title and nothing else
// of it, in one language, and whole in the body where it is too long to be one of a push.
func PushText(item merge.Row, lang message.Lang) message.Sentence {
	out := message.Push(item.Text("type"), lang)
	if isToday(item) {
		out = message.PushToday(item.Text("type"), lang)
	}
	if item.Text("type") != NoticeAnnouncement || string(item.Fields["push_public"]) != "true" {
		return out
	}
	title := item.Text("title_id")
	if en := item.Text("title_en"); lang == message.EN && en != "" {
		title = en
	}
	title = strings.Join(strings.Fields(title), " ")
	if title == "" {
		return out
	}
	out.Title = message.Cut(title, message.PushTitle)
	if out.Title != title {
		out.Detail = message.Cut(title, message.PushBody)
	}
	return out
}

// nearDue is how long before the end of the day on which a task is due its notice names that day.
const nearDue = 24 * time.Hour

// PushDay is what a push about items of one type says of a day beside its words, by the clocks of
// zone; "" says nothing.
func PushDay(items []merge.Row, zone Zone, now time.Time, lang message.Lang) string {
	if items[0].Text("type") == NoticeVisitTomorrow {
		return sharedDay(items, zone, lang)
	}
	return nearestDue(items, zone, now, lang)
}

// sharedDay is the day of visits, if it is one: a push may ring on the evening before or on that day, so
// that its words are of neither.
func sharedDay(items []merge.Row, zone Zone, lang message.Lang) string {
	var on Date
	for _, i := range items {
		says, _ := saysOf(i)["at"].(string)
		at, err := merge.ParseInstant(says)
		if err != nil || i.Text("type") != NoticeVisitTomorrow {
			return ""
		}
		day := BusinessDay(at.Time(), zone)
		if on != "" && day != on {
			return ""
		}
		on = day
	}
	day, err := time.Parse(dateForm, string(on))
	if err != nil {
		return ""
	}
	return message.PushOn(message.Date(day), lang)
}

// nearestDue is the day of the nearest of new tasks where that is soon: there may be no reminder of it
// ahead any more.
func nearestDue(items []merge.Row, zone Zone, now time.Time, lang message.Lang) string {
	var nearest Date
	for _, i := range items {
		if i.Text("type") != NoticeTaskAssigned {
			return ""
		}
		if s, _ := saysOf(i)["due"].(string); s != "" && (nearest == "" || Date(s) < nearest) {
			nearest = Date(s)
		}
	}
	end := nearest.End(zone)
	day, err := time.Parse(dateForm, string(nearest))
	if err != nil || end.Sub(now) >= nearDue {
		return ""
	}
	return message.PushDue(message.Date(day), lang)
}

// QuietOf is what a push about an item does in quiet hours: that of its type, but of an
// announcement that another admin let be urgent.
func QuietOf(item merge.Row) Quiet {
	t, ok := NoticeTypeOf(item.Text("type"))
	switch {
	case !ok:
		return WaitsForEnd
	case t.ID == NoticeAnnouncement && item.Text("priority") == PriorityUrgent:
		return RingsAlways
	}
	return t.Quiet
}

// Unasked is the device that is not rung for an item, because it is what the item is about;
// "" if all are.
func Unasked(item merge.Row) string {
	t, ok := NoticeTypeOf(item.Text("type"))
	if !ok || t.NotTo == "" {
		return ""
	}
	device, _ := saysOf(item)[t.NotTo].(string)
	return device
}

// BatchOf is what the pushes of one sending share: an announcement, or the results of a
// programme; "" for an item that stands alone.
func BatchOf(item merge.Row) string {
	if a := ItemAnnouncement(item); a != "" && item.Text("type") == NoticeAnnouncement {
		return "announcement/" + a
	}
	if programme, ok := saysOf(item)["programme"].(string); ok && item.Text("type") == NoticeResults {
		return "results/" + programme
	}
	return ""
}

// Unheard reports whether an item may still be rung for: nobody has read it or swiped it
// away, it was not taken back, and has not expired.
func Unheard(item merge.Row, now time.Time) bool {
	expires := WorthUntil(item)
	return item.Text("read_at") == "" && string(item.Fields["dismissed"]) != "true" && string(item.Fields["retracted"]) != "true" && (expires.IsZero() || now.Before(expires))
}

// AsItStands is an item about an announcement with what that one says now: a correction, a retraction
// and an end reach every inbox by work behind their commit, and a push that leaves before it says
// what is so already. ok is false where the announcement is not out, or not any more: it is not there
// (a zero row), was taken back, or has ended.
func AsItStands(item, announcement merge.Row, now time.Time) (_ merge.Row, ok bool) {
	state, end := announcement.Text("state"), WorthUntil(announcement)
	if state != AnnouncementSending && state != AnnouncementSent || !end.IsZero() && !now.Before(end) {
		return item, false
	}
	if item.Text("type") == NoticeAnnouncement && ItemBehind(item, announcement) {
		item.Fields = maps.Clone(item.Fields)
		maps.Copy(item.Fields, AnnouncementItem(announcement))
	}
	return item, true
}

// WorthUntil is when an item is worth nothing any more: when it expires, or the visit begins that it
// announces; the zero time if it does not say.
func WorthUntil(item merge.Row) time.Time {
	if at := instantOf(item, "expires_at"); at != 0 {
		return at.Time()
	}
	if item.Text("type") == NoticeVisitPlanned {
		says, _ := saysOf(item)["at"].(string)
		if at, err := merge.ParseInstant(says); err == nil {
			return at.Time()
		}
	}
	return time.Time{}
}

// HelpsUntil is the last instant at which a push about an item still comes in time: when the item is worth nothing any more, or
// a submission that came back is to be complete, of which a push still tells behind it; the zero time if there is none.
func HelpsUntil(item merge.Row) time.Time {
	if item.Text("type") == NoticeApplicationBack {
		until, _ := saysOf(item)["until"].(string)
		if at, err := merge.ParseInstant(until); err == nil {
			return at.Time()
		}
	}
	return WorthUntil(item)
}

// Hinted are the people whose phones are told silently that a commit of a scope is there to be
// fetched: those who may see it. Of somebody's own scope that person, if one of their phones wrote
// it; what the server alone puts there, an item above all, rings by itself. A list for everybody
// comes with the next sync.
func Hinted(scope string, access []merge.Grant, at merge.Millis, devices []string) []string {
	if user, own := strings.CutPrefix(scope, merge.UserScope("")); own {
		if len(devices) == 0 {
			return nil
		}
		return []string{user}
	}
	return Holders(access, at)
}

// Holders are the people who may see a scope at an instant, each once.
func Holders(access []merge.Grant, at merge.Millis) (out []string) {
	for _, g := range access {
		if g.Holds(at) && !slices.Contains(out, g.User) {
			out = append(out, g.User)
		}
	}
	return out
}
