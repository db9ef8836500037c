package domain

import (
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
)

// Kinds of questions of a programme.
const (
	QuestionText   = "text"
	QuestionNumber = "number"
	QuestionYesNo  = "yes_no"
	QuestionChoice = "choice"
)

func questionKinds() []string {
	return []string{QuestionText, QuestionNumber, QuestionYesNo, QuestionChoice}
}

// maxAnswer bounds the characters of an answer.
const maxAnswer = 2000

// Question is one of an application.
type Question struct {
	Code     string   `json:"code"`
	LabelID  string   `json:"label_id"`
	LabelEN  string   `json:"label_en"`
	Kind     string   `json:"kind"` // one of questionKinds; empty: not said, and then any text is an answer
	Choices  []string `json:"choices"`
	Required bool     `json:"required"`
}

// Takes reports whether the value of an application's answer is one of the question's kind: a
// number, yes or no, one of the choices. A choice of programmes of before that has none takes any.
func (q Question) Takes(value string) bool {
	switch {
	case q.Kind == QuestionNumber:
		_, err := readNumber(value)
		return err == nil || fault.CodeOf(err) == "number_ambiguous"
	case q.Kind == QuestionYesNo:
		return value == "yes" || value == "no"
	case q.Kind == QuestionChoice && len(q.Choices) > 0:
		return slices.Contains(q.Choices, value)
	}
	return true
}

// Incomplete lists the questions, by code in their order, that answers leave open: required ones
// without an answer, and such with an answer of another kind.
func (p Programme) Incomplete(answers map[string]string) (open []string) {
	for _, q := range p.Questions {
		if value := answers[q.Code]; value == "" && q.Required || value != "" && !q.Takes(value) {
			open = append(open, q.Code)
		}
	}
	return open
}

// checkQuestions holds the questions of a programme against themselves: one code twice, and choices
// where none are asked for, or the other way round.
func checkQuestions(p Programme) (bad []fault.Mistake) {
	for i, q := range p.Questions {
		at := fmt.Sprintf("questions[%d].", i)
		if slices.IndexFunc(p.Questions, func(o Question) bool { return o.Code == q.Code }) < i {
			bad = append(bad, fault.Mistake{Field: at + "code", Code: "code_repeated"})
		}
		switch {
		case q.Kind == QuestionChoice && len(q.Choices) == 0:
			bad = append(bad, fault.Mistake{Field: at + "choices", Code: "required"})
		case q.Kind != QuestionChoice && len(q.Choices) > 0:
			bad = append(bad, fault.Mistake{Field: at + "choices", Code: "choices_unasked"})
		}
		for k, c := range q.Choices {
			if slices.Index(q.Choices, c) < k {
				bad = append(bad, fault.Mistake{Field: fmt.Sprintf("%schoices[%d]", at, k), Code: "code_repeated"})
			}
		}
	}
	return bad
}
