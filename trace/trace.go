// Package trace notes what a request spent its time on, if an operator wants to see it.
// A span is begun beneath the one in its context; where there is none, nothing is noted
// and nothing is paid. Only package app begins to record (Recorder), so that the other
// rooms know spans and nothing of where they go.
//
// A span holds names that the program made up: routes as templates, methods of a store,
// codes, counts. It has no place for what people typed, for numbers, tokens or texts of
// errors.
package trace

import (
	"context"
	"sync"
	"time"
)

// ID names a trace, and SpanID a span of it, as W3C Trace Context does.
type (
	ID     [16]byte
	SpanID [8]byte
)

// Kind is what a span stands for, as OpenTelemetry numbers it.
type Kind uint8

// The kinds.
const (
	Internal Kind = 1
	Served   Kind = 2 // a request that somebody sent
	Asked    Kind = 3 // a call of a database
)

// Key is what an attribute is about. There are no others.
type Key string

// The keys, after the conventions of OpenTelemetry where those have one.
const (
	Method Key = "http.request.method"
	Route  Key = "http.route" // the template
	Status Key = "http.response.status_code"
	Code   Key = "error.type" // the code of a fault
	Edits  Key = "lumbung.edits"
	Pushes Key = "lumbung.pushes" // that share a commit
	Call   Key = "db.operation.name"
)

// Attribute is one fact: a word of the program's own, or a number.
type Attribute struct {
	Key    Key
	Text   string
	Number int64 // counts if Text is empty
}

// Finished is a span that has ended.
type Finished struct {
	Trace      ID
	Span       SpanID
	Parent     SpanID // zero: none
	Name       string
	Kind       Kind
	Began, End time.Time
	Failed     bool
	Attributes []Attribute
}

// Span is one under way. Nil is one that nobody records: its methods do nothing.
type Span struct {
	r  *Recorder
	mu sync.Mutex
	f  Finished
}

type spanKey struct{}

// Begin begins a span beneath the one of ctx, if that is recorded.
func Begin(ctx context.Context, name string, kind Kind) (context.Context, *Span) {
	above, ok := ctx.Value(spanKey{}).(*Span)
	if !ok {
		return ctx, nil
	}
	s := above.r.begin(above.f.Trace, above.f.Span, name, kind)
	return context.WithValue(ctx, spanKey{}, s), s
}

// Say notes a word.
func (s *Span) Say(k Key, word string) {
	if s != nil {
		s.note(Attribute{Key: k, Text: word})
	}
}

// Count notes a number.
func (s *Span) Count(k Key, n int) {
	if s != nil {
		s.note(Attribute{Key: k, Number: int64(n)})
	}
}

// Rename gives the span the name that is known only now.
func (s *Span) Rename(name string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.f.Name = name
}

func (s *Span) note(a Attribute) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.f.Attributes = append(s.f.Attributes, a)
}

// Fail notes what went wrong, by its code.
func (s *Span) Fail(code string) {
	if s == nil {
		return
	}
	s.Say(Code, code)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.f.Failed = true
}

// End ends the span. It never blocks.
func (s *Span) End() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.f.End = s.r.Clock.Now()
	f := s.f
	s.mu.Unlock()
	s.r.take(f)
}
