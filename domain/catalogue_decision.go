package domain

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// decisions lists the collections in which admins decide about a programme. No phone has
// them.
func decisions() []*merge.Collection {
	return []*merge.Collection{caseFile(), applicationStateCopy(), numbering(), panelMember(), fileShare(), score(), decision(), publication()}
}

// Where the curation of an application stands.
const (
	FileOpen        = "open"       // counted, not looked at yet
	FileReturned    = "returned"   // for completion; nobody looks at it until it comes back
	FileStage       = "stage"      // in the stage that the file names
	FileEliminated  = "eliminated" // in the stage that the file names
	FileSelected    = "selected"
	FileReserve     = "reserve"
	FileNotSelected = "not_selected"
	FileWithdrawn   = "withdrawn"
)

// FileStates are all states of a case file.
func FileStates() []string {
	return []string{FileOpen, FileReturned, FileStage, FileEliminated, FileSelected, FileReserve, FileNotSelected, FileWithdrawn}
}

// FileDecided reports whether a state of a file is a result of the curation.
func FileDecided(state string) bool {
	return slices.Contains([]string{FileSelected, FileReserve, FileNotSelected, FileEliminated}, state)
}

// MostUnsaid is how many files a publication names whose own words were left out, at the most.
const MostUnsaid = 1000

// caseFile is an application as those who decide see it: a copy of what its owner
// submitted, under the same id.
func caseFile() *merge.Collection {
	return &merge.Collection{
		Name: "case_file", Scope: ScopeDecision, Doc: "an application as it was submitted, and where its curation stands; under the id of the application", Tags: tagCaseFile, React: reactCaseFile,
		Fields: fields(
			server("business_id", ref(""), ""),
			server("number", form(`^[A-Z0-9]{2,10}-[0-9]{5,7}$`, 20), "receipt number; without gaps, in the order in which submissions were counted"),
			server("source", enum("app", "import"), ""),
			server("digest", text(0, 64), "of the row that it was imported from"),
			server("job_id", ref(""), "import that brought it, which alone counts it"),
			server("external_ref", text(1, 60), ""),
			server("counted_at", instant(), "when the server received the submission"),
			server("grace", truth(), ""),
			server("business_name", text(0, 120), ""),
			server("owner_id", ref(""), "user who submitted it, or who was invited for it"),
			server("owner_name", text(0, 100), ""),
			server("owner_phone", text(0, 20), "E.164"),
			server("owner_email", text(0, 254), ""),
			server("region_code", text(0, 5), "regency or city"),
			server("category", enum(categories()...), "the one it is counted under"),
			server("categories", list(enum(categories()...), 3), "all of them"),
			server("nib", text(0, 13), ""),
			server("address", text(0, 300), ""),
			server("size_class", text(0, 20), ""),
			server("answers", anything(64<<10), "as submitted, by code"),
			server("survey", anything(4<<10), "as submitted, by item"),
			server("documents", list(ref(""), maxDocuments), ""),
			server("state", enum(FileStates()...), ""),
			server("stage", whole(0, maxStages, ""), "of the curation"),
			server("failed", list(text(1, 40), maxItems), "items of a checklist that are not met"),
			server("level", whole(0, 4, "level"), "of the survey"),
			server("score_bp", whole(0, 10_000, "bp"), "mean of the sheets that count"),
			server("rank", whole(1, 1_000_000, ""), "in the last stage, of who meets its rule: by it places that come free are given"),
			server("feedback", text(0, 2000), "for the owner, told with the result"),
			server("feedback_for", enum(FileSelected, FileReserve, FileNotSelected, FileEliminated), "result that these words are for: with another one they are not told; absent = as the file is decided when the list is written down"),
			server("return_id", ref(""), "while it is returned: the operation on the application"),
			server("returned_by", ref(""), "admin"),
			server("returned_for", text(0, 40), "a code"),
			server("asked", text(0, 2000), "what for, in words"),
			server("complete_by", instant(), "first instant at which it is too late to complete it"),
		),
	}
}

