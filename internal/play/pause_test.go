package play_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// pausing is a business that takes part in a programme with a plan of three tasks.
type pausing struct {
	*accompanied
	programme, enrolment string
}

// TestAPhoneWithoutANetworkAcrossAPause: the owner works on without knowing of it, which
// counts; what is done by who knows is refused and stays on the phone; nobody is reminded;
// and when it goes on the plan has the days of the pause more.
func TestAPhoneWithoutANetworkAcrossAPause(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := setPausing(t, on)
			p.pauses()
			p.worksOnUnknowing()
			p.isRefusedKnowing()
			p.rings(0, 12, 16)
			p.goesOn()
			p.rings(2, 25, 26) // of one task a day before: the owner, and the mentor
			p.completes()
			p.rings(0, 27, 28)
		})
	}
}

func setPausing(t *testing.T, on func(play.Options) play.Options) *pausing {
	p := &pausing{accompanied: accompany(t, func(o *play.Options) {
		o.Store, o.Identity = nil, nil
		*o = on(*o)
	})}
	item := func(code string, offset int, on ...string) map[string]any {
		return map[string]any{"code": code, "title_id": "Tugas " + code, "title_en": "Task " + code, "track": "digital", "offset_days": offset, "duration_days": 10, "depends_on": append([]string{}, on...)}
	}
	var made ticket
	p.ok(p.admin.Send(t.Context(), http.MethodPost, "/v1/plan-templates", "", map[string]any{"code": "rencana", "version": 1, "fields": map[string]any{"name": "Rencana",
		"items": []any{item("shop", 0), item("photos", 2, "shop"), item("story", 3, "photos")}}}, &made))
	p.ok(p.admin.Send(t.Context(), http.MethodPost, "/v1/programmes", "", map[string]any{"code": "lagawi-fest-2022", "fields": map[string]any{"name": "Lagawi Fest 2022", "kind": "campaign",
		"region_codes": []string{"18"}, "plan_template_id": made.ID, "monitoring": map[string]any{"starts_on": "2022-04-04", "ends_on": "2022-07-02"},
		"quota": 30, "number_prefix": "LGW22", "confirm_days": 3, "phases": []any{map[string]any{"code": "registration", "starts_on": "2022-02-27", "ends_on": "2022-03-06"}},
		"stages": []any{map[string]any{"no": 1, "kind": "rubric", "curators_per_file": 1, "items": []any{map[string]any{"code": "product", "label_id": "Produk", "weight_bp": 10_000, "max": 100}}}}}}, &made))
	p.programme = made.ID
	p.ok(p.admin.Send(t.Context(), http.MethodPost, "/v1/programmes/"+made.ID+"/status", made.Etag, map[string]any{"status": "open"}, nil))
	application := domain.ApplicationID(p.business, p.programme, 1)
	p.enrolment = domain.EnrolmentID(application)
	p.selected(application)
	p.sync(p.owner)
	p.write(p.owner, "application_event", "", map[string]any{"application_id": application, "op": "confirm"})
	p.sync(p.owner)
	p.ok(p.w.Step(t.Context()))
	p.sync(p.owner, p.mentor)
	if due := p.dueOn(); !slices.Equal(due, []string{"2022-04-13", "2022-04-15", "2022-04-16"}) {
		t.Fatalf("the plan: %v", due)
	}
	return p
}

// selected writes down that the business was offered a place, as the publication does.
func (p *pausing) selected(application string) {
	p.Helper()
	write := func(scope, collection, id string, set map[string]merge.Value) {
		_, err := p.w.App.Engine.Write(p.Context(), scope, merge.ServerWrite{Name: "told." + id, Role: merge.System, Collection: collection, ID: id, Op: merge.Put, Create: true, Set: set})
		p.ok(err)
	}
	write(domain.DecisionScope(p.programme), "case_file", application, map[string]merge.Value{"business_id": merge.Str(p.business), "state": merge.Str(domain.FileSelected), "region_code": merge.Str("18.10")})
	write(p.scope, "application", application, map[string]merge.Value{"programme_id": merge.Str(p.programme), "opens": merge.Str(domain.ApplicationSubmitted)})
	write(p.scope, "application_event", p.admin.IDs.New(), map[string]merge.Value{"application_id": merge.Str(application), "op": merge.Str("offer"),
		"confirm_by": merge.Millis(p.w.Clock.Now().Add(72 * time.Hour).UnixMilli()).Value()})
}

// task is what the server holds of an item of the plan.
func (p *pausing) task(code string) merge.Row {
	p.Helper()
	return p.held("task", domain.PlanTaskID(p.enrolment, code))
}

