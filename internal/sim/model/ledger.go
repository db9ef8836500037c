package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

func adjustment(kind string, more func(v *Screen) map[string]merge.Value) func(*Screen) merge.Mutation {
	return operation("sale_adjustment", "entry_id", func(v *Screen) map[string]merge.Value {
		set := map[string]merge.Value{"kind": merge.Str(kind), "note": merge.Str("because")}
		if more != nil {
			for name, val := range more(v) {
				set[name] = val
			}
		}
		return set
	})
}

func patch(make func(v *Screen) map[string]any) func(*Screen) map[string]merge.Value {
	return func(v *Screen) map[string]merge.Value { return map[string]merge.Value{"patch": merge.Encode(make(v))} }
}

// goods is one line of goods with a discount: all that the money of an entry is
// made of.
func goods(amount, discount int) map[string]any {
	line := map[string]any{"name": "keripik", "qty": "1", "unit": "pcs", "unit_price_idr": amount + discount}
	return map[string]any{"amount_idr": amount, "discount_idr": discount, "lines": []any{line}}
}

// amount is an own value of every edit, but for the third, which wants what the
// first wants.
func amount(v *Screen) int { return []int{1000, 2000, 1000, 3000, 4000}[v.Label] }

func standing(v *Screen) bool { return v.State != domain.SaleVoid }
func voided(v *Screen) bool   { return v.State == domain.SaleVoid }

func adjustments() map[string]Move {
	return map[string]Move{
		"amount":  {Make: adjustment("correct", patch(func(v *Screen) map[string]any { return map[string]any{"amount_idr": amount(v)} }))},
		"channel": {Make: adjustment("correct", patch(func(*Screen) map[string]any { return map[string]any{"channel": "reseller", "sold_on": "2022-04-14"} }))},
		"payment": {Make: adjustment("correct", patch(func(v *Screen) map[string]any {
			return map[string]any{"payment": []string{"qris", "transfer"}[v.Label%2]}
		}))},
		"void":      {Make: adjustment("void", nil), Offered: standing},
		"reinstate": {Make: adjustment("reinstate", nil), Offered: voided, Who: []int{owner, mentor}},
		"refund": {Make: adjustment("refund", func(v *Screen) map[string]merge.Value {
			return map[string]merge.Value{"refund_idr": merge.Num(100 + v.Label)}
		}),
			Offered: standing, Who: []int{owner, staff}},
		"verify":        {Make: adjustment("verify", patch(func(v *Screen) map[string]any { return map[string]any{"amount_idr": 1000} })), Offered: standing, Who: []int{mentor}},
		"reject":        {Make: adjustment("reject", nil), Offered: standing, Who: []int{mentor}},
		"confirm":       {Make: adjustment("confirm", nil), Offered: standing, Who: []int{owner}},
		"lines":         {Make: adjustment("correct", patch(func(v *Screen) map[string]any { return goods(amount(v), 0) }))},
		"discount":      {Make: adjustment("correct", patch(func(v *Screen) map[string]any { return goods(amount(v), 100) }))},
		"amount online": {Online: true, Who: []int{Admin}, Make: adjustment("correct", patch(func(v *Screen) map[string]any { return map[string]any{"amount_idr": amount(v)} }))},
	}
}

func ledgerMoves(names ...string) (out []Move) {
	for _, n := range names {
		m := adjustments()[n]
		m.Name = n
		out = append(out, m)
	}
	return out
}

// by says who makes which of the moves.
func by(moves []Move, who ...[]int) []Move {
	for i := range moves {
		moves[i].Who = who[i]
	}
	return moves
}

