package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
)

// What the program ends with. 0 and 2 are those of every command.
const (
	StatusFailed  = 1   // refused, or a part of a job has failed
	StatusPartly  = 3   // done, but for rows that were refused
	StatusUnknown = 4   // no answer: the same command once more finds out
	StatusLogin   = 5   // a login or a code is wanting, or wrong
	StatusStopped = 130 // somebody stopped watching; what was begun goes on
)

// Failure is why a command did not do all that it should.
type Failure struct {
	Status int
	Text   string // for a person, with the stable code
	Cause  error
}

func (f *Failure) Error() string { return f.Text }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// ExitStatus is what the program ends with.
func (f *Failure) ExitStatus() int { return f.Status }

// refusal is a problem document of the server.
type refusal struct{ wire.Problem }

func (r *refusal) Error() string { return r.Code + ": " + r.Title }

// codeOf is the stable code of an error, of the server's or of ours.
func codeOf(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.Code
	}
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}

// definite reports whether a server has refused a request for what it is: it was not done,
// and will not be done by being repeated.
func definite(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	if !ok || r.Status < http.StatusBadRequest || r.Status >= http.StatusInternalServerError {
		return false
	}
	if slices.Contains([]int{http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests}, r.Status) {
		return false
	}
	return !slices.Contains([]string{"step_up_required", "second_factor_required", "in_progress"}, r.Code)
}

// proofs are the codes of somebody who has to show once more who they are.
func proofs() []string {
	return []string{"not_logged_in", "session_changed", "step_up_required", "second_factor_required", "password_wrong", "code_wrong", "factor_used"}
}

// told puts an error into the words of whoever asks.
func (d *desk) told(ctx context.Context, err error) error {
	if err == nil || errors.As(err, new(Usage)) {
		return err
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	if ctx.Err() != nil && codeOf(err) != "watch_stopped" {
		err = &fault.Error{Kind: fault.Conflict, Code: "command_stopped", Text: "somebody stopped it"}
	}
	out := &Failure{Status: StatusFailed, Cause: err}
	if r, ok := errors.AsType[*refusal](err); ok {
		out.Text = d.refused(r)
		switch {
		case r.Status == http.StatusUnauthorized:
			out.Status = StatusLogin
		case r.Status >= http.StatusInternalServerError, r.Status == http.StatusTooManyRequests:
			out.Status = StatusUnknown
		}
	} else if f, ok := errors.AsType[*fault.Error](err); ok {
		out.Text = printable(message.Text(f.Code, d.lang, params{"field": f.Field, "limit": f.Info["limit"]}).String()) + " (" + f.Code + ")"
		if f.Cause != nil {
			out.Text += "\n  " + printable(f.Cause.Error())
		}
		switch {
		case f.Kind == fault.Transient:
			out.Status = StatusUnknown
		case f.Code == "rows_refused":
			out.Status = StatusPartly
		case f.Code == "watch_stopped", f.Code == "command_stopped":
			out.Status = StatusStopped
		}
	} else {
		out.Text = printable(err.Error())
	}
	if slices.Contains(proofs(), codeOf(err)) {
		out.Status = StatusLogin
	}
	return out
}

// refused is a problem document in lines.
func (d *desk) refused(r *refusal) string {
	var b strings.Builder
	said := message.Sentence{Title: r.Title, Detail: r.Detail}
	fmt.Fprintf(&b, "%s (%s)", printable(said.String()), printable(r.Code))
	for _, f := range r.Fields {
		fmt.Fprintf(&b, "\n  %s: %s (%s)", printable(f.Field), printable(f.Message), printable(f.Code))
	}
	if r.RequestId != "" {
		b.WriteString("\n  " + d.phrase("request", params{"id": r.RequestId}))
	}
	return b.String()
}

// printable is a text without anything that a terminal would take for a command.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, text)
}
