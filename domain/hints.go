package domain

import (
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Hint is something that a person should look at before an entry is kept. It
// never holds an entry back: only the server knows all of them, and only the
// person knows what was sold.
type Hint struct {
	Kind   string   `json:"kind"`
	Others []string `json:"others,omitempty"` // entries that look like this one
}

// The kinds of hints.
const (
	HintSameOrder  = "same_order"     // an entry has this order number; one of them will count
	HintSameDay    = "same_day_total" // the day's total of this channel is written already; one of them will count
	HintLookAlike  = "look_alike"     // an entry of the last quarter of an hour has this day, channel and amount; both will count
	HintBackdated  = "backdated"      // the entry will be marked as written down late
	HintNoReceipt  = "receipt_wanted" // an amount like this should have a photo of the receipt
	HintNoPlace    = "place_missing"  // the channel wants a marketplace or an exhibition; the server would refuse the entry
	HintFutureDate = "date_in_future" // the day lies ahead; the server would refuse the entry
)

// SaleHints looks at an entry that is about to be kept, beside the entries that
// the phone shows. now is the phone's best guess at the time; draft holds the
// fields as they will be sent. These are the rules by which the server compares
// entries, but for one: two phones are needed for a look-alike there, and here
// one person who taps twice is warned as well.
func SaleHints(draft map[string]merge.Value, entries []merge.Row, now time.Time) []Hint {
	d := merge.Row{Fields: newLedger(merge.Row{Fields: draft}, nil).fields()}
	for _, own := range []string{"order_ref", "granularity"} {
		d.Fields[own] = draft[own]
	}
	made := merge.Millis(now.UnixMilli())
	d.Fields["created_at"] = made.Value()
	found := map[string][]string{}
	tags := tagSales(d)
	for _, e := range entries {
		if !Counts(e) {
			continue
		}
		for _, t := range tagSales(shown(e)) {
			if !slices.Contains(tags, t) {
				continue
			}
			if kind := hintOf(t); kind != HintLookAlike || near(made, instantOf(e, "created_at")) {
				found[kind] = append(found[kind], e.ID)
			}
		}
	}
	var out []Hint
	for _, kind := range []string{HintSameOrder, HintSameDay, HintLookAlike} {
		if len(found[kind]) > 0 {
			out = append(out, Hint{kind, found[kind]})
		}
	}
	return append(out, plainHints(d, draft, now)...)
}

// shown is an entry with its effective fields, which one that the server has
// not had lacks until it is replayed.
func shown(e merge.Row) merge.Row {
	if e.Fields["counted_idr"] != nil {
		return e
	}
	f := newLedger(e, nil).fields()
	for _, own := range []string{"order_ref", "granularity", "created_at"} {
		f[own] = e.Fields[own]
	}
	return merge.Row{Key: e.Key, Version: e.Version, Fields: f}
}

func near(a, b merge.Millis) bool { return max(a-b, b-a) <= DuplicateMinutes*minute }

// plainHints need no other entry.
func plainHints(d merge.Row, draft map[string]merge.Value, now time.Time) []Hint {
	var out []Hint
	day := Date(d.Text("effective_sold_on"))
	if backdated(d, day) {
		out = append(out, Hint{Kind: HintBackdated})
	}
	if Rupiah(d.Int("counted_idr")) > ReceiptWanted && len(merge.AsStrings(draft["receipt"])) == 0 {
		out = append(out, Hint{Kind: HintNoReceipt})
	}
	channel := merge.AsString(draft["channel"])
	if channel == ChannelMarketplace && merge.Null(draft["marketplace"]) || channel == ChannelExhibition && merge.Null(draft["exhibition_id"]) {
		out = append(out, Hint{Kind: HintNoPlace})
	}
	if day > LastDay(now).AddDays(FutureDays) {
		out = append(out, Hint{Kind: HintFutureDate})
	}
	return out
}
