package domain

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TotalKey is what sales are added up by. Marketplace is empty outside
// marketplaces, Exhibition outside exhibitions.
type TotalKey struct {
	Day         Date   `json:"day"`
	Channel     string `json:"channel"`
	Marketplace string `json:"marketplace,omitempty"`
	Exhibition  string `json:"exhibition_id,omitempty"`
}

// Total is a sum of sales entries, in rupiah, refunds taken off.
type Total struct {
	TotalKey
	Online bool `json:"online"`
	Sum
}

// Sum is what some entries come to, in rupiah, refunds taken off. The last
// three are parts of Amount.
type Sum struct {
	Entries  int    `json:"entries"`
	Unsent   int    `json:"unsent"` // entries among them that the server does not have as they are shown
	Amount   Rupiah `json:"amount_idr"`
	Verified Rupiah `json:"verified_idr"` // a verification stands, and no rejection
	Rejected Rupiah `json:"rejected_idr"` // rejected by the mentor
	Pending  Rupiah `json:"pending_idr"`  // of the entries in Unsent
}

// Plus is both together.
func (s Sum) Plus(o Sum) Sum {
	return Sum{s.Entries + o.Entries, s.Unsent + o.Unsent, s.Amount + o.Amount, s.Verified + o.Verified, s.Rejected + o.Rejected, s.Pending + o.Pending}
}

// Counts reports whether an entry is in the totals: live, not void, and no
// duplicate of another. A rejected entry counts, outside the verified part.
func Counts(r merge.Row) bool {
	return !r.Deleted && r.Text("state") != SaleVoid && r.Text("duplicate_of") == ""
}

// LastEntry is when the newest of these sales entries was made, by the corrected
// clock of its author; zero without entries.
func LastEntry(entries []merge.Row) time.Time {
	var last merge.Millis
	for _, e := range entries {
		last = max(last, instantOf(e, "created_at"))
	}
	if last == 0 {
		return time.Time{}
	}
	return last.Time()
}

// Totals adds up sales entries by day, channel, marketplace and exhibition, in
// that order. It reads the effective fields; an entry without them, as a phone
// has before it replays, counts with its own. unsent says which entries the
// server does not have as they are shown: new ones, and those under a
// correction that waits; nil means none but rows of version 0, which no server
// has seen.
func Totals(rows []merge.Row, unsent func(entry string) bool) []Total {
	sums := map[TotalKey]*Total{}
	for _, r := range rows {
		if !Counts(r) {
			continue
		}
		if r.Fields["counted_idr"] == nil {
			r = merge.Row{Key: r.Key, Version: r.Version, Fields: newLedger(r, nil).fields()}
		}
		k := TotalKey{Date(r.Text("effective_sold_on")), r.Text("effective_channel"), r.Text("effective_marketplace"), r.Text("effective_exhibition_id")}
		if sums[k] == nil {
			sums[k] = &Total{TotalKey: k, Online: OnlineChannel(k.Channel)}
		}
		sums[k].Sum = sums[k].Plus(sumOf(r, r.Version == 0 || unsent != nil && unsent(r.ID)))
	}
	out := make([]Total, 0, len(sums))
	for _, k := range slices.SortedFunc(maps.Keys(sums), compareTotals) {
		out = append(out, *sums[k])
	}
	return out
}

// sumOf is what one entry comes to.
func sumOf(r merge.Row, unsent bool) Sum {
	amount := Rupiah(r.Int("counted_idr"))
	s := Sum{Entries: 1, Amount: amount}
	if string(r.Fields["verified"]) == "true" {
		s.Verified = amount
	}
	if string(r.Fields["rejected"]) == "true" {
		s.Rejected = amount
	}
	if unsent {
		s.Unsent, s.Pending = 1, amount
	}
	return s
}

func compareTotals(a, b TotalKey) int {
	return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Marketplace, b.Marketplace), cmp.Compare(a.Exhibition, b.Exhibition))
}
