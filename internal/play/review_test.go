package play_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// reviewed is an item of the admins' queue, as the API tells it.
type reviewed struct {
	ID     string `json:"id"`
	Queue  string `json:"queue"`
	Fields struct {
		What     string `json:"what"`
		Decision string `json:"decision"`
		Mutation string `json:"mutation"`
	} `json:"fields"`
}

// edit is the refused edit of an item.
func (r reviewed) edit() (m struct {
	Collection string          `json:"collection"`
	ID         string          `json:"id"`
	Base       json.RawMessage `json:"base"`
}) {
	_ = json.Unmarshal([]byte(r.Fields.Mutation), &m) // an item without one is about nothing
	return m
}

func (r reviewed) about() string  { return r.edit().Collection }
func (r reviewed) record() string { return r.edit().ID }

// creates reports whether the refused edit makes a record.
func (r reviewed) creates() bool { return string(r.edit().Base) == "null" }

// late is a business whose mentor checked a task off, with a photo, hours after
// another one took over.
type late struct {
	*scene
	admin, old, next    *play.Phone
	task, photo, verify string
}

func setLate(t *testing.T, more ...func(late)) late { return setLateAfter(t, func(late) {}, more...) }

// setLateAfter is setLate with what the mentor did while the business was his.
func setLateAfter(t *testing.T, before func(late), more ...func(late)) late {
	s := set(t)
	l := late{scene: s, admin: s.enter(s.w.Person("Bu Ratna"), "office"), old: s.enter(s.w.Person("Pak Hendra"), "old"), next: s.enter(s.w.Person("Bu Sinta"), "next")}
	business := strings.TrimPrefix(s.scope, "business/")
	window, err := s.w.Assign(t.Context(), l.admin, business, l.old.Who)
	s.ok(err)
	s.sync(l.old, l.next)
	l.task = s.write(l.old, "task", "", map[string]any{"title": "Foto produk", "origin": "mentor"})
	before(l)
	s.sync(l.old)
	s.ok(s.w.Reassign(t.Context(), l.admin, business, window, l.next.Who))
	s.w.Clock.Advance(6 * time.Hour) // the office's session of this morning still lives
	sum := strings.Repeat("a", 64)
	l.photo = s.write(l.old, "attachment", "", map[string]any{"sha256": sum, "bytes": 1000, "mime": "image/jpeg", "owner_ref": map[string]any{"collection": "task", "id": l.task}})
	l.verify = s.write(l.old, "task_event", "", map[string]any{"task_id": l.task, "op": "verify", "evidence_ids": []string{l.photo}})
	for _, do := range more { // before the phone hears that it is no longer the mentor's
		do(l)
	}
	s.sync(l.old, l.old) // what an effect wrote comes with the next sync
	return l
}

// queue reads the open items, edits of files first.
func (l late) queue() []reviewed {
	l.Helper()
	var list struct {
		Reviews []reviewed `json:"reviews"`
	}
	l.ok(l.admin.Send(l.Context(), http.MethodGet, "/v1/reviews", "", nil, &list))
	slices.SortFunc(list.Reviews, func(a, b reviewed) int { return cmp.Compare(a.about(), b.about()) })
	return list.Reviews
}

func (l late) settle(p *play.Phone, r reviewed, decision string) error {
	var out reviewed
	err := p.Send(l.Context(), http.MethodPost, "/v1/reviews/"+r.ID+"/resolution", "", map[string]any{"queue": r.Queue, "decision": decision, "note": "Sudah diperiksa."}, &out)
	if err == nil && out.Fields.Decision != decision {
		l.Errorf("settled as %+v", out)
	}
	return err
}

// told lists the types of notices on a phone.
func (l late) told(p *play.Phone) []string {
	l.Helper()
	rows, err := p.Rows(merge.UserScope(p.Me().User), "inbox")
	l.ok(err)
	var out []string
	for _, r := range rows {
		out = append(out, r.Text("type"))
	}
	return out
}

// unsettled counts the records in the quarantine of a phone's user that are open.
func (l late) unsettled(p *replica.Client) int {
	l.Helper()
	rows, err := p.Rows(merge.UserScope(p.Me().User), "quarantine")
	l.ok(err)
	n := 0
	for _, r := range rows {
		if string(r.Fields["resolved"]) != "true" {
			n++
		}
	}
	return n
}

