package replica_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

func TestRetryWaitsLongerWithJitter(t *testing.T) {
	for seed := range uint64(50) {
		r := replica.Retry{Rand: rand.New(rand.NewPCG(seed, 1))}
		full := 2 * time.Second
		for n := range 40 {
			if got := r.Next(); got < full/2 || got > full {
				t.Fatalf("wait %d is %v, want %v to %v", n+1, got, full/2, full)
			}
			full = min(2*full, 10*time.Minute)
		}
		r.Reset()
		if got := r.Next(); got > 2*time.Second {
			t.Fatalf("after a success the wait is %v", got)
		}
	}
	var plain replica.Retry
	if got := plain.Next(); got < time.Second || got > 2*time.Second {
		t.Errorf("without a source of its own: %v", got)
	}
	spread := map[time.Duration]bool{}
	for seed := range uint64(100) {
		r := replica.Retry{Rand: rand.New(rand.NewPCG(seed, 7))}
		spread[r.Next().Truncate(10*time.Millisecond)] = true
	}
	if len(spread) < 30 {
		t.Errorf("a hundred phones come back at %d moments", len(spread))
	}
}

// picky is a server that takes no more than most edits at a time, and never the
// one with the price poison.
func picky(most, poison int, sizes *[]int) server {
	return func(req protocol.Request) (*protocol.Response, error) {
		resp := &protocol.Response{Now: "2022-05-05T02:30:00.000Z"}
		n := 0
		for _, p := range req.Push {
			n += len(p.Mutations)
			for i, raw := range p.Mutations {
				it := merge.ReadItem(p.Scope, p.Device, i, raw)
				if string(it.Mutation.Set["price_idr"]) == string(merge.Encode(poison)) {
					return nil, &fault.Error{Kind: fault.Unreadable, Code: "body_unreadable"}
				}
				resp.Verdicts = append(resp.Verdicts, protocol.Verdict{Scope: p.Scope, Device: p.Device, Incarnation: p.Incarnation, N: it.Mutation.N, Verdict: merge.Applied, Seq: 1})
			}
		}
		*sizes = append(*sizes, n)
		if n > most {
			return nil, &fault.Error{Kind: fault.TooLarge, Code: "too_many_mutations"}
		}
		return resp, nil
	}
}

func TestABatchThatIsTooLargeIsHalved(t *testing.T) {
	h := phone(t, &replica.Memory{})
	for n := range 40 {
		h.edit("", n)
	}
	var sizes []int
	h.Server = picky(6, -1, &sizes)
	h.ok(h.Sync(t.Context()))
	if h.unsent() != 0 {
		t.Errorf("%d edits wait", h.unsent())
	}
	if slices.Max(sizes[4:]) > 12 {
		t.Errorf("batches of %v", sizes)
	}
}

// TestAnUnreadableEditBlocksNobody keeps it on the phone, with its content.
func TestAnUnreadableEditBlocksNobody(t *testing.T) {
	h := phone(t, &replica.Memory{})
	for n := range 9 {
		h.edit("", n)
	}
	var sizes []int
	h.Server = picky(1000, 4, &sizes)
	h.ok(h.Sync(t.Context()))
	refused, err := h.Refused()
	h.ok(err)
	if h.unsent() != 0 || len(refused) != 1 || refused[0].Code != "unreadable" || len(refused[0].Mutation) == 0 {
		t.Errorf("%d wait, refused %+v", h.unsent(), refused)
	}
	accepted := 0
	for _, k := range h.kept() {
		if k.Verdict == merge.Applied {
			accepted++
		}
	}
	if accepted != 8 {
		t.Errorf("%d of 8 others were accepted", accepted)
	}
}

