package domain_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// answered is one operation on an application, received at an instant, whose author had seen some.
func answered(n int, op string, at merge.Millis, seen ...string) merge.Row {
	f := map[string]merge.Value{"op": merge.Str(op), "received_at": at.Value(), "stamp": merge.Num(n), "seen": merge.Encode(append([]string{}, seen...))}
	if op == "offer" {
		f["confirm_by"] = merge.Millis(1000).Value()
	}
	return merge.Row{Key: merge.Key{Collection: "application_event", ID: fmt.Sprintf("%03d", n)}, Fields: f}
}

// TestAnAnswerBehindTheDeadlineDecidesNothing: by the receipt of the answer, and not by whether
// somebody wrote down that the offer lapsed.
func TestAnAnswerBehindTheDeadlineDecidesNothing(t *testing.T) {
	submit, offer := answered(1, "submit", 1), answered(2, "offer", 2, "001")
	for name, tt := range map[string]struct {
		more   []merge.Row
		state  string
		review bool
		place  string
	}{
		"nothing":                            {nil, domain.ApplicationOffered, false, domain.PlaceHeld},
		"a yes just in time":                 {[]merge.Row{answered(3, "confirm", 999, "002")}, domain.ApplicationConfirmed, false, domain.PlaceHeld},
		"a yes at the deadline":              {[]merge.Row{answered(3, "confirm", 1000, "002")}, domain.ApplicationLapsed, true, domain.PlaceLeft},
		"and it was written down":            {[]merge.Row{answered(3, "confirm", 1000, "002"), answered(4, "release", 1001, "003")}, domain.ApplicationLapsed, true, domain.PlaceGone},
		"a yes beside the lapse":             {[]merge.Row{answered(3, "lapse", 1000, "002"), answered(4, "confirm", 1001, "002")}, domain.ApplicationLapsed, true, domain.PlaceGone},
		"a late no":                          {[]merge.Row{answered(3, "decline", 1000, "002")}, domain.ApplicationLapsed, false, domain.PlaceLeft},
		"a yes, and a late no":               {[]merge.Row{answered(3, "confirm", 5, "002"), answered(4, "decline", 1000, "002")}, domain.ApplicationConfirmed, true, domain.PlaceHeld},
		"a no, and a late yes":               {[]merge.Row{answered(3, "decline", 5, "002"), answered(4, "confirm", 1000, "002")}, domain.ApplicationDeclined, true, domain.PlaceLeft},
		"a yes and a no":                     {[]merge.Row{answered(3, "confirm", 5, "002"), answered(4, "decline", 6, "002")}, domain.ApplicationOffered, true, domain.PlaceHeld},
		"a yes behind what is gone":          {[]merge.Row{answered(3, "decline", 5, "002"), answered(4, "release", 6, "003"), answered(5, "confirm", 7, "002")}, domain.ApplicationDeclined, true, domain.PlaceGone},
		"withdrawn before, and heard late":   {[]merge.Row{answered(3, "withdraw", 1000, "001")}, domain.ApplicationLapsed, false, domain.PlaceLeft},
		"disqualified, whatever comes later": {[]merge.Row{answered(3, "confirm", 5, "002"), answered(4, "disqualify", 6, "003"), answered(5, "decline", 1000, "002")}, domain.ApplicationDisqualified, false, domain.PlaceGone},
	} {
		ops := append([]merge.Row{submit, offer}, tt.more...)
		state, review, _ := domain.ApplicationState(merge.Row{}, ops)
		if place := domain.ApplicationPlace(merge.Row{}, ops); state != tt.state || review != tt.review || place != tt.place {
			t.Errorf("%s: %s, review %t, place %q; want %s, %t, %q", name, state, review, place, tt.state, tt.review, tt.place)
		}
	}
}

