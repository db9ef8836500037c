package domain

import (
	"cmp"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TotalKey is what sales are added up by. Marketplace is empty outside
// marketplaces.
type TotalKey struct {
	Day         Date   `json:"day"`
	Channel     string `json:"channel"`
	Marketplace string `json:"marketplace,omitempty"`
}

// Total is a sum of sales entries, in rupiah, refunds taken off.
type Total struct {
	TotalKey
	Online   bool   `json:"online"`
	Entries  int    `json:"entries"`
	Amount   Rupiah `json:"amount_idr"`
	Verified Rupiah `json:"verified_idr"` // part of Amount: a verification stands, and no rejection
	Rejected Rupiah `json:"rejected_idr"` // part of Amount: rejected by the mentor
	Pending  Rupiah `json:"pending_idr"`  // part of Amount: the server has not had it yet
}

// Counts reports whether an entry is in the totals: live, not void, and no
// duplicate of another. A rejected entry counts, outside the verified part.
func Counts(r merge.Row) bool {
	return !r.Deleted && r.Text("state") != SaleVoid && r.Text("duplicate_of") == ""
}

// Totals adds up sales entries by day, channel and marketplace, in that order.
// It reads the effective fields; an entry without them, as a phone has before
// it replays, counts with its own. Version 0 marks a row that the server has
// not had yet.
func Totals(rows []merge.Row) []Total {
	sums := map[TotalKey]*Total{}
	for _, r := range rows {
		if !Counts(r) {
			continue
		}
		if r.Fields["counted_idr"] == nil {
			r = merge.Row{Key: r.Key, Version: r.Version, Fields: newLedger(r, nil).fields()}
		}
		k := TotalKey{Date(r.Text("effective_sold_on")), r.Text("effective_channel"), r.Text("effective_marketplace")}
		if sums[k] == nil {
			sums[k] = &Total{TotalKey: k, Online: OnlineChannel(k.Channel)}
		}
		sums[k].add(r)
	}
	out := make([]Total, 0, len(sums))
	for _, k := range slices.SortedFunc(maps.Keys(sums), compareTotals) {
		out = append(out, *sums[k])
	}
	return out
}

func (t *Total) add(r merge.Row) {
	amount := Rupiah(r.Int("counted_idr"))
	t.Entries++
	t.Amount += amount
	if string(r.Fields["verified"]) == "true" {
		t.Verified += amount
	}
	if string(r.Fields["rejected"]) == "true" {
		t.Rejected += amount
	}
	if r.Version == 0 {
		t.Pending += amount
	}
}

func compareTotals(a, b TotalKey) int {
	return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Marketplace, b.Marketplace))
}
