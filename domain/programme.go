package domain

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// ScopeProgrammes is the one scope in which everybody reads what is public of every
// programme. What is not stands in DecisionScope of each.
const ScopeProgrammes = "programmes"

// Statuses of a programme. They go forward only.
const (
	ProgrammeDraft     = "draft" // nobody but admins sees it
	ProgrammeOpen      = "open"  // for registration
	ProgrammeCurating  = "curating"
	ProgrammePublished = "published"
	ProgrammeRunning   = "running"
	ProgrammeHarvested = "harvested"
	ProgrammeClosed    = "closed"
	ProgrammeArchived  = "archived"
)

// ProgrammeStatuses are all statuses, in their order.
func ProgrammeStatuses() []string {
	return []string{ProgrammeDraft, ProgrammeOpen, ProgrammeCurating, ProgrammePublished, ProgrammeRunning, ProgrammeHarvested, ProgrammeClosed, ProgrammeArchived}
}

// ProgrammeFollows reports whether a programme may go from one status to another: to
// the next one only.
func ProgrammeFollows(from, to string) bool {
	all := ProgrammeStatuses()
	i := slices.Index(all, from)
	return i >= 0 && i+1 < len(all) && all[i+1] == to
}

// programmeReached reports whether a status lies at or behind another one.
func programmeReached(is, status string) bool {
	all := ProgrammeStatuses()
	return slices.Index(all, is) >= slices.Index(all, status)
}

// ProgrammeID is the id of the programme of a code. So a code has one programme, on
// whatever server it is made.
func ProgrammeID(code string) string { return id.Derive("programme", code) }

// DecisionScope is where admins decide about a programme; no phone has it.
func DecisionScope(programme string) string { return ScopeDecision + "/" + programme }

// Phases of a programme.
const (
	PhaseRegistration = "registration"
	PhaseCuration     = "curation"
	PhasePublication  = "publication"
	PhaseOpening      = "opening"
	PhaseMentoring    = "mentoring"
	PhaseExhibition   = "exhibition"
	PhaseHarvesting   = "harvesting"
	PhaseFollowOn     = "follow_on"
)

func phases() []string {
	return []string{PhaseRegistration, PhaseCuration, PhasePublication, PhaseOpening, PhaseMentoring, PhaseExhibition, PhaseHarvesting, PhaseFollowOn}
}

// Kinds of stages of a curation.
const (
	StageChecklist = "checklist" // yes or no, item by item
	StageLevel     = "level"     // the sum of a survey, as a level
	StageRubric    = "rubric"    // points by curators, weighted
)

// Programme is one edition as its rules need it.
type Programme struct {
	ID           string
	Code         string
	Name         string
	Kind         string
	Status       string
	Regions      []Region // provinces
	Zone         Zone
	Phases       []Phase
	Monitoring   Span
	NumberPrefix string // of receipt numbers
	Quota        int
	Reserve      int
	Champions    int
	Stages       []Stage
	GraceHours   int // for drafts that were finished offline before the close
	ConfirmDays  int // that a selected business has to confirm
	Questions    []Question
	Template     string // id of the plan that every business gets; may be empty
	Partners     []Partner
}

// Partner is an institution beside the ministry. Being one gives no right.
type Partner struct {
	Name       string     `json:"name"`
	Roles      []string   `json:"roles"`
	Activities []Activity `json:"activities"` // in which it plays only some of them; in others all
}

// Activity is a phase of a programme in which a partner has some of its roles.
type Activity struct {
	Phase string   `json:"phase"`
	Roles []string `json:"roles"`
}

// Phase is a span of local days with a name.
type Phase struct {
	Code string `json:"code"`
	Span
}

// Span is a span of local days, both included.
type Span struct {
	From Date `json:"starts_on"`
	To   Date `json:"ends_on"`
}

// Stage is one stage of the curation.
type Stage struct {
	No          int         `json:"no"`
	Kind        string      `json:"kind"`
	Items       []StageItem `json:"items"`
	Pass        PassRule    `json:"pass"`
	Curators    int         `json:"curators_per_file"` // who look at each file; 0: the server counts
	Blind       bool        `json:"blind"`             // names and numbers are left out of what curators see
	SpreadLimit int         `json:"spread_bp"`         // of a rubric: marks of one file that lie this far apart are told of; 0: usualSpread
}

// StageItem is one question of a stage.
type StageItem struct {
	Code     string `json:"code"`
	LabelID  string `json:"label_id"`
	LabelEN  string `json:"label_en"`
	Weight   int    `json:"weight_bp"` // of a rubric: ten-thousandths, all of a stage make 10,000
	Min      int    `json:"min"`
	Max      int    `json:"max"`
	Required bool   `json:"required"` // of a checklist: must be yes
}

