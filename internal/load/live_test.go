package load

import (
	"strings"
	"testing"
	"time"
)

func TestASpreadIsOfWhatWasMeasured(t *testing.T) {
	var all []time.Duration
	for n := range 1000 {
		all = append(all, time.Duration(1000-n)*time.Millisecond)
	}
	if got, want := spread(all), (Spread{501, 951, 991, 1000}); got != want {
		t.Errorf("spread %v, want %v", got, want)
	}
	if got := spread(nil); got != (Spread{}) {
		t.Errorf("spread of nothing: %v", got)
	}
}

func TestAVerdictHoldsEveryBound(t *testing.T) {
	good := Report{Events: 10, PerStream: 39.9, Acked: Spread{P99: 249}, StopClean: true}
	if err := good.Verdict(); err != nil {
		t.Errorf("a good report: %v", err)
	}
	for want, change := range map[string]func(*Report){
		"0 events":        func(r *Report) { r.Events = 0 },
		"1 missing":       func(r *Report) { r.Missing = 1 },
		"KiB a stream":    func(r *Report) { r.PerStream = 40 },
		"p99":             func(r *Report) { r.Acked.P99 = 250 },
		"stop was not cl": func(r *Report) { r.StopClean = false },
	} {
		bad := good
		change(&bad)
		if err := bad.Verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestAnEventOfALaterPushCountsForAnEarlierOne(t *testing.T) {
	at := time.Date(2022, 5, 5, 2, 0, 0, 0, time.UTC)
	u := &user{told: []told{{"a", 1, at}, {"b", 9, at.Add(time.Second)}, {"a", 4, at.Add(2 * time.Second)}}}
	for _, tt := range []struct {
		name string
		p    pushed
		at   time.Time
		ok   bool
	}{
		{"its own", pushed{scope: "a", seq: 4, began: at}, at.Add(2 * time.Second), true},
		{"one that stands for several", pushed{scope: "a", seq: 3, began: at}, at.Add(2 * time.Second), true},
		{"one from before the push", pushed{scope: "b", seq: 9, began: at.Add(3 * time.Second)}, time.Time{}, false},
		{"none", pushed{scope: "a", seq: 5, began: at}, time.Time{}, false},
	} {
		if got, ok := u.heard(tt.p); ok != tt.ok || !got.Equal(tt.at) {
			t.Errorf("%s: %v %v", tt.name, got, ok)
		}
	}
}
