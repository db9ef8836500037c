package notify_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// bell is a service on a store in memory, with a provider that writes down what it gets.
type bell struct {
	*testing.T
	*notify.Service
	clock *clock.Fixed

	mu    sync.Mutex
	items map[string]merge.Row
	prefs map[string]string
	also  map[string]string // fields of the items that are put there
	zone  domain.Zone
	got   []sent
	fails []error // of the next attempts; nil: taken
}

type sent struct {
	at   time.Time
	to   string
	push notify.Push
}

func noon() time.Time { return time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC) } // 10:00 WIB, a Thursday

func set(t *testing.T) *bell {
	t.Helper()
	b := &bell{T: t, clock: clock.At(noon()), items: map[string]merge.Row{}, prefs: map[string]string{}, zone: domain.WIB}
	l := notify.DefaultLimits()
	l.Ramp, l.PerSecond = time.Second, 100_000
	b.Service = &notify.Service{Store: &storefault.MemoryIdentity{}, Inbox: b, Clock: b.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Limits: l, Senders: map[string]notify.Sender{"fcm": b}}
	return b
}

// Ringing keeps the promise of notify.Inbox.
func (b *bell) Ringing(_ context.Context, user string, items []string) (notify.Recipient, []merge.Row, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := notify.Recipient{Zone: b.zone, Preference: merge.Row{Fields: map[string]merge.Value{}}}
	for k, v := range b.prefs {
		r.Preference.Fields[k] = merge.Value(v)
	}
	var out []merge.Row
	for _, i := range items {
		if row, ok := b.items[i]; ok {
			out = append(out, row)
		}
	}
	return r, out, nil
}

// Send keeps the promise of notify.Sender.
func (b *bell) Send(_ context.Context, to store.Address, p notify.Push) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.fails) > 0 {
		err := b.fails[0]
		if b.fails = b.fails[1:]; err != nil {
			return err
		}
	}
	b.got = append(b.got, sent{b.clock.Now(), to.Value, p})
	return nil
}

// Check keeps the promise of notify.Sender.
func (b *bell) Check(context.Context, store.Address) error { return nil }

func (b *bell) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// phone gives somebody an address.
func (b *bell) phone(user, token string) store.Address {
	b.Helper()
	a, err := b.Register(b.Context(), user, "device of "+token, notify.Named{Provider: "fcm", Kind: "token", Value: token})
	b.ok(err)
	return a
}

// item puts a notice into an inbox, now, and rings for it.
func (b *bell) item(user, id, kind string, says string) {
	b.Helper()
	t, ok := domain.NoticeTypeOf(kind)
	if !ok {
		b.Fatal(kind)
	}
	r := merge.Row{Key: merge.Key{Collection: "inbox", ID: id}, Fields: map[string]merge.Value{"type": merge.Str(kind), "class": merge.Str(t.Class), "deep_link": merge.Str("app://x"),
		"received_at": merge.Millis(b.clock.Now().UnixMilli()).Value(), "object": merge.Value(`{"collection":"task","id":"` + id + `"}`)}}
	for name, v := range b.also {
		r.Fields[name] = merge.Str(v)
	}
	if says != "" {
		r.Fields["params"] = merge.Value(says)
	}
	b.mu.Lock()
	b.items[id] = r
	b.mu.Unlock()
	b.ok(b.Ring(b.Context(), user, id))
}

// rounds lets time go by, step by step, and gives what was sent meanwhile.
func (b *bell) rounds(d, step time.Duration) []sent {
	b.Helper()
	before := len(b.got)
	for end := b.clock.Now().Add(d); ; b.clock.Advance(step) {
		_, err := b.Round(b.Context())
		b.ok(err)
		if !b.clock.Now().Before(end) {
			return b.got[before:]
		}
	}
}

func (b *bell) at(zone domain.Zone, day, hour, minute int) {
	b.clock.Set(time.Date(2022, 6, day, hour, minute, 0, 0, zone.Location()))
}

func (b *bell) states(lane string) (out map[store.DeliveryState]int) {
	b.Helper()
	out = map[store.DeliveryState]int{}
	for _, s := range store.DeliveryStates() {
		all, err := b.Store.DeliveriesAfter(b.Context(), s, "", 1000)
		b.ok(err)
		for _, d := range all {
			if lane == "" || d.Lane == lane {
				out[s]++
			}
		}
	}
	return out
}

