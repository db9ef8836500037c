package play_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// waiting gives the one open item about a record.
func (l late) waiting(id string) reviewed {
	l.Helper()
	items := slices.DeleteFunc(l.queue(), func(r reviewed) bool { return r.record() != id })
	if len(items) != 1 {
		l.Fatalf("%d items about %s", len(items), id)
	}
	return items[0]
}

// exists reports whether the server holds a record, and its row.
func (l late) exists(collection, id string) (merge.Row, bool) {
	l.Helper()
	rows, err := l.w.Rows(l.Context(), l.scope, collection)
	l.ok(err)
	i := slices.IndexFunc(rows, func(r merge.Row) bool { return r.ID == id })
	if i < 0 {
		return merge.Row{}, false
	}
	return rows[i], !rows[i].Deleted
}

// TestAnAppliedEditIsJudgedAsItsAuthorsPhoneWas: an admin overrides that the
// author's time was over, and no other rule.
func TestAnAppliedEditIsJudgedAsItsAuthorsPhoneWas(t *testing.T) {
	t.Parallel()
	var sale, done string
	ids := map[string]string{}
	l := setLateAfter(t, func(l late) {
		sale = l.sell(l.owner, 1_000_000)
		l.sync(l.owner, l.old)
		done = l.write(l.old, "task", "", map[string]any{"title": "Selesai", "origin": "mentor"})
		l.write(l.old, "task_event", "", map[string]any{"task_id": done, "op": "verify"})
		l.sync(l.old)
	}, func(l late) {
		me := l.old.Me().User
		ids["owner"] = l.write(l.old, "membership", "", map[string]any{"user_id": me, "role": "owner", "from": "2022-01-01T00:00:00.000Z"})
		ids["mentor"] = l.write(l.old, "assignment", "", map[string]any{"mentor_id": me, "from_at": "2022-01-01T00:00:00.000Z", "lead": true})
		ids["note"] = l.write(l.old, "task", l.task, map[string]any{"owner_note": "ditulis pendamping"})
		ids["sale"] = l.write(l.old, "sales", "", map[string]any{"sold_on": "2022-04-02"})
		ids["title"] = l.write(l.old, "task", "", map[string]any{"origin": "mentor"})
		ids["reopen"] = l.write(l.old, "task_event", "", map[string]any{"task_id": done, "op": "reopen", "reason_code": "wrong_evidence"})
		_, err := l.old.Do(replica.Edit{Scope: l.scope, Collection: "sales", ID: sale, Op: merge.Delete})
		l.ok(err)
		ids["delete"] = sale
	})
	before := len(l.queue())
	for _, tt := range []struct{ name, record, code string }{
		{"a membership that makes its author an owner", "owner", "forbidden"},
		{"an assignment that lets its author in again", "mentor", "forbidden"},
		{"a field of the owner's", "note", "forbidden"},
		{"a sale without an amount", "sale", "required"},
		{"a task without a title", "title", "required"},
		{"an operation that is made online only", "reopen", "online_only"},
		{"a delete of what nobody deletes", "delete", "forbidden"},
	} {
		item := l.waiting(ids[tt.record])
		if err := l.settle(l.admin, item, "applied"); fault.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
		if _, made := l.exists(item.about(), ids[tt.record]); made && item.creates() {
			t.Errorf("%s: was made", tt.name)
		}
	}
	if n := len(l.queue()); n != before {
		t.Errorf("%d items are open, want %d", n, before)
	}
	if _, stands := l.exists("sales", sale); !stands {
		t.Error("the sale is gone")
	}
	if note, state := l.held("task", l.task).Text("owner_note"), l.held("task", done).Text("state"); note != "" || state != "verified" {
		t.Errorf("owner's note %q, the other task is %s", note, state)
	}
	l.ok(l.w.Step(t.Context()))
	l.sync(l.old, l.old)
	if row, ok, err := l.old.Row(l.scope, "task", l.task); ok || err != nil {
		t.Errorf("the old mentor is in again: %s, %v", row.EncodeFields(), err)
	}
	l.ok(l.settle(l.admin, l.waiting(ids["owner"]), "dismissed"))
}