func TestAnErrorKeepsTheOutbox(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Internal, fault.Unauthorized, fault.Forbidden, fault.NotFound, fault.Conflict, fault.TooMany, fault.Outdated, fault.Transient} {
		h := phone(t, &replica.Memory{})
		h.edit("", 1)
		h.Server = server(func(protocol.Request) (*protocol.Response, error) {
			return nil, &fault.Error{Kind: kind, Code: "unavailable"}
		})
		if err := h.Sync(t.Context()); fault.KindOf(err) != kind {
			t.Errorf("kind %d became %v", kind, err)
		}
		if h.unsent() != 1 {
			t.Errorf("kind %d: %d edits wait, want 1", kind, h.unsent())
		}
	}
}

// TestAServerThatOnlySaysAgain is asked once, not for ever.
func TestAServerThatOnlySaysAgain(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.edit("", 1)
	asked := 0
	h.Server = server(func(req protocol.Request) (*protocol.Response, error) {
		asked++
		return &protocol.Response{Now: "2022-05-05T02:30:00.000Z", Verdicts: []protocol.Verdict{{Scope: shop, Device: "device-1", Incarnation: "incarnation-1", N: 1, Verdict: merge.Again}}}, nil
	})
	h.ok(h.Sync(t.Context()))
	if asked != 1 || h.unsent() != 1 {
		t.Errorf("asked %d times, %d edits wait", asked, h.unsent())
	}
}

// TestAHungryServerIsLeft ends a sync that never comes to an end.
func TestAHungryServerIsLeft(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.Server = server(func(protocol.Request) (*protocol.Response, error) {
		return &protocol.Response{Now: "2022-05-05T02:30:00.000Z", More: true}, nil
	})
	if err := h.Sync(t.Context()); fault.CodeOf(err) != "sync_unfinished" || fault.KindOf(err) != fault.Transient {
		t.Errorf("got %v", err)
	}
}

// TestRunAsksWhenTheServerWantsIt: after what an answer says, after a refusal not before
// its time, and after the pause of the app where nobody says anything.
func TestRunAsksWhenTheServerWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := phone(t, &replica.Memory{})
		answers := []struct {
			resp protocol.Response
			err  error
			wait time.Duration // until the next one
		}{
			{resp: protocol.Response{}, wait: time.Hour},
			{resp: protocol.Response{PollIn: 777}, wait: 777 * time.Second},
			{err: &fault.Error{Kind: fault.TooMany, Code: "rate_limited", After: 40 * time.Second}, wait: 40 * time.Second},
			{resp: protocol.Response{PollIn: 1 << 60}, wait: 24 * time.Hour},
			{resp: protocol.Response{PollIn: -1}, wait: time.Hour},
			{resp: protocol.Response{PollIn: 5}},
		}
		at := make(chan time.Time, len(answers))
		n := 0
		h.Server = server(func(protocol.Request) (*protocol.Response, error) {
			a := answers[min(n, len(answers)-1)]
			n++
			at <- time.Now()
			a.resp.Now = "2022-05-05T02:30:00.000Z"
			return &a.resp, a.err
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Client.Run(ctx, nil, time.Hour, nil) }()
		last := <-at
		for i, a := range answers[:len(answers)-1] {
			next := <-at
			if got := next.Sub(last); got != a.wait {
				t.Errorf("after answer %d it waits %v, want %v", i, got, a.wait)
			}
			last = next
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestRunEndsCleanly(t *testing.T) {
	h := phone(t, &replica.Memory{})
	calls := make(chan struct{}, 10)
	broken := errors.New("broken")
	h.Server = server(func(protocol.Request) (*protocol.Response, error) {
		calls <- struct{}{}
		return nil, broken
	})
	wake := make(chan struct{})
	told := make(chan error, 10)
	ended := make(chan error, 1)
	ctx, stop := contextOf(t)
	go func() { ended <- h.Client.Run(ctx, wake, time.Hour, func(err error) { told <- err }) }()
	<-calls
	wake <- struct{}{}
	<-calls
	stop()
	if err := <-ended; err != nil {
		t.Errorf("a clean stop is %v", err)
	}
	if err := <-told; !errors.Is(err, broken) {
		t.Errorf("was told %v", err)
	}
}
