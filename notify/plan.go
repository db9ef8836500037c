package notify

import (
	"cmp"
	"hash/fnv"
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

// ttlOf is how long a push of a type is worth something.
func ttlOf(t domain.NoticeType) time.Duration {
	switch t.Collapse {
	case domain.CollapseReminder:
		return 12 * time.Hour
	case domain.CollapseNudge:
		return 6 * time.Hour
	case domain.CollapseSync:
		return time.Hour
	}
	return 28 * 24 * time.Hour
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

// civil is the first instant at or behind at at which a push of a quiet class may ring
// with somebody. seed decides, the same at every look, where in the spread behind a pause
// it lies.
func (r Recipient) civil(at time.Time, class domain.Quiet, seed string) time.Time {
	if class == domain.RingsAlways {
		return at
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
		return day.Add(prayersTo*time.Minute + jitter(seed, spread)).UTC()
	default:
		return at
	}
	return r.civil(day.Add(time.Duration(to)*time.Minute+afterNight+jitter(seed, spread)).UTC(), class, seed)
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

// gathering is how pushes of several items become one.
type gathering struct {
	key    string        // items of one key and window are one push; "" for each its own
	window time.Duration // 0: the minute of the item, without a wait behind it
	hold   bool          // they wait for the end of the window; else the first rings at once, and the next no sooner than a window behind it
}

// Windows of what is gathered.
const (
	taskWindow   = 10 * time.Minute
	queueWindow  = 2 * time.Hour
	digestWindow = time.Hour
)

// gathers says with what an item of a type is gathered.
func gathers(t domain.NoticeType, r Recipient) gathering {
	switch {
	case t.Collapse == domain.CollapseReminder:
		return gathering{key: "reminder"}
	case t.ID == domain.NoticeTaskAssigned:
		return gathering{"tasks", taskWindow, true}
	case t.Collapse == domain.CollapseQueue:
		return gathering{"queue", queueWindow, false}
	case r.digests() && laneOf(t) == LaneUsual:
		return gathering{"digest", digestWindow, true}
	}
	return gathering{}
}

// plan is what of a delivery follows from an item and a recipient.
type plan struct {
	notice domain.NoticeType
	gather gathering
	rung   time.Time     // when the item was written
	life   time.Duration // how long it is worth sending; 0: as long as its type says
}

// first is the delivery of an item to an address.
func (p plan) first(r Recipient, item merge.Row, to store.Address) store.Delivery {
	key, next := item.ID+" "+item.Text("version"), p.rung
	switch g := p.gather; {
	case g.key != "" && g.window == 0:
		key = g.key + " " + p.rung.Truncate(time.Minute).Format(time.RFC3339)
		next = next.Add(gatherPause)
	case g.hold:
		next = p.rung.Truncate(g.window).Add(g.window)
		key = g.key + " " + next.Format(time.RFC3339)
	case g.key != "":
		key = g.key + " " + p.rung.Format(time.DateOnly)
	}
	return p.delivery(r, item, to, key, next)
}

// gatherPause is how long reminders of a minute wait for each other.
const gatherPause = 20 * time.Second

// behind is the delivery of an item whose own is closed already, or under way: the next of
// its window, or one by itself.
func (p plan) behind(r Recipient, item merge.Row, to store.Address, closed store.Delivery, now time.Time) store.Delivery {
	switch g := p.gather; {
	case g.window == 0:
		return p.delivery(r, item, to, "late "+item.ID, now)
	case g.hold:
		next := now.Truncate(g.window).Add(g.window)
		return p.delivery(r, item, to, g.key+" "+next.Format(time.RFC3339), next)
	}
	last := closed.Done
	if last.IsZero() {
		last = now
	}
	next := last.Add(p.gather.window)
	if next.Before(now) {
		next = now
	}
	return p.delivery(r, item, to, "behind "+closed.ID, next)
}

func (p plan) delivery(r Recipient, item merge.Row, to store.Address, key string, next time.Time) store.Delivery {
	did := id.Derive("push", key, item.Text("type"), to.Key)
	if p.gather.key != "" {
		did = id.Derive("push", key, to.User, to.Key)
	}
	expires := next.Add(cmp.Or(p.life, ttlOf(p.notice)))
	if end := domain.WorthUntil(item); !end.IsZero() && end.Before(expires) {
		expires = end
	}
	return store.Delivery{ID: did, Type: p.notice.ID, Batch: domain.BatchOf(item), Items: []string{item.ID}, User: to.User, Address: to.Key, Provider: to.Provider,
		Lane: laneOf(p.notice), State: store.DeliveryPending, Next: r.civil(next, domain.QuietOf(item), did), Expires: expires, Created: p.rung}
}

// pushOf writes the push of a delivery, about the items that still ring.
func pushOf(d store.Delivery, items []merge.Row, lang message.Lang, now time.Time) Push {
	t, _ := domain.NoticeTypeOf(items[0].Text("type"))
	p := Push{ID: d.ID, Type: t.ID, Collapse: string(t.Collapse), High: t.High || quietOf(items) == domain.RingsAlways, TTL: max(d.Expires.Sub(now), 0)}
	for _, r := range items {
		p.Items = append(p.Items, r.ID)
	}
	text := domain.PushText(items[0], lang)
	p.Tag, p.Link = domain.TagOf(items[0]), items[0].Text("deep_link")
	switch link, queue := domain.QueueLink(items); {
	case len(items) == 1 || queue && link == p.Link: // it says the same of each
	case queue:
		text, p.Link = message.PushMany(string(t.Collapse), lang), link
	default:
		text, p.Tag, p.Link = message.PushMany(string(t.Collapse), lang), "many:"+d.ID[:8], "app://kotak-masuk"
	}
	p.Title, p.Body = text.Title, text.Detail
	return p
}