// panelMember is a curator of a programme.
func panelMember() *merge.Collection {
	return &merge.Collection{
		Name: "panel_member", Scope: ScopeDecision, Doc: "who curates a programme, and for whom", React: reactPanelMember, Fields: fields(
			server("user_id", ref(""), ""),
			server("institution", text(2, 120), "two people who look at one file come from two"),
			server("from_at", instant(), "first instant of the right"),
			server("to_at", instant(), "first instant after it; absent = open"),
			server("reason", text(1, 300), "why the seat ended"),
		),
	}
}

// maxInstead is in how many people's place a file is given: more than have had one.
const maxInstead = 100

// fileShare is a file that a curator is to look at.
func fileShare() *merge.Collection {
	return &merge.Collection{
		Name: "file_share", Scope: ScopeDecision, Doc: "which curator looks at which file in which stage", React: reactFileShare, Tags: tagFileShare, Fields: fields(
			server("application_id", ref(""), ""),
			server("stage", whole(1, maxStages, ""), ""),
			server("curator_id", ref(""), "user"),
			server("due_at", instant(), ""),
			server("instead_of", list(ref(""), maxInstead), "users: whose seat had ended, or who had declared a conflict of interest; their sheets count only while too few others have the file"),
			server("ended_at", instant(), "when it was taken back, because its curator is of the enterprise"),
		),
	}
}

func tagFileShare(r merge.Row) []string {
	no := int(r.Int("stage"))
	return []string{ShareTag(r.Text("application_id"), no), SharedTag(no)}
}

// SharedTag is the tag under which all shares of a stage are found. Those of before it was
// written do not carry it.
func SharedTag(stage int) string { return "shared:" + strconv.Itoa(stage) }

// ShareTag is the tag under which the shares of a file in a stage are found. Those of before
// it was written do not carry it.
func ShareTag(application string, stage int) string {
	return "share:" + application + ":" + strconv.Itoa(stage)
}

// score is a sheet as those who decide see it, under its id.
func score() *merge.Collection {
	return &merge.Collection{
		Name: "score", Scope: ScopeDecision, Doc: "what a curator's sheet comes to; the server repeats it from the panel", React: reactScore, Fields: fields(
			server("application_id", ref(""), ""),
			server("stage", whole(1, maxStages, ""), ""),
			server("curator_id", ref(""), "user"),
			server("state", enum(SheetDraft, SheetSubmitted), ""),
			server("total_bp", whole(0, 10_000, "bp"), "absent while points are missing"),
			server("level", whole(0, 4, "level"), "of a stage of levels, instead of the survey's"),
			server("conflict", truth(), "not counted; somebody else looks at the file, and once they are asked it stands"),
			server("asked", ref(""), "user: who was asked because of the conflict"),
			server("late", truth(), "came after the stage was decided; not counted"),
			server("recommendation", text(0, 20), ""),
			server("note", text(0, 2000), ""),
			server("submitted_at", instant(), ""),
			server("opened", whole(0, 1000, "times"), "that an admin opened it again"),
			server("seen", whole(0, 1<<53-1, "commits"), "version of the sheet that said so"),
		),
	}
}

// DecisionID is the id of the decision on a stage.
func DecisionID(programme string, stage int) string {
	return id.Derive("decision", programme, strconv.Itoa(stage))
}

// reactScore tells those who decided a stage that a sheet came in behind it.
func reactScore(c merge.Change) []merge.Effect {
	if string(c.After.Fields["late"]) != "true" || string(c.Before.Fields["late"]) == "true" {
		return nil
	}
	programme, stage := scopeID(c), int(c.After.Int("stage"))
	decision, _ := c.Row("decision", DecisionID(programme, stage))
	file, _ := c.Row("case_file", c.After.Text("application_id"))
	people := slices.DeleteFunc([]string{decision.Text("prepared_by"), decision.Text("approved_by")}, func(p string) bool { return p == "" })
	return letter(NoticeLateScore, NoticeLateScore+" "+c.After.ID, c.Scope(), c.After.Key, params{"programme": programme, "number": file.Text("number"), "stage": stage}, people)
}