// Ledgers gives the games of a sales entry and its adjustments.
func Ledgers(schema *merge.Schema) []*Game {
	games := []*Game{
		{Name: "sale, amount and void", Moves: ledgerMoves("amount", "void", "reinstate")},
		{Name: "sale, verified and corrected", Moves: ledgerMoves("amount", "verify", "reject")},
		{Name: "sale, verified and void", Moves: ledgerMoves("void", "reinstate", "verify", "reject")},
		{Name: "sale, groups and refunds", Few: map[string][]int{"channel": {owner}, "payment": {staff}, "refund": {owner, staff}, "verify": {mentor}}, Moves: ledgerMoves("channel", "payment", "refund", "verify")},
		{Name: "sale, restored", Few: map[string][]int{"channel": {staff}, "void": {owner}, "reinstate": {mentor}}, Moves: by(ledgerMoves("channel", "void", "reinstate"), []int{staff}, []int{owner, mentor}, []int{mentor}), Restores: true},
		{Name: "sale, amount, verified and void", Moves: by(ledgerMoves("amount", "verify", "void", "reinstate"), []int{owner, mentor}, []int{mentor}, []int{owner, staff}, []int{mentor})},
		{Name: "sale, amount and refund", Moves: by(ledgerMoves("amount", "refund", "void", "reinstate"), []int{owner}, []int{owner, staff}, []int{staff}, []int{mentor}), Law: refunds},
		{Name: "sale, lines and discount", Moves: by(ledgerMoves("lines", "discount", "amount", "verify"), []int{owner}, []int{staff}, []int{owner}, []int{mentor}), Law: whole},
		{Name: "sale, an admin corrects", Moves: by(ledgerMoves("amount", "verify", "reject", "amount online"), []int{owner}, []int{mentor}, []int{mentor}, []int{Admin}), Law: corrected},
		{Name: "sale, a window ends", Moves: by(ledgerMoves("amount", "verify", "void"), []int{owner, mentor}, []int{mentor}, []int{staff}), Law: handover},
		{Name: "sale, written for the owner", Moves: by(ledgerMoves("confirm", "amount", "void", "reinstate"), []int{owner}, []int{owner, mentor}, []int{mentor}, []int{mentor}), Law: confirmed, Step: standsBy, Start: startBehalf},
		{Name: "sale, written for the owner, restored", Moves: by(ledgerMoves("confirm", "void"), []int{owner}, []int{mentor}), Law: confirmed, Step: standsBy, Start: startBehalf, Restores: true},
	}
	for _, g := range games {
		g.Schema, g.Scope, g.Access, g.Parent, g.Alike = schema, "business/"+id.Derive("business"), people(), "sales", [Phones]int{0, 1, 2}
		g.Loss, g.Law, g.Show = Kept, both(sound, g.Law), showMachine("sales", "sale_adjustment")
		if g.Start == nil {
			g.Start = func(s *mergetest.Scope) { create(s, "u2", "sales", entry()) }
		}
		if strings.HasSuffix(g.Name, "a window ends") {
			windows(g)
		}
	}
	return games
}

// entry is what the games adjust.
func entry() map[string]merge.Value {
	return map[string]merge.Value{"sold_on": merge.Str("2022-04-15"), "channel": merge.Str("store"), "payment": merge.Str("cash"),
		"amount_idr": merge.Num(500), "granularity": merge.Str("single")}
}

// startBehalf is an entry that a mentor wrote for the owner.
func startBehalf(s *mergetest.Scope) {
	set := entry()
	set["on_behalf"] = merge.Flag(true)
	create(s, "u3", "sales", set)
}

// confirmed says that the owner stands by an entry as soon as one confirmation
// was taken, and not before.
func confirmed(h *History) string {
	want := merge.Flag(len(h.made("confirm")) > 0)
	if got := h.Scope.Row("sales", record()).Fields["behalf_confirmed"]; string(got) != string(want) {
		return fmt.Sprintf("confirmed %s, want %s", got, want)
	}
	return ""
}

// standsBy says that a confirmation changes no figure: after a commit of nothing
// else the entry says what it said.
func standsBy(before, after *mergetest.Scope) string {
	if after.Generation != before.Generation {
		return ""
	}
	for _, a := range after.Rows("sale_adjustment") {
		if a.Text("kind") != "confirm" && before.Row("sale_adjustment", a.ID).Fields == nil {
			return "" // something else came along
		}
	}
	was, is := before.Row("sales", record()), after.Row("sales", record())
	for name, v := range is.Fields {
		if name != "behalf_confirmed" && string(was.Fields[name]) != string(v) {
			return fmt.Sprintf("a confirmation makes %s %s of %s", name, v, was.Fields[name])
		}
	}
	return ""
}

