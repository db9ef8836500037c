package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

func addressMoves(t *testing.T, s store.Identity) {
	at := identityDay()
	a := store.Address{Key: "a1", Provider: "fcm", Kind: "token", Value: "x", User: "u1", Device: "d1", Seen: at}
	must(t, s.InsertAddress(t.Context(), a))
	must(t, s.InsertAddress(t.Context(), store.Address{Key: "a0", Provider: "webpush", User: "u1", Seen: at}))
	if err := s.InsertAddress(t.Context(), store.Address{Key: "a1", User: "u2"}); !errors.Is(err, store.ErrTaken) {
		t.Errorf("an address of somebody else: %v", err)
	}
	of := func(user string, want ...string) {
		t.Helper()
		all, err := s.AddressesOf(t.Context(), user)
		var got []string
		for _, a := range all {
			got = append(got, a.Key)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s has %v, %v, want %v", user, got, err, want)
		}
	}
	of("u1", "a0", "a1")
	a.User, a.Rev = "u2", 1
	must(t, s.ReplaceAddress(t.Context(), a))
	of("u1", "a0")
	of("u2", "a1")
	must(t, s.DropAddress(t.Context(), "a1", 1)) // which it had when somebody was refused
	of("u2", "a1")
	must(t, s.DropAddress(t.Context(), "a1", 2))
	must(t, s.DropAddress(t.Context(), "a1", 2))
	of("u2")
	if _, err := s.Address(t.Context(), "a1"); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("a dropped address: %v", err)
	}
}

func addressesCount(t *testing.T, s store.Identity) {
	at := identityDay()
	for n, provider := range []string{"fcm", "fcm", "fcm", "webpush"} {
		must(t, s.InsertAddress(t.Context(), store.Address{Key: fmt.Sprint(n), Provider: provider, User: "u", Seen: at.Add(time.Duration(n) * time.Hour)}))
	}
	for provider, want := range map[string]store.AddressCount{"fcm": {All: 3, Seen: 2}, "webpush": {All: 1, Seen: 1}, "none": {}} {
		if got, err := s.CountAddresses(t.Context(), provider, at.Add(time.Hour)); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", provider, got, err, want)
		}
	}
}

// delivers stores deliveries, of which some are given by their differences.
func delivers(t *testing.T, s store.Identity, all ...store.Delivery) {
	t.Helper()
	for _, d := range all {
		must(t, s.InsertDelivery(t.Context(), d))
	}
}

func ids(all []store.Delivery) (out []string) {
	for _, d := range all {
		out = append(out, d.ID)
	}
	return out
}

func dueByLane(t *testing.T, s store.Identity) {
	at := identityDay()
	later := at.Add(time.Millisecond)
	delivers(t, s, store.Delivery{ID: "c", Lane: "bulk", State: store.DeliveryPending, Due: at, Next: at}, store.Delivery{ID: "b", Lane: "bulk", State: store.DeliveryRetry, Due: at.Add(-2 * time.Hour), Next: at},
		store.Delivery{ID: "a", Lane: "bulk", State: store.DeliveryPending, Due: later, Next: later}, store.Delivery{ID: "z", Lane: "bulk", State: store.DeliverySending, Due: at.Add(-time.Hour), Next: at.Add(-time.Hour)},
		store.Delivery{ID: "d", Lane: "results", State: store.DeliveryPending, Due: at, Next: at}, store.Delivery{ID: "e", Lane: "bulk", State: store.DeliverySent, Due: at.Add(-3 * time.Hour), Next: at},
		store.Delivery{ID: "f", Lane: "bulk", State: store.DeliveryDead, Next: at})
	due := func(lane string, now time.Time, limit int, want ...string) {
		t.Helper()
		got, err := s.DueDeliveries(t.Context(), lane, nil, now, limit)
		if err != nil || !slices.Equal(ids(got), want) {
			t.Errorf("%s at %s: %v, %v, want %v", lane, now, ids(got), err, want)
		}
	}
	due("bulk", at, 10, "z", "b", "c")
	due("bulk", at, 2, "z", "b")
	due("bulk", later, 10, "z", "b", "c", "a")
	due("bulk", at.Add(-2*time.Hour), 10)
	due("bulk", at, 0)
	due("results", at, 10, "d")
	for lane, want := range map[string]store.Backlog{"bulk": {Open: 4, Oldest: at.Add(-2 * time.Hour)}, "results": {Open: 1, Oldest: at}, "none": {}} {
		if got, err := s.Backlog(t.Context(), lane); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", lane, got, err, want)
		}
	}
}

