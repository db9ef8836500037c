package domain

import (
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Types of notices. The texts stand in package message, by these words.
const (
	NoticeResults            = "N06"
	NoticePlace              = "N08"
	NoticeMentorChanged      = "N09"
	NoticeApplicationBack    = "application_returned"
	NoticeLateScore          = "late_score"
	NoticeEnrolmentPaused    = "enrolment_paused"
	NoticeEnrolmentResumed   = "enrolment_resumed"
	NoticeEnrolmentCompleted = "enrolment_completed"
	NoticeEnrolmentWithdrawn = "enrolment_withdrawn"
	NoticeMentorLeft         = "mentor_left"
	NoticeMentoringBegins    = "mentoring_begins"
	NoticeMentoringEnds      = "mentoring_ends"
	NoticeTaskAssigned       = "N10"
	NoticeTaskDue            = "N11"
	NoticeTaskOverdue        = "N12"
	NoticeTaskSubmitted      = "N13"
	NoticeTaskReturned       = "N14"
	NoticeTaskVerified       = "N15"
	NoticeTaskBlocked        = "N16"
	NoticeVisitPlanned       = "N17"
	NoticeCaseDue            = "N18"
	NoticeDocumentReturned   = "N19"
	NoticeCaseResult         = "N20"
	NoticeRenewal            = "N21"
	NoticeSaleFlagged        = "N25"
	NoticeVisitCancelled     = "visit_cancelled"
	NoticeTaskProposed       = "task_proposed"
	NoticeTaskCancelled      = "task_cancelled"
	NoticeCaseProposed       = "case_proposed"
	NoticeCaseApproved       = "case_approved"
	NoticeCaseFindings       = "case_findings"
	NoticeCaseCancelled      = "case_cancelled"
	NoticeCaseAbsorbed       = "case_operation_absorbed"
	NoticeCaseHandover       = "case_late_handover"
	NoticeEditLost           = "edit_lost"
	NoticeEditRefused        = "edit_refused"
	NoticeReviewApplied      = "review_applied"
	NoticeReviewDismissed    = "review_dismissed"
	NoticeOperationAbsorbed  = "operation_absorbed"
	NoticeSecondOpinion      = "second_opinion"
	NoticeLateHandover       = "late_handover"
	NoticeAdjustmentProposed = "adjustment_proposed"
	NoticeAnnouncement       = "N28"
	NoticeNewPhone           = "N02"
	NoticeApplicationIn      = "N03"
	NoticeRegistrationCloses = "N05"
	NoticeConfirm            = "N07"
	NoticeVisitTomorrow      = "visit_tomorrow"
	NoticeNothingLogged      = "N22"
	NoticeWeek               = "N23"
	NoticeCaseloadWeek       = "caseload_week"
	NoticeTargetReached      = "N24"
	NoticeSilentPhone        = "N26"
	NoticeSilentBusiness     = "device_silent"
	NoticeAcknowledge        = "N29"
	NoticeAccessEnded        = "N35"
	NoticePhoneRemoved       = "device_revoked"
)

// Quiet says what a push does in the quiet hours of its recipient.
type Quiet string

// The quiet classes.
const (
	RingsAlways Quiet = "Q0" // also at night
	WaitsForDay Quiet = "Q1" // waits for the morning
	WaitsForEnd Quiet = "Q2" // as Q1, and not during Friday prayers
)

// Collapse is the key under which a push service keeps only the newest push.
// Services keep four of them per phone, so there are four. Empty: every push is
// kept.
type Collapse string

// The collapse keys.
const (
	CollapseSync     Collapse = "sync"
	CollapseReminder Collapse = "reminder"
	CollapseNudge    Collapse = "nudge"
	CollapseQueue    Collapse = "queue"
)

// How long a push is worth something to whom it reaches late. A push service keeps one for four weeks at
// the most.
const (
	reminderTTL = 12 * time.Hour
	nudgeTTL    = 6 * time.Hour
	syncTTL     = time.Hour
	longestTTL  = 28 * 24 * time.Hour
)

// ParamKind is what a parameter of a notice is, so that a phone can write it as
// people read it.
type ParamKind string

// The kinds of parameters.
const (
	ParamText     ParamKind = "text"      // words of people, as they are
	ParamCount    ParamKind = "count"     // whole number, 0 or more
	ParamDate     ParamKind = "date"      // day of the business, YYYY-MM-DD
	ParamInstant  ParamKind = "instant"   // instant in UTC, shown in the zone of the business
	ParamCaseKind ParamKind = "case_kind" // word of CaseKinds, shown by its title
	ParamCaseStep ParamKind = "case_step" // kind and milestone, such as "haccp/documents", shown by its title
	ParamWord     ParamKind = "word"      // id or name that programs read, never shown
)

// NoticeParam is one parameter of a type of notice.
type NoticeParam struct {
	Name     string
	Kind     ParamKind
	Optional bool // a sentence that wants it is left out where it is absent
}

// NoticeType is one row of the table of notices: what a phone and a push need to
// know of a type beside its texts, and when it is given to whom in words.
type NoticeType struct {
	ID       string
	About    string // collection of its object; "" = none, "*" = any
	When, To string // for people
	Class    string // one of the classes that people set apart
	Quiet    Quiet
	TTL      time.Duration // how long a push is worth sending and keeping; shorter where the item ends before
	Collapse Collapse
	High     bool         // wakes a phone that sleeps, and goes before the others
	NotTo    string       // parameter that names a device which is not rung, for it knows; "" = all are
	Tag      string       // a push replaces an older one of the same tag on the screen; {id} is the object
	Link     string       // where a tap leads; {id} is the object, other holes are parameters
	Many     string       // where it leads if the item is about several objects; "" = it never is
	In       []merge.Role // one of them its person must still have in the scope of the item when a push is sent; nil = rings whoever has left
	While    While        // as long as what a push is sent
	Params   []NoticeParam
}

// HintID is the type of the push that shows nothing: its app has something to fetch.
const HintID = "N27"

// HintNotice is how that push is sent. It is about no item, and so has no row in the table.
func HintNotice() NoticeType {
	return NoticeType{ID: HintID, When: "something changed that the phone may see, written elsewhere; at most every 15 minutes, and not to a phone that is connected",
		To: "phones of who holds the scope", TTL: syncTTL, Collapse: CollapseSync, While: always("it shows nothing")}
}

// Param finds a parameter by name.
func (t NoticeType) Param(name string) (NoticeParam, bool) {
	i := slices.IndexFunc(t.Params, func(p NoticeParam) bool { return p.Name == name })
	if i < 0 {
		return NoticeParam{}, false
	}
	return t.Params[i], true
}

// LinkTo is where a tap on an item about object leads; an empty object is
// several.
func (t NoticeType) LinkTo(object string, params map[string]any) string {
	link := t.Link
	if object == "" && t.Many != "" {
		link = t.Many
	}
	pairs := []string{"{id}", object}
	for _, p := range t.Params {
		if s, ok := params[p.Name].(string); ok {
			pairs = append(pairs, "{"+p.Name+"}", s)
		}
	}
	return strings.NewReplacer(pairs...).Replace(link)
}

// NoticeTypeOf finds the row of a type.
func NoticeTypeOf(kind string) (NoticeType, bool) {
	all := NoticeTypes()
	i := slices.IndexFunc(all, func(t NoticeType) bool { return t.ID == kind })
	if i < 0 {
		return NoticeType{}, false
	}
	return all[i], true
}
