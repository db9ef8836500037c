package play_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The titles of a task at a reviewer.
const (
	titleBefore = "Sebelum"
	titleLate   = "Terlambat" // of the refused edit
	titleLater  = "Sesudah"   // of whoever wrote over it
)

// reviewer is an admin with a desk full of refused edits, each of the title of one
// task, who settles every one in a process that may die.
type reviewer struct {
	late
	desk  []programme.Review
	asked int
}

func setReviewer(t *testing.T, items int) *reviewer {
	tasks := make([]string, items)
	l := setLateAfter(t, func(l late) {
		for i := range tasks {
			tasks[i] = l.write(l.old, "task", "", map[string]any{"title": titleBefore, "origin": "mentor"})
		}
	}, func(l late) {
		for _, task := range tasks {
			l.write(l.old, "task", task, map[string]any{"title": titleLate})
		}
	})
	l.ok(l.w.Step(t.Context()))
	all, _, err := l.w.App.Programme.Reviews(t.Context(), programme.Caller{User: l.admin.Me().User, Proved: true}, programme.Page{Limit: 10 * items})
	l.ok(err)
	o := &reviewer{late: l}
	for _, r := range all {
		if (reviewed{}).of(r).about() == "task" {
			o.desk = append(o.desk, r)
		}
	}
	if len(o.desk) != items {
		t.Fatalf("%d items, want %d", len(o.desk), items)
	}
	return o
}

// take gives the next item from the desk.
func (o *reviewer) take() programme.Review {
	o.Helper()
	if len(o.desk) == 0 {
		o.Fatal("there are more calls of the store than items")
	}
	r := o.desk[0]
	o.desk = o.desk[1:]
	return r
}

// of reads what the store says of an item.
func (reviewed) of(r programme.Review) (out reviewed) {
	out.ID, out.Queue, out.Fields.Mutation = r.ID, r.Queue, r.Text("mutation")
	return out
}

func (o *reviewer) title(r programme.Review) string {
	o.Helper()
	got, err := o.w.App.Engine.Store.Load(o.Context(), o.scope, store.Want{Keys: []merge.Key{{Collection: "task", ID: reviewed{}.of(r).record()}}})
	o.ok(err)
	var task struct {
		Title string `json:"title"`
	}
	o.ok(json.Unmarshal(got.Records[0].Fields, &task))
	return task.Title
}

// ask settles an item by a new request to a process with that view of the store.
func (o *reviewer) ask(r programme.Review, decision string, view store.Store) error {
	o.asked++
	app := o.w.App.Programme
	e := app.Engine
	svc := &programme.Service{People: app.People, Clock: app.Clock,
		Engine: &syncer.Engine{Store: view, Schema: e.Schema, Clock: e.Clock, IDs: e.IDs, Log: e.Log, Limits: e.Limits, Steps: e.Steps}}
	got, err := svc.Resolve(o.Context(), programme.Caller{User: o.admin.Me().User, Name: fmt.Sprint("rest.", o.asked), Proved: true},
		programme.Resolution{Queue: r.Queue, Item: r.ID, Decision: decision})
	if err == nil && (got.Text("decision") != decision || got.Text("resolved_at") == "") {
		o.Errorf("%s answered %s", decision, got.EncodeFields())
	}
	return err
}

// crash has a process die while it settles an item, at the n-th call of the
// store. It is false if there are not so many calls.
func (o *reviewer) crash(r programme.Review, decision string, n int, fate storefault.Fate) bool {
	o.Helper()
	f := storefault.NewFailing(o.w.App.Engine.Store, storefault.At(n, fate), nil)
	err := o.ask(r, decision, f.Store())
	if f.Calls() < n {
		o.ok(err)
	}
	return f.Calls() >= n
}

// settled checks that an item has one end, which its task shows and which every
// later request is told.
func (o *reviewer) settled(at string, r programme.Review) (decision string) {
	o.Helper()
	whole := o.w.App.Engine.Store
	decision, other := programme.ReviewApplied, programme.ReviewDismissed
	if o.title(r) == titleBefore {
		decision, other = other, decision
	}
	if err := o.ask(r, decision, whole); err != nil {
		o.Errorf("%s: title %q, but %s again says %v", at, o.title(r), decision, err)
	}
	title := o.title(r)
	if err := o.ask(r, other, whole); fault.CodeOf(err) != "conflict" {
		o.Errorf("%s: %s, and then %s: %v", at, decision, other, err)
	}
	if now := o.title(r); now != title {
		o.Errorf("%s: title %q became %q", at, title, now)
	}
	return decision
}

