package domain

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/fault"
)

// Read gives the value of an answer, as an application keeps it, out of what stands in a cell.
//
// Errors: Invalid "yes_or_no", "number_invalid", "number_ambiguous" (1.250 has two readings),
// "choice_unknown", "text_too_long".
func (q Question) Read(s string) (string, error) {
	switch q.Kind {
	case QuestionNumber:
		return readNumber(s)
	case QuestionChoice:
		return q.choice(s)
	case QuestionYesNo:
		yes, ok := yesOrNo(s)
		if !ok {
			return "", invalid("yes_or_no", "neither yes nor no")
		}
		return yesNo(yes), nil
	}
	if utf8.RuneCountInString(s) > maxAnswer {
		return "", invalid("text_too_long", "too long for an answer")
	}
	if said := foldWord(s); q.Kind == "" && slices.Contains([]string{"ya", "yes", "tidak", "no"}, said) { // a checklist may ask it
		return yesNo(said == "ya" || said == "yes"), nil
	}
	return s, nil
}

// yesNo is how an application keeps yes and no.
func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// choice finds a choice by its spelling, or by a folded one that only it has.
func (q Question) choice(s string) (string, error) {
	if len(q.Choices) == 0 || slices.Contains(q.Choices, s) {
		return s, nil
	}
	like := slices.DeleteFunc(slices.Clone(q.Choices), func(c string) bool { return foldWord(c) != foldWord(s) })
	if len(like) != 1 || foldWord(s) == "" {
		return "", invalid("choice_unknown", "none of the choices")
	}
	return like[0], nil
}

// readNumber reads a number as people write it, "1.250.000,5" or "1,250,000.5" or "-3", and gives
// it with a point and without groups. What a program puts behind whole numbers goes ("12.0").
//
// Errors: Invalid "number_invalid", "number_ambiguous".
func readNumber(s string) (string, error) {
	s = strings.TrimSpace(strings.Map(foldRune, s))
	plain, negative := strings.CutPrefix(s, "-")
	if len(s) > 40 {
		return "", invalid("number_invalid", "not a number")
	}
	whole, frac, _, err := splitNumber(plain, false)
	switch {
	case fault.CodeOf(err) == "amount_ambiguous", err == nil && strings.Count(plain, ".") == 1 && !strings.Contains(plain, ",") && len(plain)-strings.Index(plain, ".") == len(".000"):
		return "", invalid("number_ambiguous", "a group of three after one separator has two readings")
	case err != nil:
		return "", invalid("number_invalid", "not a number")
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if frac = strings.TrimRight(frac, "0"); frac != "" {
		whole += "." + frac
	}
	if negative && whole != "0" {
		whole = "-" + whole
	}
	return whole, nil
}
