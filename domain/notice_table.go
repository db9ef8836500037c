package domain

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// NoticeTypes is the table of notices. The slice is the caller's.
func NoticeTypes() []NoticeType {
	return slices.Concat(resultNotices(), enrolmentNotices(), mentorNotices(), taskNotices(), visitNotices(), caseNotices(), dueNotices(), salesNotices(), editNotices(), newsNotices(),
		securityNotices(), silenceNotices())
}

// Tags and links that several rows share.
const (
	queueTag  = "mq" // one card for all that waits for a mentor
	taskTag   = "task:{id}"
	taskLink  = "app://tugas/{id}"
	caseTag   = "case:{id}"
	caseLink  = "app://fasilitasi/{id}"
	visitTag  = "visit:{id}"
	visitLink = "app://kunjungan/{id}"
	saleTag   = "sale:{id}"
	saleLink  = "app://penjualan/{id}"
	newsTag   = "ann:{id}"
	newsLink  = "app://pengumuman/{id}"
)

// Many is how one push tells of several items.
type Many struct {
	Alike    bool     // it says the same of each as of the first
	Words    string   // key of what it says; "" for what says least
	Tag      string   // "" for one of its own
	Link     string   // where a tap leads
	Collapse Collapse // the key that all of them have; "" where they differ
}

// ManyOf says how one push tells of several items: results as results, new tasks as new tasks,
// what waits for mentors as their queue, what admins are told where each of it leads, what the
// calendar tells of one type as several of that, and anything else as some news.
func ManyOf(items []merge.Row) Many {
	m := Many{Link: "app://kotak-masuk"}
	all := func(is func(NoticeType, merge.Row) bool) bool {
		return !slices.ContainsFunc(items, func(i merge.Row) bool {
			t, _ := NoticeTypeOf(i.Text("type"))
			return !is(t, i)
		})
	}
	first, _ := NoticeTypeOf(items[0].Text("type"))
	link := items[0].Text("deep_link")
	if all(func(t NoticeType, _ merge.Row) bool { return t.Collapse == first.Collapse }) {
		m.Collapse, m.Words = first.Collapse, string(first.Collapse)
	}
	switch {
	case all(func(t NoticeType, i merge.Row) bool { return t.ID == NoticeResults && i.Text("deep_link") == link }):
		m.Alike = true
	case all(func(t NoticeType, _ merge.Row) bool { return t.ID == NoticeResults }):
		m.Words = "results"
	case all(func(t NoticeType, _ merge.Row) bool { return t.ID == NoticeTaskAssigned }):
		m.Words, m.Tag, m.Link = "tasks", "task:new", "app://tugas"
	case first.ID == NoticeAccessEnded, first.Collapse != CollapseReminder && Reminds(first.ID):
		if all(func(t NoticeType, _ merge.Row) bool { return t.ID == first.ID }) {
			return severalOf(first, items, m)
		}
	case m.Collapse != CollapseQueue:
	case all(func(t NoticeType, i merge.Row) bool {
		return slices.Contains(t.In, merge.Admin) && !slices.Contains(t.In, merge.Mentor) && i.Text("deep_link") == link
	}):
		m.Alike = true
	case all(func(t NoticeType, _ merge.Row) bool { return slices.Contains(t.In, merge.Mentor) }) && !all(func(t NoticeType, _ merge.Row) bool { return slices.Contains(t.In, merge.Owner) }):
		m.Tag, m.Link = TagOf(items[0]), "app://pendamping/antrean"
	default: // they may all be of an owner, who has no queue
		m.Words = ""
	}
	return m
}

// byCalendar is as long as what a reminder rings.
const byCalendar = "the calendar would give it again, to them"