// sound holds what is true of every entry: what counts was written by somebody,
// and what waits for a mentor is an owner's or staff's.
func sound(h *History) string {
	if wrong := Taken(h); wrong != "" && !h.Game.Timed {
		return wrong
	}
	e := h.Scope.Row("sales", record())
	state, sum, counted, refunded := e.Text("state"), e.Int("effective_amount_idr"), e.Int("counted_idr"), e.Int("refunded_idr")
	switch {
	case state == domain.SaleVoid && sum != 0, counted != sum-refunded, counted < 0:
		return "the sums of the entry do not fit"
	case string(e.Fields["verified"]) == "true" && string(e.Fields["rejected"]) == "true":
		return "verified and rejected"
	}
	written := []int64{500}
	for _, a := range h.Scope.Rows("sale_adjustment") {
		if waits := slices.Contains(e.Strings("proposed"), a.ID); waits && a.Text("role") == "mentor" {
			return "a mentor waits for a mentor"
		}
		var p struct {
			Amount int64 `json:"amount_idr"`
		}
		if decode(a.Fields["patch"], &p) {
			written = append(written, p.Amount)
		}
	}
	if state != domain.SaleVoid && !slices.Contains(written, sum) {
		return "nobody wrote what the entry says"
	}
	return ""
}

// both holds two laws; the second may be nil.
func both(a, b func(*History) string) func(*History) string {
	return func(h *History) string {
		if wrong := a(h); wrong != "" || b == nil {
			return wrong
		}
		return b(h)
	}
}

// made gives the accepted edits of a kind.
func (h *History) made(moves ...string) (out []int) {
	for l := range h.Edits {
		if h.Edits[l].Outcome != merge.Rejected && slices.Contains(moves, h.Game.Moves[h.Edits[l].Move].Name) {
			out = append(out, l)
		}
	}
	return out
}

// unseen gives those of the edits that none of others has seen.
func (h *History) unseen(edits, others []int) []int {
	return slices.DeleteFunc(slices.Clone(edits), func(l int) bool {
		return slices.ContainsFunc(others, func(o int) bool { return slices.Contains(h.covers(o), l) })
	})
}

// refunds says that every refund counts once, up to the amount, and that more is
// flagged.
func refunds(h *History) string {
	e := h.Scope.Row("sales", record())
	sum := int64(0)
	for _, l := range h.made("refund") {
		sum += int64(100 + l)
	}
	amount := e.Int("effective_amount_idr")
	if e.Int("refunded_idr") != min(sum, amount) {
		return fmt.Sprintf("refunds of %d count as %d of %d", sum, e.Int("refunded_idr"), amount)
	}
	return ""
}

// whole says that amount, discount and lines are those of one edit: the amount is
// what the lines come to.
func whole(h *History) string {
	e := h.Scope.Row("sales", record())
	var lines []struct {
		Price int64 `json:"unit_price_idr"`
	}
	amount, discount := e.Int("effective_amount_idr"), e.Int("effective_discount_idr")
	if !decode(e.Fields["effective_lines"], &lines) || len(lines) == 0 {
		if discount != 0 {
			return "a discount on nothing"
		}
		return ""
	}
	if len(lines) != 1 || lines[0].Price-discount != amount {
		return fmt.Sprintf("lines %v less %d are not %d", lines, discount, amount)
	}
	return ""
}

// corrected says what an admin's correction is worth: it counts until somebody
// who saw it writes the money again with effect, and an entry that was verified
// stays so.
func corrected(h *History) string {
	e := h.Scope.Row("sales", record())
	rejects, verified := h.made("reject"), string(e.Fields["verified"]) == "true"
	standing := h.unseen(h.made("verify"), rejects)
	if len(standing) > 0 && len(h.unseen(rejects, h.made("amount", "amount online", "verify"))) == 0 && !verified {
		return "a verification that nobody rejected is gone"
	}
	counts := append(h.made("amount online"), standing...)
	for _, l := range h.made("amount") { // one that saw a standing verification is a proposal
		if !slices.ContainsFunc(standing, func(v int) bool { return slices.Contains(h.covers(l), v) }) {
			counts = append(counts, l)
		}
	}
	admins := h.unseen(h.made("amount online"), counts)
	wrote := func(l int) bool { return int64(amount(&Screen{Label: l})) == e.Int("effective_amount_idr") }
	if len(admins) > 0 && !slices.ContainsFunc(admins, wrote) {
		return fmt.Sprintf("what an admin wrote last in edits %v does not count", admins)
	}
	return ""
}