func (p *pausing) dueOn() (out []string) {
	p.Helper()
	for _, code := range []string{"shop", "photos", "story"} {
		out = append(out, p.task(code).Text("due_on"))
	}
	return out
}

// does keeps an operation on a task on a phone.
func (p *pausing) does(by *play.Phone, op, code string) string {
	p.Helper()
	return p.write(by, "task_event", "", map[string]any{"task_id": domain.PlanTaskID(p.enrolment, code), "op": op, "note": "Sudah"})
}

// enrols operates on the enrolment as the list shows it.
func (p *pausing) enrols(op, reason string) {
	p.Helper()
	var all struct {
		Enrolments []ticket `json:"enrolments"`
	}
	p.ok(p.admin.Login(p.Context())) // with a fresh proof
	p.ok(p.admin.Send(p.Context(), http.MethodGet, "/v1/programmes/"+p.programme+"/enrolments", "", nil, &all))
	if len(all.Enrolments) != 1 || all.Enrolments[0].ID != p.enrolment {
		p.Fatalf("the list: %+v", all)
	}
	p.ok(p.admin.Send(p.Context(), http.MethodPost, "/v1/programmes/"+p.programme+"/enrolments/"+p.enrolment+"/events", all.Enrolments[0].Etag, map[string]any{"op": op, "reason": reason}, nil))
	p.ok(p.w.Step(p.Context()))
}

// rings wants so many reminders of tasks in all from one day to another, with looks every hour.
func (p *pausing) rings(want, from, to int) {
	p.Helper()
	before := p.reminded()
	p.w.At(time.April, from, 9, 0)
	for end := time.Date(2022, time.April, to, 9, 0, 0, 0, domain.WIB.Location()); p.w.Clock.Now().Before(end); p.w.Clock.Advance(time.Hour) {
		_, err := p.w.App.Programme.Remind(p.Context())
		p.ok(err)
	}
	if got := p.reminded() - before; got != want {
		p.Errorf("from %d to %d April %d reminders, want %d", from, to, got, want)
	}
}

func (p *pausing) reminded() (n int) {
	p.Helper()
	for _, who := range []*play.Phone{p.owner, p.mentor} {
		items, err := p.w.Rows(p.Context(), merge.UserScope(who.Me().User), "inbox")
		p.ok(err)
		for _, i := range items {
			if kind := i.Text("type"); kind == domain.NoticeTaskDue || kind == domain.NoticeTaskOverdue {
				n++
			}
		}
	}
	return n
}

// shows wants what a phone says of the tasks of the plan, on a day.
func (p *pausing) shows(by *play.Phone, rests string, day domain.Date, dues int) {
	p.Helper()
	var rows []merge.Row
	for _, collection := range []string{"business", "enrolment", "task", "task_event", "case"} {
		some, err := by.Rows(p.scope, collection)
		p.ok(err)
		rows = append(rows, some...)
	}
	for _, r := range rows {
		if r.Collection == "task" && domain.TaskRests(rows, r) != rests {
			p.Errorf("on the phone of %s %s rests as %q, want %q", by.Name, r.Text("title"), domain.TaskRests(rows, r), rests)
		}
	}
	if got := domain.Dues(rows, day); len(got) != dues {
		p.Errorf("on the phone of %s there are due %+v, want %d", by.Name, got, dues)
	}
	if got := domain.EnrolmentProgressOf(rows, "").Enrolment; rests != "" && got != rests {
		p.Errorf("the phone of %s says %s", by.Name, got)
	}
}

// refused lists what a phone was refused.
func (p *pausing) refused(by *play.Phone) (out []string) {
	p.Helper()
	all, err := by.Refused()
	p.ok(err)
	for _, r := range all {
		if len(r.Mutation) == 0 {
			p.Errorf("what was typed is not on the phone: %+v", r)
		}
		out = append(out, r.Code+" "+r.ID)
	}
	return out
}

func (p *pausing) pauses() {
	p.Helper()
	p.w.At(time.April, 5, 9, 0)
	p.enrols("pause", "Pemilik sakit")
	p.sync(p.mentor)
	p.shows(p.mentor, domain.EnrolmentPaused, "2022-04-14", 0)
	p.shows(p.owner, "", "2022-04-14", 3) // who has not heard of it
	if e := p.held("enrolment", p.enrolment); e.Text("state") != domain.EnrolmentPaused || e.Text("state_reason") != "Pemilik sakit" {
		p.Errorf("the server holds %v", e.Fields)
	}
	if n, err := p.mentor.Notices(domain.NoticeEnrolmentPaused); err != nil || n != 1 {
		p.Errorf("the mentor was told %d times, %v", n, err)
	}
}

