package clock_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
)

func TestFixedMovesOnlyWhenTold(t *testing.T) {
	start := time.Date(2022, 4, 2, 8, 0, 0, 1_999_999, time.FixedZone("WIB", 7*3600))
	c := clock.At(start)
	if got, want := c.Now(), time.Date(2022, 4, 2, 1, 0, 0, 1_000_000, time.UTC); !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("now %v, want %v in UTC", got, want)
	}
	before := c.Now()
	if got := c.Advance(time.Hour); got.Sub(before) != time.Hour || !c.Now().Equal(got) {
		t.Errorf("advanced to %v from %v", got, before)
	}
	c.Set(before.Add(-time.Hour))
	if got := c.Now(); before.Sub(got) != time.Hour {
		t.Errorf("set back to %v from %v", got, before)
	}
}

func TestSystemIsUTCInMilliseconds(t *testing.T) {
	now := clock.System{}.Now()
	if now.Location() != time.UTC || now.Nanosecond()%int(time.Millisecond) != 0 {
		t.Errorf("now %v is not UTC in whole milliseconds", now)
	}
}