// TestAPushSaysNothing of whom or what it is about, in either language.
func TestAPushSaysNothing(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.phone("u1", "one")
	_, err := b.Register(t.Context(), "u1", "d2", notify.Named{Provider: "fcm", Kind: "token", Value: "two", Locale: "en"})
	b.ok(err)
	b.item("u1", "0190aaaa-0000-7000-8000-000000000001", domain.NoticeTaskReturned, `{"task":"Foto keripik Bu Rafika"}`)
	got := b.rounds(time.Second, time.Second)
	if len(got) != 2 {
		t.Fatalf("%d pushes", len(got))
	}
	slices.SortFunc(got, func(x, y sent) int { return strings.Compare(x.to, y.to) })
	id, en := got[0].push, got[1].push
	if id.Title != "Tugas perlu diperbaiki" || id.Body != "Baca catatan pendamping." || en.Title != "Task sent back" || id.Tag != "task:0190aaaa-0000-7000-8000-000000000001" || id.High || id.ID == en.ID {
		t.Errorf("%+v\n%+v", id, en)
	}
	if text := fmt.Sprintf("%+v%+v", id, en); strings.Contains(text, "Rafika") {
		t.Error(text)
	}
}

// TestPlanningTwiceIsPlanningOnce, by one process or by several at once.
func TestPlanningTwiceIsPlanningOnce(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.phone("u1", "one")
	b.item("u1", "i1", domain.NoticeResults, `{"programme":"p"}`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { b.ok(b.Ring(t.Context(), "u1", "i1")) })
	}
	all.Wait()
	for range 4 {
		all.Go(func() {
			if _, err := b.Round(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.ok(b.Ring(t.Context(), "u1", "i1"))
	if got := b.rounds(time.Hour, time.Minute); len(b.got) != 1 || !b.got[0].push.High || b.got[0].push.Tag != "result:p" {
		t.Errorf("%+v, later %+v", b.got, got)
	}
}

// TestQuietHours, by the clocks of the recipient: at night until half past six and a little
// more, on Fridays not during prayers, and what cannot wait never waits.
func TestQuietHours(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		zone              domain.Zone
		kind              string
		prefs             map[string]string
		day, hour, minute int
		from, to          [3]int // earliest and latest day, hour and minute
	}{
		{"in the morning", domain.WIB, domain.NoticeTaskReturned, nil, 14, 9, 0, [3]int{14, 9, 0}, [3]int{14, 9, 1}},
		{"half past ten at night", domain.WIB, domain.NoticeTaskReturned, nil, 14, 22, 30, [3]int{15, 6, 30}, [3]int{15, 6, 41}},
		{"one at night", domain.WIT, domain.NoticeTaskReturned, nil, 15, 1, 0, [3]int{15, 6, 30}, [3]int{15, 6, 41}},
		{"nine in the evening", domain.WITA, domain.NoticeResults, nil, 14, 21, 0, [3]int{15, 6, 30}, [3]int{15, 6, 41}},
		{"a minute before", domain.WITA, domain.NoticeResults, nil, 14, 20, 59, [3]int{14, 20, 59}, [3]int{14, 21, 0}},
		{"Friday noon, what avoids prayers", domain.WIB, domain.NoticeTaskDue, nil, 17, 12, 0, [3]int{17, 13, 0}, [3]int{17, 13, 11}},
		{"Friday noon, what does not", domain.WIB, domain.NoticeTaskReturned, nil, 17, 12, 0, [3]int{17, 12, 0}, [3]int{17, 12, 1}},
		{"own hours", domain.WIB, domain.NoticeTaskReturned, map[string]string{"quiet_from": `"12:00"`, "quiet_to": `"15:00"`}, 14, 13, 0, [3]int{14, 15, 30}, [3]int{14, 15, 41}},
		{"own hours, at night", domain.WIB, domain.NoticeTaskReturned, map[string]string{"quiet_from": `"12:00"`, "quiet_to": `"15:00"`}, 14, 23, 0, [3]int{14, 23, 0}, [3]int{14, 23, 1}},
	} {
		b := set(t)
		b.zone = tt.zone
		if tt.prefs != nil {
			b.prefs = tt.prefs
		}
		b.at(tt.zone, tt.day, tt.hour, tt.minute)
		b.phone("u1", "one")
		b.item("u1", "i1", tt.kind, `{"programme":"p"}`)
		got := b.rounds(24*time.Hour, 20*time.Second)
		at := func(h [3]int) time.Time { return time.Date(2022, 6, h[0], h[1], h[2], 0, 0, tt.zone.Location()) }
		if len(got) != 1 || got[0].at.Before(at(tt.from)) || got[0].at.After(at(tt.to)) {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestSeveralAreOne: reminders of a minute, tasks of ten minutes, what waits for a mentor
// within two hours, and whatever somebody wants as a digest.
func TestSeveralAreOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		kind   string
		prefs  map[string]string
		every  time.Duration
		pushes int // for four items
	}{
		{"reminders of one minute", domain.NoticeTaskDue, nil, 0, 1},
		{"reminders of a long walk: the first ones, then the others", domain.NoticeTaskDue, nil, time.Minute, 2},
		{"tasks of six minutes", domain.NoticeTaskAssigned, nil, 2 * time.Minute, 1},
		{"what waits for a mentor: the first at once, then the others", domain.NoticeTaskSubmitted, nil, 20 * time.Minute, 2},
		{"returned tasks", domain.NoticeTaskReturned, nil, time.Minute, 4},
		{"returned tasks as a digest", domain.NoticeTaskReturned, map[string]string{"digest": "true"}, time.Minute, 1},
		{"off", domain.NoticeTaskReturned, map[string]string{"tasks_push": "false"}, time.Minute, 0},
	} {
		b := set(t)
		if tt.prefs != nil {
			b.prefs = tt.prefs
		}
		b.at(domain.WIB, 14, 8, 0)
		b.phone("u1", "one")
		for n := range 4 {
			b.item("u1", fmt.Sprint("i", n), tt.kind, "")
			b.rounds(tt.every, 10*time.Second)
		}
		b.rounds(5*time.Hour, 10*time.Second)
		told := map[string]bool{}
		for _, s := range b.got {
			for _, i := range s.push.Items {
				told[i] = true
			}
		}
		if len(b.got) != tt.pushes || tt.pushes > 0 && len(told) != 4 {
			t.Errorf("%s: %d pushes about %d items: %+v", tt.name, len(b.got), len(told), b.got)
		}
	}
}

// TestWhatIsOverIsNotSent: the check is made again at the moment of sending.
func TestWhatIsOverIsNotSent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *bell){
		"read meanwhile":       func(b *bell) { delete(b.items, "i1") },
		"switched off":         func(b *bell) { b.prefs["tasks_push"] = "false" },
		"logged out":           func(b *bell) { b.ok(b.Leave(b.Context(), "u1", "device of one")) },
		"the phone was passed": func(b *bell) { b.phone("u2", "one") },
		"it came too late":     func(b *bell) { b.clock.Advance(29 * 24 * time.Hour) },
	} {
		b := set(t)
		b.at(domain.WIB, 14, 22, 0)
		b.phone("u1", "one")
		b.item("u1", "i1", domain.NoticeTaskReturned, "")
		change(b)
		if got := b.rounds(24*time.Hour, time.Minute); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		if s := b.states(""); s[store.DeliverySuppressed]+s[store.DeliveryExpired] != 1 {
			t.Errorf("%s: %v", name, s)
		}
	}
}

// TestFailures: what follows from each class, and when it is tried again.
func TestFailures(t *testing.T) {
	t.Parallel()
	later := &notify.Failure{Class: notify.Later, Code: "unavailable", Ambiguous: true}
	for _, tt := range []struct {
		name     string
		fails    []error
		attempts int
		state    store.DeliveryState
		least    time.Duration // until it is sent
		most     time.Duration
		address  bool
	}{
		{"none", nil, 1, store.DeliverySent, 0, 0, true},
		{"once", []error{later}, 2, store.DeliverySent, time.Second, 3 * time.Second, true},
		{"as long as the provider says", []error{&notify.Failure{Class: notify.Later, Code: "unavailable", RetryAfter: 90 * time.Second}}, 2, store.DeliverySent, 90 * time.Second, 92 * time.Second, true},
		{"a timeout", []error{context.DeadlineExceeded}, 2, store.DeliverySent, time.Second, 3 * time.Second, true},
		{"too much", []error{&notify.Failure{Class: notify.SlowDown, Code: "quota_exceeded"}}, 1, store.DeliverySent, time.Minute, 80 * time.Second, true},
		{"refused", []error{&notify.Failure{Class: notify.Refused, Code: "invalid"}}, 1, store.DeliveryDead, 0, 0, true},
		{"nobody there", []error{&notify.Failure{Class: notify.Gone, Code: "unregistered"}}, 1, store.DeliverySuppressed, 0, 0, false},
		{"broken, mended behind half a minute", []error{&notify.Failure{Class: notify.Broken, Code: "unauthenticated"}}, 1, store.DeliverySent, 30 * time.Second, 80 * time.Second, true},
		{"for half an hour", slices.Repeat([]error{later}, 13), 14, store.DeliverySent, 10 * time.Minute, 2 * time.Hour, true},
		{"for the reasons of this address", slices.Repeat([]error{&notify.Failure{Class: notify.Later, Code: "unavailable", Local: true}}, 12), 12, store.DeliveryDead, 0, 0, true},
	} {
		b := set(t)
		a := b.phone("u1", "one")
		b.fails = tt.fails
		b.item("u1", "i1", domain.NoticeResults, `{"programme":"p"}`)
		from := b.clock.Now()
		got := b.rounds(10*time.Hour, time.Second)
		var d store.Delivery
		for _, s := range store.DeliveryStates() {
			all, err := b.Store.DeliveriesAfter(t.Context(), s, "", 10)
			if b.ok(err); len(all) == 1 {
				d = all[0]
			}
		}
		if d.State != tt.state || d.Attempts != tt.attempts || (len(got) == 1) != (tt.state == store.DeliverySent) {
			t.Errorf("%s: %+v, %d sent", tt.name, d, len(got))
		}
		if len(got) == 1 {
			if took := got[0].at.Sub(from); took < tt.least || took > tt.most {
				t.Errorf("%s: after %s", tt.name, took)
			}
		}
		if _, err := b.Store.Address(t.Context(), a.Key); errors.Is(err, store.ErrAbsent) == tt.address {
			t.Errorf("%s: the address: %v", tt.name, err)
		}
	}
}

// TestALostLease: whoever dies in the middle is followed by another; whoever was only slow
// cannot write over what that one did.
func TestALostLease(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.phone("u1", "one")
	slow, go1, done := b.Senders["fcm"], make(chan struct{}), make(chan struct{})
	b.Senders["fcm"] = blocked{b, go1}
	b.item("u1", "i1", domain.NoticeResults, `{"programme":"p"}`)
	go func() {
		defer close(done)
		if _, err := b.Round(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for b.states("")[store.DeliverySending] == 0 { // until it is under way
		if t.Context().Err() != nil {
			t.Fatal("never")
		}
	}
	other := &notify.Service{Store: b.Store, Inbox: b, Clock: b.clock, Rand: rand.Reader, Log: b.Log, Limits: b.Limits, Senders: map[string]notify.Sender{"fcm": slow}}
	if n, err := other.Round(t.Context()); n != 0 || err != nil {
		t.Errorf("taken while another one has it: %d, %v", n, err)
	}
	b.clock.Advance(b.Limits.Lease)
	if n, err := other.Round(t.Context()); n != 1 || err != nil {
		t.Errorf("behind the lease: %d, %v", n, err)
	}
	close(go1)
	<-done
	all, err := b.Store.DeliveriesAfter(t.Context(), store.DeliverySent, "", 10)
	if b.ok(err); len(all) != 1 || all[0].Attempts != 2 || !all[0].Ambiguous {
		t.Errorf("%+v", all)
	}
}

// blocked is a provider that answers when it is let, and fails.
type blocked struct {
	*bell
	until chan struct{}
}

func (s blocked) Send(context.Context, store.Address, notify.Push) error {
	<-s.until
	return &notify.Failure{Class: notify.Refused, Code: "too_late"}
}

type counted struct {
	*bell
	n *int
}

func (c counted) Send(context.Context, store.Address, notify.Push) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.n++
	return &notify.Failure{Class: notify.Later, Code: "unavailable"}
}

// TestAddresses: one of a device and provider, five of a person, moved with the phone.
func TestAddresses(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.phone("u1", "old")
	_, err := b.Register(t.Context(), "u1", "device of old", notify.Named{Provider: "fcm", Kind: "token", Value: "new"})
	b.ok(err)
	of := func(user string) (out []string) {
		all, err := b.Store.AddressesOf(t.Context(), user)
		b.ok(err)
		for _, a := range all {
			out = append(out, a.Value)
		}
		slices.Sort(out)
		return out
	}
	if got := of("u1"); !slices.Equal(got, []string{"new"}) {
		t.Errorf("a renewed token: %v", got)
	}
	for n := range 6 {
		b.clock.Advance(time.Minute)
		b.phone("u1", fmt.Sprint(n))
	}
	if got := of("u1"); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
		t.Errorf("too many: %v", got)
	}
	b.phone("u2", "3")
	if got := of("u1"); len(got) != 4 || !slices.Equal(of("u2"), []string{"3"}) {
		t.Errorf("moved: %v and %v", got, of("u2"))
	}
	b.clock.Advance(b.Limits.Stale + time.Hour)
	b.item("u1", "i1", domain.NoticeResults, `{"programme":"p"}`)
	if got := b.rounds(time.Minute, time.Second); len(got) != 0 {
		t.Errorf("stale addresses got %v", got)
	}
	for _, bad := range []notify.Named{{Provider: "x", Value: "v"}, {Provider: "fcm", Value: ""}, {Provider: "fcm", Value: "a\nb"}, {Provider: "fcm", Value: strings.Repeat("x", 4097)}} {
		if _, err := b.Register(t.Context(), "u1", "d", bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
