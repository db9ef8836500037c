package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

func quantity() merge.Type { return merge.Type{Kind: merge.Decimal, Min: 1, Max: 1_000_000_000} }

func lineType() merge.Type {
	return object(
		merge.Member{Name: "product_id", Type: ref("product")},
		merge.Member{Name: "name", Type: text(1, 120), Required: true},
		merge.Member{Name: "qty", Type: quantity(), Required: true},
		merge.Member{Name: "unit", Type: text(1, 20), Required: true},
		merge.Member{Name: "unit_price_idr", Type: rupiah(0, MaxAmount), Required: true})
}

func linesType() merge.Type { return list(lineType(), MaxLines) }

// maxDiscount is far above any, so that a typing mistake is refused for what it
// is: more than the lines.
const maxDiscount = 100 * MaxAmount

// sales is the ledger: what was sold, never edited. The effective fields are
// the entry after its adjustments.
func sales() *merge.Collection {
	people := everybody()
	return &merge.Collection{
		Name: "sales", Scope: ScopeBusiness,
		Doc:    "sales entries: gross value of goods after the seller's discount, without shipping, before platform fees",
		Create: people, Immutable: true, Needs: PermLogSales, Allow: allowSales, Derive: deriveSales, Tags: tagSales, Relate: relateSales, React: reactSales,
		Fields: fields(
			required(once("sold_on", date(), people, "at most one day ahead of the server's day in the business zone")),
			required(once("channel", enum(Channels()...), people, "")),
			once("marketplace", enum(marketplaces()...), people, "with channel marketplace, and only then"),
			once("exhibition_id", ref(""), people, "with channel exhibition, and only then"),
			required(once("payment", enum(payments()...), people, "")),
			once("lines", linesType(), people, "snapshots of names and prices"),
			once("discount_idr", rupiah(0, maxDiscount), people, "at most the sum of the lines"),
			required(once("amount_idr", rupiah(1, MaxAmount), people, "sum of the lines, rounded half up once, minus the discount; typed directly if there are no lines")),
			required(once("granularity", enum("single", "daily_total"), people, "")),
			once("order_ref", text(1, 60), people, "order number; counts once per marketplace"),
			once("receipt", list(ref("attachment"), 10), people, "those at hand at the sale, wanted above Rp10.000.000; one that is photographed later names the sale in its owner_ref"),
			once("note", text(0, 500), people, ""),
			once("on_behalf", truth(), mentorSide(), "a mentor writes for the owner; then it is true, and only then"),
			effectiveFields()),
	}
}

// effectiveFields is the group effective: the entry after its adjustments.
func effectiveFields() []merge.Field {
	return []merge.Field{
		server("is_online", truth(), "from the effective channel"),
		server("behalf_confirmed", truth(), "of an entry that a mentor wrote for the owner: the owner stands by it"),
		server("effective_amount_idr", rupiah(0, MaxAmount), "0 if void"),
		server("effective_discount_idr", rupiah(0, maxDiscount), ""),
		server("effective_lines", linesType(), ""),
		server("effective_channel", enum(Channels()...), ""),
		server("effective_marketplace", enum(marketplaces()...), ""),
		server("effective_exhibition_id", ref(""), ""),
		server("effective_sold_on", date(), ""),
		server("effective_payment", enum(payments()...), ""),
		server("refunded_idr", rupiah(0, MaxAmount), "sum of the refunds, at most the amount"),
		server("counted_idr", rupiah(0, MaxAmount), "amount minus refunds: what totals add up, unless duplicate_of is set"),
		server("state", enum(SaleRecorded, SaleVerified, SaleRejected, SaleVoid), "void before rejected before verified"),
		server("verified", truth(), "a verification stands, and no rejection"),
		server("rejected", truth(), "a rejection stands: not in verified totals"),
		server("proposed", list(ref("sale_adjustment"), 200), "adjustments that wait for a mentor"),
		server("flags", list(enum(FlagNeedsReview, FlagBackdated, FlagRefundTooHigh), 3), "marks for a person"),
		server("duplicate_of", ref("sales"), "the entry that counts instead"),
		server("possible_duplicate", list(ref("sales"), 20), "entries of another phone with the same day, channel and amount within 15 minutes; all count"),
	}
}

// saleAdjustment is one operation on an entry.
func saleAdjustment() *merge.Collection {
	people := everybody()
	return &merge.Collection{
		Name: "sale_adjustment", Scope: ScopeBusiness, Doc: "operations on sales entries", Create: people, Immutable: true, Needs: PermLogSales,
		Parent: "sales", ParentField: "entry_id", Judge: judgeAdjustment, React: reactAdjustment, Fields: fields(
			required(once("entry_id", ref("sales"), people, "")),
			required(once("kind", enum(adjustmentKinds()...), people, "")),
			once("patch", patchType(), people, "with correct: one or more whole groups; with verify: the money as the mentor saw it"),
			once("refund_idr", rupiah(1, MaxAmount), people, "with refund, and only then"),
			once("reason_code", form(`^[a-z0-9_]{1,40}$`, 40), people, "with void and reject: this or a note"),
			once("note", text(1, 500), people, ""),
		),
	}
}

// patchType is the new values of a correction. Its members form the groups
// {amount_idr, discount_idr, lines}, {channel, marketplace, exhibition_id,
// sold_on} and {payment}; a group is written whole, an absent member of it is
// cleared.
func patchType() merge.Type {
	return object(
		merge.Member{Name: "amount_idr", Type: rupiah(1, MaxAmount)},
		merge.Member{Name: "discount_idr", Type: rupiah(0, maxDiscount)},
		merge.Member{Name: "lines", Type: linesType()},
		merge.Member{Name: "channel", Type: enum(Channels()...)},
		merge.Member{Name: "marketplace", Type: enum(marketplaces()...)},
		merge.Member{Name: "exhibition_id", Type: ref("")},
		merge.Member{Name: "sold_on", Type: date()},
		merge.Member{Name: "payment", Type: enum(payments()...)})
}