// TestAnAnswerWithoutAnOfferLeadsNowhere until the offer is told, also where each of the two says that
// it has seen the other: after a restore the same result is told again under the same id.
func TestAnAnswerWithoutAnOfferLeadsNowhere(t *testing.T) {
	submit, hold := answered(1, "submit", 1), answered(9, "hold", 2, "001")
	again := answered(2, "offer", 500, "001", "003")
	for name, tt := range map[string]struct {
		ops    []merge.Row
		state  string
		review bool
		place  string
	}{
		"a yes to what was lost":                {[]merge.Row{submit, answered(3, "confirm", 400, "002")}, domain.ApplicationSubmitted, true, ""},
		"and it is told again":                  {[]merge.Row{submit, answered(3, "confirm", 400, "002"), again}, domain.ApplicationConfirmed, false, domain.PlaceHeld},
		"a no to what was lost":                 {[]merge.Row{submit, answered(3, "decline", 400, "002")}, domain.ApplicationSubmitted, false, ""},
		"and that is told again":                {[]merge.Row{submit, answered(3, "decline", 400, "002"), again}, domain.ApplicationDeclined, false, domain.PlaceLeft},
		"both":                                  {[]merge.Row{submit, answered(3, "confirm", 400, "002"), answered(4, "decline", 400, "002"), again}, domain.ApplicationOffered, true, domain.PlaceHeld},
		"a yes out of the reserve":              {[]merge.Row{submit, hold, answered(3, "confirm", 400, "009", "002")}, domain.ApplicationReserve, true, ""},
		"a yes to what never was, and an offer": {[]merge.Row{submit, answered(3, "confirm", 400, "777"), again}, domain.ApplicationConfirmed, false, domain.PlaceHeld},
		"a yes, and withdrawn":                  {[]merge.Row{submit, answered(3, "confirm", 400, "002"), answered(4, "withdraw", 401, "003")}, domain.ApplicationWithdrawn, false, ""},
		"turned down, and a yes behind it":      {[]merge.Row{submit, answered(5, "turn_down", 300, "001"), answered(3, "confirm", 400, "005", "777")}, domain.ApplicationNotSelected, true, ""},
		"submitted anew behind that":            {[]merge.Row{submit, answered(5, "turn_down", 300, "001"), answered(3, "submit", 400, "005", "777")}, domain.ApplicationNotSelected, false, ""},
		"disqualified, and a yes behind it":     {[]merge.Row{submit, answered(2, "offer", 2, "001"), answered(5, "disqualify", 300, "002"), answered(3, "confirm", 400, "005", "777")}, domain.ApplicationDisqualified, false, domain.PlaceGone},
		"a place that is gone, and a yes behind": {[]merge.Row{submit, answered(2, "offer", 2, "001"), answered(4, "decline", 3, "002"), answered(5, "release", 4, "004"), answered(3, "confirm", 400, "005", "777")},
			domain.ApplicationDeclined, true, domain.PlaceGone},
		"a yes that names what is not yet": {[]merge.Row{submit, answered(2, "offer", 2, "001"), answered(3, "confirm", 3, "002", "005"), answered(5, "disqualify", 300, "003")}, domain.ApplicationDisqualified, false, domain.PlaceGone},
	} {
		for range 2 {
			state, review, _ := domain.ApplicationState(merge.Row{}, tt.ops)
			if place := domain.ApplicationPlace(merge.Row{}, tt.ops); state != tt.state || review != tt.review || place != tt.place {
				t.Errorf("%s: %s, review %t, place %q; want %s, %t, %q", name, state, review, place, tt.state, tt.review, tt.place)
			}
			slices.Reverse(tt.ops)
		}
	}
}

// TestAPlaceThatIsGoneStaysGone, and the replay is the same in whatever order operations lie:
// phones answer by what they had seen, however late that arrives.
func TestAPlaceThatIsGoneStaysGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		ops, now, gone := []merge.Row{answered(1, "submit", 1), answered(2, "offer", 2, "001")}, merge.Millis(3), false
		for n := 3; n < 12; n++ {
			now += merge.Millis(rng.IntN(200))
			shown, op := ops, []string{"confirm", "decline", "withdraw", "lapse", "release", "disqualify"}[rng.IntN(6)]
			from := []string{domain.ApplicationOffered}
			switch op {
			case "confirm", "decline", "withdraw":
				shown = ops[:1+rng.IntN(len(ops))] // what the phone had heard of
				if op == "withdraw" {
					from = append(from, domain.ApplicationSubmitted)
				}
			case "release":
				if from = nil; domain.ApplicationPlace(merge.Row{}, ops) == domain.PlaceLeft {
					from = []string{domain.ApplicationDeclined, domain.ApplicationWithdrawn, domain.ApplicationLapsed}
				}
			case "disqualify":
				if from = nil; rng.IntN(4) == 0 {
					from = []string{domain.ApplicationConfirmed, domain.ApplicationDeclined, domain.ApplicationLapsed}
				}
			}
			if state, _, _ := domain.ApplicationState(merge.Row{}, shown); !slices.Contains(from, state) || op == "lapse" && now < 1000 {
				continue
			}
			var seen []string
			for _, o := range shown {
				seen = append(seen, o.ID)
			}
			ops = append(ops, answered(n, op, now, seen...))
			state, review, by := domain.ApplicationState(merge.Row{}, ops)
			is := domain.ApplicationPlace(merge.Row{}, ops) == domain.PlaceGone
			if gone && !is || is && (state == domain.ApplicationOffered || state == domain.ApplicationConfirmed) {
				t.Fatalf("%s brings a place back: %s", op, state)
			}
			gone = is
			other := slices.Clone(ops)
			rng.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
			if s, r, b := domain.ApplicationState(merge.Row{}, other); s != state || r != review || b != by {
				t.Fatalf("in another order: %s %t %s, was %s %t %s", s, r, b, state, review, by)
			}
		}
	})
}

// TestACopyTellsOfThePlace, also one that was written before places were noted.
func TestACopyTellsOfThePlace(t *testing.T) {
	for _, tt := range []struct{ state, place, want string }{
		{"", "", ""}, {domain.ApplicationSubmitted, "", ""}, {domain.ApplicationReserve, "", ""}, {domain.ApplicationWithdrawn, "", ""}, {domain.ApplicationNotSelected, "", ""},
		{domain.ApplicationOffered, "", domain.PlaceHeld}, {domain.ApplicationConfirmed, "", domain.PlaceHeld}, {domain.ApplicationDeclined, "", domain.PlaceGone}, {domain.ApplicationLapsed, "", domain.PlaceGone},
		{domain.ApplicationDeclined, domain.PlaceLeft, domain.PlaceLeft}, {domain.ApplicationWithdrawn, domain.PlaceGone, domain.PlaceGone}, {domain.ApplicationConfirmed, domain.PlaceHeld, domain.PlaceHeld},
	} {
		if got := domain.PlaceOf(newsRow(map[string]any{"state": tt.state, "place": tt.place})); got != tt.want {
			t.Errorf("%q with place %q: %q, want %q", tt.state, tt.place, got, tt.want)
		}
	}
}
