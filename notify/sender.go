package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// Push is one message as a provider takes it. It says nothing of a person, an amount or a
// decision.
type Push struct {
	ID          string // of the delivery, the same at every attempt
	Type        string // of the notice
	Title, Body string // "" for a hint that shows nothing
	Tag         string // a card replaces one of the same tag
	Collapse    string // the newest of a key is enough; one of four, or ""
	Link        string // where a tap leads
	High        bool   // wakes a phone that sleeps
	TTL         time.Duration
	Items       []string // ids in the inbox
}

// mostItems is how many bytes the names of items take of a push, of which providers take
// 4,096.
const mostItems = 3000

// ItemsNamed are the ids of the items with commas between them. Those that find no room are
// left out: the app learns of their items when it syncs.
func (p Push) ItemsNamed() string {
	var b strings.Builder
	for _, item := range p.Items {
		if b.Len()+1+len(item) > mostItems {
			break
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(item)
	}
	return b.String()
}

// Sender hands pushes to a provider. It is safe for concurrent use.
type Sender interface {
	// Send makes one attempt, and does not try again by itself. Whatever it returns is a
	// *Failure, or the error of ctx.
	Send(ctx context.Context, to store.Address, p Push) error
	// Check makes sure that the provider would take pushes, without sending one.
	Check(ctx context.Context, to store.Address) error
}

// Class is what follows from a failure.
type Class int

// The classes of failures.
const (
	Later    Class = iota // try again
	Gone                  // nobody is behind the address any more
	Refused               // the provider will never take this push: a defect of ours
	SlowDown              // too much: the provider wants nothing for a while
	Broken                // nothing can be sent until somebody mends the set-up
)

// Failure is why an attempt failed.
type Failure struct {
	Class      Class
	Code       string        // stable, for figures: unregistered, quota_exceeded …
	RetryAfter time.Duration // that the provider asked for; 0 if it did not
	Ambiguous  bool          // the phone may have it nevertheless
	Local      bool          // of whoever is behind this one address: it says nothing of others of the provider
	Cause      error
}

// Error says which code, and the cause. Neither holds an address.
func (f *Failure) Error() string { return fmt.Sprintf("push: %s: %v", f.Code, f.Cause) }

// Unwrap is the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// longestWait bounds what a provider may ask for.
const longestWait = time.Hour

// RetryAfter is the wait that an answer asks for, in seconds or as an instant; 0 for none,
// and an hour at the most.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	header, wait := h.Get("Retry-After"), time.Duration(0)
	if n, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(min(max(n, 0), int(longestWait/time.Second))) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestWait)
}

// FailureOf is the failure of an attempt; nil for one that was taken. What is no *Failure is
// the end of its time, or a defect: nobody knows what came of it.
func FailureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	if f, is := errors.AsType[*Failure](err); is {
		return f
	}
	return &Failure{Class: Later, Code: "timeout", Ambiguous: true, Cause: err}
}
