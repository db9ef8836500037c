package webhook_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/notify"
)

func purse(perDay int) *notify.Purse {
	return &notify.Purse{Name: "notices", PerDay: perDay, Counters: &storefault.MemoryIdentity{}, Clock: clock.At(noon()), Log: slog.New(slog.DiscardHandler)}
}

// TestAMessageIsPaidForOnce, however often it is tried, and not at all while the service says
// that it does not take it or nobody is there.
func TestAMessageIsPaidForOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		tries []int // statuses; 0: cut, -1: nobody is there
		spent int
	}{
		{"not taken, and then", []int{503, 503, 429, 401, 202}, 1},
		{"never taken", []int{503, 501, 429, 402, 422}, 0},
		{"nobody knows, again and again", []int{500, 502, 504, 0, 0, 500}, 1},
		{"nobody knows, and then taken", []int{500, 0, 503, 202}, 1},
		{"perhaps taken, and refused at last", []int{0, 422}, 1},
		{"taken twice, since whoever sent it died", []int{202, 202}, 1},
		{"nobody is there", []int{-1, -1, -1}, 0},
		{"perhaps taken, and nobody is there any more", []int{0, -1, -1}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, c := newService(t)
			p := purse(1)
			at := 0
			s.answer = func(w http.ResponseWriter) {
				if tt.tries[at] == 0 {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(tt.tries[at])
			}
			for at = range tt.tries {
				if tt.tries[at] < 0 {
					s.Close()
				}
				f := notify.FailureOf(notify.Paid{Messenger: c, Purse: p}.Send(t.Context(), result()))
				if f != nil && f.Code == "message_cap" {
					t.Errorf("attempt %d is not paid for", at)
				}
			}
			if spent, err := p.Spent(t.Context()); err != nil || spent != tt.spent {
				t.Errorf("spent %d, want %d, %v", spent, tt.spent, err)
			}
		})
	}
}

// TestAServiceThatIsAwayLeavesThePurseFull: hundreds at once, of which the service takes
// none, do not keep the next one from being sent; and of those that it takes there are never
// more than the bound.
func TestAServiceThatIsAwayLeavesThePurseFull(t *testing.T) {
	t.Parallel()
	s, c := newService(t)
	p := purse(3)
	var mu sync.Mutex
	status := http.StatusServiceUnavailable
	s.answer = func(w http.ResponseWriter) {
		mu.Lock()
		defer mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "x")
	}
	all := func(n int) map[string]int {
		codes := map[string]int{}
		var under sync.WaitGroup
		var counted sync.Mutex
		for i := range n {
			under.Go(func() {
				m := result()
				m.ID = fmt.Sprint(i)
				code := "sent"
				if f := notify.FailureOf(notify.Paid{Messenger: c, Purse: p}.Send(t.Context(), m)); f != nil {
					code = f.Code
				}
				counted.Lock()
				codes[code]++
				counted.Unlock()
			})
		}
		under.Wait()
		return codes
	}
	if codes := all(200); codes["message_cap"] > 0 || codes["unavailable"] == 0 {
		t.Errorf("away: %v", codes)
	}
	if spent, err := p.Spent(t.Context()); err != nil || spent != 0 {
		t.Errorf("away: spent %d, %v", spent, err)
	}
	mu.Lock()
	status = http.StatusAccepted
	mu.Unlock()
	if codes := all(200); codes["sent"] != 3 {
		t.Errorf("back: %v", codes)
	}
	if codes := all(10); codes["sent"]+codes["message_cap"] != 10 {
		t.Errorf("spent: %v", codes)
	}
}
