package notify_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify"
)

// TestThePhoneThatAnItemIsAboutIsNotRung, nor an address that comes to be its own.
func TestThePhoneThatAnItemIsAboutIsNotRung(t *testing.T) {
	b := set(t)
	b.phone("ani", "old")
	b.phone("ani", "new")
	b.item("ani", "i1", domain.NoticeNewPhone, `{"device":"device of new"}`)
	_, err := b.Round(t.Context())
	b.ok(err)
	if len(b.got) != 1 || b.got[0].to != "old" || !b.got[0].push.High || b.got[0].push.Tag != "sec" {
		t.Errorf("rung %+v", b.got)
	}
	b.clock.Set(time.Date(2022, 3, 17, 18, 0, 0, 0, time.UTC)) // 01:00 WIB: rings at night too
	b.item("ani", "i2", domain.NoticeNewPhone, `{"device":"device of new"}`)
	_, err = b.Register(t.Context(), "ani", "device of new", notify.Named{Provider: "fcm", Kind: "token", Value: "old"})
	b.ok(err)
	_, err = b.Round(t.Context())
	b.ok(err)
	if len(b.got) != 1 {
		t.Errorf("rung %+v", b.got[1:])
	}
	b.phone("ani", "old")
	b.item("ani", "i3", domain.NoticeNewPhone, `{"device":"device of new"}`)
	_, err = b.Round(t.Context())
	b.ok(err)
	if len(b.got) != 2 || b.got[1].to != "old" {
		t.Errorf("at night: %+v", b.got)
	}
}

// TestAnUrgentAnnouncementRingsAtNight, and wakes phones; another one waits for the day.
func TestAnUrgentAnnouncementRingsAtNight(t *testing.T) {
	for priority, want := range map[string]int{domain.PriorityUrgent: 1, domain.PriorityImportant: 0, "": 0} {
		b := set(t)
		b.also = map[string]string{"priority": priority}
		b.clock.Set(time.Date(2022, 3, 17, 18, 0, 0, 0, time.UTC)) // 01:00 WIB
		b.phone("ani", "t1")
		b.item("ani", "i1", domain.NoticeAnnouncement, "")
		_, err := b.Round(t.Context())
		b.ok(err)
		if len(b.got) != want || want == 1 && !b.got[0].push.High {
			t.Errorf("%q: rung %+v", priority, b.got)
		}
	}
}

// TestAPushLastsNoLongerThanItsItem: the reminder of a visit is worth nothing behind it.
func TestAPushLastsNoLongerThanItsItem(t *testing.T) {
	const wait = 20 * time.Second // for others of its minute
	for expires, want := range map[string]time.Duration{"": 28 * 24 * time.Hour, "2022-03-18T03:00:00.000Z": 24*time.Hour - wait, "2029-01-01T00:00:00.000Z": 28 * 24 * time.Hour} {
		b := set(t)
		b.also = map[string]string{"expires_at": expires}
		b.phone("ani", "t1")
		b.item("ani", "i1", domain.NoticeVisitTomorrow, "")
		if b.rounds(wait, wait); len(b.got) != 1 || b.got[0].push.TTL != want {
			t.Errorf("%q: rung %+v, want it to last %s", expires, b.got, want)
		}
	}
}