// resultNotices say the same to everybody: neither the text nor the link of the first
// tells who was selected.
func resultNotices() []NoticeType {
	programme := []NoticeParam{{Name: "programme", Kind: ParamWord}}
	owners := []merge.Role{merge.Owner}
	return []NoticeType{
		{ID: NoticeResults, About: "application", When: "the results of a programme are told", To: "owners of every business that applied", Class: "results", Quiet: WaitsForDay, TTL: longestTTL, High: true,
			Tag: "result:{programme}", Link: "app://hasil/{programme}", While: always("it was promised to all who applied, and says nothing of a business"), Params: programme},
		{ID: NoticePlace, About: "application", When: "a business of the reserve is offered a place", To: "owners", Class: "results", Quiet: WaitsForDay, TTL: longestTTL, High: true,
			Tag: "result:{programme}", Link: "app://kepesertaan/konfirmasi", In: owners, While: stateIs(ApplicationOffered), Params: programme},
		{ID: NoticeApplicationIn, About: "application", When: "a submission has got its receipt number; not of what was imported", To: "owners", Class: "results", Quiet: WaitsForDay, TTL: longestTTL,
			Tag: "application:{id}", Link: "app://pendaftaran/{id}", In: owners, While: stateIsNot(ApplicationDraft, ApplicationWithdrawn), Params: []NoticeParam{{Name: "number", Kind: ParamText}, {Name: "on", Kind: ParamDate, Optional: true}}},
		{ID: NoticeApplicationBack, About: "application", When: "a submission goes back to its owner; says until when it is to be complete, if it can be", To: "owners", Class: "results", Quiet: WaitsForDay, TTL: longestTTL,
			Tag: "application:{id}", Link: "app://pendaftaran/{id}", In: owners, While: stateIs(ApplicationReturned), Params: []NoticeParam{{Name: "until", Kind: ParamInstant, Optional: true}}},
		{ID: NoticeLateScore, About: "score", When: "a curator's sheet comes in after its stage was decided; it does not count", To: "the admins who prepared and approved the decision", Class: "results",
			Quiet: WaitsForDay, TTL: longestTTL, Collapse: CollapseQueue, Tag: "late_score:{programme}", Link: "app://kurasi/{programme}",
			In: []merge.Role{merge.Admin}, While: flag("the sheet is still late", "late"), Params: append(programme, NoticeParam{Name: "number", Kind: ParamText}, NoticeParam{Name: "stage", Kind: ParamCount})},
	}
}

// enrolmentNotices name neither the reason nor the business: the enrolment does.
func enrolmentNotices() []NoticeType {
	row := func(kind, state, when string, more ...NoticeParam) NoticeType {
		return NoticeType{ID: kind, About: "enrolment", When: when, To: "owners and mentors", Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL, Tag: "enrolment:{id}", Link: "app://kepesertaan/{id}",
			In: []merge.Role{merge.Owner, merge.Mentor}, While: stateIs(state),
			Params: append([]NoticeParam{{Name: "programme", Kind: ParamWord}}, more...)}
	}
	return []NoticeType{
		row(NoticeEnrolmentPaused, EnrolmentPaused, "an admin lets the part of a business in a programme pause"),
		row(NoticeEnrolmentResumed, EnrolmentActive, "it goes on; says by how many days the plan moved, if by any", NoticeParam{Name: "days", Kind: ParamCount, Optional: true}),
		row(NoticeEnrolmentCompleted, EnrolmentCompleted, "it is completed"),
		row(NoticeEnrolmentWithdrawn, EnrolmentWithdrawn, "it ends before, also because the application was disqualified, or the place was given up or lost"),
	}
}

