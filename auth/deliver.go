package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// Message is one code on its way to a phone.
type Message struct {
	Key     string // the same at every try: a sender that saw it does nothing
	Phone   domain.Phone
	Purpose Purpose
	Code    string
	Expires time.Time
}

// Sender hands one message to a messaging service.
type Sender interface {
	// Send delivers m once, however often it is called with one Key. A
	// fault.Transient error means "try again later"; any other is final.
	Send(ctx context.Context, m Message) error
}

// LogSender writes codes to the log instead of sending them. It is for
// development alone: the code is printed on purpose and no redaction may hide
// it, so the configuration refuses this sender in production.
type LogSender struct {
	Log   *slog.Logger
	Level slog.Level // the zero value is Info
}

// Send prints the code.
func (l LogSender) Send(ctx context.Context, m Message) error {
	l.Log.LogAttrs(ctx, l.Level, "login code (development only)",
		slog.String("to", string(m.Phone)), slog.String("purpose", string(m.Purpose)), slog.String("one_time", m.Code))
	return nil
}

const (
	sendLease    = 30 * time.Second // a sender that takes longer is taken for dead
	sendBatch    = 32
	sendParallel = 8
)

// Deliver hands the codes that wait to the Sender and tells how many it took
// on. Run does so at once after each request; a program without Run calls it.
func (s *Service) Deliver(ctx context.Context) (int, error) {
	due, err := s.Store.Unsent(ctx, s.Clock.Now(), sendBatch)
	if err != nil {
		return 0, fmt.Errorf("unsent codes: %w", err)
	}
	s.unsent.Store(int64(len(due)))
	errs := make([]error, len(due))
	slots := make(chan struct{}, sendParallel)
	var all sync.WaitGroup
	for i, c := range due {
		slots <- struct{}{}
		all.Go(func() {
			errs[i] = s.deliver(ctx, c.ID)
			<-slots
		})
	}
	all.Wait()
	return len(due), errors.Join(errs...)
}

// Unsent is how many codes waited to be sent when this process looked last, 32 at the most.
func (s *Service) Unsent() int { return int(s.unsent.Load()) }

func (s *Service) deliverAll(ctx context.Context) error {
	for {
		n, err := s.Deliver(ctx)
		if err != nil || n < sendBatch {
			return err
		}
	}
}

// deliver leases one challenge, sends its code and forgets it. After a crash in
// between the code is sent again under the same key.
func (s *Service) deliver(ctx context.Context, challenge string) error {
	now := s.Clock.Now()
	c, err := s.editChallenge(ctx, challenge, func(c *store.Challenge) bool {
		if len(c.Sealed) == 0 || c.Leased.After(now) {
			return false
		}
		c.Leased = now.Add(sendLease)
		return true
	})
	if err != nil || !c.Leased.Equal(now.Add(sendLease)) || len(c.Sealed) == 0 {
		return err
	}
	if err := s.countSent(ctx, domain.Phone(c.Phone)); err != nil {
		return err
	}
	code, err := s.unseal("code/"+c.ID, c.Sealed)
	if err == nil {
		err = s.Sender.Send(ctx, Message{Key: c.ID, Phone: domain.Phone(c.Phone), Purpose: Purpose(c.Purpose), Code: string(code), Expires: c.Expires})
	}
	if fault.KindOf(err) == fault.Transient || ctx.Err() != nil {
		return err // the lease runs out, then it is tried again
	}
	_, cleared := s.editChallenge(ctx, challenge, func(c *store.Challenge) bool {
		c.Sealed = nil
		return true
	})
	return errors.Join(err, cleared)
}

// editChallenge changes a challenge by edit, which may be called again when
// somebody else was faster; false leaves it as it is and gives no challenge.
func (s *Service) editChallenge(ctx context.Context, challenge string, edit func(*store.Challenge) bool) (store.Challenge, error) {
	for range rounds {
		c, err := s.Store.Challenge(ctx, challenge)
		if err != nil {
			return c, err
		}
		if !edit(&c) {
			return store.Challenge{}, nil
		}
		if err = s.Store.ReplaceChallenge(ctx, c); !errors.Is(err, store.ErrStale) {
			return c, err
		}
	}
	return store.Challenge{}, contended("challenge")
}
