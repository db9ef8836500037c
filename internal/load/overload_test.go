package load

import (
	"strings"
	"testing"
)

func TestAnOverloadIsJudgedByEveryBound(t *testing.T) {
	good := OverloadReport{Within: 250, Accepted: Spread{P99: 249}, Pushes: Share{10, 5}, Looks: Share{10, 5}, Refused: 5, Probed: 2, Probes: Spread{Max: 999}, RSS: 299_999_999, Typed: 10}
	if err := good.Verdict(); err != nil {
		t.Errorf("a good report: %v", err)
	}
	for want, change := range map[string]func(*OverloadReport){
		"p99":                  func(r *OverloadReport) { r.Accepted.P99 = 250 },
		"of 10 pushes 4":       func(r *OverloadReport) { r.Pushes.Accepted = 4 },
		"of 0 pushes":          func(r *OverloadReport) { r.Pushes = Share{} },
		"0 refused":            func(r *OverloadReport) { r.Refused = 0 },
		"1 of them without":    func(r *OverloadReport) { r.NoWord = 1 },
		"1 answered otherwise": func(r *OverloadReport) { r.Wrong = 1 },
		"1 of 2 probes":        func(r *OverloadReport) { r.Unwell = 1 },
		"0 of 0 probes":        func(r *OverloadReport) { r.Probed = 0 },
		"slowest in 1000.0 ms": func(r *OverloadReport) { r.Probes.Max = 1000 },
		"bytes of memory":      func(r *OverloadReport) { r.RSS = 300_000_000 },
		"-1 of 10 sales":       func(r *OverloadReport) { r.Missing = -1 },
		"0 of 0 sales":         func(r *OverloadReport) { r.Typed = 0 },
	} {
		bad := good
		change(&bad)
		if err := bad.Verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
