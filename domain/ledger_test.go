package domain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// sale is a valid entry of 1,250,000 in the shop on 2 April.
func sale() map[string]merge.Value {
	return with(texts("sold_on", "2022-04-02", "channel", "store", "payment", "cash", "granularity", "single"),
		map[string]merge.Value{"amount_idr": merge.Num(1_250_000)})
}

func adjust(entry, kind string, seen []string, more map[string]merge.Value) map[string]merge.Value {
	set := with(texts("entry_id", entry, "kind", kind, "reason_code", "mistake"), map[string]merge.Value{"seen": merge.Encode(append([]string{}, seen...))})
	return with(set, more)
}

func money(amount int64) map[string]merge.Value {
	return map[string]merge.Value{"patch": merge.Encode(map[string]any{"amount_idr": amount})}
}

func sold(channel, day string) map[string]merge.Value {
	return map[string]merge.Value{"patch": merge.Encode(map[string]any{"channel": channel, "sold_on": day})}
}

// TestTwoPhonesOneWrongAmount is story A7.
func TestTwoPhonesOneWrongAmount(t *testing.T) {
	permutations(3, func(order []int) {
		s := newScene(t)
		e1 := key("e1")
		s.must(s.send(s.staff, s.make(s.staff, "sales", e1, sale()))[0])
		third := s.join(merge.Owner, "third")
		phones := []*mergetest.Phone{s.owner, s.staff, third}
		items := []merge.Item{
			s.make(s.owner, "sale_adjustment", key("amount"), adjust(e1, "correct", nil, money(1_520_000))),
			s.make(s.staff, "sale_adjustment", key("void"), adjust(e1, "void", nil, nil)),
			s.make(third, "sale_adjustment", key("channel"), adjust(e1, "correct", nil, sold("reseller", "2022-04-02"))),
		}
		for _, i := range order {
			for range 3 {
				s.must(s.send(phones[i], items[i])[0])
			}
			row, voided := s.Row("sales", e1), s.Row("sale_adjustment", key("void")).Fields != nil
			if n := row.Int("counted_idr"); voided && n != 0 || n != 0 && n != 1_250_000 && n != 1_520_000 {
				t.Fatalf("%v: counted %d", order, n)
			}
		}
		row := s.Row("sales", e1)
		if row.Text("state") != domain.SaleVoid || !slices.Contains(row.Strings("flags"), domain.FlagNeedsReview) {
			t.Errorf("%v: %v", order, row.Fields)
		}
		for name, want := range map[string]string{"amount": domain.Superseded, "channel": domain.Superseded, "void": domain.Effective} {
			if got := s.Row("sale_adjustment", key(name)).Text("outcome"); got != want {
				t.Errorf("%v: %s is %s, want %s", order, name, got, want)
			}
		}
		if s.told("N25", s.owner.User) == 0 || s.told("N25", s.staff.User) == 0 {
			t.Errorf("%v: authors were not told", order)
		}
		s.must(s.send(s.owner, s.make(s.owner, "sale_adjustment", key("back"), adjust(e1, "reinstate", []string{key("amount"), key("void"), key("channel")}, nil)))[0])
		row = s.Row("sales", e1)
		if row.Int("counted_idr") != 1_520_000 || row.Text("effective_channel") != "reseller" || row.Text("state") != domain.SaleRecorded || row.Strings("flags") != nil {
			t.Errorf("%v: after the reinstate %v", order, row.Fields)
		}
	})
}

// step is one adjustment of a story: who, what, which earlier steps were seen.
type step struct {
	who, kind string
	seen      string // names of earlier steps
	more      map[string]merge.Value
	want      string // outcome in the end
}

