package load

import (
	"bytes"
	"strings"
	"testing"
)

func TestOnlyAppliedVerdictsAreCounted(t *testing.T) {
	for text, want := range map[string]int{
		``: 0,
		`{"verdicts":[{"verdict":"applied"},{"verdict":"applied","seq":2}]}`: 2,
		`{"verdicts":[{"verdict":"rejected"},{"verdict":"applied"}]}`:        1,
		`"verdict":"appl`: 0,
	} {
		if got := countApplied([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// TestTheSalesOfARunAreTheSame: two runs send the same numbers, channels and amounts.
func TestTheSalesOfARunAreTheSame(t *testing.T) {
	a, b := newPhone(7), newPhone(7)
	other := newPhone(8)
	for range 50 {
		one, two, three := a.sale(), b.sale(), other.sale()
		if string(one.Set["channel"]) != string(two.Set["channel"]) || string(one.Set["amount_idr"]) != string(two.Set["amount_idr"]) || one.N != two.N {
			t.Fatalf("%v and %v", one.Set, two.Set)
		}
		if one.ID == three.ID {
			t.Fatal("two phones made one id")
		}
	}
}

func TestASpeedReportShowsEveryWorkload(t *testing.T) {
	var b bytes.Buffer
	SpeedReport{Store: "SQLite, a file", Limits: map[string]float64{"bare": 1234}, Workloads: []Workload{{Name: "W1", What: "pushes", PerSecond: 10, RecordsPS: 200}, {Name: "W3", What: "nothing new"}}}.Print(&b)
	for _, want := range []string{"W1", "pushes", "200", "W3", "bare", "1234"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
