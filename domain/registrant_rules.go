package domain

import (
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
)

// RegistrantRules are what a programme asks of the rows of a list.
type RegistrantRules struct {
	Provinces []Region   // whose regencies may be named instead of numbered
	Zone      Zone       // of local times; empty: WIB
	From, To  time.Time  // first and last instant of the registration; a zero one is no bound
	Judged    []string   // required items of the first stage, if it is a checklist: what it judges no list is refused for
	Questions []Question // that a list may answer too
}

// RegistrantRules are those of the programme, as it is now.
func (p Programme) RegistrantRules() RegistrantRules {
	from, to, _ := p.Registration()
	out := RegistrantRules{Provinces: p.Regions, Zone: p.Zone, From: from, To: to.Add(-1), Questions: p.Questions}
	if len(p.Stages) > 0 && p.Stages[0].Kind == StageChecklist {
		for _, it := range p.Stages[0].Items {
			if it.Required {
				out.Judged = append(out.Judged, it.Code)
			}
		}
	}
	return out
}

// Against says what stands against a registrant whose cells can all be read: what a submission of the
// app would come back for, unless the first stage judges it. The fields are those of the columns.
func (rules RegistrantRules) Against(r Registrant) (bad []fault.Mistake) {
	outside := r.Region != "" && len(rules.Provinces) > 0 && !Programme{Regions: rules.Provinces}.Covers(r.Region)
	if outside && !slices.Contains(rules.Judged, ItemInRegion) {
		bad = append(bad, fault.Mistake{Field: fieldRegion, Code: ReturnNotCovered})
	}
	if agrees, said := r.Checks[CheckConsent]; said && !agrees && !slices.Contains(rules.Judged, ItemConsent) {
		bad = append(bad, fault.Mistake{Field: CheckConsent, Code: ReturnNoConsent})
	}
	return bad
}

// answered notes an answer to a question of the programme.
func (r *Registrant) answered(code, value string) {
	if r.Answers == nil { // nothing of it is in the digest of who answered none
		r.Answers = map[string]string{}
	}
	r.Answers[code] = value
}

// mostShown is how many bytes of its choices the sentence about a question shows.
const mostShown = 400

// limits are what the sentences about a column say of the question that it answers; nil without one.
func (c column) limits() map[string]any {
	if c.question.Code == "" {
		return nil
	}
	shown := c.question.Choices
	for len(strings.Join(shown, ", ")) > mostShown {
		shown = shown[:len(shown)-1]
	}
	return map[string]any{"max": maxAnswer, "known": strings.Join(shown, ", ")}
}