// TestAnAdminAppliesACheckOffThatCameAfterTheHandOver is the end of story A8:
// what was refused is in the queue with its photo, and the admin lets it count.
func TestAnAdminAppliesACheckOffThatCameAfterTheHandOver(t *testing.T) {
	t.Parallel()
	l := setLate(t)
	items := l.queue()
	if len(items) != 2 || items[0].about() != "attachment" || items[1].about() != "task_event" {
		t.Fatalf("queue %+v", items)
	}
	if n := l.unsettled(l.old.Client); n != 2 {
		t.Errorf("%d open records in the mentor's quarantine, want 2", n)
	}
	if err := l.settle(l.owner, items[1], "applied"); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("an owner settles a review: %v", err)
	}
	if err := l.settle(l.admin, items[1], "applied"); fault.CodeOf(err) != "invalid_reference" {
		t.Errorf("a check-off before its photo: %v", err)
	}
	long := l.admin.Send(t.Context(), http.MethodPost, "/v1/reviews/"+items[0].ID+"/resolution", "", map[string]any{"queue": items[0].Queue, "decision": "applied", "note": strings.Repeat("x", 2001)}, nil)
	if rows, err := l.w.Rows(t.Context(), l.scope, "attachment"); long == nil || err != nil || len(rows) != 0 {
		t.Errorf("a note that is too long: %v, and %d files, %v", long, len(rows), err)
	}
	l.ok(l.settle(l.admin, items[0], "applied"))
	l.ok(l.settle(l.admin, items[1], "applied"))
	if err := l.settle(l.admin, items[1], "dismissed"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("settled twice: %v", err)
	}
	task := l.held("task", l.task)
	if task.Text("state") != "verified" || task.Text("verified_by") != l.old.Me().User || !slices.Equal(task.Strings("evidence"), []string{l.photo}) {
		t.Errorf("task %s", task.EncodeFields())
	}
	if left := l.queue(); len(left) != 0 {
		t.Errorf("queue %+v", left)
	}
	l.ok(l.w.Step(t.Context()))
	l.sync(l.old, l.next, l.owner)
	if got := l.told(l.old); !slices.Contains(got, "review_applied") {
		t.Errorf("the mentor was told %v", got)
	}
	if n := l.unsettled(l.old.Client); n != 0 {
		t.Errorf("%d open records in the mentor's quarantine, want none", n)
	}
	if row, ok, err := l.next.Row(l.scope, "task", l.task); err != nil || !ok || row.Text("state") != "verified" {
		t.Errorf("the next mentor sees %s, %v", row.EncodeFields(), err)
	}
}

func TestAnAdminDismissesAnEditAndNothingChanges(t *testing.T) {
	t.Parallel()
	l := setLate(t)
	for _, item := range l.queue() {
		l.ok(l.settle(l.admin, item, "dismissed"))
	}
	if task := l.held("task", l.task); task.Text("state") != "assigned" {
		t.Errorf("task %s", task.EncodeFields())
	}
	if _, err := l.w.Rows(t.Context(), l.scope, "attachment"); err != nil {
		t.Error(err)
	}
	l.ok(l.w.Step(t.Context()))
	l.sync(l.old)
	if got := l.told(l.old); !slices.Contains(got, "review_dismissed") || slices.Contains(got, "review_applied") {
		t.Errorf("the mentor was told %v", got)
	}
	if n := l.unsettled(l.old.Client); n != 0 {
		t.Errorf("%d open records in the mentor's quarantine, want none", n)
	}
}

// TestWhatAnAdminAppliesGoesWhereTheBusinessLives now, if it was merged into
// another one meanwhile.
func TestWhatAnAdminAppliesGoesWhereTheBusinessLives(t *testing.T) {
	t.Parallel()
	l := setLate(t)
	survivor, err := l.w.Found(t.Context(), l.owner, "Rafin Snack", "18.10")
	l.ok(err)
	l.ok(l.admin.Send(t.Context(), http.MethodPost, "/v1/businesses/"+strings.TrimPrefix(l.scope, "business/")+"/merge", "", map[string]any{"into": survivor}, nil))
	l.ok(l.w.Step(t.Context()))
	for _, item := range l.queue() {
		l.ok(l.settle(l.admin, item, "applied"))
	}
	l.scope = "business/" + survivor
	if task := l.held("task", l.task); task.Text("state") != "verified" || task.Text("verified_by") != l.old.Me().User {
		t.Errorf("the survivor's task: %s", task.EncodeFields())
	}
}

// TestAStaleEditIsNotApplied over what somebody else wrote since.
func TestAStaleEditIsNotApplied(t *testing.T) {
	t.Parallel()
	l := setLate(t, func(l late) { l.write(l.old, "task", l.task, map[string]any{"title": "Judul lama"}) })
	l.sync(l.next, l.next)
	l.write(l.next, "task", l.task, map[string]any{"title": "Judul baru"})
	l.sync(l.next, l.old)
	for _, item := range l.queue() {
		if item.about() != "task" {
			continue
		}
		if err := l.settle(l.admin, item, "applied"); fault.CodeOf(err) != "stale_version" {
			t.Errorf("an edit of what was changed since: %v", err)
		}
		l.ok(l.settle(l.admin, item, "dismissed"))
	}
	if title := l.held("task", l.task).Text("title"); title != "Judul baru" {
		t.Errorf("title %q", title)
	}
}