func mentorNotices() []NoticeType {
	const about, tag, link = "assignment", "mentor", "app://pendamping"
	business := NoticeParam{Name: "business", Kind: ParamText, Optional: true}
	from := NoticeParam{Name: "from", Kind: ParamDate}
	owners := []merge.Role{merge.Owner}
	return []NoticeType{
		{ID: NoticeMentorChanged, About: about, When: "a mentor's window is opened, alone or by a hand-over, also one that begins later", To: "owners",
			Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL, Tag: tag, Link: link, In: owners, While: windowLasts(), Params: []NoticeParam{{Name: "mentor", Kind: ParamText, Optional: true}, from}},
		{ID: NoticeMentorLeft, About: about, When: "a mentor's window is ended and nobody follows in the same commit", To: "owners",
			Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL, Tag: tag, Link: link, In: owners, While: windowEnds(), Params: []NoticeParam{{Name: "mentor", Kind: ParamText, Optional: true}, {Name: "until", Kind: ParamDate}}},
		{ID: NoticeMentoringBegins, About: about, When: "as N09", To: "the mentor of the window, who may have no right yet",
			Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL, Tag: "mentoring:{id}", Link: link, While: windowLasts(), Params: []NoticeParam{business, from}},
		{ID: NoticeMentoringEnds, When: "a mentor's window is ended", To: "the mentor of the window, who has no right any more: names the business and nothing else; the day too while it lies ahead",
			Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL, Tag: tag, Link: link, While: always("it is about having left"), Params: []NoticeParam{business, {Name: "until", Kind: ParamDate, Optional: true}}},
	}
}

func taskNotices() []NoticeType {
	title := []NoticeParam{{Name: "task", Kind: ParamText}}
	row := func(kind, when, to string, collapse Collapse, tag string, while While, in ...merge.Role) NoticeType {
		return NoticeType{ID: kind, About: "task", When: when, To: to, Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL, Collapse: collapse, Tag: tag, Link: taskLink, In: in, While: while, Params: title}
	}
	theirs := func(kind, when, tag string, while While) NoticeType {
		return row(kind, when, "owners and assignee but the author", "", tag, ofAssignee(while), merge.Owner, merge.Staff)
	}
	assigned := theirs(NoticeTaskAssigned, "tasks become assigned; those of one commit are one item; the push names the nearest day on which one is due when that ends within 24 hours", "task:new", stateIs(openTaskStates()...))
	assigned.Many = "app://tugas"
	assigned.Params = []NoticeParam{{Name: "n", Kind: ParamCount}, {Name: "task", Kind: ParamText, Optional: true}, {Name: "due", Kind: ParamDate, Optional: true}}
	return []NoticeType{
		assigned,
		row(NoticeTaskSubmitted, "a task is submitted, or evidence crossed a return", "mentors but the author", CollapseQueue, queueTag, submitted(), merge.Mentor),
		theirs(NoticeTaskReturned, "a task is sent back", taskTag, stateIs(TaskReturned)),
		theirs(NoticeTaskVerified, "a task is checked off", taskTag, stateIs(TaskVerified)),
		row(NoticeTaskBlocked, "a task is blocked", "the other side: mentors, or owners and assignee if a mentor blocked it", CollapseQueue, queueTag, ofAssignee(stateIs(TaskBlocked)), everybody()...),
		row(NoticeTaskProposed, "somebody of the owner's side proposes a task", "mentors but the author", CollapseQueue, queueTag, stateIs(TaskProposed), merge.Mentor),
		theirs(NoticeTaskCancelled, "a task is cancelled", taskTag, stateIs(TaskCancelled)),
		row(NoticeOperationAbsorbed, "an operation on a task changed nothing, because the task had moved on unseen", "its author", "", taskTag, isThere(), everybody()...),
		row(NoticeSecondOpinion, "a return stands beside another person's check-off", "the mentor who leads", CollapseQueue, queueTag, stateIs(TaskVerified), merge.Mentor),
		row(NoticeLateHandover, "an operation of a former mentor arrives after the hand-over", "mentors", CollapseQueue, queueTag, isThere(), merge.Mentor),
	}
}

