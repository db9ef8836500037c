package notify_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// post is a messaging service and the people that it writes to.
type post struct {
	mu     sync.Mutex
	people map[string]notify.Contact
	got    []notify.Message
	fails  []error
}

// Contact keeps the promise of notify.Contacts.
func (p *post) Contact(_ context.Context, user string) (notify.Contact, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.people[user], nil
}

// Send keeps the promise of notify.Messenger.
func (p *post) Send(_ context.Context, m notify.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.fails) > 0 {
		err := p.fails[0]
		if p.fails = p.fails[1:]; err != nil {
			return err
		}
	}
	p.got = append(p.got, m)
	return nil
}

func (p *post) sent() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.got {
		out = append(out, m.Channel+" "+string(m.To)+" "+m.Template)
	}
	return out
}

// written is a bell whose people are written to where no phone rings: perDay messages a day.
func written(t *testing.T, perDay int) (*bell, *post, *bytes.Buffer) {
	t.Helper()
	b := set(t)
	p := &post{people: map[string]notify.Contact{"siti": {Phone: "+628117000123", Agreed: true}}}
	log := &bytes.Buffer{}
	purse := &notify.Purse{Name: "notices", PerDay: perDay, Counters: b.Store.(store.Counters), Clock: b.clock, Log: slog.New(slog.NewTextHandler(log, nil))}
	b.Letters = &notify.Letters{Messenger: notify.Paid{Messenger: p, Purse: purse}, Channels: []string{"whatsapp", "sms"}, People: p}
	return b, p, log
}

