package play_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// task puts a task in front of everybody.
func (d *duo) task() {
	d.Helper()
	d.record = d.write(d.a, "task", "", map[string]any{"title": "Foto produk", "origin": domain.OriginMentor, "due_on": "2022-04-20"})
	d.second = d.write(d.a, "task", "", map[string]any{"title": "Label", "origin": domain.OriginMentor})
	d.everybody()
	d.tag = d.read("task", d.record).Etag
}

// does keeps an operation on the task, with a photo.
func (d *duo) does(p *play.Phone, op string, more ...map[string]any) {
	d.Helper()
	set := map[string]any{"task_id": d.record, "op": op, "note": "catatan " + op, "evidence_ids": []string{d.photo(p)}}
	for _, m := range more {
		for k, v := range m {
			set[k] = v
		}
	}
	d.write(p, "task_event", "", set)
}

// keeps is an act of one phone without a network.
func keeps(name, op string, by func(*duo) *play.Phone, more ...map[string]any) act {
	return act{name: name, by: by, keep: func(d *duo) { d.does(by(d), op, more...) }}
}

// cancels is the admin's cancel, on what the screen showed before anything
// arrived.
func cancels() act {
	return act{name: "the admin cancels", arrive: func(d *duo) {
		if code := d.decide("tasks", "task", d.record, d.tag, map[string]any{"op": "cancel", "note": "tidak perlu"}); code != "" && code != "forbidden_transition" {
			d.Errorf("cancel: %s", code)
		}
	}}
}

func (d *duo) is(state string) {
	d.Helper()
	if got := d.held("task", d.record).Text("state"); got != state {
		d.Errorf("the task is %s, want %s", got, state)
	}
	d.settled(d.owner, d.tablet, d.staff, d.a, d.b)
}

// evidence wants so many photos on the task.
func (d *duo) evidence(n int) {
	d.Helper()
	if got := d.held("task", d.record).Strings("evidence"); len(got) != n {
		d.Errorf("%d photos, want %d", len(got), n)
	}
}

// outcome wants an operation to have come to something, once.
func (d *duo) outcome(collection, name, want string) merge.Row {
	d.Helper()
	all := d.events(collection)
	if _, twice := all[name+" again"]; twice || all[name].Text("outcome") != want {
		d.Errorf("%s is %q (twice: %t), want %s", name, all[name].Text("outcome"), twice, want)
	}
	return all[name]
}

// handsOver gives the business of mentor A to mentor B, who had no part in it.
func handsOver() act {
	return act{name: "the hand-over", arrive: func(d *duo) {
		var all struct {
			Assignments []struct {
				ID     string `json:"id"`
				Mentor string `json:"mentor_id"`
				Etag   string `json:"etag"`
			} `json:"assignments"`
		}
		path := "/v1/businesses/" + d.business() + "/assignments"
		d.ok(d.desk.Send(d.Context(), http.MethodGet, path, "", nil, &all))
		for _, w := range all.Assignments {
			if w.Mentor == d.a.Me().User {
				d.ok(d.desk.Send(d.Context(), http.MethodPatch, path+"/"+w.ID, w.Etag, map[string]any{"to": d.w.Clock.Now()}, nil))
			}
		}
	}}
}

