package play_test

import (
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	server "github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// hinted has the server plan its hints and send them, and gives how many each phone of the
// scene has got so far: the owner's, the tablet, the staff's.
func (r *ringing) hinted() [3]int {
	r.Helper()
	r.ok(r.w.App.Hints.Flush(r.Context()))
	r.sends(5 * time.Second)
	var n [3]int
	for i, p := range []*play.Phone{r.owner, r.tablet, r.staff} {
		n[i] = len(p.Rang(notify.TypeHint))
	}
	return n
}

// want fails unless the phones have got so many more hints than before.
func (r *ringing) want(what string, was, want [3]int) [3]int {
	r.Helper()
	now := r.hinted()
	for i := range now {
		if now[i]-was[i] != want[i] {
			r.Errorf("%s: %v hints behind %v, want %v more", what, now, was, want)
			break
		}
	}
	return now
}

// TestPhonesAreToldThatThereIsSomething: what staff write is hinted to the phones of the
// owner, without a card; not to the phone that wrote it, not to one that listens, and once in
// a quarter of an hour: what comes in between is hinted at its end.
func TestPhonesAreToldThatThereIsSomething(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setRinging(t, on)
			r.w.Clock.Advance(time.Hour)
			was := r.hinted()
			r.w.Clock.Advance(20 * time.Minute)
			cards := len(r.owner.Bell.Cards())
			r.sell(r.staff, 10_000)
			r.sync(r.staff)
			was = r.want("a sale", was, [3]int{1, 1, 0})
			d := r.owner.Rang(notify.TypeHint)[was[0]-1].Content
			if d.Notification != nil || d.Android.Notification != nil || d.Android.Priority != "normal" || d.Android.CollapseKey != "sync" || d.Android.TTL == "" || d.Data["items"] != "" || len(r.owner.Bell.Cards()) != cards {
				t.Errorf("a hint as %+v %+v", d, d.Android)
			}
			r.w.Clock.Advance(10 * time.Minute)
			r.sell(r.staff, 11_000)
			r.sync(r.staff)
			was = r.want("ten minutes later", was, [3]int{0, 0, 0})
			r.w.Clock.Advance(6 * time.Minute)
			r.sell(r.owner, 12_000)
			r.sync(r.owner)
			was = r.want("a sale of the owner's, and the hint that had to wait", was, [3]int{1, 1, 1})
			r.w.Clock.Advance(20 * time.Minute)
			session, err := r.tablet.Session()
			r.ok(err)
			r.sync(r.tablet) // with a token that is good now
			session, err = r.tablet.Session()
			r.ok(err)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.w.URL+"/v1/sync/live", nil)
			r.ok(err)
			req.Header.Set("Authorization", "Bearer "+session.Access)
			live, err := http.DefaultClient.Do(req)
			r.ok(err)
			defer live.Body.Close()
			if live.StatusCode != http.StatusOK {
				t.Fatal(live.Status)
			}
			r.sell(r.staff, 13_000)
			r.sync(r.staff)
			r.want("while the tablet listens", was, [3]int{1, 0, 0})
		})
	}
}

// TestWhatAPhoneWritesOfItsPersonIsHinted to their other phones: that an item was read, a choice. What
// the server alone puts there rings by itself, and what all may read is hinted to nobody.
func TestWhatAPhoneWritesOfItsPersonIsHinted(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setRinging(t, on)
			r.w.Clock.Advance(2 * time.Hour)
			was := r.hinted()
			r.w.Clock.Advance(20 * time.Minute)
			user := r.owner.Me().User
			item := r.notice(user, domain.NoticeResults)
			was = r.want("an item", was, [3]int{0, 0, 0})
			r.sync(r.tablet)
			r.in(r.tablet, merge.UserScope(user), "inbox", item, map[string]any{"read_at": merge.FormatInstant(merge.Millis(r.w.Clock.Now().UnixMilli()))})
			r.sync(r.tablet)
			r.want("read on the tablet", was, [3]int{1, 0, 0})
		})
	}
}

