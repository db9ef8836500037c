package load

import (
	"strings"
	"testing"
)

func TestAWakeIsJudgedByEveryBound(t *testing.T) {
	good := func() WakeReport {
		return WakeReport{Phones: 478, Results: map[string]int{"offered": 30, "reserve": 10, "not_selected": 438}, Got: Spread{Max: 120_000}}
	}
	if err := good().Verdict(); err != nil {
		t.Errorf("a good report: %v", err)
	}
	for want, change := range map[string]func(*WakeReport){
		"477 of 478 phones": func(r *WakeReport) { r.Results["offered"]-- },
		"0 of 0 phones":     func(r *WakeReport) { *r = WakeReport{} },
		"after 120.1 s":     func(r *WakeReport) { r.Got.Max = 120_100 },
		"1 answers 5xx":     func(r *WakeReport) { r.Failed = 1 },
		"1 results before":  func(r *WakeReport) { r.Early = 1 },
	} {
		bad := good()
		change(&bad)
		if err := bad.Verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestAPhoneSeesItsResultWhereverItStands(t *testing.T) {
	p := newPhone(0)
	p.sees([]byte(`{"changes":[{"collection":"application","fields":{"state":"submitted"}}]}`))
	if p.heard || p.result != "" {
		t.Errorf("%+v", p)
	}
	p.sees([]byte(`{"fields":{"state":"reserve"}}`))
	p.sees([]byte(`{"fields":{"type":"N06"}}`))
	if !p.heard || p.result != "reserve" {
		t.Errorf("%+v", p)
	}
}