// PassRule says who gets on. Where it says nothing of marks everybody does, which is only of
// use in the last stage: there the quota and the reserve say who has a place.
type PassRule struct {
	Level int `json:"level"`    // of a level: at least this
	Score int `json:"score_bp"` // of a rubric: at least this many ten-thousandths
	Top   int `json:"top"`      // of a rubric: so many of the best, of those who have the score; 0: all of them
}

// Passes reports whether the marks of a stage let a file pass that stands at rank (the best is
// 1) with a score in ten-thousandths. In the last stage who does not pass has no place, also
// where the quota leaves one free.
func (p PassRule) Passes(rank, score int) bool {
	return score >= p.Score && (p.Top == 0 || rank <= p.Top)
}

// ProgrammeOf reads a programme from its row, of whichever of its two collections.
func ProgrammeOf(r merge.Row) Programme {
	p := Programme{ID: r.ID, Code: r.Text("code"), Name: r.Text("name"), Kind: r.Text("kind"), Status: r.Text("status"), Zone: Zone(r.Text("default_zone")),
		NumberPrefix: r.Text("number_prefix"), Quota: int(r.Int("quota")), Reserve: int(r.Int("reserve_size")), Champions: int(r.Int("champion_count")),
		GraceHours: int(r.Int("offline_grace_hours")), ConfirmDays: int(r.Int("confirm_days")), Template: r.Text("plan_template_id")}
	for _, c := range r.Strings("region_codes") {
		p.Regions = append(p.Regions, Region(c))
	}
	decode(r.Fields["phases"], &p.Phases)
	decode(r.Fields["monitoring"], &p.Monitoring)
	decode(r.Fields["stages"], &p.Stages)
	decode(r.Fields["questions"], &p.Questions)
	decode(r.Fields["partners"], &p.Partners)
	return p
}

// decode reads a value that the catalogue has checked; what it cannot read stays as
// it is.
func decode(v merge.Value, into any) {
	if !merge.Null(v) {
		_ = json.Unmarshal(v, into) // the tables say what it looks like
	}
}

// Phase finds a phase by its code.
func (p Programme) Phase(code string) (Phase, bool) {
	i := slices.IndexFunc(p.Phases, func(f Phase) bool { return f.Code == code })
	if i < 0 {
		return Phase{}, false
	}
	return p.Phases[i], true
}

// Registration is the window in which applications count, by their receipt: from the
// first instant of its first day until the end of its last day, in the zone of the
// programme. ok is false without one.
func (p Programme) Registration() (from, to time.Time, ok bool) {
	f, ok := p.Phase(PhaseRegistration)
	return f.From.Start(p.Zone), f.To.End(p.Zone), ok
}

// TakesIn reports whether a place that comes free on a day is given to somebody: not once the
// programme has been harvested, nor behind the last day that is monitored, to which a plan would
// be due.
func (p Programme) TakesIn(day Date) bool {
	return !programmeReached(p.Status, ProgrammeHarvested) && (p.Monitoring.To == "" || day <= p.Monitoring.To)
}

// Covers reports whether a region lies in one of the programme's provinces.
func (p Programme) Covers(r Region) bool {
	return slices.ContainsFunc(p.Regions, func(o Region) bool { return r.Within(o) })
}

// Submission is what the server knows of a submission when it counts it.
type Submission struct {
	Made     time.Time // by the corrected clock of its author
	Until    time.Time // of one that was returned: it may come so late, also behind the window; zero: it was not
	Received time.Time // by the server
	Region   Region    // of the business
	Answers  map[string]string
	Consents bool // to the curation
}

// Grace is how much later than its author finished it a submission may come in.
func (p Programme) Grace() time.Duration { return time.Duration(p.GraceHours) * time.Hour }

// Counts says why a submission does not count, "" if it does, and whether it does by the
// grace for what was finished offline. A programme takes submissions by its window, also
// while it curates already; none is taken once its results are told, whatever days it says
// then. A draft is not there.
func (p Programme) Counts(s Submission) (why string, grace bool) {
	from, to, ok := p.Registration()
	if s.Until.After(to) {
		to = s.Until
	}
	switch late := !s.Received.Before(to); {
	case p.Status == ProgrammeDraft:
		return ReturnUnknown, false
	case programmeReached(p.Status, ProgrammePublished):
		return ReturnWindowClosed, false
	case !ok, s.Received.Before(from):
		return ReturnWindowNotOpen, false
	case late && (p.GraceHours == 0 || !s.Made.Before(to) || !s.Received.Before(to.Add(p.Grace()))):
		return ReturnWindowClosed, false
	case !p.Covers(s.Region):
		return ReturnNotCovered, false
	case len(p.Incomplete(s.Answers)) > 0:
		return ReturnIncomplete, false
	case !s.Consents:
		return ReturnNoConsent, false
	default:
		return "", late
	}
}
