// Package fault is the one error type of the house. An error says what a
// caller can do about it (Kind), which sentence a person reads (Code), where
// in the input it lies (Field) and what caused it (Cause). It knows nothing of
// HTTP: package api turns kinds into status codes.
package fault

import (
	"errors"
	"time"
)

// Kind is what a caller can do about an error.
type Kind uint8

// The kinds. Internal is the zero value, so that an unnamed error is never
// mistaken for one that a client could act on.
const (
	Internal     Kind = iota // a defect or a broken machine: look at the log
	Invalid                  // the input is wrong: change it
	Unreadable               // the envelope cannot be read at all: halve it or fix it
	TooLarge                 // the envelope is over a limit: halve it
	Unsupported              // the encoding or media type is not spoken here
	Unauthorized             // no valid proof of identity: log in, keep the outbox
	Forbidden                // known, and not allowed
	NotFound                 // absent, or not yours: the two are never told apart
	Conflict                 // the state forbids it
	Stale                    // somebody changed it since: read again
	MissingGuard             // a precondition header is required
	TooMany                  // over a limit in time: wait for After
	Outdated                 // the app is too old to read: upgrade
	Transient                // the same call may work later
)

// Error is an error a program can act on and a person can read.
type Error struct {
	Kind  Kind
	Code  string         // stable, snake_case, key of the message catalogue
	Text  string         // English, for logs; never shown to a user
	Field string         // path in the input, such as "set.sold_on"; may be empty
	After time.Duration  // for TooMany and Transient: when to come back; may be 0
	Info  map[string]any // facts for a machine, such as limits; never personal data
	More  []Mistake      // of an input with several; Field and Code are then those of the first
	Cause error          // may be nil
}

// Mistake is one thing that is wrong with an input.
type Mistake struct {
	Field string // path in the input
	Code  string // as of Error
	Known string // what would do in its place, for people to read; may be empty
}

// Info are the facts of the mistake for a machine, nil if there are none.
func (m Mistake) Info() map[string]any {
	if m.Known == "" {
		return nil
	}
	return map[string]any{"known": m.Known}
}

// Mistakes makes one error of all that is wrong with an input, nil if nothing is.
func Mistakes(all []Mistake, text string) error {
	if len(all) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Code: all[0].Code, Field: all[0].Field, Text: text, Info: all[0].Info(), More: all}
}

// Error is the text for logs: code, text and cause.
func (e *Error) Error() string {
	s := e.Code
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf finds the outermost Kind in err's chain, or Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf finds the outermost code in err's chain, or "internal".
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return "internal"
}
