package domain_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestATaskDoesNotDependOnArrival sends histories of operations, legal or not,
// in every order that is possible.
func TestATaskDoesNotDependOnArrival(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginTemplate)
	ops := map[string][]string{"owner": {"start", "block", "unblock", "submit"}, "staff": {"start", "submit"}, "mentor": {"verify", "return", "block"}, "mentor b": {"verify", "return"}}
	rapid.Check(t, func(r *rapid.T) {
		var steps []step
		var items []merge.Item
		for i := range rapid.IntRange(2, 4).Draw(r, "operations") {
			st := step{who: rapid.SampledFrom([]string{"owner", "staff", "mentor", "mentor b"}).Draw(r, "who")}
			st.kind = rapid.SampledFrom(ops[st.who]).Draw(r, "op")
			var seen []string
			for j := range i {
				if rapid.Bool().Draw(r, "saw") {
					st.seen += letter(j)
					seen = append(seen, key(letter(j)))
				}
			}
			steps = append(steps, st)
			items = append(items, s.make(phoneOf(s, st.who), "task_event", key(letter(i)), event(st.kind, seen...)))
		}
		first := ""
		permutations(len(steps), func(order []int) {
			if !causal(steps, order) {
				return
			}
			got := replayTask(s, steps, items, order)
			if first == "" {
				first = got
			}
			if got != first {
				r.Fatalf("%+v in order %v:\n%s\nwant\n%s", steps, order, got, first)
			}
		})
	})
}

func replayTask(s *scene, steps []step, items []merge.Item, order []int) string {
	c := *s
	c.Scope = s.Scope.Clone()
	verdicts := make([]string, len(steps))
	for _, i := range order {
		a := c.send(phoneOf(s, steps[i].who), items[i])[0]
		verdicts[i] = string(a.Outcome) + a.Code
	}
	row := c.Row("task", key("k"))
	out := strings.Join(verdicts, " ") + " " + row.Text("state") + " " + row.Text("verified_at") + row.Text("verified_by")
	for _, o := range c.Rows("task_event") {
		out += " " + o.Text("outcome")
	}
	return out
}
