package notify_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"pgregory.net/rapid"
)

// clocks are the local times at which pushes rang.
func (b *bell) clocks() (out []string) {
	for _, s := range b.got {
		out = append(out, s.at.In(b.zone.Location()).Format("15:04"))
	}
	return out
}

// TestWindowsHaveNoEdges: of the day of the server, of ten minutes, of a slow walk and of a
// night.
func TestWindowsHaveNoEdges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		zone         domain.Zone
		kind         string
		prefs        map[string]string
		hour, minute int
		items        int
		every        time.Duration
		want         []string
	}{
		{"what waits for a mentor, over midnight in Greenwich", domain.WIT, domain.NoticeTaskSubmitted, nil, 8, 50, 4, 5 * time.Minute, []string{"08:50", "10:50"}},
		{"four tasks within two minutes", domain.WIB, domain.NoticeTaskAssigned, nil, 10, 9, 4, 30 * time.Second, []string{"10:19"}},
		{"reminders of a walk of minutes", domain.WIB, domain.NoticeTaskDue, nil, 8, 0, 10, 8 * time.Second, []string{"08:00", "08:10"}},
		{"a silent phone, in hours that somebody sleeps", domain.WIB, domain.NoticeSilentPhone, map[string]string{"quiet_to": `"09:00"`}, 8, 0, 1, time.Minute, []string{"09:3*"}},
		{"what waits for a mentor, late in the evening and before dawn", domain.WIB, domain.NoticeTaskSubmitted, nil, 20, 30, 12, time.Hour, []string{"20:30", "06:3*", "08:3*"}},
	} {
		b := set(t)
		b.zone = tt.zone
		if tt.prefs != nil {
			b.prefs = tt.prefs
		}
		b.at(tt.zone, 14, tt.hour, tt.minute)
		b.phone("u1", "one")
		for n := range tt.items {
			b.item("u1", fmt.Sprint("i", n), tt.kind, "")
			b.rounds(tt.every, 2*time.Second)
		}
		b.rounds(24*time.Hour, 10*time.Second)
		same := slices.EqualFunc(b.clocks(), tt.want, func(got, want string) bool { return got == want || want[4] == '*' && got[:4] == want[:4] })
		if told := b.told(); !same || len(told) != tt.items {
			t.Errorf("%s: at %v about %d items, want at %v: %v", tt.name, b.clocks(), len(told), tt.want, b.states(""))
		}
	}
}

// told counts how often items rang.
func (b *bell) told() map[string]int {
	out := map[string]int{}
	for _, s := range b.got {
		for _, i := range s.push.Items {
			out[i]++
		}
	}
	return out
}

// TestADigestOfTheEvening waits for the morning, whatever began it.
func TestADigestOfTheEvening(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.prefs["digest"], b.prefs["quiet_from"] = "true", `"20:00"`
	b.at(domain.WIB, 14, 19, 0)
	b.phone("m", "one")
	b.item("m", "one", domain.NoticeTaskReturned, "")
	b.rounds(5*time.Minute, 10*time.Second)
	b.item("m", "two", domain.NoticeTaskReturned, "")
	b.rounds(24*time.Hour, 10*time.Second)
	if len(b.got) != 1 || len(b.got[0].push.Items) != 2 {
		t.Errorf("%+v, %v", b.got, b.states(""))
	}
}

