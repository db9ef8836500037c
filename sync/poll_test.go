package syncer

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPhonesThatCameAtOnceComeBackEvenly: of 10,000 phones about as many ask in each
// tenth of the time in which they do, whatever their names look like.
func TestPhonesThatCameAtOnceComeBackEvenly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const phones, parts = 10_000, 10
		every := 15 * time.Minute
		user, device := rapid.String().Draw(t, "user"), rapid.String().Draw(t, "device")
		perUser := rapid.IntRange(1, 3).Draw(t, "phones of one user")
		low, high := every*8/10, every*12/10
		var count [parts]int
		for n := range phones {
			who := Caller{User: fmt.Sprint(user, n/perUser), Device: fmt.Sprint(device, n%perUser)}
			in := time.Duration(pollIn(every, who)) * time.Second
			if in < low || in >= high || pollIn(every, who) != int(in/time.Second) {
				t.Fatalf("%v asks in %v", who, in)
			}
			count[int((in-low)*parts/(high-low))]++
		}
		for n, c := range count { // 1000 each, and 30 are the deviation of chance
			if c < 820 || c > 1180 {
				t.Fatalf("%d of %d phones ask in part %d of %d: %v", c, phones, n, parts, count)
			}
		}
	})
}

func TestNobodyIsToldToAskAtOnce(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 2 * time.Second, time.Minute} {
		for n := range 100 {
			if in := pollIn(every, Caller{User: fmt.Sprint(n)}); in < 1 {
				t.Errorf("every %v: %d", every, in)
			}
		}
	}
}