// TestACrashWhileAReviewIsSettledLeavesOneEnd: whoever comes back, and with
// whatever decision, finds what stands or goes on from where it was.
func TestACrashWhileAReviewIsSettledLeavesOneEnd(t *testing.T) {
	t.Parallel()
	o := setReviewer(t, 500/few())
	whole := o.w.App.Engine.Store
	for _, first := range []string{programme.ReviewApplied, programme.ReviewDismissed} {
		for _, then := range []string{programme.ReviewApplied, programme.ReviewDismissed} {
			for _, fate := range []storefault.Fate{storefault.DieBefore, storefault.DieAfter} {
				ends := map[string]int{}
				for n := 1; ; n += few() {
					at := fmt.Sprintf("%s, fate %d at call %d, then %s", first, fate, n, then)
					r := o.take()
					if !o.crash(r, first, n, fate) {
						break
					}
					if err := o.ask(r, then, whole); err != nil && (first == then || fault.CodeOf(err) != "conflict") {
						t.Errorf("%s: %v", at, err)
					}
					ends[o.settled(at, r)]++
				}
				if ends[first] == 0 || first != then && ends[then] == 0 {
					t.Errorf("%s, fate %d, then %s: ends %v", first, fate, then, ends)
				}
			}
		}
	}
}

// TestAnAppliedEditThatWasWrittenOverStaysApplied, also when nobody could say so
// before the process died.
func TestAnAppliedEditThatWasWrittenOverStaysApplied(t *testing.T) {
	t.Parallel()
	o := setReviewer(t, 80)
	whole := o.w.App.Engine.Store
	stood := 0
	for n := 1; ; n += few() {
		r := o.take()
		if !o.crash(r, programme.ReviewApplied, n, storefault.DieAfter) {
			break
		}
		_, _, err := o.w.App.Engine.Decided(t.Context(), o.scope, "any") // folds what the dead process left
		o.ok(err)
		made := o.title(r) == titleLate
		_, err = o.w.App.Engine.Write(t.Context(), o.scope, merge.ServerWrite{Name: "over." + r.ID, Author: o.next.Me().User, Role: merge.Mentor,
			Collection: "task", ID: reviewed{}.of(r).record(), Op: merge.Put, Set: map[string]merge.Value{"title": merge.Str(titleLater)}})
		o.ok(err)
		err = o.ask(r, programme.ReviewApplied, whole)
		if made && err != nil || !made && fault.CodeOf(err) != "stale_version" {
			t.Errorf("call %d: made %t, applied again: %v", n, made, err)
		}
		err = o.ask(r, programme.ReviewDismissed, whole)
		if made && fault.CodeOf(err) != "conflict" || !made && err != nil {
			t.Errorf("call %d: made %t, dismissed: %v", n, made, err)
		}
		if title := o.title(r); title != titleLater {
			t.Errorf("title %q", title)
		}
		if made {
			stood++
		}
	}
	if stood == 0 {
		t.Error("no process died behind its edit")
	}
}

// TestADecisionOutlivesAMerger: a process gave an edit up and died, then the
// business was merged into another one.
func TestADecisionOutlivesAMerger(t *testing.T) {
	t.Parallel()
	l := setLate(t)
	item := l.waiting(l.photo)
	_, err := l.w.App.Engine.Write(t.Context(), l.scope, merge.ServerWrite{Name: "review." + item.ID, Author: l.admin.Me().User, Decide: merge.Rejected})
	l.ok(err)
	survivor, err := l.w.Found(t.Context(), l.owner, "Rafin Snack", "18.10")
	l.ok(err)
	l.ok(l.admin.Send(t.Context(), http.MethodPost, "/v1/businesses/"+strings.TrimPrefix(l.scope, "business/")+"/merge", "", map[string]any{"into": survivor}, nil))
	l.ok(l.w.Step(t.Context()))
	if err := l.settle(l.admin, item, "applied"); fault.CodeOf(err) != "conflict" {
		t.Errorf("applied after it was given up: %v", err)
	}
	l.ok(l.settle(l.admin, item, "dismissed"))
	if rows, err := l.w.Rows(t.Context(), "business/"+survivor, "attachment"); err != nil || len(rows) != 0 {
		t.Errorf("%d files, %v", len(rows), err)
	}
}
