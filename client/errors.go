package client

import (
	"errors"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
)

// failure is an error as other languages see it: a code that a program acts on,
// and the sentence that a person reads.
type failure struct {
	code, text string
	cause      error
}

// Error begins with the code.
func (f *failure) Error() string { return f.code + ": " + f.text }

// Unwrap gives the error of the replica.
func (f *failure) Unwrap() error { return f.cause }

// fail makes an error from a code.
func fail(lang message.Lang, code string) error {
	return &failure{code: code, text: message.Text(code, lang, nil).String()}
}

// fault puts an error of the replica into the language of the app.
func (p *Phone) fault(err error) error {
	if err == nil {
		return nil
	}
	code := fault.CodeOf(err)
	f := &failure{code: code, cause: err}
	params := map[string]any{}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		params["field"] = e.Field
		if e.After > 0 {
			params["after"] = message.Wait(e.After, p.in().lang)
		}
	}
	f.text = message.Text(code, p.in().lang, params).String()
	return f
}

// CodeOf is the code at the beginning of an error's text; "internal" if there is
// none. Act on codes, never on sentences.
func CodeOf(text string) string {
	code, _, found := strings.Cut(text, ": ")
	if !found || !message.Known(code) {
		return "internal"
	}
	return code
}

// IsTransient reports whether time heals an error: a bad network, a busy server.
// What was typed is kept after every error; after these nobody needs to do
// anything but try again later.
func IsTransient(text string) bool {
	switch CodeOf(text) {
	case "network", "busy", "unavailable", "storage_full", "storage_read_only", "storage_failed", "draining", "rate_limited", "sync_unfinished", "answer_unreadable":
		return true
	}
	return false
}

// Sentence is what a person reads about a code, in language "id" or "en".
func Sentence(code, language string) string {
	return message.Text(code, message.Lang(language), nil).String()
}
