package play_test

import (
	"fmt"
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestManyTasksAreCheckedOffAtOneVisit: one push, one verdict for each; one that
// breaks a rule holds nobody up.
func TestManyTasksAreCheckedOffAtOneVisit(t *testing.T) {
	t.Parallel()
	s := setAccompanied(t)
	mentor := s.mentor
	const many = 24
	var tasks []string
	for i := range many {
		tasks = append(tasks, s.write(mentor, "task", "", map[string]any{"title": fmt.Sprintf("Tugas %d", i+1), "origin": "mentor"}))
	}
	s.sync(mentor, s.owner)
	before, err := mentor.Outbox()
	s.ok(err)
	for i, task := range tasks {
		op := map[string]any{"task_id": task, "op": "verify"}
		if i == 7 {
			op = map[string]any{"task_id": task, "op": "submit"} // not a mentor's to do
		}
		s.write(mentor, "task_event", "", op)
	}
	s.sync(mentor)
	after, err := mentor.Outbox()
	s.ok(err)
	verdicts := map[merge.Outcome]int{}
	for _, k := range after[len(before):] {
		verdicts[k.Verdict]++
	}
	if len(after)-len(before) != many || verdicts[merge.Applied] != many-1 || verdicts[merge.Rejected] != 1 {
		t.Errorf("%d edits, verdicts %v", len(after)-len(before), verdicts)
	}
	for i, task := range tasks {
		want := "verified"
		if i == 7 {
			want = "assigned"
		}
		if got := s.held("task", task).Text("state"); got != want {
			t.Errorf("task %d is %s, want %s", i+1, got, want)
		}
	}
	if status, err := mentor.Status(s.scope, "task", tasks[7]); err != nil || status != replica.Attention {
		t.Errorf("the refused one shows %s, %v", status, err)
	}
}
