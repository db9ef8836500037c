package play_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// TestTheMorningAfterANightWithAHandover: a mentor is told of a submission at ten in the
// evening, and the owner of two visits. Then one visit is called off and the business handed
// over. In the morning the old mentor's phone says only that it is over, and the owner's
// nothing of a visit that is off but that.
func TestTheMorningAfterANightWithAHandover(t *testing.T) {
	t.Parallel()
	b, desk, mentor := setBell(t, func(o *play.Options) { rings(t, o, play.AmountStart()) })
	business := strings.TrimPrefix(b.scope, "business/")
	window, err := b.w.Assign(t.Context(), desk, business, mentor.Who)
	b.ok(err)
	next := b.enter(b.w.Person("Pak Hendra"), "the next mentor")
	b.sync(b.owner, mentor)
	task := b.write(mentor, "task", "", map[string]any{"title": "Foto produk", "origin": "mentor"})
	b.sync(mentor, b.owner)
	b.until(14, 22, 0)
	b.login(b.owner, mentor)
	b.write(b.owner, "task_event", "", map[string]any{"task_id": task, "op": "submit", "note": "selesai"})
	off := b.write(mentor, "visit", "", map[string]any{"kind": "visit", "planned_at": "2022-06-16T02:00:00.000Z"})
	b.write(mentor, "visit", "", map[string]any{"kind": "online_session", "planned_at": "2022-06-17T02:00:00.000Z"})
	b.sync(b.owner, mentor)
	b.ok(b.w.Step(t.Context()))
	b.w.Clock.Advance(10 * time.Minute)
	b.write(mentor, "visit_event", "", map[string]any{"visit_id": off, "op": "cancel", "reason_code": "rain"})
	b.sync(mentor)
	b.login(desk)
	b.ok(b.w.Reassign(t.Context(), desk, business, window, next.Who))
	b.ok(b.w.Step(t.Context()))
	b.ok(b.w.Sends(t.Context(), b.w.Clock.Now().Add(10*time.Hour), 10*time.Second))
	for kind, want := range map[string]int{domain.NoticeTaskSubmitted: 0, domain.NoticeVisitPlanned: 0, domain.NoticeVisitCancelled: 0, domain.NoticeMentoringEnds: 1, domain.NoticeAccessEnded: 1} {
		if n := len(mentor.Rang(kind)); n != want {
			t.Errorf("the old mentor's phone rang %d times of %s", n, kind)
		}
	}
	for _, kind := range []string{domain.NoticeVisitPlanned, domain.NoticeVisitCancelled} {
		if n := len(b.owner.Rang(kind)); n != 1 {
			t.Errorf("the owner's phone rang %d times of %s", n, kind)
		}
	}
}
