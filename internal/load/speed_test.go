package load

import (
	"bytes"
	"slices"
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

// TestASpeedIsJudgedByWhatNoMachineMoves: bytes, memory, the start and the growth, and never
// by how fast it was.
func TestASpeedIsJudgedByWhatNoMachineMoves(t *testing.T) {
	fresh := func() SpeedReport {
		return SpeedReport{OpenedIn: 0.99, Workloads: []Workload{{Name: "W1", What: "pushes", PerSecond: 1, RSS: 149_999_999}, {Name: "W2", What: "1 new phones pull 10000 records each, plain", Requests: 2, Records: 20_000, Got: 7e6},
			{Name: "W2", What: "1 new phones pull 10000 records each, gzip", Requests: 2, Records: 20_000, Got: 700_000}, {Name: "W2", What: "1 new phones pull 10000 records each, zstd", Requests: 2, Records: 20_000, Got: 500_000},
			{Name: "W3", What: "nothing new", PerSecond: 100}, {Name: "W3 (W6)", What: "nothing new", PerSecond: 75}}}
	}
	if err := fresh().Verdict(); err != nil {
		t.Errorf("a good report: %v", err)
	}
	for want, change := range map[string]func(*SpeedReport){
		"bytes of memory":                   func(r *SpeedReport) { r.Workloads[0].RSS++ },
		"gzip: 700001 bytes":                func(r *SpeedReport) { r.Workloads[2].Got++ },
		"zstd: 500001 bytes":                func(r *SpeedReport) { r.Workloads[3].Got++ },
		"ready 1.00 s":                      func(r *SpeedReport) { r.OpenedIn = 1 },
		"nothing new: 74 requests a second": func(r *SpeedReport) { r.Workloads[5].PerSecond = 74 },
	} {
		bad := fresh()
		change(&bad)
		if err := bad.Verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestOnlyWorkloadsThatThereAre: a name that is none is refused before anything is made,
// and each that is one is a workload.
func TestOnlyWorkloadsThatThereAre(t *testing.T) {
	trial := &trial{plan: SpeedPlan{Connections: 1, Records: 20}, fleet: &fleet{}}
	for _, tt := range []struct {
		only, store string
		small       bool // no larger size
		runs        string
	}{
		{only: "", runs: "W1 W2 W2 W2 W2 W2 W3 W4 W5 | W1 W2 W2 W2 W2 W2 W3 W4 W5"},
		{only: "W1", runs: "W1 | W1"}, {only: "W3, W5", runs: "W3 W5 | W3 W5"}, {only: "W4", small: true, runs: "W4 | W4"},
		{only: "W6", runs: " | W3 W4"}, {only: "W6,W4", runs: "W4 | W3 W4"},
		{only: "W7"}, {only: "w1"}, {only: "W1,"}, {only: "W1 W2"}, {only: "W6", small: true}, {only: "W6", store: "mongodb://127.0.0.1:1"},
	} {
		p := SpeedPlan{Only: tt.only, Store: tt.store, Larger: !tt.small}
		if err := p.Check(); (err == nil) != (tt.runs != "") {
			t.Errorf("%+v: %v", tt, err)
		}
		if tt.runs == "" {
			if _, err := Speed(t.Context(), p); err == nil || err.Error() != p.Check().Error() {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		var sizes []string
		for _, first := range []bool{true, false} {
			var names []string
			for _, w := range trial.workloads(first) {
				if p.wants(w) {
					names = append(names, w.name[:2])
				}
			}
			sizes = append(sizes, strings.Join(names, " "))
		}
		if got := strings.Join(sizes, " | "); got != tt.runs {
			t.Errorf("-only %q runs %q, want %q", tt.only, got, tt.runs)
		}
	}
	for _, w := range trial.workloads(false) {
		if !slices.Contains(workloadNames, w.name[:2]) {
			t.Errorf("%s has no name to ask for it", w.name)
		}
	}
}