// TestEveryConcurrentPairOfATask are the eleven rows of the table of tasks, each
// in every order of arrival.
func TestEveryConcurrentPairOfATask(t *testing.T) {
	begun := (*duo).task
	submitted := func(d *duo) {
		d.task()
		d.does(d.owner, "submit")
		d.everybody()
	}
	playPairs(t, []pair{
		{name: "owner submit beside mentor verify at a visit: verified, the owner's photos kept as extra evidence", before: begun,
			acts: []act{keeps("the owner syncs", "submit", owner), keeps("the mentor syncs", "verify", mentorA)},
			check: func(d *duo, _ []int) {
				d.is(domain.TaskVerified)
				d.evidence(2)
				d.outcome("task_event", "owner submit", domain.Absorbed)
			}},
		{name: "owner submit beside mentor return of an earlier submission: returned, the owner is told and the mentor sees the evidence in the queue",
			before: func(d *duo) {
				submitted(d)
				d.does(d.a, "return")
				d.sync(d.a, d.owner)
			},
			acts: []act{keeps("the owner syncs", "submit", owner), keeps("mentor B syncs", "return", mentorB)},
			check: func(d *duo, _ []int) {
				d.is(domain.TaskReturned)
				d.evidence(4)
				if d.told(d.owner, domain.NoticeOperationAbsorbed) == 0 || d.told(d.a, domain.NoticeTaskSubmitted) < 2 {
					d.Errorf("owner told %d times, mentor %d times", d.told(d.owner, domain.NoticeOperationAbsorbed), d.told(d.a, domain.NoticeTaskSubmitted))
				}
			}},
		{name: "owner submit beside admin cancel: cancelled, evidence kept, the owner told why", before: begun,
			acts: []act{keeps("the owner syncs", "submit", owner), cancels()},
			check: func(d *duo, _ []int) {
				d.is(domain.TaskCancelled)
				d.evidence(1)
				if d.told(d.owner, domain.NoticeTaskCancelled) != 1 || d.outcome("task_event", "desk cancel", domain.Effective).Text("note") == "" {
					d.Errorf("the owner was told %d times", d.told(d.owner, domain.NoticeTaskCancelled))
				}
			}},
		{name: "mentor verify beside admin cancel: verified, the admin gets a review item and may reopen and cancel", before: begun,
			acts: []act{keeps("the mentor syncs", "verify", mentorA), cancels()},
			check: func(d *duo, order []int) {
				d.is(domain.TaskVerified)
				reviewed := 0
				if came(order, 1, 0) { // else the admin saw the check-off and could not cancel
					reviewed = 1
				}
				if got := d.reviews("verify_against_cancel"); got != reviewed {
					d.Errorf("%d review items, want %d", got, reviewed)
				}
				for _, op := range []string{"reopen", "cancel"} {
					if code := d.decide("tasks", "task", d.record, d.read("task", d.record).Etag, map[string]any{"op": op, "note": "salah periksa"}); code != "" {
						d.Errorf("%s: %s", op, code)
					}
				}
				d.everybody()
				d.is(domain.TaskCancelled)
			}},
		{name: "mentor A verify beside mentor B return: verified, a second opinion for the lead mentor", before: submitted,
			acts: []act{keeps("mentor A syncs", "verify", mentorA), keeps("mentor B syncs", "return", mentorB)},
			check: func(d *duo, _ []int) {
				d.is(domain.TaskVerified)
				d.outcome("task_event", "mentor B return", domain.Superseded)
				if a, b := d.told(d.a, domain.NoticeSecondOpinion), d.told(d.b, domain.NoticeSecondOpinion); a != 1 || b != 0 {
					d.Errorf("the lead was told %d times, the other %d times", a, b)
				}
			}},
		{name: "owner block beside owner submit on two phones: submitted, the reason kept as a comment", before: begun,
			acts: []act{keeps("the owner's phone syncs", "block", owner), keeps("the owner's tablet syncs", "submit", tablet)},
			check: func(d *duo, _ []int) {
				d.is(domain.TaskSubmitted)
				if got := d.outcome("task_event", "owner block", domain.Superseded).Text("note"); got != "catatan block" {
					d.Errorf("the reason is %q", got)
				}
			}},
		{name: "owner submit beside a moved due date: submitted, the new date, late only after the later of both", before: func(d *duo) {
			d.task()
			d.w.At(time.April, 21, 9, 0) // a day after it was due
			d.ok(d.desk.Login(d.Context()))
		},
			acts: []act{keeps("the owner syncs", "submit", owner, map[string]any{"due_on": "2022-04-20"}),
				{name: "the mentor syncs", by: mentorA, keep: func(d *duo) { d.write(d.a, "task", d.record, map[string]any{"due_on": "2022-04-25"}) }}},
			check: func(d *duo, _ []int) {
				d.is(domain.TaskSubmitted)
				d.outcome("task_event", "owner submit", domain.Effective)
				task := d.held("task", d.record)
				if task.Text("due_on") != "2022-04-25" || strings.Count(string(task.Fields["due_dates"]), `"value"`) != 2 {
					d.Errorf("due %s of %s", task.Text("due_on"), task.Fields["due_dates"])
				}
				if got := d.due("2022-04-25"); len(got) != 0 {
					d.Errorf("the date was moved, and %+v", got)
				}
				if got := d.due("2022-04-18"); len(got) != 1 || got[0].Says != domain.DueLate {
					d.Errorf("a day behind both dates: %+v", got)
				}
			}},
		{name: "old mentor verify dated before the hand-over, received within seven days: verified, late hand-over, the new mentor informed", before: begun,
			acts: []act{keeps("mentor A syncs", "verify", mentorA), handsOver(), keeps("the owner syncs", "submit", owner)},
			check: func(d *duo, order []int) {
				late := came(order, 1, 0)
				if got := d.held("task", d.record).Text("state"); got != domain.TaskVerified {
					d.Errorf("the task is %s", got)
				}
				if got := slices.Contains(d.outcome("task_event", "mentor A verify", domain.Effective).Strings("review"), "late_handover"); got != late {
					d.Errorf("marked as late hand-over %t, want %t", got, late)
				}
				if got := d.told(d.b, domain.NoticeLateHandover); (got == 1) != late {
					d.Errorf("mentor B was told %d times, late %t", got, late)
				}
			}},
		// What is dated after the hand-over cannot arrive before it: three orders.
		{name: "old mentor verify dated after the hand-over: rejected not_assigned, to the admin's review with evidence", before: begun, orders: [][]int{{0, 1, 2}, {1, 0, 2}, {0, 2, 1}},
			acts: []act{handsOver(), keeps("the owner syncs", "submit", owner), {name: "mentor A syncs", arrive: func(d *duo) {
				d.w.Clock.Advance(24 * time.Hour)
				d.does(d.a, "verify")
				d.w.Clock.Advance(time.Hour)
				d.ok(d.a.Sync(d.Context()))
			}}},
			check: func(d *duo, _ []int) {
				d.ok(d.desk.Login(d.Context()))
				if got := d.held("task", d.record).Text("state"); got != domain.TaskSubmitted {
					d.Errorf("the task is %s", got)
				}
				refused, err := d.a.Refused()
				d.ok(err)
				if len(refused) != 2 || refused[0].Code != "not_assigned" || refused[1].Code != "not_assigned" {
					d.Errorf("refused: %+v", refused)
				}
				if got := d.reviews("refused_edit"); got != 2 { // the check-off and its photo
					d.Errorf("%d review items", got)
				}
			}},
		{name: "verify on a task whose business was merged: applied to the surviving business", before: func(d *duo) {
			d.task()
			second, err := d.w.Found(d.Context(), d.owner, "Rafin Snack", "18.10")
			d.ok(err)
			d.survivor = "business/" + second
		},
			acts: []act{keeps("the mentor syncs", "verify", mentorA), {name: "the admin merges", arrive: func(d *duo) {
				d.ok(d.desk.Send(d.Context(), http.MethodPost, "/v1/businesses/"+d.business()+"/merge", "", map[string]any{"into": strings.TrimPrefix(d.survivor, "business/")}, nil))
			}}},
			check: func(d *duo, _ []int) {
				d.ok(d.w.Step(d.Context()))
				d.everybody()
				d.scope = d.survivor
				d.is(domain.TaskVerified)
				d.evidence(1)
			}},
		{name: "the same operation retried n times: once", before: begun,
			acts: []act{keeps("the owner syncs", "submit", owner), {name: "the answer is lost", arrive: func(d *duo) {
				c := cut(d.owner, "/v1/sync")
				for range 3 {
					c.after = 40
					if err := d.owner.Sync(d.Context()); err == nil {
						d.Error("half an answer is one")
					}
				}
				c.after = -1
			}}},
			check: func(d *duo, _ []int) {
				d.sync(d.owner)
				d.is(domain.TaskSubmitted)
				d.evidence(1)
				d.outcome("task_event", "owner submit", domain.Effective)
				if got := d.told(d.a, domain.NoticeTaskSubmitted); got != 1 {
					d.Errorf("the mentor was told %d times", got)
				}
			}},
	})
}

// due lists what the owner's phone finds due of the task on 26 April, were it due
// on a day.
func (d *duo) due(day string) []domain.Due {
	d.Helper()
	var rows []merge.Row
	for _, c := range []string{"business", "task", "task_event"} {
		found, err := d.owner.Rows(d.scope, c)
		d.ok(err)
		rows = append(rows, found...)
	}
	for i := range rows {
		if rows[i].Collection == "task" {
			rows[i].Fields["due_on"] = merge.Str(day)
		}
	}
	return slices.DeleteFunc(domain.Dues(rows, "2022-04-26"), func(due domain.Due) bool { return due.ID != d.record })
}
