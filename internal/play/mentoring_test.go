package play_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// mentored is a merging scene seen from the mentors' own side.
type mentored struct {
	*merging
	second *play.Phone // of another mentor, who comes later
}

func setMentored(t *testing.T) *mentored {
	m := &mentored{merging: setMerging(t)}
	m.second = m.enter(m.w.Person("Pak Hendra"), "second")
	return m
}

func desk(scope string) string { return strings.Replace(scope, "business/", "mentoring/", 1) }

// in keeps an edit in a scope.
func (m *mentored) in(p *play.Phone, scope string, e replica.Edit) string {
	m.Helper()
	e.Scope = scope
	id, err := p.Do(e)
	m.ok(err)
	m.w.Clock.Advance(time.Second)
	return id
}

func (m *mentored) note(p *play.Phone, scope, text string) string {
	m.Helper()
	return m.in(p, scope, replica.Edit{Collection: "mentor_note", Set: map[string]merge.Value{"text": merge.Str(text)}})
}

// queue lists what waits on the server: kind and object.
func (m *mentored) queue(scope string) (open []string) {
	m.Helper()
	rows, err := m.w.Rows(m.Context(), scope, "queue_item")
	m.ok(err)
	for _, r := range rows {
		if r.Text("closed_at") == "" {
			open = append(open, r.Text("kind"))
		}
	}
	slices.Sort(open)
	return open
}

// windows reads the window of a mentor in a business.
func (m *mentored) assignments(scope string) (out struct {
	Assignments []struct {
		ID     string `json:"id"`
		Etag   string `json:"etag"`
		Mentor string `json:"mentor_id"`
		To     string `json:"to"`
	} `json:"assignments"`
}) {
	m.Helper()
	m.ok(m.admin.Send(m.Context(), http.MethodGet, "/v1/businesses/"+strings.TrimPrefix(scope, "business/")+"/assignments", "", nil, &out))
	return out
}

// handOver gives a business to the second mentor, now.
func (m *mentored) handOver(scope string) {
	m.Helper()
	for _, a := range m.assignments(scope).Assignments {
		if a.Mentor == m.mentor.Me().User && a.To == "" {
			m.ok(m.admin.Send(m.Context(), http.MethodPatch, "/v1/businesses/"+strings.TrimPrefix(scope, "business/")+"/assignments/"+a.ID, a.Etag,
				map[string]any{"to": m.w.Clock.Now(), "successor_id": m.second.Me().User}, nil))
		}
	}
	m.w.Clock.Advance(time.Second)
}

func holds(t *testing.T, p *play.Phone, scope string) bool {
	t.Helper()
	has, err := p.Holds(scope)
	if err != nil {
		t.Fatal(err)
	}
	return has
}

// TestMentorsHaveAPlaceOfTheirOwn: a mentor's notes and queue reach the mentors of
// the business and nobody else, and go to the successor with the business.
func TestMentorsHaveAPlaceOfTheirOwn(t *testing.T) {
	t.Parallel()
	m := setMentored(t)
	own := desk(m.old)
	note := m.note(m.mentor, own, "Pemilik sering tidak di tempat")
	m.write(m.owner, "task_event", "", map[string]any{"task_id": m.task, "op": "submit", "note": "selesai"})
	m.sync(m.owner, m.mentor, m.second, m.staff)
	if got := m.queue(own); !slices.Equal(got, []string{domain.QueueTaskSubmitted}) {
		t.Fatalf("queue %v", got)
	}
	for _, p := range []*play.Phone{m.owner, m.staff, m.second, m.admin} {
		if p == m.admin {
			m.sync(p)
		}
		if holds(t, p, own) {
			t.Errorf("%s has the mentors' scope", p.Name)
		}
	}
	items, err := m.mentor.Rows(own, "queue_item")
	m.ok(err)
	if len(items) != 1 || items[0].Text("title") != "Foto produk" || items[0].Text("since") == "" {
		t.Fatalf("items of the mentor: %v", items)
	}
	m.in(m.mentor, own, replica.Edit{Collection: "queue_item", ID: items[0].ID, Set: map[string]merge.Value{"remark": merge.Str("tanya dulu"),
		"snoozed_until": merge.Str("2022-04-04T00:00:00.000Z")}})
	m.sync(m.mentor)
	late := m.note(m.mentor, own, "catatan terakhir, tanpa sinyal")
	before, err := m.mentor.Snapshot(m.old)
	m.ok(err)
	m.handOver(m.old)
	m.sync(m.mentor, m.second)
	if holds(t, m.mentor, own) || holds(t, m.mentor, m.old) {
		t.Error("the former mentor keeps a scope")
	}
	if !holds(t, m.second, own) || !holds(t, m.second, m.old) || len(before) == 0 {
		t.Fatal("the next mentor lacks a scope")
	}
	notes, err := m.second.Rows(own, "mentor_note")
	m.ok(err)
	if len(notes) != 2 {
		t.Fatalf("notes %v", notes)
	}
	for _, n := range notes {
		if marks := n.Strings("review"); n.ID == late && !slices.Contains(marks, "late_handover") || n.ID == note && len(marks) != 0 {
			t.Errorf("note %s is marked %v", n.Text("text"), marks)
		}
	}
	m.in(m.second, own, replica.Edit{Collection: "mentor_note", ID: note, Set: map[string]merge.Value{"text": merge.Str("bukan catatan saya")}})
	m.in(m.second, own, replica.Edit{Collection: "mentor_note", ID: note, Op: merge.Delete})
	m.write(m.second, "task_event", "", map[string]any{"task_id": m.task, "op": "verify", "note": "kunjungan"})
	m.sync(m.second)
	if refused, err := m.second.Refused(); err != nil || len(refused) != 2 || refused[0].Code != "forbidden" || refused[1].Code != "forbidden" {
		t.Errorf("another's note: %+v, %v", refused, err)
	}
	if got := m.queue(own); len(got) != 0 {
		t.Errorf("the queue still shows %v", got)
	}
	rows, err := m.w.Rows(t.Context(), own, "queue_item")
	m.ok(err)
	if len(rows) != 1 || rows[0].Text("remark") != "tanya dulu" {
		t.Errorf("remarks are gone: %v", rows)
	}
}

