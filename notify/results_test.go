package notify_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
)

// TestResultsOfOneMinuteRingOnce: of two applications in one programme, and of two programmes,
// whatever hour it is; those of another minute ring again. Each has its item.
func TestResultsOfOneMinuteRingOnce(t *testing.T) {
	t.Parallel()
	const one, title = "app://hasil/p", "Hasil kurasi sudah terbit"
	for _, tt := range []struct {
		name   string
		hour   int
		second string        // programme of the second
		first  time.Duration // until the second comes
		pushes int
		items  int // in the first push
		link   string
	}{
		{"at once", 10, "p", 0, 1, 2, one},
		{"while the first rings", 10, "p", 20 * time.Second, 1, 1, one},
		{"another minute", 10, "p", 2 * time.Minute, 2, 1, one},
		{"over the night", 22, "p", 40 * time.Second, 1, 2, one},
		{"two programmes at once", 10, "q", 0, 1, 2, "app://kotak-masuk"},
		{"two programmes over the night", 22, "q", 20 * time.Second, 1, 2, "app://kotak-masuk"},
		{"another programme behind the first", 10, "q", 20 * time.Second, 2, 1, one},
	} {
		b := set(t)
		b.at(domain.WIB, 14, tt.hour, 0)
		b.phone("u1", "one")
		told := func(item, programme string) {
			b.also = map[string]string{"deep_link": "app://hasil/" + programme}
			b.item("u1", item, domain.NoticeResults, `{"programme":"`+programme+`"}`)
		}
		told("i1", "p")
		if tt.first > 0 {
			b.rounds(tt.first, time.Second)
		}
		told("i2", tt.second)
		b.rounds(24*time.Hour, 20*time.Second)
		for _, i := range []string{"i1", "i2"} { // by a worker that died before it had noted it
			b.ok(b.Ring(t.Context(), "u1", i))
		}
		b.rounds(time.Hour, 20*time.Second)
		if len(b.got) != tt.pushes {
			t.Errorf("%s: %d pushes: %+v", tt.name, len(b.got), b.got)
			continue
		}
		if p := b.got[0].push; p.Title != title || p.Link != tt.link || len(p.Items) != tt.items || !p.High || tt.pushes == 2 && b.got[1].at.Sub(b.got[0].at) > 3*time.Minute {
			t.Errorf("%s: %+v", tt.name, b.got)
		}
	}
}

// TestResultsOfOneMinuteAreOneMessage to who has no phone that rings.
func TestResultsOfOneMinuteAreOneMessage(t *testing.T) {
	t.Parallel()
	b, p, _ := written(t, 10)
	b.prefs["results_whatsapp"] = "true"
	b.item("siti", "i1", domain.NoticeResults, `{"programme":"p"}`)
	b.item("siti", "i2", domain.NoticeResults, `{"programme":"p"}`)
	b.rounds(time.Minute, time.Second)
	b.item("siti", "i3", domain.NoticeResults, `{"programme":"q"}`)
	b.rounds(10*time.Minute, 10*time.Second)
	if got := p.sent(); len(got) != 2 {
		t.Errorf("written %v", got)
	}
}
