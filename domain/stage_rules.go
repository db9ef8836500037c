package domain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
)

// checkStages holds the stages of the curation against themselves.
func checkStages(p Programme) (bad []fault.Mistake) {
	for i, s := range p.Stages {
		at := fmt.Sprintf("stages[%d]", i)
		if s.No != i+1 {
			bad = append(bad, fault.Mistake{Field: at + ".no", Code: "stage_order"})
		}
		if len(s.Items) == 0 {
			bad = append(bad, fault.Mistake{Field: at + ".items", Code: "required"})
		}
		for _, m := range checkItems(s) {
			bad = append(bad, fault.Mistake{Field: at + "." + m.Field, Code: m.Code})
		}
	}
	return bad
}

// checkItems holds one stage against its kind.
func checkItems(s Stage) (bad []fault.Mistake) {
	say := func(field, code string) { bad = append(bad, fault.Mistake{Field: field, Code: code}) }
	weights := 0
	for i, it := range s.Items {
		at := fmt.Sprintf("items[%d]", i)
		if slices.IndexFunc(s.Items, func(o StageItem) bool { return o.Code == it.Code }) < i {
			say(at+".code", "code_repeated")
		}
		if s.Kind != StageChecklist && it.Max <= it.Min {
			say(at+".max", "span_reversed")
		}
		if s.Kind == StageRubric && it.Weight == 0 { // it would be asked for, and count for nothing
			say(at+".weight_bp", "required")
		}
		weights += it.Weight
	}
	switch {
	case s.Kind == StageRubric && weights != 10_000 && len(s.Items) > 0:
		say("items", "weights_not_whole")
	case s.Kind == StageRubric && s.Curators < 1:
		say("curators_per_file", "required")
	case s.Kind == StageChecklist && s.Curators > 0: // its items are answered by what was registered
		say("curators_per_file", "invalid_value")
	case s.Kind == StageLevel && s.Pass.Level == 0:
		say("pass.level", "required")
	case s.Kind == StageLevel && s.Pass.Level > s.highest(): // which nobody reaches
		say("pass.level", "invalid_value")
	}
	return bad
}

// highest is the highest level that a file can come to in a stage: by its survey, or by
// curators who put theirs in its place.
func (s Stage) highest() int {
	sum, most := 0, 0
	for _, it := range s.Items {
		sum, most = sum+min(max(SurveyMax, it.Min), it.Max), most+it.Max
	}
	if most <= 0 || s.Curators > 0 { // its items are told of
		return mostLevel
	}
	return sum * mostLevel / most
}

// checkAnswered asks of each item of a stage that answers decide whether anything can answer
// it: one that nothing does fails every file.
func checkAnswered(p Programme) (bad []fault.Mistake) {
	for i, s := range p.Stages {
		known := p.answered(s.Kind)
		for k, it := range s.Items {
			if known != nil && !slices.Contains(known, it.Code) {
				bad = append(bad, fault.Mistake{Field: fmt.Sprintf("stages[%d].items[%d].code", i, k), Code: "item_unanswered", Known: strings.Join(known, ", ")})
			}
		}
	}
	return bad
}

// answered lists the items that something answers in a stage of a kind: what the server reads
// of a file, what is asked of registrants in the app and in lists, and the programme's own
// questions. It is nil where people do.
func (p Programme) answered(kind string) []string {
	switch kind {
	case StageLevel:
		return SurveyItems()
	case StageChecklist:
		out := []string{ItemDataComplete, ItemInRegion, ItemNIBOrWilling, ItemConsent, ItemNotAssisted}
		for _, c := range RegistrantChecks() {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
		for _, q := range p.Questions {
			if q.saysYes() && !slices.Contains(out, q.Code) {
				out = append(out, q.Code)
			}
		}
		return out
	}
	return nil
}

// saysYes reports whether the question can be answered with yes, as an item of a checklist
// must be.
func (q Question) saysYes() bool {
	return cmp.Or(q.Kind, QuestionYesNo) == QuestionYesNo || q.Kind == QuestionChoice && slices.Contains(q.Choices, "yes")
}
