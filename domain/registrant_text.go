package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxCell bounds the bytes of a cell; no spreadsheet holds a longer one.
const MaxCell = 128 << 10

// Three accents on one letter are more than any language of the country needs.
const maxMarks = 3

// cleanText is s in normal form C, on one line, without blanks at its ends, and
// without what nobody sees: zero-width characters, soft hyphens and the marks
// that turn the direction of writing. What cannot be cleaned without guessing
// is refused.
//
// Codes: "text_unreadable" (NUL and other control characters, broken UTF-8, the
// sign for a letter that got lost), "text_marks" (heaps of accents),
// "cell_too_long" (more than MaxCell bytes).
func cleanText(s string) (clean, code string) {
	switch {
	case len(s) > MaxCell:
		return "", "cell_too_long"
	case plainText(s):
		return s, ""
	case !utf8.ValidString(s):
		return "", "text_unreadable"
	}
	var b strings.Builder
	blank, marks := false, 0
	for _, r := range norm.NFC.String(s) {
		switch {
		case unicode.IsSpace(r):
			blank, marks = b.Len() > 0, 0
			continue
		case unicode.Is(unicode.Cf, r):
			continue
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Co, r):
			return "", "text_unreadable"
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
			marks++
		default:
			marks = 0
		}
		if marks > maxMarks {
			return "", "text_marks"
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
	}
	// What was taken out may have kept two characters apart.
	return norm.NFC.String(b.String()), ""
}

// plainText reports whether s is clean already: printable ASCII, single blanks.
func plainText(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c > ' ' && c < 0x7f:
		case c == ' ' && i > 0 && i < len(s)-1 && s[i-1] != ' ':
		default:
			return false
		}
	}
	return true
}

// foldWord is what is left of s for comparing: lower-case letters without
// accents, and digits.
func foldWord(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// legalForms say nothing about which business it is.
func legalForms() map[string]bool {
	return map[string]bool{"cv": true, "ud": true, "pt": true, "pd": true, "fa": true, "ikm": true, "umkm": true}
}

// FoldBusiness is the name of a business for comparing: no case, no accents, no
// blanks, no punctuation and no legal form, so that "UD. Little Monq" and
// "littlemonq" are one.
func FoldBusiness(name string) string {
	forms := legalForms()
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '.' || r == ',' || r == '(' || r == ')' }) {
		if w := foldWord(word); !forms[w] {
			b.WriteString(w)
		}
	}
	if b.Len() == 0 {
		return foldWord(name)
	}
	return b.String()
}

// emptyCell reports whether s is what people write into a cell that has nothing to
// say: blanks or a dash.
func emptyCell(s string) bool {
	return strings.Trim(s, " \t\r\n\u00a0-\u2010\u2011\u2012\u2013\u2014\u2212") == ""
}
