package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
)

// cars are large pushes in a lane.
type cars struct {
	*testing.T
	lane  *lane
	clock *clock.Fixed
	in    []string // devices, in the order in which they got a place
	leave map[string]func()

	entered chan string // one for each of in
}

// push gives what a large push of a device is told, and "waits" if that is nothing yet.
func (c *cars) push(user, device string) string {
	done := make(chan string, 1)
	go func() {
		leave, err := c.lane.enter(context.Background(), auth.Identity{User: user, Device: device})
		if f, ok := errors.AsType[*fault.Error](err); ok {
			if f.After < time.Second {
				c.Errorf("%s is told to come back after %v", device, f.After)
			}
			done <- f.Code
			return
		}
		c.in, c.leave[device] = append(c.in, device), leave
		c.entered <- device
		done <- ""
	}()
	synctest.Wait()
	select {
	case code := <-done:
		return code
	default:
		return "waits"
	}
}

func (c *cars) goes(device string) {
	c.leave[device]()
	synctest.Wait()
}

func startLane(t *testing.T) *cars {
	at := clock.At(time.Unix(1_700_000_000, 0))
	return &cars{T: t, lane: newLane(1, 10, at), clock: at, leave: map[string]func(){}, entered: make(chan string, 10)}
}

func TestALaneIsSharedByDeviceAndAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startLane(t)
		for _, tt := range []struct{ user, device, want string }{
			{"ani", "a1", ""}, {"ani", "a1", "rate_limited"}, {"ani", "a2", "waits"}, {"ani", "a3", "rate_limited"}, {"budi", "b1", "waits"}, {"budi", "b1", "rate_limited"},
		} {
			if got := c.push(tt.user, tt.device); got != tt.want {
				t.Errorf("a push of %s is told %q, want %q", tt.device, got, tt.want)
			}
		}
		for _, device := range []string{"a1", "a2", "b1"} {
			if c.in[len(c.in)-1] != device {
				t.Fatalf("%q were let in", c.in)
			}
			c.goes(device)
		}
		if len(c.lane.under) != 0 || c.lane.gate.free != 1 {
			t.Errorf("%v are left, %d free", c.lane.under, c.lane.gate.free)
		}
	})
}

func TestWhoWaitsTooLongForALaneHasNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startLane(t)
		if one, two := c.push("ani", "a1"), c.push("budi", "b1"); one != "" || two != "waits" {
			t.Fatal(one, two)
		}
		<-time.After(lanePatience + time.Millisecond)
		synctest.Wait()
		if len(c.lane.under) != 2 || c.lane.gate.waiting != 0 {
			t.Errorf("%v are there, %d wait", c.lane.under, c.lane.gate.waiting)
		}
	})
}

// TestAPlaceRestsForAsLongAsItWasWorkedAt, and its owner may come again at once.
func TestAPlaceRestsForAsLongAsItWasWorkedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startLane(t)
		c.push("ani", "a1")
		c.clock.Advance(300 * time.Millisecond)
		c.goes("a1")
		began := time.Now()
		if got := c.push("ani", "a1"); got != "waits" {
			t.Errorf("told %q", got)
		}
		<-c.entered // the first time
		<-c.entered
		synctest.Wait()
		if took := time.Since(began).Round(time.Millisecond); took < 300*time.Millisecond || took > 302*time.Millisecond {
			t.Errorf("it rested for %v", took)
		}
		c.clock.Advance(time.Minute)
		c.goes("a1")
		<-time.After(laneRest)
		synctest.Wait()
		if c.lane.gate.free != 1 {
			t.Error("it rests for more than it may")
		}
	})
}

// TestABudgetIsNeitherMadeNorLost: whatever is taken, given back and asked for, what
// got through is what the budget was and what came in since.
func TestABudgetIsNeitherMadeNorLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{Max: rapid.IntRange(1, 2000).Draw(t, "max"), Per: time.Minute}
		m := newMeter("x", rate)
		began := time.Unix(1_700_000_000, 0)
		now, through := began, 0
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
			n := rapid.IntRange(1, 1000).Draw(t, "n")
			_, asked := m.short("who", now, float64(n))
			_, wait := m.take("who", now, float64(n))
			if asked != wait {
				t.Fatalf("asked it says %v, taken %v", asked, wait)
			}
			if wait > 0 {
				if _, wait := m.short("who", now.Add(wait+time.Millisecond), float64(n)); wait > time.Millisecond {
					t.Fatalf("told to come back, and then to wait %v more", wait)
				}
				continue
			}
			if rapid.Bool().Draw(t, "back") && n <= rate.Max { // what is owed is not given back in the house
				m.giveBack("who", now, float64(n))
				continue
			}
			through += n
		}
		budget := float64(rate.Max) + now.Sub(began).Seconds()*m.perSecond()
		if over := float64(through) - budget; over > 1000 { // the last one may owe
			t.Fatalf("%d got through of %.0f", through, budget)
		}
	})
}
