package notify

import (
	"cmp"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Lanes, in the order in which they are served: whatever waits in an earlier one goes first.
const (
	LaneNow     = "now"     // rings at night too
	LaneResults = "results" // what people wait for
	LaneUsual   = "usual"
	LaneBulk    = "bulk" // to a whole audience
	LaneHint    = "hint" // that there is something new
)

// Lanes are all lanes in their order.
func Lanes() []string { return []string{LaneNow, LaneResults, LaneUsual, LaneBulk, LaneHint} }

// laneOf is where the pushes of a type wait.
func laneOf(t domain.NoticeType) string {
	switch {
	case t.Quiet == domain.RingsAlways:
		return LaneNow
	case t.ID == domain.NoticeAnnouncement:
		return LaneBulk
	case t.High:
		return LaneResults
	}
	return LaneUsual
}

// Recipient is how somebody wants to be told, and by whose clocks.
type Recipient struct {
	Zone       domain.Zone
	Preference merge.Row // zero if there is none: everything as usual
}

// rings reports whether pushes of a class are wanted.
func (r Recipient) rings(class string) bool {
	return string(r.Preference.Fields[class+"_push"]) != "false"
}

func (r Recipient) digests() bool { return string(r.Preference.Fields["digest"]) == "true" }

// quiet are the hours in which nothing rings, in minutes of the local day.
func (r Recipient) quiet() (from, to int) {
	from, to = 21*60, 6*60
	if v := clockOf(r.Preference.Text("quiet_from")); v >= 0 {
		from = v
	}
	if v := clockOf(r.Preference.Text("quiet_to")); v >= 0 {
		to = v
	}
	return from, to
}

// clockOf reads "21:00" as minutes; -1 for what is no time of a day.
func clockOf(text string) int {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return -1
	}
	return t.Hour()*60 + t.Minute()
}

// Prayers on Fridays, and how long behind quiet hours pushes begin, spread over some time.
const (
	prayersFrom = 11*60 + 30
	prayersTo   = 13 * 60
	afterNight  = 30 * time.Minute
	spread      = 10 * time.Minute
)

// civil is an instant at or behind at at which a push of a quiet class may ring with somebody:
// at itself, else a while behind the end of what is quiet. seed decides, the same at every
// look, where in the spread behind a pause it lies. Whoever leaves less of the day free than
// the spread is rung at the very end of the pause.
func (r Recipient) civil(at time.Time, class domain.Quiet, seed string) time.Time {
	for range 4 { // a night ends in prayers, and prayers in somebody's own hours
		end, pause := r.rest(at, class)
		if end.IsZero() {
			return at
		}
		next := end.Add(pause + jitter(seed, spread))
		if night, _ := r.rest(next, domain.WaitsForDay); !night.IsZero() {
			next = end
		}
		at = next.UTC()
	}
	return at
}

// rest is when the quiet time ends in which an instant lies, and how long behind it pushes
// begin; zero if it lies in none.
func (r Recipient) rest(at time.Time, class domain.Quiet) (end time.Time, pause time.Duration) {
	if class == domain.RingsAlways {
		return end, 0
	}
	local := at.In(r.Zone.Location())
	minute := local.Hour()*60 + local.Minute()
	from, to := r.quiet()
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, local.Location())
	switch {
	case from > to && minute >= from: // over midnight
		day = day.AddDate(0, 0, 1)
	case from > to && minute < to, from < to && minute >= from && minute < to:
	case class == domain.WaitsForEnd && local.Weekday() == time.Friday && minute >= prayersFrom && minute < prayersTo:
		return day.Add(prayersTo * time.Minute), 0
	default:
		return end, 0
	}
	return day.Add(time.Duration(to) * time.Minute), afterNight
}

// quietOf is the quiet class of a push about some items: that of the one which may ring
// soonest.
func quietOf(items []merge.Row) domain.Quiet {
	out := domain.WaitsForEnd
	for _, i := range items {
		out = min(out, domain.QuietOf(i)) // Q0 before Q1 before Q2
	}
	return out
}

