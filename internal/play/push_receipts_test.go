package play_test

import (
	"net/http"
	"testing"
	"time"

	api "github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
)

// TestWhatPhonesNoteIsCounted in the figures of pushes that admins see: once, however often a
// phone sends the same.
func TestWhatPhonesNoteIsCounted(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 2, 0)
	a := n.draft(n.briefing(time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location())))
	n.operate(n.desk, a, "schedule")
	n.w.At(time.May, 30, 8, 0)
	n.look()
	n.ok(n.w.Step(t.Context()))
	counted := func(want api.PushReceipts) {
		t.Helper()
		var f api.PushFigures
		n.ok(n.desk.Send(t.Context(), http.MethodGet, "/v1/admin/push", "", nil, &f))
		if f.Receipts != want {
			t.Errorf("receipts %+v, want %+v", f.Receipts, want)
		}
	}
	n.sync(n.owners...)
	counted(api.PushReceipts{})
	n.ok(n.owners[0].Note(a.ID, false, false))
	n.sync(n.owners...)
	counted(api.PushReceipts{Delivered: 1})
	n.note(n.owners[1], a, true)
	n.sync(n.owners...)
	n.sync(n.owners...)
	counted(api.PushReceipts{Delivered: 2, Read: 1, Acknowledged: 1})
}
