package trace

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
)

// Bounds of a recorder.
const (
	mostKept  = 4096            // finished spans that wait to be sent; more are thrown away
	mostSent  = 512             // spans of one batch
	sendEvery = 5 * time.Second // or when a batch is full
	sendTime  = 5 * time.Second // for one batch
)

// Sender brings finished spans to where an operator looks at them.
type Sender interface {
	Send(ctx context.Context, spans []Finished) error
}

// Recorder records so many traces a second, those that came first. Whoever asks may wish
// for more: that their request is traced is a wish, that its trace has their number is
// kept.
type Recorder struct {
	Clock     clock.Clock
	Sender    Sender
	PerSecond int         // traces; above zero
	Report    func(error) // is told when sending begins to fail, and with nil when it works again; may be nil

	mu      sync.Mutex
	left    float64
	filled  time.Time
	kept    []Finished
	dropped int
	full    chan struct{}
}

// NewRecorder makes a recorder. Run sends what it records.
func NewRecorder(c clock.Clock, s Sender, perSecond int, report func(error)) *Recorder {
	return &Recorder{Clock: c, Sender: s, PerSecond: perSecond, Report: report, left: float64(perSecond), full: make(chan struct{}, 1)}
}

// Root begins a trace, if there is room for one: the one named by a W3C traceparent
// header, or of that number (32 hexadecimal digits), or a new one. A caller that says it
// does not record its part is not recorded here.
func (r *Recorder) Root(ctx context.Context, name string, kind Kind, traceparent, number string) (context.Context, *Span) {
	if r == nil {
		return ctx, nil
	}
	id, parent, wanted := parse(traceparent)
	if !wanted || !r.room() {
		return ctx, nil
	}
	if id == (ID{}) {
		if b, err := hex.DecodeString(number); err == nil && len(b) == len(id) {
			id = ID(b)
		}
	}
	for id == (ID{}) {
		binary.LittleEndian.PutUint64(id[:], rand.Uint64())
		binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	}
	s := r.begin(id, parent, name, kind)
	return context.WithValue(ctx, spanKey{}, s), s
}

// parse reads a traceparent: version, trace, parent, flags. What is none is as if there
// was none.
func parse(header string) (id ID, parent SpanID, wanted bool) {
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 || strings.ToLower(header) != header {
		return id, parent, true
	}
	t, err1 := hex.DecodeString(parts[1])
	p, err2 := hex.DecodeString(parts[2])
	f, err3 := hex.DecodeString(parts[3])
	if err1 != nil || err2 != nil || err3 != nil || ID(t) == (ID{}) || SpanID(p) == (SpanID{}) {
		return id, parent, true
	}
	return ID(t), SpanID(p), f[0]&1 == 1
}

// room takes one trace of the second's budget.
func (r *Recorder) room() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Clock.Now()
	if r.filled.IsZero() {
		r.filled = now
	}
	r.left = min(float64(r.PerSecond), r.left+max(0, now.Sub(r.filled).Seconds())*float64(r.PerSecond))
	r.filled = now
	if r.left < 1 {
		return false
	}
	r.left--
	return true
}

func (r *Recorder) begin(id ID, parent SpanID, name string, kind Kind) *Span {
	s := &Span{r: r, f: Finished{Trace: id, Parent: parent, Name: name, Kind: kind, Began: r.Clock.Now()}}
	for s.f.Span == (SpanID{}) {
		binary.LittleEndian.PutUint64(s.f.Span[:], rand.Uint64())
	}
	return s
}

// take keeps a finished span until it is sent.
func (r *Recorder) take(f Finished) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= mostKept {
		r.dropped++
		return
	}
	if r.kept = append(r.kept, f); len(r.kept) == mostSent {
		select {
		case r.full <- struct{}{}:
		default:
		}
	}
}

// Dropped is how many spans were thrown away, since they could not be sent in time.
func (r *Recorder) Dropped() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// Run sends batches until ctx ends, then what is left, once. It returns nil.
func (r *Recorder) Run(ctx context.Context) error {
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			r.send(context.WithoutCancel(ctx), &failing)
			return nil
		case <-tick.C:
		case <-r.full:
		}
		for r.send(ctx, &failing) {
		}
	}
}

// send sends one batch. What does not arrive is thrown away: there is more where it came
// from. It reports whether another batch is full.
func (r *Recorder) send(ctx context.Context, failing *bool) (again bool) {
	r.mu.Lock()
	batch := r.kept[:min(len(r.kept), mostSent)]
	r.kept = append([]Finished(nil), r.kept[len(batch):]...)
	again = len(r.kept) >= mostSent
	r.mu.Unlock()
	if len(batch) == 0 {
		return false
	}
	ctx, stop := context.WithTimeout(ctx, sendTime)
	defer stop()
	err := r.Sender.Send(ctx, batch)
	if err != nil {
		r.mu.Lock()
		r.dropped += len(batch)
		r.mu.Unlock()
	}
	if r.Report != nil && (err != nil) != *failing && ctx.Err() != context.Canceled {
		r.Report(err)
	}
	*failing = err != nil
	return again && err == nil
}
