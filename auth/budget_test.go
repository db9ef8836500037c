package auth

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/store"
)

// A budget never allows more than Max events in any window, however they come,
// and never refuses for longer than it says.
func TestNoWindowHoldsMoreThanItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Limit {
			return Limit{rapid.IntRange(1, 100).Draw(t, "max"), time.Duration(rapid.IntRange(1, 5000).Draw(t, "window")) * time.Second}
		}), 1, 3).Draw(t, "limits")
		now := time.Date(2022, 5, 5, 0, 0, 0, 0, time.UTC)
		var tally store.Tally
		var taken []time.Time
		for range rapid.IntRange(1, 300).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 60_000).Draw(t, "gap")) * time.Millisecond)
			after := wait(tally, limits, now)
			if after > 0 {
				if later := wait(tally, limits, now.Add(after)); later > 0 {
					t.Fatalf("told to wait %s, and then %s more", after, later)
				}
				continue
			}
			mark(&tally, limits, now)
			taken = append(taken, now)
			for _, l := range limits {
				n := 0
				for _, at := range taken {
					if at.After(now.Add(-l.Window)) {
						n++
					}
				}
				if n > l.Max {
					t.Fatalf("%d events in %s, limit %d", n, l.Window, l.Max)
				}
			}
		}
	})
}

func TestATakenEventCanBeGivenBack(t *testing.T) {
	at, limits := time.Date(2022, 5, 5, 0, 0, 0, 0, time.UTC), []Limit{{1, time.Hour}}
	var tally store.Tally
	unmark(&tally)
	mark(&tally, limits, at)
	if wait(tally, limits, at) != time.Hour {
		t.Error("a full budget allows more")
	}
	unmark(&tally)
	if wait(tally, limits, at) != 0 {
		t.Error("an event given back still counts")
	}
}

func TestTheTokenCacheIsBounded(t *testing.T) {
	var c Verified
	for i := range 5 * cacheHalf {
		var h [32]byte
		h[0], h[1], h[2] = byte(i), byte(i>>8), byte(i>>16)
		c.put(h, Identity{User: "u"})
	}
	if n := len(c.young) + len(c.old); n > 2*cacheHalf {
		t.Errorf("%d tokens are remembered, want at most %d", n, 2*cacheHalf)
	}
}