// jitter is a duration below most that follows from seed.
func jitter(seed string, most time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed)) // never fails
	return time.Duration(h.Sum64()%uint64(most/time.Second)) * time.Second
}

// gathering is how pushes of several items become one: the first of a key waits for a while,
// and what comes behind it is told a window later, together. An item whose push was planned
// is found again by the same ids, whenever it is planned again.
type gathering struct {
	key    string        // "" for each item its own push
	window time.Duration // between two pushes of the key
	wait   time.Duration // of the first for others
}

// gathers says with what an item of a type is gathered. What the calendar tells in one minute is
// written one item after the other, over all businesses of a zone, and is one push whatever it is of: also
// for who wants digests, since what is due today would else be hidden behind what is due in a week. Who
// may get at what is not hidden among it, and what ends within a day of being written does not wait for
// a digest, nor for the morning behind one. Results ring at once.
func gathers(t domain.NoticeType, digests bool, item merge.Row, rung time.Time) gathering {
	switch {
	case t.ID == domain.NoticeResults && domain.BatchOf(item) != "":
		return gathering{"results", time.Minute, 0}
	case t.ID == domain.NoticeAccessEnded:
		return gathering{"access", 10 * time.Minute, 20 * time.Second}
	case domain.Reminds(t.ID), t.ID == domain.NoticeAcknowledge:
		return gathering{"reminder", 10 * time.Minute, 20 * time.Second}
	case t.ID == domain.NoticeTaskAssigned:
		return gathering{"tasks", 10 * time.Minute, 10 * time.Minute}
	case t.Collapse == domain.CollapseQueue:
		return gathering{"queue", 2 * time.Hour, 0}
	case digests && laneOf(t) == LaneUsual && !endsWithinADay(item, rung):
		return gathering{"digest", time.Hour, time.Hour}
	}
	return gathering{}
}

// endsWithinADay reports whether a push about an item that was written at an instant helps nobody a day later.
func endsWithinADay(item merge.Row, rung time.Time) bool {
	end := domain.HelpsUntil(item)
	return !end.IsZero() && end.Sub(rung) <= 24*time.Hour
}

// slot is the window in which an instant lies. A key has one push in each.
func (g gathering) slot(at time.Time) int64 { return at.UnixNano() / int64(g.window) }

// plan is what is planned: the push of an item to an address.
type plan struct {
	notice domain.NoticeType
	gather gathering
	other  gathering // that of who chose otherwise about digests
	item   merge.Row
	to     store.Address
	who    Recipient
	rung   time.Time     // when the item was written
	life   time.Duration // how long it is worth sending; 0: as long as its type says
}

// aloneID is the id of the delivery of an item by itself.
func (p plan) aloneID() string {
	return id.Derive("push", p.item.ID, p.item.Text("type"), placeOf(p.to))
}

// alone is the delivery of an item by itself.
func (p plan) alone() store.Delivery {
	did := p.aloneID()
	return p.delivery(did, p.who.civil(p.rung, domain.QuietOf(p.item), did))
}

// from is when a push of the key may ring that is meant for an instant.
func (p plan) from(at time.Time) time.Time {
	return p.who.civil(at, domain.QuietOf(p.item), p.gather.key+" "+placeOf(p.to))
}

// meant are when a push of the key is to ring that the item joins, and the slots in which it may lie already.
func (p plan) meant() (due time.Time, slots []int64) {
	meant := p.rung.Add(p.gather.wait)
	due = p.from(meant)
	slot, asked := p.gather.slot(due), p.gather.slot(meant)
	slots = []int64{slot - 1, slot}
	if asked != slot { // nor do other hours, which people chose since it was planned, plan it anew
		slots = append(slots, asked-1, asked)
	}
	return due, slots
}

