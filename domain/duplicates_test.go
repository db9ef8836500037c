package domain_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestOfOneOrderTheEarliestCounts(t *testing.T) {
	for _, laterFirst := range []bool{true, false} {
		s := newScene(t)
		order := with(sale(), texts("channel", "marketplace", "marketplace", "shopee", "order_ref", " INV-7 "))
		again := with(order, map[string]merge.Value{"order_ref": merge.Str("inv-7"), "amount_idr": merge.Num(99)})
		early := s.make(s.owner, "sales", key("early"), order)
		late := s.make(s.staff, "sales", key("late"), again)
		if laterFirst {
			s.must(s.send(s.staff, late)[0])
			s.must(s.send(s.owner, early)[0])
		} else {
			s.must(s.send(s.owner, early)[0])
			s.must(s.send(s.staff, late)[0])
		}
		if e, l := s.Row("sales", key("early")).Text("duplicate_of"), s.Row("sales", key("late")).Text("duplicate_of"); e != "" || l != key("early") {
			t.Errorf("later first %t: early %q, late %q", laterFirst, e, l)
		}
		if s.told("N25", s.staff.User) == 0 {
			t.Errorf("later first %t: nobody was told", laterFirst)
		}
		// A void entry stands in nobody's way.
		s.must(s.send(s.owner, s.make(s.owner, "sale_adjustment", key("v"), adjust(key("early"), "void", nil, nil)))[0])
		if l := s.Row("sales", key("late")).Text("duplicate_of"); l != "" {
			t.Errorf("later first %t: still a duplicate of a void entry", laterFirst)
		}
		// Another marketplace has numbers of its own.
		s.must(s.send(s.owner, s.make(s.owner, "sales", key("other"), with(again, texts("marketplace", "tokopedia"))))[0])
		if l := s.Row("sales", key("other")).Text("duplicate_of"); l != "" {
			t.Errorf("a number of another marketplace: %q", l)
		}
	}
}

func TestOneTotalADay(t *testing.T) {
	s := newScene(t)
	daily := with(sale(), texts("granularity", "daily_total"))
	s.must(s.send(s.owner, s.make(s.owner, "sales", key("a"), daily))[0])
	s.must(s.send(s.owner, s.make(s.owner, "sales", key("b"), with(daily, map[string]merge.Value{"amount_idr": merge.Num(5)})))[0])
	s.must(s.send(s.owner, s.make(s.owner, "sales", key("c"), with(daily, texts("sold_on", "2022-04-01"))))[0])
	if b, c := s.Row("sales", key("b")).Text("duplicate_of"), s.Row("sales", key("c")).Text("duplicate_of"); b != key("a") || c != "" {
		t.Errorf("b %q, c %q", b, c)
	}
}

func TestTwoPhonesWithOneAmountLookAlike(t *testing.T) {
	s := newScene(t)
	s.must(s.send(s.owner, s.make(s.owner, "sales", key("a"), sale()))[0])
	s.must(s.send(s.owner, s.make(s.owner, "sales", key("same phone"), sale()))[0])
	s.must(s.send(s.staff, s.make(s.staff, "sales", key("b"), sale()))[0])
	s.now += 16 * 60 * 1000
	s.must(s.send(s.staff, s.make(s.staff, "sales", key("later"), sale()))[0])
	for name, want := range map[string][]string{"a": {key("b")}, "later": nil, "b": {key("a"), key("same phone")}} {
		got := s.Row("sales", key(name)).Strings("possible_duplicate")
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got := domain.Totals(s.Rows("sales"), nil); len(got) != 1 || got[0].Entries != 4 {
		t.Errorf("they all count: %+v", got)
	}
}

func TestTotals(t *testing.T) {
	s := newScene(t)
	send := func(name string, change map[string]merge.Value) {
		s.must(s.send(s.owner, s.make(s.owner, "sales", key(name), with(sale(), change)))[0])
		s.now += 3600 * 1000
	}
	adjusted := func(name, kind string, more map[string]merge.Value) {
		p := s.owner
		if kind == "verify" || kind == "reject" {
			p = s.mentor
		}
		s.must(s.send(p, s.make(p, "sale_adjustment", key(kind+name), adjust(key(name), kind, nil, more)))[0])
	}
	send("shop", nil)
	send("refunded", nil)
	send("void", nil)
	send("verified", nil)
	send("rejected", nil)
	send("online", texts("channel", "marketplace", "marketplace", "shopee", "order_ref", "1"))
	send("twice", texts("channel", "marketplace", "marketplace", "shopee", "order_ref", "1"))
	adjusted("refunded", "refund", refund(250_000))
	adjusted("void", "void", nil)
	adjusted("verified", "verify", money(1_250_000))
	adjusted("rejected", "reject", nil)
	rows := s.Rows("sales")
	rows = append(rows, merge.Row{Key: merge.Key{Collection: "sales", ID: key("pending")}, Fields: sale()})
	want := []domain.Total{
		{TotalKey: domain.TotalKey{Day: "2022-04-02", Channel: "marketplace", Marketplace: "shopee"}, Online: true, Sum: domain.Sum{Entries: 1, Amount: 1_250_000}},
		{TotalKey: domain.TotalKey{Day: "2022-04-02", Channel: "store"},
			Sum: domain.Sum{Entries: 5, Unsent: 1, Amount: 6_000_000, Verified: 1_250_000, Rejected: 1_250_000, Pending: 1_250_000}},
	}
	if got := domain.Totals(rows, nil); !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}
