package merge_test

import (
	"strconv"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// merged is one commit of edits, each of which brings values for five fields to a
// record that has them, and how many values that are.
func merged(b *testing.B, records int, bases func(*box) *merge.Base) (in *merge.Input, values int) {
	x := newBox(b, things(b, merge.Keep))
	var made, edits []merge.Item
	for n := range records {
		m := put(thingID(strconv.Itoa(n)), nil, x.now, set("note", "a", "color", "red", "title", "Rajut"))
		m.Set["first"], m.Set["last"] = merge.Num(n+1), merge.Num(n)
		made = append(made, x.owner.Item(x.Name, m))
	}
	x.send(x.owner, made...)
	first := bases(x)
	var others []merge.Item
	for n := range records {
		others = append(others, x.staff.Item(x.Name, put(thingID(strconv.Itoa(n)), x.base(), x.now, set("note", "b", "color", "blue", "title", "Rajut Metro"))))
	}
	x.send(x.staff, others...)
	if first == nil {
		first = x.base()
	}
	for n := range records {
		m := put(thingID(strconv.Itoa(n)), first, x.now, set("note", "c", "color", "green", "title", "Rajut Metro Jaya"))
		m.Set["first"], m.Set["last"] = merge.Num(n), merge.Num(n+1)
		edits = append(edits, x.owner.Item(x.Name, m))
	}
	return x.Input(x.now+1000, x.owner.Part(at(x.now+1000), edits...)), 5 * records
}

// BenchmarkResolve is the resolver by itself: fields merged a second, everything that
// a commit decides beside them included.
func BenchmarkResolve(b *testing.B) {
	for _, c := range []struct {
		name  string
		bases func(*box) *merge.Base
	}{
		{"seen", func(*box) *merge.Base { return nil }},              // the author had seen what is there
		{"concurrent", func(x *box) *merge.Base { return x.base() }}, // not: three of five fields have a loser for the journal
	} {
		b.Run(c.name, func(b *testing.B) {
			in, values := merged(b, 100, c.bases)
			b.ReportAllocs()
			for b.Loop() {
				if out := merge.Resolve(in); !out.Need.Empty() || len(out.Records) < 100 {
					b.Fatalf("%+v", out.Need)
				}
			}
			b.ReportMetric(float64(values)*float64(b.N)/b.Elapsed().Seconds(), "fields/s")
		})
	}
}