func TestLedgerRules(t *testing.T) {
	place := sold("reseller", "2022-04-02")
	both := map[string]merge.Value{"patch": merge.Encode(map[string]any{"amount_idr": 7, "payment": "qris"})}
	tests := []struct {
		name    string
		steps   []step // a, b, c …
		amount  int64
		state   string
		dispute bool
	}{
		{"two who correct alike count once", []step{{"owner", "correct", "", money(5), "effective"}, {"staff", "correct", "", money(5), "absorbed"}}, 5, "recorded", false},
		{"two groups both apply", []step{{"owner", "correct", "", money(5), "effective"}, {"staff", "correct", "", place, "effective"}}, 5, "recorded", false},
		{"the later of two corrections counts, in doubt", []step{{"owner", "correct", "", money(5), "superseded"}, {"staff", "correct", "", money(6), "effective"}}, 6, "recorded", true},
		{"who has seen a correction replaces it", []step{{"owner", "correct", "", money(5), "superseded"}, {"staff", "correct", "a", money(6), "effective"}}, 6, "recorded", false},
		{"a mentor's correction outranks a later one", []step{{"mentor", "correct", "", money(5), "effective"}, {"owner", "correct", "", money(6), "superseded"}}, 5, "recorded", true},
		{"a verification holds back a concurrent correction", []step{{"mentor", "verify", "", money(1_250_000), "effective"}, {"owner", "correct", "", money(6), "proposed"}}, 1_250_000, "verified", true},
		{"and one made after seeing it", []step{{"mentor", "verify", "", money(1_250_000), "effective"}, {"owner", "correct", "a", money(6), "proposed"}}, 1_250_000, "verified", false},
		{"until a mentor takes it over", []step{{"mentor", "verify", "", money(1_250_000), "superseded"}, {"owner", "correct", "a", money(6), "absorbed"}, {"mentor", "verify", "b", money(6), "effective"}}, 6, "verified", false},
		{"or turns it down", []step{{"mentor", "verify", "", money(9), "superseded"}, {"owner", "correct", "a", money(6), "superseded"}, {"mentor", "verify", "b", money(9), "effective"}}, 9, "verified", false},
		{"a concurrent channel is not the mentor's business", []step{{"mentor", "verify", "", money(1_250_000), "effective"}, {"owner", "correct", "", place, "effective"}}, 1_250_000, "verified", false},
		{"a correction of two groups waits as one", []step{{"mentor", "verify", "", money(1_250_000), "effective"}, {"owner", "correct", "", both, "proposed"}}, 1_250_000, "verified", true},
		{"a verification holds back a void", []step{{"owner", "void", "", nil, "proposed"}, {"mentor", "verify", "", money(1_250_000), "effective"}}, 1_250_000, "verified", false},
		{"not once it is taken back", []step{{"mentor", "verify", "", money(1_250_000), "superseded"}, {"mentor b", "reject", "a", nil, "superseded"}, {"owner", "void", "a", nil, "effective"}}, 0, "void", false},
		{"a mentor's void stands beside a verification, in doubt", []step{{"mentor", "void", "", nil, "effective"}, {"mentor b", "verify", "", money(1_250_000), "superseded"}}, 0, "void", true},
		{"a void beats a concurrent correction", []step{{"owner", "void", "", nil, "effective"}, {"staff", "correct", "", money(6), "superseded"}}, 0, "void", true},
		{"two voids are one", []step{{"owner", "void", "", nil, "effective"}, {"staff", "void", "", nil, "absorbed"}}, 0, "void", false},
		{"a reinstate removes the void it saw only", []step{{"owner", "void", "", nil, "superseded"}, {"owner", "reinstate", "a", nil, "superseded"}, {"staff", "void", "", nil, "effective"}}, 0, "void", true},
		{"a correction waits under the void it saw", []step{{"owner", "void", "", nil, "effective"}, {"owner", "correct", "a", money(6), "superseded"}}, 0, "void", false},
		{"and counts after the reinstate", []step{{"owner", "void", "", nil, "superseded"}, {"owner", "correct", "a", money(6), "effective"}, {"owner", "reinstate", "b", nil, "effective"}}, 6, "recorded", false},
		{"a rejection is cleared by a correction that saw it", []step{{"mentor", "reject", "", nil, "superseded"}, {"owner", "correct", "a", money(6), "effective"}}, 6, "recorded", false},
		{"not by one that did not", []step{{"mentor", "reject", "", nil, "effective"}, {"owner", "correct", "", money(6), "effective"}}, 6, "rejected", false},
		{"a verification beside a rejection is a dispute", []step{{"mentor", "reject", "", nil, "effective"}, {"mentor b", "verify", "", money(1_250_000), "effective"}}, 1_250_000, "rejected", true},
		{"refunds add up", []step{{"owner", "refund", "", refund(100), "effective"}, {"staff", "refund", "", refund(50), "effective"}}, 1_250_000, "recorded", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			orders := 0
			permutations(len(tt.steps), func(order []int) {
				if !causal(tt.steps, order) {
					return
				}
				orders++
				s := newScene(t)
				entry := key("e")
				s.must(s.send(s.staff, s.make(s.staff, "sales", entry, sale()))[0])
				playLedger(s, entry, tt.steps, order)
				row := s.Row("sales", entry)
				if row.Int("effective_amount_idr") != tt.amount || row.Text("state") != tt.state || slices.Contains(row.Strings("flags"), "needs_review") != tt.dispute {
					t.Errorf("%v: %s", order, row.EncodeFields())
				}
				for i, st := range tt.steps {
					if got := s.Row("sale_adjustment", key(letter(i))).Text("outcome"); got != st.want {
						t.Errorf("%v: %s is %s, want %s", order, letter(i), got, st.want)
					}
				}
			})
			if orders == 0 {
				t.Error("no order was possible")
			}
		})
	}
}

func refund(amount int64) map[string]merge.Value {
	return map[string]merge.Value{"refund_idr": merge.Num(amount)}
}

func letter(i int) string { return string(rune('a' + i)) }

// causal reports whether everything that was seen comes before who saw it.
func causal(steps []step, order []int) bool {
	for i, n := range order {
		for _, seen := range steps[n].seen {
			if !slices.Contains(order[:i], int(seen-'a')) {
				return false
			}
		}
	}
	return true
}

// playLedger makes every adjustment on its phone, in the order of the story,
// and sends them in the order given.
func playLedger(s *scene, entry string, steps []step, order []int) {
	s.t.Helper()
	phones := map[string]*mergetest.Phone{"owner": s.owner, "staff": s.staff, "mentor": s.mentor, "mentor b": s.mentorB}
	var items []merge.Item
	for i, st := range steps {
		var seen []string
		for _, name := range strings.Split(st.seen, "") {
			seen = append(seen, key(name))
		}
		items = append(items, s.make(phones[st.who], "sale_adjustment", key(letter(i)), adjust(entry, st.kind, seen, st.more)))
	}
	for _, i := range order {
		if a := s.send(phones[steps[i].who], items[i])[0]; a.Outcome != merge.Applied {
			s.t.Fatalf("%s: %+v", letter(i), a)
		}
	}
}
