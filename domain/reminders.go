package domain

import (
	"slices"
	"strconv"
	"time"
)

// reminderHour is when reminders are given, by the clocks of the business.
const reminderHour = 8

// deadlineOffsets are the days of the reminders of a deadline, seen from its day;
// the one behind it is for what is overdue.
func deadlineOffsets() []int { return []int{-7, -3, -1, 0, 1} }

// renewalOffsets are those of the end of a certificate.
func renewalOffsets() []int { return []int{-180, -90, -30} }

// Reminder is one reminder of one date of one object.
type Reminder struct {
	Object string // such as "case/<id>" or "case/<id>/audit"
	Due    Date
	Offset int       // days from Due
	At     time.Time // UTC
}

// Key names a reminder: no two of one key are ever given.
func (r Reminder) Key() string { return r.Object + " " + string(r.Due) + " " + strconv.Itoa(r.Offset) }

// PlanReminders lists the reminders of a deadline that are still ahead of now, in
// order: a week, three days and a day before, on the day, and the day after for
// what is overdue; none without a date.
func PlanReminders(object string, due Date, z Zone, now time.Time) []Reminder {
	return plan(object, due, z, now, deadlineOffsets())
}

// PlanRenewals lists the reminders of the end of a certificate that are still
// ahead of now.
func PlanRenewals(object string, until Date, z Zone, now time.Time) []Reminder {
	return plan(object, until, z, now, renewalOffsets())
}

func plan(object string, due Date, z Zone, now time.Time, offsets []int) []Reminder {
	var out []Reminder
	for _, days := range offsets {
		at := due.AddDays(days).At(reminderHour, 0, z)
		if !at.IsZero() && at.After(now) {
			out = append(out, Reminder{object, due, days, at})
		}
	}
	return out
}

// Replan compares what was planned with what is to be planned now: drop is no
// longer wanted, add is new. What both have stays as it is, unless it moved to
// another instant with the zone of the business: then it is dropped and added.
func Replan(planned, wanted []Reminder) (drop, add []Reminder) {
	return without(planned, wanted), without(wanted, planned)
}

func without(all, others []Reminder) []Reminder {
	return slices.DeleteFunc(slices.Clone(all), func(r Reminder) bool {
		return slices.ContainsFunc(others, func(o Reminder) bool { return o.Key() == r.Key() && o.At.Equal(r.At) })
	})
}

// DeadlineNear reports whether a deadline is at most a week ahead of today, or
// today.
func DeadlineNear(deadline, today Date) bool {
	return deadline != "" && deadline >= today && today.DaysUntil(deadline) <= 7
}

// Overdue reports whether the day of a deadline is over.
func Overdue(deadline, today Date) bool { return deadline != "" && today > deadline }

// RenewalDue is the reminder that the end of a certificate has come to: 180, 90
// or 30 days; 0 if the end is further off, has passed, or never comes.
func RenewalDue(until, today Date) int {
	if until == "" || today > until {
		return 0
	}
	left, due := today.DaysUntil(until), 0
	for _, days := range renewalOffsets() {
		if left <= -days {
			due = -days
		}
	}
	return due
}

// Expired reports whether a certificate is good no longer: it is on its last day.
func Expired(until, today Date) bool { return until != "" && today > until }
