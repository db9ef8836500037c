package logging

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Compiled once and never written.
var (
	ansi   = regexp.MustCompile("\x1b(\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|.)?")
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic|dpop)(\s|%20|\+)+[^\s"',;]+`)
	jwt    = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}(\.[A-Za-z0-9_-]*)*`)
	renew  = regexp.MustCompile(`\bv1\.[0-9A-Za-z-]{8,64}\.[0-9]+\.[A-Za-z0-9_=+/-]+`)
	pair   = regexp.MustCompile(`(?i)((?:authorization|token|refresh|otp|pepper|secret|password|passwd|api_?key|cookie)["']?\s*(?:=|:|%3d)\s*["']?)[^\s"'&,;}]+`)
	code   = regexp.MustCompile(`(?i)((?:code|kode)\b[^0-9]{0,24}\b)[0-9]{6}\b`)
	uuid   = regexp.MustCompile(`\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b`)
)

// Redact makes s fit for the log: one line without control characters or
// terminal sequences, at most 1024 bytes, tokens and login codes taken out,
// phone numbers in any spelling cut to their last three digits. UUIDs stay.
func Redact(s string) string {
	if harmless(s) {
		return s
	}
	return thoroughly(s)
}

func thoroughly(s string) string {
	if len(s) > 4*maxValue {
		s = strings.TrimRightFunc(s[:4*maxValue], func(r rune) bool { // no half of a number at the cut
			_, digit := digit(r)
			return digit || between(r) || r == utf8.RuneError
		})
	}
	s = plain(s)
	s = bearer.ReplaceAllString(s, "$1 "+redacted)
	s = jwt.ReplaceAllString(s, redacted)
	s = renew.ReplaceAllString(s, redacted)
	s = pair.ReplaceAllString(s, "${1}"+redacted)
	s = code.ReplaceAllString(s, "${1}"+redacted)
	return cut(maskPhones(s), maxValue)
}

// harmless reports whether s cannot hold anything that Redact takes out: most values of
// a log are a word, a route or an id.
func harmless(s string) bool {
	if len(s) > maxKey {
		return false
	}
	if isUUID(s) {
		return true
	}
	for i := range len(s) {
		c := s[i]
		if letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'; !letter && !strings.ContainsRune("/_-{}.", rune(c)) {
			return false
		}
	}
	return !strings.Contains(s, "eyJ") // so does a token begin
}

func isUUID(s string) bool {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		if form[i] == '-' != (s[i] == '-') || form[i] == 'x' && !hex(rune(s[i])) {
			return false
		}
	}
	return true
}

// plain takes terminal sequences, control characters and invisible marks out
// of s. A line break becomes a blank.
func plain(s string) string {
	s = ansi.ReplaceAllString(strings.ToValidUTF8(s, "?"), "")
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}

// cut shortens s to n bytes at a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n -= len("…"); n > 0 && !utf8.RuneStart(s[n]); {
		n--
	}
	return s[:n] + "…"
}