// TestAnItemRingsOnce draws items of one kind, and has each planned several times, at once
// and long afterwards, as workers do that die before they have noted it: each rings in one
// push, two pushes of a key are as far apart as they should be, and none is too late.
func TestAnItemRingsOnce(t *testing.T) {
	kinds := map[string]struct {
		apart, late time.Duration
	}{
		domain.NoticeTaskAssigned:  {10 * time.Minute, 20 * time.Minute},
		domain.NoticeTaskSubmitted: {2 * time.Hour, 2 * time.Hour},
		domain.NoticeTaskDue:       {10 * time.Minute, 10*time.Minute + 20*time.Second},
	}
	rapid.Check(t, func(rt *rapid.T) {
		b := set(t)
		kind := rapid.SampledFrom([]string{domain.NoticeTaskAssigned, domain.NoticeTaskSubmitted, domain.NoticeTaskDue}).Draw(rt, "kind")
		b.at(domain.WIB, 14, 8, rapid.IntRange(0, 59).Draw(rt, "minute"))
		b.phone("m", "one")
		wrote := map[string]time.Time{}
		for n := range rapid.IntRange(1, 8).Draw(rt, "items") {
			id := fmt.Sprint("i", n)
			b.write(id, kind)
			wrote[id] = b.clock.Now()
			late := rapid.IntRange(0, 3).Draw(rt, "planned late") // a worker takes its time
			b.rounds(time.Duration(late)*time.Minute, 20*time.Second)
			b.ok(b.Ring(t.Context(), "m", id))
			b.rounds(time.Duration(rapid.IntRange(0, 15).Draw(rt, "pause"))*time.Minute, 20*time.Second)
			again := fmt.Sprint("i", rapid.IntRange(0, n).Draw(rt, "again"))
			b.ok(b.Ring(t.Context(), "m", again))
		}
		b.rounds(3*time.Hour, 20*time.Second)
		for id := range wrote {
			b.ok(b.Ring(t.Context(), "m", id))
		}
		b.rounds(3*time.Hour, 20*time.Second)
		told := b.told()
		for id := range wrote {
			if told[id] != 1 {
				rt.Errorf("%s of %s rang %d times: %v", id, kind, told[id], b.clocks())
			}
		}
		for i, s := range b.got {
			if i > 0 && s.at.Sub(b.got[i-1].at) < kinds[kind].apart-4*time.Minute {
				rt.Errorf("%s rings at %v", kind, b.clocks())
			}
			for _, id := range s.push.Items {
				if wait := s.at.Sub(wrote[id]); wait > kinds[kind].late+4*time.Minute {
					rt.Errorf("%s of %s rang after %s: %v", id, kind, wait, b.clocks())
				}
			}
		}
		if len(b.states("")) > 0 && b.states("")[store.DeliverySent] != len(b.got) {
			rt.Errorf("%v", b.states(""))
		}
	})
}

// write puts a notice into an inbox without ringing for it.
func (b *bell) write(id, kind string) {
	t, _ := domain.NoticeTypeOf(kind)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items[id] = merge.Row{Key: merge.Key{Collection: "inbox", ID: id}, Fields: map[string]merge.Value{"type": merge.Str(kind), "class": merge.Str(t.Class), "deep_link": merge.Str("app://x"),
		"received_at": merge.Millis(b.clock.Now().UnixMilli()).Value(), "object": merge.Value(`{"collection":"task","id":"` + id + `"}`)}}
}

// crossed is a provider that fails once, while something comes in.
type crossed struct {
	*bell
	do func()
}

func (c *crossed) Send(ctx context.Context, to store.Address, p notify.Push) error {
	if do := c.do; do != nil {
		c.do = nil
		do()
		return &notify.Failure{Class: notify.Later, Code: "unavailable", RetryAfter: time.Minute}
	}
	return c.bell.Send(ctx, to, p)
}

// TestWhatCrossedAPushRingsOnce: an item that was planned while the push of its window was
// under way is in the next one, also when it is planned again while the first waits to be
// tried again, or was moved into the morning.
func TestWhatCrossedAPushRingsOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		kind         string
		hour, minute int
		from         string // own quiet hours, set on the way
	}{
		{"in the morning", domain.NoticeTaskSubmitted, 10, 0, ""},
		{"before the night", domain.NoticeTaskSubmitted, 20, 59, ""},
		{"of tasks", domain.NoticeTaskAssigned, 10, 0, ""},
		{"of tasks, before the night", domain.NoticeTaskAssigned, 20, 48, ""},
		{"and it is night at once", domain.NoticeTaskSubmitted, 10, 0, `"09:00"`},
	} {
		b := set(t)
		b.at(domain.WIB, 14, tt.hour, tt.minute)
		b.phone("m", "one")
		b.item("m", "i1", tt.kind, "")
		done := make(chan struct{})
		b.Senders["fcm"] = &crossed{b, func() {
			b.item("m", "i2", tt.kind, "")
			close(done)
		}}
		for crossed := false; !crossed; b.clock.Advance(time.Second) {
			_, err := b.Round(t.Context())
			b.ok(err)
			select {
			case <-done:
				crossed = true
			default:
			}
		}
		if tt.from != "" {
			b.prefs["quiet_from"] = tt.from
			b.clock.Advance(2 * time.Minute)
			_, err := b.Round(t.Context())
			b.ok(err)
		}
		b.ok(b.Ring(t.Context(), "m", "i2"))
		b.rounds(26*time.Hour, 20*time.Second)
		if told := b.told(); told["i1"] != 1 || told["i2"] != 1 {
			t.Errorf("%s: rang %v at %v", tt.name, told, b.clocks())
		}
	}
}

