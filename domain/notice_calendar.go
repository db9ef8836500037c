package domain

import (
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// lastMinute is the minute before an instant, as items say it: 23:59 for what ends with a day.
func lastMinute(end time.Time) string {
	return merge.FormatInstant(merge.Millis(end.Add(-time.Minute).UnixMilli()))
}

// registration reminds owners of a draft while people may register for its programme.
func (b *bell) registration(a merge.Row) {
	if s := a.Text("state"); s != ApplicationDraft && s != ApplicationReturned {
		return
	}
	p, ok := b.past.Programme(a.Text("programme_id"))
	_, end, open := p.Registration()
	if !ok || !open || p.Status != ProgrammeOpen || !b.now.Before(end) {
		return
	}
	planned := plan(a.Key.String(), lastMorning(end, b.zone), b.zone, b.since, reminderHour, -3, -1, 0)
	made := func() merge.Millis {
		return max(instantOf(a, "created_at"), b.said("application_event", a.ID, "return"))
	}
	b.ring(planned, a.Key, made, func(r Reminder) (string, params, []string) {
		return NoticeRegistrationCloses, params{"programme": p.ID, "at": lastMinute(end)}, b.holding(r.At, merge.Owner)
	})
}

// confirmation reminds owners of an offer that they have not answered.
func (b *bell) confirmation(a merge.Row) {
	end := instantOf(a, "confirm_by").Time()
	if a.Text("state") != ApplicationOffered || a.Text("confirm_by") == "" || !b.now.Before(end) {
		return
	}
	offered := func() merge.Millis { return b.said("application_event", a.ID, "offer") }
	b.ring(plan(a.Key.String(), lastMorning(end, b.zone), b.zone, b.since, reminderHour, -1, 0), a.Key, offered, func(r Reminder) (string, params, []string) {
		return NoticeConfirm, params{"programme": a.Text("programme_id"), "at": lastMinute(end)}, b.holding(r.At, merge.Owner)
	})
}

// visit reminds owners and mentors of a visit in the evening before.
func (b *bell) visit(v merge.Row) {
	at := instantOf(v, "planned_at")
	if v.Text("state") != VisitPlanned || at == 0 || !b.now.Before(at.Time()) {
		return
	}
	// Its hour tells two times of one day apart.
	planned := plan(v.Key.String()+" "+v.Text("planned_at"), BusinessDay(at.Time(), b.zone), b.zone, b.since, visitHour, -1)
	set := func() merge.Millis { return b.past.Written(v.Key, "planned_at") }
	b.ring(planned, v.Key, set, func(r Reminder) (string, params, []string) {
		return NoticeVisitTomorrow, params{"at": v.Text("planned_at")}, b.holding(r.At, merge.Owner, merge.Mentor)
	})
}

// days are those on which it struck an hour in (since, now].
func (b *bell) days(hour int) (out []Date) {
	for d := BusinessDay(b.since, b.zone); d.At(hour, 0, b.zone).Compare(b.now) <= 0; d = d.AddDays(1) {
		if d.At(hour, 0, b.zone).After(b.since) {
			out = append(out, d)
		}
	}
	return out
}

// monitored is the first day from which on the business shows what it sells in a programme
// that runs, as seen on a day; ok is false if there is none, or it is not in one of some
// states there.
func (b *bell) monitored(day Date, states ...string) (from Date, ok bool) {
	for _, e := range b.enrolments {
		p, known := b.past.Programme(e.Text("programme_id"))
		if !slices.Contains(states, e.Text("state")) || !known || p.Status != ProgrammeRunning || p.Monitoring.To != "" && day > p.Monitoring.To {
			continue
		}
		began := max(BusinessDay(instantOf(e, "confirmed_at").Time(), b.zone), p.Monitoring.From)
		if began <= day && (!ok || began < from) {
			from, ok = began, true
		}
	}
	return from, ok
}

// daysUnlogged is after how many days without an entry owners are reminded of the ledger.
const daysUnlogged = 3

// nothingLogged reminds owners of the ledger, at most once in each half of a week: what is
// asked about is whether the reminder of that half was given.
func (b *bell) nothingLogged() {
	for _, day := range b.days(ledgerHour) {
		last, ok := b.monitored(day, EnrolmentActive)
		if at := LastEntry(only(b.rows, "sales")); !at.IsZero() {
			last = max(last, BusinessDay(at, b.zone))
		}
		if !ok || last.DaysUntil(day) < daysUnlogged {
			continue
		}
		monday, _ := Week(day)
		half := 0
		if monday.DaysUntil(day) > 3 {
			half = 1
		}
		at := day.At(ledgerHour, 0, b.zone)
		b.give(NoticeNothingLogged, Reminder{b.scope, monday, half, at}, b.business(), nil, b.holding(at, merge.Owner))
	}
}

// business is the key of the business itself.
func (b *bell) business() merge.Key {
	return merge.Key{Collection: "business", ID: b.scope[len(ScopeBusiness)+1:]}
}

// name is what the business is called; "" while nobody has said.
func (b *bell) name() string {
	root := b.business()
	i := slices.IndexFunc(b.rows, func(r merge.Row) bool { return r.Key == root })
	if i < 0 {
		return ""
	}
	return b.rows[i].Text("name")
}

// week tells owners on Mondays of the week behind, and mentors once for all whom they
// accompany.
func (b *bell) week() {
	for _, day := range b.days(reminderHour) {
		if _, ok := b.monitored(day.AddDays(-1), EnrolmentActive, EnrolmentPaused); day.Weekday() != time.Monday || !ok {
			continue
		}
		says, at := params{"from": string(day.AddDays(-7)), "until": string(day.AddDays(-1))}, day.At(reminderHour, 0, b.zone)
		b.give(NoticeWeek, Reminder{b.scope, day, 0, at}, b.business(), says, b.holding(at, merge.Owner))
		for _, l := range b.letters(NoticeCaseloadWeek, Reminder{"caseload", day, 0, at}, merge.Key{}, says, b.holding(at, merge.Mentor)) {
			delete(l.Set, "scope") // it is about all of them
			b.out = append(b.out, l)
		}
	}
}

// targetLife is how long behind its month a target may still be told to be reached: phones
// come back with what was sold in it.
const targetLife = 7

// targetReached tells owners and mentors that a target of a month is reached, once for each
// number that was to be reached.
func (b *bell) targetReached(t merge.Row) {
	if t.Text("state") != "active" || t.Text("duplicate_of") != "" || t.Text("period") != "month" {
		return
	}
	from, to := monthDays(t.Text("month"))
	for _, day := range b.days(ledgerHour) {
		if from == "" || day < from || day > to.AddDays(targetLife) {
			continue
		}
		if b.totals == nil {
			b.totals = Totals(only(b.rows, "sales"), nil)
		}
		if TargetProgress(t, b.totals).Percent < 100 {
			return
		}
		at := day.At(ledgerHour, 0, b.zone)
		b.give(NoticeTargetReached, Reminder{t.Key.String(), from, int(t.Int("value")), at}, t.Key, params{"until": string(to)}, b.holding(at, merge.Owner, merge.Mentor))
		return
	}
}

// silentDays are how long a phone is silent before its person is told, and at the last of
// them mentors too.
func silentDays() []int { return []int{3, 7} }

// Heard is when a phone of somebody was heard of last.
type Heard struct {
	Device, User string
	At           time.Time
}

// silence tells people that a phone of theirs has not been heard of, and at last the mentors
// of the business.
func (b *bell) silence() {
	home := b.holding(b.now, merge.Owner, merge.Staff)
	for _, h := range b.past.Heard(slices.Compact(slices.Sorted(slices.Values(b.holding(b.now, merge.Owner, merge.Staff, merge.Mentor))))) {
		for _, days := range silentDays() {
			r := silent(h, days, b.zone)
			if !r.At.After(b.since) || r.At.After(b.now) {
				continue
			}
			says := params{"from": string(BusinessDay(h.At, b.zone))}
			for _, l := range b.letters(NoticeSilentPhone, r, merge.Key{Collection: "device", ID: h.Device}, says, []string{h.User}) {
				l.Set["scope"] = merge.Str(merge.UserScope(h.User))
				b.out = append(b.out, l)
			}
			if days == silentDays()[1] && slices.Contains(home, h.User) {
				b.give(NoticeSilentBusiness, r, b.business(), named(says, "business", b.name()), b.holding(r.At, merge.Mentor))
			}
		}
	}
}

// silent is the reminder of a phone that is silent for some days: at the first hour of
// reminders behind them. Its day is that of WIB, so that it is one for who has businesses in
// two zones.
func silent(h Heard, days int, z Zone) Reminder {
	end := h.At.Add(time.Duration(days) * 24 * time.Hour)
	at := BusinessDay(end, z).At(reminderHour, 0, z)
	if at.Before(end) {
		at = BusinessDay(end, z).AddDays(1).At(reminderHour, 0, z)
	}
	return Reminder{"device/" + h.Device, BusinessDay(h.At, WIB), days, at}
}

// StillSilent reports whether an item about a silent phone says what is still so.
func StillSilent(item merge.Row, h Heard) bool {
	return NoticeObject(item).ID == h.Device && slices.ContainsFunc(silentDays(), func(days int) bool {
		return item.ID == reminderID(NoticeSilentPhone, silent(h, days, WIB), h.User)
	})
}

// endedLife is how long behind the end of a window its person is told of it, by a server
// that was down, or at whose end it was not the hour.
const endedLife = 24 * time.Hour

// ended tells people whose window was given its end ahead that it is over. Of one that ends
// at once reactEnded tells, and both make one item.
func (b *bell) ended() {
	now := merge.Millis(b.now.UnixMilli())
	for _, g := range b.access {
		if g.To == 0 || g.To > now || now-g.To > merge.Millis(endedLife.Milliseconds()) {
			continue
		}
		if l, ok := accessEnded(g, b.name(), b.access, now); ok {
			b.out = append(b.out, l)
		}
	}
}

// accessEnded is the item about the end of a window, unless its person has another one, or
// it never held.
func accessEnded(g merge.Grant, business string, access []merge.Grant, now merge.Millis) (Letter, bool) {
	if g.To <= g.From || merge.Granted(access, g.User, now) {
		return Letter{}, false
	}
	return Letter{g.User, id.Derive(NoticeAccessEnded, g.ID, merge.FormatInstant(g.To), g.User),
		inboxItem(NoticeAccessEnded, "", merge.Key{}, named(params{}, "business", business))}, true
}

// reactEnded tells somebody whose window ends now that they have no right any more. to is
// the field in which its end stands.
func reactEnded(c merge.Change, g merge.Grant, to string) []merge.Effect {
	if c.New || g.To == 0 || g.To > c.Now() || g.To == instantOf(c.Before, to) {
		return nil
	}
	l, ok := accessEnded(g, businessName(c), c.Access, c.Now())
	if !ok {
		return nil
	}
	return []merge.Effect{{Scope: merge.UserScope(l.User), Collection: "inbox", ID: l.ID, Set: l.Set}}
}