// TestTheMentorsScopeTellsOthersNothing: to owners and staff it is as if it were
// not there, whether they guess its name in a push, a cursor or a pull.
func TestTheMentorsScopeTellsOthersNothing(t *testing.T) {
	t.Parallel()
	m := setMentored(t)
	own, none := desk(m.old), "mentoring/"+m.owner.IDs.New()
	noted := m.note(m.mentor, own, "rahasia")
	m.sync(m.mentor)
	type said struct{ code, field string }
	answers := map[string][]said{}
	for _, scope := range []string{own, none} {
		m.note(m.owner, scope, "boleh?")
		m.in(m.staff, scope, replica.Edit{Collection: "mentor_note", Set: map[string]merge.Value{"text": merge.Str("boleh?"),
			"about": merge.Encode(map[string]string{"collection": "mentor_note", "id": noted})}})
		for _, p := range []*play.Phone{m.owner, m.staff} {
			m.sync(p)
			refused, err := p.Refused()
			m.ok(err)
			last := refused[len(refused)-1]
			answers[scope] = append(answers[scope], said{last.Code, last.Field})
			if last.Code != "not_found" || holds(t, p, scope) {
				t.Errorf("%s into %s: %+v", p.Name, scope, last)
			}
			m.bare(p, scope)
		}
	}
	if !slices.Equal(answers[own], answers[none]) {
		t.Errorf("the answers differ: %v", answers)
	}
	head, err := m.w.App.Store.Head(t.Context(), own)
	m.ok(err)
	for _, p := range []*play.Phone{m.owner, m.staff} {
		if head.Names(p.Me().User) {
			t.Errorf("%s is on the list", p.Name)
		}
		heads, err := m.w.App.Store.HeadsFor(t.Context(), p.Me().User, nil)
		m.ok(err)
		if slices.ContainsFunc(heads, func(h store.Head) bool { return strings.HasPrefix(h.Scope, "mentoring/") }) {
			t.Errorf("%s: %v", p.Name, heads)
		}
	}
}

// bare fails if a phone holds any row of a scope.
func (m *mentored) bare(p *play.Phone, scope string) {
	m.Helper()
	rows, err := p.Snapshot(scope)
	if err == nil && len(rows) != 0 {
		m.Errorf("%s holds %d rows of %s", p.Name, len(rows), scope)
	}
}

