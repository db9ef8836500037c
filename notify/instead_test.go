package notify_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestWhatRingsNoMoreIsWritten: a push was planned for the morning, and until then its person or whoever
// runs the server has changed something. About results and security they are written to, as if it had
// been so when it was planned; of what they have read, nothing is.
func TestWhatRingsNoMoreIsWritten(t *testing.T) {
	t.Parallel()
	off := func(classes ...string) func(b *bell) {
		return func(b *bell) {
			for _, c := range classes {
				b.prefs[c+"_push"] = "false"
			}
		}
	}
	for _, tt := range []struct {
		name   string
		kinds  []string
		phones []string
		change func(b *bell)
		want   []string // written
		rings  int
		code   string // of what is closed without a push
	}{
		{"pushes of results switched off", []string{"N06"}, []string{"one"}, off("results"), []string{"whatsapp +628117000123 N06"}, 0, "fcm suppressed no_longer"},
		{"with two phones", []string{"N06"}, []string{"one", "two"}, off("results"), []string{"whatsapp +628117000123 N06"}, 0, "fcm suppressed no_longer"},
		{"pushes of tasks switched off", []string{domain.NoticeTaskReturned}, []string{"one"}, off("tasks"), nil, 0, "fcm suppressed no_longer"},
		{"no message is wanted", []string{"N06"}, []string{"one"}, func(b *bell) { off("results")(b); delete(b.prefs, "results_whatsapp") }, nil, 0, "fcm suppressed no_longer"},
		{"read, and switched off", []string{"N06"}, []string{"one"}, func(b *bell) { off("results")(b); clear(b.items) }, nil, 0, "fcm suppressed no_longer"},
		{"its provider is not set up any more", []string{"N06"}, []string{"one"}, func(b *bell) { delete(b.Senders, "fcm") }, []string{"whatsapp +628117000123 N06"}, 0, "fcm dead provider_unknown"},
		{"a provider of two phones", []string{"N06"}, []string{"one", "two"}, func(b *bell) { delete(b.Senders, "fcm") }, []string{"whatsapp +628117000123 N06"}, 0, "fcm dead provider_unknown"},
		{"about a task, without a provider", []string{domain.NoticeTaskReturned}, []string{"one"}, func(b *bell) { delete(b.Senders, "fcm") }, nil, 0, "fcm dead provider_unknown"},
		{"one of a digest", []string{domain.NoticeApplicationIn, domain.NoticeTaskReturned}, []string{"one"}, off("results"), []string{"whatsapp +628117000123 " + domain.NoticeApplicationIn}, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, p, _ := written(t, 10)
			b.prefs["results_whatsapp"], b.prefs["digest"] = "true", "true"
			b.at(domain.WIB, 17, 22, 0)
			for _, phone := range tt.phones {
				b.phone("siti", phone)
			}
			for i, kind := range tt.kinds {
				b.item("siti", string(rune('a'+i)), kind, `{"programme":"p"}`)
			}
			b.rounds(time.Minute, 10*time.Second)
			tt.change(b)
			got := b.rounds(14*time.Hour, 5*time.Minute)
			if !slices.Equal(p.sent(), tt.want) || len(got) != tt.rings || tt.code != "" && b.outcomes()[tt.code] != len(tt.phones) {
				t.Errorf("written %q, rang %d times: %v", p.sent(), len(got), b.outcomes())
			}
		})
	}
}

// TestWhoHasAnotherProviderIsNotWrittenTo where one of theirs is not set up any more.
func TestWhoHasAnotherProviderIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	b, p, _ := written(t, 10)
	b.prefs["results_whatsapp"], b.Senders["webpush"] = "true", b
	b.at(b.zone, 17, 22, 0)
	b.phone("siti", "one")
	_, err := b.Register(t.Context(), "siti", "browser", notify.Named{Provider: "webpush", Kind: "subscription", Value: "two"})
	b.ok(err)
	b.item("siti", "i1", "N06", `{"programme":"p"}`)
	delete(b.Senders, "fcm")
	if got := b.rounds(14*time.Hour, 5*time.Minute); len(got) != 1 || got[0].to != "two" || len(p.sent()) != 0 {
		t.Errorf("rang %+v, written %q: %v", got, p.sent(), b.outcomes())
	}
}