// TestAHintThatNobodyAnsweredIsNotSentAgain: its answer got lost, and the phone has it. One
// that sleeps gets one for all, when it wakes; one whose hint still waits to be sent, none
// beside it.
func TestAHintThatNobodyAnsweredIsNotSentAgain(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fake *fcmfake.Server
			r := setRinging(t, on, func(o *play.Options) { fake = o.Google })
			r.w.Clock.Advance(2 * time.Hour)
			was := r.hinted()
			r.w.Clock.Advance(20 * time.Minute)
			r.tablet.Bell.Doze(true)
			fake.Fail(fcmfake.Fault{Kind: fcmfake.AcceptThenDrop, Address: r.owner.Bell.Address()})
			r.sell(r.staff, 10_000)
			r.sync(r.staff)
			was = r.want("an answer that got lost", was, [3]int{1, 0, 0})
			calls := fake.Calls()
			r.sends(2 * time.Minute)
			if n := fake.Calls() - calls; n != 0 {
				t.Errorf("%d more calls", n)
			}
			for range 2 {
				r.w.Clock.Advance(16 * time.Minute)
				r.sell(r.staff, 10_000)
				r.sync(r.staff)
				was = r.want("asleep", was, [3]int{1, 0, 0})
			}
			r.tablet.Bell.Doze(false)
			was = r.want("awake", was, [3]int{0, 1, 0})
			fake.Fail(fcmfake.Fault{Kind: fcmfake.Unavailable, Address: r.owner.Bell.Address(), Times: -1, RetryAfter: 50 * time.Minute})
			for range 2 {
				r.w.Clock.Advance(16 * time.Minute)
				r.sell(r.staff, 10_000)
				r.sync(r.staff)
				r.hinted()
			}
			if b, err := r.w.App.Push.Store.Backlog(t.Context(), notify.LaneHint); err != nil || b.Open > 1 {
				t.Errorf("%d hints wait for one phone: %v", b.Open, err)
			}
			if n := len(r.owner.Rang(notify.TypeHint)); n != was[0] {
				t.Errorf("%d hints came through a provider that is away", n-was[0])
			}
		})
	}
}

// TestSeveralProcessesHintOnce, also where they look at the same moment.
func TestSeveralProcessesHintOnce(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setRinging(t, on)
			r.w.Clock.Advance(2 * time.Hour)
			was := r.hinted()
			r.w.Clock.Advance(20 * time.Minute)
			var all sync.WaitGroup
			for range 4 {
				h := &notify.Hints{Push: r.w.Dispatcher(r.w.App.Push.Store), Every: 15 * time.Minute, Log: slog.New(slog.DiscardHandler)}
				h.Moved([]string{r.owner.Me().User}, []string{r.tablet.Me().Device})
				all.Go(func() { r.ok(h.Flush(t.Context())) })
			}
			all.Wait()
			r.want("four processes", was, [3]int{1, 0, 0})
		})
	}
}

// TestWhoWantsNoHintsHasNone: they are on unless the operator switches them off.
func TestWhoWantsNoHintsHasNone(t *testing.T) {
	t.Parallel()
	for every, want := range map[time.Duration]bool{15 * time.Minute: true, 0: false} {
		cfg := play.Settings("")
		if cfg.Push.HintEvery != 15*time.Minute {
			t.Errorf("by default every %s", cfg.Push.HintEvery)
		}
		cfg.Push.HintEvery = every
		a, err := server.New(t.Context(), cfg, server.Options{Store: storefault.NewPoor(), Identity: &storefault.MemoryIdentity{}, Log: slog.New(slog.DiscardHandler), Stderr: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		if (a.Hints != nil) != want || (a.Engine.Moved != nil) != want {
			t.Errorf("every %s: %t", every, a.Hints != nil)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
