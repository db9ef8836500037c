package domain

import (
	"encoding/json"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Line is one line of a sales entry: a snapshot, so that a product that changes
// or goes leaves the totals alone.
type Line struct {
	ProductID string `json:"product_id,omitempty"`
	Name      string `json:"name"`
	Qty       string `json:"qty"` // decimal with up to three places
	Unit      string `json:"unit"`
	UnitPrice Rupiah `json:"unit_price_idr"`
}

// LinesTotal is the sum of quantity times price over lines, rounded half up
// once, at the end.
//
// Errors: Invalid "quantity_invalid", "quantity_out_of_range",
// "amount_out_of_range".
func LinesTotal(lines []Line) (Rupiah, error) {
	var sum int64 // thousandths of a rupiah
	for _, l := range lines {
		q, err := ParseQuantity(l.Qty)
		if err != nil {
			return 0, err
		}
		if n, err := q.Times(l.UnitPrice); err != nil || n < 0 || n > maxDiscount {
			return 0, tooMuch()
		}
		if sum += int64(q) * int64(l.UnitPrice); sum > int64(maxDiscount)*1000 {
			return 0, tooMuch()
		}
	}
	return Rupiah((sum + 500) / 1000), nil
}

// allowSales checks a new entry: the money adds up, the channel has what it
// needs, the day is not ahead, and a mentor writes on behalf of the owner.
func allowSales(a merge.Attempt) *merge.Reject {
	if !a.Create {
		return nil // the engine refuses whatever differs from what is there
	}
	behalf := string(a.Set["on_behalf"]) == "true"
	switch {
	case a.Role == merge.Mentor && !behalf:
		return refuse("required", "set.on_behalf")
	case a.Role == merge.Admin && behalf:
		return refuse("forbidden", "set.on_behalf")
	}
	if r := checkMoney(a.Set, "set."); r != nil {
		return r
	}
	return checkPlace(a.View, a.Set, "set.")
}

// checkMoney ties amount, discount and lines together.
func checkMoney(m map[string]merge.Value, path string) *merge.Reject {
	var lines []Line
	if v := m["lines"]; !merge.Null(v) && json.Unmarshal(v, &lines) != nil {
		return refuse("invalid_value", path+"lines")
	}
	if len(lines) == 0 {
		if merge.AsInt(m["discount_idr"]) != 0 {
			return refuse("discount_exceeds_lines", path+"discount_idr")
		}
		return nil
	}
	sum, err := LinesTotal(lines)
	if err != nil {
		return refuse("amount_out_of_range", path+"lines")
	}
	discount := Rupiah(merge.AsInt(m["discount_idr"]))
	switch {
	case discount > sum:
		return refuse("discount_exceeds_lines", path+"discount_idr")
	case sum-discount != Rupiah(merge.AsInt(m["amount_idr"])):
		return refuse("amount_mismatch", path+"amount_idr")
	}
	return nil
}

// checkPlace ties channel, marketplace, exhibition and day together.
func checkPlace(v merge.View, m map[string]merge.Value, path string) *merge.Reject {
	channel := merge.AsString(m["channel"])
	for _, tie := range []struct{ channel, member, missing, extra string }{
		{ChannelMarketplace, "marketplace", "marketplace_required", "marketplace_unexpected"},
		{ChannelExhibition, "exhibition_id", "exhibition_required", "exhibition_unexpected"},
	} {
		given := !merge.Null(m[tie.member])
		switch {
		case channel == tie.channel && !given:
			return &merge.Reject{Code: tie.missing, Field: path + tie.member}
		case channel != tie.channel && given:
			return &merge.Reject{Code: tie.extra, Field: path + tie.member}
		}
	}
	if Date(merge.AsString(m["sold_on"])) > LastDay(v.Now().Time()).AddDays(FutureDays) {
		return refuse("date_in_future", path+"sold_on")
	}
	return nil
}

// adjusters says who may make which kind of adjustment. Staff adjust their own
// entries only.
func adjusters(kind string) []merge.Role {
	switch kind {
	case KindVerify, KindReject:
		return mentorSide()
	case KindConfirm:
		return []merge.Role{merge.Owner}
	case KindReinstate:
		return []merge.Role{merge.Owner, merge.Mentor, merge.Admin}
	case KindRefund:
		return ownerSide()
	}
	return everybody()
}

// judgeAdjustment asks whether an adjustment is legal from what its author saw.
func judgeAdjustment(j merge.Judgement) *merge.Reject {
	kind := merge.AsString(j.Set["kind"])
	void := newLedger(j.Parent, j.Seen).void()
	if j.AfterRestore {
		void = j.From == SaleVoid
	}
	switch {
	case !slices.Contains(adjusters(kind), j.Role),
		j.Role == merge.Staff && j.Parent.Text("created_by") != j.Author:
		return refuse("forbidden", "set.kind")
	case void != (kind == KindReinstate) && kind != KindCorrect,
		kind == KindConfirm && string(j.Parent.Fields["on_behalf"]) != "true":
		return refuse("forbidden_transition", "set.kind")
	case (kind == KindVoid || kind == KindReject) && noReason(j.Set):
		return refuse("reason_required", "set.reason_code")
	case kind == KindRefund && merge.Null(j.Set["refund_idr"]):
		return refuse("required", "set.refund_idr")
	case kind != KindRefund && !merge.Null(j.Set["refund_idr"]):
		return refuse("patch_unexpected", "set.refund_idr")
	}
	return judgePatch(j.View, kind, j.Set["patch"])
}

// judgePatch wants whole groups: of a correction one or more, of a verification
// the money that the mentor saw, of anything else none.
func judgePatch(v merge.View, kind string, patch merge.Value) *merge.Reject {
	m, groups := objectOf(patch), patchGroups(patch)
	_, money := groups["money"]
	_, where := groups["place"]
	switch {
	case kind != KindCorrect && kind != KindVerify:
		if !merge.Null(patch) {
			return refuse("patch_unexpected", "set.patch")
		}
		return nil
	case len(groups) == 0, kind == KindVerify && !money:
		return refuse("patch_required", "set.patch")
	case kind == KindVerify && len(groups) > 1:
		return refuse("patch_unexpected", "set.patch")
	case money && merge.Null(m["amount_idr"]):
		return refuse("group_incomplete", "set.patch.amount_idr")
	case where && merge.Null(m["channel"]):
		return refuse("group_incomplete", "set.patch.channel")
	case where && merge.Null(m["sold_on"]):
		return refuse("group_incomplete", "set.patch.sold_on")
	}
	if money {
		if r := checkMoney(m, "set.patch."); r != nil {
			return r
		}
	}
	if where {
		return checkPlace(v, m, "set.patch.")
	}
	return nil
}