// TestWhatIsOverBeforeItMayRingIsNoFailure: an announcement that ends in the night never could ring. What
// could, and was away or late, is one.
func TestWhatIsOverBeforeItMayRingIsNoFailure(t *testing.T) {
	t.Parallel()
	away := &notify.Failure{Class: notify.Later, Code: "unavailable", Cause: errBreaks}
	for _, tt := range []struct {
		name string
		hour int
		ends string
		from string // own quiet hours, chosen behind the planning
		fail error  // of every attempt
		down time.Duration
		want string
	}{
		{"in the night", 22, "2022-06-17T22:00:00.000Z", "", nil, 0, "fcm suppressed over_before_due"},
		{"in the night, of who rests earlier since", 19, "2022-06-17T22:00:00.000Z", `"19:00"`, nil, 0, "fcm suppressed over_before_due"},
		{"while nobody sends", 10, "2022-06-17T04:00:00.000Z", "", nil, 2 * time.Hour, "fcm expired"},
		{"while the provider is away", 10, "2022-06-17T04:00:00.000Z", "", away, 0, "fcm expired"},
		{"in the night, behind a failure in the evening", 20, "2022-06-17T22:00:00.000Z", "", away, 0, "fcm expired"},
	} {
		b := set(t)
		b.at(b.zone, 17, tt.hour, 0)
		b.phone("siti", "token")
		b.also = map[string]string{"expires_at": tt.ends}
		b.item("siti", "i1", domain.NoticeAnnouncement, "")
		if tt.from != "" {
			b.prefs["quiet_from"] = tt.from
		}
		if tt.fail != nil {
			b.fails = slices.Repeat([]error{tt.fail}, 5000)
		}
		b.clock.Advance(tt.down)
		if got := b.rounds(14*time.Hour, time.Minute); len(got) != 0 || len(b.outcomes()) != 1 || !strings.HasPrefix(slices.Collect(maps.Keys(b.outcomes()))[0], tt.want) {
			t.Errorf("%s: rang %d times, %v", tt.name, len(got), b.outcomes())
		}
	}
}

// TestWhoWantsItOtherwiseByTheMorning hears of a result as they want it by then, once.
func TestWhoWantsItOtherwiseByTheMorning(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		before, after map[string]string
		agreed        bool // to messages, still in the morning
		phones        []string
		rings         int
		want          []string // written
	}{
		{"pushes instead of messages", map[string]string{"results_whatsapp": "true", "results_push": "false"}, map[string]string{"results_whatsapp": "false", "results_push": "true"}, true, []string{"one"}, 1, nil},
		{"pushes, and no message is agreed to", map[string]string{"results_whatsapp": "true", "results_push": "false"}, map[string]string{"results_push": "true"}, false, []string{"one"}, 1, nil},
		{"neither", map[string]string{"results_whatsapp": "true", "results_push": "false"}, map[string]string{"results_whatsapp": "false"}, true, []string{"one"}, 0, nil},
		{"another channel", map[string]string{"results_whatsapp": "true"}, map[string]string{"results_whatsapp": "false", "results_sms": "true"}, true, nil, 0, []string{"sms +628117000123 N06"}},
		{"both, of which one rings", map[string]string{"results_whatsapp": "true", "results_push": "false"}, map[string]string{"results_push": "true"}, true, []string{"one"}, 0, []string{"whatsapp +628117000123 N06"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, p, _ := written(t, 10)
			maps.Copy(b.prefs, tt.before)
			b.at(domain.WIB, 17, 22, 0)
			for _, phone := range tt.phones {
				b.phone("siti", phone)
			}
			b.item("siti", "i1", domain.NoticeResults, `{"programme":"p"}`)
			b.rounds(time.Minute, 10*time.Second)
			maps.Copy(b.prefs, tt.after)
			p.people["siti"] = notify.Contact{Phone: "+628117000123", Agreed: tt.agreed}
			if got := b.rounds(14*time.Hour, 5*time.Minute); len(got) != tt.rings || !slices.Equal(p.sent(), tt.want) {
				t.Errorf("rang %d times, written %q: %v", len(got), p.sent(), b.outcomes())
			}
		})
	}
}

// TestWhatRangIsNotWritten: it rang on one phone, or may have, and its person switches pushes off before the others ring.
func TestWhatRangIsNotWritten(t *testing.T) {
	t.Parallel()
	for _, ambiguous := range []bool{false, true} {
		b, p, _ := written(t, 10)
		b.prefs["results_whatsapp"] = "true"
		b.at(domain.WIB, 17, 22, 0)
		b.phone("siti", "one")
		if ambiguous {
			b.fails = []error{&notify.Failure{Class: notify.Later, Code: "unavailable", Ambiguous: true, RetryAfter: time.Minute, Cause: errBreaks}}
		} else {
			b.phone("siti", "two")
		}
		b.item("siti", "i1", domain.NoticePlace, `{"programme":"p"}`)
		for calls := len(b.fails); len(b.got) == 0 && (calls == 0 || len(b.fails) > 0); {
			b.rounds(10*time.Second, 10*time.Second)
		}
		b.prefs["results_push"] = "false"
		b.rounds(4*time.Hour, time.Minute)
		if want := map[bool]int{false: 1, true: 0}[ambiguous]; len(b.got) != want || len(p.sent()) != 0 {
			t.Errorf("ambiguous %t: rang %d times, written %q: %v", ambiguous, len(b.got), p.sent(), b.outcomes())
		}
	}
}