// decision is that a stage was decided, by whom, and on what paper.
func decision() *merge.Collection {
	return &merge.Collection{
		Name: "decision", Scope: ScopeDecision, Doc: "a stage of the curation, decided; one record for a stage", React: reactDecision, Fields: fields(
			server("stage", whole(1, maxStages, ""), ""),
			server("prepared_by", ref(""), ""),
			server("approved_by", ref(""), "somebody else; absent where one person is enough"),
			server("minutes", text(0, 120), "number of the minutes"),
			server("passed", whole(0, 1_000_000, "files"), ""),
			server("failed", whole(0, 1_000_000, "files"), ""),
			server("reserve", whole(0, 1_000_000, "files"), ""),
			server("state", enum("prepared", "decided"), ""),
			server("basis", text(0, 64), "hash over what it was decided by: files, scores and ranks"),
			server("outcomes", anything(4<<20), "what it made of each file"),
			server("free", whole(0, 1_000_000, "places"), "of the last stage: those that nobody has, because too few met its rule"),
			server("balance", anything(256<<10), "how many of each result, by category and by region"),
		),
	}
}

// publication is when all results of a programme are told.
func publication() *merge.Collection {
	return &merge.Collection{
		Name: "publication", Scope: ScopeDecision, Doc: "when the results of a programme are told to all who applied", React: reactPublication, Fields: fields(
			server("publish_at", instant(), "nobody hears of anything before"),
			server("prepared_by", ref(""), ""),
			server("approved_by", ref(""), "somebody else"),
			server("state", enum("prepared", "approved", "withdrawn", "telling", "told"), ""),
			server("withdrawn_by", ref(""), "an admin, before the instant; it is prepared and approved anew"),
			server("reason", text(0, 300), "why it was withdrawn"),
			server("total", whole(0, 1_000_000, "applications"), "once it is written down who is told what"),
			server("confirm_by", instant(), "first instant at which its offers have lapsed, one for all: so many days from the one at which the list was written down"),
			server("told_at", instant(), "when the last one was told"),
			server("job_id", ref(""), "the list that counts: the job that tells them, named after all that stands in it"),
			server("feedback", anything(16<<10), "words for the owners, by result"),
			server("advised_by", list(ref(""), 100), "admins who wrote them: none of them approves it"),
			server("advised", whole(0, 1<<53-1, "words"), "for single owners since it was prepared; so who approves it hears of them"),
			server("unsaid", list(ref(""), MostUnsaid), "once it is written down who is told what: files whose own words were left out, because they were written for another result than the owner is told"),
		),
	}
}

// applicationStateCopy follows what the owner's side says of an application.
func applicationStateCopy() *merge.Collection {
	return &merge.Collection{
		Name: "application_state", Scope: ScopeDecision, Doc: "where an application stands on the owner's side, under its id; the server repeats it from the business", Tags: tagApplicationState, Fields: fields(
			server("business_id", ref(""), ""),
			server("state", enum(applicationStates()...), ""),
			server("needs_review", truth(), ""),
			server("confirm_by", instant(), "first instant at which an offer has lapsed"),
			server("place", enum(places()...), "what it has of one; left = its owner does not want it, and nobody else has it yet"),
			server("seen", whole(0, 1<<53-1, "commits"), "version of the application, or of an operation on it, that said so"),
		),
	}
}

// OpenOfferTag is the tag of the offers that wait for their owner.
const OpenOfferTag = "offer=open"

func tagApplicationState(r merge.Row) []string {
	if r.Text("state") != ApplicationOffered {
		return nil
	}
	return []string{OpenOfferTag}
}