func visitNotices() []NoticeType {
	row := func(kind, when string, while While) NoticeType {
		return NoticeType{ID: kind, About: "visit", When: when, To: "owners and mentors but the author", Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL,
			Tag: visitTag, Link: visitLink, In: []merge.Role{merge.Owner, merge.Mentor}, While: while, Params: []NoticeParam{{Name: "at", Kind: ParamInstant}}}
	}
	return []NoticeType{
		row(NoticeVisitPlanned, "a visit is planned or moved", visitAhead()),
		row(NoticeVisitCancelled, "a planned visit is called off", stateIs(VisitCancelled)),
		{ID: NoticeVisitTomorrow, About: "visit", When: "17:00 of the day before a planned visit", To: "owners and mentors", Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL,
			Tag: visitTag, Link: visitLink, While: asked(byCalendar), Params: []NoticeParam{{Name: "at", Kind: ParamInstant}}},
	}
}

func caseNotices() []NoticeType {
	row := func(kind, when, to, class string, collapse Collapse, tag string, while While, in ...merge.Role) NoticeType {
		return NoticeType{ID: kind, About: "case", When: when, To: to, Class: class, Quiet: WaitsForDay, TTL: longestTTL, Collapse: collapse, Tag: tag, Link: caseLink, In: in, While: while,
			Params: []NoticeParam{{Name: "kind", Kind: ParamCaseKind}}}
	}
	return []NoticeType{
		row(NoticeDocumentReturned, "a document of a case is sent back", "owners but the author", "tasks", "", caseTag, documentWanted(), merge.Owner),
		row(NoticeCaseResult, "an admin confirms what a case came to", "owners and mentors", "results", "", caseTag, flag("it is confirmed", "confirmed"), merge.Owner, merge.Mentor),
		row(NoticeCaseProposed, "a case is proposed", "mentors but the author", "tasks", CollapseQueue, queueTag, stateIs(CaseProposed), merge.Mentor),
		row(NoticeCaseApproved, "a case is approved", "owners but the author", "tasks", "", caseTag, stateIs(caseGoesOn()...), merge.Owner),
		row(NoticeCaseFindings, "an assessment has findings", "owners but the author", "tasks", "", caseTag, stateIs(CaseCorrective), merge.Owner),
		row(NoticeCaseCancelled, "a case is cancelled", "owners but the author", "tasks", "", caseTag, stateIs(CaseCancelled), merge.Owner),
		row(NoticeCaseAbsorbed, "an operation on a case changed nothing, because the case had moved on unseen", "its author", "tasks", "", caseTag, isThere(), everybody()...),
		row(NoticeCaseHandover, "an operation of a former mentor arrives after the hand-over", "mentors but the author", "tasks", CollapseQueue, queueTag, isThere(), merge.Mentor),
	}
}

// dueNotices are reminders, which the server gives at eight in the morning of the
// business.
func dueNotices() []NoticeType {
	row := func(kind, about, when, to, tag, link string, says ...NoticeParam) NoticeType {
		return NoticeType{ID: kind, About: about, When: when, To: to, Class: "deadlines", Quiet: WaitsForEnd, TTL: reminderTTL, Collapse: CollapseReminder, Tag: tag, Link: link, While: asked(byCalendar), Params: says}
	}
	task, due, kind := NoticeParam{Name: "task", Kind: ParamText}, NoticeParam{Name: "due", Kind: ParamDate}, NoticeParam{Name: "kind", Kind: ParamCaseKind}
	programme, at := NoticeParam{Name: "programme", Kind: ParamWord}, NoticeParam{Name: "at", Kind: ParamInstant}
	day := NoticeParam{Name: "day", Kind: ParamWord, Optional: true} // "today": it has words of its own
	acknowledge := row(NoticeAcknowledge, "announcement", "an announcement wants to be confirmed within 24 hours", "those of its audience who have neither read nor confirmed it", newsTag, newsLink, at)
	acknowledge.Class, acknowledge.While = "announcements", asked("the announcement stands, and they have neither read nor confirmed it")
	return []NoticeType{
		row(NoticeTaskDue, "task", "a task that the business has to do is due in 7, 3 or 1 days or today (`day` is `today`; the second words, until the day ends)", "owners and assignee; a day before also mentors", taskTag, taskLink, task, due, day),
		row(NoticeTaskOverdue, "task", "it was due yesterday", "owners, assignee and mentors", taskTag, taskLink, task, due),
		row(NoticeCaseDue, "case", "the deadline of a case or a milestone that is not done is 7, 3 or 1 days ahead, today, or was yesterday", "owners and mentors", caseTag, caseLink,
			kind, due, NoticeParam{Name: "step", Kind: ParamCaseStep, Optional: true}, NoticeParam{Name: "name", Kind: ParamText, Optional: true}),
		row(NoticeRenewal, "case", "a confirmed certificate that nothing renews ends in 180, 90 or 30 days", "owners and mentors", "cert:{id}", caseLink,
			kind, NoticeParam{Name: "until", Kind: ParamDate}),
		row(NoticeRegistrationCloses, "application", "registration for a programme closes in 3 days, tomorrow or today, and a draft is not submitted", "owners", "reg", "app://pendaftaran", programme, at),
		row(NoticeConfirm, "application", "an offer that nobody has answered lapses tomorrow or tonight", "owners", "konf", "app://kepesertaan/konfirmasi", programme, at),
		acknowledge,
	}
}

