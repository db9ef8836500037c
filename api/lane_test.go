package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/fault"
)

func TestALaneIsSharedByDeviceAndAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(1, 10)
		of := func(user, device string) auth.Identity { return auth.Identity{User: user, Device: device} }
		var in []string
		push := func(user, device string) (code string) {
			done := make(chan string, 1)
			go func() {
				err := l.enter(context.Background(), of(user, device))
				if err == nil {
					in = append(in, device)
					done <- ""
					return
				}
				if after := err.(*fault.Error).After; after < time.Second {
					t.Errorf("%s is told to come back after %v", device, after)
				}
				done <- fault.CodeOf(err)
			}()
			synctest.Wait()
			select {
			case code = <-done:
				return code
			default:
				return "waits"
			}
		}
		for _, tt := range []struct{ user, device, want string }{
			{"ani", "a1", ""}, {"ani", "a1", "rate_limited"}, {"ani", "a2", "waits"}, {"ani", "a3", "rate_limited"}, {"budi", "b1", "waits"}, {"budi", "b1", "rate_limited"},
		} {
			if got := push(tt.user, tt.device); got != tt.want {
				t.Errorf("a push of %s is told %q, want %q", tt.device, got, tt.want)
			}
		}
		for _, device := range []string{"a1", "a2", "b1"} {
			if in[len(in)-1] != device {
				t.Fatalf("%q were let in", in)
			}
			l.leave(of(map[bool]string{true: "ani", false: "budi"}[device[0] == 'a'], device))
			synctest.Wait()
		}
		if len(l.under) != 0 || l.gate.free != 1 {
			t.Errorf("%v are left, %d free", l.under, l.gate.free)
		}
		if got := push("citra", "c1"); got != "" {
			t.Error(got)
		}
		if got := push("dewi", "d1"); got != "waits" {
			t.Error(got)
		}
		<-time.After(lanePatience + time.Millisecond)
		synctest.Wait()
		if l.under["device/d1"] != 0 || l.gate.waiting != 0 {
			t.Error("who gave up still has a place")
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
