package domain

import (
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// CheckProgramme holds what an admin says of a programme against itself: what the
// shape of the fields cannot say. It gives every mistake, each with the field, and
// none for a programme that can be carried out. A draft may still lack dates and
// stages; ready asks for all that opening one needs.
func CheckProgramme(r merge.Row, ready bool) (bad []fault.Mistake) {
	p := ProgrammeOf(r)
	say := func(field, code string) { bad = append(bad, fault.Mistake{Field: field, Code: code}) }
	for _, name := range []string{"code", "name", "kind", "region_codes"} {
		if merge.Null(r.Fields[name]) || string(r.Fields[name]) == "[]" {
			say(name, "required")
		}
	}
	for i, c := range p.Regions {
		if _, err := ParseRegion(string(c)); err != nil {
			say(fmt.Sprintf("region_codes[%d]", i), fault.CodeOf(err))
		} else if slices.Index(p.Regions, c) < i {
			say(fmt.Sprintf("region_codes[%d]", i), "code_repeated")
		}
	}
	if p.Champions > p.Quota && p.Quota > 0 {
		say("champion_count", "more_than_quota")
	}
	bad = append(bad, checkPhases(p)...)
	bad = append(bad, checkPartners(p)...)
	bad = append(bad, checkQuestions(p)...)
	bad = append(bad, checkStages(p)...)
	if ready {
		bad = append(bad, checkReady(r, p)...)
	}
	return bad
}

// checkReady asks for what a programme needs before people may register.
func checkReady(r merge.Row, p Programme) (bad []fault.Mistake) {
	for _, name := range []string{"phases", "quota", "number_prefix", "confirm_days", "stages"} {
		if merge.Null(r.Fields[name]) || string(r.Fields[name]) == "[]" {
			bad = append(bad, fault.Mistake{Field: name, Code: "required"})
		}
	}
	if merge.Null(r.Fields["default_zone"]) { // which goes by the first province where nobody says another
		bad = append(bad, fault.Mistake{Field: "default_zone", Code: "required"})
	}
	if p.Template != "" && PlanBegins(p) == "" { // the tasks of the plan would never be due
		bad = append(bad, fault.Mistake{Field: "monitoring", Code: "required"})
	}
	if _, ok := p.Phase(PhaseRegistration); !ok && len(p.Phases) > 0 {
		bad = append(bad, fault.Mistake{Field: "phases", Code: "phase_missing"})
	}
	if last := len(p.Stages) - 1; last >= 0 && p.Stages[last].Kind != StageRubric { // only marks give the order by which the quota is filled
		bad = append(bad, fault.Mistake{Field: fmt.Sprintf("stages[%d].kind", last), Code: "ranks_nobody"})
	}
	return slices.Concat(bad, checkPasses(p), checkAnswered(p))
}

// checkPasses asks of every stage of marks but the last for a rule: without one everybody would
// get on, whatever curators say.
func checkPasses(p Programme) (bad []fault.Mistake) {
	for i, s := range p.Stages {
		if i < len(p.Stages)-1 && s.Kind == StageRubric && s.Pass.Score == 0 && s.Pass.Top == 0 {
			bad = append(bad, fault.Mistake{Field: fmt.Sprintf("stages[%d].pass", i), Code: "required"})
		}
	}
	return bad
}

// checkPhases holds the days against each other: registration before curation before
// publication before the days that are monitored. Mentoring and exhibitions may lie
// beside each other.
func checkPhases(p Programme) (bad []fault.Mistake) {
	say := func(field, code string) { bad = append(bad, fault.Mistake{Field: field, Code: code}) }
	for i, f := range p.Phases {
		at := fmt.Sprintf("phases[%d]", i)
		if f.To < f.From {
			say(at+".ends_on", "span_reversed")
		}
		if slices.IndexFunc(p.Phases, func(o Phase) bool { return o.Code == f.Code }) < i {
			say(at+".code", "code_repeated")
		}
	}
	if p.Monitoring.To < p.Monitoring.From {
		say("monitoring.ends_on", "span_reversed")
	}
	var before Phase
	for _, code := range []string{PhaseRegistration, PhaseCuration, PhasePublication} {
		f, ok := p.Phase(code)
		if !ok {
			continue
		}
		if before.Code != "" && f.From <= before.To {
			i := slices.IndexFunc(p.Phases, func(o Phase) bool { return o.Code == code })
			say(fmt.Sprintf("phases[%d].starts_on", i), "phase_order")
		}
		before = f
	}
	if before.Code != "" && p.Monitoring.From != "" && p.Monitoring.From <= before.To {
		say("monitoring.starts_on", "phase_order")
	}
	return bad
}

// checkPartners holds the parts that partners play in activities against the phases of
// the programme and the roles that the partners have.
func checkPartners(p Programme) (bad []fault.Mistake) {
	say := func(code, at string, of ...any) {
		bad = append(bad, fault.Mistake{Field: fmt.Sprintf(at, of...), Code: code})
	}
	for i, one := range p.Partners {
		for k, a := range one.Activities {
			if _, planned := p.Phase(a.Phase); !planned {
				say("not_in_plan", "partners[%d].activities[%d].phase", i, k)
			}
			if slices.IndexFunc(one.Activities, func(o Activity) bool { return o.Phase == a.Phase }) < k {
				say("code_repeated", "partners[%d].activities[%d].phase", i, k)
			}
			for n, role := range a.Roles {
				if !slices.Contains(one.Roles, role) {
					say("role_missing", "partners[%d].activities[%d].roles[%d]", i, k, n)
				}
			}
		}
	}
	return bad
}

// ProgrammeFixed lists the fields of a programme that can no longer be changed in its
// status: what people relied on when they registered, and what a decision was made by. Stages
// are fixed one by one before that, each from when it is decided or curators have its files.
func ProgrammeFixed(status string) []string {
	fixed := []string{"code", "kind"}
	if programmeReached(status, ProgrammeOpen) {
		fixed = append(fixed, "number_prefix", "default_zone")
	}
	if programmeReached(status, ProgrammeCurating) {
		fixed = append(fixed, "region_codes", "offline_grace_hours")
	}
	if programmeReached(status, ProgrammePublished) {
		fixed = append(fixed, "stages", "quota", "reserve_size", "confirm_days", "plan_template_id") // by which those who confirm have tasks
	}
	if programmeReached(status, ProgrammeClosed) {
		fixed = append(fixed, "monitoring", "phases", "targets", "champion_count")
	}
	return fixed
}

// CheckPlan holds the items of a template against each other.
func CheckPlan(template merge.Row) (bad []fault.Mistake) {
	items := PlanItems(template)
	index := func(code string) int { return slices.IndexFunc(items, func(o PlanItem) bool { return o.Code == code }) }
	if len(items) == 0 {
		bad = append(bad, fault.Mistake{Field: "items", Code: "required"})
	}
	for i, it := range items {
		if index(it.Code) < i {
			bad = append(bad, fault.Mistake{Field: fmt.Sprintf("items[%d].code", i), Code: "code_repeated"})
		}
		for k, on := range it.DependsOn {
			if at := index(on); at < 0 || at == i {
				bad = append(bad, fault.Mistake{Field: fmt.Sprintf("items[%d].depends_on[%d]", i, k), Code: "invalid_reference"})
			}
		}
		if len(it.DependsOn) > 0 && !slices.Contains(it.DependsOn, it.Code) && waitsFor(items, it.Code) {
			bad = append(bad, fault.Mistake{Field: fmt.Sprintf("items[%d].depends_on", i), Code: "depends_in_circle"})
		}
	}
	return bad
}

// waitsFor reports whether an item of a template waits for itself, by way of others.
func waitsFor(items []PlanItem, code string) bool {
	reached := map[string]bool{}
	for open := []string{code}; len(open) > 0; open = open[1:] {
		for _, it := range items {
			if it.Code != open[0] {
				continue
			}
			for _, on := range it.DependsOn {
				if on == code {
					return true
				}
				if !reached[on] {
					reached[on], open = true, append(open, on)
				}
			}
		}
	}
	return false
}
