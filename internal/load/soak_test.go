package load

import (
	"strings"
	"testing"
)

// goodSoak is a report in which nothing grew but the database.
func goodSoak() SoakReport {
	r := SoakReport{Done: map[string]int{}, Typed: 10, GaveWay: 3}
	for _, a := range soakActs() {
		r.Done[a.name] = 1
	}
	for n := range 4 {
		r.Resting = append(r.Resting, SoakSample{Goroutines: 26, Heap: 5 << 20, RSS: 60 << 20, Files: 30, Connections: 5, WAL: 31 << 20, File: int64(n+1) << 22, Held: int64(n+1) << 22, Edits: int64(1000 * (n + 1))})
	}
	for range 4 * enoughSamples {
		r.Samples = append(r.Samples, SoakSample{Goroutines: 56, Heap: 14 << 20, RSS: 65 << 20, Files: 54, WAL: 31 << 20})
	}
	return r
}

func TestASoakIsJudgedByEveryBound(t *testing.T) {
	if err := goodSoak().Verdict(); err != nil {
		t.Errorf("a good report: %v", err)
	}
	late := func(change func(*SoakSample)) func(*SoakReport) {
		return func(r *SoakReport) {
			for n := range r.Samples[len(r.Samples)/2:] {
				change(&r.Samples[len(r.Samples)/2+n])
			}
		}
	}
	rest := func(change func(*SoakSample)) func(*SoakReport) { return func(r *SoakReport) { change(&r.Resting[3]) } }
	for want, change := range map[string]func(*SoakReport){
		"wrong answers":                      func(r *SoakReport) { r.Wrong = []string{"x"} },
		"1 are missing":                      func(r *SoakReport) { r.Missing = 1 },
		"2 are there that nobody typed":      func(r *SoakReport) { r.Extra = 2 },
		"of 0 sales":                         func(r *SoakReport) { r.Typed = 0 },
		"no edit met another one":            func(r *SoakReport) { r.GaveWay = 0 },
		`nobody did "stream"`:                func(r *SoakReport) { delete(r.Done, "stream") },
		"fewer than two rests":               func(r *SoakReport) { r.Resting = r.Resting[:1] },
		"7 more goroutines at":               rest(func(s *SoakSample) { s.Goroutines += 7 }),
		"11 more open files at":              rest(func(s *SoakSample) { s.Files += 11 }),
		"1 busy":                             rest(func(s *SoakSample) { s.Busy = 1 }),
		"7 connections":                      rest(func(s *SoakSample) { s.Connections = 7 }),
		"more heap at":                       rest(func(s *SoakSample) { s.Heap += 13 << 20 }),
		"more memory at":                     rest(func(s *SoakSample) { s.RSS += 49 << 20 }),
		"at rest":                            rest(func(s *SoakSample) { s.WAL = 66 << 20 }),
		"an edit needs":                      rest(func(s *SoakSample) { s.Held += 8 << 20 }),
		"and holds":                          rest(func(s *SoakSample) { s.File += 80 << 20 }),
		"under load in the last":             late(func(s *SoakSample) { s.Goroutines += 65 }),
		"more MiB of heap under load":        late(func(s *SoakSample) { s.Heap += 13 << 20 }),
		"more open files under load":         late(func(s *SoakSample) { s.Files += 65 }),
		"a WAL of 193.0 MiB under load":      func(r *SoakReport) { r.Samples[3].WAL = 193 << 20 },
		"more MiB of memory under load in t": late(func(s *SoakSample) { s.RSS += 49 << 20 }),
	} {
		bad := goodSoak()
		change(&bad)
		if err := bad.Verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestTheSharesOfWhatPhonesDoAreAHundred(t *testing.T) {
	sum := 0
	for _, a := range soakActs() {
		sum += a.share
	}
	if sum != 100 {
		t.Errorf("%d", sum)
	}
}

func TestBombsAreJudgedByEveryBound(t *testing.T) {
	good := func() BombReport {
		return BombReport{Kinds: []BombKind{{Name: "a", Count: 1, Before: 50_000_000, Peak: 59_999_999, Most: mostOfBody}}}
	}
	if err := good().Verdict(); err != nil {
		t.Errorf("a good report: %v", err)
	}
	for want, change := range map[string]func(*BombReport){
		"nothing was sent":  func(r *BombReport) { r.Kinds = nil },
		"0 requests":        func(r *BombReport) { r.Kinds[0].Count = 0 },
		"wrong: answered":   func(r *BombReport) { r.Kinds[0].Wrong = []string{"answered 200"} },
		"10.0 MB of memory": func(r *BombReport) { r.Kinds[0].Peak++ },
	} {
		bad := good()
		change(&bad)
		if err := bad.Verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
