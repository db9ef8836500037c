package notify_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// TestWhatIsRefusedIsWritten: whether the defect is ours or that of one phone, its person hears
// of a result, once; where another phone of theirs rings, and of what they want no message about,
// nothing is written.
func TestWhatIsRefusedIsWritten(t *testing.T) {
	t.Parallel()
	refused := &notify.Failure{Class: notify.Refused, Code: "invalid_argument", Cause: context.Canceled}
	strange := &notify.Failure{Class: notify.Refused, Code: "odd_status", Local: true, Cause: context.Canceled}
	local := &notify.Failure{Class: notify.Broken, Code: "vapid_refused", Local: true, Cause: context.Canceled}
	for _, tt := range []struct {
		name   string
		kind   string
		phones []string
		wants  string
		fails  *notify.Failure
		times  int
		want   []string
	}{
		{"by the only phone's provider", "N06", []string{"one"}, "true", refused, 1, []string{"whatsapp +628117000123 N06"}},
		{"for each of two phones", "N06", []string{"one", "two"}, "true", refused, 2, []string{"whatsapp +628117000123 N06"}},
		{"by the service of the only phone", "N06", []string{"one"}, "true", strange, 1, []string{"whatsapp +628117000123 N06"}},
		{"by the service of one of two", "N06", []string{"one", "two"}, "true", strange, 1, nil},
		{"where no message is wanted", "N06", []string{"one"}, "false", refused, 1, nil},
		{"about a task", "N10", []string{"one"}, "true", refused, 1, nil},
		{"by one phone until it is given up", "N06", []string{"one"}, "true", local, 12, []string{"whatsapp +628117000123 N06"}},
		{"by one of two until it is given up", "N06", []string{"one", "two"}, "true", local, 12, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, p, _ := written(t, 10)
			b.prefs["results_whatsapp"] = tt.wants
			for _, phone := range tt.phones {
				b.phone("siti", phone)
			}
			if tt.fails.Local && len(tt.phones) == 2 {
				b.Senders["fcm"] = picky{b, "one", tt.fails}
			} else {
				for range tt.times {
					b.fails = append(b.fails, tt.fails)
				}
			}
			b.item("siti", "i1", tt.kind, "")
			b.rounds(5*time.Hour, 2*time.Minute)
			if got := p.sent(); !slices.Equal(got, tt.want) || b.outcomes()["fcm dead "+tt.fails.Code] == 0 {
				t.Errorf("written %q, %v", got, b.outcomes())
			}
		})
	}
}

// picky is a provider that takes no push to one address.
type picky struct {
	*bell
	address string
	says    error
}

// Send keeps the promise of notify.Sender.
func (p picky) Send(ctx context.Context, to store.Address, push notify.Push) error {
	if to.Value == p.address {
		return p.says
	}
	return p.bell.Send(ctx, to, push)
}