// TestANewTaskSaysWhenItIsDue, where that is near by the time at which it rings.
func TestANewTaskSaysWhenItIsDue(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.at(domain.WIB, 16, 22, 0)
	b.phone("u1", "one")
	b.item("u1", "i1", domain.NoticeTaskAssigned, `{"n":1,"task":"Foto","due":"2022-06-17"}`)
	b.rounds(12*time.Hour, time.Minute)
	b.item("u1", "i2", domain.NoticeTaskAssigned, `{"n":1,"task":"Foto","due":"2022-06-20"}`)
	b.item("u1", "i3", domain.NoticeTaskAssigned, `{"n":1,"task":"Foto","due":"2022-06-19"}`)
	b.rounds(time.Hour, time.Minute)
	if len(b.got) != 2 || !strings.HasSuffix(b.got[0].push.Body, " Tenggatnya Jumat, 17 Juni 2022.") || strings.Contains(b.got[1].push.Body, "enggat") {
		t.Errorf("%+v", b.got)
	}
}

// TestADigestTellsOfNothingThatIsOver: what ends soon rings at once, also with people who want to hear of
// things once an hour, and before their night.
func TestADigestTellsOfNothingThatIsOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		kind         string
		hour, minute int
		ahead        time.Duration // how far away the end is
		waits        time.Duration // at least and at most a minute more
	}{
		{"a visit in 45 minutes", domain.NoticeVisitPlanned, 10, 0, 45 * time.Minute, 0},
		{"a visit early next morning", domain.NoticeVisitPlanned, 20, 30, 9 * time.Hour, 0},
		{"a visit in a day", domain.NoticeVisitPlanned, 10, 0, 24 * time.Hour, 0},
		{"a visit later than that", domain.NoticeVisitPlanned, 10, 0, 25 * time.Hour, time.Hour},
		{"the reminder of a visit", domain.NoticeVisitTomorrow, 17, 0, 15 * time.Hour, 20 * time.Second},
		{"an offer that lapses tonight", domain.NoticeConfirm, 8, 0, 16 * time.Hour, 20 * time.Second},
		{"one that lapses tomorrow", domain.NoticeConfirm, 8, 0, 40 * time.Hour, 20 * time.Second},
	} {
		b := set(t)
		b.prefs = map[string]string{"digest": "true"}
		b.at(domain.WIB, 14, tt.hour, tt.minute)
		b.phone("u", "t")
		from := b.clock.Now()
		end := merge.FormatInstant(merge.Millis(from.Add(tt.ahead).UnixMilli()))
		if tt.kind != domain.NoticeVisitPlanned {
			b.also = map[string]string{"expires_at": end}
		}
		b.item("u", "a", tt.kind, `{"at":"`+end+`"}`)
		got := b.rounds(26*time.Hour, 10*time.Second)
		if len(got) != 1 {
			t.Errorf("%s: %d pushes", tt.name, len(got))
			continue
		}
		if waited := got[0].at.Sub(from); waited < tt.waits || waited > tt.waits+time.Minute || waited+got[0].push.TTL > tt.ahead {
			t.Errorf("%s: rings behind %s, for %s", tt.name, waited, got[0].push.TTL)
		}
	}
}

