package model

import (
	"slices"

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
		"verify": {Make: adjustment("verify", patch(func(v *Screen) map[string]any { return map[string]any{"amount_idr": 1000} })), Offered: standing, Who: []int{mentor}},
		"reject": {Make: adjustment("reject", nil), Offered: standing, Who: []int{mentor}},
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
		{Name: "sale, groups and refunds", Moves: ledgerMoves("channel", "payment", "refund", "verify")},
		{Name: "sale, restored", Moves: by(ledgerMoves("channel", "void", "reinstate"), []int{staff}, []int{owner, mentor}, []int{mentor}), Restores: true},
	}
	for _, g := range games {
		g.Schema, g.Scope, g.Access, g.Parent, g.Alike = schema, "business/"+id.Derive("business"), people(), "sales", [Phones]int{0, 1, 2}
		g.Loss, g.Law, g.Show = Kept, sound, showMachine("sales", "sale_adjustment")
		g.Start = func(s *mergetest.Scope) {
			create(s, "u2", "sales", map[string]merge.Value{"sold_on": merge.Str("2022-04-15"), "channel": merge.Str("store"), "payment": merge.Str("cash"),
				"amount_idr": merge.Num(500), "granularity": merge.Str("single")})
		}
	}
	return games
}

// sound holds what is true of every entry: what counts was written by somebody,
// and what waits for a mentor is an owner's or staff's.
func sound(h *History) string {
	if wrong := Taken(h); wrong != "" {
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