// TestNotesFollowAMerger: notes, remarks and the queue are with the business that
// lives on, and what comes later closes there what waits.
func TestNotesFollowAMerger(t *testing.T) {
	t.Parallel()
	m := setMentored(t)
	own, there := desk(m.old), desk(m.survivor)
	m.note(m.mentor, own, "sebelum digabung")
	m.write(m.owner, "task_event", "", map[string]any{"task_id": m.task, "op": "submit", "note": "selesai"})
	m.sync(m.owner, m.mentor)
	items, err := m.mentor.Rows(own, "queue_item")
	m.ok(err)
	m.in(m.mentor, own, replica.Edit{Collection: "queue_item", ID: items[0].ID, Set: map[string]merge.Value{"remark": merge.Str("tanya dulu")}})
	m.sync(m.mentor)
	m.ok(m.merge())
	m.note(m.mentor, own, "sesudah digabung")
	m.w.Clock.Advance(time.Minute)
	m.round()
	if !holds(t, m.mentor, there) {
		t.Fatal("the mentor lacks the scope of the survivor")
	}
	notes, err := m.mentor.Rows(there, "mentor_note")
	m.ok(err)
	if len(notes) != 2 {
		t.Errorf("notes of the survivor: %v", notes)
	}
	if got := m.queue(there); !slices.Equal(got, []string{domain.QueueTaskSubmitted}) {
		t.Errorf("queue of the survivor: %v", got)
	}
	m.write(m.mentor, "task_event", "", map[string]any{"task_id": m.task, "op": "verify", "note": "kunjungan"}) // into the old one
	m.round()
	rows, err := m.w.Rows(t.Context(), there, "queue_item")
	m.ok(err)
	if len(rows) != 1 || rows[0].Text("closed_at") == "" || rows[0].Text("remark") != "tanya dulu" {
		t.Errorf("items of the survivor: %v", rows)
	}
	m.w.Clock.Advance(time.Minute)
	m.handOver(m.survivor)
	m.sync(m.mentor, m.second)
	for _, scope := range []string{own, there, m.old, m.survivor} {
		if holds(t, m.mentor, scope) {
			t.Errorf("the former mentor keeps %s", scope)
		}
	}
	if !holds(t, m.second, there) {
		t.Error("the next mentor lacks the notes")
	}
	m.none(m.mentor, "quarantine")
}

// TestAHandoverAfterAMergerTakesEverythingOffThePhone of a mentor who accompanied
// both records of the enterprise, and says so once.
func TestAHandoverAfterAMergerTakesEverythingOffThePhone(t *testing.T) {
	t.Parallel()
	m := setMentored(t)
	_, err := m.w.Assign(t.Context(), m.admin, strings.TrimPrefix(m.survivor, "business/"), m.mentor.Who)
	m.ok(err)
	m.note(m.mentor, desk(m.old), "rahasia")
	m.sync(m.mentor)
	m.merged()
	last := m.note(m.mentor, desk(m.survivor), "catatan terakhir, tanpa sinyal")
	m.ok(m.admin.Login(t.Context()))
	var job handedOver
	m.ok(m.admin.Send(t.Context(), http.MethodPost, "/v1/mentors/"+m.mentor.Me().User+"/handover", "", map[string]any{"to_id": m.second.Me().User}, &job))
	m.ok(m.w.Step(t.Context()))
	m.w.Clock.Advance(time.Second)
	m.sync(m.mentor, m.mentor, m.second, m.owner)
	for _, scope := range []string{m.old, desk(m.old), m.survivor, desk(m.survivor)} {
		if holds(t, m.mentor, scope) {
			t.Errorf("the former mentor keeps %s", scope)
		}
		m.bare(m.mentor, scope)
	}
	notes, err := m.second.Rows(desk(m.survivor), "mentor_note")
	m.ok(err)
	if len(notes) != 2 || !slices.ContainsFunc(notes, func(r merge.Row) bool { return r.ID == last }) || !holds(t, m.second, m.survivor) {
		t.Errorf("the next mentor reads %v", notes)
	}
	m.none(m.mentor, "quarantine")
	if n, err := m.mentor.Notices(domain.NoticeMentoringEnds); err != nil || n != 1 {
		t.Errorf("the former mentor is told %d times, %v", n, err)
	}
	if n, err := m.owner.Notices(domain.NoticeMentorLeft); err != nil || n != 0 {
		t.Errorf("the owner is told %d times that nobody follows, %v", n, err)
	}
	if job.Total != 1 {
		t.Errorf("the job has %d steps", job.Total)
	}
}

// TestReferenceIsReadByAllAndWrittenByNone: everybody's phone has the lists, and
// what a phone writes there is refused and kept for its author.
func TestReferenceIsReadByAllAndWrittenByNone(t *testing.T) {
	t.Parallel()
	m := setMentored(t)
	m.ok(m.w.App.Programme.Seed(t.Context(), domain.ReferenceLists()))
	for _, p := range []*play.Phone{m.owner, m.staff, m.mentor, m.second} {
		m.sync(p)
		rows, err := p.Rows(domain.ScopeReference, "region")
		m.ok(err)
		if !holds(t, p, domain.ScopeReference) || len(rows) != 282 {
			t.Fatalf("%s has %d regions", p.Name, len(rows))
		}
		m.in(p, domain.ScopeReference, replica.Edit{Collection: "region", ID: rows[0].ID, Set: map[string]merge.Value{"name_id": merge.Str("Milik saya")}})
		m.sync(p)
		refused, err := p.Refused()
		m.ok(err)
		if len(refused) == 0 || refused[len(refused)-1].Code != "forbidden" || !holds(t, p, domain.ScopeReference) {
			t.Errorf("%s: %+v", p.Name, refused)
		}
	}
	rows, err := m.w.Rows(t.Context(), domain.ScopeReference, "region")
	m.ok(err)
	if slices.ContainsFunc(rows, func(r merge.Row) bool { return r.Text("name_id") == "Milik saya" }) {
		t.Error("a phone renamed a region")
	}
}