func salesNotices() []NoticeType {
	week := []NoticeParam{{Name: "from", Kind: ParamDate}, {Name: "until", Kind: ParamDate}}
	return []NoticeType{
		{ID: NoticeSaleFlagged, About: "sales", When: "an entry is disputed, rejected or looks like another one, or an adjustment lost unseen",
			To: "owners, the author and the authors of adjustments; of one that lost its author", Class: "sales", Quiet: WaitsForDay, TTL: longestTTL, Tag: saleTag, Link: saleLink,
			In: everybody(), While: saleQuestioned()},
		{ID: NoticeAdjustmentProposed, About: "sales", When: "an adjustment of a verified entry waits for consent", To: "mentors",
			Class: "sales", Quiet: WaitsForDay, TTL: longestTTL, Collapse: CollapseQueue, Tag: queueTag, Link: saleLink, In: []merge.Role{merge.Mentor}, While: saleProposed()},
		{ID: NoticeNothingLogged, About: "business", When: "19:00 of the third day without a new entry, at most once from Monday to Thursday and once from Friday to Sunday, while a programme runs that the business is active in",
			To: "owners", Class: "sales", Quiet: WaitsForEnd, TTL: nudgeTTL, Collapse: CollapseNudge, Tag: "sales", Link: "app://penjualan/baru", While: asked(byCalendar)},
		{ID: NoticeWeek, About: "business", When: "Monday at 8:00, while a programme runs that the business takes part in", To: "owners", Class: "sales", Quiet: WaitsForEnd, TTL: nudgeTTL, Collapse: CollapseNudge,
			Tag: "sum", Link: "app://penjualan/ringkasan", While: asked(byCalendar), Params: week},
		{ID: NoticeCaseloadWeek, When: "as N23, once for all businesses of a mentor", To: "their mentors", Class: "sales", Quiet: WaitsForEnd, TTL: nudgeTTL, Collapse: CollapseNudge,
			Tag: "sum", Link: "app://pendamping", While: asked("they accompany a business"), Params: week},
		{ID: NoticeTargetReached, About: "target", When: "19:00 of the day on which the target of a month is seen to be reached, up to a week behind the month", To: "owners and mentors", Class: "sales",
			Quiet: WaitsForDay, TTL: longestTTL, Tag: "target", Link: "app://target", While: asked(byCalendar), Params: week[1:]},
	}
}

