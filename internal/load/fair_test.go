package load

import (
	"strings"
	"testing"
)

func TestFairnessIsJudgedByEveryBound(t *testing.T) {
	good := func() FairReport {
		return FairReport{Parts: []FairPart{
			{Name: "alone", Asked: 100, Push: Spread{P99: 20}, Pull: Spread{P99: 5}},
			{Name: "many", Back: 10, Asked: 100, Push: Spread{P99: 249}, Pull: Spread{P99: 149}, Waits: 5, Typed: 10},
			{Name: "again", Asked: 100, Push: Spread{P99: 10}, Pull: Spread{P99: 60}},
		}}
	}
	if err := good().Verdict(); err != nil {
		t.Errorf("a good report: %v", err)
	}
	slow := good()
	slow.Parts[2].Push.P99, slow.Parts[1].Push.P99, slow.Parts[1].Pull.P99 = 200, 599, 179
	if err := slow.Verdict(); err != nil {
		t.Errorf("a machine with other work: %v", err)
	}
	busy := good()
	busy.Parts[0].Refused, busy.Parts[1].Refused = 3, 3
	if err := busy.Verdict(); err != nil {
		t.Errorf("no more are refused than alone: %v", err)
	}
	for want, change := range map[string]func(*FairReport){
		"2 of 100 requests of others": func(r *FairReport) { r.Parts[1].Refused = 2 },
		"0 of 0 requests of others":   func(r *FairReport) { r.Parts[0].Asked = 0 },
		"pushes 250.0 ms":             func(r *FairReport) { r.Parts[1].Push.P99 = 250 },
		"pulls 180.0 ms":              func(r *FairReport) { r.Parts[1].Pull.P99 = 180 },
		"1 told to wait":              func(r *FairReport) { r.Parts[1].NoWord = 1 },
		"-1 of 10 sales":              func(r *FairReport) { r.Parts[1].Missing = -1 },
		"0 of 0 sales":                func(r *FairReport) { r.Parts[1].Typed = 0 },
		"nothing was measured":        func(r *FairReport) { r.Parts = nil },
	} {
		bad := good()
		change(&bad)
		if err := bad.Verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