func (b *bell) round() {
	b.Helper()
	if _, err := b.Round(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// outcomes counts the deliveries by provider and state.
func (b *bell) outcomes() map[string]int {
	b.Helper()
	out := map[string]int{}
	for _, s := range store.DeliveryStates() {
		all, err := b.Deliveries(b.Context(), s, "", 100)
		b.ok(err)
		for _, d := range all {
			out[strings.TrimSpace(d.Provider+" "+string(s)+" "+d.Code)]++
			if strings.Contains(d.Address, "8117") {
				b.Errorf("a number stands in delivery %+v", d)
			}
		}
	}
	return out
}

// TestWhoIsWrittenTo: results alone, to people without a phone that rings, who chose the
// channel and agreed to it; the words are those of a lock screen.
func TestWhoIsWrittenTo(t *testing.T) {
	t.Parallel()
	agreed := notify.Contact{Phone: "+628117000123", Agreed: true}
	for _, tt := range []struct {
		name  string
		kind  string
		prefs map[string]string
		who   notify.Contact
		phone bool
		want  string
	}{
		{"by WhatsApp", "N06", map[string]string{"results_whatsapp": "true"}, agreed, false, "whatsapp +628117000123 N06"},
		{"by SMS", "N06", map[string]string{"results_sms": "true"}, agreed, false, "sms +628117000123 N06"},
		{"by one of two", "N06", map[string]string{"results_whatsapp": "true", "results_sms": "true"}, agreed, false, "whatsapp +628117000123 N06"},
		{"pushes switched off", "N06", map[string]string{"results_whatsapp": "true", "results_push": "false"}, agreed, true, "whatsapp +628117000123 N06"},
		{"no channel chosen", "N06", nil, agreed, false, ""},
		{"a channel switched off", "N06", map[string]string{"results_whatsapp": "false"}, agreed, false, ""},
		{"that of another class", "N06", map[string]string{"security_whatsapp": "true"}, agreed, false, ""},
		{"not agreed", "N06", map[string]string{"results_whatsapp": "true"}, notify.Contact{Phone: "+628117000123"}, false, ""},
		{"no number", "N06", map[string]string{"results_whatsapp": "true"}, notify.Contact{Agreed: true}, false, ""},
		{"a phone that rings", "N06", map[string]string{"results_whatsapp": "true"}, agreed, true, ""},
		{"about a task", "N10", map[string]string{"tasks_whatsapp": "true"}, agreed, false, ""},
		{"an announcement", "N28", map[string]string{"announcements_whatsapp": "true"}, agreed, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, p, _ := written(t, 10)
			b.prefs, p.people["siti"] = tt.prefs, tt.who
			if b.prefs == nil {
				b.prefs = map[string]string{}
			}
			if tt.phone {
				b.phone("siti", "token")
			}
			b.item("siti", "i1", tt.kind, "")
			b.ok(b.Ring(t.Context(), "siti", "i1")) // planned twice
			b.clock.Advance(time.Minute)
			b.round()
			b.round()
			got := strings.Join(p.sent(), ", ")
			if got != tt.want {
				t.Fatalf("sent %q", got)
			}
			if tt.want != "" {
				if m := p.got[0]; m.ID == "" || m.Params["title"] == "" || m.Params["body"] == "" || len(m.Params) != 2 || len(b.got) != 0 {
					t.Errorf("%+v", m)
				}
			}
		})
	}
}

// TestThatConsentIsAskedWhenItIsSent: taken back over night, nothing is sent in the morning.
func TestThatConsentIsAskedWhenItIsSent(t *testing.T) {
	t.Parallel()
	b, p, _ := written(t, 10)
	b.prefs["results_whatsapp"] = "true"
	b.clock.Advance(12 * time.Hour) // 22:00 WIB
	b.item("siti", "i1", "N06", "")
	b.round()
	if len(p.sent()) != 0 {
		t.Fatalf("sent at night: %q", p.sent())
	}
	p.people["siti"] = notify.Contact{Phone: "+628117000123"}
	b.clock.Advance(10 * time.Hour)
	b.round()
	if len(p.sent()) != 0 || b.outcomes()["whatsapp suppressed address_gone"] != 1 {
		t.Errorf("sent %q, %v", p.sent(), b.outcomes())
	}
}

// TestTheLastPhoneIsGone: what was meant for it is written, and what others of theirs ring
// for is not.
func TestTheLastPhoneIsGone(t *testing.T) {
	t.Parallel()
	for _, phones := range []int{1, 2} {
		b, p, _ := written(t, 10)
		b.prefs["results_whatsapp"] = "true"
		for i := range phones {
			b.phone("siti", []string{"gone", "here"}[i])
		}
		b.item("siti", "i1", "N06", "")
		b.fails = []error{&notify.Failure{Class: notify.Gone, Code: "unregistered", Cause: context.Canceled}}
		if phones == 2 { // either of them is first; the other one rings
			b.Limits.Workers = 1
		}
		b.round()
		b.clock.Advance(time.Minute)
		b.round()
		if phones == 1 && !slices.Equal(p.sent(), []string{"whatsapp +628117000123 N06"}) || phones == 2 && (len(p.sent()) != 0 || len(b.got) != 1) {
			t.Errorf("%d phones: sent %q, rang %d", phones, p.sent(), len(b.got))
		}
	}
}

// TestAMessageThatFails: again under the same id, until it is refused or its purse is empty;
// nothing is written about a number that is not reached.
func TestAMessageThatFails(t *testing.T) {
	t.Parallel()
	b, p, log := written(t, 2)
	b.prefs["results_whatsapp"] = "true"
	fail := func(class notify.Class, code string, ambiguous bool) error {
		return &notify.Failure{Class: class, Code: code, Ambiguous: ambiguous, Cause: context.Canceled}
	}
	p.fails = []error{fail(notify.Later, "unreachable", false), nil, fail(notify.Gone, "number_unreachable", false), fail(notify.Refused, "invalid_request", false), nil}
	for _, item := range []string{"i1", "i2", "i3", "i4", "i5", "i6"} {
		b.item("siti", item, "N06", "")
		for range 4 {
			b.round()
			b.clock.Advance(10 * time.Second)
		}
	}
	if got := len(p.sent()); got != 2 {
		t.Errorf("%d were sent", got)
	}
	want := map[string]int{"whatsapp sent": 2, "whatsapp suppressed number_unreachable": 1, "whatsapp dead invalid_request": 1, "whatsapp dead message_cap": 2}
	for state, n := range want {
		if b.outcomes()[state] != n {
			t.Errorf("%s: %v", state, b.outcomes())
		}
	}
	if strings.Count(log.String(), "the bound of a day is reached") != 1 {
		t.Errorf("the log: %s", log)
	}
	dead, err := b.Deliveries(t.Context(), store.DeliveryDead, "", 10)
	b.ok(err)
	b.clock.Advance(14 * time.Hour) // the next day of WIB, past the night
	b.clock.Advance(8 * time.Hour)
	for _, d := range dead {
		if d.Code == "message_cap" {
			_, err := b.Replay(t.Context(), d.ID)
			b.ok(err)
		}
	}
	b.rounds(10*time.Second, time.Second)
	if got := len(p.sent()); got != 4 {
		t.Errorf("%d were sent, once there was money again: %v", got, b.outcomes())
	}
}

// TestNobodyNamesANumberAsAnAddress: channels of messages are no providers of pushes.
func TestNobodyNamesANumberAsAnAddress(t *testing.T) {
	t.Parallel()
	b, _, _ := written(t, 10)
	for _, provider := range []string{"whatsapp", "sms", "webhook"} {
		if _, err := b.Register(t.Context(), "siti", "d", notify.Named{Provider: provider, Kind: "phone", Value: "+628117000123"}); err == nil {
			t.Errorf("%s is taken", provider)
		}
	}
}

// TestWhatOneStrangerSaysShutsNobodyOut: failures of one address close no provider.
func TestWhatOneStrangerSaysShutsNobodyOut(t *testing.T) {
	t.Parallel()
	for _, class := range []notify.Class{notify.Later, notify.SlowDown, notify.Broken} {
		b := set(t)
		b.phone("hostile", "h")
		b.phone("siti", "s")
		for i := range 30 {
			b.fails = append(b.fails, &notify.Failure{Class: class, Code: "x", RetryAfter: time.Hour, Local: true, Cause: context.Canceled})
			b.item("hostile", fmt.Sprint("i", i), "N06", "")
		}
		b.rounds(5*time.Minute, time.Second) // one after the other
		if len(b.fails) != 0 {
			b.Fatalf("%d attempts were not made", len(b.fails))
		}
		b.item("siti", "last", "N06", "")
		b.clock.Advance(time.Second)
		b.round()
		if len(b.got) != 1 || b.got[0].to != "s" {
			t.Errorf("class %d: rang %+v", class, b.got)
		}
	}
}

// TestABadAddressDiesInTheEnd: what one address answers is counted against its delivery.
func TestABadAddressDiesInTheEnd(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.phone("hostile", "h")
	b.item("hostile", "i1", "N06", "")
	for range b.Limits.Attempts {
		b.fails = append(b.fails, &notify.Failure{Class: notify.Broken, Code: "vapid_refused", Local: true, Cause: context.Canceled})
	}
	for range 3 * b.Limits.Attempts {
		b.round()
		b.clock.Advance(2 * time.Hour)
	}
	if b.outcomes()["fcm dead vapid_refused"] != 1 || len(b.got) != 0 {
		t.Errorf("%v, rang %d", b.outcomes(), len(b.got))
	}
}

// TestAMessageIsWorthSendingForTwoDays: whoever was not reached by then has opened the app.
func TestAMessageIsWorthSendingForTwoDays(t *testing.T) {
	t.Parallel()
	b, p, _ := written(t, 10)
	b.prefs["results_whatsapp"] = "true"
	for range 40 {
		p.fails = append(p.fails, &notify.Failure{Class: notify.Broken, Code: "payment_required", RetryAfter: time.Hour, Cause: context.Canceled})
	}
	b.item("siti", "i1", "N06", "")
	for range 50 {
		b.round()
		b.clock.Advance(time.Hour + 10*time.Second)
	}
	if b.outcomes()["whatsapp expired payment_required"]+b.outcomes()["whatsapp expired expired"] != 1 || len(p.sent()) != 0 {
		t.Errorf("%v, sent %q", b.outcomes(), p.sent())
	}
}
