package domain_test

import (
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

func line(qty string, price int) map[string]any {
	return map[string]any{"name": "Keripik", "qty": qty, "unit": "pcs", "unit_price_idr": price}
}

func lines(l ...map[string]any) merge.Value { return merge.Encode(l) }

func TestEntriesAreChecked(t *testing.T) {
	num := func(n int64) merge.Value { return merge.Num(n) }
	tests := []struct {
		name   string
		change map[string]merge.Value
		code   string
	}{
		{"as it is", nil, ""},
		{"nothing sold", map[string]merge.Value{"amount_idr": num(0)}, "invalid_value"},
		{"ten billion", map[string]merge.Value{"amount_idr": num(10_000_000_000)}, ""},
		{"one more", map[string]merge.Value{"amount_idr": num(10_000_000_001)}, "invalid_value"},
		{"half a rupiah", map[string]merge.Value{"amount_idr": merge.Value("1250000.5")}, "invalid_value"},
		{"lines that add up, rounded half up", map[string]merge.Value{"lines": lines(line("1.5", 333)), "amount_idr": num(500)}, ""},
		{"rounded once, not by line", map[string]merge.Value{"lines": lines(line("0.5", 1), line("0.5", 1)), "amount_idr": num(1)}, ""},
		{"lines and a discount", map[string]merge.Value{"lines": lines(line("2", 500)), "discount_idr": num(100), "amount_idr": num(900)}, ""},
		{"lines that do not add up", map[string]merge.Value{"lines": lines(line("2", 500)), "amount_idr": num(900)}, "amount_mismatch"},
		{"more discount than goods", map[string]merge.Value{"lines": lines(line("1", 5)), "discount_idr": num(6), "amount_idr": num(1)}, "discount_exceeds_lines"},
		{"nothing of a thing", map[string]merge.Value{"lines": lines(line("0", 5))}, "invalid_value"},
		{"goods beyond all measure", map[string]merge.Value{"lines": lines(line("1000000", 10_000_000_000))}, "amount_out_of_range"},
		{"a marketplace without a name", map[string]merge.Value{"channel": merge.Str("marketplace")}, "marketplace_required"},
		{"a marketplace", texts("channel", "marketplace", "marketplace", "shopee"), ""},
		{"a marketplace in the shop", texts("marketplace", "shopee"), "marketplace_unexpected"},
		{"an exhibition without a name", texts("channel", "exhibition"), "exhibition_required"},
		{"an exhibition in the shop", texts("exhibition_id", key("x")), "exhibition_unexpected"},
		{"tomorrow", texts("sold_on", "2022-04-03"), ""},
		{"the day after", texts("sold_on", "2022-04-04"), "date_in_future"},
		{"no day", map[string]merge.Value{"sold_on": nil}, "required"},
		{"a product that is not there", map[string]merge.Value{"lines": lines(stray())}, "invalid_reference"},
		{"on behalf of oneself", map[string]merge.Value{"on_behalf": merge.Flag(true)}, "forbidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			if a := s.send(s.owner, s.make(s.owner, "sales", key("e"), with(sale(), tt.change)))[0]; a.Code != tt.code {
				t.Errorf("%+v, want %q", a, tt.code)
			}
		})
	}
}

// TestAReceiptMayComeLater: the entry itself never changes, so the photo names it.
func TestAReceiptMayComeLater(t *testing.T) {
	s := newScene(t)
	s.must(s.send(s.owner, s.make(s.owner, "sales", key("e"), sale()))[0])
	late := with(texts("sha256", strings.Repeat("b", 64), "mime", "image/jpeg"), map[string]merge.Value{"bytes": merge.Num(10),
		"owner_ref": merge.Encode(map[string]string{"collection": "sales", "id": key("e"), "field": "receipt"})})
	s.must(s.send(s.staff, s.make(s.staff, "attachment", key("r"), late))[0])
	if a := s.edit(s.owner, "sales", key("e"), map[string]merge.Value{"receipt": merge.Encode([]string{key("r")})}); a.Outcome != merge.Rejected {
		t.Errorf("the entry itself: %+v", a)
	}
}

// stray is a line of a product that nobody made.
func stray() map[string]any {
	l := line("1", 1_250_000)
	l["product_id"] = key("nothing")
	return l
}

