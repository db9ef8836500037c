package domain_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// entryScene is a scene with one entry of the shop keeper's.
func entryScene(t testing.TB) *scene {
	s := newScene(t)
	s.must(s.send(s.staff, s.make(s.staff, "sales", key("e"), sale()))[0])
	return s
}

// replay sends the steps to a copy of s in the order given and gives everything
// that was derived, and every verdict.
func replay(s *scene, steps []step, items []merge.Item, order []int) string {
	c := *s
	c.Scope = s.Scope.Clone()
	verdicts := make([]string, len(steps))
	for _, i := range order {
		a := c.send(phoneOf(s, steps[i].who), items[i])[0]
		verdicts[i] = string(a.Outcome) + a.Code
	}
	rows := []merge.Row{c.Row("sales", key("e"))}
	rows = append(rows, c.Rows("sale_adjustment")...)
	var b strings.Builder
	b.WriteString(strings.Join(verdicts, " "))
	for _, r := range rows {
		fields := map[string]merge.Value{}
		if err := json.Unmarshal(r.EncodeFields(), &fields); err != nil {
			s.t.Fatal(err)
		}
		delete(fields, "received_at") // is the order of arrival
		b.Write(merge.Encode(fields))
	}
	checkEntry(s.t, rows[0], rows[1:])
	return b.String()
}

func phoneOf(s *scene, who string) *mergetest.Phone {
	return map[string]*mergetest.Phone{"owner": s.owner, "staff": s.staff, "mentor": s.mentor, "mentor b": s.mentorB}[who]
}

// checkEntry holds what is true of every entry, whatever was done to it.
func checkEntry(t testing.TB, e merge.Row, ops []merge.Row) {
	t.Helper()
	state, counted, amount := e.Text("state"), e.Int("counted_idr"), e.Int("effective_amount_idr")
	if state == domain.SaleVoid && amount != 0 || counted != amount-e.Int("refunded_idr") || counted < 0 {
		t.Fatalf("%s", e.EncodeFields())
	}
	if (string(e.Fields["verified"]) == "true") && string(e.Fields["rejected"]) == "true" {
		t.Fatalf("verified and rejected: %s", e.EncodeFields())
	}
	for _, o := range ops {
		if o.Text("outcome") == "" {
			t.Fatalf("no outcome: %s", o.EncodeFields())
		}
		waits := slices.Contains(e.Strings("proposed"), o.ID)
		if (o.Text("outcome") == domain.Proposed) != waits {
			t.Fatalf("proposed is not what waits: %s", o.EncodeFields())
		}
		if role := o.Text("role"); waits && role != "owner" && role != "staff" {
			t.Fatalf("a mentor waits for a mentor: %s", o.EncodeFields())
		}
	}
}

func itemsOf(s *scene, steps []step) []merge.Item {
	var items []merge.Item
	for i, st := range steps {
		var seen []string
		for _, name := range st.seen {
			seen = append(seen, key(string(name)))
		}
		items = append(items, s.make(phoneOf(s, st.who), "sale_adjustment", key(letter(i)), adjust(key("e"), st.kind, seen, st.more)))
	}
	return items
}

// agree sends the steps in every order that is possible and compares.
func agree(s *scene, steps []step) (orders int) {
	items := itemsOf(s, steps)
	first := ""
	permutations(len(steps), func(order []int) {
		if !causal(steps, order) {
			return
		}
		orders++
		got := replay(s, steps, items, order)
		if first == "" {
			first = got
		}
		if got != first {
			s.t.Fatalf("%+v in order %v:\n%s\nwant\n%s", steps, order, got, first)
		}
	})
	return orders
}

// kinds are adjustments to draw from, each with its content.
func kinds() []step {
	return []step{{kind: "correct", more: money(5)}, {kind: "correct", more: money(6)}, {kind: "correct", more: sold("reseller", "2022-04-01")},
		{kind: "void"}, {kind: "reinstate"}, {kind: "refund", more: refund(3)}, {kind: "verify", more: money(1_250_000)}, {kind: "reject"}}
}

func TestEveryPairOfAdjustmentsInEitherOrder(t *testing.T) {
	s := entryScene(t)
	histories, orders := 0, 0
	for _, a := range kinds() {
		for _, b := range kinds() {
			for _, pair := range [][2]string{{"owner", "staff"}, {"owner", "mentor"}, {"mentor", "owner"}, {"mentor", "mentor b"}} {
				for _, seen := range []string{"", "a"} {
					a.who, b.who, b.seen = pair[0], pair[1], seen
					histories++
					orders += agree(s, []step{a, b})
				}
			}
		}
	}
	t.Logf("%d histories, %d orders", histories, orders)
}

func TestTheLedgerDoesNotDependOnArrival(t *testing.T) {
	s := entryScene(t)
	rapid.Check(t, func(r *rapid.T) {
		var steps []step
		for i := range rapid.IntRange(2, 4).Draw(r, "adjustments") {
			st := rapid.SampledFrom(kinds()).Draw(r, "kind")
			st.who = rapid.SampledFrom([]string{"owner", "staff", "mentor", "mentor b"}).Draw(r, "who")
			for j := range i {
				if rapid.Bool().Draw(r, "saw") {
					st.seen += letter(j)
				}
			}
			steps = append(steps, st)
		}
		agree(s, steps)
	})
}