// securityNotices are about who gets at what. They ring at night too.
func securityNotices() []NoticeType {
	row := func(kind, about, when, to, link string, says ...NoticeParam) NoticeType {
		return NoticeType{ID: kind, About: about, When: when, To: to, Class: "security", Quiet: RingsAlways, TTL: longestTTL, High: true, Tag: "sec", Link: link, While: always("it is about who gets at what"), Params: says}
	}
	phone := []NoticeParam{{Name: "device", Kind: ParamWord}, {Name: "model", Kind: ParamText, Optional: true}}
	in := row(NoticeNewPhone, "device", "somebody logs in on a phone on which they were not logged in, and has another one", "that person; the new phone is not rung", "app://keamanan/perangkat", phone...)
	out := row(NoticePhoneRemoved, "device", "a phone is revoked or given up for lost", "its person, on the phones that are left", "app://keamanan/perangkat", phone...)
	in.NotTo, out.NotTo = "device", "device"
	return []NoticeType{in, out,
		row(NoticeAccessEnded, "", "the window of a member or a mentor ends and they have no other one there; of one that was given its end ahead at the next hour of reminders",
			"that person: names the business and nothing else", "app://kotak-masuk", NoticeParam{Name: "business", Kind: ParamText, Optional: true})}
}

// silenceNotices are about phones that the server has not heard of.
func silenceNotices() []NoticeType {
	from := NoticeParam{Name: "from", Kind: ParamDate}
	return []NoticeType{
		{ID: NoticeSilentPhone, About: "device", When: "the first 8:00 that is 3 days, and 7 days, behind the last contact of a phone of somebody in a business", To: "its person", Class: "tasks", Quiet: WaitsForEnd, TTL: syncTTL,
			Collapse: CollapseSync, Tag: "sync", Link: "app://sinkron", While: asked("the phone is still silent"), Params: []NoticeParam{from}},
		{ID: NoticeSilentBusiness, About: "business", When: "as N26, at 7 days, of phones of owners and staff", To: "mentors", Class: "tasks", Quiet: WaitsForEnd, TTL: syncTTL,
			Collapse: CollapseSync, Tag: "silent:{id}", Link: "app://pendamping", While: asked(byCalendar), Params: []NoticeParam{from, {Name: "business", Kind: ParamText, Optional: true}}},
	}
}

func editNotices() []NoticeType {
	refused := []NoticeParam{{Name: "quarantine", Kind: ParamWord, Optional: true}}
	mine := always("the edit lies in their own quarantine, often because they have left")
	return []NoticeType{
		{ID: NoticeEditLost, About: "*", When: "a value lost to somebody else's", To: "its author", Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL, Tag: "edit:{id}", Link: "app://riwayat/{journal}",
			In: everybody(), While: asked("what became of the record matters not"), Params: []NoticeParam{{Name: "field", Kind: ParamWord}, {Name: "journal", Kind: ParamWord}}},
		{ID: NoticeEditRefused, When: "edits are refused for good; those that one commit refuses are one item", To: "their author", Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL,
			Tag: "refused", Link: "app://karantina", While: mine, Params: []NoticeParam{{Name: "at", Kind: ParamInstant}}},
		{ID: NoticeReviewApplied, About: "*", When: "an admin lets a refused edit count after all", To: "its author", Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL,
			Tag: "review:{quarantine}", Link: "app://karantina/{quarantine}", While: mine, Params: refused},
		{ID: NoticeReviewDismissed, About: "*", When: "an admin has looked at a refused edit and leaves it", To: "its author", Class: "tasks", Quiet: WaitsForDay, TTL: longestTTL,
			Tag: "review:{quarantine}", Link: "app://karantina/{quarantine}", While: mine, Params: refused},
	}
}

func newsNotices() []NoticeType {
	return []NoticeType{
		{ID: NoticeAnnouncement, About: "announcement", When: "an announcement is sent; its title and words are fields of the item, which follow corrections and a retraction", To: "its audience, frozen at that hour",
			Class: "announcements", Quiet: WaitsForDay, TTL: longestTTL, Tag: newsTag, Link: newsLink, While: asked("it is neither retracted nor expired, and they have neither read nor confirmed it")},
	}
}