// TestAnAppliedEditLeavesOutWhatTheServerWrites, as it does from a phone.
func TestAnAppliedEditLeavesOutWhatTheServerWrites(t *testing.T) {
	t.Parallel()
	var task string
	l := setLate(t, func(l late) {
		task = l.write(l.old, "task", "", map[string]any{"title": "Label baru", "origin": "mentor", "state": "verified", "verified_by": l.old.Me().User})
	})
	made := l.w.Clock.Now()
	l.w.Clock.Advance(2 * time.Hour)
	l.ok(l.admin.Login(t.Context()))
	l.ok(l.settle(l.admin, l.waiting(task), "applied"))
	row := l.held("task", task)
	if row.Text("state") != "assigned" || row.Text("verified_by") != "" || row.Text("created_by") != l.old.Me().User {
		t.Errorf("task %s", row.EncodeFields())
	}
	if at, err := merge.ParseInstant(row.Text("created_at")); err != nil || at.Time().After(made) || made.Sub(at.Time()) > time.Minute {
		t.Errorf("made at %s, want %s", row.Text("created_at"), made)
	}
}

// TestAnAppliedEditNeedsThePermissionThatItsAuthorHadLast: staff who may not
// submit tasks do not submit them by way of an admin either.
func TestAnAppliedEditNeedsThePermissionThatItsAuthorHadLast(t *testing.T) {
	t.Parallel()
	s := set(t)
	l := late{scene: s, admin: s.enter(s.w.Person("Bu Ratna"), "office"), old: s.enter(s.w.Person("Pak Hendra"), "old")}
	business := "/v1/businesses/" + strings.TrimPrefix(s.scope, "business/")
	_, err := s.w.Assign(t.Context(), l.admin, strings.TrimPrefix(s.scope, "business/"), l.old.Who)
	s.ok(err)
	s.sync(l.old)
	task := s.write(l.old, "task", "", map[string]any{"title": "Foto", "origin": "mentor"})
	s.sync(l.old, s.staff, s.staff)
	l.changeStaff(business, map[string]any{"permissions": []string{"log_sales"}})
	s.sync(s.staff)
	l.changeStaff(business, map[string]any{"to": s.w.Clock.Now()})
	s.w.Clock.Advance(6 * time.Hour)
	event := s.write(s.staff, "task_event", "", map[string]any{"task_id": task, "op": "submit"})
	sale := s.sell(s.staff, 20_000)
	s.sync(s.staff, s.staff)
	if err := l.settle(l.admin, l.waiting(event), "applied"); fault.CodeOf(err) != "forbidden" {
		t.Errorf("a submission without the permission: %v", err)
	}
	l.ok(l.settle(l.admin, l.waiting(sale), "applied"))
	if state := s.held("task", task).Text("state"); state != "assigned" {
		t.Errorf("the task is %s", state)
	}
	if row := s.held("sales", sale); row.Text("created_by") != s.staff.Me().User {
		t.Errorf("sale %s", row.EncodeFields())
	}
}

// changeStaff changes the membership of the business's one member of staff.
func (l late) changeStaff(business string, change map[string]any) {
	l.Helper()
	var all struct {
		Members []struct {
			ID   string `json:"id"`
			Etag string `json:"etag"`
			Role string `json:"role"`
		} `json:"members"`
	}
	l.ok(l.admin.Send(l.Context(), http.MethodGet, business+"/members", "", nil, &all))
	for _, m := range all.Members {
		if m.Role == "staff" {
			l.ok(l.admin.Send(l.Context(), http.MethodPatch, business+"/members/"+m.ID, m.Etag, change, nil))
		}
	}
}
