package play_test

import (
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// unsent is an edit that a mentor's phone holds when the caseload changes hands.
type unsent struct {
	scope, collection, id string
	task                  string // that it checks off; "" for a note
	late                  bool   // made after the hand-over
}

// offline lets the phone check a task off and note something in some of the
// businesses, without a network. The phone shows it at once.
func (c *caseload) offline(p *play.Phone, late bool, businesses ...string) (out []unsent) {
	c.Helper()
	for _, b := range businesses {
		scope := "business/" + b
		tasks, err := p.Rows(scope, "task")
		c.ok(err)
		i := slices.IndexFunc(tasks, func(r merge.Row) bool { return r.Text("state") == domain.TaskSubmitted })
		if i < 0 {
			c.Fatalf("no task of %s waits for a check-off", b)
		}
		task := tasks[i].ID
		out = append(out,
			unsent{scope, "task_event", c.write(p, scope, "task_event", map[string]any{"task_id": task, "op": "verify", "note": "kunjungan terakhir"}), task, late},
			unsent{desk(scope), "mentor_note", c.write(p, desk(scope), "mentor_note", map[string]any{"text": "Kunjungan terakhir: label sudah dicetak"}), "", late})
	}
	return out
}

// counted fails unless the server holds every edit that was made in time, marked
// as a late hand-over, and the next mentor's phone too; and none of the others.
func (c *caseload) counted(next *play.Phone, edits []unsent) {
	c.Helper()
	c.ok(next.Sync(c.Context()))
	for _, e := range edits {
		row, has := c.stored(e.scope, e.collection, e.id)
		if has == e.late || has && !slices.Contains(row.Strings("review"), "late_handover") {
			c.Errorf("%s of %s, made late %t: there %t, %s", e.collection, e.scope, e.late, has, row.EncodeFields())
		}
		if _, ok, err := next.Row(e.scope, e.collection, e.id); err != nil || ok == e.late {
			c.Errorf("%s of %s, made late %t, on the next phone: %t, %v", e.collection, e.scope, e.late, ok, err)
		}
		if e.task == "" {
			continue
		}
		if task, _ := c.stored(e.scope, "task", e.task); (task.Text("state") == domain.TaskVerified) == e.late {
			c.Errorf("the task checked off late %t is %s", e.late, task.Text("state"))
		}
	}
}

// stored reads a record from the server.
func (c *caseload) stored(scope, collection, id string) (merge.Row, bool) {
	c.Helper()
	rows, err := c.w.Rows(c.Context(), scope, collection)
	c.ok(err)
	for _, r := range rows {
		if r.ID == id {
			return r, true
		}
	}
	return merge.Row{}, false
}

// returned fails unless exactly the edits that were made too late are back with
// the mentor, word for word, on the phone and in quarantine, and nothing waits.
func (c *caseload) returned(old *play.Phone, edits []unsent) {
	c.Helper()
	c.ok(c.w.Sync(c.Context(), old, old)) // quarantine is an effect
	var want []string
	for _, e := range edits {
		if e.late {
			want = append(want, e.scope+" "+e.collection+" "+e.id+" not_assigned")
		}
	}
	slices.Sort(want)
	refused, err := old.Refused()
	c.ok(err)
	var got []string
	for _, r := range refused {
		got = append(got, r.Scope+" "+r.Collection+" "+r.ID+" "+r.Code)
		if !strings.Contains(strings.ToLower(string(r.Mutation)), "kunjungan terakhir") {
			c.Errorf("what came back does not say what was written: %s", r.Mutation)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) || len(want) == 0 {
		c.Errorf("refused\n got %q\nwant %q", got, want)
	}
	rows, err := old.Rows(merge.UserScope(old.Me().User), "quarantine")
	c.ok(err)
	got = nil
	for _, r := range rows {
		got = append(got, r.Text("scope")+" "+r.Text("collection")+" "+r.Text("record")+" "+r.Text("code"))
		if !strings.Contains(strings.ToLower(string(r.Fields["mutation"])), "kunjungan terakhir") {
			c.Errorf("quarantine does not say what was written: %s", r.EncodeFields())
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		c.Errorf("quarantine\n got %q\nwant %q", got, want)
	}
	if waiting, err := old.Unsent(); err != nil || len(waiting) != 0 {
		c.Errorf("%d edits wait, %v", len(waiting), err)
	}
}
