package auth

import (
	_ "embed"
	"strings"
	"unicode"
)

// common are the words that people begin a password with, one a line.
//
//go:embed common.txt
var common string

// fewLetters is how many different characters a password has at least.
const fewLetters = 5

// guessable reports whether a password is among the first that somebody would try: a
// common word or two with anything but letters around them, a row of the keyboard, one
// thing repeated, or the phone number of its owner. Nothing is said about which characters
// must be in it.
func guessable(password, phone string) bool {
	p := strings.ToLower(password)
	kinds := map[rune]bool{}
	for _, r := range p {
		kinds[r] = true
	}
	if len(kinds) < fewLetters || runs(p) {
		return true
	}
	if n := len(phone); n >= 8 && strings.Contains(digits(p), phone[n-8:]) {
		return true
	}
	words := map[string]bool{}
	for w := range strings.Lines(common) {
		words[strings.TrimSpace(w)] = true
	}
	return made(p, words) || made(letters(p), words)
}

// made reports whether a text is one of the words, two of them, or one repeated.
func made(text string, words map[string]bool) bool {
	for n := 1; n <= len(text); n++ {
		if !words[text[:n]] {
			continue
		}
		rest := text[n:]
		if rest == "" || words[rest] || strings.Trim(strings.ReplaceAll(rest, text[:n], ""), "0123456789") == "" {
			return true
		}
	}
	return false
}

// runs reports whether every character follows the one before it: abcdef, 987654, aaaa.
func runs(text string) bool {
	var steps [3]int // down, none, up
	all := []rune(text)
	for i := 1; i < len(all); i++ {
		d := all[i] - all[i-1]
		if all[i-1] == '9' && all[i] == '0' {
			d = 1
		}
		if all[i-1] == '0' && all[i] == '9' {
			d = -1
		}
		if d >= -1 && d <= 1 {
			steps[d+1]++
		}
	}
	return max(steps[0], steps[1], steps[2]) >= len(all)-2
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return r
	}, text)
}