// TestADigestHidesNothingOfToday: what the calendar tells in one minute is one push at that minute, also
// for who wants digests: a phone that sleeps keeps the newest of a collapse key alone, and that would be
// about what is due in a week.
func TestADigestHidesNothingOfToday(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind   string
		today  string // what the one says that ends tonight
		others []string
	}{
		{domain.NoticeTaskDue, `{"task":"A","due":"2022-06-16","day":"today"}`, []string{`{"task":"B","due":"2022-06-17"}`, `{"task":"C","due":"2022-06-19"}`, `{"task":"D","due":"2022-06-23"}`}},
		{domain.NoticeRegistrationCloses, `{"programme":"p"}`, []string{`{"programme":"q"}`}},
		{domain.NoticeConfirm, `{"programme":"p"}`, []string{`{"programme":"q"}`}},
	} {
		b := set(t)
		b.prefs["digest"] = "true"
		b.at(domain.WIB, 16, 8, 0)
		b.phone("u", "t")
		for i, says := range append([]string{tt.today}, tt.others...) {
			b.also = nil
			if i == 0 {
				b.also = map[string]string{"expires_at": "2022-06-16T17:00:00.000Z"}
			}
			b.item("u", fmt.Sprint("i", i), tt.kind, says)
		}
		b.also = nil
		b.item("u", "returned", domain.NoticeTaskReturned, "") // by somebody, and not by the calendar
		b.rounds(3*time.Hour, 10*time.Second)
		if clocks := b.clocks(); !slices.Equal(clocks, []string{"08:00", "09:00"}) || len(b.got[0].push.Items) != 1+len(tt.others) || !slices.Equal(b.got[1].push.Items, []string{"returned"}) {
			t.Errorf("%s: at %v, %+v", tt.kind, clocks, b.got)
		}
	}
}

// TestAChangeOfDigestsRingsOnce: an item whose push was planned by a worker that died before it had noted
// that is planned again once its person has chosen otherwise about digests: at once, or behind the push.
func TestAChangeOfDigestsRingsOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{domain.NoticeTaskReturned, domain.NoticeTaskDue, domain.NoticeTaskAssigned, domain.NoticeTaskSubmitted, domain.NoticeResults} {
		for _, before := range []string{"true", "false"} {
			for _, hour := range []int{10, 22} {
				for _, behind := range []time.Duration{0, 2 * time.Hour, 11 * time.Hour} {
					b := set(t)
					b.at(domain.WIB, 14, hour, 0)
					b.phone("m", "one")
					b.prefs["digest"] = before
					b.item("m", "i1", kind, `{"programme":"p"}`)
					b.rounds(behind, time.Minute)
					b.prefs["digest"] = map[string]string{"true": "false", "false": "true"}[before]
					b.ok(b.Ring(t.Context(), "m", "i1"))
					b.rounds(14*time.Hour, time.Minute)
					if told := b.told(); told["i1"] != 1 {
						t.Errorf("%s at %d:00, digest %s, planned again %s behind: rang at %v", kind, hour, before, behind, b.clocks())
					}
				}
			}
		}
	}
}

// TestADigestWaitsNoLongerThanThereIsTime: a submission that came back is to be complete tonight.
func TestADigestWaitsNoLongerThanThereIsTime(t *testing.T) {
	t.Parallel()
	for _, digest := range []string{"false", "true"} {
		b := set(t)
		b.prefs["digest"] = digest
		b.at(domain.WIB, 16, 20, 15)
		b.phone("siti", "one")
		b.item("siti", "i1", domain.NoticeApplicationBack, `{"until":"2022-06-16T16:59:00.000Z"}`)
		got := b.rounds(14*time.Hour, time.Minute)
		if len(got) != 1 || got[0].at.In(domain.WIB.Location()).Day() != 16 {
			t.Errorf("digest %s: rang at %v", digest, b.clocks())
		}
	}
}

// TestNothingJoinsWhatMayHaveRung: a push may have rung in the evening and waits for the morning. An item that a late worker plans
// has a push of its own: an app drops one whose id it has seen.
func TestNothingJoinsWhatMayHaveRung(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.at(domain.WIB, 16, 20, 59)
	b.phone("m", "one")
	b.fails = []error{&notify.Failure{Class: notify.Later, Code: "unavailable", RetryAfter: 2 * time.Minute, Ambiguous: true, Cause: errBreaks}}
	b.item("m", "i1", domain.NoticeTaskSubmitted, "")
	b.round()
	b.clock.Advance(10 * time.Second)
	b.write("i2", domain.NoticeTaskSubmitted)
	b.rounds(5*time.Minute, 10*time.Second)
	b.ok(b.Ring(t.Context(), "m", "i2"))
	b.rounds(14*time.Hour, time.Minute)
	if len(b.got) != 2 || b.got[0].push.ID == b.got[1].push.ID {
		t.Errorf("rang %d times: %v", len(b.got), b.outcomes())
	}
}