// TestTheMentorsScopeEndsWithTheBusinesss: the end of a window is carried into
// the mentors' scope by an effect, and nothing of that scope leaves the server in
// between.
func TestTheMentorsScopeEndsWithTheBusinesss(t *testing.T) {
	t.Parallel()
	s := setAccompanied(t)
	old, next := s.mentor, s.enter(s.w.Person("Bu Sinta"), "next")
	mentoring := "mentoring/" + s.business
	if held, err := old.Holds(mentoring); err != nil || !held {
		t.Fatalf("a mentor does not hold %s, %v", mentoring, err)
	}
	s.ok(s.w.Reassign(t.Context(), s.admin, s.business, s.window, next.Who))
	s.ok(old.Sync(t.Context())) // no effect has been carried out yet
	for _, scope := range []string{s.scope, mentoring} {
		if held, err := old.Holds(scope); err != nil || held {
			t.Errorf("a mentor who was replaced still holds %s, %v", scope, err)
		}
	}
	s.ok(s.w.Step(t.Context()))
	s.sync(next)
	if held, err := next.Holds(mentoring); err != nil || !held {
		t.Errorf("the next mentor does not hold %s, %v", mentoring, err)
	}
}

// TestAdminsReadTheNotesOfMentors: mentors and admins, and nobody else.
func TestAdminsReadTheNotesOfMentors(t *testing.T) {
	t.Parallel()
	s := setAccompanied(t)
	admin, mentor, business := s.admin, s.mentor, s.business
	note := s.in(mentor, "mentoring/"+business, "mentor_note", "", map[string]any{"text": "Perlu dibantu menghitung harga pokok.", "about": map[string]any{"collection": "business", "id": business}})
	s.sync(mentor)
	read := func(p *play.Phone) (ids []string, err error) {
		var list struct {
			Notes []struct {
				ID     string `json:"id"`
				Author string `json:"author"`
				Record string `json:"record"`
			} `json:"notes"`
		}
		err = p.Send(t.Context(), http.MethodGet, "/v1/businesses/"+business+"/notes", "", nil, &list)
		for _, n := range list.Notes {
			if n.Author != mentor.Me().User || n.Record != business {
				t.Errorf("%+v", n)
			}
			ids = append(ids, n.ID)
		}
		return ids, err
	}
	for _, p := range []*play.Phone{admin, mentor} {
		if ids, err := read(p); err != nil || !slices.Equal(ids, []string{note}) {
			t.Errorf("%s reads %v, %v", p.Name, ids, err)
		}
	}
	for _, p := range []*play.Phone{s.owner, s.staff} {
		if ids, err := read(p); fault.KindOf(err) != fault.Forbidden || len(ids) > 0 {
			t.Errorf("%s reads %v, %v", p.Name, ids, err)
		}
	}
}

// TestAPushGivesTheRecordsOfTheMentorsScope, whose right is the business's.
func TestAPushGivesTheRecordsOfTheMentorsScope(t *testing.T) {
	t.Parallel()
	s := setAccompanied(t)
	admin, mentor, business := s.admin, s.mentor, s.business
	push := func() protocol.Verdict {
		t.Helper()
		s.in(mentor, "mentoring/"+business, "mentor_note", "", map[string]any{"text": "Catatan."})
		req, _, err := mentor.Ask()
		s.ok(err)
		var resp protocol.Response
		s.ok(mentor.HTTP.Call(t.Context(), http.MethodPost, "/v1/sync/push", nil, req, &resp))
		return resp.Verdicts[len(resp.Verdicts)-1]
	}
	if v := push(); v.Verdict != merge.Applied || v.Record == nil {
		t.Errorf("a mentor's note: %+v", v)
	}
	s.sync(mentor)
	s.ok(admin.HTTP.Call(t.Context(), http.MethodPatch, "/v1/businesses/"+business+"/assignments/"+s.window.ID, http.Header{"If-Match": {s.window.Etag}}, map[string]any{"to": s.w.Clock.Now()}, nil))
	if v := push(); v.Record != nil {
		t.Errorf("the window has ended, and no effect has been carried out: %+v", v)
	}
}
