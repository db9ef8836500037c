package domain

import "time"

// deadlineOffsets are the days of the reminders of a deadline, seen from its day;
// the one behind it is for what is overdue.
func deadlineOffsets() []int { return []int{-7, -3, -1, 0, 1} }

// renewalOffsets are those of the end of a certificate.
func renewalOffsets() []int { return []int{-180, -90, -30} }

// Reminder is one reminder of one date of one object.
type Reminder struct {
	Object string // such as "case/<id>" or "case/<id>/audit"
	Due    Date
	Offset int       // days from Due; of some types another number that tells reminders of one object apart
	At     time.Time // UTC
}

// PlanReminders lists the reminders of a deadline that are still ahead of now, in
// order: a week, three days and a day before, on the day, and the day after for
// what is overdue; none without a date.
func PlanReminders(object string, due Date, z Zone, now time.Time) []Reminder {
	return plan(object, due, z, now, reminderHour, deadlineOffsets()...)
}

// PlanRenewals lists the reminders of the end of a certificate that are still
// ahead of now.
func PlanRenewals(object string, until Date, z Zone, now time.Time) []Reminder {
	return plan(object, until, z, now, reminderHour, renewalOffsets()...)
}

func plan(object string, due Date, z Zone, now time.Time, hour int, offsets ...int) []Reminder {
	var out []Reminder
	for _, days := range offsets {
		at := due.AddDays(days).At(hour, 0, z)
		if !at.IsZero() && at.After(now) {
			out = append(out, Reminder{object, due, days, at})
		}
	}
	return out
}

// lastMorning is the last day on whose hour of reminders something that ends at an instant
// has not ended: that of its end, for what ends at midnight elsewhere the day before.
func lastMorning(end time.Time, z Zone) Date {
	day := BusinessDay(end, z)
	if !day.At(reminderHour, 0, z).Before(end) {
		return day.AddDays(-1)
	}
	return day
}
