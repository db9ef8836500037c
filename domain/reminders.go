package domain

import "time"

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