// behind is when the next push may ring behind another one of the key.
func (p plan) behind(d store.Delivery) time.Time { return p.from(d.Due.Add(p.gather.window)) }

// following are the slots in which the next push behind that of a slot may be, whenever in its
// slot that one was to ring: at a civil hour, the next one.
func (p plan) following(slot int64) []int64 {
	first := time.Unix(0, (slot+1)*int64(p.gather.window))
	return []int64{slot + 1, p.gather.slot(p.from(first)), p.gather.slot(p.from(first.Add(p.gather.window - 1)))}
}

// told reports whether a push that went says all that there is to say of an item: the results of
// one programme, which it asks people to look at, in the minute in which it was to ring.
func (p plan) told(d store.Delivery) bool {
	if p.notice.ID != domain.NoticeResults || d.Batch != domain.BatchOf(p.item) || !p.rung.Before(d.Due.Add(p.gather.window)) {
		return false
	}
	return d.State == store.DeliverySending || d.State == store.DeliveryRetry || d.State == store.DeliverySent
}

// slotID is the id of the delivery of a slot.
func (p plan) slotID(slot int64) string {
	return id.Derive("push", p.gather.key+" "+strconv.FormatInt(slot, 10), p.to.User, placeOf(p.to))
}

func (p plan) delivery(did string, due time.Time) store.Delivery {
	return store.Delivery{ID: did, Type: p.notice.ID, Batch: domain.BatchOf(p.item), Items: []string{p.item.ID}, User: p.to.User, Address: p.to.Key, Device: p.to.Device, Provider: p.to.Provider,
		Lane: laneOf(p.notice), State: store.DeliveryPending, Due: due, Next: due, Expires: p.expires(due), Created: p.rung}
}

// expires is until when the item is worth telling, told from an instant on.
func (p plan) expires(due time.Time) time.Time {
	out := due.Add(cmp.Or(p.life, p.notice.TTL))
	if end := domain.WorthUntil(p.item); !end.IsZero() && end.Before(out) {
		out = end
	}
	return out
}

// behindPause is how long a push that had to wait for a civil hour is worth sending then, at
// least.
const behindPause = time.Hour

// longer is until when some items are worth telling that wait for a civil hour: what is over
// in the night is told in the morning, unless all of them have an end of their own before.
func longer(expires, civil time.Time, items []merge.Row) time.Time {
	out := civil.Add(behindPause)
	if !out.After(expires) {
		return expires
	}
	last := time.Time{}
	for _, i := range items {
		end := domain.WorthUntil(i)
		if end.IsZero() {
			return out
		}
		if end.After(last) {
			last = end
		}
	}
	if out.After(last) {
		out = last
	}
	return out
}

// pushOf writes the push of a delivery, about the items that still ring; days are those of zone.
func pushOf(d store.Delivery, items []merge.Row, lang message.Lang, zone domain.Zone, now time.Time) Push {
	t, _ := domain.NoticeTypeOf(items[0].Text("type"))
	p := Push{ID: d.ID, Type: t.ID, Collapse: string(t.Collapse), High: t.High || quietOf(items) == domain.RingsAlways, TTL: max(d.Expires.Sub(now), 0)}
	for _, r := range items {
		p.Items = append(p.Items, r.ID)
	}
	text := domain.PushText(items[0], lang)
	p.Tag, p.Link = domain.TagOf(items[0]), items[0].Text("deep_link")
	if len(items) > 1 {
		m := domain.ManyOf(items)
		p.Collapse = string(m.Collapse)
		if !m.Alike {
			text, p.Tag, p.Link = message.PushMany(m.Words, lang), cmp.Or(m.Tag, "many:"+d.ID[:8]), m.Link
		}
	}
	if day := domain.PushDay(items, zone, now, lang); day != "" {
		text.Detail += " " + day
	}
	p.Title, p.Body = text.Title, text.Detail
	return p
}
