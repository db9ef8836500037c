package domain_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestTotalsTellExhibitionsApartAndMarkWhatIsUnsent(t *testing.T) {
	at := func(name, day, channel, place string, amount int64) merge.Row {
		f := with(sale(), texts("sold_on", day, "channel", channel), map[string]merge.Value{"amount_idr": merge.Num(amount)})
		if channel == "exhibition" {
			f["exhibition_id"] = merge.Str(place)
		}
		return merge.Row{Key: merge.Key{Collection: "sales", ID: name}, Version: 3, Fields: f}
	}
	mall, harbour := key("mall"), key("harbour")
	rows := []merge.Row{at("a", "2022-06-01", "exhibition", mall, 100), at("b", "2022-06-01", "exhibition", harbour, 10), at("c", "2022-06-01", "exhibition", mall, 1)}
	got := domain.Totals(rows, func(entry string) bool { return entry == "c" })
	want := []domain.Total{
		{TotalKey: domain.TotalKey{Day: "2022-06-01", Channel: "exhibition", Exhibition: mall}, Sum: domain.Sum{Entries: 2, Unsent: 1, Amount: 101, Pending: 1}},
		{TotalKey: domain.TotalKey{Day: "2022-06-01", Channel: "exhibition", Exhibition: harbour}, Sum: domain.Sum{Entries: 1, Amount: 10}},
	}
	slices.SortFunc(want, func(a, b domain.Total) int { return slices.Compare([]byte(a.Exhibition), []byte(b.Exhibition)) })
	if !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	s := domain.Summarise(got, "2022-06-01", "2022-06-06")
	if len(s.Exhibitions) != 2 || s.Exhibitions[0].Key != mall || s.Exhibitions[0].Amount != 101 || s.Offline.Amount != 111 || s.All.Unsent != 1 {
		t.Errorf("%+v", s)
	}
}

// The parts of a summary are the whole, whatever was sold: what report writers
// call reconciliation.
func TestPartsOfASummaryAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []merge.Row
		for i := range rapid.IntRange(0, 30).Draw(t, "entries") {
			f := map[string]merge.Value{
				"effective_channel": merge.Str(rapid.SampledFrom(domain.Channels()).Draw(t, "channel")),
				"effective_sold_on": merge.Str(fmt.Sprintf("2022-05-%02d", rapid.IntRange(1, 31).Draw(t, "day"))),
				"counted_idr":       merge.Num(rapid.Int64Range(0, 10_000_000_000).Draw(t, "amount")),
				"verified":          merge.Flag(rapid.Bool().Draw(t, "verified")),
			}
			switch merge.AsString(f["effective_channel"]) {
			case "marketplace":
				f["effective_marketplace"] = merge.Str(rapid.SampledFrom([]string{"shopee", "tokopedia"}).Draw(t, "marketplace"))
			case "exhibition":
				f["effective_exhibition_id"] = merge.Str(rapid.SampledFrom([]string{"mall", "harbour"}).Draw(t, "exhibition"))
			}
			rows = append(rows, merge.Row{Key: merge.Key{Collection: "sales", ID: fmt.Sprint(i)}, Version: merge.Seq(rapid.IntRange(0, 1).Draw(t, "version")), Fields: f})
		}
		totals := domain.Totals(rows, nil)
		whole := domain.Summarise(totals, "", "")
		early, late := domain.Summarise(totals, "", "2022-05-15"), domain.Summarise(totals, "2022-05-16", "")
		add := func(parts []domain.Part) (s domain.Sum) {
			for _, p := range parts {
				s = s.Plus(p.Sum)
			}
			return s
		}
		channel := func(name string) (s domain.Sum) {
			for _, p := range whole.Channels {
				if p.Key == name {
					s = p.Sum
				}
			}
			return s
		}
		for name, got := range map[string]domain.Sum{"online and offline": whole.Online.Plus(whole.Offline), "days": add(whole.Days),
			"channels": add(whole.Channels), "two halves": early.All.Plus(late.All)} {
			if got != whole.All {
				t.Errorf("%s: %+v, want %+v", name, got, whole.All)
			}
		}
		if add(whole.Marketplaces) != channel("marketplace") || add(whole.Exhibitions) != channel("exhibition") {
			t.Errorf("marketplaces %+v, exhibitions %+v of %+v", whole.Marketplaces, whole.Exhibitions, whole.Channels)
		}
	})
}

func TestAWeekIsFromMondayToSunday(t *testing.T) {
	for day, monday := range map[domain.Date]domain.Date{"2022-05-16": "2022-05-16", "2022-05-18": "2022-05-16", "2022-05-22": "2022-05-16",
		"2022-05-23": "2022-05-23", "2022-05-01": "2022-04-25", "2023-01-01": "2022-12-26"} {
		if from, to := domain.Week(day); from != monday || to != monday.AddDays(6) || from.Weekday() != time.Monday {
			t.Errorf("%s lies in %s … %s", day, from, to)
		}
	}
	if from, to := domain.Week("no day"); from != "" || to != "" {
		t.Errorf("%q %q", from, to)
	}
}
