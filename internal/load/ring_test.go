package load

import (
	"strings"
	"testing"
)

func TestARingIsJudgedByEveryBound(t *testing.T) {
	good := func() RingReport {
		return RingReport{Results: 478, Phones: 455, Kills: 3, Amid: 1, Shown: map[string]int{"1": 455}, Items: map[string]int{"1": 478}, Texts: 1, Twice: 4, Got: Spread{Max: 120_000}}
	}
	if err := good().Verdict(); err != nil {
		t.Errorf("a good report: %v", err)
	}
	for want, change := range map[string]func(*RingReport){
		"455 phones show cards as map[1:454 2:1]":      func(r *RingReport) { r.Shown = map[string]int{"1": 454, "2": 1} },
		"455 phones show cards as map[0:1 1:454]":      func(r *RingReport) { r.Shown = map[string]int{"1": 454, "0": 1} },
		"0 phones show cards":                          func(r *RingReport) { *r = RingReport{} },
		"478 applicants have notices as map[1:477":     func(r *RingReport) { r.Items = map[string]int{"1": 477, "2": 1} },
		"2 different cards":                            func(r *RingReport) { r.Texts = 2 },
		"1 messages to others":                         func(r *RingReport) { r.Wrong = 1 },
		"1 rang before the instant":                    func(r *RingReport) { r.Early = 1 },
		"the last rang after 120.1 s, wanted within":   func(r *RingReport) { r.Got.Max = 120_100 },
		"never killed amid: nothing was shown by that": func(r *RingReport) { r.Amid = 0 },
	} {
		bad := good()
		change(&bad)
		if err := bad.Verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
