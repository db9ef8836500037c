// Package logging makes the log of the house: slog, with a handler that lets no
// secret, no whole phone number and no forged line through.
package logging

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"unicode"
)

// Longest values, in bytes, that reach the log.
const (
	maxKey   = 64
	maxValue = 1024
)

const redacted = "[redacted]"

// New gives a logger that writes records from level on to w, as "json" lines
// or, for any other format, as text. It is safe for concurrent use if w is
// written by nobody else.
func New(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: clean}
	h := &handler{Handler: slog.NewTextHandler(w, o)}
	if format == "json" {
		h.Handler = slog.NewJSONHandler(w, o)
	}
	h.buffer, _ = w.(*Buffer)
	return slog.New(h)
}

type requestKey struct{}

// WithRequest gives a context whose log records carry the request id.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// Request is the request id of ctx, or "".
func Request(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// requestID is 32 hexadecimal digits, of which no digits are a number to call.
type requestID string

func (id requestID) wellFormed() bool {
	return len(id) == 32 && strings.Trim(string(id), "0123456789abcdef") == ""
}

// handler adds the request id, and lets what is not Frequent wait for nothing.
type handler struct {
	slog.Handler
	buffer *Buffer // nil: everything is written at once
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if id := Request(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.Any("request", requestID(id)))
	}
	err := h.Handler.Handle(ctx, r)
	if h.buffer != nil && (r.Message != Frequent || r.Level > slog.LevelInfo) {
		err = errors.Join(err, h.buffer.Flush())
	}
	return err
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.buffer}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.buffer}
}

// clean is called for every attribute of every record, message included.
func clean(groups []string, a slog.Attr) slog.Attr {
	secret := sensitive(a.Key)
	for _, g := range groups {
		secret = secret || sensitive(g)
	}
	if len(a.Key) > maxKey || strings.ContainsFunc(a.Key, unicode.IsControl) {
		a.Key = cut(plain(a.Key), maxKey)
	}
	switch a.Value.Kind() {
	case slog.KindBool, slog.KindDuration, slog.KindTime:
		return a
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		if secret || words(a.Key, "code", "phone") {
			a.Value = slog.StringValue(redacted)
		}
		return a
	case slog.KindAny:
		if level, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(level.String())
			return a
		}
		if id, ok := a.Value.Any().(requestID); ok && id.wellFormed() {
			a.Value = slog.StringValue(string(id))
			return a
		}
	}
	s := a.Value.String()
	switch {
	case secret, words(a.Key, "code") && !stable(s):
		s = redacted
	case words(a.Key, "phone"):
		s = lastThree(s)
	default:
		s = Redact(s)
	}
	a.Value = slog.StringValue(s)
	return a
}

// stable reports whether s is a code of the message catalogue rather than one
// that opens an account.
func stable(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && r != '_' && r != '.' {
			return false
		}
	}
	return len(s) <= maxKey
}

// sensitive reports whether an attribute of this name holds a secret.
func sensitive(key string) bool {
	return words(key, "authorization", "token", "tokens", "refresh", "otp", "pepper", "secret", "secrets", "password", "passwd",
		"key", "apikey", "cookie", "jwt", "bearer", "credential", "credentials", "nik")
}

// words reports whether one of the words of key, in snake_case, kebab-case or
// camelCase, is among names.
func words(key string, names ...string) bool {
	var word strings.Builder
	hit := func() bool {
		w := strings.ToLower(word.String())
		word.Reset()
		for _, n := range names {
			if w == n {
				return true
			}
		}
		return false
	}
	lower := false
	for _, r := range key {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		if !letter || unicode.IsUpper(r) && lower {
			if hit() {
				return true
			}
		}
		if letter {
			word.WriteRune(r)
		}
		lower = unicode.IsLower(r)
	}
	return hit()
}
