package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestHintsBeforeAnEntryIsKept(t *testing.T) {
	now := start.Time() // 2022-04-02, 08.00 WIB
	made := func(ago time.Duration) merge.Value { return merge.Millis(now.Add(-ago).UnixMilli()).Value() }
	entry := func(id string, changes ...map[string]merge.Value) merge.Row {
		f := sale()
		for _, c := range changes {
			f = with(f, c)
		}
		return merge.Row{Key: merge.Key{Collection: "sales", ID: id}, Fields: f}
	}
	shop := texts("channel", "marketplace", "marketplace", "shopee", "order_ref", "SP-1")
	late := map[string]merge.Value{"created_at": made(16 * time.Minute)}
	just := map[string]merge.Value{"created_at": made(14 * time.Minute)}
	day := texts("granularity", "daily_total")
	void := map[string]merge.Value{"counted_idr": merge.Num(int64(0)), "state": merge.Str("void"), "effective_sold_on": merge.Str("2022-04-02")}
	tests := []struct {
		name    string
		draft   map[string]merge.Value
		entries []merge.Row
		want    []string
	}{
		{"an ordinary entry", sale(), nil, nil},
		{"the same a moment ago", sale(), []merge.Row{entry("a", just)}, []string{"look_alike a"}},
		{"the same, longer ago", sale(), []merge.Row{entry("a", late)}, nil},
		{"the same, but void", sale(), []merge.Row{entry("a", just, void)}, nil},
		{"another amount", with(sale(), map[string]merge.Value{"amount_idr": merge.Num(int64(5))}), []merge.Row{entry("a", just)}, nil},
		{"an order number in other letters", with(sale(), shop, texts("order_ref", " sp-1")), []merge.Row{entry("a", shop, late)}, []string{"same_order a"}},
		{"the order number of another marketplace", with(sale(), shop, texts("marketplace", "tokopedia")), []merge.Row{entry("a", shop, late)}, nil},
		{"a second total of the day", with(sale(), day), []merge.Row{entry("a", day, late), entry("b", late)}, []string{"same_day_total a"}},
		{"fifteen days ago", with(sale(), texts("sold_on", "2022-03-18")), nil, []string{"backdated"}},
		{"fourteen days ago", with(sale(), texts("sold_on", "2022-03-19")), nil, nil},
		{"the day after tomorrow", with(sale(), texts("sold_on", "2022-04-04")), nil, []string{"date_in_future"}},
		{"a large amount", with(sale(), map[string]merge.Value{"amount_idr": merge.Num(int64(10_000_001))}), nil, []string{"receipt_wanted"}},
		{"a large amount with a receipt", with(sale(), map[string]merge.Value{"amount_idr": merge.Num(int64(10_000_001)), "receipt": merge.Encode([]string{key("photo")})}), nil, nil},
		{"a marketplace without its name", with(sale(), texts("channel", "marketplace")), nil, []string{"place_missing"}},
	}
	for _, tt := range tests {
		var got []string
		for _, h := range domain.SaleHints(tt.draft, tt.entries, now) {
			if len(h.Others) == 0 {
				got = append(got, h.Kind)
			}
			for _, o := range h.Others {
				got = append(got, h.Kind+" "+o)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
