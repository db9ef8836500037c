package play_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// times are those of answers, by what was asked and then by what was decided about who
// asked.
type times map[string]map[string][]time.Duration

func (m times) note(name, state string, took time.Duration) {
	if m[name] == nil {
		m[name] = map[string][]time.Duration{}
	}
	m[name][state] = append(m[name][state], took)
}

// tooFarApart is a distance in standard deviations that chance reaches about twice in a
// billion questions.
const tooFarApart = 6

// alike fails if the answers to any question come sooner for the one than for the other.
func (m times) alike(t testing.TB, one, other string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(m)) {
		a, b := m[name][one], m[name][other]
		if len(a) == 0 || len(a) != len(b) {
			t.Errorf("%s was asked %d and %d times", name, len(a), len(b))
			continue
		}
		z := apart(a, b)
		t.Logf("%-70s median %8v for who is %s, %8v for who is %s, %+.1f standard deviations apart", name, middle(a), one, middle(b), other, z)
		if math.Abs(z) > tooFarApart {
			t.Errorf("%s: time tells them apart", name)
		}
	}
}

func middle(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2].Round(time.Microsecond)
}

// apart says by how many standard deviations the times of a are longer than those of b, by
// the ranks of all of them (the test of Mann and Whitney). No bound on a time is in it:
// where who is asked next was drawn by lot, a slow machine slows both.
func apart(a, b []time.Duration) float64 {
	longer := 0.0 // of all pairs
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				longer++
			case x == y:
				longer += 0.5
			}
		}
	}
	n, m := float64(len(a)), float64(len(b))
	return (longer - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}

// TestTimesThatDifferAreToldApart: on a machine whose answers take between half and one
// and a half milliseconds, 200 answers that take 0.3 ms longer or shorter are found, and
// 200 that do not are not.
func TestTimesThatDifferAreToldApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	draw := func(more time.Duration) (all []time.Duration) {
		for range 200 {
			all = append(all, 500*time.Microsecond+time.Duration(rng.Int64N(int64(time.Millisecond)))+more)
		}
		return all
	}
	for _, c := range []struct {
		name string
		more time.Duration
		told bool
	}{{"the same", 0, false}, {"longer", 300 * time.Microsecond, true}, {"shorter", -300 * time.Microsecond, true}} {
		if z := apart(draw(c.more), draw(0)); (math.Abs(z) > tooFarApart) != c.told {
			t.Errorf("%s: %.1f standard deviations", c.name, z)
		}
	}
}