// shaky is an inbox whose store fails so many times.
type shaky struct {
	notify.Inbox
	times int
}

func (a *shaky) Ringing(ctx context.Context, user string, items []string) (notify.Recipient, []merge.Row, error) {
	if a.times--; a.times >= 0 {
		return notify.Recipient{}, nil, errBreaks
	}
	return a.Inbox.Ringing(ctx, user, items)
}

// TestAnErrorBeforeAPushIsNoPush: what failed before anything was sent has not rung, and is written where pushes were switched off.
func TestAnErrorBeforeAPushIsNoPush(t *testing.T) {
	t.Parallel()
	for times := range 3 {
		b, p, _ := written(t, 10)
		inbox := &shaky{Inbox: b.Service.Inbox}
		b.Service.Inbox = inbox
		b.at(domain.WIB, 17, 22, 0)
		b.phone("siti", "one")
		b.item("siti", "i1", domain.NoticePlace, `{"programme":"p"}`)
		b.rounds(time.Minute, 10*time.Second)
		b.prefs["results_push"], b.prefs["results_whatsapp"] = "false", "true"
		inbox.times = times
		failed := 0
		for range 14 * 60 {
			if _, err := b.Round(t.Context()); err != nil {
				failed++
			}
			b.clock.Advance(time.Minute)
		}
		if len(b.got) != 0 || len(p.sent()) != 1 || failed != times {
			t.Errorf("%d errors, %d heard: rang %d times, written %q: %v", times, failed, len(b.got), p.sent(), b.outcomes())
		}
	}
}

// TestWhatMayHaveArrivedIsNotToldAnotherWay: a message may have been delivered, and before it is tried again its person wants to
// hear by another channel, by a push, or by no message.
func TestWhatMayHaveArrivedIsNotToldAnotherWay(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *bell, p *post){
		"another channel": func(b *bell, _ *post) { b.prefs["results_whatsapp"], b.prefs["results_sms"] = "false", "true" },
		"pushes":          func(b *bell, _ *post) { b.prefs["results_whatsapp"], b.prefs["results_push"] = "false", "true" },
		"no messages": func(b *bell, p *post) {
			b.prefs["results_push"] = "true"
			p.people["siti"] = notify.Contact{Phone: "+628117000123"}
		},
	} {
		b, p, _ := written(t, 10)
		b.prefs["results_whatsapp"], b.prefs["results_push"] = "true", "false"
		b.at(domain.WIB, 17, 10, 0)
		b.phone("siti", "one")
		p.fails = []error{&notify.Failure{Class: notify.Later, Code: "unavailable", Ambiguous: true, RetryAfter: 2 * time.Minute, Cause: errBreaks}}
		b.item("siti", "i1", domain.NoticePlace, `{"programme":"p"}`)
		b.rounds(30*time.Second, 10*time.Second)
		change(b, p)
		b.rounds(time.Hour, time.Minute)
		if len(p.fails) > 0 || len(b.got)+len(p.sent()) != 0 {
			t.Errorf("%s: rang %d times, written %q: %v", name, len(b.got), p.sent(), b.outcomes())
		}
	}
}

// TestWhatAPushLeftOutIsTold: a digest rings without the result that its person wants no pushes about by then. The message instead
// fails, and they choose another channel.
func TestWhatAPushLeftOutIsTold(t *testing.T) {
	t.Parallel()
	b, p, _ := written(t, 10)
	b.prefs["results_whatsapp"], b.prefs["digest"] = "true", "true"
	b.at(domain.WIB, 17, 22, 0)
	b.phone("siti", "one")
	b.item("siti", "a", domain.NoticeApplicationIn, `{"programme":"p"}`)
	b.item("siti", "b", domain.NoticeTaskReturned, `{"programme":"p"}`)
	b.rounds(time.Minute, 10*time.Second)
	b.prefs["results_push"] = "false"
	p.fails = []error{&notify.Failure{Class: notify.Later, Code: "unavailable", RetryAfter: 10 * time.Minute, Cause: errBreaks}}
	for range 14 * 60 {
		if b.rounds(time.Minute, time.Minute); len(p.fails) == 0 {
			break
		}
	}
	b.prefs["results_whatsapp"], b.prefs["results_sms"] = "false", "true"
	b.rounds(2*time.Hour, time.Minute)
	if got := p.sent(); len(b.got) != 1 || len(got) != 1 || !strings.HasPrefix(got[0], "sms ") {
		t.Errorf("rang %d times, written %q: %v", len(b.got), got, b.outcomes())
	}
}
