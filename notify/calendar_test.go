package notify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// calendarTypes are the types that the calendar gives in one hour of a day.
func calendarTypes() map[int][]string {
	return map[int][]string{
		8: {domain.NoticeTaskDue, domain.NoticeTaskOverdue, domain.NoticeCaseDue, domain.NoticeRenewal, domain.NoticeRegistrationCloses, domain.NoticeConfirm,
			domain.NoticeWeek, domain.NoticeCaseloadWeek, domain.NoticeSilentPhone, domain.NoticeSilentBusiness, domain.NoticeAccessEnded},
		17: {domain.NoticeVisitTomorrow, domain.NoticeAccessEnded},
		19: {domain.NoticeNothingLogged, domain.NoticeTargetReached, domain.NoticeAccessEnded},
	}
}

// TestTheCalendarIsKnown: each type that it gives is among those that are tried here.
func TestTheCalendarIsKnown(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, kinds := range calendarTypes() {
		for _, k := range kinds {
			known[k] = true
		}
	}
	for _, row := range domain.NoticeTypes() {
		if calendar := domain.Reminds(row.ID) || row.ID == domain.NoticeAccessEnded; calendar != known[row.ID] {
			t.Errorf("%s: of the calendar %t, tried %t", row.ID, calendar, known[row.ID])
		}
	}
}

// TestAMinuteOfTheCalendarIsOnePush: twenty items of a type, over twenty businesses, are one card that
// says so, also to who wants digests.
func TestAMinuteOfTheCalendarIsOnePush(t *testing.T) {
	t.Parallel()
	const businesses = 20
	for hour, kinds := range calendarTypes() {
		for _, kind := range kinds {
			for _, digest := range []string{"false", "true"} {
				b := set(t)
				b.prefs["digest"] = digest
				b.at(domain.WIB, 14, hour, 0)
				b.phone("mentor", "t")
				for i := range businesses {
					b.item("mentor", fmt.Sprint(kind, i), kind, `{"at":"2022-06-15T03:00:00Z"}`)
					b.rounds(500*time.Millisecond, 500*time.Millisecond)
				}
				b.rounds(3*time.Hour, 10*time.Second)
				if got := b.got; len(got) != 1 || len(got[0].push.Items) != businesses {
					t.Errorf("%s at %d:00, digest %s: %d pushes", kind, hour, digest, len(b.got))
					continue
				}
				p := b.got[0].push
				one, news := message.Push(kind, message.ID), message.PushMany("", message.ID)
				row, _ := domain.NoticeTypeOf(kind)
				if p.Title == news.Title || p.Body == "" || p.Collapse != string(row.Collapse) {
					t.Errorf("%s: %+v", kind, p)
				}
				if alike := p.Title == one.Title; !alike && !strings.HasPrefix(p.Title, "Beberapa ") || alike && p.Body != one.Detail {
					t.Errorf("%s says %q, %q", kind, p.Title, p.Body)
				}
			}
		}
	}
}

// TestAMixedMinuteIsSomeNews: what one minute tells of several kinds is one card too, under no key
// unless all have it. Who may get at what is a card of its own, which nothing else hides.
func TestAMixedMinuteIsSomeNews(t *testing.T) {
	t.Parallel()
	for hour, kinds := range calendarTypes() {
		b := set(t)
		b.at(domain.WIB, 14, hour, 0)
		b.phone("mentor", "t")
		n, access := 0, 0
		for _, kind := range kinds {
			for i := range 2 {
				b.item("mentor", fmt.Sprint(kind, i), kind, "")
				n++
			}
		}
		b.rounds(3*time.Hour, 10*time.Second)
		for _, s := range b.got {
			n -= len(s.push.Items)
			if s.push.Type == domain.NoticeAccessEnded {
				access++
				continue
			}
			if want := message.PushMany("", message.ID); hour != 17 && (s.push.Title != want.Title || s.push.Collapse != "") {
				t.Errorf("at %d:00 it says %q under %q", hour, s.push.Title, s.push.Collapse)
			}
		}
		if len(b.got) != 2 || access != 1 || n != 0 {
			t.Errorf("at %d:00 %d pushes, %d of access, %d items left", hour, len(b.got), access, n)
		}
	}
}

// TestAReminderOfAVisitIsTrueWheneverItRings: it may ring on the evening before or on the day itself,
// where a provider was away, a phone was off or its person rests from 17:00 on. It names the day, and
// is worth nothing once the visit has begun.
func TestAReminderOfAVisitIsTrueWheneverItRings(t *testing.T) {
	t.Parallel()
	visit := time.Date(2022, 6, 17, 10, 0, 0, 0, domain.WIB.Location())
	for _, tt := range []struct {
		name   string
		hour   int           // of the evening before at which it is written
		away   time.Duration // how long the provider is
		prefs  map[string]string
		day    int // on which it rings
		locale string
		says   string
	}{
		{"at once", 17, 0, nil, 16, "id", "Pada Jumat, 17 Juni 2022."},
		{"at once, in English", 17, 0, nil, 16, "en", "On Friday, 17 June 2022."},
		{"a provider that is away until one at night", 17, 8 * time.Hour, nil, 17, "id", "Pada Jumat, 17 Juni 2022."},
		{"own quiet hours", 17, 0, map[string]string{"quiet_from": `"17:00"`, "quiet_to": `"07:00"`}, 17, "id", "Pada Jumat, 17 Juni 2022."},
		{"a server that was down until the night", 28, 0, nil, 17, "en", "On Friday, 17 June 2022."},
	} {
		b := set(t)
		if tt.prefs != nil {
			b.prefs = tt.prefs
		}
		b.at(domain.WIB, 16, tt.hour, 0)
		_, err := b.Register(t.Context(), "u", "d", notify.Named{Provider: "fcm", Kind: "token", Value: "t", Locale: tt.locale})
		b.ok(err)
		b.also = map[string]string{"expires_at": merge.FormatInstant(merge.Millis(visit.UnixMilli()))}
		b.item("u", "a", domain.NoticeVisitTomorrow, `{"at":"2022-06-17T03:00:00.000Z"}`)
		if tt.away > 0 {
			b.fails = slices.Repeat([]error{&notify.Failure{Class: notify.Later, Code: "unavailable"}}, 4000)
			b.rounds(tt.away, 10*time.Second)
			b.fails = nil
		}
		got := b.rounds(20*time.Hour, time.Minute)
		if len(got) != 1 {
			t.Errorf("%s: %d pushes", tt.name, len(got))
			continue
		}
		p, at := got[0].push, got[0].at.In(domain.WIB.Location())
		words := strings.ToLower(p.Title + " " + p.Body)
		if at.Day() != tt.day || at.Add(p.TTL).After(visit) || !strings.HasSuffix(p.Body, tt.says) || strings.Contains(words, "besok") || strings.Contains(words, "tomorrow") {
			t.Errorf("%s: at %s for %s: %q, %q", tt.name, at.Format("2 Jan 15:04"), p.TTL, p.Title, p.Body)
		}
	}
}
