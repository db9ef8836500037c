package auth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
)

// hashes bounds the passwords that are hashed at a time: each takes memory for as long as
// it lasts, and all of a processor.
type hashes struct {
	once    sync.Once
	places  chan struct{}
	waiting atomic.Int64
	working atomic.Int64
	most    atomic.Int64 // at once so far
	done    atomic.Int64 // hashes so far
}

// hashAfter is when somebody should come back who found the line full: a line of the
// default length is through by then.
const hashAfter = 2 * time.Second

// hashing lets do hash passwords when there is a place.
//
// Errors: Transient "overloaded" if too many wait already; those of do.
func (s *Service) hashing(ctx context.Context, do func() error) error {
	h := &s.hashes
	h.once.Do(func() { h.places = make(chan struct{}, max(1, s.Limits.Hashes)) })
	select {
	case h.places <- struct{}{}:
	default:
		if err := h.wait(ctx, int64(s.Limits.HashLine)); err != nil {
			return err
		}
	}
	defer func() { <-h.places }()
	now := h.working.Add(1)
	defer h.working.Add(-1)
	for most := h.most.Load(); now > most && !h.most.CompareAndSwap(most, now); most = h.most.Load() {
	}
	return do()
}

// wait stands in line for a place.
func (h *hashes) wait(ctx context.Context, line int64) error {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > line {
		return &fault.Error{Kind: fault.Transient, Code: "overloaded", Text: "too many passwords are being checked", After: hashAfter}
	}
	select {
	case h.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Hashing is how many passwords are being hashed, and how many wait for that.
func (s *Service) Hashing() (working, waiting int) {
	return int(s.hashes.working.Load()), int(s.hashes.waiting.Load())
}
