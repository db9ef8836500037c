package domain

import (
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The hours of the calendar, by the clocks of the business.
const (
	reminderHour = 8  // what is due
	visitHour    = 17 // the evening before
	ledgerHour   = 19 // what was sold today
)

// reminderRule is one rule of what the calendar tells in a business.
type reminderRule struct {
	gives []string // types of notices
	hours []int
	reads []string               // collections beside business and enrolment; of the first, each row is asked about
	each  func(*bell, merge.Row) // for each row of the first
	whole func(*bell)            // once for the business
}

// reminderRules are all of them. Every type that a rule gives holds only as long as the
// rule would give it.
func reminderRules() []reminderRule {
	morning, evening := []int{reminderHour}, []int{ledgerHour}
	return []reminderRule{
		{gives: []string{NoticeTaskDue, NoticeTaskOverdue}, hours: morning, reads: []string{"task"}, each: (*bell).task},
		{gives: []string{NoticeCaseDue}, hours: morning, reads: []string{"case"}, each: (*bell).steps},
		{gives: []string{NoticeRenewal}, hours: morning, reads: []string{"case"}, each: (*bell).renewal},
		{gives: []string{NoticeRegistrationCloses}, hours: morning, reads: []string{"application"}, each: (*bell).registration},
		{gives: []string{NoticeConfirm}, hours: morning, reads: []string{"application"}, each: (*bell).confirmation},
		{gives: []string{NoticeVisitTomorrow}, hours: []int{visitHour}, reads: []string{"visit"}, each: (*bell).visit},
		{gives: []string{NoticeNothingLogged}, hours: evening, reads: []string{"sales"}, whole: (*bell).nothingLogged},
		{gives: []string{NoticeTargetReached}, hours: evening, reads: []string{"target", "sales"}, each: (*bell).targetReached},
		{gives: []string{NoticeWeek, NoticeCaseloadWeek}, hours: morning, whole: (*bell).week},
		{gives: []string{NoticeSilentPhone, NoticeSilentBusiness}, hours: morning, whole: (*bell).silence},
		{gives: []string{NoticeAccessEnded}, hours: reminderHours(), whole: (*bell).ended},
	}
}

func reminderHours() []int { return []int{reminderHour, visitHour, ledgerHour} }

// concerns reports whether a rule gives one of some types, of all if there are none, and
// whether one of its hours struck in (since, now].
func (r reminderRule) concerns(z Zone, since, now time.Time, kinds []string) bool {
	return (len(kinds) == 0 || slices.ContainsFunc(r.gives, func(g string) bool { return slices.Contains(kinds, g) })) && struck(z, since, now, r.hours)
}

// struck reports whether clocks in z showed one of some hours in (since, now].
func struck(z Zone, since, now time.Time, hours []int) bool {
	return slices.ContainsFunc(hours, func(hour int) bool {
		newest := BusinessDay(now, z).At(hour, 0, z)
		if newest.After(now) {
			newest = newest.Add(-24 * time.Hour)
		}
		return newest.After(since)
	})
}

// RemindersBetween reports whether it was an hour of reminders in (since, now] in one of
// some zones; anywhere in the country if none is named.
func RemindersBetween(since, now time.Time, zones ...Zone) bool {
	if len(zones) == 0 {
		zones = []Zone{WIB, WITA, WIT}
	}
	return slices.ContainsFunc(zones, func(z Zone) bool { return struck(z, since, now, reminderHours()) })
}

// ReminderCollections are those that DueReminders reads for the hours that struck in
// (since, now], and for some types of notices alone if any are named.
func ReminderCollections(z Zone, since, now time.Time, kinds ...string) []string {
	out := []string{"business", "enrolment"}
	for _, r := range reminderRules() {
		if r.concerns(z, since, now, kinds) {
			out = append(out, r.reads...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ReminderSales are the fields of sales entries that DueReminders reads.
func ReminderSales() []string {
	return []string{"created_at", "state", "duplicate_of", "counted_idr", "verified", "rejected", "effective_sold_on", "effective_channel", "effective_marketplace", "effective_exhibition_id"}
}

// Reminds reports whether items of a type are told by the calendar of a business, and hold
// only as long as its rows still say so.
func Reminds(kind string) bool {
	return kind != NoticeAccessEnded && slices.ContainsFunc(reminderRules(), func(r reminderRule) bool { return slices.Contains(r.gives, kind) })
}