// numbering is how many receipt numbers of a programme were given; one record, under
// the id of the programme.
func numbering() *merge.Collection {
	return &merge.Collection{
		Name: "numbering", Scope: ScopeDecision, Doc: "how many receipt numbers a programme has given", Fields: fields(
			server("last", whole(0, 9_999_999, "numbers"), ""),
			server("completed", whole(0, 1<<53-1, "files"), "that were returned and came back, each time; so who decides hears of it"),
		),
	}
}

// ReceiptNumber is the n-th number of a programme, such as LGW22-00001.
func ReceiptNumber(prefix string, n int) string {
	digits := strconv.Itoa(n)
	return prefix + "-" + strings.Repeat("0", max(0, 5-len(digits))) + digits
}

// FileKeys is what a case file is known by, so that nobody registers twice.
func FileKeys(r merge.Row) Keys {
	k := Registrant{Ref: r.Text("external_ref"), NIB: r.Text("nib"), Phone: Phone(r.Text("owner_phone")), Business: r.Text("business_name")}.Keys()
	k.Digest = r.Text("digest")
	return k
}

// tagCaseFile lists the words under which a case file is found.
func tagCaseFile(r merge.Row) []string {
	tags := FileKeys(r).Tags()
	if number := r.Text("number"); number != "" {
		tags = append(tags, CaseFileTag("number", number))
	}
	return append(tags, CaseFileTag("enrolment", EnrolmentID(r.ID)))
}

// Tags lists the words under which case files with one of the keys are found.
func (k Keys) Tags() (tags []string) {
	for _, word := range [][2]string{{"ref", k.Ref}, {"nib", k.NIB}, {"who", k.Person}} {
		if word[1] != "" {
			tags = append(tags, CaseFileTag(word[0], word[1]))
		}
	}
	return tags
}

// CaseFileTag is the tag under which a case file is found by its external reference
// ("ref"), its business number ("nib"), who applies ("who") or its number ("number"), as
// FileKeys has them, and by the enrolment that it may lead to ("enrolment").
func CaseFileTag(kind, value string) string { return tag(kind, value) }

// StepReturn sends the application of a returned file back to its owner.
const StepReturn = "carry_out_return"

// reactCaseFile tells the business the number of its application, and that it was returned.
func reactCaseFile(c merge.Change) []merge.Effect {
	if back := c.After.Text("return_id"); back != "" && back != c.Before.Text("return_id") {
		return []merge.Effect{{Scope: c.Scope(), Collection: "case_file", ID: c.After.ID, Do: StepReturn}}
	}
	if c.Before.Text("number") == c.After.Text("number") {
		return nil
	}
	set := map[string]merge.Value{"number": orNull(c.After.Fields["number"]), "counted_at": orNull(c.After.Fields["counted_at"]), "grace": orNull(c.After.Fields["grace"])}
	return []merge.Effect{{Scope: ScopeBusiness + "/" + c.After.Text("business_id"), Collection: "application", ID: c.After.ID, Change: true, Set: set}}
}

// StepDecide writes a decided stage into the files.
const StepDecide = "carry_out_stage"

// reactDecision has a decided stage carried out.
func reactDecision(c merge.Change) []merge.Effect {
	if c.After.Text("state") != "decided" || c.Before.Text("state") == "decided" {
		return nil
	}
	return []merge.Effect{{Scope: c.Scope(), Collection: "decision", ID: c.After.ID, Do: StepDecide}}
}

// StepTell has everybody on the list that counts told.
const StepTell = "tell_results"

// StepFill offers places that came free while results were being told.
const StepFill = "fill_places"

func reactPublication(c merge.Change) []merge.Effect {
	step := func(do string) []merge.Effect {
		return []merge.Effect{{Scope: c.Scope(), Collection: "publication", ID: c.After.ID, Do: do}}
	}
	switch {
	case c.After.Text("state") == "told" && c.Before.Text("state") != "told":
		return step(StepFill)
	case !merge.Null(c.After.Fields["total"]) && merge.Null(c.Before.Fields["total"]):
		return step(StepTell)
	}
	return nil
}
