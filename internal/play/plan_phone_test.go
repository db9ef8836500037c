package play_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
)

// tasksOf is what an app shows of the tasks of a business: "title state due, waits for … (rests)".
func tasksOf(a app, scope string) (out []string) {
	text, err := a.Tasks(scope)
	type before struct{ Title string }
	type shown struct {
		Title, State, Rests string
		Due                 string   `json:"due_on"`
		WaitsFor            []before `json:"waits_for"`
	}
	for _, t := range read[[]shown](a, text, err) {
		out = append(out, fmt.Sprint(t.Title, " ", t.State, " ", t.Due, " ", t.WaitsFor, " ", t.Rests))
	}
	return out
}

// plansOf is what an app shows of the plans of a business.
func plansOf(a app, scope string) (out []string) {
	text, err := a.Plans(scope)
	type plan struct {
		Template, Enrolment string
		Tasks               int
		Adjustments         []domain.Adjustment
	}
	for _, p := range read[[]plan](a, text, err) {
		out = append(out, fmt.Sprint(p.Template, " ", p.Enrolment, " ", p.Tasks))
		for _, d := range p.Adjustments {
			out = append(out, fmt.Sprint(d.Kind, " ", d.Title, " ", d.From, " ", d.To))
		}
	}
	return out
}

// TestAPlanOnAnApp: what a task waits for, in the language of who reads it, and how the plan
// differs from its template; offline as online, by nothing but what is on the phone.
func TestAPlanOnAnApp(t *testing.T) {
	t.Parallel()
	p := setPausing(t, func(o play.Options) play.Options {
		o.Store, o.Identity = storefault.NewPoor(), &storefault.MemoryIdentity{}
		return o
	})
	owner, mentor := p.installApp(p.owner.Who, "id"), p.installApp(p.mentor.Who, "en")
	owner.sync()
	mentor.sync()
	want := func(of string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%q\nwant\n%q", of, got, want)
		}
	}
	want("the owner", tasksOf(owner, p.scope), "Tugas shop assigned 2022-04-13 [] ", "Tugas photos assigned 2022-04-15 [{Tugas shop}] ", "Tugas story assigned 2022-04-16 [{Tugas photos}] ")
	want("the mentor", tasksOf(mentor, p.scope), "Task shop assigned 2022-04-13 [] ", "Task photos assigned 2022-04-15 [{Task shop}] ", "Task story assigned 2022-04-16 [{Task photos}] ")
	want("no adjustments", plansOf(owner, p.scope), "Rencana active 3")
	save := func(a app, collection, id, fields string) {
		t.Helper()
		_, err := a.Save(p.scope, collection, id, fields)
		p.ok(err)
	}
	photos, shop, story := domain.PlanTaskID(p.enrolment, "photos"), domain.PlanTaskID(p.enrolment, "shop"), domain.PlanTaskID(p.enrolment, "story")
	save(owner, "task_event", "", `{"task_id":"`+photos+`","op":"submit"}`) // a hint, not a lock
	save(mentor, "task_event", "", `{"task_id":"`+shop+`","op":"verify"}`)
	save(mentor, "task", photos, `{"title":"Foto lima produk"}`)
	save(mentor, "task", story, `{"due_on":"2022-05-30"}`)
	save(mentor, "task", "", `{"title":"Kunjungi toko","origin":"mentor","programme_id":"`+p.programme+`"}`)
	want("on the phone that has not sent it", plansOf(mentor, p.scope), "Rencana active 3", "renamed Foto lima produk Task photos Foto lima produk", "due_moved Task story 2022-04-16 2022-05-30", "added Kunjungi toko  ")
	mentor.sync()
	owner.sync()
	mentor.sync()
	want("the mentor's later", tasksOf(mentor, p.scope), "Task shop verified 2022-04-13 [] ", "Foto lima produk submitted 2022-04-15 [] ", "Task story assigned 2022-05-30 [{Foto lima produk}] ", "Kunjungi toko assigned  [] ")
	want("the owner's plan", plansOf(owner, p.scope), "Rencana active 3", "renamed Foto lima produk Tugas photos Foto lima produk", "due_moved Tugas story 2022-04-16 2022-05-30", "added Kunjungi toko  ")
	p.enrols("pause", "Panen")
	owner.sync()
	want("while it pauses", tasksOf(owner, p.scope), "Tugas shop verified 2022-04-13 [] paused", "Foto lima produk submitted 2022-04-15 [] paused", "Tugas story assigned 2022-05-30 [{Foto lima produk}] paused", "Kunjungi toko assigned  [] paused")
	text, err := owner.Progress(p.scope)
	if got := read[domain.EnrolmentProgress](owner, text, err); got.Enrolment != domain.EnrolmentPaused || got.TasksDone != 1 || got.TasksTotal != 4 {
		t.Errorf("progress %+v", got)
	}
	if text, err := owner.Due(p.scope); err != nil || text != "[]" {
		t.Errorf("due %s, %v", text, err)
	}
	save(owner, "task_event", "", `{"task_id":"`+story+`","op":"start"}`)
	owner.sync()
	type refused struct{ Code, Title string }
	text, err = owner.Refused()
	if got := read[[]refused](owner, text, err); len(got) != 1 || got[0].Code != "enrolment_paused" || got[0].Title == "" {
		t.Errorf("refused %+v", got)
	}
	told := func(a app, kind string) (details []string) {
		text, err := a.Inbox()
		type item struct{ Type, Detail string }
		for _, i := range read[[]item](a, text, err) {
			if i.Type == kind {
				details = append(details, i.Detail)
			}
		}
		return details
	}
	reader := p.installApp(p.owner.Who, "en")
	reader.sync()
	want("in Indonesian", told(owner, domain.NoticeTaskVerified), "Tugas shop sudah diverifikasi.")
	want("in English", told(reader, domain.NoticeTaskVerified), "Task shop has been verified.")
	want("of what was renamed", told(mentor, domain.NoticeTaskSubmitted), "Foto lima produk waits for your check.")
}