// dueWithoutSome: deliveries of providers that are left alone are not among what is due, and
// hold up nothing behind them.
func dueWithoutSome(t *testing.T, s store.Identity) {
	at := identityDay()
	for n, provider := range []string{"fcm", "fcm", "webpush", "", "fcm", "whatsapp", "webpush"} {
		delivers(t, s, store.Delivery{ID: fmt.Sprint(n), Lane: "bulk", Provider: provider, State: store.DeliveryPending, Next: at.Add(time.Duration(n) * time.Second)})
	}
	delivers(t, s, store.Delivery{ID: "done", Lane: "bulk", Provider: "apns", State: store.DeliverySent, Next: at})
	for _, tt := range []struct {
		without []string
		limit   int
		want    []string
	}{
		{nil, 10, []string{"0", "1", "2", "3", "4", "5"}}, {nil, 3, []string{"0", "1", "2"}}, {[]string{"fcm"}, 10, []string{"2", "3", "5"}}, {[]string{"fcm"}, 1, []string{"2"}},
		{[]string{"webpush", "fcm"}, 10, []string{"3", "5"}}, {[]string{"", "whatsapp", "unknown"}, 10, []string{"0", "1", "2", "4"}}, {[]string{"fcm", "webpush", "whatsapp", ""}, 10, nil}, {[]string{"fcm"}, 0, nil},
	} {
		got, err := s.DueDeliveries(t.Context(), "bulk", tt.without, at.Add(5*time.Second), tt.limit)
		if err != nil || !slices.Equal(ids(got), tt.want) {
			t.Errorf("%d without %q: %v, %v, want %v", tt.limit, tt.without, ids(got), err, tt.want)
		}
	}
	moved, err := s.Delivery(t.Context(), "0")
	must(t, err)
	moved.Provider = "webpush"
	must(t, s.ReplaceDelivery(t.Context(), moved))
	if got, err := s.DueDeliveries(t.Context(), "bulk", []string{"fcm"}, at, 10); err != nil || !slices.Equal(ids(got), []string{"0"}) {
		t.Errorf("one that changed its provider: %v, %v", ids(got), err)
	}
}

func oneTakesADelivery(t *testing.T, s store.Identity) {
	at := identityDay()
	delivers(t, s, store.Delivery{ID: "p", Lane: "bulk", State: store.DeliveryPending, Next: at})
	var won atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			due, err := s.DueDeliveries(t.Context(), "bulk", nil, at, 1)
			if err != nil || len(due) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			due[0].State, due[0].Next, due[0].Attempts = store.DeliverySending, at.Add(time.Minute), due[0].Attempts+1
			switch err := s.ReplaceDelivery(t.Context(), due[0]); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrStale):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, err := s.Delivery(t.Context(), "p"); err != nil || won.Load() != 1 || got.Attempts != 1 {
		t.Errorf("%d took it, %d attempts, %v", won.Load(), got.Attempts, err)
	}
}

func deliveriesFound(t *testing.T, s store.Identity) {
	at := identityDay()
	for n, state := range []store.DeliveryState{store.DeliveryDead, store.DeliverySent, store.DeliveryDead, store.DeliveryPending, store.DeliveryDead} {
		batch := "b"
		if n == 4 {
			batch = ""
		}
		delivers(t, s, store.Delivery{ID: fmt.Sprint(n), Lane: "bulk", Batch: batch, State: state, Next: at})
	}
	for after, want := range map[string][]string{"": {"0", "2"}, "2": {"4"}, "4": nil} {
		if got, err := s.DeliveriesAfter(t.Context(), store.DeliveryDead, after, 2); err != nil || !slices.Equal(ids(got), want) {
			t.Errorf("behind %q: %v, %v, want %v", after, ids(got), err, want)
		}
	}
	want := map[store.DeliveryState]int{store.DeliveryDead: 2, store.DeliverySent: 1, store.DeliveryPending: 1}
	if got, err := s.Outcomes(t.Context(), "b"); err != nil || !maps.Equal(got, want) {
		t.Errorf("outcomes %v, %v, want %v", got, err, want)
	}
	for _, tt := range []struct {
		of   []store.DeliveryState
		want map[store.DeliveryState]int
	}{
		{[]store.DeliveryState{store.DeliveryDead, store.DeliveryPending, store.DeliveryRetry}, map[store.DeliveryState]int{store.DeliveryDead: 3, store.DeliveryPending: 1}},
		{[]store.DeliveryState{store.DeliverySent}, map[store.DeliveryState]int{store.DeliverySent: 1}}, {nil, nil},
	} {
		if got, err := s.CountDeliveries(t.Context(), tt.of...); err != nil || !maps.Equal(got, tt.want) {
			t.Errorf("of %v there are %v, %v", tt.of, got, err)
		}
	}
	if got, err := s.Outcomes(t.Context(), ""); err != nil || len(got) != 0 {
		t.Errorf("outcomes of none %v, %v", got, err)
	}
}

func deliveriesSwept(t *testing.T, s store.Identity) {
	at := identityDay()
	delivers(t, s, store.Delivery{ID: "open", Lane: "bulk", State: store.DeliveryPending, Next: at.Add(-1000 * time.Hour)},
		store.Delivery{ID: "over", Lane: "bulk", State: store.DeliverySent, Keep: at.Add(-time.Millisecond)}, store.Delivery{ID: "kept", Lane: "bulk", State: store.DeliverySent, Keep: at})
	for key, keep := range map[string]time.Time{"forgotten": at.Add(-time.Millisecond), "named": at, "unbounded": {}} {
		must(t, s.InsertAddress(t.Context(), store.Address{Key: key, Provider: "fcm", User: "u", Keep: keep}))
	}
	if n, err := s.Sweep(t.Context(), at); err != nil || n != 2 {
		t.Errorf("swept %d, %v", n, err)
	}
	if all, err := s.AddressesOf(t.Context(), "u"); err != nil || len(all) != 2 || all[0].Key != "named" || all[1].Key != "unbounded" {
		t.Errorf("addresses behind the sweep: %+v, %v", all, err)
	}
	for id, there := range map[string]bool{"open": true, "over": false, "kept": true} {
		if _, err := s.Delivery(t.Context(), id); errors.Is(err, store.ErrAbsent) == there {
			t.Errorf("%s: %v", id, err)
		}
	}
}
