package trace_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/trace"
)

// kept keeps what is sent.
type kept struct {
	mu    sync.Mutex
	spans []trace.Finished
	fail  error
}

func (k *kept) Send(_ context.Context, spans []trace.Finished) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail == nil {
		k.spans = append(k.spans, spans...)
	}
	return k.fail
}

type other struct{}

func TestWhatNobodyRecordsIsFree(t *testing.T) {
	ctx := context.WithValue(t.Context(), other{}, "a request without a trace")
	var off *trace.Recorder
	allocs := testing.AllocsPerRun(1000, func() {
		ctx, root := off.Root(ctx, "GET /v1/me", trace.Served, "", "")
		_, s := trace.Begin(ctx, "sync decide", trace.Internal)
		s.Say(trace.Call, "Head")
		s.Count(trace.Edits, 5)
		s.Fail("unavailable")
		s.Rename("x")
		s.End()
		root.End()
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkOff(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		_, s := trace.Begin(b.Context(), "sync decide", trace.Internal)
		s.Count(trace.Edits, 5)
		s.End()
	}
}

// TestACallerNamesATraceAndOrdersNone: the number of the caller's trace is kept, its wish
// is one among many.
func TestACallerNamesATraceAndOrdersNone(t *testing.T) {
	const id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	mine := strings.Repeat("ab", 16)
	for header, want := range map[string]string{
		"":                                                       mine,
		"00-" + id + "-" + parent + "-01":                        id + parent,
		"00-" + id + "-" + parent + "-00":                        "",
		"00-" + id + "-" + parent + "-03":                        id + parent,
		"01-" + id + "-" + parent + "-01-xx":                     id + parent,
		"ff-" + id + "-" + parent + "-01":                        mine,
		"00-" + strings.ToUpper(id) + "-" + parent + "-01":       mine,
		"00-" + strings.Repeat("0", 32) + "-" + parent + "-01":   mine,
		"00-" + id + "-" + strings.Repeat("0", 16) + "-01":       mine,
		"00-" + id[:31] + "g-" + parent + "-01":                  mine,
		"00-" + id + "-" + parent:                                mine,
		strings.Repeat("-", 5000):                                mine,
		"00-" + strings.Repeat("a", 5000) + "-" + parent + "-01": mine,
	} {
		to := &kept{}
		r := trace.NewRecorder(clock.At(time.Unix(1_700_000_000, 0)), to, 5, nil)
		_, s := r.Root(t.Context(), "x", trace.Served, header, mine)
		s.End()
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := r.Run(ctx); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range to.spans {
			got = fmt.Sprintf("%x", f.Trace)
			if f.Parent != (trace.SpanID{}) {
				got += fmt.Sprintf("%x", f.Parent)
			}
		}
		if got != want {
			t.Errorf("%.80q gives %q, want %q", header, got, want)
		}
	}
}

func TestAFloodOfWishesGetsWhatOthersGet(t *testing.T) {
	at := clock.At(time.Unix(1_700_000_000, 0))
	r := trace.NewRecorder(at, &kept{}, 5, nil)
	through := 0
	for n := range 10_000 { // in ten seconds
		_, s := r.Root(t.Context(), "x", trace.Served, fmt.Sprintf("00-%032x-b7ad6b7169203331-01", n+1), "")
		if s != nil {
			through++
		}
		at.Advance(time.Millisecond)
	}
	if through < 45 || through > 55 {
		t.Errorf("%d traces in ten seconds, 5 a second are wanted", through)
	}
}

// TestWhatCannotBeSentIsThrownAway, told of once, and counted.
func TestWhatCannotBeSentIsThrownAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &kept{fail: errors.New("away")}
		var told []error
		r := trace.NewRecorder(clock.Precise{}, to, 1_000_000, func(err error) { told = append(told, err) })
		record := func(n int) {
			ctx, root := r.Root(t.Context(), "x", trace.Served, "", "")
			for range n - 1 {
				_, s := trace.Begin(ctx, "y", trace.Internal)
				s.End()
			}
			root.End()
		}
		record(5000)
		if r.Dropped() != 5000-4096 {
			t.Errorf("%d thrown away before anything was sent", r.Dropped())
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		<-time.After(time.Minute)
		synctest.Wait()
		if r.Dropped() != 5000 || len(told) != 1 || told[0] == nil {
			t.Errorf("%d thrown away, told %v", r.Dropped(), told)
		}
		to.mu.Lock()
		to.fail = nil
		to.mu.Unlock()
		record(2000)
		<-time.After(time.Minute)
		synctest.Wait()
		record(3)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(to.spans) != 2003 || len(told) != 2 || told[1] != nil {
			t.Errorf("%d sent, told %v", len(to.spans), told)
		}
	})
}