func TestRightsToTheLedger(t *testing.T) {
	s := newScene(t)
	idle := s.join(merge.Staff, "idle", domain.PermSeeTotals)
	if a := s.send(idle, s.make(idle, "sales", key("x"), sale()))[0]; a.Code != "forbidden" {
		t.Errorf("staff without log_sales: %+v", a)
	}
	if a := s.send(s.mentor, s.make(s.mentor, "sales", key("x"), sale()))[0]; a.Code != "required" {
		t.Errorf("a mentor who does not say so: %+v", a)
	}
	s.must(s.send(s.mentor, s.make(s.mentor, "sales", key("m"), with(sale(), map[string]merge.Value{"on_behalf": merge.Flag(true)})))[0])
	s.must(s.send(s.owner, s.make(s.owner, "sales", key("e"), with(sale(), texts("sold_on", "2022-04-01"))))[0])
	tests := []struct {
		name  string
		phone *mergetest.Phone
		kind  string
		more  map[string]merge.Value
		code  string
	}{
		{"staff touch another's entry", s.staff, "void", nil, "forbidden"},
		{"an owner verifies", s.owner, "verify", money(1_250_000), "forbidden"},
		{"a mentor refunds", s.mentor, "refund", refund(5), "forbidden"},
		{"a reinstate of what is not void", s.owner, "reinstate", nil, "forbidden_transition"},
		{"a correction of nothing", s.owner, "correct", nil, "patch_required"},
		{"half a group", s.owner, "correct", map[string]merge.Value{"patch": merge.Encode(map[string]any{"channel": "reseller"})}, "group_incomplete"},
		{"a group that does not hold", s.owner, "correct", map[string]merge.Value{"patch": merge.Encode(map[string]any{"channel": "marketplace", "sold_on": "2022-04-01"})}, "marketplace_required"},
		{"a verification without the money", s.mentor, "verify", sold("store", "2022-04-01"), "patch_required"},
		{"a void with values", s.owner, "void", money(5), "patch_unexpected"},
		{"a void with a refund", s.owner, "void", refund(5), "patch_unexpected"},
		{"a refund of nothing", s.owner, "refund", nil, "required"},
		{"a void without a reason", s.owner, "void", map[string]merge.Value{"reason_code": nil}, "reason_required"},
	}
	for _, tt := range tests {
		if a := s.send(tt.phone, s.make(tt.phone, "sale_adjustment", key(tt.name), adjust(key("e"), tt.kind, nil, tt.more)))[0]; a.Code != tt.code {
			t.Errorf("%s: %+v, want %q", tt.name, a, tt.code)
		}
	}
	if a := s.writeAs(merge.Admin, s.admin, "sale_adjustment", key("admin"), with(adjust(key("e"), "correct", nil, money(7)), map[string]merge.Value{"seen": nil})); a.Outcome != merge.Applied {
		t.Errorf("an admin online: %+v", a)
	}
	if n := s.Row("sales", key("e")).Int("effective_amount_idr"); n != 7 {
		t.Errorf("amount %d", n)
	}
}

func TestAnEntryIsNeverEdited(t *testing.T) {
	s := newScene(t)
	s.must(s.send(s.owner, s.make(s.owner, "sales", key("e"), sale()))[0])
	for name, change := range map[string]map[string]merge.Value{"a field that is set": {"amount_idr": merge.Num(5)}, "one that is not": texts("order_ref", "A1")} {
		if a := s.edit(s.owner, "sales", key("e"), change); a.Code != "immutable_field" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if a := s.send(s.owner, s.make(s.owner, "sales", key("e"), with(sale(), texts("note", "x"))))[0]; a.Code != "id_reuse" {
		t.Errorf("the same id with other content: %+v", a)
	}
}

func TestRefundsAreCapped(t *testing.T) {
	s := newScene(t)
	s.must(s.send(s.owner, s.make(s.owner, "sales", key("e"), sale()))[0])
	for _, n := range []string{"r1", "r2"} {
		s.must(s.send(s.owner, s.make(s.owner, "sale_adjustment", key(n), adjust(key("e"), "refund", nil, refund(700_000))))[0])
	}
	row := s.Row("sales", key("e"))
	if row.Int("refunded_idr") != 1_250_000 || row.Int("counted_idr") != 0 || row.Strings("flags")[0] != domain.FlagRefundTooHigh {
		t.Errorf("%s", row.EncodeFields())
	}
}

func TestBackdatedIsJudgedByTheTimeOfTheEdit(t *testing.T) {
	s := newScene(t)
	old := s.make(s.owner, "sales", key("old"), with(sale(), texts("sold_on", "2022-03-18")))
	fresh := s.make(s.owner, "sales", key("new"), with(sale(), texts("sold_on", "2022-03-19")))
	s.now += 30 * oneDay // a phone that was offline for a month
	s.send(s.owner, old, fresh)
	if got := s.Row("sales", key("old")).Strings("flags"); len(got) != 1 || got[0] != domain.FlagBackdated {
		t.Errorf("15 days: %v", got)
	}
	if got := s.Row("sales", key("new")).Strings("flags"); got != nil {
		t.Errorf("14 days: %v", got)
	}
}
