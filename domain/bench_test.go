package domain_test

import (
	"strconv"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// BenchmarkNewSales is the resolver and the rules of the ledger for a commit of 20 new
// sales, which is what an evening brings.
func BenchmarkNewSales(b *testing.B) {
	s := newScene(b)
	var items []merge.Item
	for n := range 20 {
		items = append(items, s.owner.Item(s.Name, merge.Mutation{Collection: "sales", ID: key("sale " + strconv.Itoa(n)), At: at(s.now), Set: map[string]merge.Value{
			"sold_on": merge.Str("2022-04-02"), "amount_idr": merge.Num(20_000 + 500*n), "channel": merge.Str("store"), "granularity": merge.Str("single"), "payment": merge.Str("cash")}}))
	}
	in := s.Input(s.tick(), s.owner.Part(at(s.now), items...))
	fields := 0
	b.ReportAllocs()
	for b.Loop() {
		out := merge.Resolve(in)
		if !out.Need.Empty() || len(out.Records) < 20 {
			b.Fatalf("%+v", out.Need)
		}
		for _, r := range out.Records {
			fields += len(r.Fields)
		}
	}
	b.ReportMetric(float64(fields)/b.Elapsed().Seconds(), "fields/s")
}
