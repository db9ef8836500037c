package notify_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
)

// TestSeveralLateSheetsLeadAdminsToTheirPage, and not to the queue of mentors; what waits for
// mentors leads them there.
func TestSeveralLateSheetsLeadAdminsToTheirPage(t *testing.T) {
	for kind, want := range map[string][4]string{
		domain.NoticeLateScore:     {"app://kurasi/p", "app://kurasi/p", "late_score:p", "Lembar nilai datang terlambat"},
		domain.NoticeTaskSubmitted: {"app://tugas/a", "app://pendamping/antrean", "mq", "Menunggu pemeriksaan"},
	} {
		b := set(t)
		b.also = map[string]string{"deep_link": want[0]}
		b.phone("ani", "t1")
		b.item("ani", "i1", kind, `{"programme":"p","number":"LGW-1","stage":1}`)
		b.rounds(time.Minute, time.Second)
		b.item("ani", "i2", kind, `{"programme":"p","number":"LGW-2","stage":1}`)
		b.item("ani", "i3", kind, `{"programme":"p","number":"LGW-3","stage":1}`)
		b.rounds(3*time.Hour, time.Minute)
		if len(b.got) != 2 {
			t.Fatalf("%s: rung %+v", kind, b.got)
		}
		if p := b.got[1].push; len(p.Items) != 2 || p.Link != want[1] || p.Tag != want[2] || p.Title != want[3] {
			t.Errorf("%s: %+v", kind, p)
		}
	}
}