// worksOnUnknowing: the owner submits and sells without a network, and it counts.
func (p *pausing) worksOnUnknowing() {
	p.Helper()
	p.w.At(time.April, 6, 9, 0)
	p.does(p.owner, "submit", "shop")
	p.sell(p.owner, 45_000)
	p.w.At(time.April, 7, 9, 0)
	p.sync(p.owner)
	if got := p.task("shop").Text("state"); got != domain.TaskSubmitted || len(p.sales()) != 1 {
		p.Errorf("what nobody could know was refused: the task is %s, %d sales; %v", got, len(p.sales()), p.refused(p.owner))
	}
}

// isRefusedKnowing: both have heard of it. Sales go on.
func (p *pausing) isRefusedKnowing() {
	p.Helper()
	p.w.At(time.April, 8, 9, 0)
	p.sync(p.owner, p.mentor)
	p.shows(p.owner, domain.EnrolmentPaused, "2022-04-14", 0)
	started, verified := p.does(p.owner, "start", "photos"), p.does(p.mentor, "verify", "shop")
	p.sell(p.owner, 30_000)
	p.sync(p.owner, p.mentor)
	if got, want := append(p.refused(p.owner), p.refused(p.mentor)...), []string{"enrolment_paused " + started, "enrolment_paused " + verified}; !slices.Equal(got, want) {
		p.Errorf("refused %v, want %v", got, want)
	}
	if p.task("photos").Text("state") != domain.TaskAssigned || p.task("shop").Text("state") != domain.TaskSubmitted || len(p.sales()) != 2 {
		p.Errorf("photos %s, shop %s, %d sales", p.task("photos").Text("state"), p.task("shop").Text("state"), len(p.sales()))
	}
	var was ticket
	p.ok(p.mentor.Login(p.Context()))
	p.ok(p.mentor.Send(p.Context(), http.MethodGet, "/v1/businesses/"+p.business+"/records/task/"+p.task("shop").ID, "", nil, &was))
	if err := p.mentor.Send(p.Context(), http.MethodPost, "/v1/businesses/"+p.business+"/tasks/"+p.task("shop").ID+"/events", was.Etag, map[string]any{"op": "verify"}, nil); fault.CodeOf(err) != "enrolment_paused" {
		p.Errorf("online: %v", err)
	}
	p.write(p.mentor, "task", domain.PlanTaskID(p.enrolment, "story"), map[string]any{"due_on": "2022-05-30"}) // planning is no work
	p.sync(p.mentor)
}

// goesOn: what the owner does behind it, still without having heard, counts.
func (p *pausing) goesOn() {
	p.Helper()
	p.w.At(time.April, 16, 9, 30)
	p.write(p.mentor, "task", domain.PlanTaskID(p.enrolment, "photos"), map[string]any{"due_on": "2022-04-27"}) // without a network
	p.w.At(time.April, 16, 10, 0)
	p.enrols("resume", "")
	if due := p.dueOn(); !slices.Equal(due, []string{"2022-04-24", "2022-04-26", "2022-05-30"}) {
		p.Errorf("behind the pause: %v", due)
	}
	p.w.At(time.April, 17, 9, 0)
	p.does(p.owner, "start", "photos")
	p.w.At(time.April, 18, 9, 0)
	p.sync(p.owner, p.mentor)
	p.does(p.mentor, "verify", "shop")
	p.sync(p.mentor, p.owner)
	if p.task("photos").Text("state") != domain.TaskInProgress || p.task("shop").Text("state") != domain.TaskVerified {
		p.Errorf("photos %s, shop %s; %v %v", p.task("photos").Text("state"), p.task("shop").Text("state"), p.refused(p.owner), p.refused(p.mentor))
	}
	if due := p.dueOn(); !slices.Equal(due, []string{"2022-04-24", "2022-04-27", "2022-05-30"}) {
		p.Errorf("the mentor's date stands beside the pause: %v", due)
	}
	p.shows(p.owner, "", "2022-04-20", 1)
	for _, by := range []*play.Phone{p.owner, p.mentor} {
		if n, err := by.Notices(domain.NoticeEnrolmentResumed); err != nil || n != 1 {
			p.Errorf("%s was told %d times, %v", by.Name, n, err)
		}
	}
}

// completes: what is left of the plan is reminded of no more, and everybody has the same.
func (p *pausing) completes() {
	p.Helper()
	p.enrols("complete", "")
	p.sync(p.owner, p.mentor, p.owner)
	p.shows(p.owner, domain.EnrolmentCompleted, "2022-04-26", 0)
	if alike, err := p.w.Alike(p.Context(), p.scope, p.owner, p.mentor); err != nil || !alike {
		p.Errorf("alike %t, %v", alike, err)
	}
}
